"""`trellis rules`: the same answers in a terminal and for programs."""

from __future__ import annotations

import json

from click.testing import CliRunner

from app.cli import main
from tests.integration.automation.reminders.world import NOW


def test_rules_are_listed_foreseen_explained_and_replayed(world, tmp_path):
    number = world.customer(name="Key", level="a")
    environment = {
        "DATABASE_URL": world.pools.url,
        "REDIS_URL": "redis://127.0.0.1:1",
        "TRELLIS_DATA": str(tmp_path / "data"),
        "LANG": "en",
    }

    def run(*arguments: str, code: int = 0) -> str:
        found = CliRunner().invoke(main, ["rules", *arguments], env=environment)
        assert found.exit_code == code, found.output
        return found.output

    listed = run("list")
    assert (
        "customer: by Level (Key: 7 days; Normal: 15 days; else: 30 days) after the later of"
        in listed
    )
    assert json.loads(run("list", "--format", "json"))[0]["file"].startswith("workflows/")
    told = json.loads(run("forecast", "--rule", "silent", "--days", "366", "--format", "json"))
    # The machine's clock is not the test's: what was due then is due still, or over.
    assert {one["id"] for one in told["coming"]} <= {number}
    assert "silent Key → Sam" in run("forecast", "--rule", "silent", "--days", "366")
    assert "It is due 2026-03-09 09:00." in run("why", "silent", "customer", str(number))
    answer = json.loads(run("why", "silent", "customer", str(number), "--format", "json"))
    assert [one["met"] for one in answer["condition"]] == [True, True]
    assert "到期时间为 2026-03-09 09:00" in run(
        "why", "silent", "customer", str(number), "--language", "zh"
    )
    days = str((world.clock.now() - NOW).days + 3660)
    replayed = json.loads(run("backtest", "silent", "--days", days, "--format", "json"))
    assert replayed["by_person"] == {"Sam": 1}
    assert "1 firings for 1 records" in run("backtest", "silent", "--days", days)
    assert "There is no rule silnt. Did you mean silent?" in run("backtest", "silnt", code=1)
