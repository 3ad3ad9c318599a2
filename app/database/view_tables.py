"""The tables of saved views, schema ``trellis``: lists as people arranged and named them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.database.system import metadata

_moment = sa.DateTime(timezone=True)


def _now() -> sa.TextClause:
    return sa.text("now()")


#: A list somebody named: which rows, which columns, in which order.
saved_view = sa.Table(
    "saved_view",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    #: the entity's number
    sa.Column("entity", sa.SmallInteger, nullable=False),
    sa.Column("user_id", sa.BigInteger, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    #: filter, sort, columns, widths, density, group; see ``records.saved_views``
    sa.Column("settings", JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    #: with whom it is shared, beside its owner
    sa.Column("roles", ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'")),
    sa.Column("users", ARRAY(sa.BigInteger), nullable=False, server_default=sa.text("'{}'")),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("changed_at", _moment, nullable=False, server_default=_now()),
    sa.Index("saved_view_entity", "entity"),
)

#: How one person arranged a list that is not theirs: the whole list (an empty view), a view of the
#: configuration, or one that others share.
view_choice = sa.Table(
    "view_choice",
    metadata,
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("entity", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("view", sa.Text, primary_key=True),
    sa.Column("settings", JSONB, nullable=False),
)

#: With which view a list opens: for one person (``user:12``) or for a role (``role:sales``).
view_default = sa.Table(
    "view_default",
    metadata,
    sa.Column("entity", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("audience", sa.Text, primary_key=True),
    sa.Column("view", sa.Text, nullable=False),
)
