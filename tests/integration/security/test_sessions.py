"""Signing in and out, tokens, keys: who gets in, how, and how long."""

import time
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from app.clock import FrozenClock
from app.database import system
from app.security.people import end_sessions, give_roles, set_active, set_password
from app.security.sessions import IDLE, LONGEST
from tests.integration.api.world import (
    IDS,
    PASSWORD,
    PREFIX,
    ApiWorld,
    Caller,
    assert_api_error,
    build,
    sign_in,
)


def me(caller):
    return caller.get("/me").status_code


def change(world, work):
    """Do something to an account as another process would, and let this one notice."""
    with world.services.pools.write.connection() as connection:
        work(connection)
    world.services.organisation.expire()
    world.services.sessions.expire()


def with_token(world, token):
    return Caller(world, None, token)


def test_there_are_three_ways_to_be_known(world):
    key = world.key_of("sam")
    assert key.startswith("sst_")
    ways = [world.as_("sam"), world.browser("sam"), with_token(world, key)]
    assert [way.get("/me").json["id"] for way in ways] == [IDS["sam"]] * 3
    assert_api_error(world.anybody().get("/me"), 401, "not-signed-in")


def test_tokens_are_given_as_fab_gives_them(world):
    plain = world.anybody().post(
        "/security/login", {"username": "sam", "password": PASSWORD, "provider": "db"}
    )
    assert set(plain.json) == {"access_token"}
    tokens = world.tokens("sam")
    assert set(tokens) == {"access_token", "refresh_token"}
    again = with_token(world, tokens["refresh_token"]).post("/security/refresh")
    assert me(with_token(world, again.json["access_token"])) == 200


@pytest.mark.parametrize(
    ("sent", "fields"),
    [({}, {"username", "password"}), ({"username": "sam", "password": ""}, {"password"}),
     ({"username": 5, "password": "x"}, {"username"}), ({"username": "a\0", "password": "x"}, {"username"}),
     ({"username": "sam", "password": "x" * 1025}, {"password"}),
     ({"username": "sam", "password": "x", "provider": "ldap"}, {"provider"}),
     ({"username": "sam", "password": "x", "refresh": "yes"}, {"refresh"}),
     ({"username": "sam", "password": "x", "next": "/"}, {"next"})],
)  # fmt: skip
def test_a_sign_in_that_cannot_be_read(shared, sent, fields):
    response = shared.anybody().post("/security/login", sent)
    assert_api_error(response, 422, "invalid-input", *fields)


def test_h7_a_browser_must_send_the_token_of_its_page(world):
    browser = world.browser("sam")
    token, browser.csrf = browser.csrf, ""
    for said in (
        {"json": {"note": "x"}},
        {"data": b'{"note": "x"}', "content_type": "text/plain"},
        {"json": {"note": "x"}, "headers": {"Origin": "https://evil.example"}},
        {"json": {"note": "x"}, "headers": {"X-CSRFToken": "wrong"}},
    ):
        refused = browser.ask("PATCH", f"{PREFIX}/customer/1", **said)
        assert_api_error(refused, 403, "forbidden", says="X-CSRFToken")
    refused = browser.ask("POST", "/crm/customer/1/delete")
    assert refused.status_code == 400
    assert browser.ask("POST", "/sign-out").status_code == 400
    assert world.row("customer", 1)["note"] is None
    browser.csrf = token
    assert browser.patch("/customer/1", {"note": "x"}).status_code == 200
    # A token or a key is sent by programs only, never by a browser on its own.
    assert world.as_("sam").patch("/customer/1", {"note": "y"}).status_code == 200


def test_h7_a_cookie_does_not_make_a_bad_token_good(world):
    browser = world.browser("sam")
    browser.headers = {"Authorization": "Bearer nonsense"}
    assert_api_error(browser.get("/me"), 401, "not-signed-in")


def test_h8_looking_changes_nothing(world):
    browser = world.browser("mia")
    paths = [
        rule.rule
        for rule in world.app.url_map.iter_rules()
        if "GET" not in rule.methods and not rule.rule.startswith("/api/")
    ]
    assert "/sign-out" in paths
    for path in paths:
        real = path.replace("<entity>", "customer").replace("<int:number>", "1")
        for method in ("GET", "HEAD"):
            assert browser.ask(method, real).status_code in (403, 404, 405), path
    assert browser.ask("GET", "/lang/zh").status_code == 404
    assert browser.ask("GET", "/back").status_code == 404
    assert me(browser) == 200

    # HEAD asks as GET does where both looking and doing have one address.
    followers = "/api/v1/customer/1/followers"
    assert browser.ask("PUT", followers).json["rows"]
    assert browser.ask("HEAD", followers).status_code == 200
    assert [row["user"] for row in browser.ask("GET", followers).json["rows"]] == [IDS["mia"]]
    noted = len(world.system_rows(system.audit))
    assert world.anybody().ask("HEAD", "/sign-in").status_code == 200
    assert len(world.system_rows(system.audit)) == noted
    assert browser.ask("HEAD", "/api/v1/customer/1/comments").status_code == 200


def test_h11_every_refusal_sounds_the_same(world):
    change(world, lambda connection: set_active(connection, IDS["tom"], active=False))
    answers, seconds = [], []
    for name, password in (("sam", "wrong password"), ("nobody", PASSWORD), ("tom", PASSWORD)):
        best = 9.0
        for _ in range(2):
            began = time.perf_counter()
            response = world.anybody().post(
                "/security/login", {"username": name, "password": password}
            )
            best = min(best, time.perf_counter() - began)
        answers.append((response.status_code, response.text))
        seconds.append(best)
    assert {status for status, _ in answers} == {401}
    assert len({text for _, text in answers}) == 1
    assert max(seconds) < 4 * min(seconds), seconds


@pytest.mark.parametrize(
    "address",
    ["//evil.example", "/\\evil.example", "https:evil.example", "https://evil.example",
     "javascript:alert(1)", "\\\\evil", " //evil.example", "/%09/evil", "///evil.example"],
)  # fmt: skip
def test_h12_the_way_on_leads_here(world, address):
    from urllib.parse import quote, urljoin, urlsplit

    caller = Caller(world, None)
    response = sign_in(caller, "sam", PASSWORD, f"/sign-in?next={quote(address)}")
    assert response.status_code == 303
    to = response.headers["Location"]
    assert urlsplit(urljoin("http://here.example/sign-in", to)).netloc == "here.example"


def test_h12_nor_does_a_forged_host_lead_away(world):
    response = world.anybody().ask("GET", "/crm/customer/", headers={"Host": "evil.example"})
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/sign-in")


def test_h14_passwords_are_long_and_not_common(world):
    browser = world.browser("sam")

    def set_to(password):
        return browser.ask(
            "POST",
            "/me/password",
            data={
                "csrf_token": browser.csrf,
                "current": PASSWORD,
                "password": password,
                "again": password,
            },
        ).status_code

    for weak in ("short", "password1", "aaaaaaaaaa", "1234567890", "x" * 257, "sam"):
        assert set_to(weak) == 422, weak
    long = "Ünïcode 密码 with spaces " + "y" * 100
    assert set_to(long) == 303
    caller = world.anybody()
    almost = caller.post("/security/login", {"username": "sam", "password": long[:-1]})
    assert almost.status_code == 401
    assert caller.post("/security/login", {"username": "sam", "password": long}).status_code == 200


def test_passwords_are_kept_as_scrypt(world):
    from sqlalchemy import text

    with world.services.pools.engine.connect() as connection:
        kept = connection.execute(text("SELECT password FROM public.ab_user")).scalars().all()
    assert {one.split(":")[0] for one in kept} == {"scrypt"}


def test_h15_h16_secrets_are_made_at_random_and_kept_from_others(world):
    folder = world.services.settings.data
    kept = [path for path in folder.rglob("*") if path.is_file() and "secret" in path.name]
    assert kept
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept)
    assert len(world.app.config["SECRET_KEY"]) >= 32


def test_h17_signing_in_begins_a_new_session(world):
    caller = Caller(world, None)
    caller.ask("GET", "/sign-in")
    before = caller.client.get_cookie("trellis").value
    sign_in(caller, "sam", PASSWORD)
    first = caller.client.get_cookie("trellis").value
    assert first != before
    # The same browser signs in again: the session of before is dead, wherever it was copied to.
    thief = Caller(world, None)
    thief.client.set_cookie("trellis", first)
    assert me(thief) == 200
    second = world.browser("tom")
    second.client.set_cookie("trellis", first)
    second.ask("POST", "/sign-out", data={"csrf_token": second_csrf(second)})
    assert me(thief) == 401


def second_csrf(caller):
    from tests.integration.api.world import csrf_of

    return csrf_of(caller.ask("GET", "/me"))


def test_h18_signing_out_ends_the_session_everywhere(world):
    browser = world.browser("sam")
    thief = Caller(world, None)
    thief.client.set_cookie("trellis", browser.client.get_cookie("trellis").value)
    assert me(thief) == 200
    assert browser.ask("POST", "/sign-out", data={"csrf_token": browser.csrf}).status_code == 303
    assert me(thief) == 401
    assert thief.ask("GET", "/crm/customer/").headers["Location"].startswith("/sign-in")


def test_h18_a_new_password_ends_sessions_and_tokens(world):
    browser, tokens = world.browser("sam"), world.tokens("sam")
    token, refresh = (with_token(world, tokens[f"{kind}_token"]) for kind in ("access", "refresh"))
    assert me(browser) == me(token) == 200
    change(world, lambda connection: set_password(connection, IDS["sam"], "another long one"))
    assert me(browser) == me(token) == 401
    assert_api_error(refresh.post("/security/refresh"), 401, "not-signed-in")


def test_a22_h18_a_closed_account_is_out_at_once(world):
    key = with_token(world, world.key_of("sam"))
    browser, token = world.browser("sam"), with_token(world, world.tokens("sam")["access_token"])
    refresh = with_token(world, world.tokens("sam")["refresh_token"])
    assert {me(way) for way in (key, browser, token)} == {200}
    change(world, lambda connection: set_active(connection, IDS["sam"], active=False))
    assert {me(way) for way in (key, browser, token)} == {401}
    assert_api_error(refresh.post("/security/refresh"), 401, "not-signed-in")
    # Open again, the old ones stay dead; the key, which nobody revoked, counts again.
    change(world, lambda connection: set_active(connection, IDS["sam"], active=True))
    assert [me(way) for way in (key, browser, token)] == [200, 401, 401]


def test_a22_a_role_taken_away_counts_at_once(world):
    token = world.as_("mia")
    assert token.get("/customer/1").status_code == 200
    change(world, lambda connection: give_roles(connection, IDS["mia"], []))
    assert_api_error(token.get("/customer/1"), 403, "forbidden")


def test_a_revoked_key_is_dead(world):
    browser = world.browser("sam")
    page = browser.ask("POST", "/me/keys", data={"name": "k", "csrf_token": browser.csrf}).text
    key = with_token(world, "sst_" + page.split("sst_", 1)[1].split("<")[0].split('"')[0].strip())
    assert me(key) == 200
    uuid = page.split("/me/keys/", 1)[1].split("/revoke")[0]
    browser.ask("POST", f"/me/keys/{uuid}/revoke", data={"csrf_token": browser.csrf})
    # At once here, within a second in other processes.
    assert me(key) == 401


@pytest.fixture
def timed(template_database, clone_database, tmp_path):
    clock = FrozenClock(datetime.now(UTC))
    made = ApiWorld(
        clone_database(template_database("api_world", build)), tmp_path / "var", clock=clock
    )
    yield made, clock
    made.close()


def test_h19_sessions_end_by_themselves(timed):
    world, clock = timed
    browser = world.browser("sam")
    for _ in range(3):
        clock.moment += IDLE - timedelta(minutes=1)
        assert me(browser) == 200
    clock.moment += IDLE + timedelta(minutes=1)
    assert me(browser) == 401
    busy = world.browser("sam")
    for _ in range(int(LONGEST / timedelta(hours=11))):
        clock.moment += timedelta(hours=11)
        last = me(busy)
    clock.moment += timedelta(hours=11)
    assert (last, me(busy)) == (200, 401)


def test_h20_sessions_of_somebody_are_listed_and_ended(world):
    browser = world.browser("sam")
    sessions = world.services.sessions
    listed = sessions.of_user(IDS["sam"])
    assert len(listed) == 1
    sessions.end_by_checksum(listed[0]["token"])
    assert me(browser) == 401
    other = world.browser("sam")
    change(world, lambda connection: end_sessions(connection, IDS["sam"]))
    assert me(other) == 401


def forged(world, key=None, algorithm="HS256", **claims):
    now = datetime.now(UTC)
    told = {
        "sub": str(IDS["root"]), "type": "access", "iat": now, "nbf": now, "jti": "x",
        "exp": now + timedelta(hours=1), "fresh": True, **claims,
    }  # fmt: skip
    told = {name: value for name, value in told.items() if value is not None}
    return jwt.encode(told, key or world.app.config["JWT_SECRET_KEY"], algorithm=algorithm)


@pytest.mark.parametrize(
    "claims",
    [
        {"key": "another key that is long enough for it"},
        {"exp": datetime(2020, 1, 1, tzinfo=UTC)},
        {"exp": None},
        {"iat": None},
        {"sub": "99999"},
        {"sub": "root"},
        {"sub": str(10**30)},
        {"type": "refresh"},
        {"type": None},
        {"aud": "somebody else"},
        {"nbf": datetime(2999, 1, 1, tzinfo=UTC)},
        {"iat": datetime(2001, 1, 1, tzinfo=UTC), "exp": datetime(2001, 1, 2, tzinfo=UTC)},
        {"algorithm": "HS512"},
    ],
    ids=str,
)
def test_h21_a_token_that_is_not_ours_is_none(world, claims):
    assert me(with_token(world, forged(world))) == 200
    assert_api_error(with_token(world, forged(world, **claims)).get("/me"), 401, "not-signed-in")


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Basic c2FtOnNhbQ==", "bearer x.y.z", "Bearer sst_nothing", "x",
     "Bearer " + "a" * 5000, "Bearer \u00e9", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."],
)  # fmt: skip
def test_h21_nor_is_any_other_header(shared, header):
    response = shared.anybody().ask("GET", f"{PREFIX}/me", headers={"Authorization": header})
    assert_api_error(response, 401, "not-signed-in")
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_h21_an_access_token_gets_no_other(world):
    token = world.tokens("sam")["access_token"]
    assert_api_error(with_token(world, token).post("/security/refresh"), 401, "not-signed-in")
    assert_api_error(world.anybody().post("/security/refresh"), 401, "not-signed-in")


def attempts(world, name, password="wrong one", count=1, address="10.0.0.1", by="api"):
    """Try to sign in; return the last answer."""
    for _ in range(count):
        caller = Caller(world, None)
        caller.client.environ_base["REMOTE_ADDR"] = address
        if by == "api":
            last = caller.post("/security/login", {"username": name, "password": password})
        else:
            last = sign_in(caller, name, password)
    return last


@pytest.mark.parametrize("by", ["api", "page"])
def test_h10_guessing_is_slowed_down_and_leaves_a_trace(world, by):
    assert attempts(world, "sam", count=5, by=by).status_code == 401
    refused = attempts(world, "sam", password=PASSWORD, by=by)
    assert refused.status_code == 429
    if by == "api":
        assert_api_error(refused, 429, "too-many-requests")
        assert 0 < int(refused.headers["Retry-After"]) <= 15 * 60 + 1
    # The other way in is closed as well; from elsewhere, and for others, nothing is.
    other = "page" if by == "api" else "api"
    assert attempts(world, "sam", password=PASSWORD, by=other).status_code == 429
    assert attempts(world, "sam", password=PASSWORD, address="10.0.0.2").status_code == 200
    assert attempts(world, "sue", password=PASSWORD).status_code == 200
    kinds = [row["kind"] for row in world.system_rows(system.audit, address="10.0.0.1")]
    assert kinds.count("account.session.refused") == 5
    assert kinds.count("account.session.throttled") == 2


def test_h10_one_address_does_not_guess_at_everybody(world):
    for number in range(50):
        world.services.throttle.failed(f"name{number}", "10.9.9.9")
    assert attempts(world, "sue", password=PASSWORD, address="10.9.9.9").status_code == 429
    assert attempts(world, "sue", password=PASSWORD, address="10.9.9.8").status_code == 200


def test_h10_failures_are_forgotten(timed):
    world, clock = timed
    assert attempts(world, "sam", count=5).status_code == 401
    assert attempts(world, "sam", password=PASSWORD).status_code == 429
    clock.moment += timedelta(minutes=16)
    assert attempts(world, "sam", password=PASSWORD).status_code == 200


def sessions_on(page):
    """The checksums of the sessions that a page offers to end."""
    return [part.split('"')[0] for part in page.split('name="session" value="')[1:]]


def test_h20_one_sees_where_one_is_signed_in_and_ends_that(world):
    here, there, third = (world.browser("sam") for _ in range(3))
    tom = world.browser("tom")
    page = here.ask("GET", "/me/security").text
    assert page.count("this one") == 1
    others = sessions_on(page)
    assert len(others) == 2
    # Somebody else's is not ended, whatever is sent.
    tom.ask("POST", "/me/sessions/end", data={"session": others[0], "csrf_token": tom.csrf})
    assert len(sessions_on(here.ask("GET", "/me/security").text)) == 2
    ended = {"session": others[0], "csrf_token": here.csrf}
    assert here.ask("POST", "/me/sessions/end", data=ended).status_code == 303
    assert sorted(one.ask("GET", "/me").status_code for one in (there, third)) == [200, 302]
    here.ask("POST", "/me/sessions/end", data={"csrf_token": here.csrf})
    assert [one.ask("GET", "/me").status_code for one in (here, there, third)] == [200, 302, 302]
    assert me(tom) == 200
    assert sessions_on(here.ask("GET", "/me/security").text) == []


def test_h20_an_administrator_sees_and_ends_the_sessions_of_others(world):
    root, one, two = world.browser("root"), world.browser("sam"), world.browser("sam")
    token = with_token(world, world.tokens("sam")["access_token"])
    page = root.ask("GET", f"/people/{IDS['sam']}/edit").text
    found = [part.split('"')[0] for part in page.split('name="session" value="')[1:]]
    assert len(found) == 2
    path, sent = f"/people/{IDS['sam']}/sessions/end", {"csrf_token": root.csrf}
    assert root.ask("POST", path, data={**sent, "session": "0" * 64}).status_code == 404
    assert root.ask("POST", path, data={**sent, "session": found[0]}).status_code == 303
    assert sorted((me(one), me(two))) == [200, 401]
    assert root.ask("POST", path, data=sent).status_code == 303
    assert [me(way) for way in (one, two, token)] == [401] * 3
    assert me(root) == 200


def test_who_is_deleted_cannot_sign_in_any_more(world):
    number, token, browser = IDS["tom"], world.as_("tom"), world.browser("tom")
    world.as_("root").delete(f"/user/{number}")
    assert me(token) == 401
    assert browser.ask("GET", "/me").status_code == 302
    refused = world.anybody().post("/security/login", {"username": "tom", "password": PASSWORD})
    assert_api_error(refused, 401, "not-signed-in")
    # The person comes back, the account waits for an administrator.
    assert world.as_("root").post(f"/user/{number}/restore").status_code == 200
    assert (
        world.anybody()
        .post("/security/login", {"username": "tom", "password": PASSWORD})
        .status_code
        == 401
    )
    change(world, lambda connection: set_active(connection, number, active=True))
    assert me(world.as_("tom")) == 401
    assert world.tokens("tom")
