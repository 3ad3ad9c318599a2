"""Who listens to writes, in their order; put together once for a process.

Order: the lock of approvals, quotas, rules on events, reminders, pools, approvals. Each part is an
object with the two methods of `Part`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from app.errors import RuleFailed
    from app.records.drafts import Draft, Problems
    from app.records.reactions import Change, Happening, NewRecords
    from app.records.saving import Saving
    from app.records.work import Work


class Part(Protocol):
    """One listener. It may also have what else `Reactions` has.

    One that has ``amend`` says by ``amends`` when; without ``after_many`` it hears of many new
    records one after the other.

    The answer of ``concerns(work, entity)`` is kept for a release.
    """

    def before_write(
        self, work: Work, draft: Draft, old_row: Mapping[str, Any] | None, problems: Problems
    ) -> None:
        """See `Reactions`."""

    def after_write(self, work: Work, change: Change) -> None:
        """See `Reactions`."""


class Composed:
    """Several listeners as one; who cares for an entity is asked once for a release."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = tuple(parts)
        self._kept: tuple[object, dict[str, tuple[Part, ...]]] = (None, {})

    def _of(self, work: Work, entity: str) -> tuple[Part, ...]:
        release, by_entity = self._kept
        if release is not work.release:
            by_entity = {}
            self._kept = (work.release, by_entity)
        found = by_entity.get(entity)
        if found is None:
            found = by_entity[entity] = tuple(
                part for part in self._parts if _concerns(part, work, entity)
            )
        return found

    def concerns(self, work: Work, entity: str) -> bool:
        """Return whether any part listens to the entity."""
        return bool(self._of(work, entity))

    def before_write(
        self, work: Work, draft: Draft, old_row: Mapping[str, Any] | None, problems: Problems
    ) -> None:
        """Let every part look at the draft."""
        for part in self._of(work, draft.entity.name):
            part.before_write(work, draft, old_row, problems)

    def amend(
        self,
        saving: Saving,
        draft: Draft,
        row: Mapping[str, Any],
        old_row: Mapping[str, Any] | None,
    ) -> Mapping[str, Any]:
        """Let the parts that may change what was written do so."""
        for part in self._of(saving.work, draft.entity.name):
            amend = getattr(part, "amend", None)
            if amend is not None:
                row = amend(saving, draft, row, old_row)
        return row

    def after_write(self, work: Work, change: Change) -> None:
        """Tell every part."""
        for part in self._of(work, change.entity.name):
            part.after_write(work, change)

    def amends(self, work: Work, entity: str, action: Happening) -> bool:
        """Return whether any part may change what was written."""
        return any(
            part.amends(work, entity, action)
            for part in self._of(work, entity)
            if hasattr(part, "amends")
        )

    def after_many(self, work: Work, new: NewRecords) -> None:
        """Tell every part of all, or of one after the other where it knows nothing else."""
        for part in self._of(work, new.entity.name):
            hear = getattr(part, "after_many", None)
            if hear is not None:
                hear(work, new)
                continue
            for change in new:
                part.after_write(work, change)

    def failed(self, error: RuleFailed) -> None:
        """Tell who keeps the ledger."""
        for part in self._parts:
            tell = getattr(part, "failed", None)
            if tell is not None:
                tell(error)


def _concerns(part: Part, work: Work, entity: str) -> bool:
    ask = getattr(part, "concerns", None)
    return True if ask is None else bool(ask(work, entity))
