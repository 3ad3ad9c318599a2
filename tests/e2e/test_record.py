"""The page of a record in a browser: said, changed, made and kept without leaving it."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.desk import Desk


def test_a_record_is_worked_on_without_leaving_its_page(trellis, new_page):
    desk = Desk(new_page(), trellis, "lin.yue")
    page = desk.page
    desk.open("/crm/opportunity/?filter=not+stage.final")
    page.locator(".tbl tbody tr[data-href] .t a").nth(1).click()
    page.wait_for_url(re.compile(r"/crm/opportunity/\d+$"))
    record = desk.path
    expect(page.locator("[data-trail-at]")).to_contain_text("2 of")
    # Two clicks and typing: what was said, and when to speak next.
    page.keyboard.press("l")
    page.keyboard.type("Budget is signed, asks @chen")
    page.locator("#mentions [role=option]", has_text="Chen Wei").first.wait_for()
    page.keyboard.press("Enter")
    page.keyboard.type("for two lots.")
    page.locator(".talk-log .pick", has_text="In 3 days").click()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".tl")).to_contain_text("asks @Chen Wei for two lots.")
    expect(page.locator(".tl")).to_contain_text("Next contact")
    expect(page.locator(".talk-log textarea")).to_have_value("")
    # One field in place; Esc leaves it, Enter saves it, Undo takes it back.
    close = page.locator("dd[data-edit$=expected_close_on]")
    before = close.inner_text()
    close.click()
    page.locator(".inplace input[type=date]").fill("2031-05-06")
    page.keyboard.press("Escape")
    expect(close).to_have_text(before)
    close.click()
    page.locator(".inplace input[type=date]").fill("2031-05-06")
    page.keyboard.press("Enter")
    expect(close).to_contain_text("6 May 2031")
    with desk.leaving():
        page.locator(".toast-t button").click()
    expect(close).to_have_text(before)
    # Why not, by keyboard; the focus comes back.
    page.locator(".path .off").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".why-pop:popover-open")).to_contain_text("one can move to")
    page.keyboard.press("Escape")
    expect(page.locator(".path .off").first).to_be_focused()
    page.keyboard.press("]")
    page.wait_for_url(lambda url: not url.endswith(record))
    desk.assert_content()


def test_a_form_outlives_its_tab_and_makes_what_it_lacks(trellis, new_page):
    desk = Desk(new_page(375, 812), trellis, "lin.yue")
    page = desk.page
    desk.open("/crm/opportunity/new")
    page.locator("#f-customer").press_sequentially("Quick Kiln", delay=10)
    # The list that answers to all of it, not to its first letters.
    page.locator("#f-customer-list [data-quick][href*=Kiln]").click()
    expect(page.locator("#q-name")).to_have_value("Quick Kiln")
    desk.assert_fits()
    page.locator("#quick .btn-primary").click()
    expect(page.locator("#quick")).to_have_count(0)
    expect(page.locator("#f-customer")).to_have_value("Quick Kiln")
    desk.fill("name", "Kept opportunity")
    expect(page.locator("[data-draft-said]")).not_to_have_attribute("hidden", "")
    # The tab is gone; the next one offers to go on.
    desk.open("/crm/opportunity/new")
    with desk.leaving():
        page.locator("[data-draft-take]").click()
    expect(page.locator("#f-name")).to_have_value("Kept opportunity")
    expect(page.locator("#f-customer")).to_have_value("Quick Kiln")
    desk.save()
    expect(page.locator("h1")).to_have_text("Kept opportunity")
    assert not page.evaluate("Object.keys(localStorage).some((key) => key.startsWith('draft:'))")
    # The foot bar writes on the record that is open.
    page.locator(".foot-nav .plus").click()
    expect(page.locator(".talk-log textarea")).to_be_focused()
    desk.assert_fits()
    desk.assert_content()
