"""The statements by which receivers of messages read a record, in the transaction of the writer.

They are those of the receiver's own rule and fields; what is not asked for is not read. Nothing
here decides who gets a message, see ``telling``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from app.access.principal import Principal
from app.access.visibility import Keys, bind_values
from app.database.system import share
from app.records.pages import record_builder
from app.records.planning import Desk
from app.records.prepared import PreparedStatement
from app.records.reading import ReleaseDesks
from app.records.results import Record
from app.records.select import Selector
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
