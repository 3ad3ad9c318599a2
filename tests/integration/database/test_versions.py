"""What is kept of every apply, how a plan is shown, and what waits for an administrator."""

from __future__ import annotations

import json

import pytest

from app.database.agreements import agree, propose, standing_of, withdraw
from app.database.operations import AddField, operation_from_json
from app.database.pending import find_pending, forget_pending, remember_plan, remember_problems
from app.database.plan import CHANGES, REFUSED
from app.database.versions import (
    files_of,
    find_live_version,
    outline_of_version,
    plan_of,
    unfinished_steps,
    versions,
)
from app.definitions.load import load_files
from app.errors import NotFound, PlanError
from tests.integration.database.installations import (
    catalog_of,
    field_types,
    files_from,
    with_fields,
)

ONE = catalog_of(customer=with_fields("fax: {type: text}"))
TWO = catalog_of(customer=with_fields("fax: {type: text}", "rank: {type: integer, min: 0, max: 5}"))


def test_a_version_keeps_who_when_what_and_the_plan(installation, pools):
    installation.apply(ONE, who="mia")
    installation.sql("INSERT INTO crm.customer (name) VALUES ('n')")
    installation.apply(TWO, who="bob")
    with pools.engine.connect() as connection:
        found = versions(connection)
        assert [(each.number, each.applied_by, each.state, each.base) for each in found] == [
            (2, "bob", "live", 1),
            (1, "mia", "live", None),
        ]
        live = find_live_version(connection)
        assert live is not None
        assert live.fingerprint == TWO.fingerprint
        assert files_of(connection, 1) == ONE.files
        assert [each["words"] for each in plan_of(connection, 2)["operations"]] == [
            "add column, integer 0-5, empty for 1 existing record"
        ]
        assert "rank" in outline_of_version(connection, 2)["entities"]["customer"]["columns"]
        assert unfinished_steps(connection, 2) == []
        with pytest.raises(NotFound, match="no version 7"):
            files_of(connection, 7)


def test_going_back_is_applying_the_files_of_an_older_version(installation, pools):
    installation.apply(ONE)
    installation.apply(TWO)
    with pools.engine.connect() as connection:
        old = load_files(files_of(connection, 1), field_types()).catalog
    assert old is not None
    assert old.fingerprint == ONE.fingerprint
    version = installation.apply(old, allow=["customer.rank"])
    assert version.number == 3
    assert "rank" not in installation.columns("customer")


def test_a_plan_reads_like_a_sentence(installation):
    installation.apply(ONE, who="mia")
    installation.sql(
        "INSERT INTO crm.customer (name, fax) SELECT 'n', '1' FROM generate_series(1, 1204)"
    )
    changed = catalog_of(
        customer=with_fields("rank: {type: integer, min: 0, max: 5}"), invoice=with_fields()
    )
    plan = installation.plan(changed)
    lines = plan.render().splitlines()
    assert lines[0].startswith(
        f"Plan {ONE.fingerprint[:6]} -> {changed.fingerprint[:6]}   (database: "
    )
    assert lines[0].endswith("by mia)")
    assert lines[1:] == [
        "  + customer.rank   add column, integer 0-5, empty for 1 204 existing records",
        "  - customer.fax    drop column: 1 204 records hold a value   DESTRUCTIVE",
        "  + invoice         create table, 1 field, 3 indexes",
        (
            "3 changes, under a second. People go on working: no statement waits longer than 0.1 s for "
            "a lock."
        ),
        "Refusing: 1 problem. Nothing was changed.",
        (
            "  customer.fax: drop column: 1 204 records hold a value, for example 1, 2, 3, 4, 5, 6, 7, "
            "8, 9, 10. Re-run with `--allow customer.fax`, or write `removed: yes` to hide the field "
            "and keep the data."
        ),
    ]
    data = json.loads(plan.render("json"))
    assert data["exit_code"] == REFUSED
    assert data["refusals"][0]["allow"] == "customer.fax"
    assert installation.plan(changed, "customer.fax").exit_code == CHANGES


def test_an_operation_comes_back_from_the_ledger(installation):
    installation.apply(ONE)
    plan = installation.plan(TWO)
    operation = plan.operations[0]
    assert isinstance(operation, AddField)
    assert operation_from_json(json.loads(json.dumps(operation.as_json()))) == operation


def test_what_waits_is_one_thing_or_nothing(installation, pools):
    installation.apply(ONE)
    plan = installation.plan(TWO)
    broken = load_files({"app.yaml": "nome: x\n"}, field_types())
    with pools.engine.begin() as connection:
        assert find_pending(connection) is None
        remember_plan(connection, plan)
        waiting = find_pending(connection)
        assert waiting is not None
        assert waiting.kind == "waiting"
        assert waiting.plan == json.loads(plan.render("json"))
        remember_problems(connection, broken.problems)
        waiting = find_pending(connection)
        assert waiting is not None
        assert waiting.kind == "problems"
        assert waiting.plan is None
        assert waiting.problems[0]["file"] == "app.yaml"
        forget_pending(connection)
        assert find_pending(connection) is None


def test_changes_are_applied_once_everybody_agreed(installation, pools):
    def catalog(changes: str, *fields: str):
        files = files_from({"customer": with_fields(*fields)})
        files["app.yaml"] += changes
        loaded = load_files(files, field_types())
        assert loaded.catalog is not None, loaded.problems
        return loaded.catalog

    asks = "changes: {confirm: [role sales, user bob], needs: [why, cost_impact]}\n"
    said = {"why": "Two regions", "cost_impact": "none"}
    # Nobody is there who could agree to the first version.
    installation.apply(catalog(asks))
    # Taking the rule away is a change like any other.
    for changed in (catalog(asks, "fax: {type: text}"), catalog("")):
        with pytest.raises(PlanError, match=r"To be said first: Why, Cost impact\."):
            installation.apply(changed)
        with pytest.raises(PlanError, match=r"To be agreed to first: role sales, user bob\."):
            installation.apply(changed, said=said)
    wanted = catalog(asks, "fax: {type: text}")
    with pools.engine.begin() as connection:
        standing = standing_of(connection, wanted.fingerprint, 1)
        propose(connection, standing, said, "mia")
        agree(connection, standing, "role sales", "Sam", 7)
        # Others' words are another proposal: who agreed did not agree to them.
        propose(connection, standing, {**said, "why": "Three"}, "mia")
        standing = standing_of(connection, wanted.fingerprint, 1)
        assert standing.agreed == ()
        for entry, who, number in (("role sales", "Sam", 7), ("user bob", "Bob", 8)):
            agree(connection, standing, entry, who, number)
        withdraw(connection, standing, 8)
        assert standing_of(connection, wanted.fingerprint, 1).open == ("user bob",)
    with pytest.raises(PlanError, match=r"To be agreed to first: user bob\."):
        installation.apply(wanted)
    with pools.engine.begin() as connection:
        agree(connection, standing, "user bob", "Bob", 8)
    version = installation.apply(wanted)
    assert version.number == 2
    assert version.said == {"why": "Three", "cost_impact": "none"}
    assert [(one["entry"], one["by"]) for one in version.agreed] == [
        ("role sales", "Sam"),
        ("user bob", "Bob"),
    ]
    # Applying what is applied asks nobody.
    assert not installation.apply(wanted).is_new
    # It was agreed to once, upon that version.
    with pytest.raises(PlanError, match="To be said first"):
        installation.apply(catalog(asks), allow=["customer.fax"])
