"""What a link field offers: the records its ``where`` lets through and the asker may read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from app.access.sources import BoundSource, targets_of
from app.database.statements import Statement
from app.database.system import search
from app.definitions.catalog import Entity, Field
from app.errors import Malformed
from app.fields.base import FieldError, ParseContext
from app.records import finding
from app.records.context import ReadContext
from app.records.refusals import entity_of, unknown_field
from app.texts import say

MOST_OFFERED = 50


def target_of(
    context: ReadContext, entity: str, name: str, target: str | None
) -> tuple[Field, str]:
    """Return a link field and the entity it offers records of.

    Raises:
        Malformed: there is no such field for the asker, it is no link, or it has no such target.
    """
    one = entity_of(context.catalog, entity)
    field = one.fields.get(name)
    if field is None or field.removed or context.policy.field_right(entity, name) == "hidden":
        raise unknown_field(context, entity, name)
    targets = targets_of(field)
    chosen = target or (targets[0] if targets else None)
    if chosen is None or chosen not in targets:
        raise Malformed(
            say(
                "`{name}` links to {targets}.",
                "“{name}”可关联：{targets}。",
                name=name,
                targets=", ".join(targets) or "—",
            )
        )
    return field, chosen


def build_pick(
    context: ReadContext, entity: str, field: Field, target: str, kinds: finding.Kinds
) -> Statement:
    """Return the statement that offers records: id and title, the best first."""
    table = context.table(target, "c")
    source = context.source(target, table)
    conditions = [*context.living(table), context.rows(target, table)]
    condition = field.conditions.get("where")
    if condition is not None:
        record = BoundSource(context.release, entity, context)
        conditions.append(source.holds(condition, {"record": record}))
    if target == "user" and "active" in table.c:
        # Nobody gives work to an account that is closed.
        conditions.append(sa.func.coalesce(table.c.active, sa.true()))
    title = context.title(target, table).label("title")
    rows = sa.select(table.c.id, title)
    order: list[sa.ColumnElement[Any]] = [table.c.id.desc()]
    if kinds:
        hits = search.alias("s")
        found = sa.and_(
            hits.c.record_id == table.c.id,
            hits.c.entity == context.release.numbers[target],
            finding.found(kinds, hits),
        )
        rows = rows.select_from(table.join(hits, found))
        order = [*ranked(hits), table.c.id.desc()]
        if finding.shows_hidden_fields(context, target):
            conditions.append(finding.proven(context, source, kinds))
    limit = sa.bindparam("limit", type_=sa.Integer)
    return Statement(rows.where(*conditions).order_by(*order).limit(limit))


def ranked(hits: sa.FromClause) -> list[sa.ColumnElement[Any]]:
    """Return the order of hits: equal to the words, beginning with them, the rest; short first."""
    typed = sa.bindparam("typed", type_=sa.Text)
    title = sa.func.lower(hits.c.title)
    return [
        sa.case((title == typed, 0), (sa.func.starts_with(hits.c.search, typed), 1), else_=2),
        sa.func.char_length(hits.c.title),
    ]


def form_values(
    entity: Entity, values: Mapping[str, Any], names: Mapping[str, Any], context: ParseContext
) -> dict[str, Any]:
    """Return the form's values as the parameters ``record_…`` that a statement asks for.

    What cannot be read yet counts as empty: the form is still being filled in.
    """
    found: dict[str, Any] = {}
    for parameter in names:
        if not parameter.startswith("record_"):
            continue
        name = parameter.removeprefix("record_")
        if name == "id" or (name == "parent" and entity.lines_of is not None):
            number = str(values.get(name) or "")
            found[parameter] = int(number) if number.isdigit() and len(number) < 19 else None
            continue
        field = entity.fields.get(name)
        raw = values.get(name)
        if field is None or raw in (None, ""):
            found[parameter] = None
            continue
        try:
            value = field.type.parse(field, raw, context)
        except FieldError:
            value = None
        found[parameter] = value[1] if field.type.name == "any_link" and value else value
    return found
