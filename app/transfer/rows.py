"""Rows of a file as what people would type into a form: cleaned, links and people found.

What rows name is looked up for a whole chunk at once, as whoever imports. Nothing is written here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from operator import is_
from typing import Any

from app.definitions.automation import Given
from app.definitions.catalog import Entity, Field
from app.fields.base import FieldError
from app.fields.normal import normal
from app.fields.reading import shown
from app.records.conditions import Linked, WriteContext
from app.records.giving import given_value, written_context
from app.records.identities import ids_by_text
from app.records.work import Work
from app.texts import Label, say
from app.transfer.cleaning import Cleaning
from app.transfer.columns import Column, Turns, columns_of, each_once, filled, over, straight_on
from app.transfer.plans import Plan, column_of, made_of, passed_over, target_of
from app.transfer.tables import BadCell, Row
from app.transfer.values import REFUSED, ValueReader

_SEVERAL = re.compile(r"[,，;；、|\n]+")
_NUMBER = re.compile(r"#?(\d{1,18})\Z", re.ASCII)
#: After so many rows others may have a turn: a millisecond or two.
_ROWS = 500
#: A file brings these only for those who administer, since history would name another.
AUTHORED = ("created_at", "created_by")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a row cannot go in."""

    sentence: Label
    column: str | None = None
    field: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return {"column": self.column, "field": self.field, "say": dict(self.sentence.texts)}


@dataclass(frozen=True, slots=True)
class Missing:
    """A record that a row names and that is to be made before the row is written."""

    #: what is made, and its title
    entity: str
    title: str
    #: where its number goes
    goes_to: tuple[Entity, Field]
    column: str


class Incoming:
    """One row, read: values by field of the record, and of the second records it brings."""

    __slots__ = ("authored", "is_passed", "is_sound", "missing", "others", "read", "reasons",
                 "row", "values")  # fmt: skip

    def __init__(self, row: Row) -> None:
        self.row = row
        self.values: dict[str, Any] = {}
        #: of those that name nobody, what their fields read
        self.read: dict[str, Any] = {}
        #: whether those were taken as they are
        self.is_sound = False
        self.others: dict[str, dict[str, Any]] = {}
        #: author and time
        self.authored: dict[str, Any] = {}
        #: what is made before the row is
        self.missing: list[Missing] = []
        #: a value says that the row is none to import
        self.is_passed = False
        self.reasons: list[Reason] = []


@dataclass(frozen=True, slots=True)
class _Target:
    """A column, and where its values go."""

    place: int
    heading: str
    entity: Entity
    field: Field
    part: str
    cleaning: Cleaning
    by: str | None
    otherwise: Any
    #: what is not found is left empty, or what stands in for it
    has_otherwise: bool
    #: what is made where it is named and not there
    makes: Entity | None

    @property
    def names_records(self) -> bool:
        return bool(self.field.type.targets(self.field)) and self.field.type.name != "any_link"


@dataclass(slots=True)
class Cleaned:
    """The rows of a chunk before it is known whom they name."""

    found: list[Incoming]
    #: columns that name records, as they were cleaned
    named: list[tuple[_Target, Column]]


class RowReader:
    """Reads rows with one plan, for whoever writes in a transaction."""

    def __init__(self, work: Work, plan: Plan, headings: Sequence[str]) -> None:
        self._work = work
        self._context = work.reading(strict=False)
        #: on which the rows were read
        self.release = work.release
        self.values = ValueReader(work.release.catalog.entities[plan.entity], self._context)
        self._plan = plan
        self._headings = tuple(headings)
        places = {heading: place for place, heading in enumerate(headings)}
        self.targets = [
            self._target(places[heading], heading) for heading in plan.columns if heading in places
        ]
        self._main = work.release.catalog.entities[plan.entity]
        self.headings_by_field = {
            (one.entity.name, one.field.name): one.heading for one in reversed(self.targets)
        }
        self._skips = [
            (
                places[one.column],
                Cleaning(steps=one.clean),
                {normal(value) for value in one.skip_if if value != "empty"},
                "empty" in one.skip_if,
            )
            for one in passed_over(work.release.catalog, plan, headings)
        ]

    def _target(self, place: int, heading: str) -> _Target:
        catalog = self._work.release.catalog
        column = column_of(catalog, self._plan, heading)
        entity, goes_to, part = target_of(catalog, self._plan.entity, column.path)
        otherwise = self._given(column.otherwise, entity, goes_to)
        cleaning = Cleaning(
            steps=column.clean,
            split=column.split,
            take=column.take,
            join=column.join,
            between=column.between,
            map=column.map,
            otherwise=otherwise if column.map else None,
            default=self._given(column.default, entity, goes_to),
        )
        makes = made_of(catalog, self._plan, column.path) if column.create else None
        return _Target(place, heading, entity, goes_to, part, cleaning, column.by, otherwise,
                       column.otherwise is not None, makes)  # fmt: skip

    def _given(self, given: Given | None, entity: Entity, goes_to: Field) -> Any:
        """Return what stands in for a value: as written, or worked out and as the API has it."""
        if given is None:
            return None
        if given.checked is None and given.by is None:
            return given.raw
        work = self._work
        context = WriteContext(work, Linked(work), entity, {}, None)
        value = given_value(
            given,
            goes_to,
            lambda checked: work.rows.closures.of(checked)(context),
            written_context(work.release.catalog.app),
        )
        return None if value is None else goes_to.type.to_json(goes_to, value)

    def read(self, rows: Sequence[Row]) -> list[Incoming]:
        """Return the rows of a chunk, in order."""
        return self.resolve(self._work, self.clean(rows))

    def clean(self, rows: Sequence[Row], turns: Turns = straight_on) -> Cleaned:
        """Return the rows of a chunk as far as that needs no database.

        Args:
            turns: passes items on, and gives way to others on the way.
        """
        found = [Incoming(row) for row in rows]
        texts = self._without_bad(found, columns_of(rows, len(self._headings)))
        if self._skips:
            for one, cells in zip(found, zip(*texts, strict=True), strict=True):
                one.is_passed = self._is_passed(cells)
        named: list[tuple[_Target, Column]] = []
        own: dict[str, Column] = {}
        parts: dict[str, dict[str, Column]] = {}
        for target in self.targets:
            column, name = self._cleaned(target, texts, turns), target.field.name
            if target.names_records:
                named.append((target, column))
            elif target.entity is not self._main or name in AUTHORED:
                for one, value in zip(found, column, strict=True):
                    self._put(one, target, value)
            elif target.part:
                parts.setdefault(name, {})[target.part] = column
            else:
                own[name] = over(own.get(name), column)
        for name, each in parts.items():
            names = tuple(each)
            column = [filled(names, cells) or None for cells in zip(*each.values(), strict=True)]
            own[name] = over(column, own[name]) if name in own else column
        self._fill(found, own, turns)
        return Cleaned(found, named)

    def _fill(self, found: Sequence[Incoming], own: Mapping[str, Column], turns: Turns) -> None:
        """Put the fields of the records into the rows, with what they read."""
        read = {name: self.values.column(name, column, turns) for name, column in own.items()}
        names = tuple(own)
        if own:
            cells = zip(*own.values(), strict=True)
            rows = zip(found, cells, zip(*read.values(), strict=True), strict=True)
            for one, written, values in turns(rows, _ROWS):
                one.values = filled(names, written)
                one.read = filled(names, values)
        for one in found:
            one.is_sound = not (one.reasons or one.is_passed)
        for column in read.values():
            if any(map(is_, column, repeat(REFUSED))):
                for one, value in zip(found, column, strict=True):
                    one.is_sound = one.is_sound and value is not REFUSED

    def resolve(self, work: Work, cleaned: Cleaned) -> list[Incoming]:
        """Return rows with the numbers of the records and people they name."""
        self._work = work
        for target, column in cleaned.named:
            self._name(cleaned.found, target, column)
        for one in cleaned.found:
            if one.is_passed:
                one.reasons.clear()
        return cleaned.found

    def _cleaned(self, target: _Target, texts: Sequence[Column], turns: Turns) -> list[Any]:
        """Return a column as its field reads it; what comes again is cleaned once."""
        cleaning = target.cleaning
        if not cleaning.join:
            return each_once(cleaning.alone(), texts[target.place], turns)
        rows = (dict(zip(self._headings, cells, strict=True)) for cells in zip(*texts, strict=True))
        return [cleaning.clean(others[target.heading], others) for others in rows]

    def _without_bad(self, found: Sequence[Incoming], texts: list[Column]) -> list[Column]:
        """Note what could not be read in the columns that are taken; return them without that."""
        bad = {place for place, column in enumerate(texts) if BadCell in map(type, column)}
        for target in self.targets if bad else ():
            if target.place not in bad:
                continue
            for one, value in zip(found, texts[target.place], strict=True):
                if isinstance(value, BadCell):
                    one.reasons.append(Reason(value.sentence, target.heading, target.field.name))
        for place in bad:
            texts[place] = [None if isinstance(one, BadCell) else one for one in texts[place]]
        return texts

    def _is_passed(self, texts: Sequence[Any]) -> bool:
        for place, cleaning, values, is_empty in self._skips:
            value = cleaning.clean(texts[place], {})
            if is_empty if value is None else normal(str(value)) in values:
                return True
        return False

    def _put(self, one: Incoming, target: _Target, value: Any) -> None:
        if value is None:
            return
        is_main = target.entity is self._main
        if is_main and target.field.name in AUTHORED:
            context = self._context
            try:
                one.authored[target.field.name] = target.field.type.parse(
                    target.field, value, context
                )
            except FieldError as error:
                one.reasons.append(Reason(error.sentence, target.heading, target.field.name))
            return
        goes = one.values if is_main else one.others.setdefault(target.entity.name, {})
        if target.part:
            goes.setdefault(target.field.name, {})[target.part] = value
        else:
            goes[target.field.name] = value

    # -- links and people --------------------------------------------------------------------------

    def _name(self, found: list[Incoming], target: _Target, column: Column) -> None:
        """Put the numbers of what a column names into the rows."""
        lists = [self._texts(target, value) for value in column]
        # No record is called by what no database keeps.
        wanted = {
            text for texts in lists for text in texts if isinstance(text, str) and "\0" not in text
        }
        known = self._known(target, wanted)
        for one, texts in zip(found, lists, strict=True):
            ids: list[Any] = []
            for text in texts:
                if isinstance(text, int):
                    ids.append(text)
                    continue
                matches = known.get(text, [])
                if len(matches) == 1:
                    ids += matches
                elif target.has_otherwise and not target.cleaning.map:
                    ids += [target.otherwise] if target.otherwise is not None else []
                elif target.makes is not None and not matches:
                    goes_to = (target.entity, target.field)
                    one.missing.append(Missing(target.makes.name, text, goes_to, target.heading))
                else:
                    one.reasons.append(self._not_one(target, text, len(matches)))
            if ids:
                self._put(one, target, ids if target.field.type.many else ids[0])

    def _texts(self, target: _Target, value: Any) -> list[Any]:
        if value is None:
            return []
        if isinstance(value, list):
            return value
        if isinstance(value, str) and target.field.type.many:
            return [part.strip() for part in _SEVERAL.split(value) if part.strip()]
        return [value]

    def _known(self, target: _Target, wanted: set[str]) -> dict[str, list[int]]:
        name = target.field.type.targets(target.field)[0]
        snapshot = self._work.organisation.snapshot()
        if name == "user":
            return _people(snapshot.people.values(), target.by, wanted)
        if name == "department":
            by_name: dict[str, list[int]] = {}
            for number, called in snapshot.department_names.items():
                by_name.setdefault(normal(called), []).append(number)
            return {text: by_name[normal(text)] for text in wanted if normal(text) in by_name}
        entity = self._work.release.catalog.entities[name]
        found: dict[str, list[int]] = {}
        for field_name in self._told_by(entity, target.by):
            missing = wanted - found.keys()
            found |= ids_by_text(self._work, entity, field_name, missing)
        if target.by in (None, "id"):
            for text in wanted - found.keys():
                digits = _NUMBER.match(text)
                if digits and (target.by == "id" or text.startswith("#")):
                    found[text] = [int(digits[1])]
        return found

    def _told_by(self, entity: Entity, by: str | None) -> list[str]:
        """Return the fields by which a linked record is told, in order."""
        codes = [
            one.name
            for one in entity.fields.values()
            if not one.removed and not one.built_in
            and (one.type.name == "serial" or (one.unique and one.name != entity.title))
        ]  # fmt: skip
        title = [entity.title] if entity.title else []
        return {None: [*title, *codes], "title": title, "name": title, "code": codes}.get(by, [])

    def _not_one(self, target: _Target, text: str, count: int) -> Reason:
        entity = self._work.release.catalog.entities[target.field.type.targets(target.field)[0]]
        sentence = (
            say(
                "“{text}” is the name of several: {entity}. We do not guess.",
                "有多个{entity}叫“{text}”，系统不作猜测。",
                text=shown(str(text)),
                entity=entity.label,
            )
            if count
            else say(
                "There is no {entity} “{text}”, or you may not see it.",
                "没有名为“{text}”的{entity}，或者您无权查看。",
                text=shown(str(text)),
                entity=entity.label,
            )
        )
        return Reason(sentence, target.heading, target.field.name)


def _people(people: Iterable[Any], by: str | None, wanted: set[str]) -> dict[str, list[int]]:
    """Return users by sign-in name, e-mail or name: the first of these that is somebody's."""
    kinds = (by,) if by in ("login", "email", "name") else ("login", "email", "name")
    found: dict[str, list[int]] = {}
    listed = [one for one in people if one.active]
    for kind in kinds:
        by_value: dict[str, list[int]] = {}
        for one in listed:
            value = one.name if kind == "name" else one.record.get(kind)
            if value:
                by_value.setdefault(normal(str(value)), []).append(one.id)
        for text in wanted - found.keys():
            if normal(text) in by_value:
                found[text] = by_value[normal(text)]
    return found
