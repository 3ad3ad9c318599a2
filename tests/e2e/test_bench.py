"""The work bench in a browser: a follow-up logged with the keyboard, the palette."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.desk import Desk


def test_a_follow_up_is_logged_and_something_found_without_a_mouse(trellis, new_page):
    desk = Desk(new_page(), trellis, "lin.yue")
    desk.open("/")
    keys = desk.page.keyboard
    keys.press("j")
    row = desk.page.locator(".task.cur")
    expect(row).to_have_count(1)
    title = row.locator("a.t").inner_text()
    keys.press("l")
    text = desk.page.locator("[data-composer] textarea")
    expect(text).to_be_focused()
    keys.type("Asked for a price by Friday.")
    desk.page.locator("[data-composer] .pick", has_text="In a week").click()
    keys.press("Control+Enter")
    expect(desk.page.locator("#toasts")).to_contain_text(f"Logged: {title}")
    expect(desk.page.locator("[data-composer]")).to_have_count(0)
    # Ticked, and taken back.
    tasks = desk.page.locator("[data-done]")
    # The first of them are shown, all are counted.
    before = int(desk.page.locator("#h-to_do + .num").inner_text())
    tasks.first.click()
    expect(desk.page.locator("#toasts")).to_contain_text("Done: ")
    expect(desk.page.locator("#h-to_do + .num")).to_have_text(str(before - 1))
    desk.page.locator("#toasts button", has_text="Undo").click()
    expect(desk.page.locator("#h-to_do + .num")).to_have_text(str(before))
    # Find and do, on any page.
    desk.open("/crm/contact/")
    keys.press("Control+k")
    palette = desk.page.locator("#palette")
    expect(palette.locator("input")).to_be_focused()
    expect(palette).to_contain_text("New lead")
    keys.type(title)
    expect(palette.locator(".mi").first).to_contain_text(title)
    keys.press("Enter")
    desk.page.wait_for_url(re.compile(r"/crm/\w+/\d+$"))
    keys.press("Control+k")
    expect(palette).to_contain_text("Seen lately")
    keys.press("Escape")
    expect(palette).to_be_hidden()
    keys.press("?")
    expect(desk.page.locator("#keys")).to_be_visible()
    assert desk.complaints == []
