"""What goes out: e-mails, chats and calls against real servers that refuse, hang and forget."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from app.database.automation_tables import delivery, message
from app.notifications import mail, preferences, web
from app.notifications.calls import call_content
from app.notifications.delivery import Deliverer
from app.notifications.keeping import forget_old
from app.notifications.leases import take
from app.notifications.outbox import NewDelivery, queue_deliveries
from app.settings import read_settings
from tests.integration.automation.notifications.servers import mail_server, say, web_server
from tests.integration.automation.notifications.world import Company
from tests.integration.writing.world import NOW

SECRETS = {"ERP_TOKEN": "of the ERP"}


def deliverer(company: Company, **set_up: str) -> Deliverer:
    settings = read_settings(
        {
            "TRELLIS_SMTP_HOST": "127.0.0.1",
            "TRELLIS_SMTP_SECURITY": "none",
            "TRELLIS_SMTP_FROM": "Acme CRM <crm@acme.example>",
            "TRELLIS_ADDRESS": "https://crm.acme.example",
            **set_up,
        }
    )
    return Deliverer(company.world.pools, company.world.clock, settings, SECRETS)


def send(company: Company, sender: Deliverer) -> dict[str, Any]:
    """Send everything that is there and return the only row."""
    sender.deliver([row["id"] for row in company.rows(delivery)])
    (row,) = company.rows(delivery)
    return row


def queue(company: Company, channel: str, target: str, content: dict[str, Any]) -> None:
    new = NewDelivery("key", channel, target, content)  # type: ignore[arg-type]
    with company.world.pools.write.connection() as connection:
        queue_deliveries(connection, company.world.clock.now(), [new])


def later(company: Company, **length: int) -> None:
    company.world.clock.moment += timedelta(**length)


def notes(row: dict[str, Any]) -> list[str]:
    return [one["note"]["en"] for one in row["tried"]]


def test_an_email_has_both_forms_a_link_and_says_why(company):
    number = company.world.customer(name="Acme & Sons")
    company.tell(["sam"], "{{ record.name }}\nis silent", record=number, via=["email"])
    with mail_server() as box:
        row = send(company, deliverer(company, TRELLIS_SMTP_PORT=str(box.port)))
    assert (row["state"], row["attempts"], row["sent_at"]) == ("sent", 1, NOW)
    (found,) = box.taken
    assert box.envelopes == [("crm@acme.example", ["sam@acme.example"])]
    assert str(found["To"]) == "Sam <sam@acme.example>"
    assert str(found["Subject"]) == "Acme & Sons is silent"
    text = found.get_body(("plain",)).get_content().replace("\r\n", "\n")
    html = found.get_body(("html",)).get_content().replace("\r\n", "\n")
    link = f"https://crm.acme.example/crm/customer/{number}"
    assert text.startswith("Acme & Sons\nis silent\n")
    assert link in text
    assert "Acme &amp; Sons<br>" in html
    assert f'href="{link}"' in html
    assert "https://crm.acme.example/me/notifications" in text


def test_j7_smtp_down_is_tried_again_with_growing_pauses_and_nothing_is_dropped(company):
    """J7: two hours without a server: late and visible, then sent once."""
    company.tell(["sam"], "x", via=["email"])
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        sender, pauses = deliverer(company, TRELLIS_SMTP_PORT=str(port)), []
        for _ in range(4):
            row = send(company, sender)
            assert row["state"] == "late"
            pauses.append((row["due_at"] - company.world.clock.now()).seconds // 60)
            # Not due yet: nothing happens.
            assert send(company, sender)["attempts"] == row["attempts"]
            company.world.clock.moment = row["due_at"]
    assert pauses == [1, 5, 30, 120]
    assert company.world.clock.now() - NOW >= timedelta(hours=2)
    assert notes(row) == [f"The mail server `127.0.0.1:{port}` cannot be reached, or hung up."] * 4
    with mail_server() as box:
        row = send(company, deliverer(company, TRELLIS_SMTP_PORT=str(box.port)))
    assert (row["state"], len(box.taken), row["attempts"]) == ("sent", 1, 5)


def test_j8_an_email_whose_answer_got_lost_comes_again_as_the_same(company):
    """J8: the Message-ID is the same, so that whoever sorts e-mails sees one."""
    company.tell(["sam"], "x", via=["email"])
    with mail_server("lost", "kind") as box:
        sender = deliverer(company, TRELLIS_SMTP_PORT=str(box.port))
        assert send(company, sender)["state"] == "late"
        later(company, minutes=1)
        assert send(company, sender)["state"] == "sent"
    first, second = (found["Message-ID"] for found in box.taken)
    assert first == second
    assert first.endswith("@acme.example>")


def test_a_server_that_says_no_for_now_is_asked_again_one_that_says_no_is_not(company):
    company.tell(["sam"], "x", via=["email"])
    with mail_server("451", "door", "kind") as box:
        sender = deliverer(company, TRELLIS_SMTP_PORT=str(box.port))
        for _ in range(3):
            row = send(company, sender)
            company.world.clock.moment = row["due_at"]
        assert (row["state"], len(box.taken)) == ("sent", 1)
        assert notes(row)[0] == "The mail server answered 451."
    company.tell(["tom"], "x", via=["email"], key="other")
    with mail_server("550") as box:
        deliverer(company, TRELLIS_SMTP_PORT=str(box.port)).deliver(
            [company.rows(delivery)[1]["id"]]
        )
    assert company.rows(delivery)[1]["state"] == "dead"


@pytest.mark.parametrize("mood", ["hang", "drip"])
def test_f35_a_mail_server_that_hangs_or_drips_costs_one_deadline(company, monkeypatch, mood):
    """F35: whatever it does, an attempt ends."""
    monkeypatch.setattr(mail.Mailer.__init__, "__defaults__", (0.3,))
    company.tell(["sam"], "x", via=["email"])
    with mail_server(mood) as box:
        row = send(company, deliverer(company, TRELLIS_SMTP_PORT=str(box.port)))
    assert (row["state"], notes(row)) == ("late", ["No answer within 0.3 s."])


def test_domains_go_out_in_their_ascii_form(company):
    queue(company, "email", "ann@例子.example", {"subject": "你好", "text": "内容"})
    with mail_server() as box:
        row = send(company, deliverer(company, TRELLIS_SMTP_PORT=str(box.port)))
    assert row["state"] == "sent"
    assert box.envelopes[0][1] == ["ann@xn--fsqu00a.example"]
    assert str(box.taken[0]["Subject"]) == "你好"


def test_several_emails_share_a_conversation(company):
    for name in ("sam", "tom", "mia"):
        company.tell([name], "x", via=["email"], key=name)
    with mail_server() as box:
        sender = deliverer(company, TRELLIS_SMTP_PORT=str(box.port))
        counts = sender.deliver([row["id"] for row in company.rows(delivery)])
    assert (counts, box.conversations, len(box.taken)) == ({"sent": 3}, 1, 3)


def test_without_a_mail_server_emails_wait_and_say_what_to_set(company):
    company.tell(["sam"], "x", via=["email"])
    sender = deliverer(company, TRELLIS_SMTP_HOST="")
    for _ in range(3):
        row = send(company, sender)
        later(company, minutes=5)
    assert (row["state"], row["attempts"]) == ("waiting", 0)
    assert set(notes(row)) == {"E-mails wait: no server is set. Set TRELLIS_SMTP_HOST."}


@pytest.mark.parametrize(
    "address",
    ["a@x.example\r\nBcc: b@y.example", "a@x.example, b@y.example", "a@x.example\n", "nobody", ""],
)
def test_x14_no_line_break_reaches_a_header(company, address):
    """X14: in subject, name and address: one e-mail, no header more, no receiver more."""
    content = {"subject": "s\r\nBcc: c@z.example", "name": "n\r\nX-Evil: yes", "text": "t\r\n.\r\n"}
    queue(company, "email", address, content)
    with mail_server() as box:
        sender = deliverer(company, TRELLIS_SMTP_PORT=str(box.port))
        row = send(company, sender)
        assert (row["state"], box.taken) == ("dead", [])
        good = mail.compose(mail.mail_server(sender._settings), "key", "a@x.example", content, NOW)
    assert good["Bcc"] is None
    assert good["X-Evil"] is None
    assert str(good["To"]) == '"n X-Evil: yes" <a@x.example>'
    assert str(good["Subject"]) == "s Bcc: c@z.example"


def test_a_digest_is_one_email_and_fails_and_comes_again_as_one(company):
    number = company.world.customer(name="Acme")
    with company.world.pools.write.connection() as connection:
        preferences.choose(connection, company.world.ids["sam"], mail="daily", chat=True)
    for word in ("one", "two", "three"):
        company.tell(["sam"], word, record=number, via=["email"], key=word)
    rows = company.rows(delivery)
    company.world.clock.moment = rows[0]["due_at"]
    ids = [row["id"] for row in rows]
    with company.world.pools.write.connection() as connection:
        # The scheduler holds what it has handed out.
        connection.execute("UPDATE trellis.delivery SET token = 9, leased_until = now() + '20 s'")
    with mail_server("451", "kind") as box:
        sender = deliverer(company, TRELLIS_SMTP_PORT=str(box.port))
        assert sender.deliver(ids, token=9) == {"late": 1}
        assert {row["state"] for row in company.rows(delivery)} == {"late"}
        later(company, minutes=1)
        assert sender.deliver(reversed(ids)) == {"sent": 1}
    assert {row["state"] for row in company.rows(delivery)} == {"sent"}
    (found,) = box.taken
    assert str(found["Subject"]) == "3 messages"
    text = found.get_body(("plain",)).get_content()
    assert [text.index(word) for word in ("one", "two", "three")] == sorted(
        text.index(word) for word in ("one", "two", "three")
    )


def test_who_comes_back_late_changes_nothing(company):
    """A lease that ran out went to somebody else, under another number."""
    company.tell(["sam"], "x", via=["email"])
    (row,) = company.rows(delivery)
    now = company.world.clock.now()
    with company.world.pools.write.connection() as connection:
        first = take(connection, row["id"], now)
        assert take(connection, row["id"], now) is None
        connection.execute("UPDATE trellis.delivery SET leased_until = now() - interval '1 s'")
    with mail_server() as box:
        sender = deliverer(company, TRELLIS_SMTP_PORT=str(box.port))
        assert sender.deliver([row["id"]], token=first.token - 1) == {}
        assert sender.deliver([row["id"]]) == {"sent": 1}
        assert sender.deliver([row["id"]]) == {}
    (row,) = company.rows(delivery)
    assert (row["token"], row["state"], len(box.taken)) == (2, "sent", 1)


# -- chats ---------------------------------------------------------------------------------------


def test_each_robot_is_spoken_to_in_its_own_words(company):
    """Signatures and forms are the robots' own; a refusal behind a 200 is one."""
    content = {"text": "Acme <1> & co", "names": ["Sam"], "mobiles": ["+8613800138000"],
               "path": "/crm/customer/1"}  # fmt: skip
    link = "https://crm.acme.example/crm/customer/1"
    stamp = NOW.timestamp()

    def signed(key: str, text: str) -> str:
        return base64.b64encode(
            hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()
        ).decode()

    with web_server(lambda handler, _: say(handler, 200, b'{"errcode":0,"code":0}')) as site:
        set_up = {f"TRELLIS_{name}_ROBOT": f"{site.url}/{name.lower()}?key=k"
                  for name in ("WECOM", "DINGTALK", "FEISHU", "SLACK")}  # fmt: skip
        sender = deliverer(
            company, TRELLIS_DINGTALK_SECRET="ding", TRELLIS_FEISHU_SECRET="fei", **set_up
        )
        for number, channel in enumerate(("wecom", "dingtalk", "feishu", "slack")):
            new = NewDelivery(str(number), channel, channel, content)  # type: ignore[arg-type]
            with company.world.pools.write.connection() as connection:
                sender_ids = queue_deliveries(connection, NOW, [new])
            assert sender.deliver(sender_ids) == {"sent": 1}
    bodies = [orjson.loads(one.body) for one in site.asked]
    assert bodies[0] == {
        "msgtype": "text",
        "text": {"content": f"Acme <1> & co\n{link}", "mentioned_mobile_list": ["13800138000"]},
    }
    assert bodies[1] == {
        "msgtype": "text",
        "text": {"content": f"Acme <1> & co\n{link} @13800138000"},
        "at": {"atMobiles": ["13800138000"], "isAtAll": False},
    }
    given = parse_qs(urlsplit(site.asked[1].path).query)
    millis = str(int(stamp * 1000))
    assert given == {
        "key": ["k"],
        "timestamp": [millis],
        "sign": [signed("ding", f"{millis}\nding")],
    }
    assert bodies[2] == {
        "msg_type": "text",
        "content": {"text": f"@Sam\nAcme <1> & co\n{link}"},
        "timestamp": str(int(stamp)),
        "sign": signed(f"{int(stamp)}\nfei", ""),
    }
    assert bodies[3] == {"text": f"@Sam\nAcme &lt;1&gt; &amp; co\n{link}"}


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (b'{"errcode":45009,"errmsg":"freq"}', "late"),
        (b'{"errcode":93000,"errmsg":"invalid webhook"}', "dead"),
        (b"<html>", "late"),
    ],
)
def test_a_robot_that_does_not_take_it_says_so(company, answer, state):
    queue(company, "wecom", "wecom", {"text": "x"})
    with web_server(lambda handler, _: say(handler, 200, answer)) as site:
        row = send(company, deliverer(company, TRELLIS_WECOM_ROBOT=site.url))
    assert row["state"] == state
    assert row["tried"][0]["answer"] == answer.decode()


def test_a_robot_that_is_not_set_is_waited_for(company):
    queue(company, "feishu", "feishu", {"text": "x"})
    row = send(company, deliverer(company))
    assert row["state"] == "waiting"
    assert notes(row) == ["Messages to feishu wait: no robot is set. Set TRELLIS_FEISHU_ROBOT."]


# -- calls ---------------------------------------------------------------------------------------


def call(company: Company, url: str, secret: str = "ERP_TOKEN") -> None:
    queue(company, "call", url, call_content("POST", url, {"a": 1}, secret, saves=False))


def test_a_call_is_signed_and_keeps_its_id(company):
    answers = iter([500, 200])
    with web_server(lambda handler, _: say(handler, next(answers))) as site:
        call(company, f"{site.url}/orders?x=1")
        sender = deliverer(company, TRELLIS_ALLOWED_HOSTS=site.host)
        assert send(company, sender)["state"] == "late"
        later(company, minutes=1)
        assert send(company, sender)["state"] == "sent"
    first, second = site.asked
    assert (first.method, first.path, first.body) == ("POST", "/orders?x=1", b'{"a":1}')
    assert first.headers["trellis-delivery"] == second.headers["trellis-delivery"]
    stamp = second.headers["trellis-timestamp"]
    wanted = hmac.new(b"of the ERP", stamp.encode() + b'.{"a":1}', hashlib.sha256).hexdigest()
    assert second.headers["trellis-signature"] == f"sha256={wanted}"


def test_x10_a_call_to_the_inner_network_is_refused_when_it_is_made(company):
    """X10: the name is looked up, and what it leads to is what counts."""
    with web_server(lambda handler, _: say(handler, 200)) as site:
        call(company, site.url)
        row = send(company, deliverer(company))
        assert (row["state"], site.asked) == ("dead", [])
    assert notes(row)[0].startswith("`127.0.0.1` is not a public address.")


def test_x11_the_connection_goes_to_the_address_that_was_looked_at(company, monkeypatch):
    """X11: a name whose address changes in between, and one with both kinds of addresses."""
    lookups = []

    def changing(host: str, port: int, **_more: Any) -> list[Any]:
        lookups.append(host)
        first = "203.0.113.1" if len(lookups) == 1 else "127.0.0.1"
        found = {"changing.example": [first], "mixed.example": ["93.184.216.34", "10.0.0.1"],
                 "public.example": ["93.184.216.34"]}  # fmt: skip
        return [(socket.AF_INET, 1, 6, "", (one, port)) for one in found[host]]

    connected = []

    def connect(address: tuple[str, int], *_more: Any, **_named: Any) -> socket.socket:
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr("app.notifications.deadline.socket.getaddrinfo", changing)
    monkeypatch.setattr("app.notifications.deadline.socket.create_connection", connect)
    for host in ("public.example", "mixed.example"):
        with pytest.raises(web.SendFailed):
            web.request("GET", f"http://{host}/", {}, b"")
    assert (connected, lookups) == (["93.184.216.34"], ["public.example", "mixed.example"])


def test_x12_redirects_are_not_followed(company):
    """X12: neither to the inner network nor anywhere else."""
    with web_server(lambda handler, _: say(handler, 302, Location="http://127.0.0.1/")) as site:
        call(company, site.url)
        row = send(company, deliverer(company, TRELLIS_ALLOWED_HOSTS=site.host))
    assert (row["state"], len(site.asked)) == ("late", 1)
    assert notes(row)[0].startswith("The answer is a redirect (302)")


def test_x13_f35_an_answer_is_bounded_in_size_and_time(company, monkeypatch):
    """X13, F35: too much, never, drop by drop, 500, a refusal for good."""
    monkeypatch.setattr(
        web.request, "__kwdefaults__", {**web.request.__kwdefaults__, "seconds": 0.4}
    )

    def much(handler: Any, _asked: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(2_000):
            handler.wfile.write(b"x" * 1_000)

    def never(handler: Any, _asked: Any) -> None:
        handler.rfile.read(1)

    def drops(handler: Any, _asked: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(200):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            import time

            time.sleep(0.02)

    found = []
    for answer in (much, never, drops,
                   lambda handler, _: say(handler, 503, b"secret: hush", Retry_After="600"),
                   lambda handler, _: say(handler, 422)):  # fmt: skip
        with web_server(answer) as site:
            url = f"{site.url}/{len(found)}"
            new = NewDelivery(url, "call", url, call_content("POST", url, {}, "", saves=False))
            with company.world.pools.write.connection() as connection:
                ids = queue_deliveries(connection, NOW, [new])
            deliverer(company, TRELLIS_ALLOWED_HOSTS=site.host).deliver(ids)
        found.append(company.rows(delivery)[-1])
    assert [notes(row)[0] for row in found] == [
        "The answer has more than 1000000 bytes.",
        "No answer within 0.4 s.",
        "No answer within 0.4 s.",
        "The answer was 503.",
        "The answer was 422.",
    ]
    assert [row["state"] for row in found] == ["late", "late", "late", "late", "dead"]
    assert found[3]["due_at"] == NOW + timedelta(minutes=10)
    assert found[3]["tried"][0]["answer"] == "secret: hush"


def test_a_secret_comes_from_the_environment_by_name(company):
    """Neither a missing one nor Trellis' own signs anything."""
    with web_server(lambda handler, _: say(handler, 200)) as site:
        call(company, site.url, secret="NO_SUCH")
        row = send(company, deliverer(company, TRELLIS_ALLOWED_HOSTS=site.host))
    assert (row["state"], site.asked) == ("waiting", [])
    assert notes(row) == ["The call waits: the environment has no secret `NO_SUCH`."]


def test_what_did_its_work_is_forgotten_after_a_while_and_what_failed_is_not(company):
    company.tell(["sam", "tom"], "x", via=["inbox", "email"])
    with company.world.pools.write.connection() as connection:
        connection.execute("UPDATE trellis.message SET read_at = now() WHERE id = 1")
        connection.execute("UPDATE trellis.delivery SET state = 'sent' WHERE id = 1")
        connection.execute("UPDATE trellis.delivery SET state = 'dead' WHERE id = 2")
        assert forget_old(connection, NOW + timedelta(days=89)) == 0
        assert forget_old(connection, NOW + timedelta(days=91)) == 1
        assert forget_old(connection, NOW + timedelta(days=366)) == 1
    assert [row["state"] for row in company.rows(delivery)] == ["dead"]
    assert len(company.rows(message)) == 1
