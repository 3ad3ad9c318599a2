"""The demo, loaded into the shipped configuration through the one door."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.access.principal import SYSTEM
from app.database.automation_tables import delivery, message
from app.demo.organisation import demo_organisation
from app.services import Services, open_services
from tests.demo import DEMO, build_demo, demo_settings

# One worker does them all, and the walks through it: the demo is told once.
pytestmark = pytest.mark.xdist_group("demo")


@pytest.fixture(scope="module")
def crm(template_database, databases, tmp_path_factory):
    """The services of an installation that holds the demo."""
    name = databases.create(template_database(DEMO, build_demo))
    services = open_services(demo_settings(databases.url(name), tmp_path_factory.mktemp("data")))
    yield services
    services.close()
    databases.drop(name)


def count(crm: Services, principal, entity: str, condition: str | None = None) -> int:
    page = crm.records.query(principal, entity, filter=condition, limit=1, count="exact")
    return page.count.number


def person(crm: Services, login: str):
    number = crm.records.query(SYSTEM, "user", where={"login": login}, fields="login").rows[0].id
    return crm.organisation.principal(number)


def test_every_entity_has_records(crm):
    entities = crm.live.release.catalog.entities.values()
    own = [e.name for e in entities if e.lines_of is None]
    counts = {name: count(crm, SYSTEM, name) for name in own}
    assert min(counts.values()) > 0
    assert 1800 < sum(counts.values()) < 2300


def test_the_organisation_has_its_reporting_line(crm):
    boss, manager, seller = (person(crm, login) for login in ("he.jun", "chen.wei", "li.na"))
    assert seller.user_id in manager.subordinates
    assert manager.user_id in boss.subordinates
    assert boss.user_id not in manager.subordinates
    for user in demo_organisation().users:
        assert person(crm, user.login).roles == set(user.roles)


def test_contracts_were_approved_before_they_were_signed_and_some_still_wait(crm):
    signed = count(crm, SYSTEM, "contract", "stage != 'pending'")
    assert count(crm, SYSTEM, "contract", "approval.state == 'approved'") >= signed > 20
    assert (
        count(crm, SYSTEM, "contract", "stage != 'pending' and approval.state != 'approved'") == 0
    )
    with crm.pools.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(delivery)).scalar() == 0
        old = message.c.created_at < crm.clock.now() - timedelta(days=8)
        unread = sa.select(sa.func.count()).where(old, message.c.read_at.is_(None))
        assert connection.execute(unread).scalar() == 0


@pytest.mark.parametrize("entity", ["lead", "customer", "opportunity", "quote", "contract"])
def test_each_sees_what_the_role_says(crm, entity):
    people = [person(crm, login) for login in ("lin.yue", "sun.hao", "wang.fang", "li.na")]
    own = {one.name: count(crm, one, entity, "owner == me") for one in people}
    if entity not in ("contract", "quote"):  # whoever is asked to approve one may read it
        assert own == {one.name: count(crm, one, entity) for one in people}
    manager = person(crm, "chen.wei")
    of_manager = count(crm, manager, entity, "owner == me")
    assert count(crm, manager, entity) == sum(own.values()) + of_manager
    everything = count(crm, SYSTEM, entity)
    assert count(crm, person(crm, "he.jun"), entity) == everything
    assert count(crm, manager, entity) < everything


def test_quotes_wait_for_the_manager(crm):
    manager = person(crm, "chen.wei")
    waiting, _ = crm.approvals.listed(manager, "waiting", limit=25)
    assert len(waiting) == crm.approvals.count_waiting(manager) > 1
    quote = crm.live.release.numbers["quote"]
    assert {one.entity for one in waiting} >= {quote}


def test_records_were_made_when_it_happened_by_whom_it_was(crm):
    shown = "created_at,owner_since,created_by,owner"
    page = crm.records.query(SYSTEM, "customer", fields=shown, sort="created_at", limit=100)
    moments = [row["created_at"] for row in page]
    assert len({moment.date() for moment in moments}) > 50
    assert all(row["created_by"] == row["owner"] for row in page)
    assert all(row["owner_since"] == row["created_at"] for row in page)


def test_contracts_add_up(crm):
    """What is planned is the contract to the cent, and nobody paid too much."""
    assert count(crm, SYSTEM, "contract", "stage != 'pending' and planned_amount != amount") == 0
    assert (
        count(crm, SYSTEM, "contract", "received_amount > amount or invoiced_amount > amount") == 0
    )
    assert count(crm, SYSTEM, "contract", "received_rate > 5 and received_rate < 100") > 0
    assert count(crm, SYSTEM, "contract", "received_amount == amount and received_rate != 100") == 0


def test_a_customer_adds_up_its_contracts(crm):
    shown = "contract_total,received_total,unreceived_total,contract_count"
    page = crm.records.query(SYSTEM, "customer", fields=shown, sort="-contract_total", limit=5)
    for row in page:
        contracts = crm.records.query(
            SYSTEM,
            "contract",
            fields="amount,received_amount",
            where={"customer": row.id},
            limit=100,
        )
        assert row["contract_count"] == len(contracts)
        assert row["contract_total"] == sum(one["amount"] for one in contracts)
        assert row["received_total"] == sum(one["received_amount"] for one in contracts)
        assert row["unreceived_total"] == row["contract_total"] - row["received_total"]


@pytest.mark.parametrize(
    ("entity", "condition"),
    [
        ("customer", "silent_days > 30"),
        ("customer", "silent_days < 8"),
        ("customer", "last_contacted_at is empty"),
        ("customer", "open_amount > 0"),
        ("lead", "converted"),
        ("opportunity", "stage == 'won' and closed_on is not empty"),
        ("opportunity", "not stage.final and expected_close_on > today()"),
        ("receivable_plan", "unreceived_amount > 0 and planned_on < today()"),
        ("receivable_plan", "status == 'overdue'"),
        ("receivable_plan", "status in ('done', 'part')"),
        ("quote", "total_amount > 0 and tax_amount > 0"),
        ("invoice", "status == 'issued' and net_amount + tax_amount == amount"),
        ("task", "status == 'done'"),
    ],
)
def test_there_is_something_to_see(crm, entity, condition):
    assert count(crm, SYSTEM, entity, condition) > 0


def test_every_view_can_be_opened_by_whom_it_is_for(crm):
    catalog = crm.live.release.catalog
    principals = [person(crm, user.login) for user in demo_organisation().users]
    opened = 0
    for entity in catalog.entities.values():
        for view in entity.screens.views.values():
            for principal in principals:
                if view.for_ and not principal.roles & set(view.for_):
                    continue
                if not crm.records.policy(principal).may("read", entity.name):
                    continue
                crm.records.query(principal, entity.name, view=view.name, limit=5)
                opened += 1
    assert opened > 200


@pytest.mark.parametrize(
    ("mapping", "entity", "created", "faulty", "others"),
    [
        ("wukong-customers", "customer", 1, 1, {}),
        ("wukong-contacts", "contact", 2, 0, {"customer": 1}),
        ("salesforce-accounts", "customer", 1, 0, {}),
        ("salesforce-contacts", "contact", 1, 0, {"customer": 1}),
        ("hubspot-companies", "customer", 1, 0, {}),
        ("hubspot-contacts", "contact", 1, 0, {"customer": 1}),
        ("zoho-accounts", "customer", 1, 0, {}),
        ("zoho-contacts", "contact", 1, 0, {"customer": 1}),
    ],
)
def test_exports_of_other_systems_are_read_by_the_mappings_that_ship(
    crm, mapping, entity, created, faulty, others
):
    text = (Path(__file__).parent / "other_crms" / f"{mapping}.csv").read_bytes()
    run = crm.imports.add(SYSTEM, entity, io.BytesIO(text), "export.csv")
    assert run.plan.mapping == mapping
    tally = crm.imports.dry_run(SYSTEM, run)
    why = [[str(one.sentence) for one in fault.reasons] for fault in tally.faults]
    assert (tally.counts["created"], tally.counts["faulty"]) == (created, faulty), why
    assert tally.others == others
    # Whoever may not bring the original author and time is offered the rest.
    seller = crm.imports.add(person(crm, "chen.wei"), entity, io.BytesIO(text), "export.csv")
    assert not {"created_at", "created_by"} & {*seller.plan.columns.values()}
