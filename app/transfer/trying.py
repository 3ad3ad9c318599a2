"""What would become of rows: written, counted, and taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.access.principal import Principal
from app.records.door import Records
from app.records.work import Work
from app.transfer.plans import Plan
from app.transfer.showing import TimeFor, last_line, note_what_shows
from app.transfer.tables import Row
from app.transfer.tallies import Tally
from app.transfer.writing import ChunkWriter

#: Seconds for comparing the names of a chunk with those that are there.
LIKENESS = 2.0


class _Undone(Exception):
    """Takes a dry run's transaction back, and carries what it found."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self.tally = tally


def prepare(work: Work, plan: Plan) -> None:
    """Say how rules take the writes of an import."""
    work.shared.notes["rules"] = plan.rules


def tried(
    records: Records,
    principal: Principal,
    plan: Plan,
    headings: Sequence[str],
    chunk: Sequence[Row],
) -> Tally:
    """Return what would become of a chunk of rows; nothing of it stays."""

    def step(work: Work) -> None:
        prepare(work, plan)
        # No number is used up by what is not written.
        given = 900_000_000

        def count(_statement: object, values: Mapping[str, int]) -> int:
            nonlocal given
            given += values["count"]
            return given

        work.count = count
        since = last_line(work)
        tally = ChunkWriter(work, plan, headings).write(chunk)
        note_what_shows(work, plan, tally, since, TimeFor(LIKENESS))
        # Another chunk may give the same numbers to others.
        tally.rows.clear()
        raise _Undone(tally)

    try:
        records.transact(principal, step, origin="import")
    except _Undone as undone:
        return undone.tally
    raise AssertionError("A dry run committed.")
