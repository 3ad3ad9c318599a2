"""The administrator's page of the configuration: what waits is told everywhere, and applied here."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.desk import Desk

BUBBLE = 'nav.side a[href="/setup"] .bubble'


def test_a_renaming_waits_is_told_and_applied_with_its_data(trellis, new_page):
    desk = Desk(new_page(), trellis, "admin")
    file = trellis.config / "entities" / "lead.yaml"
    before = file.read_text("utf-8")
    desk.open("/crm/lead/")
    expect(desk.page.locator(BUBBLE)).to_have_count(0)
    old = desk.page.request.get(
        f"{desk.url}/api/v1/lead/?filter=demand+is+not+empty&limit=1"
    ).json()

    file.write_text(
        before.replace(" demand,", " wish,")
        .replace("[demand,", "[wish,")
        .replace(" demand: {type", " wish: {was: demand, type"),
        "utf-8",
    )
    desk.open_when("/crm/lead/", "to be applied")
    told = re.compile(r"\d+ changes? waits? to be applied")
    expect(desk.page.locator(BUBBLE)).to_have_attribute("aria-label", told)

    desk.open("/setup")
    expect(desk.main).to_contain_text("lead.wish")
    expect(desk.main).to_contain_text("rename from demand")
    with desk.leaving():
        desk.page.click("#apply button")
    expect(desk.main).to_contain_text("There is nothing to apply.")
    for row in old["rows"]:
        answer = desk.page.request.get(f"{desk.url}/api/v1/lead/{row['id']}").json()
        assert answer["wish"] == row["demand"]
    desk.assert_content()
