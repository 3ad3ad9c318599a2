"""`trellis test` and `trellis plan` run the tests of the configuration and say what failed."""

import orjson
from click.testing import CliRunner

from app.cli import main
from tests.integration.trials.test_trials import FILES

GOOD = """test: Names are needed
now: 2026-03-02 09:00
steps:
  - {create: {acme: {customer: {name: Acme}}}, expect: {count: {customer: 1}}}
  - {create: {none: {customer: {level: a}}}, expect: refused}
"""
BAD = "---\ntest: There are three\nnow: 2026-03-02 09:00\nsteps:\n  - {expect: {count: {customer: 3}}}\n"


def test_failing_tests_are_told_with_their_places(tmp_path, database_url, redis_url, monkeypatch):
    folder = tmp_path / "config"
    for name, text in {**FILES, "tests/t.yaml": GOOD + BAD}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for name, value in {
        "TRELLIS_CONFIG": str(folder),
        "TRELLIS_DATA": str(tmp_path / "var"),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "LANG": "en_US.UTF-8",
        "LC_ALL": "",
    }.items():
        monkeypatch.setenv(name, value)

    def trellis(*arguments):
        return CliRunner().invoke(main, list(arguments))

    told = trellis("test")
    assert told.exit_code == 1
    assert "✗ There are three" in told.stdout
    assert (
        f"{folder}/tests/t.yaml:10:5: Expected 3 records of customer; there are 0." in told.stdout
    )
    assert "1 of 2 tests of the configuration failed" in told.stdout
    chinese = trellis("test", "--language", "zh", "three").stdout
    assert "customer 记录" in chinese
    assert "1 项配置测试中有 1 项失败" in chinese
    assert trellis("test", "names are").exit_code == 0

    plan = trellis("plan", "--format", "json")
    assert plan.exit_code == 1
    assert [one["passed"] for one in orjson.loads(plan.stdout)["tests"]] == [True, False]
    assert trellis("plan", "--no-tests").exit_code == 0
    (folder / "tests/t.yaml").write_text(GOOD)
    plan = trellis("plan")
    assert plan.exit_code == 0
    assert "The one test of the configuration passed" in plan.stdout
