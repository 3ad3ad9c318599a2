"""The rule this product began with, minute by minute.

*Remind salespeople of customers they have not contacted for seven days*: one message to the owner,
on the seventh day to the minute, and none to anybody else at any other time.
"""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.automation.claiming import Timing, claim_due
from app.clock import FrozenClock
from app.database.automation_tables import firing, message
from app.jobs import leases
from tests.jobs import world as w

CUSTOMER = """
entity: customer
title: name
fields:
  name: {type: text, required: yes}
  status: {type: choice, options: {active: Active, closed: Closed}, default: active}
  due_at: {type: datetime}
  seen: {type: integer}
  last_contacted_at: {type: rollup, of: follow_up.customer, latest: followed_at}
"""
FOLLOW_UP = """
entity: follow_up
title: text
fields:
  text: {type: text}
  customer: {type: link, to: customer, required: yes, on_delete: cascade}
  followed_at: {type: datetime, default: =now()}
"""
RULE = """
rule: remind-silent-customers
entity: customer
when:
  after: 7 days
  since: max(last_contacted_at, owner_since)
if: status == 'active' and owner is not empty
do:
  - notify: {to: owner, say: "{{ record.name }}: call."}
  - {after: 2 days, notify: {to: owner, say: "{{ record.name }}: still silent."}}
"""
FILES = {
    **w.FILES,
    "entities/customer.yaml": CUSTOMER,
    "entities/follow_up.yaml": FOLLOW_UP,
    "workflows/rules.yaml": RULE,
}
BEGIN = datetime(2026, 3, 2, 1, 17, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Silence(w.World):
    """Customers, and a scheduler and a worker that are asked to look at a minute of our choice."""

    def __init__(self, settings):
        self.clock = FrozenClock(BEGIN)
        super().__init__(settings, self.clock)
        self.timing = Timing(self.services.live.release, self.services.numbers)

    def look(self, moment):
        """Let scheduler and worker do what is due at a moment; return how many messages came."""
        self.clock.moment = moment
        services, before = self.services, self.messages()
        with self.connection() as connection:
            claim_due(connection, services.live.release, services.numbers, moment, 100, self.timing)
            token = leases.new_token()
            fresh, tried = leases.lease_tasks(connection, moment, 100, token)
        services.engine.run_tasks([*fresh, *tried], token)
        return self.messages() - before

    def acme(self, **values):
        return self.services.records.create(self.who(), "customer", {"name": "Acme", **values}).id

    def follow_up(self, customer, moment):
        self.clock.moment = moment
        values = {"customer": customer, "text": "Called"}
        self.services.records.create(self.who(), "follow_up", values)

    def told(self):
        chosen = sa.select(message.c.text, message.c.user_id).where(message.c.kind == "rule")
        chosen = chosen.order_by(message.c.id)
        with self.services.pools.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(chosen)]

    def reasons(self):
        chosen = sa.select(firing.c.state, firing.c.reason).order_by(firing.c.id)
        with self.services.pools.engine.connect() as connection:
            return [(row[0], (row[1] or {}).get("en")) for row in connection.execute(chosen)]


@pytest.fixture
def silence(make_settings, template_database, clone_database):
    template = template_database("silence_world", lambda url: w.build(url, FILES))
    made = Silence(make_settings(DATABASE_URL=clone_database(template)))
    yield made
    made.close()


def test_seven_days_to_the_minute(silence):
    customer = silence.acme()
    # Never contacted: it counts from when it got its owner. Every few hours, then each minute.
    assert sum(silence.look(BEGIN + hour * HOUR) for hour in range(0, 7 * 24 - 1, 5)) == 0
    last_hour = [silence.look(BEGIN + 7 * DAY - minute * MINUTE) for minute in range(40, 0, -1)]
    assert last_hour == [0] * 40
    assert silence.look(BEGIN + 7 * DAY) == 1
    assert silence.told() == [("Acme: call.", silence.sam)]
    # Ten runs of the scheduler in that day send no other.
    assert [silence.look(BEGIN + 7 * DAY + number * 2 * HOUR) for number in range(1, 11)] == [
        0
    ] * 10
    # A new follow-up: the clock begins again, and what was to come of the old date does not.
    called = BEGIN + 8 * DAY + 3 * MINUTE
    silence.follow_up(customer, called)
    assert sum(silence.look(called + hour * HOUR) for hour in range(1, 7 * 24, 8)) == 0
    assert silence.look(called + 7 * DAY - MINUTE) == 0
    assert silence.look(called + 7 * DAY) == 1
    # Nobody called: the second step comes two days after the firing.
    assert silence.look(called + 9 * DAY - MINUTE) == 0
    assert silence.look(called + 9 * DAY) == 1
    assert silence.told()[1:] == [
        ("Acme: call.", silence.sam),
        ("Acme: still silent.", silence.sam),
    ]
    assert silence.reasons()[0] == ("skipped", "The date it follows has moved.")


def test_nobody_is_reminded_of_what_is_closed_unowned_or_in_the_bin(silence):
    closed, unowned, gone, handed = (silence.acme() for _ in range(4))
    records, sam = silence.services.records, silence.who()
    records.update(sam, "customer", closed, {"status": "closed"})
    silence.clock.moment = BEGIN + DAY
    records.transfer(sam, "customer", [unowned], None)
    records.delete(sam, "customer", gone)
    assert silence.look(BEGIN + 7 * DAY) == 1
    # The one that is left; then it is closed, and its second step is not sent either.
    assert silence.told() == [("Acme: call.", silence.sam)]
    records.update(sam, "customer", handed, {"status": "closed"})
    assert silence.look(BEGIN + 9 * DAY) == 0
    states = silence.reasons()
    assert ("skipped", "Its condition does not hold: status == 'active'.") in states
    assert silence.look(BEGIN + 60 * DAY) == 0


def test_a_new_owner_has_seven_days_of_his_own(silence):
    customer = silence.acme()
    from app.security.people import add_user

    sue = add_user(
        silence.services.records,
        login="sue",
        password="long-enough-1",
        roles=["seller"],
        values={"name": "Sue"},
    )
    silence.clock.moment = BEGIN + 6 * DAY
    silence.services.records.transfer(silence.who(), "customer", [customer], sue)
    assert silence.look(BEGIN + 7 * DAY) == 0
    assert silence.look(BEGIN + 13 * DAY - MINUTE) == 0
    assert silence.look(BEGIN + 13 * DAY) == 1
    assert silence.told() == [("Acme: call.", sue)]
