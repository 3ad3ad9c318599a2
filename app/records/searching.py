"""Search across entities: one narrow table, the row rules in the same statement.

Where a rule is made of owners the narrow table knows enough; any other rule is asked of the
record's own table, row by row of what was found. In which order the statements are asked, and how
long each may take, is `everywhere`'s business.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.access.visibility import Keys, in_pool, one_of
from app.database.statements import Statement
from app.database.system import search
from app.records import finding
from app.records.context import ReadContext
from app.records.listing import first_ids
from app.records.picking import ranked

#: Only so many are ranked; a word that finds more needs another beside it.
CANDIDATES = 300
#: A word that so many records hold is a common one.
COMMON = 2_000

_typed = sa.bindparam("typed", type_=sa.Text)


def build_survey(kinds: finding.Kinds, *, fuzzy: bool = False) -> Statement:
    """Return the statement that tells in which entities the words stand, whoever's they are.

    Each row is the number of an entity and how many records were met, no more than `COMMON` of all
    together. It is for deciding what to ask next: the rules of twenty entities take longer to plan
    than most words take to find. Bound are the numbers of the ``entities``.
    """
    hits = search.alias("s")
    numbers = sa.bindparam("entities", type_=ARRAY(sa.SmallInteger))
    among = hits.c.entity == sa.func.any(numbers)
    met = sa.select(hits.c.entity).where(_holds(hits, kinds, fuzzy), among).limit(COMMON).subquery()
    return Statement(sa.select(met.c.entity, sa.func.count()).group_by(met.c.entity))


def build_search(
    context: ReadContext, entities: Sequence[str], kinds: finding.Kinds, *, fuzzy: bool = False
) -> Statement:
    """Return the statement that finds records of *entities*, in no order.

    Each row is entity, id, title, rank (the lowest first) and likeness.

    Args:
        fuzzy: words that are only similar, instead of *kinds*.
    """
    hits = search.alias("s")
    rules = [_rule(context, name, hits, () if fuzzy else kinds) for name in entities]
    rows = sa.select(*_columns(hits, fuzzy)).where(_holds(hits, kinds, fuzzy), sa.or_(*rules))
    return Statement(rows.limit(CANDIDATES))


def build_recent_search(
    context: ReadContext, entities: Sequence[str], kinds: finding.Kinds, *, fuzzy: bool = False
) -> Statement:
    """Return the statement that looks only among the first records of each entity's own list.

    A word that most records hold is found by no index: every one of a million rows would be looked
    at for its owner. Here the asker's first rows come first and are then asked for the words, so
    what it costs does not grow with the table. ``limit`` is bound: how many of each list. Rows are
    as those of `build_search`.
    """
    hits = search.alias("s")
    parts = [_recent(context, name, hits, kinds, fuzzy) for name in entities]
    return Statement(sa.union_all(*parts).limit(CANDIDATES))


def _columns(hits: sa.FromClause, fuzzy: bool) -> list[sa.ColumnElement[Any]]:
    rank, _ = ranked(hits)
    alike = sa.func.word_similarity(_typed, hits.c.search) if fuzzy else sa.literal_column("0")
    return [hits.c.entity, hits.c.record_id, hits.c.title, rank.label("rank"), alike.label("alike")]


def _holds(hits: sa.FromClause, kinds: finding.Kinds, fuzzy: bool) -> sa.ColumnElement[bool]:
    return (
        _typed.op("<%", is_comparison=True)(hits.c.search) if fuzzy else finding.found(kinds, hits)
    )


def _recent(
    context: ReadContext, entity: str, hits: sa.FromClause, kinds: finding.Kinds, fuzzy: bool
) -> sa.Select[Any]:
    """Return the hits among the first records of one entity's list."""
    # Nothing else may stand in here, or it would be asked of every row before these are known.
    first = first_ids(context, entity).subquery()
    number = context.release.numbers[entity]
    conditions = [hits.c.entity == number, _holds(hits, kinds, fuzzy)]
    table = context.table(entity)
    asked = _shown(context, entity, table, () if fuzzy else kinds)
    joined = first.join(hits, hits.c.record_id == first.c.id)
    if asked:
        joined = joined.join(table, table.c.id == first.c.id)
    return sa.select(*_columns(hits, fuzzy)).select_from(joined).where(*conditions, *asked)


def _shown(
    context: ReadContext, entity: str, table: sa.FromClause, kinds: finding.Kinds
) -> list[sa.ColumnElement[bool]]:
    """Return what a hit must fulfil so that it tells nothing the asker may not read."""
    conditions = []
    if finding.shows_hidden_fields(context, entity):
        # A typing error cannot be proven word by word; only whole words may be found then.
        source = context.source(entity, table)
        conditions.append(finding.proven(context, source, kinds) if kinds else sa.false())
    title = context.entity(entity).title
    veil = context.veils(entity, table).get(title) if title is not None else None
    if veil is not None:
        # The narrow table holds the title as it is.
        conditions.append(sa.not_(veil))
    return conditions


def _rule(
    context: ReadContext, entity: str, hits: sa.FromClause, kinds: finding.Kinds
) -> sa.ColumnElement[bool]:
    """Return that a hit is a record of the entity that the asker may read and find by this."""
    is_kind = hits.c.entity == context.release.numbers[entity]
    hides = finding.shows_hidden_fields(context, entity, veiled=False)
    if context.policy.rule("read", entity).is_all and not hides:
        return is_kind
    keys = context.visibility.keys(entity, has_shares=context.has_shares)
    if keys is not None and not hides:
        return sa.and_(is_kind, sa.or_(*_ways(context, entity, hits, kinds, keys)))
    return sa.and_(is_kind, _on_record(context, entity, hits, kinds))


def _ways(
    context: ReadContext, entity: str, hits: sa.FromClause, kinds: finding.Kinds, keys: Keys
) -> list[sa.ColumnElement[bool]]:
    """Return the ways to see a hit whose owner, or a share, decides.

    What has an owner lies in no pool, so nothing of it is hidden; of what has none, its own table
    tells.
    """
    owned = [one_of(hits.c[column], parameter) for column, parameter in keys.columns]
    if keys.pools:
        owned = [sa.and_(hits.c.owner.is_not(None), one) for one in owned]
    if keys.shared:
        owned.append(hits.c.record_id == sa.func.any(context.visibility.shared_ids(entity)))
    if keys.pools:
        in_one = _on_record(context, entity, hits, kinds, pools=True)
        owned.append(sa.and_(hits.c.owner.is_(None), in_one))
    return owned


def _on_record(
    context: ReadContext,
    entity: str,
    hits: sa.FromClause,
    kinds: finding.Kinds,
    *,
    pools: bool = False,
) -> sa.ColumnElement[bool]:
    """Return that the record of a hit may be read, or lies in one of the asker's *pools*."""
    table = context.table(entity)
    may = in_pool(table) if pools else context.rows(entity, table)
    conditions = [table.c.id == hits.c.record_id, may, *_shown(context, entity, table, kinds)]
    row: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(table)
    return sa.exists(row.where(*conditions).correlate(hits))


def shown_title(context: ReadContext, entity: str) -> bool:
    """Whether the asker may read what names the records of an entity."""
    title = context.entity(entity).title
    return title is None or context.policy.is_readable(entity, title)
