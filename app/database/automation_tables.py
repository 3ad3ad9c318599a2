"""The tables of the automation, schema ``trellis``: reminders, the ledger, approvals, messages.

Rules are named by number, so that a rename touches one row.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.database.system import metadata

_moment = sa.DateTime(timezone=True)


def _now() -> sa.TextClause:
    return sa.text("now()")


#: Rules, approvals and what pools do by themselves, by number.
rule = sa.Table(
    "rule",
    metadata,
    sa.Column("number", sa.Integer, sa.Identity(), primary_key=True),
    #: a rule's name, or ``pool:east/recycle/0`` and the like
    sa.Column("name", sa.Text, nullable=False, unique=True),
    #: the version in force, empty for one that was removed
    sa.Column("digest", sa.Text),
    #: what its reminders were worked out from; another one means: work them out anew
    sa.Column("timing", sa.Text),
    #: by entity's number, the record up to which that was done; empty when it is
    sa.Column("moving", JSONB),
    sa.Column("applied_at", _moment, nullable=False, server_default=_now()),
)

#: What a rule or approval said, as long as something under way needs it.
rule_version = sa.Table(
    "rule_version",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("source", JSONB, nullable=False),
    sa.Column("applied_at", _moment, nullable=False, server_default=_now()),
)

#: One row per timed rule and record: when it is due next. A rule about no record has entity 0 and
#: record 0.
reminder = sa.Table(
    "reminder",
    metadata,
    sa.Column("rule", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("entity", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("record_id", sa.BigInteger, primary_key=True, autoincrement=False),
    #: the moment of the date the rule follows: another one is another occurrence; empty: the
    #: record has no such date any more
    sa.Column("base", _moment),
    #: empty: it fired for this base, or this was past already when it arose
    sa.Column("due_at", _moment),
    #: how often it fired again for this base
    sa.Column("repeats", sa.SmallInteger, nullable=False, server_default="0"),
    #: the base it fired for last
    sa.Column("fired_for", _moment),
    #: the record is in the bin
    sa.Column("suspended", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index(
        "reminder_due",
        "due_at",
        postgresql_where=sa.text("due_at IS NOT NULL AND NOT suspended"),
    ),
)

#: The ledger: every time a rule met a record, or a moment.
firing = sa.Table(
    "firing",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("rule", sa.Integer, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    #: event | timed | every | button | hook
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("entity", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("record_id", sa.BigInteger, nullable=False, server_default="0"),
    #: what makes it this firing and no other: the history line, the base and repeat, the hook's id
    sa.Column("occurrence", sa.Text, nullable=False),
    #: who caused it
    sa.Column("user_id", sa.BigInteger),
    sa.Column("due_at", _moment),
    sa.Column("happened_at", _moment, nullable=False, server_default=_now()),
    #: due | waiting (for a step) | done | skipped | failed | dropped
    sa.Column("state", sa.Text, nullable=False),
    #: why it was skipped, failed or dropped, by language
    sa.Column("reason", JSONB),
    #: what a button asked, a hook's body, the event's fields before
    sa.Column("input", JSONB),
    #: records the steps made, by the name a step gave: ``{"call": ["task", 17]}``
    sa.Column("made", JSONB),
    #: by step: ``{"2": {"state": "done", "at": …, "note": …}}``
    sa.Column("steps", JSONB, nullable=False, server_default="{}"),
    sa.Column("ended_at", _moment),
    sa.Index("firing_occurrence", "rule", "entity", "record_id", "occurrence", unique=True),
    sa.Index("firing_record", "entity", "record_id", sa.text("id DESC")),
    sa.Index("firing_rule", "rule", sa.text("id DESC")),
    sa.Index("firing_user", "user_id", sa.text("id DESC")),
    sa.Index("firing_waiting", "rule", postgresql_where=sa.text("state = 'waiting'")),
)

#: What waits to be run by a worker: a firing's first steps, or a later one. Gone once it was run.
task = sa.Table(
    "task",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("firing", sa.BigInteger, nullable=False),
    #: the step to go on with, empty for the first
    sa.Column("step", sa.Text, nullable=False, server_default=""),
    sa.Column("due_at", _moment, nullable=False),
    #: until when a worker has it; the token tells one holder from the next
    sa.Column("leased_until", _moment),
    sa.Column("token", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("attempts", sa.SmallInteger, nullable=False, server_default="0"),
    #: put aside after failing too often: why
    sa.Column("problem", JSONB),
    sa.Index("task_step", "firing", "step", unique=True),
    sa.Index("task_due", "due_at", postgresql_where=sa.text("problem IS NULL")),
)

#: Whose turn it is, where records are given out in turn.
turn = sa.Table(
    "turn",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("user_id", sa.BigInteger, nullable=False),
)

#: What happened with records of pools: claims, releases, looks.
pool_event = sa.Table(
    "pool_event",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("pool", sa.Text, nullable=False),
    sa.Column("entity", sa.SmallInteger, nullable=False),
    sa.Column("record_id", sa.BigInteger, nullable=False),
    sa.Column("user_id", sa.BigInteger),
    #: claim | release | recycle | assign | view
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("happened_at", _moment, nullable=False, server_default=_now()),
    sa.Index("pool_event_user", "user_id", "pool", "action", "happened_at"),
    sa.Index("pool_event_record", "entity", "record_id", sa.text("id DESC")),
)

#: How long a record was in each stage.
stage_time = sa.Table(
    "stage_time",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("entity", sa.SmallInteger, nullable=False),
    sa.Column("record_id", sa.BigInteger, nullable=False),
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("user_id", sa.BigInteger),
    sa.Column("entered_at", _moment, nullable=False),
    sa.Column("left_at", _moment),
    sa.Index("stage_time_record", "entity", "record_id", "field", sa.text("id DESC")),
)

#: People who are away, and who stands in for them.
absence = sa.Table(
    "absence",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("user_id", sa.BigInteger, nullable=False),
    sa.Column("since", _moment, nullable=False),
    sa.Column("until", _moment),
    sa.Column("deputy", sa.BigInteger),
    sa.Index("absence_user", "user_id"),
)

#: One run of an approval over a record.
approval = sa.Table(
    "approval",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    #: the version it began with
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("entity", sa.SmallInteger, nullable=False),
    sa.Column("record_id", sa.BigInteger, nullable=False),
    #: waiting | approved | rejected | withdrawn
    sa.Column("state", sa.Text, nullable=False),
    #: the step it stands at
    sa.Column("step", sa.SmallInteger, nullable=False, server_default="0"),
    #: the step it began with: another than the first where it goes on from a rejection
    sa.Column("first_step", sa.SmallInteger, nullable=False, server_default="0"),
    #: goes up whenever it is sent back: questions of other rounds count no more
    sa.Column("round", sa.SmallInteger, nullable=False, server_default="0"),
    #: of the step it stands at: how many have to approve, and whether one after the other
    sa.Column("needed", sa.SmallInteger, nullable=False, server_default="1"),
    sa.Column("in_turn", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("submitted_by", sa.BigInteger),
    sa.Column("submitted_at", _moment, nullable=False),
    #: what the submitter had to say
    sa.Column("comment", sa.Text),
    sa.Column("ended_at", _moment),
    sa.Column("ended_by", sa.BigInteger),
    #: approvers the submitter chose, by step
    sa.Column("chosen", JSONB, nullable=False, server_default="{}"),
    sa.Index("approval_submitted", "submitted_by", sa.text("id DESC")),
    sa.Index(
        "approval_waiting",
        "entity",
        "record_id",
        unique=True,
        postgresql_where=sa.text("state = 'waiting'"),
    ),
    sa.Index("approval_record", "entity", "record_id", sa.text("id DESC")),
)

#: One question to one person within an approval, and the answer.
approval_task = sa.Table(
    "approval_task",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("approval", sa.BigInteger, nullable=False),
    sa.Column("round", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("step", sa.SmallInteger, nullable=False),
    #: order within the step; questions of one position stand for one answer
    sa.Column("position", sa.Numeric, nullable=False),
    #: before | after: an approver had this person asked too, see ``anchor``
    sa.Column("added", sa.Text),
    #: the question it was added to
    sa.Column("anchor", sa.BigInteger),
    #: empty where nobody is asked: the step was not needed, or nobody was found
    sa.Column("user_id", sa.BigInteger),
    #: whom the person stands in for
    sa.Column("for_user", sa.BigInteger),
    #: pending (not asked yet) | waiting | approved | rejected | sent_back | delegated | dropped
    #: | skipped
    sa.Column("state", sa.Text, nullable=False),
    #: why the person is asked, or nobody is: absent | inactive | submitter | late | delegated |
    #: nobody | admin | condition
    sa.Column("reason", sa.Text),
    sa.Column("comment", sa.Text),
    sa.Column("asked_at", _moment),
    sa.Column("due_at", _moment),
    sa.Column("late", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("decided_at", _moment),
    sa.Column("decided_by", sa.BigInteger),
    sa.Index("approval_task_of", "approval", "id"),
    sa.Index(
        "approval_task_decided",
        "decided_by",
        sa.text("decided_at DESC"),
        postgresql_where=sa.text("decided_by IS NOT NULL"),
    ),
    sa.Index("approval_task_user", "user_id", postgresql_where=sa.text("state = 'waiting'")),
    sa.Index(
        "approval_task_due",
        "due_at",
        postgresql_where=sa.text("state = 'waiting' AND due_at IS NOT NULL"),
    ),
)

#: The inbox.
message = sa.Table(
    "message",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("user_id", sa.BigInteger, nullable=False),
    #: what makes it this message and no other, so that it is written once
    sa.Column("key", sa.Text, nullable=False),
    #: rule | approval | mention | record | system
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("rule", sa.Integer),
    sa.Column("firing", sa.BigInteger),
    sa.Column("entity", sa.SmallInteger),
    sa.Column("record_id", sa.BigInteger),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("created_at", _moment, nullable=False, server_default=_now()),
    #: quiet hours, or put off by its reader: not shown before; the inbox is sorted by it
    sa.Column("shown_at", _moment, nullable=False, server_default=_now()),
    sa.Column("read_at", _moment),
    sa.Column("snoozed_until", _moment),
    #: the page it is about, where that is no record's
    sa.Column("path", sa.Text),
    sa.Index("message_key", "user_id", "key", unique=True),
    sa.Index("message_user", "user_id", sa.text("shown_at DESC"), sa.text("id DESC")),
    sa.Index("message_unread", "user_id", postgresql_where=sa.text("read_at IS NULL")),
    sa.Index("message_record", "entity", "record_id"),
)

#: What goes out: e-mails, chat messages, calls. The row is there before the first attempt.
delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    #: email | wecom | dingtalk | feishu | slack | call
    sa.Column("channel", sa.Text, nullable=False),
    #: the address; for a chat robot or call, the name of what is configured, or the URL
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("user_id", sa.BigInteger),
    sa.Column("firing", sa.BigInteger),
    sa.Column("step", sa.Text),
    sa.Column("entity", sa.SmallInteger),
    sa.Column("record_id", sa.BigInteger),
    #: subject, text, html; method, headers, body
    sa.Column("content", JSONB, nullable=False),
    #: waiting | sent | late (failed, will be tried again) | dead | dropped
    sa.Column("state", sa.Text, nullable=False, server_default="waiting"),
    sa.Column("due_at", _moment, nullable=False, server_default=_now()),
    sa.Column("attempts", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("leased_until", _moment),
    sa.Column("token", sa.BigInteger, nullable=False, server_default="0"),
    #: what was tried: ``[{"at": …, "outcome": …}]``, the newest last
    sa.Column("tried", JSONB, nullable=False, server_default="[]"),
    sa.Column("created_at", _moment, nullable=False, server_default=_now()),
    sa.Column("sent_at", _moment),
    sa.Index("delivery_due", "due_at", postgresql_where=sa.text("state IN ('waiting', 'late')")),
    sa.Index("delivery_record", "entity", "record_id"),
    #: calls by the firing of the rule that made them
    sa.Index("delivery_call", "firing", postgresql_where=sa.text("channel = 'call'")),
    sa.Index("delivery_state", "state", sa.text("id DESC")),
)

#: Who follows a record, and hears of what happens to it.
follower = sa.Table(
    "follower",
    metadata,
    sa.Column("entity", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("record_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
    #: who had them follow: a person, or a rule by name
    sa.Column("added_by", sa.BigInteger),
    sa.Column("rule", sa.Text),
    sa.Column("since", _moment, nullable=False, server_default=_now()),
    sa.Column("until", _moment),
    sa.Index("follower_user", "user_id", "entity", "record_id"),
)

#: What people and rules say about a record.
comment = sa.Table(
    "comment",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("entity", sa.SmallInteger, nullable=False),
    sa.Column("record_id", sa.BigInteger, nullable=False),
    sa.Column("user_id", sa.BigInteger),
    sa.Column("text", sa.Text, nullable=False),
    #: screen | api | rule | hook | email, and which rule
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("cause", sa.Text),
    sa.Column("happened_at", _moment, nullable=False, server_default=_now()),
    sa.Column("deleted_at", _moment),
    sa.Index("comment_record", "entity", "record_id", sa.text("id DESC")),
)

#: How a person wants to hear of things: ``{"channels": ["inbox", "email"], "digest": "daily"}``.
preference = sa.Table(
    "preference",
    metadata,
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("settings", JSONB, nullable=False, server_default="{}"),
)

#: Rules a person does not want to hear of.
mute = sa.Table(
    "mute",
    metadata,
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("rule", sa.Integer, primary_key=True, autoincrement=False),
)

#: Processes that work in the background, and when they were last heard of.
process = sa.Table(
    "process",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    #: scheduler | worker
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("started_at", _moment, nullable=False, server_default=_now()),
    sa.Column("seen_at", _moment, nullable=False, server_default=_now()),
    sa.Column("details", JSONB, nullable=False, server_default="{}"),
)
