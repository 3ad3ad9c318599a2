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
