"""The tables of imports, schema ``trellis``: what is brought in, and what was left out."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.database.system import metadata

_moment = sa.DateTime(timezone=True)


def _now() -> sa.TextClause:
    return sa.text("now()")


#: One import: a file, what is done with it, and how far that got.
import_run = sa.Table(
    "import_run",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("entity", sa.Text, nullable=False),
    #: empty: the system
    sa.Column("user_id", sa.BigInteger),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    #: see ``transfer.plans``
    sa.Column("plan", JSONB, nullable=False),
    #: draft | waiting | running | paused | cancelled | done | failed
    sa.Column("state", sa.Text, nullable=False, server_default="draft"),
    #: the number of the last row that was applied, in the transaction that applied it
    sa.Column("mark", sa.BigInteger, nullable=False, server_default="0"),
    #: rows of the file, once they were counted
    sa.Column("total", sa.BigInteger),
    sa.Column("counts", JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    sa.Column("change_set", sa.BigInteger),
    sa.Column("problem", JSONB),
    sa.Column("made_at", _moment, nullable=False, server_default=_now()),
    sa.Column("started_at", _moment),
    sa.Column("ended_at", _moment),
    #: when it last got further; one that is silent is taken up by another worker
    sa.Column("beat_at", _moment),
    #: the last record that was compared with what is there, and when all of them were
    sa.Column("compared", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("compared_at", _moment),
    sa.Index("import_run_open", "state", postgresql_where=sa.text("ended_at IS NULL")),
    sa.Index(
        "import_run_uncompared",
        "id",
        postgresql_where=sa.text(
            "ended_at IS NOT NULL AND compared_at IS NULL AND change_set IS NOT NULL"
        ),
    ),
)

#: One export in the background: what is taken along, and how far that got.
export_run = sa.Table(
    "export_run",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    #: list | all
    sa.Column("kind", sa.Text, nullable=False),
    #: empty: the system
    sa.Column("user_id", sa.BigInteger),
    #: of the file, as its reader gets it
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("form", sa.Text, nullable=False),
    #: see ``transfer.export_runs``
    sa.Column("wanted", JSONB, nullable=False),
    #: from where it was asked
    sa.Column("address", sa.Text),
    #: waiting | running | done | cancelled | failed | expired
    sa.Column("state", sa.Text, nullable=False, server_default="waiting"),
    #: whoever writes it knows the number; another attempt ends the one before
    sa.Column("attempts", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("done", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("total", sa.BigInteger),
    sa.Column("size", sa.BigInteger),
    sa.Column("problem", JSONB),
    sa.Column("made_at", _moment, nullable=False, server_default=_now()),
    sa.Column("started_at", _moment),
    sa.Column("ended_at", _moment),
    sa.Column("beat_at", _moment),
    #: its file is removed then
    sa.Column("expires_at", _moment),
    sa.Index("export_run_user", "user_id", sa.text("id DESC")),
    sa.Index("export_run_open", "state", postgresql_where=sa.text("ended_at IS NULL")),
)

#: A row that was left out, and why.
import_fault = sa.Table(
    "import_fault",
    metadata,
    sa.Column("run", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("row", sa.BigInteger, primary_key=True, autoincrement=False),
    #: the values as they stood in the file
    sa.Column("values", JSONB, nullable=False),
    #: ``[{"column", "field", "say": {"en", "zh"}}]``
    sa.Column("reasons", JSONB, nullable=False),
)
