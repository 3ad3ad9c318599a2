"""Who the people are that a workflow names, at the moment it asks.

``to``, ``cc``, ``approver``, ``admins`` and ``members`` say it in words (`Person`); here they
become users and addresses. People who are away are passed over, and their deputies come instead.
Nothing here sends, assigns or asks anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.access.membership import is_meant, user_called
from app.automation.absences import away_now, deputy_of
from app.definitions.automation import Person
from app.definitions.catalog import Entity
from app.expressions.tree import Checked
from app.expressions.types import Kind, Type
from app.records.conditions import Linked, WriteContext
from app.records.linesets import load_lines
from app.records.work import Work

#: A record: its entity, and its columns.
Row = tuple[Entity, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody to be reached: a user, or an address outside."""

    user_id: int | None = None
    address: str | None = None
    name: str = ""
    #: away or no longer here; only where absent people are not passed over
    absent: bool = False


def resolve(
    work: Work,
    persons: Sequence[Person],
    evaluate: Callable[[Checked], Any],
    *,
    pass_over_absent: bool = True,
    record: Row | None = None,
    chosen: Iterable[int] = (),
) -> list[Recipient]:
    """Return whom *persons* mean now, each once, in order; an empty list where nobody is left.

    Args:
        evaluate: works an expression out about the record at hand.
        pass_over_absent: people who are away give way to their deputies, or are left out; without
            it they are returned as they are, and so are those named who do not work here any more.
        record: the record at hand, for people behind its lines and its links of many.
        chosen: whom the submitter chose, for ``chosen from role``.
    """
    finder = _Finder(work, evaluate, record, tuple(chosen))
    found: dict[int | str, Recipient] = {}
    for person in persons:
        for one in finder.of(person):
            for recipient in _present(work, one, pass_over_absent=pass_over_absent):
                key = recipient.address if recipient.user_id is None else recipient.user_id
                assert key is not None
                found.setdefault(key.casefold() if isinstance(key, str) else key, recipient)
    return list(found.values())


def user_ids(
    work: Work,
    persons: Sequence[Person],
    evaluate: Callable[[Checked], Any] | None = None,
    *,
    pass_over_absent: bool = False,
) -> list[int]:
    """Return the users among *persons*; without *evaluate* those that no record decides about."""
    evaluate = evaluate or (lambda _checked: None)
    found = resolve(work, persons, evaluate, pass_over_absent=pass_over_absent)
    return [one.user_id for one in found if one.user_id is not None]


def _present(work: Work, one: Recipient, *, pass_over_absent: bool) -> Iterator[Recipient]:
    """Give a recipient, or who stands in, or nobody."""
    if one.user_id is None:
        yield one
        return
    snapshot = work.organisation.snapshot()
    person = snapshot.people.get(one.user_id)
    if person is None:
        return
    is_away = not person.active or one.user_id in away_now(work)
    if not is_away or not pass_over_absent:
        yield Recipient(one.user_id, None, person.name, absent=is_away)
        return
    deputy = deputy_of(work, one.user_id)
    if deputy is not None:
        yield Recipient(deputy, None, snapshot.people[deputy].name)


@dataclass(frozen=True, slots=True)
class _Finder:
    work: Work
    evaluate: Callable[[Checked], Any]
    record: Row | None
    chosen: tuple[int, ...]

    def of(self, person: Person) -> Iterator[Recipient]:
        snapshot = self.work.organisation.snapshot()
        if person.kind == "address":
            yield Recipient(address=person.name)
        elif person.kind == "user":
            user = user_called(snapshot, person.name)
            if user is not None:
                yield Recipient(user)
        elif person.kind in ("role", "department"):
            for each in sorted(snapshot.people):
                user_ = snapshot.people[each]
                if user_.active and is_meant(snapshot, person, user_):
                    yield Recipient(each)
        elif person.kind == "chosen":
            yield from (Recipient(each) for each in self.chosen)
        elif person.kind == "head":
            yield from self._head(person)
        else:
            yield from self._on_path(person)

    def _head(self, person: Person) -> Iterator[Recipient]:
        assert person.path is not None
        department = self.evaluate(person.path)
        head = self.work.organisation.snapshot().head_of(department)
        if head is not None:
            yield Recipient(head)

    def _on_path(self, person: Person) -> Iterator[Recipient]:
        assert person.path is not None
        if not person.over:
            yield from self._reached(self.evaluate(person.path), person.path.type)
            return
        if self.record is None:
            return
        entity, row = self.record
        linked = Linked(self.work)
        function = self.work.rows.closures.of(person.path)
        for inner, each in self._rows_over(entity, row, person.over, linked):
            context = WriteContext(self.work, linked, inner, each, parent=(entity, row))
            yield from self._reached(function(context), person.path.type)

    def _rows_over(
        self, entity: Entity, row: Mapping[str, Any], over: str, linked: Linked
    ) -> Iterator[Row]:
        field = entity.fields[over]
        if field.type.name == "lines":
            inner = self.work.release.catalog.entities[f"{entity.name}.{over}"]
            for each in load_lines(self.work, entity, int(row["id"])).get(over, ()):
                yield inner, each
            return
        for target in field.type.targets(field)[:1]:
            for record_id in field.type.from_columns(field, row) or ():
                found = linked.row(target, record_id)
                if found is not None:
                    yield self.work.release.catalog.entities[target], found

    def _reached(self, value: Any, type_: Type | None) -> Iterator[Recipient]:
        """Give who a value names: users, records with a way to reach them, addresses."""
        if value is None or value == "":
            return
        if isinstance(value, Mapping):
            yield from self._reached(value.get("email"), None)
        elif isinstance(value, str):
            yield Recipient(address=value)
        elif isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str):
            yield from self._by_record(value[0], value[1])
        elif isinstance(value, list | tuple | set | frozenset):
            item = type_.item if type_ is not None and type_.kind is Kind.many else type_
            for each in value:
                yield from self._reached(each, item)
        elif isinstance(value, int) and not isinstance(value, bool):
            names = type_.entities if type_ is not None and type_.kind is Kind.record else ()
            yield from self._by_record(names[0] if names else "user", value)

    def _by_record(self, name: str, record_id: int) -> Iterator[Recipient]:
        """Give the user, or the first way in which another record says it can be reached."""
        if name == "user":
            yield Recipient(record_id)
            return
        entity = self.work.release.catalog.entities[name]
        row = Linked(self.work).row(name, record_id)
        for field in entity.fields.values() if row is not None else ():
            if field.built_in or field.removed or field.type.name not in _REACHABLE:
                continue
            assert row is not None
            value = field.type.from_columns(field, row)
            value = value[0] if isinstance(value, list) and value else value
            if value:
                called = str(row.get(entity.title or "") or "")
                for one in self._reached(value, field.value):
                    yield one if one.user_id is not None else Recipient(None, one.address, called)
                return


#: Fields by which a record that is no user can be reached, see ``workflow_people``.
_REACHABLE = ("email", "emails", "user")
