"""Boards and calendars with a mouse, with keys, and on a phone: what only a browser shows."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.desk import Desk


def test_cards_and_days_are_moved_by_mouse_by_keys_and_on_a_phone(trellis, new_page):
    desk = Desk(new_page(), trellis, "lin.yue")
    page = desk.page
    desk.open("/crm/opportunity/?as=board")
    expect(page.locator(".seg.looks .on")).to_have_text("Board")
    card = page.locator("#lane-new .kc").first
    title = card.get_attribute("data-title")
    card.drag_to(page.locator("#lane-needs_clear .kl"), target_position={"x": 60, "y": 60})
    expect(desk.toast()).to_contain_text(f"{title}: now Needs clear")
    expect(page.locator("#lane-needs_clear .kc").first).to_have_attribute("data-title", title)
    # Back with the keyboard; a column that refuses is stepped over and says why.
    card = page.locator("#lane-needs_clear .kc").first
    expect(card).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator("#lane-signing")).to_have_class(re.compile(r"\bno\b"))
    expect(page.locator("#lane-signing .lane-why")).to_contain_text("Only from")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    expect(desk.toast()).to_contain_text(f"{title}: now New")
    # What a move needs is asked before it is made.
    page.locator("#lane-new .kc").first.locator("[data-move-card]").click()
    page.locator("#move-to [data-move-to=lost]").click()
    expect(page.locator("#move-lost")).to_be_visible()
    page.keyboard.press("Escape")

    desk.open("/crm/opportunity/?as=calendar&on=2026-12-01")
    page.goto(f"{desk.url}/calendar")
    entry = page.locator("[data-event][draggable]:visible").first
    home = entry.get_attribute("data-day")
    entry.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(desk.toast()).to_contain_text("now on")
    desk.toast().get_by_role("button", name="Undo").click()
    expect(desk.toast()).not_to_contain_text("now on")
    expect(page.locator("[data-event]:focus")).to_have_attribute("data-day", home)
    desk.assert_content()

    phone = Desk(new_page(width=375, has_touch=True), trellis, "lin.yue", "zh")
    for path in (
        "/crm/opportunity/?as=board",
        "/crm/task/?as=calendar",
        "/calendar",
        "/crm/product_category/?as=tree",
    ):
        phone.open(path)
        expect(phone.page.locator("h1")).to_have_count(1)
        phone.assert_fits()
    phone.open("/calendar?span=agenda")
    _carry_to_the_next_day(phone)
    phone.assert_content()


def _carry_to_the_next_day(phone: Desk) -> None:
    """A finger holds an entry, carries it to the day below, and lets go; Undo brings it home."""
    page = phone.page
    entry = page.locator("[data-event][draggable]").first
    entry.scroll_into_view_if_needed()
    home = entry.get_attribute("data-day")
    there = page.locator(f"section[data-drop]:not([data-drop='{home}'])").first
    begin, end = entry.bounding_box(), there.bounding_box()
    assert begin
    assert end
    finger = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        at = [{"x": x, "y": y} for x, y in points]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    touch("touchStart", (begin["x"] + 40, begin["y"] + 10))
    expect(entry).to_have_class(re.compile(r"\blifted\b"))
    touch("touchMove", (end["x"] + 40, end["y"] + 12))
    expect(there).to_have_class(re.compile(r"\bto\b"))
    touch("touchEnd")
    expect(phone.toast()).to_be_visible()
    phone.toast().get_by_role("button", name="撤销").click()
    expect(page.locator("[data-event]:focus")).to_have_attribute("data-day", str(home))
