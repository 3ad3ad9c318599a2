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
    exact = mia.post(path, {"ids": ids[:1], "values": {"credit": 7.5}})
    assert (exact.status_code, exact.json["changed"]) == (200, 1), exact.text
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


def test_change_sets_are_listed_inspected_and_taken_back(world):
    mia, sam, sue = world.as_("mia"), world.as_("sam"), world.as_("sue")
    ids = [
        sam.post("/customer/", {"name": f"Undo {n}", "note": "old"}).json["id"] for n in range(3)
    ]
    run = sam.post("/customer/bulk", {"ids": ids, "values": {"note": "new"}, "note": "Spring"}).json
    assert sam.patch(f"/customer/{ids[0]}", {"note": "newer"}).status_code == 200
    (listed,) = [one for one in mia.get("/changes/").json["rows"] if one["id"] == run["change_set"]]
    assert {key: listed[key] for key in ("kind", "note", "records", "undone_by", "is_more")} == {
        "kind": "update", "note": "Spring", "records": {"customer": 3}, "undone_by": None,
        "is_more": False,
    }  # fmt: skip
    assert sue.get("/changes/").json["rows"] == []
    path = f"/changes/{run['change_set']}"
    assert_api_error(sue.get(path), 404, "not-found")
    assert sam.get(path).json["id"] == run["change_set"]
    rows = {one["id"]: one for one in sam.get(f"{path}/records").json["rows"]}
    assert [rows[one]["state"] for one in ids] == ["edited", "left", "left"]
    assert rows[ids[1]]["changes"] == {"note": {"before": "old", "after": "new"}}
    assert rows[ids[1]]["title"] == "Undo 1"
    part = sam.post(f"{path}/undo", {"only": {"customer": ids[:2]}})
    assert (part.status_code, part.json["changed"], part.json["why"]) == (200, 1, {"edited": 1})
    (left,) = sam.get(f"/changes/runs/{part.json['id']}/skipped").json["rows"]
    assert left["reasons"] == [
        {"field": "note", "say": "Note was changed since.", "before": "old", "after": "new",
         "now": "newer"}
    ]  # fmt: skip
    whole = sam.post(f"{path}/undo", {}).json
    assert (whole["changed"], whole["unchanged"], whole["skipped"]) == (1, 1, 1)
    states = [one["state"] for one in sam.get(f"{path}/records", entity="customer").json["rows"]]
    assert states == ["edited", "undone", "undone"]
    assert sam.get(path).json["undone_by"] == whole["change_set"]
    assert [one["id"] for one in sam.get("/changes/", kind="undo").json["rows"]] == [
        whole["change_set"], part.json["change_set"],
    ]  # fmt: skip
    line = sam.get(f"/customer/{ids[0]}/history").json["rows"][0]["id"]
    assert sam.post(f"/customer/{ids[0]}/undo", {"line": line}).json["changed"] == 1
    assert sam.get(f"/customer/{ids[0]}").json["note"] == "new"
    assert_api_error(sue.post(f"/customer/{ids[0]}/undo", {"line": line}), 404, "not-found")
    for one in ({"line": "1"}, {"line": 10**30}, {}, {"line": line, "x": 1}):
        assert sam.post(f"/customer/{ids[0]}/undo", one).status_code == 422
    for one in ({"only": [1]}, {"only": {}}, {"only": {"customer": "1"}}, {"only": {"x": [1]}}):
        assert sam.post(f"{path}/undo", one).status_code == 422, one
    assert sam.get(f"{path}/records", entity="order").status_code == 404
    assert sam.get("/changes/", after="x").status_code == 400
    assert sam.get("/changes/", after=run["change_set"], by=10**17).json == {
        "rows": [],
        "next": None,
    }
