"""The pages about rules: for administrators, and on a record for who may read what decides."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape

import pytest

from app.automation.registry import register
from app.database.apply import ApplyOptions, apply_catalog
from tests.integration.api.world import FILES, ApiWorld, build, load

RULES = """
rule: silent
entity: customer
label: {en: Silent customers, zh: 久未联系}
when: {after: 5 days, since: created_at, at: 09:00}
if: status == 'active'
do: [{notify: {to: owner, say: Call}}]
---
rule: secret-one
entity: customer
when: {after: 5 days, since: created_at}
if: secret == 's-sam'
do: [{notify: {to: owner, say: Call}}]
"""


@pytest.fixture
def world(template_database, clone_database, tmp_path) -> Iterator[ApiWorld]:
    made = ApiWorld(clone_database(template_database("api_world", build)), tmp_path / "var")
    catalog = load({**FILES, "workflows/rules.yaml": RULES})
    services = made.services
    now = services.clock.now()
    options = ApplyOptions(on_live=lambda connection, *_: register(connection, catalog, now))
    apply_catalog(services.pools, catalog, "test", options=options)
    services.live.reload()
    services.numbers.forget()
    yield made
    made.close()


def test_administrators_see_rules_their_forecast_and_a_replay(world):
    root = world.browser("root")
    number = root.made("customer", name="New one", owner=3)["id"]
    page = root.ask("GET", "/setup/rules").text
    assert "Silent customers" in page
    assert "5 days after Created at, at 09:00" in page
    page = root.ask("GET", "/setup/rules/silent?days=30").text
    assert f'href="/crm/customer/{number}"' in page
    assert "workflows/rules.yaml:2" in page
    assert "firings for" in page
    page = root.ask("GET", f"/setup/rules/silent?entity=customer&record={number}").text
    assert "It is due" in page
    assert "It would reach: Sam" in page
    assert (
        "There is no such record."
        in root.ask("GET", "/setup/rules/silent?entity=customer&record=99999").text
    )
    assert root.ask("GET", "/setup/rules/nothing").status_code == 404
    sam = world.browser("sam")
    assert sam.ask("GET", "/setup/rules").status_code == 403
    assert sam.ask("GET", "/setup/rules/silent").status_code == 403


def test_on_a_record_everybody_learns_why_as_far_as_they_may_read(world):
    sam = world.browser("sam")
    assert 'href="/crm/customer/2/rules"' in sam.ask("GET", "/crm/customer/2").text
    page = sam.ask("GET", "/crm/customer/2/rules").text
    assert "Its condition does not hold now: Status is “Active”." in page
    assert "s-sam" not in page
    assert "What decides here are fields you may not read." in page
    assert sam.ask("GET", "/crm/customer/3/rules").status_code == 404
    zh = sam.ask("GET", "/crm/customer/2/rules", headers={"Accept-Language": "zh"}).text
    assert "s-sam" not in zh
    root = world.browser("root").ask("GET", "/crm/customer/2/rules").text
    assert "Secret is “s-sam”" in unescape(root)
