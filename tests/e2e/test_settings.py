"""What only a browser shows of settings: a second factor set up and asked for, dragging, no connection."""

from __future__ import annotations

import pyotp
from playwright.sync_api import expect

from tests.e2e.desk import Desk
from tests.running import PASSWORD


def test_a_second_factor_is_set_up_and_asked_for(trellis, new_page):
    desk = Desk(new_page(width=375), trellis, "priya.nair")
    page = desk.page
    desk.open("/me/security")
    page.locator("#second input[type=password]").fill(PASSWORD)
    page.locator("form[action$='/begin'] button").click()
    expect(page.locator(".qr svg")).to_be_visible()
    desk.assert_fits()
    maker = pyotp.TOTP(page.locator(".secret-key").inner_text().replace(" ", ""))
    page.locator("#f-code").fill(maker.now())
    page.locator("form[action$='/confirm'] button").click()
    code = page.locator("#codes").inner_text().split()[0]
    # At the door the password alone is not enough; a recovery code is, once.
    # (The page that is open would ask for its messages without them.)
    page.goto("about:blank")
    page.context.clear_cookies()
    page.goto(f"{trellis.url}/sign-in?next=%2Fme%2Fsecurity")
    page.fill("#username", "priya.nair")
    page.fill("#password", PASSWORD)
    page.click("form .btn-primary")
    expect(page.locator("#code")).to_be_focused()
    page.fill("#code", code)
    page.keyboard.press("Enter")
    page.wait_for_url("**/me/security")
    page.locator("#second input[type=password]").fill(PASSWORD)
    page.locator("button[formaction$='/drop']").click()
    expect(page.locator("form[action$='/begin']")).to_be_visible()
    desk.assert_content()


def test_people_are_dragged_and_no_connection_says_so(trellis, new_page):
    desk = Desk(new_page(), trellis, "admin")
    page = desk.page
    desk.open("/people")
    person = page.locator("tr[data-drag]", has_text="Tom Becker")
    person.drag_to(page.locator(".tree [data-drop]", has_text="Sales, East"))
    page.wait_for_url("**/people/move?person=*")
    expect(desk.main).to_contain_text("Move Tom Becker to another department")
    expect(page.locator("form .btn-primary")).to_have_text("Move")
    # The worker is there once the page was loaded; then a page that cannot be fetched says so.
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    page.context.set_offline(True)
    page.goto(f"{trellis.url}/crm/customer/")
    expect(page.locator("h2")).to_have_text("No connection")
    kept = page.evaluate(
        "caches.keys().then(async (names) => (await Promise.all(names.map(async (name) => "
        "(await (await caches.open(name)).keys()).map((one) => new URL(one.url).pathname)))).flat())"
    )
    assert kept
    assert all(path == "/offline" or path.startswith("/assets/") for path in kept), kept
    page.context.set_offline(False)
