"""Who hears of something, in which words, by which ways and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from app.access.principal import SYSTEM
from app.database.automation_tables import delivery, message
from app.definitions.automation import Template
from app.notifications import preferences
from app.notifications.outbox import INBOX_CHANNEL
from app.texts import Label
from tests.integration.automation.notifications.world import Company
from tests.integration.writing.world import NOW

#: 12:00 of a Tuesday in Shanghai.
NOON = NOW


@pytest.fixture
def customer(company: Company) -> int:
    sam = company.world.who("sam")
    product = company.world.product("Bolt", "10")
    number = company.world.customer(
        name="Acme <b>", phones=["+8613900139000"], email="info@acme.example"
    )
    company.world.records.update(SYSTEM, "customer", number, {"secret": "hush", "credit": "12.5"})
    company.world.order(number, {"product": product, "quantity": "3"})
    assert company.world.records.get(sam, "customer", number)["total"] == Decimal(30)
    return number


def test_a_receiver_reads_what_he_may_in_his_language(company, customer):
    """Titles, options, amounts, lines behind links; hidden fields are empty."""
    text = (
        "{{ record.name }}|{{ record.level }}|{{ record.secret }}|{{ record.credit }}|"
        "{{ record.owner }}|{{ record.age_days }}|{{ record.owner.manager }}|{{ app.most_open }}|"
        "{% if record.level == 'b' %}normal{% endif %}|{{ record.phones }}"
    )
    zh = Label({"en": text, "zh": "客户{{ record.name }}：{{ record.secret }}，{{ rule.name }}"})
    told = company.tell(["sam", "mia"], zh, record=customer)

    assert (told.reached, told.shut_out, told.problems) == (["Sam", "Mia"], [], [])
    rows = {company.name_of(row["user_id"]): row for row in company.rows(message)}
    assert rows["sam"]["text"] == "Acme <b>|Normal||12.50|Sam|0|Mia|2|normal|139 0013 9000"
    assert rows["mia"]["text"] == "客户Acme <b>：hush，提醒"
    assert rows["sam"]["record_id"] == customer
    assert rows["sam"]["shown_at"] == NOON


def test_nobody_hears_of_a_record_he_may_not_read(company, customer):
    """By owner, department and conditions alike, for one receiver and for several."""
    everybody = ["root", "mia", "sam", "sue", "tom", "aud"]
    several = company.tell(everybody, "{{ record.name }}", record=customer)
    alone = [company.tell([name], "x", record=customer, key=name).reached for name in everybody]

    assert several.reached == ["Root", "Mia", "Sam"]
    assert several.shut_out == ["Sue", "Tom", "Aud"]
    assert alone == [["Root"], ["Mia"], ["Sam"], [], [], []]

    company.world.records.share(
        company.world.who("mia"), "customer", customer, [company.world.ids["tom"]]
    )
    company.world.records.update(SYSTEM, "customer", customer, {"level": "a", "reason": "r"})
    later = company.tell(everybody, "{{ record.phones }}", record=customer, key="later")
    assert later.reached == ["Root", "Mia", "Sam", "Tom", "Aud"]
    texts = {
        company.name_of(row["user_id"]): row["text"]
        for row in company.rows(message)
        if row["key"] == "later"
    }
    assert "****" in texts["aud"]
    assert "****" not in texts["sam"]


def test_a_message_is_written_once_and_open_inboxes_hear_of_it(company, customer):
    with company.world.pools.read.connection() as connection:
        connection.execute("LISTEN " + INBOX_CHANNEL)
        company.tell(["sam"], "one", record=customer)
        company.tell(["sam"], "two", record=customer)
        heard = list(connection.notifies(timeout=0.2, stop_after=2))
        connection.execute("UNLISTEN *")
    assert [row["text"] for row in company.rows(message)] == ["one"]
    assert [each.payload for each in heard] == [str(company.world.ids["sam"])]


def test_a_template_that_fails_costs_no_message(company, customer):
    """The ledger says why; the receiver hears of the record all the same."""
    loops = "{% for a in record.orders_ %}{% endfor %}{{ record.name|nosuch }}"
    told = company.tell(["sam", "mia"], loops, record=customer)
    assert told.reached == ["Sam", "Mia"]
    assert [str(one) for one in told.problems] == [
        "Line 1 of the template cannot be read: there is no filter `nosuch`."
    ]
    assert [row["text"] for row in company.rows(message)] == [
        "Remind: Acme <b>. The text of this message could not be made.",
        "提醒：Acme <b>。这条消息的内容无法生成。",
    ]


def test_no_message_is_empty(company, customer):
    """Neither one whose template is gone nor one whose template gives nothing."""
    gone = company.tell(["sam"], None, record=customer, key="gone")
    nothing = company.tell(["sam"], " {{ record.nothing }} ", record=customer, key="nothing")
    assert [str(one) for one in (*gone.problems, *nothing.problems)] == [
        "There is no such template any more.",
        "The template gives no text.",
    ]
    texts = {row["text"] for row in company.rows(message)}
    assert texts == {"Remind: Acme <b>. The text of this message could not be made."}


def test_quiet_hours_hold_messages_back_to_their_end(company, customer):
    """21:00 to 08:00 of the company's clocks."""
    for hour, key in ((22, "late"), (3, "night"), (8, "open"), (21, "edge")):
        at = datetime(2026, 3, 10, hour, 0, tzinfo=UTC) - timedelta(hours=8)
        company.tell(["sam"], "x", record=customer, at=at, key=key, via=["inbox", "email"])
    local = {
        row["key"]: (row["shown_at"] + timedelta(hours=8)).strftime("%d %H:%M")
        for row in company.rows(message)
    }
    assert local == {
        "late": "11 08:00", "night": "10 08:00", "open": "10 08:00", "edge": "11 08:00",
    }  # fmt: skip
    mails = [row["due_at"] for row in company.rows(delivery)]
    assert mails == [row["shown_at"] for row in company.rows(message)]


def test_what_somebody_chose_is_done(company, customer):
    """Digests wait for the morning, `never` sends none, a muted rule is read already."""
    sam, tom, mia = (company.world.ids[name] for name in ("sam", "tom", "mia"))
    with company.world.pools.write.connection() as connection:
        preferences.choose(connection, sam, mail="daily", chat=False)
        preferences.choose(connection, tom, mail="never", chat=True)
        preferences.choose(connection, mia, mail="weekly", chat=True)
    ways = ["inbox", "email", "wecom", "slack"]
    company.tell(["sam", "tom", "mia"], "hello", via=ways, key="a", rule=7)
    mails = {row["user_id"]: row for row in company.rows(delivery) if row["channel"] == "email"}
    assert set(mails) == {sam, mia}
    shanghai = timedelta(hours=8)
    assert (mails[sam]["due_at"] + shanghai).strftime("%a %d %H:%M") == "Wed 11 09:00"
    assert (mails[mia]["due_at"] + shanghai).strftime("%a %d %H:%M") == "Mon 16 09:00"
    chats = [row for row in company.rows(delivery) if row["channel"] in ("wecom", "slack")]
    assert [row["content"]["names"] for row in chats] == [["Tom", "Mia"], ["Tom", "Mia"]]

    with company.world.pools.write.connection() as connection:
        preferences.mute_rule(connection, tom, 7)
    told = company.tell(["sam", "tom"], "again", via=ways, key="b", rule=7)
    assert (told.reached, told.muted) == (["Sam"], ["Tom"])
    read = {row["user_id"]: row["read_at"] for row in company.rows(message) if row["key"] == "b"}
    assert (read[sam], read[tom]) == (None, NOON)


def test_an_outsider_gets_what_the_text_names_by_e_mail_only(company, customer):
    template = Template(
        name="sent", kind="message", entity="customer",
        subject=Label({"en": "About {{ record.name }}\r\nBcc: x@y.example"}),
        body="<p>{{ record.name }}: {{ record.secret }}</p>", is_html=True,
    )  # fmt: skip
    told = company.tell(
        ["ann@out.example", "tom"], template=template, via=["email"], record=customer
    )
    assert (told.reached, told.shut_out) == (["ann@out.example"], ["Tom"])
    (mail,) = company.rows(delivery)
    assert mail["target"] == "ann@out.example"
    assert mail["content"]["subject"] == "About Acme <b> Bcc: x@y.example"
    assert mail["content"]["html"] == "<p>Acme &lt;b&gt;: hush</p>"
    assert mail["content"]["text"] == "Acme <b>: hush"

    told = company.tell(["ann@out.example"], "x", record=customer, key="inbox")
    assert [str(one) for one in told.problems] == [
        "ann@out.example has no inbox here: add `email` to `via`."
    ]


def test_who_has_left_hears_nothing(company, customer):
    company.world.records.update(SYSTEM, "user", company.world.ids["sam"], {"active": False})
    told = company.tell(["sam"], "x", record=customer, via=["inbox", "email"])
    assert told.reached == []
    with company.world.pools.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(message)).scalar() == 0


def test_lines_and_what_stands_behind_links_are_read_as_the_receiver(company, customer):
    order = company.world.one(sa.select(company.world.live.release.tables["order"].c.id)).id
    text = (
        "{% for line in record.lines %}{{ loop.index }}. {{ line.product }} × {{ line.quantity }} "
        "= {{ line.subtotal }}{% endfor %} {{ record.lines|sum(attribute='subtotal') }} "
        "{{ record.customer.name }}|{{ record.customer.secret }}|{{ record.customer.region.name }}"
    )
    company.tell(["sam", "mia"], text, record=order, entity="order")
    texts = [row["text"] for row in company.rows(message)]
    assert texts[0].endswith("Acme <b>||")
    assert texts[1].endswith("Acme <b>|hush|")
    assert texts[0].startswith("1. Bolt × 3 = 30.00 30.00")
