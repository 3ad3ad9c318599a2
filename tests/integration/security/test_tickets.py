"""Links by which somebody chooses a password: once, for a while, one person, our own host."""

import os
import re
from datetime import UTC, datetime, timedelta

import pytest

from app.clock import FrozenClock
from app.database.automation_tables import delivery
from app.database.security_tables import ticket
from app.notifications.delivery import Deliverer
from app.security.people import set_active
from tests.integration.api.world import IDS, PASSWORD, ApiWorld, Caller, build, csrf_of, sign_in
from tests.integration.automation.notifications.servers import mail_server

NEW = "a sentence of mine"


@pytest.fixture
def mailing(template_database, clone_database, tmp_path):
    """A world that can send e-mails, its clock, and the box they arrive in."""
    clock = FrozenClock(datetime.now(UTC))
    with mail_server() as box:
        made = ApiWorld(
            clone_database(template_database("api_world", build)), tmp_path / "var", clock=clock,
            TRELLIS_SMTP_HOST="127.0.0.1", TRELLIS_SMTP_PORT=str(box.port),
            TRELLIS_SMTP_SECURITY="none", TRELLIS_SMTP_FROM="crm@acme.example",
            TRELLIS_ADDRESS="https://crm.acme.example",
        )  # fmt: skip
        for name in ("sam", "tom"):
            made.as_("root").patch(f"/user/{IDS[name]}", {"email": f"{name}@acme.example"})
        made.services.organisation.expire()
        yield made, clock, box
        made.close()


def post(caller, path, **data):
    """Send a form under a forged host, as whoever wants links to lead elsewhere would."""
    token = csrf_of(caller.ask("GET", path))
    kept = caller.client.get_cookie("trellis").value
    caller.client.set_cookie("trellis", kept, domain="evil.example")
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    return caller.ask("POST", path, data={"csrf_token": token, **data}, headers=forged)


def mailed(world, box):
    """Have everything sent; return the links of the e-mails that arrived, the newest last."""
    core = world.services
    sender = Deliverer(
        core.pools, core.clock, core.settings, os.environ, key=core.secrets.secret_key
    )
    sender.deliver([row["id"] for row in world.system_rows(delivery, state="waiting")])
    found = []
    for mail in box.taken:
        text = mail.get_body(("plain",)).get_content()
        found += re.findall(r"https?://[^/\s]+/welcome/[\w-]+", text)
    return found


def path_of(link):
    assert link.startswith("https://crm.acme.example/welcome/")
    return link.removeprefix("https://crm.acme.example")


def test_h13_a_link_is_good_once_for_a_while_for_one_person_and_leads_here(mailing):
    world, clock, box = mailing
    stranger, browser = world.anybody(), world.browser("sam")
    # Whether there is such an account is not told, and who is unknown gets nothing.
    said = {post(stranger, "/sign-in/forgot", username=name).text.split('class="note')[1][:300]
            for name in ("sam", "SAM@acme.example", "nobody", "mia")}  # fmt: skip
    assert len(said) == 1
    first, second = mailed(world, box)
    assert {str(one["To"]) for one in box.taken} == {"Sam <sam@acme.example>"}
    # Nothing that opens anything stands in the tables or on the page of deliveries.
    for row in (*world.system_rows(delivery), *world.system_rows(ticket)):
        assert second.rpartition("/")[2] not in str(row)
    # The newest counts, the one of before no more.
    assert stranger.ask("GET", path_of(first)).status_code == 404
    path = path_of(second)
    assert stranger.ask("GET", path).status_code == 200
    # The address is a secret: it goes to nobody else, but behind TLS the form has to name it.
    assert stranger.ask("GET", path).headers["Referrer-Policy"] == "same-origin"
    # A weak password uses nothing up.
    assert post(stranger, path, password="short", again="short").status_code == 422
    assert post(stranger, path, password=NEW, again="other").status_code == 422
    done = post(stranger, path, password=NEW, again=NEW)
    assert (done.status_code, done.location) == (303, "/sign-in?chosen=1")
    assert browser.get("/me").status_code == 401
    assert sign_in(Caller(world, None), "sam", PASSWORD).status_code == 401
    assert sign_in(Caller(world, None), "sam", NEW).status_code == 303
    assert sign_in(Caller(world, None), "tom", PASSWORD).status_code == 303
    # Twice, changed, old, of a closed account: all the same answer.
    assert stranger.ask("GET", path).status_code == 404
    assert stranger.ask("GET", "/welcome/%00x").status_code == 404
    post(stranger, "/sign-in/forgot", username="tom")
    late = path_of(mailed(world, box)[-1])
    clock.moment += timedelta(minutes=59)
    assert stranger.ask("GET", late).status_code == 200
    with world.services.pools.write.connection() as connection:
        set_active(connection, IDS["tom"], active=False)
    world.services.organisation.expire()
    assert stranger.ask("GET", late).status_code == 404
    with world.services.pools.write.connection() as connection:
        set_active(connection, IDS["tom"], active=True)
    world.services.organisation.expire()
    token = csrf_of(stranger.ask("GET", late))
    clock.moment += timedelta(minutes=2)
    old = stranger.ask("POST", late, data={"csrf_token": token, "password": NEW, "again": NEW})
    assert old.status_code == 404


def test_h13_asking_again_and_again_fills_no_mailbox(mailing):
    world, _clock, box = mailing
    codes = [post(world.anybody(), "/sign-in/forgot", username="sam").status_code for _ in range(7)]
    assert codes == [200] * 5 + [429] * 2
    assert len(mailed(world, box)) == 5


def test_administrators_invite_and_hand_over_what_cannot_be_mailed(mailing, world):
    here, _clock, box = mailing
    root = here.browser("root")
    new = {"name": "Ida New", "login": "ida", "email": "ida@acme.example", "roles": "seller"}
    made = root.ask("POST", "/people/new", data={"csrf_token": root.csrf, **new})
    assert made.status_code == 303
    path = path_of(mailed(here, box)[-1])
    assert "Root opened an account" in box.taken[-1].get_body(("plain",)).get_content()
    assert post(here.anybody(), path, password=NEW, again=NEW).status_code == 303
    assert sign_in(Caller(here, None), "ida", NEW).status_code == 303
    tom = here.browser("tom")
    refused = tom.ask("POST", f"/people/{IDS['sam']}/invite", data={"csrf_token": tom.csrf})
    assert refused.status_code == 403
    # Without a mail server the link is shown to the administrator, and nobody forgets a password.
    assert world.anybody().ask("GET", "/sign-in/forgot").status_code == 404
    assert "Forgotten?" not in world.anybody().ask("GET", "/sign-in").text
    root = world.browser("root")
    root.client.set_cookie(
        "trellis", root.client.get_cookie("trellis").value, domain="evil.example"
    )
    shown = root.ask(
        "POST", f"/people/{IDS['sam']}/invite", data={"csrf_token": root.csrf},
        headers={"Host": "evil.example"},
    ).text  # fmt: skip
    (link,) = re.findall(r"http://127\.0\.0\.1:\d+/welcome/[\w-]+", shown)
    path = "/welcome/" + link.rpartition("/")[2]
    assert post(world.anybody(), path, password=NEW, again=NEW).status_code == 303
