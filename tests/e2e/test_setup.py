"""The administrator's page of the configuration: what waits is told everywhere, and applied here."""

from __future__ import annotations

import re
import time

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
    deadline = time.monotonic() + 30
    while not desk.page.locator(BUBBLE).count():
        assert time.monotonic() < deadline, "nothing tells that a change waits"
        time.sleep(0.5)
        desk.open("/crm/lead/")
    told = re.compile(r"\d+ changes? waits? to be applied")
    expect(desk.page.locator(BUBBLE)).to_have_attribute("aria-label", told)

    desk.open("/setup")
    expect(desk.main).to_contain_text("lead.wish")
    expect(desk.main).to_contain_text("rename from demand")
    with desk.page.expect_navigation(wait_until="networkidle"):
        desk.page.click("#apply button")
    expect(desk.main).to_contain_text("There is nothing to apply.")
    for row in old["rows"]:
        answer = desk.page.request.get(f"{desk.url}/api/v1/lead/{row['id']}").json()
        assert answer["wish"] == row["demand"]
    desk.assert_content()


def test_a_field_is_added_in_the_editor_and_is_in_the_form(trellis, new_page):
    file = trellis.config / "entities" / "visit.yaml"
    before = file.read_text("utf-8")
    desk = Desk(new_page(), trellis, "admin")
    page = desk.page
    desk.open("/setup?file=entities/visit.yaml")
    page.locator(".cm-line", has_text=re.compile(r"^fields:")).click()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    # The editor indents by itself below a key.
    page.keyboard.type("mood: {ty")
    expect(page.locator(".cm-tooltip-autocomplete li").first).to_contain_text("type")
    page.keyboard.press("Escape")
    page.keyboard.type("pe: intger, label: Mood of the day, max: 10}")
    card = page.locator(".t-card", has_text="`intger` is not a field type. Did you mean `integer`?")
    expect(card).to_have_count(1)
    expect(desk.main).to_contain_text("Put the problems right first")
    card.locator("button").click()
    expect(card).to_have_count(0)
    expect(page.locator("[data-state]")).to_have_text("Not saved")
    expect(page.locator(".plan")).to_contain_text("visit.mood: add column, integer up to 10")
    page.fill("#apply-reason", "How it went")
    with page.expect_navigation(wait_until="networkidle"):
        page.click("#apply .btn-primary")
    expect(desk.toast()).to_contain_text("is in force")
    expect(page.locator(".version-list li").first).to_contain_text("How it went")
    assert file.read_text("utf-8") == before.replace(
        "\nfields:\n", "\nfields:\n  mood: {type: integer, label: Mood of the day, max: 10}\n", 1
    )
    desk.open("/crm/visit/new")
    expect(page.locator("#f-mood")).to_be_visible()
    # Where the field comes from is told above the form, and leads back to its line.
    page.locator("h1").click()
    page.keyboard.press("g")
    page.keyboard.press("y")
    page.locator(".where-tag[href*='visit.yaml#L']").first.wait_for()
    desk.assert_fits()
    desk.assert_content()
