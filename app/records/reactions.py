"""What listens to writes inside their transaction: the door's side of the automation.

The door calls one object at fixed moments of every write; who stands behind it (locks, quotas,
rules, reminders, pools, approvals) is put together in ``app.automation.wiring``. Nothing here knows
a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from app.definitions.catalog import Entity
from app.errors import RuleFailed

if TYPE_CHECKING:
    from app.records.drafts import Draft, Problems
    from app.records.saving import Saving
    from app.records.work import Work

#: What happened to a record. ``worked_out``: only roll-ups, formulas or clocks have other values,
#: its version stays. ``merged``: it went into the bin because another record took its place.
#: From ``comment`` on nothing of the record itself changed.
Happening = Literal[
    "create", "update", "delete", "restore", "transfer", "claim", "release", "merge", "merged",
    "worked_out", "purge", "comment", "email", "share", "approved", "rejected",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One record before and after a write, as it stands in the database now."""

    entity: Entity
    record_id: int
    action: Happening
    #: columns, as ``rows.lock`` and ``rows.insert`` return them; None: there was none
    old_row: Mapping[str, Any] | None
    #: columns now; of a purged record those it had
    row: Mapping[str, Any]
    #: the fields whose value is another now; of a new record those that are filled
    fields: frozenset[str]
    #: ``merge``: the records that went into this one
    merged: tuple[int, ...] = ()
    #: what came with it: ``from subject text`` of a comment or e-mail; of a share the ``users`` who
    #: had none before, ``edit`` and ``until``
    said: Mapping[str, Any] = field(default_factory=dict)


class NewRecords:
    """Many new records of one entity; each as a `Change` only where somebody asks for it."""

    def __init__(
        self,
        entity: Entity,
        rows: Sequence[Mapping[str, Any]],
        filled: Sequence[Iterable[str]],
        counted: frozenset[str],
    ) -> None:
        """Take the rows, the fields each has filled, and those that all have."""
        self.entity = entity
        #: by column, as `Change.row` has them
        self.rows = rows
        self._filled = filled
        self._counted = counted

    @property
    def ids(self) -> list[int]:
        """Their numbers."""
        return [row["id"] for row in self.rows]

    def __iter__(self) -> Iterator[Change]:
        return self.those(lambda _: True)

    def those(self, wanted: Callable[[Mapping[str, Any]], bool]) -> Iterator[Change]:
        """Yield the changes whose rows are *wanted*; no other is made."""
        for row, filled in zip(self.rows, self._filled, strict=True):
            if wanted(row):
                fields = self._counted.union(filled)
                yield Change(self.entity, row["id"], "create", None, row, fields)


class Refused(Exception):
    """Some of many records may not be written; why, is said where each is written by itself."""

    def __init__(self, ids: Iterable[int]) -> None:
        super().__init__()
        self.ids = frozenset(ids)


class Reactions(Protocol):
    """Whoever listens; every method runs in the transaction of the write and may refuse it."""

    def concerns(self, work: Work, entity: str) -> bool:
        """Return whether anything listens to records of *entity*; asked before each call below."""

    def before_write(
        self, work: Work, draft: Draft, old_row: Mapping[str, Any] | None, problems: Problems
    ) -> None:
        """Look at a draft whose input was read and whose defaults are filled in.

        ``draft.set`` changes what will be written, ``problems.add`` refuses. Called for creates
        and updates (an update that gives the record to somebody else included).
        """

    def amend(
        self,
        saving: Saving,
        draft: Draft,
        row: Mapping[str, Any],
        old_row: Mapping[str, Any] | None,
    ) -> Mapping[str, Any]:
        """Change a record that was written and not checked yet; return its row as it is then.

        What is worked out by the database (id, serial numbers, formulas) is known here. Use
        ``amending.change(saving, draft, row, values)``: the record keeps one version and one line
        of history. ``saving.happening`` says what is done to it.
        """

    def after_write(self, work: Work, change: Change) -> None:
        """Hear of a record that was written, checked and noted in the history."""

    def amends(self, work: Work, entity: str, action: Happening) -> bool:
        """Return whether `amend` may change a record to which *action* is done."""

    def after_many(self, work: Work, new: NewRecords) -> None:
        """Hear of many new records, as `after_write` does of each.

        Raises:
            Refused: some may not be; the caller takes all of them back and goes on without those.
        """

    def failed(self, error: RuleFailed) -> None:
        """Hear that a transaction was taken back since a rule could not do its part."""


class NoReactions:
    """Nobody listens."""

    def concerns(self, work: Work, entity: str) -> bool:  # noqa: ARG002
        """Return that nothing does."""
        return False

    def before_write(
        self, work: Work, draft: Draft, old_row: Mapping[str, Any] | None, problems: Problems
    ) -> None:
        """Do nothing."""

    def amend(
        self,
        saving: Saving,  # noqa: ARG002
        draft: Draft,  # noqa: ARG002
        row: Mapping[str, Any],
        old_row: Mapping[str, Any] | None,  # noqa: ARG002
    ) -> Mapping[str, Any]:
        """Leave the row as it is."""
        return row

    def after_write(self, work: Work, change: Change) -> None:
        """Do nothing."""

    def amends(self, work: Work, entity: str, action: Happening) -> bool:  # noqa: ARG002
        """Return that nobody does."""
        return False

    def after_many(self, work: Work, new: NewRecords) -> None:
        """Do nothing."""

    def failed(self, error: RuleFailed) -> None:
        """Do nothing."""


def tell(
    work: Work,
    entity: Entity,
    action: Happening,
    old_row: Mapping[str, Any] | None,
    row: Mapping[str, Any],
    merged: tuple[int, ...] = (),
    said: Mapping[str, Any] | None = None,
) -> None:
    """Tell whoever listens what became of a record, if anybody does."""
    if not work.reactions.concerns(work, entity.name):
        return
    rows = work.rows[entity.name]
    old, new = (rows.values(old_row) if old_row is not None else {}), rows.values(row)
    fields = frozenset(name for name, value in new.items() if old.get(name) != value)
    change = Change(entity, int(row["id"]), action, old_row, row, fields, merged, said or {})
    work.reactions.after_write(work, change)
