"""Records as the receiver of a message may read them, inside the transaction that tells of them.

Hidden fields are empty, masked ones masked, titles of links that he may not read are empty. What a
template does not name is not asked for. Nothing here decides who gets a message, see ``telling``;
`Readers.readable_by` says who of several people may read a record at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from app.access.principal import SYSTEM, Principal
from app.access.visibility import Keys, bind_values
from app.database.system import share
from app.definitions.catalog import Entity, Field
from app.fields.base import FieldError, ParseContext
from app.fields.worked_out import as_result, result_of
from app.notifications.shown import Shown
from app.records.pages import record_builder
from app.records.planning import Desk
from app.records.prepared import PreparedStatement
from app.records.reading import ReleaseDesks
from app.records.results import Record
from app.records.select import Selector, is_link
from app.records.work import Work

#: What a template names of a record, of what that links to, and so on.
Needs = Mapping[str, "Needs"]

_PERSONAL = frozenset(
    {"me", "subordinates", "departments", "department_tree", "pools", "pools_veiled"}
)
#: Columns of scopes, and what of a person they are compared with.
_OF_PERSON: Mapping[str, Callable[[Principal], Sequence[int | None]]] = {
    "subordinates": lambda who: who.subordinates,
    "departments": lambda who: who.departments,
    "department_tree": lambda who: who.department_tree,
    "me": lambda who: (who.user_id,),
}


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement that reads one record, and what its columns are called."""

    statement: PreparedStatement
    fields: tuple[str, ...]
    #: whether it gives different people with the same roles different rows
    personal: bool


class _Statements:
    """What is compiled for one desk."""

    def __init__(self) -> None:
        #: by entity, fields, and whether the rule of the desk is asked
        self.records: dict[tuple[str, tuple[str, ...], bool], _Compiled] = {}
        self.rows: dict[tuple[str, tuple[str, ...]], _Compiled] = {}
        self.keys: dict[str, Keys | None] = {}


class Readers:
    """Reads records for receivers; one for a process, compiled anew with each release."""

    def __init__(self) -> None:
        self._desks: ReleaseDesks | None = None
        self._statements: WeakKeyDictionary[Desk, _Statements] = WeakKeyDictionary()

    def desk(self, work: Work, principal: Principal) -> Desk:
        """Return what is compiled for somebody's roles."""
        desks = self._desks
        if desks is None or desks.release is not work.release:
            desks = self._desks = ReleaseDesks(work.release)
        return desks.of(principal)

    def _of(self, desk: Desk) -> _Statements:
        found = self._statements.get(desk)
        if found is None:
            found = self._statements[desk] = _Statements()
        return found

    # -- who may read ------------------------------------------------------------------------------

    def readable_by(
        self, work: Work, entity: str, record_id: int, people: Sequence[Principal]
    ) -> list[bool]:
        """Return for each person whether he may read a record, in the bin or not.

        One statement for everybody whose roles decide by owner, department and shares; those with
        conditions are asked for one by one.
        """
        facts: tuple[Any, ...] | None = None
        found = []
        for person in people:
            desk = self.desk(work, person)
            rule = desk.policy.rule("read", entity)
            if rule.is_all or rule.is_none:
                found.append(rule.is_all)
                continue
            kept = self._of(desk).keys
            if entity not in kept:
                kept[entity] = desk.context.visibility.keys(
                    entity, has_shares=desk.context.has_shares
                )
            keys = kept[entity]
            if keys is None or keys.pools:
                found.append(self.record(work, person, entity, record_id, ()) is not None)
                continue
            facts = facts or self._facts(work, entity, record_id)
            found.append(_passes(keys, person, facts))
        return found

    def _facts(self, work: Work, entity: str, record_id: int) -> tuple[Any, ...]:
        """Return owner, department and with whom a record is shared."""
        key = ("notify facts", entity)
        statement = work.rows.cached(key, lambda: PreparedStatement(_facts_of(work, entity)))
        values = {**statement.fixed, "id": record_id, "now": work.now}
        rows = statement.rows(work.connection, values).values
        return rows[0] if rows else (None, None, [])

    # -- one record --------------------------------------------------------------------------------

    def record(
        self,
        work: Work,
        person: Principal,
        entity: str,
        record_id: int,
        names: tuple[str, ...],
        shared: dict[Any, Record] | None = None,
    ) -> Record | None:
        """Return a record as somebody may read it; None: he may not, or there is none.

        Args:
            shared: given where it is known that he may: what people with the same roles read alike
                is read once and kept there.
        """
        desk = self.desk(work, person)
        if not desk.policy.may("read", entity):
            return None
        compiled = self._record(desk, entity, names, ruled=shared is None)
        key = (desk, entity, record_id, names)
        if shared is not None and not compiled.personal and key in shared:
            return shared[key]
        values = parameters(compiled.statement, work, person)
        values["id"] = record_id
        rows = compiled.statement.rows(work.connection, values)
        if not rows.values:
            return None
        found = _build(desk, entity, compiled, rows.names, rows.values[0])
        if shared is not None:
            shared[key] = found
        return found

    def _record(self, desk: Desk, entity: str, names: tuple[str, ...], *, ruled: bool) -> _Compiled:
        kept = self._of(desk).records
        found = kept.get((entity, names, ruled))
        if found is None:
            table = desk.context.table(entity, "t")
            columns = Selector(desk.context, desk.context.source(entity, table)).values(names)
            rows = sa.select(*columns).where(table.c.id == sa.bindparam("id", type_=sa.BigInteger))
            if ruled:
                rows = rows.where(desk.context.rows(entity, table))
            found = kept[(entity, names, ruled)] = _compile(rows, names)
        return found

    def rows(
        self, work: Work, person: Principal, entity: str, parent: int, names: tuple[str, ...]
    ) -> list[Record]:
        """Return the rows of lines of a record that somebody may read."""
        desk = self.desk(work, person)
        kept = self._of(desk).rows
        compiled = kept.get((entity, names))
        if compiled is None:
            table = desk.context.table(entity, "l")
            columns = Selector(desk.context, desk.context.source(entity, table)).values(names)
            rows = (
                sa.select(*columns)
                .where(table.c.parent == sa.bindparam("id", type_=sa.BigInteger))
                .order_by(table.c.position, table.c.id)
            )
            compiled = kept[(entity, names)] = _compile(rows, names)
        values = parameters(compiled.statement, work, person)
        values["id"] = parent
        given = compiled.statement.rows(work.connection, values)
        return [_build(desk, entity, compiled, given.names, row) for row in given.values]


def _compile(rows: sa.Select[Any], names: tuple[str, ...]) -> _Compiled:
    statement = PreparedStatement(rows)
    personal = any(one in _PERSONAL or one.startswith("my_") for one in statement.names)
    return _Compiled(statement, names, personal)


def _build(
    desk: Desk, entity: str, compiled: _Compiled, names: Sequence[str], row: Sequence[Any]
) -> Record:
    build = record_builder(desk, entity, compiled.fields, list(names))
    return build(dict(zip(names, row, strict=True)))


def _facts_of(work: Work, entity: str) -> sa.Select[Any]:
    table = work.release.tables[entity].alias("t")
    with_whom = (
        sa.select(share.c.user_id)
        .where(
            share.c.entity == work.release.numbers[entity],
            share.c.record_id == table.c.id,
            sa.or_(
                share.c.until.is_(None),
                share.c.until > sa.bindparam("now", type_=sa.DateTime(timezone=True)),
            ),
        )
        .scalar_subquery()
    )
    return sa.select(table.c.owner, table.c.owner_department, sa.func.array(with_whom)).where(
        table.c.id == sa.bindparam("id", type_=sa.BigInteger)
    )


def _passes(keys: Keys, person: Principal, facts: tuple[Any, ...]) -> bool:
    owner, department, shared = facts
    if keys.shared and person.user_id in (shared or ()):
        return True
    columns = {"owner": owner, "owner_department": department}
    return any(
        columns.get(column) is not None and columns[column] in _OF_PERSON[parameter](person)
        for column, parameter in keys.columns
    )


def parameters(statement: PreparedStatement, work: Work, person: Principal) -> dict[str, Any]:
    """Return the values of a statement that stand for whoever reads, and for the moment."""
    found = dict(statement.fixed)
    asker = bind_values(person, work.now)
    for name, value in statement.fixed.items():
        if value is not None:
            continue
        if name in asker:
            found[name] = asker[name]
        elif name == "today":
            found[name] = work.today
        elif name.startswith("my_"):
            own = person.my.get(name[3:])
            found[name] = list(own) if isinstance(own, tuple) else own
        elif name.startswith("app_"):
            found[name] = work.release.catalog.app.values.get(name[4:])
    return found


@dataclass(frozen=True, slots=True)
class View:
    """What one receiver sees, in his language; makes the values of templates."""

    readers: Readers
    work: Work
    person: Principal
    language: str
    time_zone: str
    #: where people reach Trellis, before a path
    address: str = ""

    def record(
        self,
        entity: str,
        record_id: int,
        needs: Needs,
        shared: dict[Any, Record] | None = None,
    ) -> Shown | None:
        """Return a record for a template; None: he may not read it. *shared*: see `Readers`."""
        one = self._entity(entity)
        names = self._names(one, needs)
        found = self.readers.record(self.work, self.person, entity, record_id, names, shared)
        return None if found is None else self.shown(one, found, needs)

    def shown(self, entity: Entity, record: Record, needs: Needs) -> Shown:
        """Return a record that was read for a template."""
        reach = partial(self._value, entity, record, needs)
        return Shown(record.id, self.title(entity, record), reach)

    def title(self, entity: Entity, record: Record) -> str:
        """Return what names a record, as far as the receiver may know."""
        if entity.title is None or entity.title not in entity.fields:
            return f"#{record.id}"
        found = self._value(entity, record, {}, entity.title)
        return str(found) if found is not None else ""

    def _entity(self, name: str) -> Entity:
        return self.work.release.catalog.entities[name]

    def _names(self, entity: Entity, needs: Needs) -> tuple[str, ...]:
        readable = self.readers.desk(self.work, self.person).policy.readable(entity.name)
        wanted: dict[str, None] = {}
        if entity.title is not None and entity.title in readable:
            wanted[entity.title] = None
        for name, inner in needs.items():
            field = entity.fields.get(name)
            if field is None or name not in readable or field.type.name == "lines":
                continue
            wanted[name] = None
            currency = field.settings.get("currency")
            if isinstance(currency, str) and currency in readable:
                wanted[currency] = None
            parts = {part.name for part in field.type.parts(field)}
            if parts and not is_link(field):
                wanted.update((f"{name}.{part}", None) for part in inner if part in parts)
        return tuple(wanted)

    # -- values ------------------------------------------------------------------------------------

    def _value(self, entity: Entity, record: Record, needs: Needs, name: str) -> Any:
        """Return what stands behind ``record.`` under a name; None: nothing."""
        if name not in entity.fields:
            return self._of_every_record(entity, record, name)
        field = entity.fields[name]
        if field.type.name == "lines":
            return self._lines(entity, record, needs.get(name, {}), name)
        value = record.values.get(name)
        if value is None or value in ("", []):
            return None
        if name in record.masked:
            return Shown(str(value), str(value))
        if name in record.links:
            return self._linked(field, record.links[name], needs.get(name, {}))
        return self._plain(field, record, value)

    def _of_every_record(self, entity: Entity, record: Record, name: str) -> Any:
        if name == "id":
            return record.id
        if name == "title":
            return self.title(entity, record)
        if name in ("link", "url") and entity.lines_of is None:
            return f"{self.address}/crm/{entity.name}/{record.id}"
        return None

    def before(self, entity: str, row: Mapping[str, Any], needs: Needs) -> Shown:
        """Return a record as its columns were, as far as the receiver may read its fields."""
        one = self._entity(entity)
        policy = self.readers.desk(self.work, self.person).policy
        values = {
            name: field.type.from_columns(field, row)
            for name in needs
            if (field := one.fields.get(name)) is not None
            and policy.is_readable(entity, name)
            and field.type.name not in ("lines", "through")
            and name in row
        }

        def reach(name: str) -> Any:
            value = values.get(name)
            if value is None or value in ("", []):
                return None
            targets = one.fields[name].type.targets(one.fields[name])
            if targets and isinstance(value, int):
                return self.record(targets[0], value, needs.get(name, {}))
            record = Record(entity, row.get("id", 0), values)
            return self._plain(one.fields[name], record, value)

        return Shown(row.get("id"), "", reach)

    def _plain(self, field: Field, record: Record, value: Any) -> Any:
        type_, seen = field.type, field
        if type_.name == "through":
            result, seen = result_of(field)  # type: ignore[assignment]
            try:
                value = result.parse(seen, value, ParseContext(strict=True))
            except FieldError:
                return Shown(value, str(value))
            type_ = result
        elif type_.name in ("formula", "rollup"):
            type_, seen = result_of(field)  # type: ignore[assignment]
            value = as_result(type_, value)
            if currency := field.settings.get("currency"):
                seen = replace(seen, settings={**seen.settings, "currency": currency})
        text = type_.display(seen, value, self.language, self.time_zone, record.values)
        if isinstance(value, datetime):
            value = value.astimezone(ZoneInfo(self.time_zone))
        if isinstance(value, list | tuple):
            return Shown(list(value), text, None)
        return Shown(value, text, partial(self._part, record, field.name))

    def _part(self, record: Record, name: str, part: str) -> Any:
        value = record.values.get(f"{name}.{part}")
        return None if value is None else Shown(value, str(value))

    def _linked(self, field: Field, linked: Any, needs: Needs) -> Any:
        if isinstance(linked, list):
            return [self._one_linked(field, each, needs) for each in linked]
        return self._one_linked(field, linked, needs)

    def _one_linked(self, field: Field, linked: Mapping[str, Any], needs: Needs) -> Shown:
        if "name" in linked:
            return Shown(linked["id"], str(linked["name"]))
        targets = field.type.targets(field)
        target = linked.get("entity", targets[0] if targets else "")
        reach = _Lazy(self, target, linked["id"], needs)
        return Shown(linked["id"], str(linked.get("title") or ""), reach)

    def _lines(self, entity: Entity, record: Record, needs: Needs, name: str) -> list[Shown]:
        rows = f"{entity.name}.{name}"
        if rows not in self.work.release.catalog.entities:
            return []
        one = self._entity(rows)
        names = self._names(one, needs)
        found = self.readers.rows(self.work, self.person, rows, record.id, names)
        return [self.shown(one, each, needs) for each in found]


class _Lazy:
    """What stands behind a link: read when a template first asks for it."""

    __slots__ = ("_asked", "_found", "_id", "_needs", "_target", "_view")

    def __init__(self, view: View, target: str, record_id: int, needs: Needs) -> None:
        self._view = view
        self._target = target
        self._id = record_id
        self._needs = needs
        self._asked = False
        self._found: Shown | None = None

    def __call__(self, name: str) -> Any:
        if not self._asked:
            self._asked = True
            if self._target in self._view.work.release.catalog.entities:
                self._found = self._view.record(self._target, self._id, self._needs)
        return self._found.template_value(name) if self._found is not None else None


def view_of(readers: Readers, work: Work, person: Principal | None, address: str = "") -> View:
    """Return what somebody sees; without a person that of an outsider, who is told what is said."""
    app = work.release.catalog.app
    if person is None:
        return View(readers, work, SYSTEM, app.languages[0], app.time_zone, address)
    return View(readers, work, person, person.language, person.time_zone, address)
