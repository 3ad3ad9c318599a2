"""The day of a salesperson, of a manager and of an administrator.

The salesperson's is walked twice, at a desk in English and on a phone in Chinese; the manager has a
phone and reads Chinese, the administrator sits at a desk and reads English.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.desk import Desk
from tests.running import PASSWORD

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
    with desk.leaving():
        path.locator("button[value=needs_clear]").click()
    expect(first).not_to_have_attribute("aria-current", "step")
    with desk.leaving():
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
    with desk.leaving():
        desk.page.click(".filter .btn-primary")
    expect(desk.page.locator(".chip")).to_have_count(1)
    assert desk.page.locator("tr[data-href]").count() > 0


def _figures(desk: Desk, _words: dict[str, str]) -> None:
    """How the month stands, and the records behind a figure."""
    desk.open("/dashboards/my_sales")
    desk.assert_accessible()
    desk.page.locator("#main .tile a, #main a.tile").first.click()
    desk.page.wait_for_url("**/crm/**")


def test_the_day_of_a_manager(trellis, new_page):
    desk = Desk(new_page(width=375, height=812, color_scheme="light"), trellis, "chen.wei", "zh")
    for part in (_agree, _the_team, _hand_over, _figures_of_the_team, _set_a_target):
        part(desk)
        desk.assert_fits()
    desk.assert_content()


def _agree(desk: Desk) -> None:
    """What waits is told at home, and agreed to where it is listed."""
    desk.open("/")
    waiting = desk.page.locator("a[href='/approvals'] .bubble").first
    expect(waiting).to_be_attached()
    desk.open("/approvals")
    asked = desk.page.locator(".ask")
    before = asked.count()
    assert before > 1
    desk.assert_accessible()
    asked.first.locator("[name=comment]").fill("价格可以")
    with desk.leaving():
        asked.first.locator(".btn-primary").click()
    expect(asked).to_have_count(before - 1)


def _the_team(desk: Desk) -> None:
    """What the people below have, and nobody else's."""
    desk.open("/crm/customer/?view=my_team")
    expect(desk.page.locator(".tab.on")).to_have_text("我的团队")
    # Cards show their boxes while several are chosen; a tap on one ticks it.
    desk.page.click("[data-picks]")
    for number in range(2):
        desk.page.locator("tr[data-href] .m2").nth(number).click()
    expect(desk.page.locator("[data-ticked]").first).to_have_text("2")
    desk.page.click("[data-clear-selection]")
    expect(desk.page.locator(".c-check input:visible")).to_have_count(0)
    desk.page.locator("tr[data-href] .t a").first.click()
    desk.page.wait_for_url(re.compile(r"/crm/customer/\d+$"))


def _hand_over(desk: Desk) -> None:
    """A customer goes to somebody else of the team, with a thumb."""
    desk.page.click('summary[aria-label="更多"]')
    desk.page.click(".menu [data-opens=transfer]")
    desk.page.locator("#pick-owner").press_sequentially("Sun", delay=10)
    desk.page.locator("#pick-owner-list [role=option]").first.click()
    with desk.leaving():
        desk.page.click("#transfer .btn-primary")
    expect(desk.page.locator(".head, #main").first).to_contain_text("Sun Hao")


def _figures_of_the_team(desk: Desk) -> None:
    """How the month stands; the charts are drawn, and nothing but them goes sideways."""
    desk.open("/dashboards/sales")
    expect(desk.page.locator(".chart svg").first).to_be_visible()
    assert desk.page.evaluate("document.querySelector('.scroll').scrollWidth") == 375
    desk.page.locator(".tools summary").last.click()
    expect(desk.page.locator(".drop[open] .mi").first).to_be_visible()
    desk.assert_accessible()


def _set_a_target(desk: Desk) -> None:
    """A month of somebody below is set."""
    desk.open("/targets/contract_amount")
    field = desk.page.locator(".tg tr", has_text="Sun Hao").locator("input").first
    field.fill("81000")
    with desk.leaving():
        desk.page.click(".tg-foot .btn-primary")
    expect(field).to_have_value("81,000")


def test_the_day_of_an_administrator(trellis, new_page):
    desk = Desk(new_page(color_scheme="dark"), trellis, "admin")
    person = _a_person_is_added(desk, trellis, new_page)
    _rights_are_explained(desk, person)
    _a_person_is_shut_out(desk, person)
    _a_field_is_planned_and_applied(desk, trellis)
    desk.open("/system/backups")
    expect(desk.page.locator("form[action$='/make'] .btn-primary")).to_be_visible()
    desk.assert_fits()
    desk.assert_content()


def _a_person_is_added(desk: Desk, trellis, new_page) -> str:
    """A new colleague signs in at once, and sees what a salesperson without customers sees."""
    desk.open("/people/new")
    desk.fill("name", "Nora Nilsson")
    desk.fill("login", "nora.nilsson")
    desk.page.locator(".pick", has_text="Salesperson").first.click()
    desk.fill("password", "short")
    desk.save()
    expect(desk.main).to_contain_text("The password has 5 characters")
    assert desk.page.input_value("#f-login") == "nora.nilsson"
    desk.fill("password", PASSWORD)
    desk.save()
    expect(desk.main).to_contain_text("Nora Nilsson")
    nora = Desk(new_page(), trellis, "nora.nilsson")
    nora.open("/crm/customer/")
    expect(nora.main).to_contain_text("No customers yet")
    nora.open("/setup")
    expect(nora.main).to_contain_text("Only administrators may do this.")
    href = desk.page.locator('.pg aside a[href$="/edit"]').get_attribute("href")
    return str(href).removesuffix("/edit")


def _rights_are_explained(desk: Desk, person: str) -> None:
    """Why somebody does not see a record is answered with the role and its line."""
    desk.open(f"{person}/rights?entity=customer")
    desk.page.fill("#ask-record", "1")
    with desk.leaving():
        desk.page.click("#record button")
    expect(desk.page.locator("#record .note.warn")).to_contain_text("No")
    expect(desk.page.locator("#record code").first).to_contain_text("roles.yaml:")
    desk.assert_fits()
    desk.assert_accessible()


def _a_person_is_shut_out(desk: Desk, person: str) -> None:
    """Who left signs in no more."""
    desk.open(f"{person}/edit")
    desk.page.uncheck("#f-active")
    desk.save()
    expect(desk.main).to_contain_text("may not sign in")


def _a_field_is_planned_and_applied(desk: Desk, trellis) -> None:
    """A field is typed, put right, planned, applied, and there; its line is found again."""
    file = trellis.config / "entities" / "visit.yaml"
    before = file.read_text("utf-8")
    page = desk.page
    desk.open("/setup?file=entities/visit.yaml")
    page.locator(".cm-line", has_text=re.compile(r"^fields:")).click()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    # The editor indents by itself below a key.
    page.keyboard.type("mood: {ty")
    expect(page.locator(".cm-tooltip-autocomplete li").first).to_contain_text("type")
    page.keyboard.press("Escape")
    page.keyboard.type("pe: intger, label: Mood of the day, max: 10}")
    card = page.locator(".t-card", has_text="`intger` is not a field type. Did you mean `integer`?")
    expect(card).to_have_count(1)
    expect(desk.main).to_contain_text("Put the problems right first")
    card.locator("button").click()
    expect(card).to_have_count(0)
    expect(page.locator("[data-state]")).to_have_text("Not saved")
    expect(page.locator(".plan")).to_contain_text("visit.mood: add column, integer up to 10")
    page.fill("#apply-reason", "How it went")
    with desk.leaving():
        page.click("#apply .btn-primary")
    expect(desk.toast()).to_contain_text("is in force")
    expect(page.locator(".version-list li").first).to_contain_text("How it went")
    assert file.read_text("utf-8") == before.replace(
        "\nfields:\n", "\nfields:\n  mood: {type: integer, label: Mood of the day, max: 10}\n", 1
    )
    desk.open("/crm/visit/new")
    expect(page.locator("#f-mood")).to_be_visible()
    # Where the field comes from is told above the form, and leads back to its line.
    page.locator("h1").click()
    page.keyboard.press("g")
    page.keyboard.press("y")
    page.locator(".where-tag[href*='visit.yaml#L']").first.wait_for()
    desk.assert_fits()
