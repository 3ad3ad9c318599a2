"""Imports over HTTP: sent, looked at, tried, run by a worker, and the rows left out fetched."""

import io
import json
from dataclasses import replace

import pytest

from app.errors import InvalidInput
from app.transfer.permitted import check_permitted
from tests.integration.api.world import PREFIX, assert_api_error

FILE = "名称,Email,Level\nCord,cord@x.example,Normal\nDune,dune@x.example,VIP\n"


def test_a_file_is_sent_tried_and_run(world):
    root = world.as_("root")

    def sent(caller, **form):
        file = (io.BytesIO(FILE.encode()), "old.csv")
        return caller.ask("POST", f"{PREFIX}/imports/", data={"file": file, **form})

    assert_api_error(sent(world.as_("sam"), entity="customer"), 403, "forbidden")
    assert_api_error(sent(root, entity="nothing"), 404, "not-found")
    begun = sent(root, entity="customer", plan=json.dumps({"match": ["email"], "mode": "fill"}))
    assert begun.status_code == 201, begun.text
    run = begun.json
    assert run["columns"] == {"名称": "name", "Email": "email", "Level": "level"}
    assert run["samples"][0] == ["Cord", "cord@x.example", "Normal"]
    path = f"/imports/{run['id']}"
    assert_api_error(world.as_("sam").get(path), 404, "not-found")
    assert_api_error(root.patch(path, {"mode": "nothing"}), 422, "invalid-input")
    assert_api_error(sent(root, entity="customer", plan="[" * 100_000), 400, "malformed")
    # A field that is hidden is told of like one that is not there.
    policy = world.services.records.policy(world.who("mia"))
    for column in ("secret", "secert"):
        plan = replace(world.services.imports.get(world.who("root"), run["id"]).plan,
                       columns={"Email": column})  # fmt: skip
        with pytest.raises(InvalidInput) as refused:
            check_permitted(world.catalog, policy, plan)
        assert [str(one) for one in refused.value.fields[column]] == [
            f"A file cannot bring {column}."
        ]
    tried = root.post(f"{path}/dry-run", {}).json
    assert (tried["counts"]["created"], tried["counts"]["faulty"]) == (1, 1)
    assert [(one["row"], one["reasons"][0]["column"]) for one in tried["faults"]] == [(3, "Level")]
    started = root.post(f"{path}/start", {})
    assert (started.status_code, started.json["state"]) == (202, "waiting")
    assert not world.services.imports.advance(run["id"])
    done = root.get(path).json
    assert (done["state"], done["done"], done["total"]) == ("done", 2, 2)
    errors = root.get(f"{path}/errors")
    assert "old-left-out.csv" in errors.headers["Content-Disposition"]
    lines = errors.data.decode("utf-8-sig").splitlines()
    assert lines[0] == "名称,Email,Level,Row in the file,Why it was left out"
    assert lines[1].startswith('Dune,dune@x.example,VIP,3,"Level: There is no option “VIP”.')
    assert_api_error(root.post(f"{path}/start", {}), 409, "conflict")
    assert [one["id"] for one in root.get("/imports/").json["rows"]] == [run["id"]]
