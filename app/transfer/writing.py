"""A chunk of rows written through the door, within one transaction.

Rows are written many at a time under one savepoint; only where one of them is refused are they
written one by one, so that a clean file pays for no savepoints of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg import errors as pg

from app.definitions.catalog import Entity
from app.errors import InvalidInput, TrellisError
from app.fields.base import FieldError
from app.fields.normal import normal
from app.records.identities import Identity, identities, ids_by_identity
from app.records.savepoints import savepoint
from app.records.saving import Written
from app.records.violations import as_input_error
from app.records.work import Work
from app.texts import say
from app.transfer.at_once import AtOnce
from app.transfer.cell_texts import kept_values
from app.transfer.plans import Plan, link_between
from app.transfer.refused import RefusedRow, label_of, why_not_made
from app.transfer.rows import Cleaned, Incoming, Reason, RowReader
from app.transfer.seconds import Seconds, Unmade
from app.transfer.standing import Standing
from app.transfer.tables import Row
from app.transfer.tallies import Fault, Tally

#: Rows under one savepoint.
TOGETHER = 50


class ChunkWriter:
    """Writes the rows of one chunk."""

    def __init__(
        self, work: Work, plan: Plan, headings: Sequence[str], reader: RowReader | None = None
    ) -> None:
        """Take what read the rows, if something did that before the transaction began."""
        self._work = work
        self._plan = plan
        self._entity = work.release.catalog.entities[plan.entity]
        self._is_ahead = reader is not None and reader.release is work.release
        if reader is None or not self._is_ahead:
            reader = RowReader(work, plan, headings)
        self._reader = reader
        self._new = AtOnce(work, self._entity, reader.values, plan.always)
        self._seconds = Seconds(work, plan.entity)
        self._standing = Standing(work, self._entity, plan, reader.values)
        #: records by key and by what tells them, those written in this chunk too
        self._known: dict[tuple[str, ...], dict[Identity, list[int]]] = {}
        self._told: dict[int, list[tuple[tuple[str, ...], Identity]]] = {}
        #: records made because a row named them, by entity and title
        self._parents: dict[tuple[str, str], int] = {}

    def write(self, rows: Sequence[Row], cleaned: Cleaned | None = None) -> Tally:
        """Write rows, each by itself: one that is refused keeps no other out."""
        if cleaned is None or not self._is_ahead:
            cleaned = self._reader.clean(rows)
        incoming = self._reader.resolve(self._work, cleaned)
        self._look_up(incoming)
        tally = Tally()
        left = self._of_those_there(self._at_once(incoming, tally), tally)
        for start in range(0, len(left), TOGETHER):
            self._together(left[start : start + TOGETHER], tally)
        return tally

    def _at_once(self, incoming: Sequence[Incoming], tally: Tally) -> list[Incoming]:
        """Write at once whatever makes new records and is in no doubt; return the rest."""
        if self._plan.mode == "update":
            return list(incoming)
        new: list[Incoming] = []
        told: set[tuple[tuple[str, ...], Identity]] = set()
        for one in incoming:
            if one.reasons or one.is_passed:
                continue
            mine = self._told.get(one.row.number, ())
            # The second of two rows about one record finds what the first one made.
            is_known = any(each in told or self._known[each[0]].get(each[1]) for each in mine)
            told.update(mine)
            if not (is_known or one.missing):
                new.append(one)
        made = self._created(new, tally)
        for record_id, one in made.items():
            for key, identity in self._told.get(one.row.number, ()):
                self._known[key].setdefault(identity, []).append(record_id)
            tally.note(
                "created", {"row": one.row.number, "title": self._title(one), "id": record_id}
            )
        done = {one.row.number for one in made.values()}
        self._look_again([one for one in new if one.row.number not in done])
        return [one for one in incoming if one.row.number not in done]

    def _created(self, new: Sequence[Incoming], tally: Tally) -> dict[int, Incoming]:
        """Make records, and those that rows bring beside them; return the rows by record."""
        left = list(new)
        while left:
            try:
                with savepoint(self._work):
                    made = self._new.create(left)
                    others = self._seconds.make(made)
            except Unmade as unmade:
                left = [one for one in left if one.row.number not in unmade.numbers]
                continue
            for name, count in others.items():
                tally.others[name] = tally.others.get(name, 0) + count
            return made
        return {}

    def _of_those_there(self, incoming: list[Incoming], tally: Tally) -> list[Incoming]:
        """Change at once what is there, as far as that is in no doubt; return the rest."""
        if self._plan.mode in ("create", "skip"):
            return incoming
        about = []
        for one in incoming:
            ids = {
                found
                for key, identity in self._told.get(one.row.number, ())
                for found in self._known[key].get(identity, ())
            }
            if len(ids) == 1 and not (one.reasons or one.is_passed):
                about.append((one, ids.pop()))
        same = self._standing.unchanged(about) if about else {}
        done: dict[int, tuple[int, frozenset[str]]] = {
            number: (record_id, frozenset()) for number, record_id in same.items()
        }
        done |= self._standing.changed(
            self._new, [each for each in about if each[0].row.number not in same]
        )
        left = []
        for one in incoming:
            if one.others or one.authored or one.row.number not in done:
                left.append(one)
                continue
            record_id, fields = done[one.row.number]
            sample = {"row": one.row.number, "title": self._title(one), "id": record_id}
            fields_said = sorted(fields & one.values.keys())
            tally.note("updated" if fields else "unchanged", {**sample, "fields": fields_said})
        return left

    def _look_again(self, left: Sequence[Incoming]) -> None:
        """Look for what somebody else made of the same meanwhile."""
        for key in self._plan.match if left else ():
            wanted = {
                identity
                for one in left
                for each, identity in self._told.get(one.row.number, ())
                if each == key
            }
            self._known[key] |= ids_by_identity(self._work, self._entity, key, wanted)

    def _together(self, block: Sequence[Incoming], tally: Tally) -> None:
        # What is refused before anything is written needs no savepoint to be taken back.
        sound = [one for one in block if not one.reasons]
        trial = Tally()
        try:
            with self._undoing():
                for one in sound:
                    self._one(one, trial)
        except (TrellisError, pg.IntegrityError, RefusedRow):
            trial = Tally()
            for one in sound:
                self._alone(one, trial)
        for one in block:
            if one.reasons:
                self._refuse(one, [*one.reasons, *self._unreadable(one)], trial)
        trial.faults.sort(key=lambda fault: fault.row)
        tally.add(trial)

    def _alone(self, one: Incoming, tally: Tally) -> None:
        mine = Tally()
        try:
            with self._undoing():
                self._one(one, mine)
        except RefusedRow as error:
            self._refuse(one, error.reasons, tally)
        except TrellisError as error:
            self._refuse(one, self._reasons(error), tally)
        except pg.IntegrityError as error:
            found = self._reasons(as_input_error(error, self._work.release))
            self._refuse(one, found, tally)
        else:
            tally.add(mine)

    @contextmanager
    def _undoing(self) -> Iterator[None]:
        """Take back what is inside if it fails, and what it meant to cause."""
        known = {key: dict(ids) for key, ids in self._known.items()}
        parents = dict(self._parents)
        try:
            with savepoint(self._work):
                yield
        except BaseException:
            self._known, self._parents = known, parents
            raise

    def _refuse(self, one: Incoming, reasons: Sequence[Reason], tally: Tally) -> None:
        sample = {"row": one.row.number, "title": self._title(one)}
        tally.note("faulty", sample)
        tally.faults.append(Fault(one.row.number, kept_values(one.row.values), tuple(reasons)))

    def _unreadable(self, one: Incoming) -> list[Reason]:
        """Return what else cannot be read in a row that is refused already."""
        context, found = self._work.reading(strict=False), []
        for name, value in one.values.items():
            field_ = self._entity.fields[name]
            try:
                field_.type.parse(field_, value, context)
            except FieldError as error:
                column = self._reader.headings_by_field.get((self._entity.name, name))
                found.append(Reason(error.sentence, column, name))
        return found

    def _title(self, one: Incoming) -> str:
        return str(one.values.get(self._entity.title or "", "") or "")

    def _reasons(self, error: TrellisError) -> list[Reason]:
        """Return what was refused in the words of the file: by its columns."""
        found = []
        columns = self._reader.headings_by_field
        for name, sentences in error.fields.items():
            column = columns.get((self._entity.name, name.partition(".")[0]))
            found += [Reason(label_of(one), column, name) for one in sentences]
        return found or [Reason(label_of(error.message))]

    # -- one row -----------------------------------------------------------------------------------

    def _look_up(self, incoming: Sequence[Incoming]) -> None:
        """Find the records the rows are about, a statement for each key."""
        context = self._work.reading(strict=False)
        for key in self._plan.match:
            wanted: set[Identity] = set()
            for one in incoming:
                values = _parsed(self._entity, key, one.values, context)
                told = identities(self._entity, key, values)
                self._told.setdefault(one.row.number, []).extend((key, each) for each in told)
                wanted.update(told)
            self._known[key] = ids_by_identity(self._work, self._entity, key, wanted)

    def _found(self, one: Incoming) -> int | None:
        for key in self._plan.match:
            ids = {
                found
                for each, identity in self._told.get(one.row.number, ())
                if each == key
                for found in self._known[key].get(identity, ())
            }
            if len(ids) > 1:
                sentence = say(
                    "Belongs to {count} records, numbers {ids}. We do not guess.",
                    "对应 {count} 条记录（编号 {ids}），系统不作猜测。",
                    count=len(ids),
                    ids=", ".join(map(str, sorted(ids)[:5])),
                )
                raise RefusedRow(Reason(sentence))
            if ids:
                return ids.pop()
        return None

    def _one(self, one: Incoming, tally: Tally) -> None:
        sample: dict[str, Any] = {"row": one.row.number, "title": self._title(one)}
        if one.is_passed:
            tally.note("skipped", {**sample, "id": None})
            return
        mode, record_id = self._plan.mode, self._found(one)
        if one.missing and not (record_id and mode in ("create", "skip")):
            self._make_missing(one, tally)
        if record_id is None:
            if mode == "update":
                raise RefusedRow(Reason(say("There is no such record yet.", "还没有这样的记录。")))
            written = self._create(one)
            record_id, outcome = written.id, "created"
            for key, identity in self._told.get(one.row.number, ()):
                self._known[key].setdefault(identity, []).append(record_id)
        elif mode == "create":
            sentence = say(
                "There is one already, number {id}.", "已有相同的记录，编号 {id}。", id=record_id
            )
            raise RefusedRow(Reason(sentence))
        elif mode == "skip":
            outcome = "skipped"
        else:
            written = self._update(record_id, one)
            outcome = "updated" if written.changed else "unchanged"
            sample["fields"] = sorted(written.fields & one.values.keys())
        for entity, values in one.others.items():
            if outcome != "skipped" and self._second(entity, values, record_id, outcome):
                tally.others[entity] = tally.others.get(entity, 0) + 1
        tally.note(outcome, {**sample, "id": record_id})

    def _make_missing(self, one: Incoming, tally: Tally) -> None:
        """Make what the row names and what is not there, and put its number into the row."""
        for each in one.missing:
            parent = self._work.release.catalog.entities[each.entity]
            key = (each.entity, normal(each.title))
            if key not in self._parents:
                raw = {str(parent.title): each.title}
                try:
                    made = self._work.writer.create_in(
                        self._work, each.entity, raw, None, strict=False
                    )
                except TrellisError as error:
                    raise RefusedRow(*why_not_made(each, parent, error)) from error
                self._parents[key] = made.id
                tally.others[each.entity] = tally.others.get(each.entity, 0) + 1
                tally.parents.setdefault(each.entity, set()).add(key[1])
            owner, goes_to = each.goes_to
            is_own = owner is self._entity
            values = one.values if is_own else one.others.setdefault(owner.name, {})
            number = self._parents[key]
            before = values.get(goes_to.name)
            if not goes_to.type.many:
                values[goes_to.name] = number
            elif number not in (before or []):
                values[goes_to.name] = [*(before or []), number]

    def _create(self, one: Incoming) -> Written:
        columns: Callable[[Work], Mapping[str, Any]] | None = None
        if one.authored:
            if not self._work.policy.is_admin:
                sentence = say(
                    "Only administrators may bring the original author and time.",
                    "只有管理员可以导入原始的创建人和创建时间。",
                )
                raise RefusedRow(Reason(sentence))
            authored = one.authored
            columns = lambda _work: authored  # noqa: E731
        raw = {**self._plan.always, **one.values}
        found: Written = self._work.writer.create_in(
            self._work, self._entity.name, raw, columns, strict=False
        )
        return found

    def _update(self, record_id: int, one: Incoming) -> Written:
        """Change a record; an empty cell changes nothing."""
        old: Mapping[str, Any] = {}
        if self._plan.mode == "fill" or any(isinstance(each, dict) for each in one.values.values()):
            rows = self._work.rows[self._entity.name]
            row = rows.read(self._work.connection, [record_id]).get(record_id, {})
            old = rows.values(row) if row else {}
        raw = self._standing.raw(one, old)
        found: Written = self._work.writer.update_in(
            self._work, self._entity.name, record_id, raw, None, strict=False
        )
        return found

    def _second(self, name: str, values: dict[str, Any], record_id: int, outcome: str) -> bool:
        """Write the second record of a row, unless the first has it already."""
        catalog = self._work.release.catalog
        entity, link = catalog.entities[name], link_between(catalog, name, self._entity.name)
        assert link is not None
        title = entity.title
        if outcome != "created" and title in values:
            key = (title, link.name)
            context = self._work.reading(strict=False)
            parsed = _parsed(entity, key, {**values, link.name: record_id}, context)
            told = identities(entity, key, parsed)
            if ids_by_identity(self._work, entity, key, told):
                return False
        raw = {**values, link.name: record_id}
        try:
            self._work.writer.create_in(self._work, name, raw, None, strict=False)
        except InvalidInput as error:
            columns = self._reader.headings_by_field
            reasons = [
                Reason(label_of(sentence), columns.get((name, each)), f"{name}.{each}")
                for each, sentences in error.fields.items()
                for sentence in sentences
            ]
            raise RefusedRow(*(reasons or self._reasons(error))) from error
        return True


def _parsed(
    entity: Entity, key: Sequence[str], raw: Mapping[str, Any], context: Any
) -> dict[str, Any]:
    """Return the values a record is told by; what cannot be read tells nothing."""
    found: dict[str, Any] = {}
    for path in key:
        name = path.partition(".")[0]
        value = raw.get(name)
        if value is None:
            continue
        one = entity.fields[name]
        try:
            found[name] = (
                value if one.type.name == "serial" else one.type.parse(one, value, context)
            )
        except FieldError:
            continue
    return found
