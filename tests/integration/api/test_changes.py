"""Changes of many records over HTTP: done, refused, and told of."""

from tests.integration.api.world import assert_api_error


def test_many_records_are_changed_at_once_and_told_of(world):
    mia, sam = world.as_("mia"), world.as_("sam")
    ids = [sam.post("/customer/", {"name": f"Bulk {n}"}).json["id"] for n in range(4)]
    path = "/customer/bulk"
    told = mia.post(path, {"ids": ids, "values": {"level": "a", "reason": "x"}, "note": "Fair"})
    assert told.status_code == 200, told.text
    assert {key: told.json[key] for key in ("state", "total", "changed", "skipped")} == {
        "state": "done", "total": 4, "changed": 4, "skipped": 0,
    }  # fmt: skip
    listed = {"filter": "contains(name, 'bulk')", "where": {"level": "a"}, "without": ids[:1]}
    more = mia.post(path, {"all": listed, "add": {"friends": [ids[0]]}}).json
    assert (more["total"], more["changed"]) == (3, 3)
    gone = mia.post(path, {"ids": [*ids, 10**12], "action": "delete"}).json
    assert (gone["changed"], gone["skipped"], gone["why"]) == (4, 1, {"gone": 1})
    run = f"/changes/runs/{gone['id']}"
    assert mia.get(run).json == gone
    (left,) = mia.get(f"{run}/skipped").json["rows"]
    assert (left["id"], left["why"]) == (10**12, "gone")
    assert left["reasons"][0]["say"].startswith("There is no such Customer")
    assert mia.get(f"{run}/skipped", after=f"30000.{10**13}").json["rows"] == []
    assert mia.get("/changes/runs/").json["rows"][0] == gone
    assert_api_error(sam.get(run), 404, "not-found")
    assert_api_error(mia.post(f"{run}/cancel", {}), 409, "conflict")
    for status, sent in {
        422: [
            {"values": {"level": "b"}},
            {"ids": ids, "all": {}, "values": {"level": "b"}},
            {"ids": ids},
            {"ids": ids, "values": {"level": "no"}},
            {"ids": ids, "values": {"nothing": 1}},
            {"ids": ["1"], "values": {"level": "b"}},
            {"ids": [], "values": {"level": "b"}},
            {"ids": ids, "add": {"friends": 3}},
            {"ids": ids, "action": "transfer"},
            {"ids": ids, "action": "transfer", "owner": "me"},
            {"ids": ids, "action": "delete", "note": "\0"},
            {"all": {"filter": 3}, "action": "delete"},
            {"all": {"what": 3}, "action": "delete"},
            {"ids": ids, "what": 3},
        ],
        400: [
            {"ids": ids, "action": "purge"},
            {"ids": ids, "values": [1]},
            {"all": {"filter": "=="}, "action": "delete"},
            {"all": {"where": {"level": {"a": 1}}}, "action": "delete"},
        ],
        403: [{"ids": ids, "values": {"credit": "5"}, "action": "delete"}],
    }.items():
        for one in sent:
            caller = sam if status == 403 else mia
            assert caller.post(path, one).status_code == status, one
    assert_api_error(mia.post("/nothing/bulk", {"ids": ids, "action": "delete"}), 404, "not-found")
    assert mia.get(f"{run}/skipped", after="x").status_code == 400
