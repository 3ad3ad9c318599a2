"""GET of lists and single records: fields, filters, sorting, paging, expanding, counting."""

import pytest

from tests.integration.api.world import CUSTOMERS, IDS, assert_api_error


def names(rows):
    return [row["name"] for row in rows]


def test_a_list_holds_what_the_asker_may_read(shared):
    response = shared.as_("sam").get("/customer/")
    assert response.status_code == 200
    assert set(response.json) == {"rows", "next", "previous"}
    assert names(response.json["rows"]) == ["Sam Dormant", "Sam Steel"]
    first = response.json["rows"][0]
    assert "secret" not in first
    assert first["credit"] == "100.50"
    assert first["owner"] == IDS["sam"]
    assert first["version"] == 1
    assert first["created_at"].endswith(("Z", "+00:00"))


def test_fields_chooses_what_is_sent(shared):
    rows = shared.as_("sam").rows("/customer/", fields="id,name,level", sort="id")
    assert rows == [
        {"id": 1, "name": "Sam Steel", "level": "b"},
        {"id": 2, "name": "Sam Dormant", "level": "b"},
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"filter": "name == 'Sue Silk'"}, {3}),
        ({"filter": "status == 'active' and credit > 100"}, {1, 3, 4, 5}),
        ({"filter": "starts(name, 'Sam')"}, {1, 2}),
        ({"filter": "parent is empty and id in (1, 3)"}, {1, 3}),
        ({"status": "dormant"}, {2}),
        ({"name": ["Tom Tools", "Mia Works"]}, {4, 5}),
        ({"parent": ""}, {1, 2, 3, 4, 5}),
        ({"owner": "3", "status": "active"}, {1}),
        ({"search": "silk"}, {3}),
        ({"view": "key"}, set()),
        ({"filter": "name == 'Nobody'"}, set()),
    ],
)
def test_a_list_is_narrowed(shared, query, expected):
    assert shared.as_("root").ids("/customer/", **query) == expected


@pytest.mark.parametrize("sort", ["name", "-name", "credit,-id", "-created_at", "owner"])
@pytest.mark.parametrize("size", [1, 2, 100])
def test_q13_every_page_in_turn_holds_each_row_once(shared, sort, size):
    caller, seen, after = shared.as_("root"), [], None
    while True:
        query = {"sort": sort, "limit": size, **({"after": after} if after else {})}
        page = caller.get("/customer/", **query).json
        seen += [row["id"] for row in page["rows"]]
        after = page["next"]
        if after is None:
            break
    assert sorted(seen) == [1, 2, 3, 4, 5]


def test_before_goes_back(shared):
    caller = shared.as_("root")
    first = caller.get("/customer/", limit=2, sort="name").json
    second = caller.get("/customer/", limit=2, sort="name", after=first["next"]).json
    back = caller.get("/customer/", limit=2, sort="name", before=second["previous"]).json
    assert names(back["rows"]) == names(first["rows"])


def test_counting_is_asked_for(shared):
    caller = shared.as_("mia")
    assert caller.get("/customer/", count="exact", limit=1).json["count"] == 4
    assert caller.get("/customer/", count="capped", limit=1).json["count"] == 4
    assert "count" not in caller.get("/customer/", count="none").json


def test_expand_opens_links(shared):
    rows = shared.as_("root").rows(
        "/order/",
        id="1",
        fields="customer,owner,amount,lines",
        expand="customer,owner,lines.product",
    )
    assert rows[0]["customer"] == {"id": 1, "title": "Sam Steel"}
    assert rows[0]["owner"] == {"id": IDS["sam"], "title": "Sam"}
    assert rows[0]["lines"][0]["product"] == {"id": 1, "title": "Bolt"}
    assert rows[0]["amount"] == "20.00"


def test_one_record_carries_its_version_as_etag(shared):
    response = shared.as_("sam").get("/customer/1", fields="id,name,version")
    assert response.json == {"id": 1, "name": "Sam Steel", "version": 1}
    assert response.headers["ETag"] == '"1"'
    assert response.headers["Cache-Control"] == "no-store"


def test_a_masked_field_is_masked(shared):
    seen = shared.as_("aud").get("/customer/1").json["phones"]
    assert "00000001" not in str(seen)
    assert seen != shared.as_("root").get("/customer/1").json["phones"]


@pytest.mark.parametrize(
    "number", ["99999", "0", "-1", "1e3", "abc", "1 or 1=1", "..%2f1", str(10**30), "%00", "٣"]
)
def test_q15_what_is_no_record_is_not_found(shared, number):
    assert_api_error(shared.as_("root").get(f"/customer/{number}"), 404, "not-found")


@pytest.mark.parametrize("entity", ["nothing", "order.lines", "customer%00", "ab_user", "x" * 300])
def test_what_is_no_entity_is_not_found(shared, entity):
    assert_api_error(shared.as_("root").get(f"/{entity}/"), 404, "not-found")
    assert_api_error(shared.as_("root").get(f"/{entity}/1"), 404, "not-found")


DEEP = "(" * 900 + "1" + ")" * 900

BAD_QUERIES = {
    "unknown field": {"filter": "nothing == 1"},
    "unknown function": {"filter": "eval('1')"},
    "attribute": {"filter": "name.__class__ == 'x'"},
    "call on a value": {"filter": "name.upper() == 'x'"},
    "another record": {"filter": "count(order, customer == record) > 0"},
    "half": {"filter": "name =="},
    "wrong type": {"filter": "credit > 'x'"},
    "no condition": {"filter": "name"},
    "deep": {"filter": DEEP},
    "long": {"filter": "name == '" + "x" * 100_000 + "'"},
    "thousand": {"filter": " or ".join(["level == 'a'"] * 3_000)},
    "power": {"filter": "credit == 9 ** 9 ** 9"},
    "nul": {"filter": "name == 'a\0b'"},
    "unknown shortcut": {"nothing": "1"},
    "no number": {"credit": "x"},
    "no date": {"founded": "2024-02-30"},
    "no option": {"level": "zzz"},
    "no link": {"parent": "x"},
    "big link": {"parent": str(10**30)},
    "sort unknown": {"sort": "nothing"},
    "sort sql": {"sort": "name; DROP TABLE crm.customer"},
    "sort twice": {"sort": "name,name,name,name,name,name,name,name,name,name"},
    "limit 0": {"limit": "0"},
    "limit big": {"limit": str(10**9)},
    "limit negative": {"limit": "-1"},
    "limit text": {"limit": "many"},
    "limit arabic": {"limit": "٣"},
    "cursor": {"after": "x"},
    "cursor of another kind": {"after": "AAAA.BBBB"},
    "both cursors": {"after": "x", "before": "y"},
    "count": {"count": "all"},
    "view": {"view": "nothing"},
    "fields": {"fields": "name,nothing"},
    "fields sql": {"fields": "name, (select 1)"},
    "expand": {"expand": "name"},
    "expand unknown": {"expand": "nothing.at.all"},
    "twice": {"limit": ["1", "2"]},
}


@pytest.mark.parametrize("query", BAD_QUERIES.values(), ids=BAD_QUERIES)
def test_q10_q12_x8_a_question_that_cannot_be_read_is_400(shared, query):
    assert_api_error(shared.as_("root").get("/customer/", **query), 400, "malformed")


@pytest.mark.parametrize("sign", ["%", "_", "\\", "'", '"', "--", "/*"])
def test_q11_signs_of_sql_are_only_signs(world, sign):
    caller = world.as_("sam")
    caller.made("customer", name=f"A{sign}B")
    caller.made("customer", name="AxB")
    text = sign.replace("\\", "\\\\").replace("'", "\\'")
    assert names(caller.rows("/customer/", filter=f"contains(name, '{text}')")) == [f"A{sign}B"]
    assert names(caller.rows("/customer/", name=f"A{sign}B")) == [f"A{sign}B"]


@pytest.mark.parametrize("query", [{"filter": "secret == 's-sam'"}, {"sort": "secret"},
                                   {"secret": "s-sam"}, {"fields": "secret"}])  # fmt: skip
def test_a10_a_hidden_field_is_as_unknown(shared, query):
    secret = shared.as_("sam").get("/customer/", **query)
    unknown = shared.as_("sam").get(
        "/customer/",
        **{
            key.replace("secret", "sacret"): text.replace("secret", "sacret")
            for key, text in query.items()
        },
    )
    error = assert_api_error(secret, 400, "malformed")
    # The sentence may go on with other names that are near; the field's is never among them.
    same, _, near = error["message"].replace("secret", "sacret").partition(" Did you mean")
    assert same == unknown.json["error"]["message"].partition(" Did you mean")[0]
    assert "secret" not in near


@pytest.mark.parametrize(
    "query",
    [{"filter": "customer.secret == 's-sam'"}, {"sort": "customer_secret"},
     {"filter": "customer_secret is not empty"}, {"fields": "customer_secret"}],
)  # fmt: skip
def test_a11_nor_is_it_known_through_a_link(shared, query):
    assert_api_error(shared.as_("sam").get("/order/", **query), 400, "malformed")


def test_history_is_read_newest_first(world):
    caller = world.as_("sam")
    made = caller.made("customer", name="Told")
    caller.patch(f"/customer/{made['id']}", {"name": "Told twice"})
    rows = caller.rows(f"/customer/{made['id']}/history")
    assert [row["action"] for row in rows] == ["update", "create"]
    assert rows[0]["user"] == IDS["sam"]
    assert "name" in str(rows[0])
    assert len(caller.rows(f"/customer/{made['id']}/history", limit=1)) == 1
    assert_api_error(caller.get("/customer/4/history"), 404, "not-found")
    assert_api_error(caller.get("/customer/1/history", limit="x"), 400, "malformed")
    assert_api_error(caller.get("/customer/1/history", x="y"), 400, "malformed")


def test_figures_are_of_ones_own_rows(shared):
    rows = shared.as_("sam").rows("/customer/aggregate", group_by="status", measures="count")
    assert {row["status"]: row["count"] for row in rows} == {"active": 1, "dormant": 1}
    total = shared.as_("mia").rows("/customer/aggregate", measures="count,sum(credit)")
    assert total == [{"count": 4, "sum(credit)": "402.00"}]


@pytest.mark.parametrize(
    "query",
    [{"group_by": "nothing"}, {"group_by": "secret"}, {"measures": "sum(name)"},
     {"measures": "median(credit)"}, {"measures": "max(secret)"}, {"group_by": "a,b,c,d"},
     {"filter": "secret == 'x'"}, {"measures": ""}],
)  # fmt: skip
def test_figures_that_cannot_be_asked_for(shared, query):
    assert_api_error(shared.as_("sam").get("/customer/aggregate", **query), 400, "malformed")


def test_search_finds_across_entities(shared):
    hits = shared.as_("sam").rows("/search", q="Sam Steel")
    assert ("customer", 1) in {(hit["entity"], hit["id"]) for hit in hits}
    only = shared.as_("root").rows("/search", q="bolt", entities="product")
    assert [(hit["entity"], hit["id"], hit["title"]) for hit in only] == [("product", 1, "Bolt")]
    assert shared.as_("sam").rows("/search", q="Tools") == []
    assert_api_error(shared.as_("sam").get("/search", q="x" * 201), 400, "malformed")
    assert_api_error(shared.as_("sam").get("/search", q="x", limit="0"), 400, "malformed")
    assert_api_error(shared.as_("sam").get("/search", q="x", nothing="1"), 400, "malformed")


def test_me_says_who_asks(shared):
    me = shared.as_("mia").get("/me").json
    assert me["id"] == IDS["mia"]
    assert me["roles"] == ["manager"]
    assert me["subordinates"] == [IDS["sam"], IDS["sue"]]


def test_meta_tells_what_one_may_know(shared):
    seller = shared.as_("sam").get("/meta").json["entities"]
    assert "closed" not in seller
    assert "secret" not in seller["customer"]["fields"]
    assert seller["customer"]["fields"]["credit"]["right"] == "read"
    assert "delete" not in seller["customer"]["rights"]
    assert "closed" in shared.as_("root").get("/meta").json["entities"]


def test_the_bin_holds_what_one_may_restore(world):
    mia = world.as_("mia")
    assert mia.ids("/customer/bin") == {6}
    assert_api_error(world.as_("aud").get("/customer/bin"), 403, "forbidden")
    restored = mia.post("/customer/6/restore", {})
    assert restored.status_code == 200, restored.text
    assert mia.ids("/customer/bin") == set()
    assert 6 in mia.ids("/customer/")


def test_sentences_are_in_the_language_asked_for(shared):
    caller = shared.as_("sam")
    for language, says in (
        ("zh-CN,zh;q=0.9", "没有这条记录"),
        ("en-GB", "There is no such record"),
    ):
        response = caller.ask("GET", "/api/v1/customer/999", headers={"Accept-Language": language})
        assert_api_error(response, 404, "not-found", says=says)
    response = caller.ask("POST", "/api/v1/customer/", json={}, headers={"Accept-Language": "zh"})
    error = assert_api_error(response, 422, "invalid-input", "name")
    assert any("\u4e00" <= sign <= "\u9fff" for sign in error["fields"]["name"][0])


def test_the_world_is_as_it_says(shared):
    assert shared.as_("root").ids("/customer/") == set(CUSTOMERS) - {6}
