"""Nothing in the menu, and nothing that a page links to, leads nowhere."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.desk import Desk


@pytest.mark.parametrize("login", ["admin", "lin.yue", "zhao.min"])
def test_every_list_and_every_form_opens(trellis, new_page, login):
    desk = Desk(new_page(), trellis, login)
    desk.open("/me")
    menu = desk.page.locator("nav.side a[href^='/crm/']").evaluate_all(
        "links => links.map(link => link.getAttribute('href'))"
    )
    assert menu
    for path in sorted(set(menu)):
        assert desk.page.request.get(f"{desk.url}{path}").status == 200
        # Whoever may not create is told so; a form is never broken.
        assert desk.page.request.get(f"{desk.url}{path}new").status in (200, 403)
    desk.assert_content()


def test_a_list_is_narrowed_to_what_is_about_one_record(trellis, new_page):
    desk = Desk(new_page(), trellis, "admin")
    [row] = desk.page.request.get(f"{desk.url}/api/v1/follow_up/?limit=1").json()["rows"]
    entity, number = row["about"]["entity"], row["about"]["id"]
    desk.open(f"/crm/{entity}/{number}")
    count = desk.page.locator("#related-follow_up-about .count").inner_text()
    desk.open(f"/crm/follow_up/?filter=about+%3D%3D+'{entity}:{number}'")
    expect(desk.page.locator(".tbl tbody tr[data-href]")).to_have_count(int(count))
    desk.assert_content()


def test_a_long_related_list_leads_to_all_of_it(trellis, new_page):
    desk = Desk(new_page(), trellis, "admin")
    desk.open("/crm/customer_group/1")
    block = desk.page.locator("#related-customer-groups")
    count = block.locator(".count").inner_text()
    block.get_by_role("link", name=f"All {count}").click()
    desk.settle()
    expect(desk.page.locator("h1")).to_contain_text("Customers")
    expect(desk.page.locator(".chip")).to_contain_text("Groups has")
    expect(desk.main).to_contain_text(f"{count} records · 25 loaded")
    desk.assert_content()


def test_the_start_says_whom_to_sign_in_as(trellis):
    told = trellis.log.read_text()
    assert "\n  sales_manager: chen.wei, emma.clarke\n  sales: lin.yue, " in told
    assert "Sign in as admin with " in told
