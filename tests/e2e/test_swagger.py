"""The page of the API in a real browser, under the strict content security policy."""

from playwright.sync_api import expect

from tests.e2e.desk import Desk


def test_the_api_is_read_and_tried_on_swaggers_page(new_page, trellis):
    desk = Desk(new_page(), trellis, "admin")
    desk.open("/swagger/v1")
    page = desk.page
    expect(page.locator(".opblock").first).to_be_visible(timeout=20_000)
    block = page.locator("#operations-General-me")
    block.locator(".opblock-summary-control").click()
    block.locator(".try-out__btn").click()
    block.locator(".execute").click()
    expect(block.locator(".live-responses-table .response-col_status")).to_contain_text("200")
    assert desk.complaints == []
