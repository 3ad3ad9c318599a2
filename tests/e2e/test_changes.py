"""Many records deleted in a list, found among the changes, looked at, and taken back in part."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.desk import Desk


def test_what_was_done_to_many_is_found_looked_at_and_taken_back(trellis, new_page):
    desk = Desk(new_page(), trellis, "chen.wei")
    page = desk.page
    for name in ("Undo Mill one", "Undo Mill two"):
        desk.open("/crm/customer/new")
        desk.fill("name", name)
        desk.save()
    desk.open("/crm/customer/?view=*&q=Undo+Mill")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    with desk.leaving():
        page.locator(".bulk button", has_text="Delete").click()
    expect(desk.toast().get_by_role("button", name="Undo")).to_be_visible()
    page.locator("nav.side a[href='/changes']").click()
    page.locator("tbody a", has_text="Deletion").first.click()
    expect(desk.main).to_contain_text("2 Customers")
    expect(desk.main).to_contain_text("Can be undone")
    desk.assert_fits()
    page.get_by_role("checkbox", name="Choose: Undo Mill one").check()
    page.get_by_role("button", name="Undo the chosen").click()
    expect(desk.toast()).to_contain_text("One record is as it was")
    expect(page.get_by_role("checkbox")).to_have_count(1)
    page.get_by_role("link", name="Undo Mill one").click()
    expect(page.locator("h1")).to_contain_text("Undo Mill one")
    page.set_viewport_size({"width": 375, "height": 812})
    desk.open("/changes")
    expect(desk.main).to_contain_text("Undone in part")
    desk.assert_fits()
    desk.assert_content()
