"""E-mails as events: read from a mailbox or handed over, each once, about whom they come from."""

from datetime import timedelta
from email.message import EmailMessage

import sqlalchemy as sa

from app.access.principal import SYSTEM
from app.automation.mailboxes.polling import Poller
from app.automation.mailboxes.receiving import Receiver
from app.database.mail_tables import mail, mailbox
from app.notifications.keeping import forget_old
from app.texts import Label
from tests.integration.automation.engine import world as w
from tests.integration.automation.engine.imap_server import PASSWORD, imap_server
from tests.integration.automation.engine.world import World

CUSTOMER = w.CUSTOMER.replace("  code:", "  email: {type: email}\n  code:").replace(
    "access: {", "access: {robot: {read: level != 'c'}, "
)
LEAD = w.LEAD.replace("  source:", "  mails: {type: emails}\n  source:")
RULES = """
rule: keep-mail
entity: [customer, lead]
when: {on: email}
if: origin == 'email' and not contains(input.subject, 'private')
do:
  - create: {entity: todo, set: {name: =input.subject, about: =record}}
  - comment: "{{ input['from'] }} to {{ input.to }}: {{ input.text }}"
---
rule: strict
entity: customer
when: {on: email}
if: contains(input.subject, 'score')
do: [{set: {score: =60}}]
"""
BOX = """
integration: sales
kind: mailbox
url: imap://127.0.0.1:{port}
user: me
secret: SALES_PASSWORD
as: user bot
"""


def _mail(
    sender: str, subject: str = "Hello", number: str = "1", *, more: str = "", text: str = "Hi"
) -> bytes:
    return (
        f"From: Some One <{sender}>\r\nTo: =?utf-8?b?6ZSA5ZSu?= <Sales@Acme.example>\r\n"
        f"Subject: {subject}\r\nMessage-ID: <{number}@x.example>\r\n{more}"
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    ).encode()


def _apply(world: World, port: int = 1) -> None:
    world.rules(
        RULES,
        **{
            "entities/customer.yaml": CUSTOMER,
            "entities/lead.yaml": LEAD,
            "integrations/sales.yaml": BOX.format(port=port),
        },
    )


def test_an_email_is_an_event_once_of_the_record_its_address_leads_to(world: World) -> None:
    _apply(world)
    receiver = Receiver(world.records)
    carla = world.create("customer", name="Carla", email="Carla@x.example")
    world.create("customer", name="Hidden", level="c", email="hidden@x.example")
    lead = world.create("lead", name="Lee", mails=["old@x.example", "lee@x.example"])

    def take(*args: str, **more: str) -> tuple[str, str | None, int | None]:
        found = receiver.take("sales", _mail(*args, **more))
        return found.state, found.entity, found.record_id

    quoting = "Yes, please.\r\n\r\nOn Monday, Sam wrote:\r\n> Shall we?"
    assert take("carla@X.example", "Order", text=quoting) == ("kept", "customer", carla)
    assert take("carla@x.example", "Order", text=quoting) == ("known", None, None)
    assert take("lee@x.example", "Re: Offer", "2") == ("kept", "lead", lead)
    # What we write to them, and what answers something that was kept, is theirs as well.
    copy = "Cc: carla@x.example\r\n"
    assert take("sam@acme.example", "Offer", "3", more=copy) == ("kept", "customer", carla)
    answer = "In-Reply-To: <2@x.example>\r\n"
    assert take("other@home.example", "From home", "4", more=answer) == ("kept", "lead", lead)
    # A user of few rights knows few people; programs are not answered.
    assert take("hidden@x.example", "Hidden", "5")[0] == "unknown"
    assert (
        take("carla@x.example", "Away", "6", more="Auto-Submitted: auto-replied\r\n")[0]
        == "automatic"
    )
    assert take("carla@x.example", "private", "7")[0] == "kept"
    assert [one["name"] for one in world.all("todo")] == [
        "Order",
        "Re: Offer",
        "Offer",
        "From home",
    ]
    assert world.comments()[0] == "carla@x.example to sales@acme.example: Yes, please."
    (line,) = world.history("todo", world.all("todo")[0]["id"])
    assert (line["user_id"], line["origin"], line["cause"]) == (
        world.ids["bot"],
        "rule",
        "keep-mail",
    )
    # What a rule could not do is told and may be handed over again.
    failed = receiver.take("sales", _mail("carla@x.example", "score", "8"))
    assert failed.state == "failed"
    assert "At most 50." in str(failed.problem)
    assert len(world.all("todo")) == 4, "all of it or nothing"
    world.rules(RULES.replace("=60", "=40"), **{
        "entities/customer.yaml": CUSTOMER, "entities/lead.yaml": LEAD,
        "integrations/sales.yaml": BOX.format(port=1),
    })  # fmt: skip
    assert take("carla@x.example", "score", "8") == ("kept", "customer", carla)
    moments = world.records.stream(SYSTEM, "customer", carla, kinds=("email",))
    told = sorted(one.data["subject"] for one in moments if one.data is not None)
    assert told == ["Offer", "Order", "private", "score"], "they stand on its timeline"
    assert world.row("customer", carla)["score"] == 40
    with world.pools.write.connection() as connection:
        assert forget_old(connection, w.NOW + timedelta(days=1_000)) == 0
        assert forget_old(connection, w.NOW + timedelta(days=1_100)) == 8


def test_files_that_come_along_are_attached_as_far_as_uploads_may_be(world: World) -> None:
    _apply(world)
    carla = world.create("customer", name="Carla", email="carla@x.example")
    message = EmailMessage()
    message["From"], message["To"] = "carla@x.example", "sales@acme.example"
    message["Subject"], message["Message-ID"] = "Papers", "<9@x.example>"
    message.set_content("Here they are.")
    message.add_alternative('<p>Here they are.<img src="cid:logo"></p>', subtype="html")
    html = message.get_payload()[1]
    html.add_related(b"\x89PNG\r\n\x1a\nlogo", "image", "png", cid="<logo>", filename="logo.png")
    message.add_attachment(b"%PDF-1.7 offer", maintype="application", subtype="pdf",
                           filename="../报价 offer.pdf")  # fmt: skip
    message.add_attachment(b"MZ", maintype="application", subtype="x-msdownload",
                           filename="virus.exe")  # fmt: skip
    message.add_attachment(b"no picture", maintype="image", subtype="png", filename="photo.png")
    inner = EmailMessage()
    inner["Subject"] = "Before"
    inner.set_content("Old")
    message.add_attachment(inner, filename="before.eml")

    found = Receiver(world.records).take("sales", bytes(message))

    assert (found.state, found.record_id) == ("kept", carla)
    told = str(found.problem)
    assert told.startswith("Left in the mailbox: virus.exe: Files ending in .exe are not taken.")
    assert "photo.png: The file is not what its name says" in told
    files = world.records.attachments(SYSTEM, "customer", carla)
    assert [one.name for one in files] == ["报价 offer.pdf", "before.eml"]
    content = world.records.get_file(SYSTEM, files[0].id).path.read_bytes()
    assert content == b"%PDF-1.7 offer"
    line = next(one for one in world.history("customer", carla) if one["action"] == "attach")
    assert (line["origin"], line["cause"], line["user_id"]) == ("email", "sales", None)
    assert [one["name"] for one in world.all("todo")] == ["Papers"], "the rule ran as well"
    (kept,) = world.select(sa.select(mail.c.state, mail.c.problem))
    assert kept["state"] == "kept"
    assert "virus.exe" in kept["problem"]["zh"]


def test_a_mailbox_is_read_on_from_where_it_was_and_left_as_it_is(world: World) -> None:
    with imap_server() as folder:
        _apply(world, folder.port)
        world.create("customer", name="Carla", email="carla@x.example")
        secrets: dict[str, str] = {}
        told: list[Label] = []
        poller = Poller(
            world.pools, world.live, Receiver(world.records), world.clock, secrets,
            frozenset({"127.0.0.1"}),
            told.append,
        )  # fmt: skip
        stranger = Poller(
            world.pools, world.live, Receiver(world.records), world.clock,
            {"SALES_PASSWORD": PASSWORD},
        )  # fmt: skip

        def problem() -> str:
            return world.select(sa.select(mailbox))[0]["problem"]["en"]

        folder.mails[4] = _mail("carla@x.example", "Old", "old")
        assert poller.look() == 0
        assert problem() == "SALES_PASSWORD is not set in the environment."
        secrets["SALES_PASSWORD"] = "wrong"
        assert poller.look() == 0
        assert "wrong password" in problem()
        assert poller.look() == 0
        assert len(told) == 2, "each reason once"
        assert stranger.look() == 0
        assert "TRELLIS_ALLOWED_HOSTS" in problem()
        secrets["SALES_PASSWORD"] = PASSWORD
        sentences = [one.in_language("en") for one in told]
        begins = "The mailbox sales cannot be read: "
        assert sentences[0] == f"{begins}SALES_PASSWORD is not set in the environment."
        assert all(one.startswith(begins) for one in sentences)
        assert "wrong password" in sentences[1]
        assert poller.look() == 0, "what was there before is no news"
        assert world.select(sa.select(mailbox))[0]["problem"] is None
        folder.mails |= {5: _mail("carla@x.example", "One", "1"), 9: b"\0\xff nothing"}
        folder.mails[10] = _mail("carla@x.example", "Two", "2")
        assert poller.look() == 3
        assert poller.look() == 0
        # The server counts anew: what came before is known.
        folder.validity = 8
        folder.mails = {1: folder.mails[5], 2: _mail("carla@x.example", "Three", "3")}
        assert poller.look() == 2
        assert poller.look() == 0
        assert [one["name"] for one in world.all("todo")] == ["One", "Two", "Three"]
        assert len(world.select(sa.select(mail))) == 3
        assert folder.marks == []
