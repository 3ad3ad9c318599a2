"""The walk a new user takes: one story, told by five people."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.desk import Desk

CUSTOMER = "Hengyuan Walking Pumps"


def test_the_walk_of_a_new_user(trellis, new_page):
    lin = Desk(new_page(), trellis, "lin.yue")
    number = _make_a_customer(lin)
    _give_it_a_contact_and_an_opportunity(lin, number)
    _find_it(lin)
    _edit_it_in_two_windows(lin, Desk(new_page(), trellis, "lin.yue"), number)
    _others_see_it_or_not(trellis, new_page, number)
    _a_field_is_added(trellis, new_page, lin, number)
    lin.assert_content()


def _make_a_customer(lin: Desk) -> str:
    lin.open("/crm/customer/")
    lin.page.keyboard.press("n")
    lin.page.wait_for_url("**/crm/customer/new")
    lin.save()
    # Nothing was filled in: said on top and beside the field, which is marked.
    expect(lin.page.locator("#problems")).to_contain_text("Customer name is needed.")
    expect(lin.page.locator("#f-name")).to_have_attribute("aria-invalid", "true")
    lin.fill("name", CUSTOMER)
    expect(lin.page.locator("#f-source_detail")).to_have_count(0)
    lin.choose("source", "online")
    # A field that is shown on a condition appears while the form is filled in.
    expect(lin.page.locator("#f-source_detail")).to_be_visible()
    assert lin.page.input_value("#f-name") == CUSTOMER
    lin.page.fill('[name="phones.value"]', "138 0013 6021")
    lin.save()
    expect(lin.page.locator("h1")).to_have_text(CUSTOMER)
    expect(lin.toast()).to_contain_text(f"{CUSTOMER} was created")
    return lin.path.rpartition("/")[2]


def _give_it_a_contact_and_an_opportunity(lin: Desk, number: str) -> None:
    lin.page.click("#related-contact-customer h2 a")
    # Added in place: the short form knows the customer, and the list shows it at once.
    expect(lin.page.locator("#q-customer")).to_have_value(CUSTOMER)
    lin.page.fill("#q-name", "Shen Jianguo")
    lin.page.keyboard.press("Control+s")
    expect(lin.page.locator("#related-contact-customer")).to_contain_text("Shen Jianguo")
    expect(lin.toast()).to_contain_text("Shen Jianguo was created")

    lin.open("/crm/opportunity/new")
    lin.fill("name", "Vibration monitoring, plant 2")
    lin.pick("customer", "Hengyuan Walk", CUSTOMER)
    # The contact's picker offers the people of this customer only.
    lin.pick("contact", "Shen", "Shen Jianguo")
    lin.save()
    expect(lin.page.locator("h1")).to_have_text("Vibration monitoring, plant 2")

    lin.open(f"/crm/customer/{number}")
    expect(lin.page.locator("#related-contact-customer")).to_contain_text("Shen Jianguo")
    expect(lin.page.locator("#related-opportunity-customer")).to_contain_text("Vibration")


def _find_it(lin: Desk) -> None:
    lin.open("/crm/customer/")
    lin.page.fill("[data-find]", "walking pumps")
    expect(lin.page.locator(".tbl tbody tr[data-href]")).to_have_count(1)
    expect(lin.page.locator(".tbl tbody")).to_contain_text(CUSTOMER)
    lin.open("/find?q=walking")
    expect(lin.main).to_contain_text(CUSTOMER)


def _edit_it_in_two_windows(first: Desk, second: Desk, number: str) -> None:
    first.open(f"/crm/customer/{number}/edit")
    second.open(f"/crm/customer/{number}/edit")
    first.choose("level", "a")
    first.fill("short_name", "Hengyuan")
    first.save()
    second.choose("level", "c")
    second.fill("website", "hengyuan.example")
    second.save()
    # The second save is told what changed, and loses nothing.
    expect(second.main).to_contain_text("changed this while you were editing")
    row = second.page.locator(".cf tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Level")
    expect(row).to_contain_text("B, normal")
    expect(row).to_contain_text("A, key")
    expect(second.page.locator(".merged")).to_contain_text("Hengyuan")
    second.page.check('input[name="_take.level"][value="theirs"]', force=True)
    with second.leaving():
        second.page.click(".dialog .btn-primary")
    expect(second.main).to_contain_text("A, key")
    expect(second.main).to_contain_text("hengyuan.example")
    expect(second.main).to_contain_text("Hengyuan")
    second.assert_content()


def _others_see_it_or_not(trellis, new_page, number: str) -> None:
    manager = Desk(new_page(), trellis, "chen.wei")
    manager.open(f"/crm/customer/{number}")
    expect(manager.page.locator("h1")).to_have_text(CUSTOMER)
    manager.assert_content()

    colleague = Desk(new_page(), trellis, "wang.fang")
    colleague.open("/crm/customer/")
    colleague.page.fill("[data-find]", "walking pumps")
    expect(colleague.main).to_contain_text("No match among customers")
    colleague.open(f"/crm/customer/{number}")
    expect(colleague.main).to_contain_text("There is no such record, or you may not see it.")
    colleague.open("/find?q=walking")
    expect(colleague.main).not_to_contain_text(CUSTOMER)


def _a_field_is_added(trellis, new_page, lin: Desk, number: str) -> None:
    path = trellis.config / "entities" / "customer.yaml"
    text = path.read_text("utf-8")
    line = "  telex: {type: text, label: {en: Telex number, zh: 电传}, max: 40}\n"
    path.write_text(text.replace("\nfields:\n", f"\nfields:\n{line}", 1), "utf-8")

    lin.open_when(f"/crm/customer/{number}/edit", "f-telex")
    lin.fill("telex", "4415 HYP CN")
    lin.save()
    expect(lin.main).to_contain_text("Telex number")
    expect(lin.main).to_contain_text("4415 HYP CN")

    lin.open("/crm/customer/?filter=contains(telex,+'4415')")
    expect(lin.page.locator(".tbl tbody tr[data-href]")).to_have_count(1)
    expect(lin.page.locator(".chip")).to_contain_text("Telex number contains 4415")
    lin.page.click('summary[aria-label="Columns"]')
    lin.page.check('.columns input[value="telex"]')
    with lin.leaving():
        lin.page.click(".columns .btn-primary")
    expect(lin.page.locator(".tbl thead")).to_contain_text("Telex number")
    expect(lin.page.locator(".tbl tbody")).to_contain_text("4415 HYP CN")

    answer = lin.page.request.get(f"{lin.url}/api/v1/customer/{number}")
    assert answer.ok
    assert answer.json()["telex"] == "4415 HYP CN"

    admin = Desk(new_page(), trellis, "admin")
    admin.open("/setup?file=entities/customer.yaml")
    expect(admin.main).to_contain_text("telex")
    expect(admin.main).to_contain_text("There is nothing to apply.")
    admin.assert_content()
