"""What the first rows of a file hold, read with a plan: what is unreadable, and how rows look.

Nothing is written and nothing is checked that needs the whole record: that is what a dry run does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.definitions.catalog import Field
from app.fields.base import FieldError
from app.records.work import Work
from app.texts import Label
from app.transfer.cell_texts import plain
from app.transfer.plans import Plan
from app.transfer.rows import Incoming, RowReader
from app.transfer.tables import Row

#: Values of a column that are named; of rows that are shown as they will be.
_NAMED, _SHOWN = 40, 5


@dataclass(slots=True)
class Unread:
    """A value that cannot be read, how often it stands there, and why."""

    value: str
    count: int
    sentence: Label


@dataclass(slots=True)
class ColumnSurvey:
    """What one column holds."""

    filled: int = 0
    unread: dict[str, Unread] = field(default_factory=dict)
    #: records that will be made because rows name them
    made: set[str] = field(default_factory=set)

    @property
    def bad(self) -> int:
        """Return how many cells cannot be read."""
        return sum(one.count for one in self.unread.values())


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as it will be."""

    text: str
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Survey:
    """Columns by heading, and the first rows as they will be, by the headings of the plan."""

    columns: Mapping[str, ColumnSurvey]
    headings: Sequence[str]
    rows: Sequence[tuple[int, Sequence[Cell]]]
    looked_at: int
    passed: int


def survey(work: Work, plan: Plan, headings: Sequence[str], rows: Sequence[Row]) -> Survey:
    """Return what is in the columns that go somewhere."""
    reader = RowReader(work, plan, headings)
    incoming = reader.read(rows)
    places = {heading: place for place, heading in enumerate(headings)}
    targets = sorted(reader.targets, key=lambda one: one.place)
    goes_to = {one.heading: (one.entity.name, one.field, one.part) for one in targets}
    columns = {heading: ColumnSurvey() for heading in goes_to}
    context = work.reading(strict=False)
    shown: list[tuple[int, list[Cell]]] = []
    for one in incoming:
        if one.is_passed:
            continue
        told = {reason.column: reason.sentence for reason in one.reasons}
        makes = {each.column: each.title for each in one.missing}
        cells: list[Cell] = []
        for heading, (entity, field_, part) in goes_to.items():
            cell = plain(one.row.values[places[heading]])
            text = "" if cell is None else str(cell)
            found = columns[heading]
            found.filled += bool(text)
            value, sentence = _value(one, plan, entity, field_, part), told.get(heading)
            if heading in makes:
                found.made.add(makes[heading])
            if sentence is None and not part and not field_.type.targets(field_):
                value, sentence = _read(field_, value, context)
            if sentence is not None:
                _note(found, text, sentence)
            is_named = bool(part) or bool(field_.type.targets(field_))
            as_written = str(value) if part and value is not None else text
            shown_text = (
                as_written if is_named or sentence is not None else _shown(work, field_, value)
            )
            cells.append(Cell(shown_text, sentence is not None))
        if len(shown) < _SHOWN:
            shown.append((one.row.number, cells))
    passed = sum(one.is_passed for one in incoming)
    return Survey(columns, tuple(goes_to), shown, len(incoming), passed)


def _note(found: ColumnSurvey, text: str, sentence: Label) -> None:
    if text in found.unread:
        found.unread[text].count += 1
    elif len(found.unread) < _NAMED:
        found.unread[text] = Unread(text[:200], 1, sentence)
    else:
        # The last one stands for all that are not named.
        next(reversed(found.unread.values())).count += 1


def _value(one: Incoming, plan: Plan, entity: str, field_: Field, part: str) -> Any:
    if entity == plan.entity and field_.name in one.authored:
        return one.authored[field_.name]
    values = one.values if entity == plan.entity else one.others.get(entity, {})
    value = values.get(field_.name)
    return value.get(part) if part and isinstance(value, Mapping) else value


def _read(field_: Field, value: Any, context: Any) -> tuple[Any, Label | None]:
    if value is None:
        return None, None
    try:
        return field_.type.parse(field_, value, context), None
    except FieldError as error:
        return value, error.sentence


def _shown(work: Work, field_: Field, value: Any) -> str:
    """Return a value that was read as people read it."""
    if value is None:
        return ""
    principal = work.principal
    zone = principal.time_zone or "UTC"
    return str(field_.type.display(field_, value, principal.language, zone))
