"""A manager's figures in a browser: charts, periods, the way to the records, targets typed in."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.desk import Desk


def test_figures_are_looked_at_and_targets_typed_in_without_a_mouse(trellis, new_page):
    desk = Desk(new_page(), trellis, "chen.wei")
    page, keys = desk.page, desk.page.keyboard
    desk.open("/")
    keys.press("g")
    keys.press("d")
    page.wait_for_url(re.compile(r"/dashboards/sales$"))
    # The chart is drawn, and what it shows stands in a table as well.
    expect(page.locator(".chart svg").first).to_be_visible()
    page.get_by_text("As a table").first.click()
    months = page.locator(".behind[open] tbody tr")
    expect(months).to_have_count(12)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy Contracts signed, by month for a spreadsheet").click()
    expect(page.locator("#toasts")).to_contain_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert (len(copied), copied[1].split("\t")[0]) == (13, "Jan")
    page.get_by_role("navigation", name="Period").get_by_text("Year").click()
    page.wait_for_url(re.compile(r"period=\d{4}&people=all"))
    expect(page.locator(".tools b").first).to_have_text(re.compile(r"^\d{4}$"))
    # A figure leads to the records it counts.
    tile = page.locator(".tile", has_text="New opportunities").locator("a.figure")
    count = tile.inner_text()
    with desk.leaving():
        tile.click()
    expect(page.locator("#count")).to_have_text(count)
    page.go_back()
    desk.settle()
    expect(page.locator(".tools b").first).to_have_text(re.compile(r"^\d{4}$"))

    desk.open("/targets/contract_amount")
    row = page.locator(".tg tr", has_text="Lin Yue")
    first = row.locator("input").first
    first.focus()
    keys.press("ArrowRight")
    second = row.locator("input").nth(1)
    expect(second).to_be_focused()
    year = row.locator("[data-year]")
    before = int(year.inner_text().replace(",", ""))
    was = int(second.input_value().replace(",", ""))
    keys.type(str(was + 1000))
    expect(year).to_have_text(f"{before + 1000:,}")
    with desk.leaving():
        keys.press("Control+s")
    expect(desk.toast()).to_contain_text("1 amount saved.")
    expect(row.locator("input").nth(1)).to_have_value(f"{was + 1000:,}")
    expect(page.locator(".changes-l li").first).to_contain_text("Chen Wei set Lin Yue")
    desk.assert_content()
