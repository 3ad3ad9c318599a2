"""Search across entities: one narrow table, the row rules in the same statement.

Where a rule is made of owners the narrow table knows enough; any other rule is asked of the
record's own table, row by row of what was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.access.visibility import one_of
from app.database.statements import Statement
from app.database.system import search
from app.records import finding
from app.records.context import ReadContext
from app.records.picking import ranked

#: Only so many are ranked; a word that finds more needs another beside it.
CANDIDATES = 500
#: Of each entity the newest records that are looked at where words are in nearly all of them …
WINDOW = 1_000
#: … and, if there was nothing, so many: all that most people have.
WIDE_WINDOW = 20_000
#: … until so many are found …
RECENT = 200
#: … which is so when finding all of them takes longer than this.
PATIENCE = "60ms"
#: A typing error is looked for when there are fewer hits than this …
FEW = 5
#: … and at least so many Latin letters to compare.
LETTERS = 5


def build_search(
    context: ReadContext, entities: Sequence[str], kinds: finding.Kinds, *, fuzzy: bool = False
) -> Statement:
    """Return the statement that finds records of *entities*: entity, id, title, best first."""
    hits = search.alias("s")
    typed = sa.bindparam("typed", type_=sa.Text)
    found = (
        typed.op("<%", is_comparison=True)(hits.c.search) if fuzzy else finding.found(kinds, hits)
    )
    rules = [_rule(context, name, hits, () if fuzzy else kinds) for name in entities]
    candidates = (
        sa.select(hits.c.entity, hits.c.record_id, hits.c.title, hits.c.search)
        .where(found, sa.or_(*rules))
        .limit(CANDIDATES)
        .subquery("k")
    )
    order: list[sa.ColumnElement[Any]] = ranked(candidates)
    if fuzzy:
        order = [sa.func.word_similarity(typed, candidates.c.search).desc(), *order]
    return _best(candidates, order)


def build_recent_search(
    context: ReadContext, entities: Sequence[str], kinds: finding.Kinds
) -> Statement:
    """Return the statement that looks among the newest records of each entity alone.

    A word that most records hold is found by no index: every one of a million rows would be looked
    at for its owner. Here the asker's newest rows come first and are then asked for the words, so
    what it costs does not grow with the table. ``window`` is bound: how many of the newest.
    """
    hits = search.alias("s")
    parts = [_recent(context, name, hits, kinds) for name in entities]
    candidates = sa.union_all(*parts).limit(RECENT).subquery("k")
    return _best(candidates, ranked(candidates))


def _recent(
    context: ReadContext, entity: str, hits: sa.FromClause, kinds: finding.Kinds
) -> sa.Select[Any]:
    """Return the hits among the newest records of one entity that the asker may read."""
    own, table = context.table(entity, "n"), context.table(entity)
    # Nothing else may stand in here, or it would be asked of every row before the newest are known.
    newest = (
        sa.select(own.c.id)
        .select_from(own)
        .where(*context.living(own), context.rows(entity, own))
        .order_by(own.c.id.desc())
        .limit(sa.bindparam("window", type_=sa.Integer))
        .subquery()
    )
    number = context.release.numbers[entity]
    conditions = [hits.c.entity == number, finding.found(kinds, hits)]
    if finding.shows_hidden_fields(context, entity):
        conditions.append(finding.proven(context, context.source(entity, table), kinds))
    title = context.entity(entity).title
    veil = context.veils(entity, table).get(title) if title is not None else None
    if veil is not None:
        conditions.append(sa.not_(veil))
    joined = newest.join(hits, hits.c.record_id == newest.c.id)
    if len(conditions) > 2:
        joined = joined.join(table, table.c.id == newest.c.id)
    return (
        sa.select(hits.c.entity, hits.c.record_id, hits.c.title, hits.c.search)
        .select_from(joined)
        .where(*conditions)
    )


def _best(candidates: sa.Subquery, order: Sequence[sa.ColumnElement[Any]]) -> Statement:
    """Return the statement that gives the best of what was found."""
    rows = (
        sa.select(candidates.c.entity, candidates.c.record_id, candidates.c.title)
        .order_by(*order, candidates.c.record_id)
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )
    return Statement(rows)


def _rule(
    context: ReadContext, entity: str, hits: sa.FromClause, kinds: finding.Kinds
) -> sa.ColumnElement[bool]:
    """Return that a hit is a record of the entity that the asker may read and find by this."""
    number = context.release.numbers[entity]
    is_kind = hits.c.entity == number
    rule = context.policy.rule("read", entity)
    hides = finding.shows_hidden_fields(context, entity)
    if rule.is_all and not hides:
        return is_kind
    keys = context.visibility.keys(entity, has_shares=context.has_shares)
    if keys is not None and not hides and not keys.pools:
        ways = [one_of(hits.c[column], parameter) for column, parameter in keys.columns]
        if keys.shared:
            ways.append(hits.c.record_id == sa.func.any(context.visibility.shared_ids(entity)))
        return sa.and_(is_kind, sa.or_(*ways))
    table = context.table(entity)
    source = context.source(entity, table)
    conditions = [table.c.id == hits.c.record_id, context.rows(entity, table)]
    if hides:
        # A typing error cannot be proven word by word; only whole words may be found then.
        conditions.append(finding.proven(context, source, kinds) if kinds else sa.false())
    title = context.entity(entity).title
    veil = context.veils(entity, table).get(title) if title is not None else None
    if veil is not None:
        # The narrow table holds the title as it is.
        conditions.append(sa.not_(veil))
    row: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(table)
    return sa.and_(is_kind, sa.exists(row.where(*conditions).correlate(hits)))


def shown_title(context: ReadContext, entity: str) -> bool:
    """Whether the asker may read what names the records of an entity."""
    title = context.entity(entity).title
    return title is None or context.policy.is_readable(entity, title)


def may_be_misspelt(typed: str) -> bool:
    """Whether it is worth looking for words that are only similar."""
    return sum(one.isascii() and one.isalpha() for one in typed) >= LETTERS
