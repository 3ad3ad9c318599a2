"""The administrator's page over HTTP: the plan in the reader's language, and what an apply leaves."""

from __future__ import annotations

import re
import time
from xml.etree import ElementTree as ET

import pytest

from app.clock import SystemClock
from app.configuration_files import fingerprint_of
from app.database import system
from app.database.pending import find_pending
from app.database.versions import find_live_version
from tests.integration.api.world import (
    CUSTOMER,
    FILES,
    IDS,
    ROLES,
    ApiWorld,
    assert_api_error,
    build,
    csrf_of,
)

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
    deadline = time.monotonic() + 60
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
    deadline = time.monotonic() + 60
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


# -- files in the browser --------------------------------------------------------------------------

CUSTOMER_FILE = "entities/customer.yaml"


def sent_by(browser, **fields):
    return {"csrf_token": browser.csrf, **fields}


def seen_of(folder, name=CUSTOMER_FILE):
    return fingerprint_of((folder / name).read_text("utf-8"))


def test_a_draft_is_checked_planned_and_completed_and_nothing_of_it_is_kept(world, folder):
    root = world.browser("root")
    before = (folder / CUSTOMER_FILE).read_text("utf-8")
    wrong = before.replace("fields:\n", "fields:\n  rank: {type: intger}\n", 1)
    sent = sent_by(root, file=CUSTOMER_FILE, text=wrong)
    found = root.ask("POST", "/setup/check?language=zh", data=sent).json
    line = wrong.split("\n").index("  rank: {type: intger}") + 1
    assert found["elsewhere"] == 0
    [problem] = found["problems"]
    assert problem["text"] == "`intger` 不是字段类型。您是不是想写 `integer`？"
    assert (problem["line"], problem["column"], problem["endColumn"]) == (line, 16, 22)
    assert problem["suggestions"] == ["integer"]
    pane = root.ask("POST", "/setup/pane?language=en", data=sent).text
    assert "`intger` is not a field type. Did you mean `integer`?" in pane
    right = wrong.replace("intger", "integer")
    pane = root.ask("POST", "/setup/pane", data=sent | {"text": right}).text
    assert "customer.rank: add column, integer, empty for 6 existing records" in pane
    assert "Save and apply" in pane
    offset = right.index("integer") + 2
    offered = root.ask("POST", "/setup/suggest", data=sent | {"text": right, "offset": offset}).json
    assert offered["begin"] == offset - 2
    assert {"integer", "link"} <= {one["label"] for one in offered["found"]}
    assert (folder / CUSTOMER_FILE).read_text("utf-8") == before
    assert world.services.live.release.version_number == 1


def test_what_is_typed_is_saved_by_the_act_that_applies_it(world, folder, installation):
    root = world.browser("root")
    page = root.ask("GET", f"/setup?file={CUSTOMER_FILE}").text
    assert re.search(r'data-fingerprint="(\w+)"', page)[1] == seen_of(folder)
    text = CUSTOMER.replace("\nfields:\n", "\nfields:\n  rank: {type: integer}\n").lstrip("\n")
    catalog = (
        world.app.extensions["trellis.screens"].configuration.draft(CUSTOMER_FILE, text).catalog
    )
    sent = sent_by(root, file=CUSTOMER_FILE, text=text, fingerprint=catalog.fingerprint)
    # Somebody else saved meanwhile: nothing is applied, and what was typed is shown again.
    refused = root.ask("POST", "/setup/apply", data=sent | {"seen": "0" * 32})
    assert refused.status_code == 409
    assert "was changed since you opened it" in refused.text
    assert "rank: {type: integer}" in refused.text
    assert world.services.live.release.version_number == 1
    sent["seen"] = seen_of(folder)
    answer = root.ask("POST", "/setup/apply", data=sent | {"reason": "Ranks"})
    assert answer.status_code == 303
    assert (folder / CUSTOMER_FILE).read_text("utf-8") == text
    with world.services.pools.engine.connect() as connection:
        version = find_live_version(connection)
    assert (version.number, version.applied_by, version.reason) == (2, "Root", "Ranks")
    assert world.as_("root").made("customer", name="Ranked", rank=3)["rank"] == 3
    # Whatever watches the folder finds nothing to do.
    assert installation.take_up([].append)
    assert world.services.live.release.version_number == 2
    page = root.ask("GET", "/setup/versions/2").text
    assert "rank: {type: integer}" in page
    assert "Ranks" in page
    assert root.ask("GET", "/setup/versions/99").status_code == 404

    # The first version comes back as files; applying them is another act.
    assert root.ask("POST", "/setup/versions/1/restore", data=sent_by(root)).status_code == 303
    assert (folder / CUSTOMER_FILE).read_text("utf-8") == FILES[CUSTOMER_FILE]
    waiting = root.ask("GET", "/setup").text
    assert "customer.rank: drop column: 1 record holds a value" in waiting
    assert 'name="allow" value="customer.rank"' in waiting


def test_files_are_begun_saved_and_deleted(world, folder):
    root = world.browser("root")
    page = root.ask("GET", "/setup?new=entity&name=project").text
    assert "entity: project" in page
    assert 'data-fingerprint=""' in page
    assert not (folder / "entities/project.yaml").exists()
    sent = sent_by(root, file="entities/project.yaml", text="entity: project\n")
    saved = root.ask("POST", "/setup/save", data=sent | {"fingerprint": ""}).json
    assert saved["fingerprint"] == seen_of(folder, "entities/project.yaml")
    again = root.ask("POST", "/setup/save", data=sent | {"fingerprint": ""})
    assert_api_error(again, 409, "conflict", says="was changed since you opened it")
    sent["fingerprint"] = saved["fingerprint"]
    assert root.ask("POST", "/setup/delete", data=sent).status_code == 200
    assert not (folder / "entities/project.yaml").exists()
    # Refused ones left no line; who did what to which file is in the audit.
    for kind in ("saved", "deleted"):
        lines = world.system_rows(system.audit, kind=f"configuration.file.{kind}")
        assert [one["details"] for one in lines] == [{"file": "entities/project.yaml"}]
    for name in (
        "../var/secrets/secret_key",
        "/etc/passwd",
        "app.yaml/x",
        "",
        "x" * 600,
        "a\0.yaml",
    ):
        for what in ("save", "delete"):
            answer = root.ask("POST", f"/setup/{what}", data=sent | {"file": name})
            assert answer.status_code == 422, name
            assert answer.json["error"]["fields"]["file"]
    for extra in ({"text": "x" * 1_000_001}, {"offset": "-1"}, {"offset": "9" * 30}, {}):
        bad = sent_by(root, file=CUSTOMER_FILE, text="a: b\n") | extra
        assert root.ask("POST", "/setup/suggest", data=bad).status_code in (413, 422), extra


def test_only_administrators_come_near_the_files(world, folder):
    before = (folder / CUSTOMER_FILE).read_text("utf-8")
    mia = world.browser("mia")
    sent = sent_by(mia, file=CUSTOMER_FILE, text="x", fingerprint=seen_of(folder), seen="")
    for what in (
        "check",
        "suggest",
        "pane",
        "save",
        "delete",
        "apply",
        "propose",
        "versions/1/restore",
    ):
        answer = mia.ask("POST", f"/setup/{what}", data=sent)
        assert answer.status_code in (403, 404), what
    for path in ("/setup", "/setup/versions/1", "/setup/diagram", "/setup/diagram.svg",
                 "/setup/where?entity=customer", "/setup/agree"):  # fmt: skip
        assert mia.ask("GET", path).status_code in (403, 404), path
    assert (folder / CUSTOMER_FILE).read_text("utf-8") == before
    root = world.browser("root")
    for token in ("", "x"):
        headers = {"X-CSRFToken": token}
        body = sent | {"csrf_token": token, "fingerprint": seen_of(folder)}
        answer = root.ask("POST", "/setup/save", data=body, headers=headers)
        assert answer.status_code == 400
    assert (folder / CUSTOMER_FILE).read_text("utf-8") == before


def test_those_who_are_named_agree_on_a_page_of_their_own(world, folder, installation):
    root, mia = world.browser("root"), world.browser("mia")
    app = folder / "app.yaml"
    asks = FILES["app.yaml"] + "changes: {confirm: [role manager], needs: [why]}\n"
    app.write_text(asks)
    assert installation.take_up([].append)
    app.write_text(asks.replace("name: Test", "name: Renamed"))
    said: list[str] = []
    assert installation.take_up(said.append)
    assert "This waits for `trellis apply`, since it asks for agreement." in said
    page = root.ask("GET", "/setup")
    fingerprint = re.search(r'name="fingerprint" value="(\w+)"', page.text)[1]
    assert "role manager" in page.text
    apply = sent_by(root, fingerprint=fingerprint, **{"said.why": "A better name"})
    refused = root.ask("POST", "/setup/apply", data=apply)
    assert refused.status_code == 409
    assert "To be agreed to first: role manager." in refused.text
    assert (
        mia.ask("POST", "/setup/agree", data=sent_by(mia, fingerprint=fingerprint)).status_code
        == 422
    )
    assert root.ask("POST", "/setup/propose", data=apply).status_code == 303
    assert "A better name" in mia.ask("GET", "/setup/agree").text
    assert "Root asks you to agree to a change" in mia.ask("GET", "/inbox").text
    assert world.browser("sam").ask("GET", "/setup/agree").status_code == 404
    assert mia.ask("POST", "/setup/agree", data=sent_by(mia, fingerprint="old")).status_code == 409
    assert (
        root.ask("POST", "/setup/agree", data=sent_by(root, fingerprint=fingerprint)).status_code
        == 403
    )
    for word in ("", "back", ""):
        sent = sent_by(mia, fingerprint=fingerprint, word=word)
        assert mia.ask("POST", "/setup/agree", data=sent).status_code == 303
    assert root.ask("POST", "/setup/apply", data=apply).status_code == 303
    number = world.services.live.release.version_number
    assert "A better name" in root.ask("GET", f"/setup/versions/{number}").text
    with world.services.pools.engine.connect() as connection:
        version = find_live_version(connection)
    assert (version.said, version.agreed[0]["by"]) == ({"why": "A better name"}, "Mia")


def test_the_catalog_is_drawn_and_says_where_it_is_written(world):
    root = world.browser("root")
    page = root.ask("GET", "/setup/diagram?of=customer").text
    assert '<a class="node on" href="/setup/diagram?of=customer"' in page
    assert "Order → Customer: Customer" in page
    file = root.ask("GET", "/setup/diagram.svg")
    assert file.content_type == "image/svg+xml; charset=utf-8"
    ET.fromstring(file.text)
    told = root.ask("GET", "/setup/where?entity=customer").json
    line = FILES[CUSTOMER_FILE].split("\n").index("  secret: {type: text}") + 1
    assert told["fields"]["secret"]["where"] == f"{CUSTOMER_FILE}:{line}"
    assert told["fields"]["secret"]["href"] == f"/setup?file={CUSTOMER_FILE}#L{line}"
    assert ("viewer", "read") in {(one["role"], one["right"]) for one in told["access"]}
    assert root.ask("GET", "/setup/where?entity=nothing").status_code == 404
