"""The command line, as somebody at a terminal or a script meets it."""

import json
import os
import shutil
import signal
import subprocess
import sys

import psycopg
import pytest

from app.cli import main
from app.commands.base import EXIT_CODES
from tests.running import ROOT, call_command, environment_for, run_command

COMMANDS = [
    *("check", "plan", "apply", "run", "serve", "worker"),
    *("test", "schema", "plugins", "user", "token", "versions", "psql"),
]
CUSTOMER = "entities/customer.yaml"


@pytest.fixture
def config(tmp_path):
    """A small configuration of its own, which a test may change."""
    folder = tmp_path / "config"
    (folder / "entities").mkdir(parents=True)
    (folder / "app.yaml").write_text("name: Test\nlanguages: [en]\ncurrencies: [EUR]\n")
    (folder / "roles.yaml").write_text("roles:\n  admin: {label: Administrator, admin: yes}\n")
    (folder / CUSTOMER).write_text(
        "entity: customer\ntitle: name\nfields:\n"
        "  name: {type: text, required: yes}\n  city: {type: text}\n"
    )
    return folder


@pytest.fixture
def environment(tmp_path, config, database_url, redis_url):
    """The environment of an installation with a database of its own."""
    return environment_for(tmp_path, config, DATABASE_URL=database_url, REDIS_URL=redis_url)


@pytest.fixture
def trellis(environment):
    """``trellis("plan", "--format", "json")``: the command's answer."""

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return call_command(list(arguments), environment | more)

    return run


@pytest.fixture
def in_a_process(environment):
    """The same in a process of its own, as at a terminal."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run_command(list(arguments), environment)

    return run


def test_help_comes_at_once_and_lists_every_command():
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "app.cli", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    # What takes most of a second to load is loaded by the commands that need it.
    for heavy in ("sqlalchemy", "flask", "marshmallow", "psycopg"):
        assert f" {heavy}\n" not in told.stderr
    for name in COMMANDS:
        assert f"\n  {name} " in told.stdout
    for code in EXIT_CODES:
        assert f"\n    {code} " in told.stdout


def test_a_reader_that_has_heard_enough_is_no_bug():
    reads, writes = os.pipe()
    os.close(reads)  # as `trellis settings | head` does, sooner or later
    told = subprocess.run(
        [sys.executable, "-m", "app.cli", "settings"],
        stdout=writes,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writes)
    assert (told.returncode, told.stderr) == (128 + signal.SIGPIPE, b"")


def test_a_python_that_was_named_is_taken_or_nothing_is(tmp_path):
    told = subprocess.run(
        [ROOT / "scripts" / "setup", tmp_path / "venv", "run"],
        env={"PATH": os.environ["PATH"], "PYTHON": "/nowhere/python3.12"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert "PYTHON=/nowhere/python3.12 cannot be used" in told.stderr
    assert not (tmp_path / "venv").exists()


def test_help_imports_no_room():
    code = "import sys, app.cli; print(*(one for one in sys.modules if one in sys.argv))"
    rooms = ["sqlalchemy", "flask", "app.definitions.catalog", "app.records", "app.transfer"]
    told = subprocess.run(
        [sys.executable, "-c", code, "app.cli", *rooms], capture_output=True, text=True, check=True
    )
    assert told.stdout == "app.cli\n"


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_explains_itself(name):
    assert main.commands[name].help
    assert not (main.commands[name].short_help or "").endswith("...")
    parts = getattr(main.commands[name], "commands", {"": main.commands[name]})
    for part in parts.values():
        assert "Example" in part.help, "a command is understood by what others wrote with it"


def test_an_unknown_command_is_misuse():
    told = run_command(["aply"], {})
    assert told.returncode == 2
    assert "No such command 'aply'" in told.stderr


def test_a_check_needs_no_database(tmp_path, config):
    told = run_command(["check"], environment_for(tmp_path, config))
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.endswith("No problems.\n")
    assert not (tmp_path / "var" / "postgresql").exists()


def test_problems_are_told_with_their_place_and_fail(tmp_path, config):
    (config / CUSTOMER).write_text("entity: customer\nfields:\n  name: {type: txt}\n")
    environment = environment_for(tmp_path, config)
    told = run_command(["check"], environment)
    assert told.returncode == 1
    assert "customer.yaml:3:16: error[unknown-field-type]" in told.stdout
    assert "Did you mean `text`?" in told.stdout
    told = call_command(["check", "--format", "json"], environment)
    (problem,) = [one for one in json.loads(told.stdout) if one["code"] == "unknown-field-type"]
    assert (problem["line"], problem["column"]) == (3, 16)


def test_from_plan_to_versions(trellis, in_a_process, config):
    told = in_a_process("plan", "--exit-code")
    assert told.returncode == 4
    assert "+ customer" in told.stdout
    told = trellis("apply")
    assert told.returncode == 1
    assert "apply with --yes" in told.stderr
    told = trellis("apply", "--yes", "--reason", "the beginning", "--format", "json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["number"] == 1
    assert trellis("plan", "--exit-code").returncode == 0
    (version,) = json.loads(trellis("versions", "--format", "json").stdout)
    assert (version["state"], version["reason"]) == ("live", "the beginning")
    files = json.loads(trellis("versions", "--files", "1", "--format", "json").stdout)
    assert files[CUSTOMER] == (config / CUSTOMER).read_text()
    (config / CUSTOMER).write_text(files[CUSTOMER] + "  fax: {type: text}\n")
    assert trellis("apply", "--yes").returncode == 0
    found = json.loads(trellis("versions", "--format", "json").stdout)
    assert [(one["number"], one["state"]) for one in found] == [(2, "live"), (1, "replaced")]


def test_losing_data_needs_to_be_allowed_by_name(trellis, in_a_process, config, database_url):
    assert in_a_process("apply", "--yes").returncode == 0
    sql = "INSERT INTO crm.customer (name, city) VALUES ('Acme', 'Ulm') RETURNING city"
    told = in_a_process("psql", "-qAtc", sql)
    assert (told.returncode, told.stdout) == (0, "Ulm\n")
    (config / CUSTOMER).write_text(
        "entity: customer\ntitle: name\nfields:\n  name: {type: text, required: yes}\n"
    )
    told = trellis("plan")
    assert told.returncode == 1
    assert "customer.city" in told.stdout
    assert trellis("apply", "--yes").returncode == 1
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT city FROM crm.customer").fetchall() == [("Ulm",)]
    assert trellis("apply", "--yes", "--allow", "customer.city").returncode == 0
    with psycopg.connect(database_url) as connection:
        columns = connection.execute("SELECT * FROM crm.customer").description
    assert "city" not in [one.name for one in columns]


def test_a_plan_and_an_apply_speak_the_language_of_the_terminal(trellis, config):
    asked = ("apply", "--yes")
    assert trellis(*asked, LANG="zh_CN.UTF-8", LC_ALL="").stdout.endswith("第 1 版已生效。\n")
    (config / CUSTOMER).write_text(
        "entity: customer\ntitle: name\nfields:\n  name: {type: text, required: yes}\n"
    )
    chinese = trellis("plan", "--language", "zh").stdout
    assert "  - customer.city   删除列：没有记录填有值" in chinese.splitlines()
    assert trellis("plan", LC_ALL="zh_CN.UTF-8").stdout == chinese
    english = trellis("plan", "--language", "en", LANG="zh_CN.UTF-8").stdout
    assert "  - customer.city   drop column: no record holds a value" in english.splitlines()
    assert trellis("plan", LANG="fr_FR.UTF-8", LC_ALL="").stdout == english
    as_data = trellis("plan", "--format", "json", "--language", "zh").stdout
    assert as_data == trellis("plan", "--format", "json").stdout
    told = trellis("apply", "--language", "zh", "--allow", "customer.city")
    assert told.returncode == 1
    assert told.stderr == "没有人可以确认。请先查看 `trellis plan`，再用 --yes 应用。\n"


def test_versions_of_an_empty_database(trellis):
    assert trellis("versions").stdout == "Nothing was applied yet.\n"
    assert trellis("versions", "--format", "json").stdout == "[]\n"


def test_a_person_and_a_token(trellis):
    assert trellis("apply", "--yes").returncode == 0
    told = trellis(
        *("user", "add", "mia", "--name", "Mia Chen", "--role", "admin", "--format", "json"),
        PASSWORD="correct-horse-battery",
    )
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["login"] == "mia"
    told = trellis("user", "add", "mia", "--name", "Mia", PASSWORD="correct-horse-battery")
    assert told.returncode == 1
    assert "Another user has this already." in told.stderr
    told = trellis("token", "mia", "--format", "json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["key"].startswith("sst_")
    told = trellis("user", "reset", "mia", "--second-factor", "--format", "json")
    assert told.returncode == 0, told.stderr
    assert "/welcome/" in json.loads(told.stdout)["link"]
    told = trellis("token", "nobody")
    assert (told.returncode, told.stderr) == (1, "There is no user whose login is `nobody`.\n")


def test_a_database_that_is_away_is_its_own_exit_code(tmp_path, config, redis_url):
    away = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing", "REDIS_URL": redis_url}
    told = run_command(["plan"], environment_for(tmp_path, config, **away))
    assert told.returncode == 3
    assert "Traceback" not in told.stderr


def test_a_part_that_has_nothing_to_work_with_says_what_to_do(tmp_path, config):
    told = run_command(["serve"], environment_for(tmp_path, config))
    assert told.returncode == 1
    assert "use `trellis run`" in told.stderr


def test_settings_are_listed_without_secrets(tmp_path, config):
    told = run_command(["settings", "--format", "json"], environment_for(tmp_path, config))
    values = {row["name"]: row["value"] for row in json.loads(told.stdout)}
    assert values["TRELLIS_ADMIN_PASSWORD"] == "(set)"
    assert values["TRELLIS_WORKERS"] == "1"


def test_the_configuration_that_ships_has_no_problems(tmp_path):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    told = call_command(["check"], environment_for(tmp_path, tmp_path / "config"))
    assert told.returncode == 0, told.stdout
