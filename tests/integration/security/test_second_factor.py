"""A second factor: set up, asked for on every way in by a password, reset, and asked of roles."""

from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from app.clock import FrozenClock
from app.database import system
from app.database.automation_tables import message
from app.database.security_tables import recovery_code, second_factor
from app.security.second_factor import MOST_WRONG
from tests.integration.api.world import (
    IDS,
    PASSWORD,
    ApiWorld,
    Caller,
    assert_api_error,
    build,
    csrf_of,
    sign_in,
)


@pytest.fixture
def timed(template_database, clone_database, tmp_path):
    clock = FrozenClock(datetime.now(UTC))
    url = clone_database(template_database("api_world", build))
    made = ApiWorld(url, tmp_path / "var", clock=clock, TRELLIS_SECOND_FACTOR="auditor")
    yield made, clock
    made.close()


def send(caller, path, **data):
    return caller.ask("POST", path, data={"csrf_token": caller.csrf, **data})


def set_up(world, clock, browser):
    """Turn the second factor on; return the maker of codes and the recovery codes."""
    assert send(browser, "/me/second-factor/begin", **{"factor-password": "x"}).status_code == 422
    begun = send(browser, "/me/second-factor/begin", **{"factor-password": PASSWORD})
    assert begun.location == "/me/security#second"
    page = browser.ask("GET", "/me/security").text
    assert "<svg" in page
    secret = page.split('class="secret-key"', 1)[1].split(">", 1)[1].split("<")[0].replace(" ", "")
    maker = pyotp.TOTP(secret)
    # Sessions of before are older than the moment it is turned on.
    clock.moment += timedelta(seconds=1)
    assert send(browser, "/me/second-factor/confirm", code="000000").status_code == 422
    done = send(browser, "/me/second-factor/confirm", code=maker.at(clock.moment))
    assert done.status_code == 200
    codes = done.text.split('id="codes"', 1)[1].split(">", 1)[1].split("</pre>")[0].split()
    assert len(set(codes)) == 10
    browser.csrf = csrf_of(browser.ask("GET", "/me"))
    return maker, codes


def login(world, **more):
    said = {"username": "sam", "password": PASSWORD, **more}
    return world.anybody().post("/security/login", said)


def step(world, code):
    """Sign in at the page with the password and a code; return the answer and the browser."""
    caller = Caller(world, None)
    assert sign_in(caller, "sam", PASSWORD).location == "/sign-in/code"
    # The password alone opens nothing.
    assert caller.get("/me").status_code == 401
    token = csrf_of(caller.ask("GET", "/sign-in/code"))
    return caller.ask("POST", "/sign-in/code", data={"csrf_token": token, "code": code}), caller


def test_h17_h18_a_code_is_asked_for_on_every_way_in(timed):
    world, clock = timed
    browser, other, key = world.browser("sam"), world.browser("sam"), world.key_of("sam")
    token = Caller(world, None, login(world).json["access_token"])
    maker, codes = set_up(world, clock, browser)
    # This browser goes on, the others and every token have to come again; keys are programs'.
    assert browser.get("/me").status_code == 200
    assert other.get("/me").status_code == token.get("/me").status_code == 401
    assert Caller(world, None, key).get("/me").status_code == 200
    # Nothing of it can be read in the tables.
    kept = world.system_rows(second_factor)[0]["secret"]
    assert maker.secret not in kept
    assert not {row["code"] for row in world.system_rows(recovery_code)} & set(codes)

    # The code that turned it on counts no second time, neither here nor there.
    used = maker.at(clock.moment)
    assert step(world, used)[0].status_code == 401
    assert_api_error(login(world, otp=used), 401, "not-signed-in", "otp")
    assert_api_error(login(world), 401, "not-signed-in", "otp")
    assert_api_error(login(world, otp=5), 422, "invalid-input", "otp")
    clock.moment += timedelta(seconds=30)
    answer, caller = step(world, f"{maker.at(clock.moment)[:3]} {maker.at(clock.moment)[3:]}")
    assert answer.status_code == 303
    assert caller.get("/me").status_code == 200
    clock.moment += timedelta(seconds=30)
    assert login(world, otp=maker.at(clock.moment)).status_code == 200
    # A recovery code counts once, however it is written.
    assert step(world, codes[0].upper().replace("-", " "))[0].status_code == 303
    assert step(world, codes[0])[0].status_code == 401
    assert "9 recovery codes" in browser.ask("GET", "/me/security").text
    seen = [row["details"].get("second") for row in world.system_rows(system.audit)
            if row["kind"] == "account.session.begin"]  # fmt: skip
    assert {"authenticator", "recovery"} <= set(seen)


def test_h10_codes_cannot_be_guessed_and_what_waits_for_one_ends(timed):
    world, clock = timed
    maker, codes = set_up(world, clock, world.browser("sam"))
    waiting = Caller(world, None)
    sign_in(waiting, "sam", PASSWORD)
    token = csrf_of(waiting.ask("GET", "/sign-in/code"))
    for number in range(MOST_WRONG):
        answer = waiting.ask(
            "POST", "/sign-in/code", data={"csrf_token": token, "code": f"{number:06}"},
            environ_base={"REMOTE_ADDR": f"10.0.0.{number}"},
        )  # fmt: skip
        assert answer.status_code == 401
    # From anywhere, and with the right one: it waits.
    clock.moment += timedelta(seconds=60)
    assert step(world, maker.at(clock.moment))[0].status_code == 429
    assert_api_error(login(world, otp=codes[0]), 429, "too-many-requests")
    clock.moment += timedelta(minutes=16)
    assert step(world, maker.at(clock.moment))[0].status_code == 303
    # A new password ends what waits for a code.
    from app.security.people import set_password

    with world.services.pools.write.connection() as connection:
        set_password(connection, IDS["sam"], "another long one")
    world.services.sessions.expire()
    assert waiting.ask("GET", "/sign-in/code").location == "/sign-in"


def test_h11_how_many_tries_are_left_is_told_to_everybody_alike(timed):
    world, _clock = timed
    told = []
    for name in ("tom", "nobody"):
        pages = [sign_in(Caller(world, None), name, "wrong").text for _ in range(3)]
        told.append([page.count("tries are left") + page.count("try is left") for page in pages])
        assert "2 tries are left, then comes a pause of 15 minutes." in pages[-1]
    assert told == [[0, 1, 1]] * 2


def test_administrators_reset_it_and_the_person_hears_of_it(timed):
    world, clock = timed
    browser = world.browser("sam")
    set_up(world, clock, browser)
    path = f"/people/{IDS['sam']}/second-factor/drop"
    assert send(world.browser("mia"), path).status_code == 403
    root = world.browser("root")
    assert path in root.ask("GET", f"/people/{IDS['sam']}/edit").text
    assert send(root, path).status_code == 303
    assert login(world).status_code == 200
    told = world.system_rows(message, user_id=IDS["sam"])
    assert ["Root reset your second factor" in row["text"] for row in told] == [True]
    noted = [row for row in world.system_rows(system.audit)
             if row["kind"] == "account.second_factor.off"]  # fmt: skip
    assert [(row["user_id"], row["details"]["user"]) for row in noted] == [
        (IDS["root"], IDS["sam"])
    ]


def test_a_role_may_not_do_without_it(timed):
    world, clock = timed
    aud = Caller(world, None)
    assert sign_in(aud, "aud", PASSWORD).status_code == 303
    assert aud.ask("GET", "/crm/customer/").location == "/me/security#second"
    assert_api_error(aud.get("/customer/"), 403, "forbidden")
    refused = world.anybody().post("/security/login", {"username": "aud", "password": PASSWORD})
    assert_api_error(refused, 403, "forbidden")
    aud.csrf = csrf_of(aud.ask("GET", "/me/security"))
    set_up(world, clock, aud)
    assert aud.ask("GET", "/crm/customer/").status_code == 200
    kept = send(aud, "/me/second-factor/drop", **{"factor-password": PASSWORD})
    assert kept.status_code == 422
    assert world.services.second_factors.is_on(IDS["aud"])
    # Others are left in peace, and may turn theirs off.
    sam = world.browser("sam")
    set_up(world, clock, sam)
    send(sam, "/me/second-factor/drop", **{"factor-password": PASSWORD})
    assert not world.services.second_factors.is_on(IDS["sam"])
