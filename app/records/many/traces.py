"""What many new records leave behind: history, events, and the rows search finds them by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from app.database import system
from app.definitions.catalog import Entity
from app.fields.base import FieldType
from app.records.drafts import Draft
from app.records.grams import search_row
from app.records.journal import changes_as_json, searched_fields
from app.records.many.copying import EMPTY, Copy
from app.records.many.numbers import next_of
from app.records.many.recipe import Recipe
from app.records.statements import json_text
from app.records.work import Work

_history = Copy(
    system.history,
    (
        "id", "entity", "record_id", "action", "version", "happened_at", "user_id", "origin",
        "cause", "change_set", "before", "after",
    ),
)  # fmt: skip
_event = Copy(system.event, ("entity", "record_id", "action", "history_id", "happened_at"))
_search = Copy(
    system.search,
    ("entity", "record_id", "owner", "owner_department", "title", "search", "grams"),
)
#: So many are made while the server writes those before.
_PART = 250
Pairs = Sequence[tuple[Draft, Mapping[str, Any]]]


def leave_traces(
    work: Work, entity: Entity, recipe: Recipe, alike: Mapping[str, Any], pairs: Pairs
) -> list[dict[str, Any]]:
    """Write history, events and search rows of new records; return what history keeps of each."""
    _, same = changes_as_json(recipe.alike, {}, recipe.rows.values(alike))
    ids = next_of(work, system.history, len(pairs))
    number, now = str(work.number(entity.name)), work.now.isoformat()
    rest = [_cell(each) for each in (work.user_id, work.origin, work.cause, work.change_set)]
    afters: list[dict[str, Any]] = []

    def of_history() -> Iterator[str]:
        for start in range(0, len(pairs), _PART):
            rows = [row for _, row in pairs[start : start + _PART]]
            found = recipe.histories(rows, same)
            afters.extend(found)
            for line, row, after in zip(ids[start : start + _PART], rows, found, strict=True):
                record = str(row["id"])
                yield _history.joined(
                    [str(line), number, record, "create", "1", now, *rest, "{}", json_text(after)]
                )

    _history.write(work.connection, of_history())
    events = (
        _event.joined([number, str(row["id"]), "create", str(line), now])
        for line, (_, row) in zip(ids, pairs, strict=True)
    )
    _event.write(work.connection, events)
    _search.write(work.connection, _search_lines(entity, recipe, number, pairs))
    return afters


def _cell(value: Any) -> str:
    return EMPTY if value is None else str(value)


def _search_lines(entity: Entity, recipe: Recipe, number: str, pairs: Pairs) -> Iterator[str]:
    title_of, others = _texts(entity, recipe)
    for _, row in pairs:
        title, text, grams = search_row(title_of(row), [write(row) for write in others])
        owner, department = _cell(row.get("owner")), _cell(row.get("owner_department"))
        # Pieces are ideographs or pinyin, so nothing in them has to be escaped.
        pieces = "{" + ",".join(grams) + "}"
        yield _search.joined([number, str(row["id"]), owner, department, title, text, pieces])


Text = Callable[[Mapping[str, Any]], str]


def _texts(entity: Entity, recipe: Recipe) -> tuple[Text, list[Text]]:
    """Return what gives the title of a row, and the other texts it is found by."""
    title = entity.fields.get(entity.title or "")
    others = [
        _text(entity.fields[name].type.search_text, recipe, name)
        for name in searched_fields(entity)
        if name != entity.title
    ]
    if title is None:
        return lambda row: f"#{row['id']}", others
    display = title.type.display
    return _text(lambda field, value: display(field, value, "en"), recipe, title.name), others


def _text(write: Callable[[Any, Any], str], recipe: Recipe, name: str) -> Text:
    field, read = recipe.rows.entity.fields[name], recipe.rows.reader(name)
    if type(field.type).from_columns is FieldType.from_columns:
        return lambda row: write(field, row[name])
    return lambda row: write(field, read(row))
