"""Trellis' own tables, schema ``trellis``: the one place their shape is written.

Migrated by Alembic (``app/database/migrations``). The entities' tables are in ``tables``.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = sa.MetaData(schema="trellis")

_moment = sa.DateTime(timezone=True)


def _now() -> sa.TextClause:
    return sa.text("now()")


#: Entities by number, so that a rename touches one row. Lines entities have numbers too.
entity = sa.Table(
    "entity",
    metadata,
    sa.Column("number", sa.SmallInteger, sa.Identity(), primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
)

#: Every applied version of the configuration. The newest ``state = 'live'`` one serves.
config_version = sa.Table(
    "config_version",
    metadata,
    sa.Column("number", sa.Integer, sa.Identity(), primary_key=True),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("applied_at", _moment, nullable=False, server_default=_now()),
    sa.Column("applied_by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("files", JSONB, nullable=False),
    sa.Column("plan", JSONB, nullable=False),
    #: what the next plan compares with, see ``outline``
    sa.Column("outline", sa.JSON, nullable=False, server_default="{}"),
    #: applying | live | failed
    sa.Column("state", sa.Text, nullable=False, server_default="live"),
    #: the version it was planned against, empty for the first
    sa.Column("base", sa.Integer),
    #: `changes` of its app.yaml: what applying the next one takes
    sa.Column("changes", JSONB, nullable=False, server_default="{}"),
    #: what was said with it, by name, and who agreed: see ``agreements``
    sa.Column("said", JSONB, nullable=False, server_default="{}"),
    sa.Column("agreed", JSONB, nullable=False, server_default="[]"),
    sa.Index("config_version_live", "number", postgresql_where=sa.text("state = 'live'")),
)

#: What an apply has done so far, so that it can be taken up again after a crash.
apply_step = sa.Table(
    "apply_step",
    metadata,
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("operation", JSONB, nullable=False),
    sa.Column("mark", JSONB),
    sa.Column("done_at", _moment),
    #: why it could not be done, by language, for the next plan and the setup screen
    sa.Column("problem", JSONB),
)

#: What the folder holds and is not applied: a plan that waits, or problems. One row, or none.
pending = sa.Table(
    "pending",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False, server_default="1"),
    sa.Column("noticed_at", _moment, nullable=False, server_default=_now()),
    #: waiting | problems
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text),
    sa.Column("plan", JSONB),
    #: rendered problems, one text each
    sa.Column("problems", JSONB),
    sa.CheckConstraint("id = 1", name="pending_is_one_row"),
)

#: One row for a group of writes that belong together (a save, an import, a merge).
change_set = sa.Table(
    "change_set",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("happened_at", _moment, nullable=False, server_default=_now()),
    sa.Column("user_id", sa.BigInteger),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("note", sa.Text),
    #: update | transfer | delete | restore | merge | batch | import | undo …; empty: by its origin
    sa.Column("kind", sa.Text),
    #: the change set that this one takes back, wholly or in part
    sa.Column("undoes", sa.BigInteger),
    sa.Index("change_set_user", "user_id", sa.text("id DESC")),
    sa.Index("change_set_undoes", "undoes", postgresql_where=sa.text("undoes IS NOT NULL")),
    sa.Index("change_set_rule", "note", "happened_at", postgresql_where=sa.text("kind = 'rule'")),
)

#: What changed, per record and write: changed fields only, before and after, in the API's JSON.
history = sa.Table(
    "history",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("entity", sa.SmallInteger, nullable=False),
    sa.Column("record_id", sa.BigInteger, nullable=False),
    #: create | update | delete | restore | transfer | merge | purge
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("happened_at", _moment, nullable=False, server_default=_now()),
    sa.Column("user_id", sa.BigInteger),
    #: screen | api | import | rule | hook | email | system, and by what (rule or job name)
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("cause", sa.Text),
    sa.Column("change_set", sa.BigInteger),
    sa.Column("before", JSONB, nullable=False, server_default="{}"),
    sa.Column("after", JSONB, nullable=False, server_default="{}"),
    sa.Index("history_record", "entity", "record_id", sa.text("id DESC")),
    sa.Index(
        "history_change_set", "change_set", postgresql_where=sa.text("change_set IS NOT NULL")
    ),
    sa.Index("history_happened_at", "happened_at", postgresql_using="brin"),
)

#: Record events for listeners, written in the transaction of the change; the outbox.
event = sa.Table(
    "event",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("entity", sa.SmallInteger, nullable=False),
    sa.Column("record_id", sa.BigInteger, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("history_id", sa.BigInteger),
    sa.Column("happened_at", _moment, nullable=False, server_default=_now()),
)

#: One narrow row per record for search : normalised text and two-character pieces.
search = sa.Table(
    "search",
    metadata,
    sa.Column("entity", sa.SmallInteger, primary_key=True),
    sa.Column("record_id", sa.BigInteger, primary_key=True),
    sa.Column("owner", sa.BigInteger),
    sa.Column("owner_department", sa.BigInteger),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("search", sa.Text, nullable=False),
    sa.Column("grams", ARRAY(sa.Text), nullable=False),
    sa.Index("search_grams", "grams", postgresql_using="gin"),
    sa.Index(
        "search_trigrams",
        "search",
        postgresql_using="gin",
        postgresql_ops={"search": "gin_trgm_ops"},
    ),
    sa.Index("search_prefix", "search", postgresql_ops={"search": "text_pattern_ops"}),
)

#: A record shared with a person, until a day or for good.
share = sa.Table(
    "share",
    metadata,
    sa.Column("entity", sa.SmallInteger, primary_key=True),
    sa.Column("record_id", sa.BigInteger, primary_key=True),
    sa.Column("user_id", sa.BigInteger, primary_key=True),
    sa.Column("may_edit", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("until", _moment),
    sa.Column("shared_by", sa.BigInteger),
    sa.Column("shared_at", _moment, nullable=False, server_default=_now()),
    sa.Index("share_user", "user_id", "entity", "record_id"),
)

#: The last number a serial field gave out, per field, period and key.
counter = sa.Table(
    "counter",
    metadata,
    sa.Column("entity", sa.SmallInteger, primary_key=True),
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("period", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("last", sa.BigInteger, nullable=False),
)

#: Files on records; the content is in the data folder under ``sha256``.
file = sa.Table(
    "file",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    #: empty until the record that will hold it is saved
    sa.Column("entity", sa.SmallInteger),
    sa.Column("record_id", sa.BigInteger),
    #: the field, or empty for an attachment
    sa.Column("field", sa.Text),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("uploaded_by", sa.BigInteger),
    sa.Column("uploaded_at", _moment, nullable=False, server_default=_now()),
    sa.Column("deleted_at", _moment),
    sa.Index("file_record", "entity", "record_id"),
)

#: Exchange rates to the base currency, by day.
rate = sa.Table(
    "rate",
    metadata,
    sa.Column("currency", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("rate", sa.Numeric, nullable=False),
)

#: The working days around now with a running number, as app.yaml's calendar has them; written by
#: every apply that changes it. Statements count working days by it.
working_day = sa.Table(
    "working_day",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Index("working_day_number", "number"),
)

#: Parents whose roll-ups wait to be recomputed.
dirty = sa.Table(
    "dirty",
    metadata,
    sa.Column("entity", sa.SmallInteger, primary_key=True),
    sa.Column("record_id", sa.BigInteger, primary_key=True),
)

#: Answers already given to a request with an Idempotency-Key.
idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("user_id", sa.BigInteger, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("request", sa.Text, nullable=False),
    sa.Column("status", sa.SmallInteger, nullable=False),
    sa.Column("answer", JSONB, nullable=False),
    sa.Column("at", _moment, nullable=False, server_default=_now()),
)

#: Sign-ins, refusals, exports, applies and looks at personal data: who, when, from where, what.
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("happened_at", _moment, nullable=False, server_default=_now()),
    #: stable words, area.thing.action
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("user_id", sa.BigInteger),
    sa.Column("address", sa.Text),
    sa.Column("details", JSONB, nullable=False, server_default="{}"),
    sa.Index("audit_happened_at", "happened_at", postgresql_using="brin"),
    sa.Index("audit_kind", "kind", "id"),
    sa.Index("audit_user", "user_id", "id"),
)

#: Version numbers other processes compare: ``people`` (users, roles, departments), ``sessions`` …
revision = sa.Table(
    "revision",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False, server_default="0"),
)

#: What Trellis keeps of an account beside FAB's own tables.
account = sa.Table(
    "account",
    metadata,
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
    #: sessions and tokens from before this moment are dead
    sa.Column("sessions_since", _moment, nullable=False, server_default=_now()),
    sa.Column("must_change_password", sa.Boolean, nullable=False, server_default=sa.false()),
)

#: Browsers that are signed in, one row each; the cookie holds the token, this its checksum.
session = sa.Table(
    "session",
    metadata,
    sa.Column("token", sa.Text, primary_key=True),
    sa.Column("user_id", sa.BigInteger, nullable=False),
    sa.Column("created_at", _moment, nullable=False, server_default=_now()),
    sa.Column("seen_at", _moment, nullable=False, server_default=_now()),
    sa.Column("address", sa.Text),
    sa.Column("agent", sa.Text),
    sa.Column("ended_at", _moment),
    sa.Index("session_user", "user_id"),
)

#: Attempts to sign in that failed, for the throttle; old ones are swept.
attempt = sa.Table(
    "attempt",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("happened_at", _moment, nullable=False, server_default=_now()),
    sa.Index("attempt_account", "account", "happened_at"),
    sa.Index("attempt_address", "address", "happened_at"),
)
