"""New records before anything is written: what was not said, and whether anything is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.definitions.catalog import Entity, Field
from app.errors import TrellisError
from app.expressions.tree import Path
from app.fields.serial import fields_of
from app.records import stages
from app.records.checking import is_empty
from app.records.conditions import Linked, WriteContext
from app.records.drafts import Draft, Problems
from app.records.work import Work


class Beginning:
    """The drafts of one call."""

    def __init__(self, work: Work, entity: Entity) -> None:
        self._work = work
        self._entity = entity
        self._rows = work.rows[entity.name]
        self._hears = work.reactions.concerns(work, entity.name)
        self._linked = Linked(work)
        lists = self._rows.lists
        self._needed = [one.name for one in lists.always_required]
        self._in_numbers = [
            path
            for field in lists.serials
            for path in fields_of(field.settings.get("format") or "{####}")
        ]

    def begin(self, drafts: Sequence[Draft]) -> list[Draft]:
        """Give drafts what was not said; return those in which nothing is missing."""
        return [draft for draft in drafts if self._is_whole(draft)]

    def _is_whole(self, draft: Draft) -> bool:
        problems = Problems()
        try:
            self._fill_in(draft, problems)
        except TrellisError:
            return False
        changes = draft.changes
        return (
            not problems
            and not any(is_empty(changes.get(name)) for name in self._needed)
            and not any(self._lacks(changes, path) for path in self._in_numbers)
        )

    def _fill_in(self, draft: Draft, problems: Problems) -> None:
        work, lists = self._work, self._rows.lists
        given = draft.changes
        draft.changes = {**lists.fixed_defaults, **given}
        for name, value in given.items():
            if value is None and name not in draft.given and name in lists.fixed_defaults:
                draft.changes[name] = lists.fixed_defaults[name]
        for field in lists.computed_defaults:
            if draft.changes.get(field.name) is None and field.name not in draft.given:
                draft.changes[field.name] = self._worked_out(draft, field)
        if lists.stages:
            stages.begin(work, draft, lambda: self._seen(draft))
        if self._hears:
            work.reactions.before_write(work, draft, None, problems)
        if lists.stages:
            stages.enter(work, draft, lambda: self._seen(draft), problems)

    def _worked_out(self, draft: Draft, field: Field) -> Any:
        """Return a default; one that leads through an empty link needs no working out."""
        default: Any = field.default
        root = default.root
        if isinstance(root, Path) and not root.root:
            first, _, rest = root.dotted.partition(".")
            if rest and first in self._entity.fields and draft.changes.get(first) is None:
                return None
        return self._work.rows.closures.of(default)(self._seen(draft))

    def _seen(self, draft: Draft) -> WriteContext:
        columns = self._rows.column_values(draft.changes)
        return WriteContext(self._work, self._linked, self._entity, columns, None)

    @staticmethod
    def _lacks(changes: dict[str, Any], path: str) -> bool:
        name, _, part = path.partition(".")
        value = changes.get(name)
        return is_empty(value.get(part) if part and isinstance(value, dict) else value)
