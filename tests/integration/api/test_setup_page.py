"""The administrator's page over HTTP: the plan in the reader's language, and what an apply leaves."""

from __future__ import annotations

import re
import time

import pytest

from app.clock import SystemClock
from app.database import system
from app.database.pending import find_pending
from app.database.versions import find_live_version
from tests.integration.api.world import CUSTOMER, FILES, IDS, ROLES, ApiWorld, build, csrf_of

NEW_RULE = """
rule: look-after
entity: customer
when: {after: 1 day, since: created_at}
backlog: fire
do: [{notify: {to: role admin, say: Look after it}}]
"""


@pytest.fixture
def folder(tmp_path):
    """The folder of the world's configuration, which a test may change."""
    for name, text in FILES.items():
        path = tmp_path / "config" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path / "config"


@pytest.fixture
def world(template_database, clone_database, tmp_path, folder):
    made = ApiWorld(
        clone_database(template_database("api_world", build)),
        tmp_path / "var",
        SystemClock(),
        TRELLIS_CONFIG=str(folder),
    )
    yield made
    made.close()


@pytest.fixture
def installation(world):
    return world.app.extensions["trellis.screens"].configuration.installation


def plan_of(page):
    """Return the lines of the plan on a page, without marks."""
    found = re.search(r'<ul class="plan">(.*?)</ul>', page.text, re.DOTALL)
    return [] if found is None else re.findall(r"<b>(.*?)</b>", found[1])


def applies(world):
    return world.system_rows(system.audit, kind="configuration.version.apply")


def test_the_plan_is_shown_in_the_language_of_the_reader(world, folder):
    root = world.browser("root")
    (folder / "roles.yaml").write_text(ROLES.replace("may: [read]}", "may: [read, export]}"))
    (folder / "entities/customer.yaml").write_text(
        CUSTOMER.replace("\nfields:\n", "\nfields:\n  extra_words: {type: text, max: 9}\n"), "utf-8"
    )
    english = plan_of(root.ask("GET", "/setup?language=en"))
    chinese = plan_of(root.ask("GET", "/setup?language=zh"))
    assert len(english) == len(chinese)
    assert "customer.extra_words: add column, text up to 9, empty for 6 existing records" in english
    assert "customer.extra_words：新增列，类型 text，不超过 9，6 条现有记录为空" in chinese
    assert any(line.startswith("customer: role viewer: may export") for line in english)
    assert any(line.startswith("customer：角色 viewer：今后可以 export") for line in chinese)


def test_a_version_this_process_cannot_read_is_told(world):
    root = world.browser("root")
    with world.services.pools.engine.begin() as connection:
        # As a newer Trellis would leave it, whose files say what this one does not know.
        connection.exec_driver_sql(
            "INSERT INTO trellis.config_version "
            "(fingerprint, applied_by, files, plan, outline, state, base) "
            "SELECT 'newer', 'bob', jsonb_build_object('app.yaml', 'nome: x'), plan, outline, "
            "'live', number FROM trellis.config_version ORDER BY number DESC LIMIT 1"
        )
        connection.exec_driver_sql("SELECT pg_notify('trellis_catalog', '')")
    deadline = time.monotonic() + 10
    while world.services.live.problem is None:
        assert time.monotonic() < deadline, "nobody noticed"
        time.sleep(0.05)
    page = root.ask("GET", "/setup?language=zh").text
    assert "这里无法载入最新版本，先前的版本继续提供服务。" in page
    assert "`nome`" in page
    english = root.ask("GET", "/setup?language=en").text
    assert "The newest version cannot be loaded here" in english


def test_an_apply_here_leaves_one_line_in_the_audit_l1(world, folder):
    before = applies(world)
    root = world.browser("root")
    (folder / "app.yaml").write_text(FILES["app.yaml"].replace("name: Test", "name: Renamed"))
    page = root.ask("GET", "/setup")
    fingerprint = re.search(r'name="fingerprint" value="(\w+)"', page.text)[1]
    sent = {"fingerprint": fingerprint, "csrf_token": csrf_of(page)}
    assert root.ask("POST", "/setup/apply", data=sent).status_code == 303
    number = world.services.live.release.version_number
    line = applies(world)[len(before) :]
    assert [(each["user_id"], each["details"]) for each in line] == [
        (world.who("root").user_id, {"who": "Root", "version": number, "reason": None})
    ]
    # There is nothing more to apply, so nothing more to note.
    root.ask("POST", "/setup/apply", data=sent)
    assert len(applies(world)) == len(before) + 1


def test_what_is_saved_is_noted_and_rights_wait(world, folder, installation):
    said: list[str] = []
    assert installation.take_up(said.append)
    before = world.services.live.release.version_number
    first = applies(world)
    (folder / "roles.yaml").write_text(ROLES.replace("may: [read]}", "may: [read, export]}"))
    assert installation.take_up(said.append)
    assert "This waits for `trellis apply`, since it touches what is there." in said
    with world.services.pools.engine.connect() as connection:
        assert find_live_version(connection).number == before
        waiting = find_pending(connection)
    assert waiting.kind == "waiting"
    assert {"ChangeAccess"} <= {each["kind"] for each in waiting.plan["operations"]}
    assert applies(world) == first

    (folder / "roles.yaml").write_text(ROLES)
    # Nobody is reminded because somebody saved a file.
    (folder / "workflows").mkdir(exist_ok=True)
    rule = folder / "workflows" / "new.yaml"
    rule.write_text(NEW_RULE)
    assert installation.take_up(said.append)
    assert said[-1] == "This waits for `trellis apply`, since its rules are about to reach people."
    rule.unlink()
    (folder / "app.yaml").write_text(FILES["app.yaml"].replace("name: Test", "name: Saved"))
    assert installation.take_up(said.append)
    assert [each["details"] for each in applies(world)[len(first) :]] == [
        {"who": "watcher", "version": before + 1, "reason": "saved"}
    ]


@pytest.fixture
def renamed(folder, installation):
    """The catalog in which the role `seller` is called `agent`."""
    roles = ROLES.replace("seller: {", "agent: {was: seller, ").replace("is: seller", "is: agent")
    (folder / "roles.yaml").write_text(roles)
    for path in (folder / "entities").iterdir():
        path.write_text(re.sub(r"\bseller\b", "agent", path.read_text("utf-8")), "utf-8")
    return installation.folder.load_catalog()


def roles_of(world, name):
    """Return the rows that give somebody a role."""
    with world.services.pools.engine.connect() as connection:
        return connection.exec_driver_sql(
            "SELECT r.name FROM ab_user_role u JOIN ab_role r ON r.id = u.role_id "
            "WHERE u.user_id = %(id)s",
            {"id": IDS[name]},
        ).scalars().all()  # fmt: skip


def test_a_renamed_role_stays_with_its_people(world, installation, renamed):
    sam = world.as_("sam")
    seen = sam.ids("/customer/")
    assert seen
    plan = installation.plan(renamed)
    lines = [str(each.words()) for each in plan.operations if each.subject == "roles.agent"]
    assert lines == ["rename from seller, 3 people keep it"]
    assert not [each for each in plan.operations if type(each).__name__ == "ChangeAccess"]
    assert not plan.is_adding_only

    installation.apply(renamed, "mia")
    world.services.live.reload()
    # Told by the number of `people`, as any other process would be.
    deadline = time.monotonic() + 5
    while world.who("sam").roles != {"agent"}:
        assert time.monotonic() < deadline, "nobody heard of the new name"
        time.sleep(0.05)
    assert sam.ids("/customer/") == seen
    assert roles_of(world, "sam") == ["agent"]
    assert installation.plan(renamed).is_empty


def test_a_role_that_takes_a_name_of_before_joins_its_people(world, installation, renamed):
    # `agent` was a role once: nobody took it from vic and sam when it left roles.yaml.
    with world.services.pools.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO ab_role (id, name) VALUES (900, 'agent')")
        for name in ("vic", "sam"):
            connection.exec_driver_sql(
                "INSERT INTO ab_user_role (id, user_id, role_id) "
                "VALUES (nextval('ab_user_role_id_seq'), %(id)s, 900)",
                {"id": IDS[name]},
            )
    installation.apply(renamed, "mia")
    assert roles_of(world, "sam") == ["agent"]
    assert roles_of(world, "sue") == ["agent"]
    assert sorted(roles_of(world, "vic")) == ["agent", "viewer"]
