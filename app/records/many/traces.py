"""What many new records leave behind: history, events, and the rows search finds them by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.database import system
from app.definitions.catalog import Entity
from app.records.drafts import Draft
from app.records.grams import search_row
from app.records.journal import changes_as_json, searched_fields
from app.records.many.copying import Copy
from app.records.many.numbers import next_of
from app.records.many.recipe import Recipe
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
Pairs = Sequence[tuple[Draft, Mapping[str, Any]]]


def leave_traces(
    work: Work, entity: Entity, recipe: Recipe, alike: Mapping[str, Any], pairs: Pairs
) -> list[dict[str, Any]]:
    """Write history, events and search rows of new records; return what history keeps of each."""
    _, same = changes_as_json(recipe.alike, {}, recipe.rows.values(alike))
    afters = [recipe.worked_out(row, recipe.history(row, same)) for _, row in pairs]
    ids = next_of(work, system.history, len(pairs))
    rest = {
        "entity": work.number(entity.name), "action": "create", "version": 1,
        "happened_at": work.now, "user_id": work.user_id, "origin": work.origin,
        "cause": work.cause, "change_set": work.change_set, "before": {},
    }  # fmt: skip
    lines = [
        _history.line({**rest, "id": line, "record_id": row["id"], "after": after})
        for line, (_, row), after in zip(ids, pairs, afters, strict=True)
    ]
    _history.write(work.connection, lines)
    _event.write(
        work.connection,
        [
            _event.line({**rest, "record_id": row["id"], "history_id": line})
            for line, (_, row) in zip(ids, pairs, strict=True)
        ],
    )
    _write_search(work, entity, recipe, pairs)
    return afters


def _write_search(work: Work, entity: Entity, recipe: Recipe, pairs: Pairs) -> None:
    title_of, others = _texts(entity, recipe)
    number = work.number(entity.name)
    lines = []
    for _, row in pairs:
        title, text, grams = search_row(title_of(row), [write(row) for write in others])
        lines.append(
            _search.line(
                {
                    "entity": number,
                    "record_id": row["id"],
                    "owner": row.get("owner"),
                    "owner_department": row.get("owner_department"),
                    "title": title,
                    "search": text,
                    "grams": grams,
                }
            )
        )
    _search.write(work.connection, lines)


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
    return lambda row: write(field, read(row))
