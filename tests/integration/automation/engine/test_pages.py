"""Buttons, webhooks, comments and the ledger, over HTTP and on pages."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from app.automation.registry import register
from app.database.apply import ApplyOptions, apply_catalog
from tests.integration.api.world import FILES, IDS, ApiWorld, build, load

RULES = """
rule: convert
entity: customer
label: {en: Convert it, zh: 转换客户}
when: {button: {en: Convert, zh: 转换}, ask: {words: {type: text, required: yes}, friend: {type: link, to: customer}}}
if: status == 'active'
do:
  - {if: input.words == 'no', stop: {en: Not like that., zh: 不行。}}
  - {create: {entity: customer, set: {name: =input.words}, open: yes}}
  - {comment: "{{ input.words }}"}
---
rule: mark
entity: customer
label: {en: Mark as old, zh: 标记}
when: {button: Mark, place: list}
do: [{set: {status: dormant}}]
---
rule: pair
entity: customer
when:
  button: Pair
  place: list
  ask:
    friend: {type: link, to: customer, required: yes, where: status == record.status and id != record.id}
    words: {type: text, required: yes}
do: [{set: {reason: "=join(' ', input.words, input.friend.name)"}}]
---
rule: talk
entity: customer
when: {on: comment}
do: [{follow: {to: owner}}]
---
rule: broken
entity: customer
label: {en: Broken rule, zh: 坏规则}
when: {on: update, changed: note}
do: [{create: {entity: order, set: {due_on: =today()}}}]
---
rule: outside
when: {hook: shop/orders, secret: SHOP_SECRET}
do: [{update: {entity: customer, where: name == input.name, set: {status: dormant}}}]
"""

ERP = """
integration: erp
label: Our ERP
kind: api
url: https://127.0.0.1:1
sync:
  - {out: customer, to: POST /customers, on: delete, fields: {name: =name}}
  - {in: product, from: GET /items, every: day, match: [name], fields: {name: title}}
"""


@pytest.fixture
def world(template_database, clone_database, tmp_path, monkeypatch) -> Iterator[ApiWorld]:
    monkeypatch.setenv("SHOP_SECRET", "s3cret")
    made = ApiWorld(clone_database(template_database("api_world", build)), tmp_path / "var")
    catalog = load({**FILES, "workflows/rules.yaml": RULES, "integrations/erp.yaml": ERP})
    services, now = made.services, made.services.clock.now()
    options = ApplyOptions(on_live=lambda connection, *_: register(connection, catalog, now))
    apply_catalog(services.pools, catalog, "test", options=options)
    services.live.reload()
    services.numbers.forget()
    yield made
    made.close()


def test_buttons_over_the_api(world: ApiWorld) -> None:
    sam = world.as_("sam")
    number = sam.post("/customer/", {"name": "One", "status": "active"}).json["id"]
    (offered, marks, _) = sam.get(f"/customer/{number}/actions").json["rows"]
    assert (offered["rule"], offered["label"], marks["place"]) == ("convert", "Convert", "list")
    assert [one["name"] for one in offered["ask"]] == ["words", "friend"]
    url = f"/customer/{number}/actions/convert"
    assert sam.post(url, {}).json["error"]["fields"]["words"] == ["Words is needed."]
    refused = sam.post(url, {"input": {"words": "no"}}, headers={"Accept-Language": "zh"})
    assert (refused.status_code, refused.json["error"]["message"]) == (422, "不行。")
    sent = {"input": {"words": "Two"}}
    first = sam.post(url, sent, headers={"Idempotency-Key": "a"})
    again = sam.post(url, sent, headers={"Idempotency-Key": "a"})
    assert (first.status_code, first.json["open"]) == (200, again.json["open"])
    assert (first.json["repeated"], again.json["repeated"]) == (False, True)
    two = first.json["open"]["id"]
    assert sam.get(f"/customer/{two}").json["name"] == "Two"
    rows = sam.post("/customer/actions/mark", {"ids": [two, 99999]}).json["rows"]
    assert [(row["done"], row["error"] and row["error"]["code"]) for row in rows] == [
        (True, None), (False, "not-found"),
    ]  # fmt: skip
    assert sam.get(f"/customer/{two}").json["status"] == "dormant"
    assert sam.post(f"/customer/{two}/actions/nothing", {}).status_code == 404
    # What was said and who follows.
    comments = sam.get(f"/customer/{number}/comments").json["rows"]
    assert [(one["text"], one["rule"]) for one in comments] == [("Two", "convert")]
    assert sam.post(f"/customer/{number}/comments", {"text": " "}).status_code == 422
    assert sam.post(f"/customer/{number}/comments", {"text": "Hm"}).status_code == 201
    (follows,) = sam.get(f"/customer/{number}/followers").json["rows"]
    assert follows["rule"] == "talk"
    assert sam.delete(f"/customer/{number}/followers").json["rows"] == []
    # The ledger.
    firings = sam.get(f"/customer/{number}/firings").json["rows"]
    assert [one["rule"] for one in firings] == ["talk", "talk", "convert"]
    assert [(one["step"], one["state"]) for one in firings[2]["steps"]] == [
        ("1", "skipped"), ("2", "done"), ("3", "done"),
    ]  # fmt: skip
    assert sam.get("/automation/firings").status_code == 403
    root = world.as_("root")
    found = root.get("/automation/firings", rule="convert", state="done").json["rows"]
    assert [one["record"] for one in found] == [number]
    assert root.get("/automation/firings", state="lost").status_code == 400


def test_a_webhook_is_taken_without_an_account(world: ApiWorld) -> None:
    client = world.app.test_client()
    body, good = b'{"name": "One"}', {"Authorization": "Bearer s3cret"}
    taken = client.post("/hooks/shop/orders", data=body, headers=good)
    assert (taken.status_code, sorted(taken.json)) == (202, ["accepted", "firing"])
    again = client.post("/hooks/shop/orders", data=body, headers=good)
    assert (again.status_code, again.json) == (200, {"accepted": True, "repeated": True})
    assert client.post("/hooks/shop/orders", data=body).status_code == 401
    assert client.post("/hooks/nowhere", data=body, headers=good).status_code == 404
    assert client.post("/hooks/shop/orders", data=b"x" * 300_000, headers=good).status_code == 413
    assert client.get("/hooks/shop/orders").status_code == 405


def test_exchanges_stand_on_a_page_and_in_the_api_for_administrators(world: ApiWorld) -> None:
    root, sam, api = world.browser("root"), world.browser("sam"), world.as_("root")
    page = root.ask("GET", "/system/integrations").text
    assert "out to Our ERP" in page
    assert page.count("Nothing yet") == 2
    assert root.ask("POST", "/system/integrations/erp-product/run").status_code == 303
    assert root.ask("POST", "/system/integrations/erp-customer/run").status_code == 404
    asked = api.post("/integrations/erp-product/run", {})
    assert (asked.status_code, asked.json) == (202, {"name": "erp-product", "asked": True})
    assert world.services.exchange.look(lambda _run: None) == 1
    out, fetched = api.get("/integrations").json["rows"]
    assert (out["name"], out["way"], out["calls"]) == ("erp-customer", "out", {})
    (run,) = fetched["runs"]
    assert (run["state"], run["user"]) == ("failed", IDS["root"])
    assert run["problem"].startswith("`127.0.0.1` is not a public address.")
    assert run["problem"] in root.ask("GET", "/system/integrations").text.replace("&#39;", "'")
    assert "来自 Our ERP" in root.ask("GET", "/system/integrations?language=zh").text
    for answer in (sam.ask("GET", "/system/integrations"), world.as_("sam").get("/integrations"),
                   sam.ask("POST", "/system/integrations/erp-product/run")):  # fmt: skip
        assert answer.status_code == 403
    # Administrators hear of it.
    assert "The exchange erp-product: `127.0.0.1` is not" in root.ask("GET", "/inbox").text


def test_buttons_comments_and_the_ledger_on_pages(world: ApiWorld) -> None:
    sam, root = world.browser("sam"), world.browser("root")
    number = sam.made("customer", name="One", status="active")["id"]
    page = sam.ask("GET", f"/crm/customer/{number}").text
    assert 'data-opens="act-convert"' in page
    assert "act-mark" not in page
    key = re.search(r'name="key" value="(\w+)"', page)
    assert key is not None
    url = f"/crm/customer/{number}/act/convert"
    refused = sam.ask("POST", url, data={"key": key[1], "words": ""})
    assert refused.status_code == 422
    assert "data-shown" in refused.text
    assert "Words is needed." in refused.text
    stopped = sam.ask("POST", url, data={"words": "no"}, headers={"Accept-Language": "zh"})
    assert stopped.status_code == 422
    sent = {"key": key[1], "words": "Two", "friend": str(number)}
    gone = [sam.ask("POST", url, data=sent).headers["Location"] for _ in range(2)]
    assert gone[0] == gone[1], "a double click leads to the same record"
    assert sam.ask("GET", gone[0]).status_code == 200
    offered = sam.ask("POST", "/crm/customer/act/convert/pick/friend", data={"_q": "Two"}).text
    assert "Two" in re.sub("<[^>]+>", "", offered)
    assert "rule:mark" in sam.ask("GET", "/crm/customer/").text
    sam.ask("POST", "/crm/customer/do", data={"ids": str(number), "do": "rule:mark"})
    assert sam.ask("GET", f"/api/v1/customer/{number}").json["status"] == "dormant"
    part = {"HX-Request": "true"}
    page, said = f"/crm/customer/{number}", f"/crm/customer/{number}/comments"
    assert "Two" in sam.ask("GET", page).text
    answer = sam.ask("POST", said, data={"text": "<b>Hm"}, headers=part)
    assert (answer.status_code, "record-told" in answer.headers["HX-Trigger"]) == (204, True)
    shown = sam.ask("GET", page).text
    assert "&lt;b&gt;Hm" in shown
    assert 'aria-pressed="true"' in shown, "a rule had the owner follow"
    assert "Rule <b>Convert it</b> fired" in shown
    assert sam.ask("POST", said, data={"text": ""}, headers=part).status_code == 422
    follow = f"/crm/customer/{number}/follow"
    assert sam.ask("POST", follow, data={"do": "unfollow"}, headers=part).status_code == 204
    shown = sam.ask("GET", page).text
    assert 'aria-pressed="true"' not in shown
    # The customer is dormant by now: the button keeps its place and says what is not met.
    assert 'data-why="why-act-convert"' in shown
    assert "<code" in shown[shown.index('id="why-act-convert"') :]
    ledger = sam.ask("GET", f"/crm/customer/{number}/automation").text
    assert "Convert it" in ledger
    assert "Mark as old" in ledger
    assert "/setup/ledger" not in ledger
    assert sam.ask("GET", "/setup/ledger").status_code == 403
    everything = root.ask("GET", "/setup/ledger?rule=convert").text
    assert f'href="/crm/customer/{number}"' in everything
    assert "Mark as old" not in everything
    assert "Convert it" in root.ask("GET", f"/setup/ledger?user={IDS['sam']}&state=done").text
    assert root.ask("GET", "/setup/ledger?rule=nothing").status_code == 404


def test_a_button_of_a_list_asks_once_for_all_and_pickers_respect_where(world: ApiWorld) -> None:
    sam, ids = world.browser("sam"), "1,2"
    form = sam.ask("GET", f"/crm/customer/bulk/act/pair?ids={ids}").text
    assert 'name="do" value="rule:pair"' in form
    assert f'name="ids" value="{ids}"' in form
    assert 'data-asks="/crm/customer/bulk/act/pair"' in sam.ask("GET", "/crm/customer/").text
    assert sam.ask("GET", "/crm/customer/bulk/act/convert").status_code == 404, "of records only"

    def offered(**data: str) -> str:
        found = sam.ask("POST", "/crm/customer/act/pair/pick/friend", data={"_q": "", **data}).text
        return re.sub("<[^>]+>", "", found)

    other = sam.made("customer", name="Sam Second", status="active")["id"]
    assert "Sam Second" in offered(ids=ids)
    assert "Sam Steel" not in offered(ids=ids), "not itself"
    assert "Sam Dormant" not in offered(record="1")
    assert "Sam Second" not in offered(record="2")
    sent = {"ids": ids, "do": "rule:pair", "friend": str(other), "words": ""}
    wrong = sam.ask("POST", "/crm/customer/do", data=sent)
    assert (wrong.status_code, "Words is needed." in wrong.text) == (422, True)
    sam.ask("POST", "/crm/customer/do", data={**sent, "words": "with"})
    # Of the second another one would be offered, so it is left out and the first is done.
    notes = [sam.ask("GET", f"/api/v1/customer/{one}").json["reason"] for one in (1, 2)]
    assert notes == ["with Sam Second", None]
    # All of it is one change set, which can be looked at and taken back.
    (run,) = sam.ask("GET", "/api/v1/changes/runs/").json["rows"][:1]
    assert (run["kind"], run["changed"], run["skipped"]) == ("button", 1, 1)
    left = sam.ask("GET", f"/api/v1/changes/runs/{run['id']}/skipped").json["rows"]
    assert [one["id"] for one in left] == [2]
    assert "Done for 1 of 2; 1 were left out" in sam.ask("GET", f"/changes/runs/{run['id']}").text
    sam.ask("POST", f"/changes/{run['change_set']}/undo", data={})
    assert sam.ask("GET", "/api/v1/customer/1").json["reason"] is None
    refused = world.as_("sam").post(
        "/customer/2/actions/pair", {"input": {"words": "x", "friend": other}}
    )
    said = f"There is no record {other} that you may choose here."
    assert refused.json["error"]["fields"] == {"friend": [said]}
    pressed = {"action": "press", "rule": "mark", "ids": [1, 2, 99_999]}
    once = {"Idempotency-Key": "k"}
    for changed, unchanged in ((2, 0), (0, 2)):
        done = world.as_("sam").post("/customer/bulk", pressed, headers=once).json
        told = (done["changed"], done["unchanged"], done["why"])
        assert told == (changed, unchanged, {"gone": 1})
    for wrong in (
        {"rule": "nothing"},
        {"rule": 7},
        {"input": {"x": 1}},
        {"rule": "pair"},
        {"input": [1]},
    ):
        answer = world.as_("sam").post("/customer/bulk", {**pressed, **wrong})
        assert answer.status_code in (404, 422), wrong


def test_a_rule_that_fails_is_not_shown_as_the_users_mistake(world: ApiWorld) -> None:
    """J6, on a form: what was typed stays, the rule is named, no field is marked."""
    sam = world.browser("sam")
    number = sam.made("customer", name="One", status="active")["id"]
    typed = {"name": "One", "note": "typed with care", "_touched": "note"}
    page = sam.ask("POST", f"/crm/customer/{number}/edit", data=typed)
    assert "Broken rule" in page.text
    assert "no mistake of yours" in page.text
    assert "typed with care" in page.text
    assert "is-bad" not in page.text
    told = sam.ask("PATCH", f"/api/v1/customer/{number}", json={"note": "x"})
    assert (told.status_code, told.json["error"]["code"]) == (500, "rule-failed")
    assert "fields" not in told.json["error"]
    assert "Broken rule" in world.browser("root").ask("GET", "/setup/ledger?state=failed").text
