"""An import that is all or nothing: every row in one transaction, which the first fault takes back.

Nothing of it is ever seen by others before all of it is there, and no message goes out for what
was taken back. What is broken off, or paused, begins anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from app.access.principal import Principal
from app.errors import InvalidInput
from app.records.door import Records
from app.records.statements import json_text
from app.records.work import Work
from app.texts import Label, say
from app.transfer import statements
from app.transfer.import_run import Run, fault_values, summed
from app.transfer.tables import Row
from app.transfer.tallies import Tally
from app.transfer.trying import prepare
from app.transfer.writing import ChunkWriter

#: Rows that go in together, at most: a transaction that others wait for, within a job's time.
MOST = 20_000
Chunks = tuple[Sequence[str], Iterator[list[Row]]]


class _Refused(Exception):
    """Takes everything back, and carries what could not go in."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self.tally = tally


class _Stopped(Exception):
    """Takes everything back, because somebody ended or paused the import."""


def apply_whole(
    records: Records,
    pools: Any,
    principal: Principal,
    run: Run,
    opened: Callable[[], AbstractContextManager[Chunks]],
) -> None:
    """Write all rows of a run, or none, and say in the run what became of it.

    Args:
        opened: gives the headings and the rows by chunks, from the first one.

    Raises:
        InvalidInput: there are more rows than go in together.
    """

    def step(work: Work) -> None:
        prepare(work, run.plan)
        total, mark, seen, number = Tally(), run.mark, 0, None
        with opened() as (headings, chunks):
            for chunk in chunks:
                seen += len(chunk)
                if seen > MOST:
                    raise InvalidInput(message=_too_many())
                number = work.open_change_set("import")
                total.add(ChunkWriter(work, run.plan, headings).write(chunk))
                mark = chunk[-1].number
                if total.faults:
                    raise _Refused(total)
                if not _beat(pools, run):
                    raise _Stopped
        # From here to the end nobody else can stop it, or finish it as well.
        locked = statements.lock.run(work.connection, {"run": run.id}).fetchone()
        if locked is None or locked[0] != "running":
            raise _Stopped
        _note(work.connection, run, mark, summed({}, total), number)
        statements.move.run(work.connection, _moving(run, "done"))

    try:
        records.transact(principal, step, origin="import", note=run.name)
    except _Stopped:
        return
    except _Refused as refused:
        _refuse(pools, run, refused.tally)


def _refuse(pools: Any, run: Run, tally: Tally) -> None:
    """Keep the rows that could not go in; nothing else of the import is left."""
    with pools.write.connection() as connection:
        if not statements.move.run(connection, _moving(run, "failed", _back(tally))).rowcount:
            return
        for fault in tally.faults:
            statements.add_fault.run(connection, fault_values(run.id, fault))
        counts = {"faulty": len(tally.faults), "others": {}}
        _note(connection, run, run.mark, counts, None)


def _beat(pools: Any, run: Run) -> bool:
    """Say that somebody is still at it; return whether it is to go on."""
    with pools.write.connection() as connection:
        return bool(statements.move.run(connection, _moving(run, "running")).rowcount)


def _moving(run: Run, to: str, problem: Label | None = None) -> dict[str, Any]:
    kept = json_text(dict(problem.texts)) if problem is not None else None
    return {"run": run.id, "from_": ["running"], "to": to, "problem": kept}


def _note(
    connection: Any, run: Run, mark: int, counts: dict[str, Any], change_set: int | None
) -> None:
    values = {"run": run.id, "mark": mark, "counts": json_text(counts), "change_set": change_set}
    statements.advance.run(connection, values)


def _back(tally: Tally) -> Label:
    first = min(tally.faults, key=lambda fault: fault.row)
    return say(
        "Row {row} could not go in, and it was all or nothing: nothing of the file was kept.",
        "第 {row} 行无法导入；此导入为“全部或全不”，整个文件都没有写入。",
        row=first.row,
    )


def _too_many() -> Label:
    return say(
        "All or nothing is for files of up to {most} rows. Import this one row by row; it can be "
        "undone as a whole.",
        "“全部或全不”最多支持 {most} 行。请改用逐行导入，之后仍可整体撤销。",
        most=f"{MOST:,}",
    )
