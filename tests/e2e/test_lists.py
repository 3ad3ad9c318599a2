"""A list as somebody works in it all day: filters and views clicked together, cells, many at once."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.desk import Desk


def test_a_filter_is_clicked_together_kept_as_a_view_and_arranged_by_keys(trellis, new_page):
    desk = Desk(new_page(), trellis, "chen.wei")
    page = desk.page
    desk.open("/crm/customer/?view=*")
    page.click("#filter summary")
    page.locator(".filter .pick", has_text="A, key").click()
    page.locator(".fg-adds").last.locator("button").nth(1).click()
    rows = page.locator(".fgroup.inner .fb:has(select)")
    rows.nth(0).locator(".fx-name").select_option("silent_days")
    rows.nth(0).locator(".fx-op").select_option("at_least")
    rows.nth(0).locator(".fx-value input").fill("1")
    rows.nth(1).locator(".fx-name").select_option("owner")
    rows.nth(1).locator(".fx-op").select_option("me")
    expression = page.locator("#filter-expression")
    expect(expression).to_have_text("level in ('a',) and (silent_days >= 1 or owner == me)")
    page.locator(".filter .seg button", has_text="Expression").click()
    expect(page.locator(".filter textarea")).to_have_value(
        "level in ('a',) and (silent_days >= 1 or owner == me)"
    )
    page.locator(".filter footer button", has_text="Save as view").click()
    page.fill("#view-name", "Key and quiet")
    with desk.leaving():
        page.click("#ask .btn-primary")
    expect(page.locator(".tab.on")).to_have_text("Key and quiet")
    expect(page.locator(".tbl tbody tr[data-id]").first).to_contain_text("A, key")

    page.click("summary[aria-label=Columns]")
    owner = page.locator(".columns-list input[value=owner]")
    owner.focus()
    owner.press("Alt+ArrowUp")
    owner.press("Alt+ArrowUp")
    with desk.leaving():
        page.locator(".columns footer .btn-primary").click()
    heads = page.locator("thead th[data-path]")
    expect(heads.nth(1)).to_have_attribute("data-path", "owner")
    with page.expect_response(re.compile("/arrange")):
        heads.nth(1).locator("a").press("Alt+ArrowRight")
    desk.open(desk.path)
    expect(page.locator("table.tbl.sized")).to_have_count(1)
    expect(page.locator("thead th[data-path]").nth(1)).to_have_attribute("data-path", "owner")
    desk.assert_content()


def test_cells_and_many_rows_are_changed_and_taken_back(trellis, new_page):
    desk = Desk(new_page(), trellis, "chen.wei")
    page = desk.page
    for name in ("Cell Mill one", "Cell Mill two", "Cell Mill three"):
        desk.open("/crm/customer/new")
        desk.fill("name", name)
        desk.save()
    desk.open("/crm/customer/?view=*&q=Cell+Mill")
    rows = page.locator(".tbl tbody tr[data-id]")
    expect(rows).to_have_count(3)
    level = rows.nth(0).locator("td.can-edit").nth(1)
    before = level.inner_text()
    page.keyboard.press("j")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("e")
    page.locator("td.edit select").select_option("a")
    page.keyboard.press("Enter")
    expect(desk.toast()).to_contain_text("Level was saved")
    expect(rows.nth(0)).to_contain_text("A, key")
    desk.toast().get_by_role("button", name="Undo").click()
    expect(level).to_have_text(before)

    page.keyboard.press("Space")
    expect(page.locator("#peek h2")).to_contain_text("Cell Mill")
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    expect(page.locator(".bulk")).to_contain_text("3 selected")
    page.locator(".bulk button", has_text="Tag").click()
    page.fill("#bulk-add", "fair")
    with desk.leaving():
        page.click("#ask .btn-primary")
    expect(desk.toast()).to_contain_text("3 customers were changed")
    with desk.leaving():
        desk.toast().get_by_role("button", name="Undo").click()
    expect(desk.toast()).to_contain_text("3 records are as they were")

    page.click("[data-all]")
    page.click(".bulk [data-opens=transfer]")
    page.locator("#pick-owner").press_sequentially("Sun", delay=10)
    page.locator("#pick-owner-list [role=option]").first.click()
    with desk.leaving():
        page.click("#transfer .btn-primary")
    expect(desk.toast()).to_contain_text("3 customers were handed to")
    expect(page.locator(".tbl tbody")).to_contain_text("Sun")
    desk.assert_content()
