"""Checks of a record that was just written, before its transaction is committed.

Everything is asked of the row as the database holds it, worked-out fields included, so that a form,
the API, an import and a rule are checked alike; a problem takes the whole write back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from app.access.visibility import Visibility, veiled_pools, visible
from app.definitions.catalog import Entity, Field
from app.errors import InvalidInput
from app.expressions import Checked
from app.records.closures import Closures
from app.records.conditions import WriteContext
from app.records.drafts import Draft, Problems
from app.records.statements import Statement
from app.records.work import Work
from app.texts import Label, say


def is_empty(value: Any) -> bool:
    """Return whether a value counts as empty; a boolean and a zero never do."""
    return value is None or (not value and isinstance(value, str | list | tuple | Mapping))


def truth(context: WriteContext, closures: Closures, condition: bool | Checked | None) -> bool:
    """Work a condition out; None is true, as an unsaid ``show`` or ``if`` is."""
    if condition is None or isinstance(condition, bool):
        return condition is not False
    return bool(closures.of(condition)(context))


def check_fields(
    context: WriteContext, closures: Closures, draft: Draft, problems: Problems, prefix: str = ""
) -> None:
    """Check what depends on other fields: required, shown, read-only, offered."""
    lists = context.work.rows[draft.entity.name].lists
    for field in lists.required:
        value = _value(context, draft, field)
        _check_required(context, closures, field, value, problems, prefix)
    restricted = lists.restricted
    for name in draft.changes:
        one = restricted.get(name)
        if one is not None and draft.changed(name):
            value = _value(context, draft, one)
            _check_readonly(context, closures, draft, one, problems, prefix)
            _check_offered(context, closures, one, value, problems, prefix)
    for name in draft.lines:
        if name in restricted:
            _check_readonly(context, closures, draft, restricted[name], problems, prefix)


def add_missing(
    draft: Draft, fields: Iterable[Field], problems: Problems, prefix: str = ""
) -> None:
    """Add every field that is always needed and is empty, before the database refuses the first.

    *fields* are those, see ``fieldlists``; a default that is still to be filled in is a value.
    """
    for field in fields:
        if not (draft.is_new or field.name in draft.changes):
            continue
        if prefix + field.name in problems.fields:
            # Something was given; what is wrong with it is said already.
            continue
        value = draft.lines.get(field.name) if field.type.name == "lines" else draft.get(field.name)
        if is_empty(value):
            problems.add(
                prefix + field.name,
                say("{label} is needed.", "请填写“{label}”。", label=field.label),
            )


def _value(context: WriteContext, draft: Draft, field: Field) -> Any:
    if field.type.name == "lines":
        return draft.lines.get(field.name, None if draft.is_new else context.row.get(field.name))
    return context.value(field.name)


def _check_required(
    context: WriteContext,
    closures: Closures,
    field: Field,
    value: Any,
    problems: Problems,
    prefix: str,
) -> None:
    if field.required is False or not is_empty(value):
        return
    if field.type.name == "lines" and value is None and context.old_row:
        return  # an update that leaves the rows alone
    # What is not shown cannot be filled in, so it is not asked for.
    if truth(context, closures, field.required) and truth(context, closures, field.show):
        problems.add(
            prefix + field.name,
            say("{label} is needed.", "请填写“{label}”。", label=field.label),
        )


def _check_readonly(
    context: WriteContext,
    closures: Closures,
    draft: Draft,
    field: Field,
    problems: Problems,
    prefix: str,
) -> None:
    if not isinstance(field.readonly, Checked) or draft.is_new:
        return
    before = WriteContext(
        context.work, context.linked, context.entity, context.old_row, context.old_row
    )
    if truth(before, closures, field.readonly):
        problems.add(
            prefix + field.name,
            say(
                "{label} cannot be changed while {condition}.",
                "“{label}”在满足条件 {condition} 时不能修改。",
                label=field.label,
                condition=field.readonly.text,
            ),
        )


def _check_offered(
    context: WriteContext,
    closures: Closures,
    field: Field,
    value: Any,
    problems: Problems,
    prefix: str,
) -> None:
    if not field.options or is_empty(value):
        return
    for name in value if isinstance(value, list | tuple) else (value,):
        option = next((each for each in field.options if each.name == name), None)
        if option is None:
            continue
        if option.removed or not truth(context, closures, option.offer):
            problems.add(
                prefix + field.name,
                say(
                    "{option} is not offered for {label} here.",
                    "“{label}”在这里不能选择“{option}”。",
                    option=option.label,
                    label=field.label,
                ),
            )


def check_rules(
    context: WriteContext, closures: Closures, entity: Entity, problems: Problems
) -> list[Label]:
    """Check the entity's ``checks``; return the warnings that do not refuse."""
    warnings: list[Label] = []
    for check in entity.checks:
        if not truth(context, closures, check.if_) or truth(context, closures, check.must):
            continue
        if check.warn:
            warnings.append(check.message)
        else:
            problems.add(_field_of(check.must, entity), check.message)
    return warnings


def _field_of(condition: Checked, entity: Entity) -> str | None:
    """Return the one field a check is about, so that its sentence stands beside it."""
    names = {name.partition(".")[0] for name in condition.names} & entity.fields.keys()
    return next(iter(names)) if len(names) == 1 else None


def visible_ids(
    work: Work,
    entity: str,
    ids: Iterable[int],
    right: str = "read",
    *,
    deleted: bool = False,
    hold: bool = False,
) -> set[int]:
    """Return those of *ids* for which the principal has the right, in the bin or outside of it.

    With *hold* they cannot go into the bin before this transaction ends.
    """
    wanted = sorted(set(ids))
    if not wanted:
        return set()
    statement = work.rows.cached(
        ("visible-ids", entity, right, deleted, hold, work.policy.roles, work.policy.is_admin),
        lambda: _visible_statement(work, entity, right, deleted=deleted, hold=hold),
    )
    return {row[0] for row in statement.run(work.connection, {"_ids": wanted, **work.asker})}


def closed_ids(work: Work, entity: str, ids: Iterable[int], field: str = "") -> set[int]:
    """Return those of *ids* of which a pool hides something from the principal.

    With *field*, those of which it hides that; without, those of which only open fields are shown.
    """
    wanted = sorted(set(ids))
    if not wanted or not veiled_pools(work.principal):
        return set()
    statement = work.rows.cached(
        ("closed-ids", entity, field, work.policy.roles, work.policy.is_admin),
        lambda: _closed_statement(work, entity, field),
    )
    if statement is None:
        return set()
    return {row[0] for row in statement.run(work.connection, {"_ids": wanted, **work.asker})}


def _closed_statement(work: Work, entity: str, field: str) -> Statement | None:
    table = work.release.tables[entity].alias()
    visibility = Visibility(work.release, work.policy)
    veil = visibility.veils(entity, table).get(field) if field else visibility.closed(entity, table)
    if veil is None:
        return None
    wanted = table.c.id == sa.func.any(sa.bindparam("_ids", type_=sa.ARRAY(sa.BigInteger)))
    return Statement(sa.select(table.c.id).where(wanted, veil))


#: Every scope but ``all`` holds one's own records.
_OWN = frozenset({"own", "team", "subordinates", "department", "department_tree"})


def allowed_ids(
    work: Work,
    entity: str,
    rows: Mapping[int, Mapping[str, Any]],
    right: str = "read",
    *,
    deleted: bool = False,
) -> set[int]:
    """Return those of *rows* for which the principal has the right; only doubtful ones cost SQL."""
    rule = work.policy.rule(right, entity)
    if rule.is_all:
        return set(rows)
    me = work.principal.user_id
    is_owner = any(
        all(part.is_all or part.scopes & _OWN for part in alternative)
        for alternative in rule.alternatives
    )
    mine = {i for i, row in rows.items() if is_owner and me is not None and row.get("owner") == me}
    return mine | visible_ids(work, entity, rows.keys() - mine, right, deleted=deleted)


def _visible_statement(
    work: Work, entity: str, right: str, *, deleted: bool, hold: bool
) -> Statement:
    table = work.release.tables[entity].alias()
    statement = sa.select(table.c.id).where(
        table.c.id == sa.func.any(sa.bindparam("_ids", type_=sa.ARRAY(sa.BigInteger))),
        visible(work.release, entity, table, work.policy, right),
    )
    if "deleted_at" in table.c:
        present = table.c.deleted_at.is_(None)
        statement = statement.where(~present if deleted else present)
    if hold:
        # As the foreign key does, only earlier: before it is sure that they are not in the bin.
        statement = statement.order_by(table.c.id)
        statement = statement.with_for_update(read=True, key_share=True, of=table)
    return Statement(statement)


def check_links(work: Work, drafts: Iterable[Draft], problems: Problems) -> None:
    """Refuse links to records that do not exist or that this person may not see.

    Both in one sentence. The records are held, so that they cannot go into the bin meanwhile.
    """
    wanted: dict[str, set[int]] = {}
    places: list[tuple[str, str, int]] = []
    for draft in drafts:
        for name in work.rows[draft.entity.name].lists.links & draft.changes.keys():
            if not draft.changed(name):
                continue
            field = draft.entity.fields[name]
            for entity, record_id in targets_of(field, draft.changes[name]):
                wanted.setdefault(entity, set()).add(record_id)
                places.append((draft.prefix + name, entity, record_id))
    found = {
        entity: visible_ids(work, entity, wanted[entity], hold=True)
        for entity in work.release.catalog.entities  # one order for all who lock
        if entity in wanted
    }
    for name, entity, record_id in places:
        if record_id not in found[entity]:
            problems.add(
                name,
                say(
                    "There is no {entity} {id}, or you may not see it.",
                    "没有编号为 {id} 的{entity}，或者您无权查看。",
                    entity=work.release.catalog.entities[entity].label,
                    id=record_id,
                ),
            )


def targets_of(field: Field, value: Any) -> list[tuple[str, int]]:
    """Return the records a field's value names: entity and id."""
    if is_empty(value) or not field.type.targets(field):
        return []
    if field.type.name == "any_link":
        return [(value[0], value[1])]
    entity = field.type.targets(field)[0]
    return [(entity, each) for each in (value if isinstance(value, list | tuple) else (value,))]


def check_tree(work: Work, draft: Draft, record_id: int, problems: Problems) -> None:
    """Refuse a tree link that would make the record its own ancestor."""
    for field in work.rows[draft.entity.name].lists.trees:
        if not draft.changed(field.name) or draft.get(field.name) is None:
            continue
        table = work.release.tables[draft.entity.name]
        # Everybody who hangs trees waits here, or two could close a circle at the same time.
        lock_for(work, f"tree:{draft.entity.name}:{field.name}")
        up = (
            sa.select(table.c[field.name].label("up"))
            .where(table.c.id == sa.bindparam("_id", type_=sa.BigInteger))
            .cte("up", recursive=True)
        )
        up = up.union(sa.select(table.c[field.name]).where(table.c.id == up.c.up))
        circle = Statement(
            sa.select(sa.literal(1)).select_from(up).where(up.c.up == sa.bindparam("_id"))
        )
        if circle.run(work.connection, {"_id": record_id}).fetchone():
            problems.add(
                field.name,
                say(
                    "{label} would make a circle: it is below this record itself.",
                    "“{label}”会形成循环：它本身就在这条记录之下。",
                    label=field.label,
                ),
            )


_advisory = Statement(
    sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(sa.bindparam("_name"), 0)))
)


def lock_for(work: Work, name: str) -> None:
    """Wait until nobody else holds the lock *name*, and hold it to the end of the transaction."""
    _advisory.run(work.connection, {"_name": f"trellis:{name}"})


def lock_asking_checks(work: Work, entity: Entity) -> None:
    """Take the locks under which an entity's checks that ask other records are worked out."""
    for number, check in enumerate(entity.checks):
        if check.must.asks_other_records:
            lock_for(work, f"check:{entity.name}.{number}")


def require_room(work: Work, entity: Entity, coming: int = 1) -> None:
    """Refuse a second record of an entity that has exactly one.

    Raises:
        InvalidInput: there is one already.
    """
    if not entity.single:
        return
    lock_for(work, f"single:{entity.name}")
    table = work.release.tables[entity.name]
    living = Statement(
        sa.select(table.c.id).where(table.c.deleted_at.is_(None)).order_by(table.c.id).limit(1)
    ).run(work.connection, {})
    if coming > 1 or living.fetchone() is not None:
        raise InvalidInput(
            message=say(
                "There is exactly one {entity}; change that one.",
                "“{entity}”只能有一条记录，请修改已有的那条。",
                entity=entity.label,
            )
        )
