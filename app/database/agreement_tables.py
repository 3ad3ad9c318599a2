"""The tables of what is proposed before an apply, schema ``trellis``: what was said, who agreed."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.database.system import metadata

_moment = sa.DateTime(timezone=True)


def _now() -> sa.TextClause:
    return sa.text("now()")


#: A configuration somebody wants to apply, and what was said with it. Saved files that differ are
#: another proposal; so are the same ones upon another version.
config_proposal = sa.Table(
    "config_proposal",
    metadata,
    sa.Column("fingerprint", sa.Text, primary_key=True),
    #: the version it is to follow
    sa.Column("base", sa.Integer, primary_key=True, autoincrement=False),
    #: what `needs` of app.yaml asks for, by name
    sa.Column("said", JSONB, nullable=False),
    sa.Column("proposed_by", sa.Text, nullable=False),
    sa.Column("user_id", sa.BigInteger),
    sa.Column("proposed_at", _moment, nullable=False, server_default=_now()),
)

#: Who agreed to a proposal, by the entry of `confirm` they agreed for.
config_agreement = sa.Table(
    "config_agreement",
    metadata,
    sa.Column("fingerprint", sa.Text, primary_key=True),
    sa.Column("base", sa.Integer, primary_key=True, autoincrement=False),
    #: as written: ``role owner``
    sa.Column("entry", sa.Text, primary_key=True),
    sa.Column("agreed_by", sa.Text, nullable=False),
    sa.Column("user_id", sa.BigInteger, nullable=False),
    sa.Column("agreed_at", _moment, nullable=False, server_default=_now()),
)
