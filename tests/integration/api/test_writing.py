"""POST, PATCH, DELETE and batches: what is kept, what is refused, and who is told what."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.database import system
from tests.integration.api.world import IDS, PREFIX, Caller, assert_api_error


def test_a_new_record_is_answered_as_it_is_now(world):
    sam = world.as_("sam")
    response = sam.post("/customer/", {"name": "New", "phones": [{"number": "+8613912345678"}]})
    assert response.status_code == 201
    made = response.json
    assert response.headers["Location"] == f"/api/v1/customer/{made['id']}"
    assert response.headers["ETag"] == '"1"'
    assert (made["name"], made["owner"], made["level"]) == ("New", IDS["sam"], "b")
    assert made["code"].startswith("C-")
    assert sam.get(response.headers["Location"].removeprefix(PREFIX)).json == made


def test_a_warning_comes_with_the_record(world):
    made = world.as_("mia").made("customer", name="Key", level="a", reason="big")
    assert made["warnings"] == ["A key customer without credit"]


def test_what_is_not_sent_stays(world):
    sam = world.as_("sam")
    response = sam.patch("/customer/1", {"note": "x"})
    assert response.status_code == 200
    assert response.headers["ETag"] == '"2"'
    assert (response.json["name"], response.json["note"]) == ("Sam Steel", "x")
    cleared = sam.patch("/customer/1", {"note": None}).json
    assert cleared["note"] is None


def test_r1_r2_if_match_refuses_what_changed_since(world):
    sam, mia = world.as_("sam"), world.as_("mia")
    opened = sam.get("/customer/1").headers["ETag"]
    assert mia.patch("/customer/1", {"name": "Mia's", "level": "b"}).status_code == 200
    late = sam.patch("/customer/1", {"name": "Sam's", "note": "mine"}, headers={"If-Match": opened})
    error = assert_api_error(late, 412, "precondition-failed", "name")
    assert late.headers["ETag"] == '"2"'
    assert error["conflict"] == {
        "version": 2,
        "fields": {
            "name": {"opened": "Sam Steel", "now": "Mia's", "yours": "Sam's", "clash": True}
        },
    }
    assert world.row("customer", 1)["name"] == "Mia's"
    # Without If-Match the last one wins, as documented.
    assert sam.patch("/customer/1", {"name": "Sam's"}).status_code == 200


def test_a_version_in_the_body_is_refused(world):
    response = world.as_("sam").patch("/customer/1", {"name": "x", "version": 1})
    assert_api_error(response, 422, "invalid-input", "version")


@pytest.mark.parametrize("tag", ["x", '"abc"', "-1", '"99999999999"', '"1", "2"'])
def test_if_match_of_another_make_never_matches(world, tag):
    response = world.as_("sam").patch("/customer/1", {"note": "x"}, headers={"If-Match": tag})
    assert_api_error(response, 412, "precondition-failed")
    assert world.row("customer", 1)["note"] is None


def test_r7_a_record_deleted_meanwhile_does_not_come_back(world):
    mia = world.as_("mia")
    number = mia.made("customer", name="Short")["id"]
    assert mia.delete(f"/customer/{number}").status_code == 204
    assert_api_error(mia.patch(f"/customer/{number}", {"note": "x"}), 404, "not-found")
    assert_api_error(mia.get(f"/customer/{number}"), 404, "not-found")
    assert_api_error(mia.delete(f"/customer/{number}"), 404, "not-found")
    assert world.row("customer", number)["deleted_at"] is not None


def test_q8_what_others_need_is_not_deleted(world):
    error = assert_api_error(world.as_("mia").delete("/customer/1"), 422, "invalid-input")
    assert "Order" in str(error)
    assert world.row("customer", 1)["deleted_at"] is None
    assert world.row("note", 1)["deleted_at"] is None


def test_delete_heeds_if_match(world):
    mia = world.as_("mia")
    path = f"/customer/{mia.made('customer', name='Short')['id']}"
    late = mia.delete(path, headers={"If-Match": '"9"'})
    assert_api_error(late, 412, "precondition-failed")
    assert mia.delete(path, headers={"If-Match": '"1"'}).status_code == 204


BAD_BODIES = {
    "no json": ({"data": b"name=x", "content_type": "application/x-www-form-urlencoded"}, 415),
    "text": ({"data": b'{"name": "x"}', "content_type": "text/plain"}, 415),
    "no type": ({"data": b'{"name": "x"}'}, 415),
    "broken": ({"data": b'{"name": ', "content_type": "application/json"}, 400),
    "empty": ({"data": b"", "content_type": "application/json"}, 400),
    "latin": ({"data": b'{"name": "\xe9"}', "content_type": "application/json"}, 400),
    "twice": ({"data": b'{"name": "a", "name": "b"}', "content_type": "application/json"}, 400),
    "list": ({"data": b"[]", "content_type": "application/json"}, 400),
    "null": ({"data": b"null", "content_type": "application/json"}, 400),
    "nan": ({"data": b'{"credit": NaN}', "content_type": "application/json"}, 400),
    "deep": ({"data": b"[" * 100_000, "content_type": "application/json"}, 400),
    "long number": (
        {"data": b'{"credit": ' + b"1" * 100_000 + b"}", "content_type": "application/json"},
        400,
    ),
    "huge": ({"data": b" " * (22 * 1024 * 1024), "content_type": "application/json"}, 413),
}
CODES = {400: "malformed", 413: "too-large", 415: "unsupported-media-type"}


@pytest.mark.parametrize(("sent", "status"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_h9_a_body_that_cannot_be_read(shared, sent, status):
    for method, path in (
        ("POST", "/customer/"),
        ("PATCH", "/customer/1"),
        ("POST", "/customer/batch"),
    ):
        response = shared.as_("sam").ask(method, PREFIX + path, **sent)
        assert_api_error(response, status, CODES[status])


BAD_VALUES = {
    "unknown": ({"nothing": 1}, "nothing"),
    "hidden": ({"secret": "x"}, "secret"),
    "readable only": ({"credit": "5"}, "credit"),
    "id": ({"id": 5}, "id"),
    "created_by": ({"created_by": 1}, "created_by"),
    "formula": ({"score": 1}, "score"),
    "rollup": ({"orders": 7}, "orders"),
    "missing": ({"name": None}, "name"),
    "blank": ({"name": "  \u200b "}, "name"),
    "long": ({"name": "x" * 41}, "name"),
    "number": ({"name": 5}, "name"),
    "object": ({"name": {}}, "name"),
    "nul": ({"name": "a\0b"}, "name"),
    "option": ({"level": "zzz"}, "level"),
    "removed option": ({"level": "old"}, "level"),
    "email": ({"email": "x"}, "email"),
    "taken": ({"email": "C3@test.example"}, "email"),
    "url": ({"site": "javascript:alert(1)"}, "site"),
    "data url": ({"site": "data:text/html,x"}, "site"),
    "date": ({"founded": "2024-02-30"}, "founded"),
    "no such link": ({"parent": 99999}, "parent"),
    "link of text": ({"parent": "1"}, "parent"),
    "link too big": ({"parent": 10**30}, "parent"),
    "phones": ({"phones": "+8613912345678"}, "phones"),
    "boolean": ({"locked": "yes"}, "locked"),
    "condition": ({"level": "a"}, "reason"),
    "file": ({"files": [99999]}, "files"),
}


@pytest.mark.parametrize(("sent", "field"), BAD_VALUES.values(), ids=BAD_VALUES)
def test_a12_a13_x2_a_value_that_cannot_be_kept_names_its_field(shared, sent, field):
    sam, world = shared.as_("sam"), shared
    assert_api_error(sam.post("/customer/", {"name": "A", **sent}), 422, "invalid-input", field)
    before = world.row("customer", 1)
    assert_api_error(sam.patch("/customer/1", sent), 422, "invalid-input", field)
    assert world.row("customer", 1) == before


def test_a15_a16_what_one_may_not_see_cannot_be_linked(world):
    sam = world.as_("sam")
    for field, hidden, missing in (("parent", 4, 99999), ("friends", [1, 4], [1, 99999])):
        one = assert_api_error(
            sam.patch("/customer/1", {field: hidden}), 422, "invalid-input", field
        )
        two = assert_api_error(
            sam.patch("/customer/1", {field: missing}), 422, "invalid-input", field
        )
        assert str(one).replace("4", "#") == str(two).replace("99999", "#")
    assert world.row("customer", 1)["friends"] in (None, [])


def test_a17_only_who_may_transfer_gives_a_record_away(world):
    given = world.as_("sam").patch("/customer/1", {"owner": IDS["tom"]})
    assert given.status_code in (200, 403)
    if given.status_code == 200:
        # He sees it no longer, and is told its number alone.
        assert given.json == {"id": 1}
        assert_api_error(world.as_("sam").get("/customer/1"), 404, "not-found")
    assert_api_error(world.as_("aud").patch("/customer/3", {"owner": IDS["aud"]}), 403, "forbidden")


def test_a18_without_the_right_nothing_is_deleted(world):
    sam = world.as_("sam")
    assert_api_error(sam.delete("/customer/1"), 403, "forbidden")
    batch = sam.post("/customer/batch", {"operations": [{"action": "delete", "id": 1}]})
    assert batch.status_code in (403, 422)
    merge = sam.post("/customer/merge", {"keep": 1, "gone": [2]})
    assert_api_error(merge, 403, "forbidden")
    for number in (1, 2):
        assert world.row("customer", number)["deleted_at"] is None


# -- batches ---------------------------------------------------------------------------------------


def test_a_batch_does_all_or_nothing(world):
    mia = world.as_("mia")
    gone = mia.made("customer", name="Gone")["id"]
    done = mia.post(
        "/customer/batch",
        {
            "operations": [
                {"action": "create", "values": {"name": "One"}},
                {"action": "update", "id": 1, "values": {"note": "n"}, "version": 1},
                {"action": "delete", "id": gone},
            ]
        },
    )
    assert done.status_code == 200, done.text
    rows = done.json["rows"]
    assert [row["action"] for row in rows] == ["create", "update", "delete"]
    assert rows[1] == {"action": "update", "id": 1, "version": 2}
    assert world.row("customer", gone)["deleted_at"] is not None
    failed = mia.post(
        "/customer/batch",
        {
            "operations": [
                {"action": "create", "values": {"name": "Two"}},
                {"action": "create", "values": {"name": ""}},
            ]
        },
    )
    assert_api_error(failed, 422, "invalid-input", "1.name")
    assert mia.ids("/customer/", name="Two") == set()


def test_a_batch_does_each_by_itself(world):
    mia = world.as_("mia")
    response = mia.post(
        "/customer/batch",
        {
            "mode": "each",
            "operations": [
                {"action": "create", "values": {"name": "Kept"}},
                {"action": "create", "values": {"name": "", "email": "x"}},
                {"action": "update", "id": 4, "values": {"note": "x"}},
                {"action": "update", "id": 1, "values": {"note": "x"}, "version": 7},
            ],
        },
    )
    assert response.status_code == 200
    rows = response.json["rows"]
    assert [row.get("status") for row in rows] == [None, 422, 404, 409]
    assert set(rows[1]["error"]["fields"]) == {"name", "email"}
    assert rows[3]["error"]["code"] == "conflict"
    assert len(mia.ids("/customer/", name="Kept")) == 1


def test_upsert_finds_by_a_unique_field(world):
    mia = world.as_("mia")
    send = {
        "key": "email",
        "operations": [
            {"action": "upsert", "values": {"email": "C1@test.example", "note": "found"}},
            {"action": "upsert", "values": {"email": "new@test.example", "name": "New"}},
        ],
    }
    rows = mia.post("/customer/batch", send).json["rows"]
    assert (rows[0]["id"], rows[0]["version"]) == (1, 2)
    again = mia.post("/customer/batch", send).json["rows"]
    assert again[1]["id"] == rows[1]["id"]
    assert_api_error(
        mia.post("/customer/batch", {**send, "key": "name"}), 422, "invalid-input", "0.name"
    )


BAD_BATCHES = {
    "nothing": {},
    "no list": {"operations": {}},
    "empty": {"operations": []},
    "unknown action": {"operations": [{"action": "purge", "id": 1}]},
    "no id": {"operations": [{"action": "update", "values": {}}]},
    "values": {"operations": [{"action": "create", "values": []}]},
    "key of operation": {"operations": [{"action": "create", "values": {}, "x": 1}]},
    "action of another kind": {"operations": [{"action": ["create"]}]},
    "id of a create": {"operations": [{"action": "create", "id": 7, "values": {"name": "x"}}]},
    "version of a delete": {"operations": [{"action": "delete", "id": 7, "version": 1}]},
    "many": {"operations": [{"action": "create", "values": {}}] * 1001},
    "mode": {"operations": [{"action": "create", "values": {"name": "x"}}], "mode": "some"},
    "key": {"operations": [{"action": "upsert", "values": {"name": "x"}}], "key": 1},
    "unknown key": {"operations": [{"action": "create", "values": {"name": "x"}}], "nothing": 1},
}


@pytest.mark.parametrize("sent", BAD_BATCHES.values(), ids=BAD_BATCHES)
def test_a_batch_that_cannot_be_read(shared, sent):
    response = shared.as_("mia").post("/customer/batch", sent)
    assert response.status_code in (400, 422), response.text
    assert_api_error(response, response.status_code, response.json["error"]["code"])


# -- idempotency -----------------------------------------------------------------------------------


def test_r5_a_request_sent_twice_is_done_once(world):
    sam = world.as_("sam")
    send = {"headers": {"Idempotency-Key": "once"}}
    first = sam.post("/customer/", {"name": "Once"}, **send)
    second = sam.post("/customer/", {"name": "Once"}, **send)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json == second.json
    other = sam.post("/customer/", {"name": "Other"}, **send)
    assert_api_error(other, 409, "conflict")
    # The key is its sender's own.
    assert world.as_("tom").post("/customer/", {"name": "Once"}, **send).status_code == 201
    assert len(world.as_("root").ids("/customer/", name="Once")) == 2
    assert_api_error(
        sam.post("/customer/", {"name": "x"}, headers={"Idempotency-Key": ""}), 400, "malformed"
    )


def test_r5_a_change_sent_twice_is_made_once(world):
    sam = world.as_("sam")
    version = sam.get("/customer/1").headers["ETag"]
    send = {"headers": {"Idempotency-Key": "change", "If-Match": version}}
    first = sam.patch("/customer/1", {"name": "Changed"}, **send)
    # The version has moved on, but this request was answered before.
    second = sam.patch("/customer/1", {"name": "Changed"}, **send)
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json["version"] == second.json["version"]
    history = sam.get("/customer/1/history").json["rows"]
    assert [line["action"] for line in history[:2]] != ["update", "update"]
    assert_api_error(sam.patch("/customer/1", {"name": "Other"}, **send), 409, "conflict")
    # The same values under the same key, but of another record: another request.
    assert_api_error(sam.patch("/customer/2", {"name": "Changed"}, **send), 409, "conflict")


def test_r5_a_deletion_sent_twice_is_done_once(world):
    mia = world.as_("mia")
    number = mia.made("customer", name="Short")["id"]
    send = {"headers": {"Idempotency-Key": "away"}}
    assert [mia.delete(f"/customer/{number}", **send).status_code for _ in range(2)] == [204, 204]
    assert mia.post(f"/customer/{number}/restore").status_code == 200
    # Answered before: it stays.
    assert mia.delete(f"/customer/{number}", **send).status_code == 204
    assert mia.get(f"/customer/{number}").status_code == 200
    assert_api_error(mia.delete("/customer/1", **send), 409, "conflict")


@pytest.mark.parametrize("mode", ["all", "each"])
def test_r5_a_batch_sent_twice_is_done_once(world, mode):
    sam, send = world.as_("sam"), {"headers": {"Idempotency-Key": "many"}}
    writes = [{"action": "create", "values": {"name": f"Many {number}"}} for number in range(3)]
    if mode == "each":
        writes.append({"action": "create", "values": {"name": ""}})
    first, second = (
        sam.post("/customer/batch", {"operations": writes, "mode": mode}, **send) for _ in range(2)
    )
    assert (first.status_code, second.status_code) == (200, 200), first.text
    assert first.json == second.json
    assert len(first.json["rows"]) == len(writes)
    assert len(sam.ids("/customer/", filter="starts(name, 'Many')")) == 3
    for other in ({"operations": writes[:1], "mode": mode}, {"operations": writes, "key": "name"}):
        assert_api_error(sam.post("/customer/batch", other, **send), 409, "conflict")
    # A key belongs to one request, and not to one address.
    assert_api_error(sam.post("/customer/", {"name": "Many"}, **send), 409, "conflict")
    # One that was refused as a whole was not done, and may be sent again.
    sent = {"operations": [{"action": "create", "values": {"name": ""}}]}
    again = {"headers": {"Idempotency-Key": "later"}}
    assert sam.post("/customer/batch", sent, **again).status_code == 422
    sent["operations"][0]["values"]["name"] = "Many more"
    assert sam.post("/customer/batch", sent, **again).status_code == 200


def test_r5_also_at_the_same_moment(world):
    token = world.as_("sam").headers

    def post(number):
        caller = Caller(world, "sam")
        caller.headers = token
        key = {"Idempotency-Key": f"key {number // 8}"}
        return caller.post("/customer/", {"name": f"Race {number // 8}"}, headers=key)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(32)))
    assert {answer.status_code for answer in answers} == {201}
    for race in range(4):
        assert len({answer.json["id"] for answer in answers[race * 8 : race * 8 + 8]}) == 1
        assert len(world.as_("sam").ids("/customer/", name=f"Race {race}")) == 1


def test_a_refused_request_may_be_sent_again_under_its_key(world):
    sam, send = world.as_("sam"), {"headers": {"Idempotency-Key": "again"}}
    assert_api_error(sam.post("/customer/", {"name": ""}, **send), 422, "invalid-input", "name")
    assert sam.post("/customer/", {"name": "Now"}, **send).status_code == 201


def test_keys_of_yesterday_are_swept(world):
    from datetime import timedelta

    sam = world.as_("sam")
    for key in ("old", "young"):
        sam.post("/customer/", {"name": key}, headers={"Idempotency-Key": key})
    kept = system.idempotency
    with world.services.pools.engine.begin() as connection:
        connection.execute(
            kept.update().where(kept.c.key == "old").values(at=kept.c.at - timedelta(hours=25))
        )
    with world.app.test_request_context():
        world.app.extensions["trellis.repeats"].sweep(at_once=True)
    assert {row["key"] for row in world.system_rows(kept)} == {"young"}


# -- sharing, handing over, merging ----------------------------------------------------------------


def test_a_record_is_shared_and_taken_back(world):
    sam, tom = world.as_("sam"), world.as_("tom")
    assert_api_error(tom.get("/customer/1"), 404, "not-found")
    assert sam.post("/customer/1/team", {"users": [IDS["tom"]]}).status_code == 204
    assert tom.get("/customer/1").status_code == 200
    assert_api_error(tom.patch("/customer/1", {"note": "x"}), 403, "forbidden")
    team = sam.rows("/customer/1/team")
    assert [(row["user_id"], row["may_edit"]) for row in team] == [(IDS["tom"], False)]
    sam.post("/customer/1/team", {"users": [IDS["tom"]], "may_edit": True})
    assert tom.patch("/customer/1", {"note": "x"}).status_code == 200
    assert sam.delete(f"/customer/1/team/{IDS['tom']}").status_code == 204
    assert_api_error(tom.get("/customer/1"), 404, "not-found")


@pytest.mark.parametrize(
    ("sent", "field"),
    [({}, "users"), ({"users": []}, "users"), ({"users": ["3"]}, "users"),
     ({"users": [True]}, "users"), ({"users": [3], "until": "soon"}, "until"),
     ({"users": [3], "may_edit": "yes"}, "may_edit"),
     ({"users": [99999]}, "users"), ({"users": [3], "x": 1}, "x")],
)  # fmt: skip
def test_a_share_that_cannot_be_read(shared, sent, field):
    response = shared.as_("sam").post("/customer/1/team", sent)
    assert_api_error(response, 422, "invalid-input", field)


def test_records_are_handed_over(world):
    mia = world.as_("mia")
    done = mia.post(
        "/customer/transfer", {"ids": [1, 2], "owner": IDS["sue"], "along": ["order.customer"]}
    )
    assert done.status_code == 200, done.text
    assert world.row("customer", 1)["owner"] == IDS["sue"]
    assert world.row("customer", 1)["previous_owner"] == IDS["sam"]
    assert world.row("order", 1)["owner"] == IDS["sue"]
    assert_api_error(mia.post("/customer/transfer", {"ids": [4], "owner": 4}), 404, "not-found")
    for sent, field in (
        ({"owner": 4}, "ids"),
        ({"ids": [3], "owner": "x"}, "owner"),
        ({"ids": [3], "owner": 99999}, "owner"),
        ({"ids": [3], "owner": 4, "along": "x"}, "along"),
        ({"ids": [3], "owner": 4, "along": ["nothing.here"]}, "along"),
        ({"ids": [3], "owner": 4, "x": 1}, "x"),
    ):
        assert_api_error(mia.post("/customer/transfer", sent), 422, "invalid-input", field)
    none = world.as_("root").post("/product/transfer", {"ids": [1], "owner": 3})
    assert_api_error(none, 422, "invalid-input", says="have no owner")


def test_records_are_merged(world):
    mia = world.as_("mia")
    seen = mia.get("/customer/merge", ids="2,1", keep="1")
    assert (seen.status_code, seen.json["keep"]) == (200, 1), seen.text
    name = next(one for one in seen.json["fields"] if one["field"] == "name")
    assert (name["proposed"], name["values"].keys()) == (1, {"1", "2"})
    assert_api_error(mia.get("/customer/merge", ids="1,x"), 400, "malformed")
    assert_api_error(mia.get("/customer/merge", ids="1"), 422, "invalid-input")
    assert_api_error(mia.get("/customer/merge", ids="1,4"), 404, "not-found")
    assert_api_error(world.as_("sam").get("/customer/merge", ids="1,2"), 403, "forbidden")
    sent = {"keep": 1, "gone": [2], "values": {"note": "both"}, "take": {"name": 2},
            "versions": {"2": 77}}  # fmt: skip
    assert_api_error(mia.post("/customer/merge", sent), 409, "conflict")
    sent["versions"] = {str(one["id"]): one["version"] for one in seen.json["records"]}
    merged = mia.post("/customer/merge", sent)
    assert merged.json["name"] == name["values"]["2"]
    assert merged.status_code == 200, merged.text
    assert merged.json["note"] == "both"
    assert world.row("customer", 2)["deleted_at"] is not None
    assert {row["customer"] for row in mia.rows("/order/", owner=str(IDS["sam"]))} <= {1, 4}
    assert_api_error(mia.post("/customer/merge", {"keep": 1, "gone": [4]}), 404, "not-found")
    assert_api_error(mia.post("/customer/merge", {"keep": 1, "gone": [1]}), 422, "invalid-input")
    for sent, field in (
        ({"gone": [3]}, "keep"),
        ({"keep": 1}, "gone"),
        ({"keep": 1, "gone": [3], "values": []}, "values"),
        ({"keep": 1, "gone": [3], "take": {"name": "3"}}, "take"),
        ({"keep": 1, "gone": [3], "versions": {"x": 1}}, "versions"),
    ):
        assert_api_error(mia.post("/customer/merge", sent), 422, "invalid-input", field)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_what_cannot_be_done_at_an_address_is_405(shared, method):
    response = shared.as_("root").ask(method, f"{PREFIX}/customer/")
    assert_api_error(response, 405, "method-not-allowed")
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


def test_l5_l7_the_trace_of_a_write_is_part_of_it(world):
    world.as_("sam").patch("/customer/1", {"note": "x"})
    number = world.services.live.release.numbers["customer"]
    last = world.system_rows(system.history, entity=number, record_id=1)[-1]
    assert (last["user_id"], last["origin"], last["action"]) == (IDS["sam"], "api", "update")
    assert (last["before"], last["after"]) == ({"note": None}, {"note": "x"})
