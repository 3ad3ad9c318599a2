"""What every answer carries and none tells; what is shown as text; what is written down."""

import errno
import json
import logging
import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser

import pytest

from app.database import system
from app.records.door import Records
from tests.integration.api.world import (
    IDS,
    PREFIX,
    ApiWorld,
    Caller,
    assert_api_error,
    build,
)

PAGES = ("/sign-in", "/crm/customer/", "/crm/customer/1", "/crm/customer/new", "/me", "/nothing",
         "/swagger/v1", "/health", "/api/v1/me", "/api/v1/nothing/", "/crm/customer/9999")  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_h1_h2_h3_h4_h6_every_answer_is_guarded(shared, path):
    browser = shared.__dict__.setdefault("browser_of_sam", None) or shared.browser("sam")
    shared.browser_of_sam = browser
    headers = browser.ask("GET", path).headers
    policy = dict(
        part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in headers
    assert "Access-Control-Allow-Origin" not in headers
    assert "Server" not in headers or "Werkzeug" not in headers["Server"]


def test_no_page_holds_a_script_or_a_handler(shared):
    browser = shared.browser("mia")
    for path in PAGES[:7]:
        text = browser.ask("GET", path).text
        assert Active().found_in(text) == [], path


@pytest.fixture
def behind_tls(template_database, clone_database, tmp_path):
    made = ApiWorld(
        clone_database(template_database("api_world", build)),
        tmp_path / "var",
        TRELLIS_BEHIND_TLS="yes",
    )
    yield made
    made.close()


def test_h5_behind_tls_cookies_are_secure_and_browsers_stay(behind_tls):
    caller = Caller(behind_tls, None)
    page = caller.client.get("/sign-in", headers={"X-Forwarded-Proto": "https"})
    assert page.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    cookie = page.headers["Set-Cookie"]
    assert "Secure" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_h6_cookies_are_not_for_scripts_nor_other_sites(shared):
    cookie = shared.anybody().ask("GET", "/sign-in").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.fixture
def broken(monkeypatch):
    """A door that breaks with words nobody may read."""

    def fall(*_args, **_kwargs):
        raise RuntimeError("SELECT secret FROM crm.customer; /etc/passwd\nFORGED LINE\x1b[31m")

    monkeypatch.setattr(Records, "query_json", fall)
    monkeypatch.setattr(Records, "query", fall)


def test_h22_a_failure_of_ours_is_told_by_number_only(world, broken, caplog):
    response = world.as_("sam").get("/customer/")
    error = assert_api_error(response, 500, "general")
    for word in ("SELECT", "passwd", "Traceback", "RuntimeError", ".py"):
        assert word not in response.text
    assert error["number"] in error["message"]
    lines = [record for record in caplog.records if error["number"] in record.getMessage()]
    assert len(lines) == 1
    assert lines[0].levelno == logging.ERROR
    assert lines[0].exc_info


def test_h22_nor_does_a_page_tell(world, monkeypatch):
    from app.screens.lists import Lists

    def fall(*_args):
        raise RuntimeError("SELECT secret FROM crm.customer")

    monkeypatch.setattr(Lists, "answer", fall)
    page = world.browser("sam").ask("GET", "/crm/customer/")
    assert page.status_code == 500
    for word in ("SELECT", "Traceback", "RuntimeError", ".py"):
        assert word not in page.text
    assert re.search(r"[0-9a-f]{8}", page.text)


def test_h23_a_stranger_learns_nothing_of_the_house(shared):
    stranger = shared.anybody()
    health = stranger.ask("GET", "/health").json
    assert set(health) == {"status", "version"}
    for path in ("/swagger/v1", "/metrics", "/console", "/debug", "/static/trellis.css",
                 "/api/v1/_openapi/", "/api/v1/openapi.json", "/swaggerview/v1", "/static/appbuilder/css/ab.css"):  # fmt: skip
        answer = stranger.ask("GET", path, environ_base={"REMOTE_ADDR": "203.0.113.9"})
        assert answer.status_code in (302, 401, 403, 404), path


def test_h24_secrets_are_in_no_answer(shared):
    settings, secrets = shared.services.settings, shared.services.secrets
    hidden = [secrets.secret_key, settings.database_url, "scrypt:"]
    callers = [shared.as_("root"), shared.browser("root")]
    for path in ("/api/v1/meta", "/api/v1/me", "/api/v1/user/", "/api/v1/openapi.json", "/setup",
                 "/setup/versions", "/people", "/me", "/health"):  # fmt: skip
        for caller in callers:
            text = caller.ask("GET", path).text
            assert not [one for one in hidden if one in text], path


def test_h25_personal_data_is_in_no_address(shared):
    page = shared.browser("mia").ask("GET", "/crm/customer/1")
    for address in re.findall(r'href="([^"]+)"', page.text):
        if not address.startswith(("tel:", "mailto:")):
            assert "c1@test" not in address
            assert "3900000001" not in address


class Active(HTMLParser):
    """Finds what a browser would run: scripts in the page, handlers, addresses of scripts."""

    def found_in(self, page):
        self.found = []
        self.feed(page)
        return self.found

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        if tag == "script" and not (told.get("src") or "").startswith("/assets/"):
            self.found.append((tag, attrs))
        if any(name.startswith("on") for name in told):
            self.found.append((tag, attrs))
        for name in ("href", "src", "action", "formaction"):
            if (told.get(name) or "").strip().lower().startswith(("javascript:", "data:text")):
                self.found.append((tag, attrs))
        if (tag, told.get("src")) == ("img", "x"):
            self.found.append((tag, attrs))


SCRIPTS = ("<script>alert(1)</script>", '"onmouseover="alert(1)', "javascript:alert(1)", "<img src=x onerror=alert(1)>",
           "{{7*191}}", "{{config}}", "{%for x in y%}", "${7*191}", "<svg/onload=alert(1)>", "'-alert(1)-'")  # fmt: skip


@pytest.mark.parametrize("text", SCRIPTS)
def test_x1_x4_what_people_type_is_shown_as_text(world, text):
    sam = world.as_("sam")
    made = sam.made("customer", name=text[:40], note=text)
    assert (made["name"], made["note"]) == (text[:40], text)
    number = made["id"]
    assert sam.get(f"/customer/{number}").json["note"] == text
    browser = world.browser("sam")
    for path in (f"/crm/customer/{number}", "/crm/customer/", f"/crm/customer/{number}/edit",
                 f"/crm/customer/{number}/history", "/find?q=alert"):  # fmt: skip
        page = browser.ask("GET", path).text
        assert Active().found_in(page) == [], path
        assert "1337" not in page


def test_x16_what_is_logged_cannot_forge_a_line(world, broken, caplog):
    path = f"{PREFIX}/customer/\n2026-01-01 ERROR forged\x1b[31m/"
    world.as_("sam").ask("GET", path)
    world.as_("sam").ask("GET", f"{PREFIX}/customer/")
    for record in caplog.records:
        message = record.getMessage()
        assert "\n" not in message, message
        assert "\x1b" not in message, message


def test_r6_answers_are_never_anothers(shared):
    """Eight threads ask 3,000 times with different filters; every answer fits its own."""
    expected = {f"id == {number}": {number} for number in (1, 2, 3, 4, 5)} | {
        "starts(name, 'Sam')": {1, 2},
        "status == 'active'": {1, 3, 4, 5},
        "id > 9": set(),
    }
    questions = list(expected)
    token, wrong, lock = shared.as_("root").headers, [], threading.Lock()

    def ask(thread):
        client = shared.app.test_client()
        for turn in range(375):
            question = questions[(thread * 7 + turn) % len(questions)]
            answer = client.get(
                f"{PREFIX}/customer/",
                query_string={"filter": question, "fields": "id"},
                headers=token,
            )
            found = {row["id"] for row in answer.json.get("rows", [])}
            if answer.status_code != 200 or found != expected[question]:
                with lock:
                    wrong.append((question, answer.status_code, answer.text))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))
    assert wrong == []


def test_c16_no_write_reaches_the_configuration(world):
    """Neither an address nor a field of a record leads there; only an administrator applies."""
    before = world.system_rows(system.config_version)
    sam = world.as_("sam")
    for entity in ("config_version", "configuration", "entity", "role", "roles"):
        assert_api_error(sam.post(f"/{entity}/", {"name": "x"}), 404, "not-found")
    for name, value in (("roles", ["admin"]), ("is_admin", True), ("login", "root")):
        response = world.as_("root").patch(f"/user/{IDS['sam']}", {name: value})
        assert_api_error(response, 422, "invalid-input", name)
        assert_api_error(sam.patch(f"/user/{IDS['sam']}", {name: value}), 403, "forbidden")
    browser = world.browser("sam")
    applied = browser.ask("POST", "/setup/apply", data={"csrf_token": browser.csrf})
    assert applied.status_code == 403
    assert world.system_rows(system.config_version) == before
    assert sam.get("/me").json["roles"] == ["seller"]


def test_a_full_disk_refuses_the_upload_and_nothing_else(world, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    response = world.as_("sam").uploaded()
    assert_api_error(response, 503, "unavailable", says="no room")
    assert response.headers["Retry-After"]
    monkeypatch.undo()
    assert world.as_("sam").get("/customer/1").status_code == 200
    assert world.system_rows(system.file) == []
    folder = world.services.settings.data / "files"
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    assert world.as_("sam").uploaded().status_code == 201


# -- what is written down --------------------------------------------------------------------------


def kinds(world, **which):
    return [row["kind"] for row in world.system_rows(system.audit, **which)]


def test_l1_signing_in_and_being_refused_are_written_down(world):
    world.as_("aud")
    world.anybody().post("/security/login", {"username": "aud", "password": "wrong password"})
    seen = [kind for kind in kinds(world) if kind.startswith("account.session")]
    assert seen == ["account.session.begin", "account.session.refused"]
    assert_api_error(world.as_("aud").delete("/customer/1"), 403, "forbidden")
    line = world.system_rows(system.audit)[-1]
    assert (line["kind"], line["user_id"]) == ("request.access.refused", IDS["aud"])
    assert line["address"] == "127.0.0.1"
    assert line["details"] == {"method": "DELETE", "path": "/api/v1/customer/1"}
    assert world.browser("aud").ask("GET", "/setup").status_code == 403
    assert world.system_rows(system.audit)[-1]["details"]["path"] == "/setup"


def test_l1_every_change_has_who_when_what(world):
    mia = world.as_("mia")
    number = mia.made("customer", name="Told")["id"]
    mia.patch(f"/customer/{number}", {"name": "Told twice"})
    mia.post("/customer/transfer", {"ids": [number], "owner": IDS["sam"]})
    mia.delete(f"/customer/{number}")
    mia.post(f"/customer/{number}/restore", {})
    rows = mia.rows(f"/customer/{number}/history")[::-1]
    assert [row["action"] for row in rows] == ["create", "update", "transfer", "delete", "restore"]
    assert {row["user"] for row in rows} == {IDS["mia"]}
    assert {row["origin"] for row in rows} == {"api"}
    assert all(row["happened_at"] for row in rows)
    assert rows[1]["changes"] == {"name": {"before": "Told", "after": "Told twice"}}


def test_l1_what_is_done_to_accounts_is_written_down(world):
    root = world.browser("root")
    path = f"/people/{IDS['tom']}/edit"
    for password in ("a new and long one", ""):
        data = {"csrf_token": root.csrf, "roles": "auditor", "password": password, "active": "no"}
        assert root.ask("POST", path, data=data).status_code == 303
    lines = [
        row for row in world.system_rows(system.audit) if row["details"].get("user") == IDS["tom"]
    ]
    told = [(row["kind"], row["user_id"]) for row in lines if row["user_id"]]
    assert told == [
        ("account.roles.set", IDS["root"]),
        ("account.password.set", IDS["root"]),
        ("account.state.set", IDS["root"]),
        ("account.roles.set", IDS["root"]),
        ("account.state.set", IDS["root"]),
    ]
    assert lines[-2]["details"] == {"user": IDS["tom"], "roles": ["auditor"]}
    assert lines[-1]["details"] == {"user": IDS["tom"], "active": False}
    assert "a new and long one" not in str(lines)


def test_l1_what_is_known_of_a_person_is_put_right_in_their_account(world):
    root, tom = world.browser("root"), IDS["tom"]
    path, kept = f"/people/{tom}/edit", {"csrf_token": root.csrf, "roles": "auditor"}
    who = {"name": "Tom Thorne", "email": "tom@firm.example", "manager": str(IDS["mia"])}
    assert root.ask("POST", path, data=kept | who).status_code == 303
    row = world.as_("root").get(f"/user/{tom}").json
    assert {name: str(row[name]) for name in who} == who
    assert 'value="tom@firm.example"' in root.ask("GET", path).text
    circle = root.ask("POST", path, data=kept | who | {"manager": str(tom)})
    assert (circle.status_code, "Nobody can report to themselves" in circle.text) == (422, True)
    taken = kept | {"email": "TOM@firm.example"}
    other = root.ask("POST", f"/people/{IDS['vic']}/edit", data=taken)
    assert (other.status_code, "Another user has this already." in other.text) == (422, True)
    # A form that names none of it changes none of it.
    assert root.ask("POST", path, data=kept).status_code == 303
    assert world.as_("root").get(f"/user/{tom}").json["name"] == "Tom Thorne"


def test_l2_history_hides_what_the_record_hides(world):
    world.as_("root").patch("/customer/1", {"secret": "s-new", "note": "n"})
    for name, knows in (("sam", False), ("mia", False), ("aud", True), ("root", True)):
        text = world.as_(name).get("/customer/1/history").text
        assert ("s-new" in text) is knows
        assert ("s-sam" in text) is knows
    page = world.browser("sam").ask("GET", "/crm/customer/1/history").text
    assert "s-new" not in page


def test_l3_passwords_tokens_and_keys_are_never_written_down(world, caplog):
    caplog.set_level(logging.DEBUG)
    password = "a wrong but secret one"
    world.anybody().post("/security/login", {"username": "sam", "password": password})
    token = world.tokens("sam")["access_token"]
    key = world.key_of("sam")
    for header in (token, key, key + "x"):
        Caller(world, None, header).get("/me")
    kept = json.dumps(world.system_rows(system.audit), default=str)
    kept += json.dumps(world.system_rows(system.session), default=str)
    kept += "\n".join(record.getMessage() for record in caplog.records)
    for secret in (password, token, key, world.services.secrets.secret_key):
        assert secret not in kept


def test_l4_no_address_changes_what_was_written_down(world):
    """There is no entity and no address for history and audit but to read."""
    rules = [rule for rule in world.app.url_map.iter_rules() if "history" in rule.rule]
    assert rules
    assert {method for rule in rules for method in rule.methods} <= {"GET", "HEAD", "OPTIONS"}
    for entity in ("audit", "history", "trellis.audit"):
        assert_api_error(world.as_("root").get(f"/{entity}/"), 404, "not-found")


def test_l6_what_cannot_be_written_down_is_not_done(world):
    from sqlalchemy import text

    with world.services.pools.engine.begin() as connection:
        connection.execute(
            text("ALTER TABLE trellis.history ADD CONSTRAINT full_up CHECK (false) NOT VALID")
        )
    response = world.as_("sam").patch("/customer/1", {"note": "x"})
    assert response.status_code >= 400
    assert world.row("customer", 1)["note"] is None


def test_l6_nobody_is_let_in_without_a_trace(world):
    from sqlalchemy import text

    with world.services.pools.engine.begin() as connection:
        connection.execute(
            text("ALTER TABLE trellis.audit ADD CONSTRAINT full_up CHECK (false) NOT VALID")
        )
    response = world.anybody().post(
        "/security/login", {"username": "sam", "password": "a long enough secret"}
    )
    assert response.status_code == 500
    assert "access_token" not in response.text
