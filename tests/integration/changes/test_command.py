"""`trellis changes`: the same in a terminal and for programs."""

from __future__ import annotations

import json

from click.testing import CliRunner

from app.changes.run import Chosen
from app.cli import main
from app.records.doings import Doing


def test_change_sets_are_listed_shown_and_undone_in_a_terminal(world, changes, tmp_path):
    mia = world.who("mia")
    ids = [world.customer("sam", name=f"C{n}", note="old") for n in range(3)]
    done = changes.bulk(
        mia, "customer", Chosen(tuple(ids)), Doing("update", {"note": "new"}), note="Fair"
    )
    world.records.update(mia, "customer", ids[0], {"note": "newer"})
    environment = {
        "DATABASE_URL": world.pools.url,
        "REDIS_URL": "redis://127.0.0.1:1",
        "TRELLIS_DATA": str(tmp_path / "data"),
        "LANG": "en",
    }

    def run(*arguments: str, code: int = 0) -> str:
        found = CliRunner().invoke(main, ["changes", *arguments], env=environment)
        assert found.exit_code == code, found.output
        return found.output

    number = str(done.change_set)
    assert "update     Mia  3 customer  Fair" in run("list")
    assert json.loads(run("list", "--kind", "update", "--format", "json"))[0]["id"] == (
        done.change_set
    )
    shown = run("show", number)
    assert f"customer {ids[1]}  changed  C1  [left]\n      note: 'old' → 'new'" in shown
    assert f"customer {ids[0]}  changed  C0  [edited]" in shown
    part = run("undo", number, "--only", f"customer:{ids[2]}", "--note", "Wrong list")
    assert "1 back, 0 were so already, 0 stay; change set" in part
    whole = run("undo", number, code=1)
    assert "1 back, 1 were so already, 1 stay" in whole
    assert f"customer {ids[0]}  C0  Note was changed since." in whole
    assert [world.row("customer", one)["note"] for one in ids] == ["newer", "old", "old"]
    assert "[undone]" in run("show", number)
    assert "There is no such change set." in run("undo", "999", code=1)
    assert "Write `customer:3,4`." in run("undo", number, "--only", "customer", code=1)
    assert "There is nothing of order in it." in run("show", number, "--entity", "order", code=1)
