"""The first minute: somebody starts Trellis, opens the address and signs in."""

from tests.running import PASSWORD


def sign_in(page, trellis, login="admin"):
    page.goto(trellis.url)
    page.locator("input[name=username]").fill(login)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


def test_the_administrator_signs_in_and_sees_the_customers(page, trellis):
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda told: told.type == "error" and problems.append(told.text))
    sign_in(page, trellis)
    page.goto(f"{trellis.url}/crm/customer/")
    assert page.locator("table tbody tr").count() > 10
    assert problems == []


def test_a_wrong_password_stays_outside(page, trellis):
    page.goto(trellis.url)
    page.locator("input[name=username]").fill("admin")
    page.locator("input[name=password]").fill("not-the-password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.goto(f"{trellis.url}/crm/customer/")
    assert "/sign-in?" in page.url


def test_a_phone_does_not_scroll_sideways(new_page, trellis):
    page = new_page(width=375, height=740)
    sign_in(page, trellis)
    page.goto(f"{trellis.url}/crm/customer/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
