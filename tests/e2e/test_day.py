"""The day of a salesperson: one walk, at a desk in English and on a phone in Chinese."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.desk import Desk

#: What is said on the way, in each language.
WORDS = {
    "en": {
        "logged": "Logged",
        "made": "was created",
        "undo": "Undo",
        "name": "Harbour Day Pumps",
        "phone": "138 0013 6029",
    },
    "zh": {
        "logged": "已记录",
        "made": "已新建",
        "undo": "撤销",
        "name": "海港日泵业有限公司",
        "phone": "139 0013 6030",
    },
}


@pytest.mark.parametrize(
    ("language", "width", "scheme"), [("en", 1280, "light"), ("zh", 375, "dark")]
)
def test_the_day_of_a_salesperson(trellis, new_page, language, width, scheme):
    desk = Desk(
        new_page(width=width, height=812, color_scheme=scheme), trellis, "sun.hao", language
    )
    words = WORDS[language]
    for part in (_morning, _a_new_customer, _an_opportunity_moves, _a_board, _a_list, _figures):
        part(desk, words)
        desk.assert_fits()
        if part is not _figures:
            desk.assert_accessible()
    desk.assert_content()


def _is_phone(desk: Desk) -> bool:
    return desk.page.viewport_size["width"] < 768


def _morning(desk: Desk, words: dict[str, str]) -> None:
    """Who is to be called, what was said, and when to call again: two clicks and typing."""
    desk.open("/")
    desk.page.locator("[data-log]").first.click()
    composer = desk.page.locator("[data-composer]")
    composer.locator("textarea").fill("They want a price by Friday.")
    composer.locator(".pick").nth(2).click()
    composer.locator(".btn-primary").click()
    expect(desk.page.locator("#toasts")).to_contain_text(words["logged"])


def _a_new_customer(desk: Desk, words: dict[str, str]) -> None:
    """Somebody called who is not known yet; found again by a part of the name."""
    desk.open("/crm/customer/new")
    desk.save()
    expect(desk.page.locator("#f-name")).to_have_attribute("aria-invalid", "true")
    desk.fill("name", words["name"])
    desk.page.fill('[name="phones.value"]', words["phone"])
    desk.save()
    expect(desk.toast()).to_contain_text(words["made"])
    record = desk.path
    if _is_phone(desk):
        desk.page.locator(".foot-nav a[href='/find']").click()
        desk.page.locator("#main input[name=q]").fill(words["name"][:4])
        desk.page.keyboard.press("Enter")
        desk.page.locator("#main a", has_text=words["name"]).first.click()
    else:
        desk.open("/crm/contact/")
        desk.page.keyboard.press("Control+k")
        desk.page.keyboard.type(words["name"][:4])
        desk.page.locator("#palette .mi", has_text=words["name"]).first.click()
    desk.page.wait_for_url(f"**{record}")


def _an_opportunity_moves(desk: Desk, words: dict[str, str]) -> None:
    """What may be sold to them, one stage on, and back again."""
    desk.open("/crm/opportunity/new")
    desk.fill("name", f"{words['name']} 1")
    desk.pick("customer", words["name"])
    desk.save()
    path = desk.page.locator(".path")
    first = path.locator("button[value=new]")
    expect(first).to_have_attribute("aria-current", "step")
    with desk.page.expect_navigation(wait_until="networkidle"):
        path.locator("button[value=needs_clear]").click()
    expect(first).not_to_have_attribute("aria-current", "step")
    with desk.page.expect_navigation(wait_until="networkidle"):
        desk.toast().get_by_role("button", name=words["undo"]).click()
    expect(first).to_have_attribute("aria-current", "step")


def _a_board(desk: Desk, words: dict[str, str]) -> None:
    """A card is sent to another column by its menu, which works with a thumb as well."""
    desk.open(f"/crm/opportunity/?as=board&q={words['name'][:4]}")
    desk.page.locator("#lane-new .kc [data-move-card]").first.click()
    desk.page.locator("#move-to [data-move-to=needs_clear]").click()
    expect(desk.page.locator("#lane-needs_clear .kc")).to_have_count(1)
    desk.toast().get_by_role("button", name=words["undo"]).click()
    expect(desk.page.locator("#lane-new .kc")).to_have_count(1)


def _a_list(desk: Desk, _words: dict[str, str]) -> None:
    """The key customers, by a click."""
    desk.open("/crm/customer/?view=mine")
    desk.page.click("#filter summary")
    desk.page.locator(".filter .pick").first.click()
    with desk.page.expect_navigation(wait_until="networkidle"):
        desk.page.click(".filter .btn-primary")
    expect(desk.page.locator(".chip")).to_have_count(1)
    assert desk.page.locator("tr[data-href]").count() > 0


def _figures(desk: Desk, _words: dict[str, str]) -> None:
    """How the month stands, and the records behind a figure."""
    desk.open("/dashboards/my_sales")
    desk.assert_accessible()
    desk.page.locator("#main .tile a, #main a.tile").first.click()
    desk.page.wait_for_url("**/crm/**")
