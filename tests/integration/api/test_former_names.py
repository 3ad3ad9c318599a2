"""What was renamed with `was:` answers by its old name too: each way to ask, each way to write."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.integration.api.world import FILES, ApiWorld, build

CUSTOMER = (
    FILES["entities/customer.yaml"]
    .replace("entity: customer\n", "entity: client\nwas: customer\n")
    .replace("\n  status: {", "\n  state: {was: status, ")
    .replace("\n  secret: {", "\n  hush: {was: secret, ")
    .replace("    secret: {", "    hush: {")
    .replace("\n  credit: {", "\n  line: {was: credit, ")
    .replace("    credit: {", "    line: {")
    .replace("dormant: Dormant", "asleep: {label: Dormant, was: dormant}")
    .replace("status ==", "state ==")
    .replace("credit", "line")
    .replace("was: line,", "was: credit,")
    .replace("to: customer", "to: client")
)
ORDER = (
    FILES["entities/order.yaml"]
    .replace(
        "  customer: {type: link, to: customer", "  client: {was: customer, type: link, to: client"
    )
    .replace("{customer}", "{client}")
    .replace("per: customer", "per: client")
    .replace("from: customer.secret", "from: client.hush")
    .replace("from: customer.name", "from: client.name")
    .replace("      quantity: {", "      pieces: {was: quantity, ")
    .replace("price * quantity", "price * pieces")
    .replace("[number, customer,", "[number, client,")
)
RENAMED = {
    **{name: text for name, text in FILES.items() if name != "entities/customer.yaml"},
    "app.yaml": FILES["app.yaml"].replace("[customer, order]", "[client, order]"),
    "entities/client.yaml": CUSTOMER.replace("order.customer", "order.client"),
    "entities/order.yaml": ORDER,
    "entities/visit.yaml": FILES["entities/visit.yaml"].replace("customer", "client"),
    "entities/note.yaml": FILES["entities/note.yaml"].replace("to: customer", "to: client"),
}


@pytest.fixture(scope="module")
def renamed(template_database, databases, tmp_path_factory):
    name = databases.create(template_database("api_world", build))
    made = ApiWorld(databases.url(name), tmp_path_factory.mktemp("data") / "var")
    made.apply(RENAMED)
    yield made
    made.close()
    databases.drop(name)


@pytest.fixture
def changing(world):
    """A renamed world of this test's own, to write in."""
    world.apply(RENAMED)
    return world


def told(response, status=200):
    """Return the answer, which says that the request used an old name."""
    assert response.status_code == status, response.text
    assert response.headers["Deprecation"] == "true"
    return response.json


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/customer/", {}, {1, 2, 3, 4, 5}),
        ("/client/", {"status": "active"}, {1, 3, 4, 5}),
        ("/client/", {"status": "dormant"}, {2}),
        ("/client/", {"state": "dormant"}, {2}),
        ("/client/", {"state": ["dormant", "active"]}, {1, 2, 3, 4, 5}),
        ("/client/", {"filter": "status == 'dormant'"}, {2}),
        ("/client/", {"filter": "name == '客户' or  state in ('dormant', 'nothing')"}, None),
        ("/client/", {"filter": "name == '客户' or  state in ('dormant', 'asleep')"}, {2}),
        ("/client/", {"filter": "'dormant' == record.status"}, {2}),
        ("/client/", {"filter": 'state == "dormant" and credit > 100'}, {2}),
        ("/client/", {"sort": "-credit,status"}, {1, 2, 3, 4, 5}),
        ("/order/", {"customer": "2"}, {2}),
        ("/order/", {"filter": "customer.status == 'dormant'"}, {2}),
        (
            "/order/",
            {"filter": "client.status == 'dormant' and count(lines, quantity > 1) > 0"},
            {2},
        ),
        ("/order/", {"filter": "sum(lines.quantity) > 1 and customer == 2"}, {2}),
        ("/visit/", {"about": "customer:2"}, {2}),
        ("/visit/", {"filter": "about == 'customer:2'"}, {2}),
    ],
)
def test_lists_are_asked_by_old_names(renamed, path, query, expected):
    response = renamed.as_("root").get(path, **query)
    if expected is None:
        assert response.status_code == 400, response.text
        assert "nothing" in response.json["error"]["message"]
        return
    assert {row["id"] for row in told(response)["rows"]} == expected


def test_answers_use_the_new_names(renamed):
    caller = renamed.as_("root")
    row = told(caller.get("/customer/2", fields="id,status,credit"))
    assert row == {"id": 2, "state": "asleep", "line": "100.50"}
    row = told(caller.get("/order/2", fields="customer", expand="customer.status"))
    assert row["client"]["state"] == "asleep"
    assert told(caller.get("/order/2", expand="lines.quantity"))["lines"][0]["pieces"]


def test_figures_are_asked_by_old_names(renamed):
    asked = {"group_by": "status", "measures": "count,sum(credit)", "filter": "status=='dormant'"}
    rows = told(renamed.as_("root").get("/customer/aggregate", **asked))["rows"]
    assert rows == [{"state": "asleep", "count": 1, "sum(line)": "100.50"}]


def test_the_rest_of_an_entity_answers_under_its_old_name(renamed):
    caller = renamed.as_("root")
    assert told(caller.get("/customer/1/history"))["rows"]
    assert [row["id"] for row in told(caller.get("/customer/bin", fields="id"))["rows"]] == [6]
    hits = told(caller.get("/search", q="Silk", entities="customer"))["rows"]
    assert [(hit["entity"], hit["id"]) for hit in hits] == [("client", 3)]


def test_new_names_are_not_marked(renamed):
    response = renamed.as_("root").get(
        "/client/", fields="state", filter="state == 'asleep'", sort="line", state="asleep"
    )
    assert response.status_code == 200, response.text
    assert "Deprecation" not in response.headers


def test_records_are_written_by_old_names(changing):
    caller = changing.as_("root")
    made = caller.post("/customer/", {"name": "Old", "status": "dormant", "credit": "7"})
    number = told(made, 201)["id"]
    assert made.headers["Location"] == f"/api/v1/client/{number}"
    assert (made.json["state"], made.json["line"]) == ("asleep", "7.00")
    assert "status" not in made.json
    assert told(caller.patch(f"/client/{number}", {"credit": "8"}))["line"] == "8.00"
    sent = {"state": "active", "credit": "9"}
    assert told(caller.patch(f"/client/{number}", sent))["state"] == "active"
    lines = [{"product": 1, "quantity": "3"}]
    order = told(caller.post("/order/", {"customer": number, "lines": lines}), 201)
    assert order["client"] == number
    assert order["amount"] == "30.00"
    visit = told(caller.post("/visit/", {"about": {"entity": "customer", "id": number}}), 201)
    assert visit["about"]["entity"] == "client"
    merged = {"keep": 1, "gone": [number], "values": {"status": "dormant"}}
    assert told(caller.post("/customer/merge", merged))["state"] == "asleep"
    sent = {"ids": [1], "owner": 4, "along": ["order.customer"]}
    assert told(caller.post("/customer/transfer", sent))["changed"] > 1
    assert told(caller.post("/visit/", {"about": {"entity": "customer", "id": 1}}), 201)
    lone = told(caller.post("/customer/", {"name": "Lone"}), 201)["id"]
    gone = caller.delete(f"/customer/{lone}")
    assert (gone.status_code, gone.headers["Deprecation"]) == (204, "true")
    assert told(caller.post(f"/customer/{lone}/restore"))["id"] == lone


def test_batches_are_written_by_old_names(changing):
    caller = changing.as_("root")
    writes = [
        {"action": "create", "values": {"name": "Batch", "status": "dormant"}},
        {"action": "update", "id": 5, "values": {"credit": "11"}},
    ]
    rows = told(caller.post("/customer/batch", {"operations": writes}))["rows"]
    assert caller.get(f"/client/{rows[0]['id']}").json["state"] == "asleep"
    assert caller.get("/client/5").json["line"] == "11.00"
    upsert = {"action": "upsert", "values": {"email": "c5@test.example", "status": "active"}}
    rows = told(caller.post("/client/batch", {"operations": [upsert], "key": "email"}))["rows"]
    assert rows[0]["id"] == 5


def test_a_field_written_by_both_names_is_refused(renamed):
    response = renamed.as_("root").patch("/client/1", {"status": "active", "state": "active"})
    assert response.status_code == 422, response.text
    assert set(response.json["error"]["fields"]) == {"status"}


@pytest.mark.parametrize(
    "query",
    [
        {"fields": "secret"},
        {"sort": "secret"},
        {"secret": "s-sam"},
        {"filter": "secret == 's-sam'"},
        {"filter": "parent.secret == 's-sam'"},
        {"expand": "secret"},
    ],
)
def test_a_hidden_field_is_hidden_under_its_old_name_too(renamed, query):
    response = renamed.as_("sam").get("/client/", **query)
    assert response.status_code == 400, response.text
    assert "hush" not in response.text
    assert "Deprecation" not in response.headers
    assert "`secret`" in response.json["error"]["message"]


def test_a_hidden_field_is_not_written_by_its_old_name(renamed):
    response = renamed.as_("sam").patch("/client/1", {"secret": "x"})
    assert response.status_code == 422, response.text
    assert set(response.json["error"]["fields"]) == {"secret"}
    assert "hush" not in response.text


def test_refusals_are_not_marked(renamed):
    for caller, status in ((renamed.anybody(), 401), (renamed.as_("nora"), 403)):
        response = caller.get("/customer/")
        assert response.status_code == status, response.text
        assert "Deprecation" not in response.headers


def test_links_to_screens_do_not_tell_of_hidden_fields(renamed):
    browser = renamed.browser("sam")
    for query in ({"sort": "secret"}, {"filter": "secret == 's-sam'"}):
        page = browser.ask("GET", "/crm/client/", query_string=query)
        assert "Location" not in page.headers
        assert "hush" not in page.text


def test_links_to_screens_lead_to_where_it_is_now(renamed):
    browser = renamed.browser("root")
    moved = browser.ask("GET", "/crm/customer/2")
    assert (moved.status_code, moved.headers["Location"]) == (302, "/crm/client/2")
    assert browser.ask("GET", moved.headers["Location"]).status_code == 200
    old = {"filter": "status == 'dormant'", "sort": "-credit", "q": "Sam"}
    moved = urlsplit(browser.ask("GET", "/crm/customer/", query_string=old).headers["Location"])
    assert moved.path == "/crm/client/"
    now = {"filter": ["state == 'asleep'"], "sort": ["-line"], "q": ["Sam"]}
    assert parse_qs(moved.query) == now
    page = browser.ask("GET", "/crm/client/", query_string=moved.query)
    assert page.status_code == 200
    assert "Sam Dormant" in page.text
    assert "Sam Steel" not in page.text
    preset = browser.ask("GET", "/crm/order/new", query_string={"customer": "2"})
    assert preset.headers["Location"] == "/crm/order/new?client=2"
    assert browser.ask("GET", "/crm/nobody/").status_code == 404


def test_a_name_that_is_used_anew_means_the_new_thing(world):
    """`was` goes with it, as the language asks, and with `was` the former name."""
    client = RENAMED["entities/client.yaml"]
    site = "  site: {type: url}\n"
    moved = client.replace(site, "  web: {type: url, was: site}\n")
    moved = moved.replace("same: [site]", "same: [web]")
    world.apply({**RENAMED, "entities/client.yaml": moved})
    caller = world.as_("root")
    told(caller.patch("/client/1", {"site": "https://one.example"}))
    anew = client.replace(site, "  web: {type: url}\n  site: {type: text}\n")
    world.apply({**RENAMED, "entities/client.yaml": anew})
    response = caller.patch("/client/1", {"site": "Here"})
    assert response.status_code == 200, response.text
    assert "Deprecation" not in response.headers
    assert (response.json["site"], response.json["web"]) == ("Here", "https://one.example")
    gone = {**RENAMED, "entities/client.yaml": anew.replace("was: customer\n", "")}
    world.apply(gone)
    assert caller.get("/client/1").status_code == 200
    assert caller.get("/customer/1").status_code == 404


def test_stages_are_known_by_old_names(world):
    note = RENAMED["entities/note.yaml"]
    stages = """
lifecycle: note-stages
entity: note
field: step
stages:
  new: {label: New}
  sent: {label: Sent, was: mailed}
"""
    world.apply(
        {
            **RENAMED,
            "entities/note.yaml": note.replace("fields:\n", "fields:\n  step: {type: stage}\n"),
            "workflows/note.yaml": stages,
        }
    )
    caller = world.as_("root")
    number = caller.made("note", text="Letter")["id"]
    assert told(caller.patch(f"/note/{number}", {"step": "mailed"}))["step"] == "sent"
    for query in (
        {"step": "mailed"},
        {"filter": "step in ('mailed',)"},
        {"filter": "step == 'mailed' and step.previous != 'mailed'"},
    ):
        rows = told(caller.get("/note/", **query))["rows"]
        assert [row["id"] for row in rows] == [number]
