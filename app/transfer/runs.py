"""Imports from the first look at a file to the last row: kept, tried, run, paused, taken up again.

Each chunk is one transaction that also moves the run's mark, so a row is applied once whatever
happens to whoever runs it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from app.access.organisation import Organisation
from app.access.principal import SYSTEM, Principal
from app.clock import Clock
from app.collector import collect_what_is_new, without_collector
from app.database import audit
from app.definitions.catalog import Catalog
from app.errors import Conflict, Forbidden, InvalidInput, NotFound, TrellisError, Unavailable
from app.records.door import Records
from app.records.files import FileStore, clean_name
from app.records.statements import json_text
from app.records.work import Work
from app.texts import Label, say
from app.transfer import statements
from app.transfer.ahead import in_turns, made_ahead
from app.transfer.import_run import Run, begun, fault_values, kept_faults, run_of, summed
from app.transfer.permitted import check_permitted
from app.transfer.plans import Plan, check_plan
from app.transfer.rows import Cleaned, RowReader
from app.transfer.survey import Survey, survey
from app.transfer.tables import Row, open_table
from app.transfer.tallies import Tally
from app.transfer.trying import prepare, tried
from app.transfer.uploads import Look, Uploads
from app.transfer.whole_run import apply_whole
from app.transfer.writing import ChunkWriter

#: Rows of one transaction.
CHUNK = 2_000
#: Rows that are read in one go.
TURN = 300
#: Rows of a dry run.
TRIED = 100_000
#: A run that was silent for so long is taken up by somebody else.
SILENT = timedelta(seconds=90)
OPEN = ("waiting", "running")


class Imports:
    """Everything that is done with imports; what a person may do is asked of the catalog."""

    def __init__(
        self,
        records: Records,
        pools: Any,
        live: Any,
        organisation: Organisation,
        files: FileStore,
        clock: Clock,
    ) -> None:
        self._records = records
        self._pools = pools
        self._live = live
        self._organisation = organisation
        self._files = files
        self._clock = clock
        self.uploads = Uploads(records, pools, live, files)

    @property
    def catalog(self) -> Catalog:
        """The catalog in force."""
        found: Catalog = self._live.release.catalog
        return found

    # -- the file ----------------------------------------------------------------------------------

    def add(
        self, principal: Principal, entity: str, stream: IO[bytes], name: str, **chosen: Any
    ) -> Run:
        """Keep a file that is to be imported, with the plan it suggests.

        Raises:
            Forbidden: the principal may not import records of this kind.
            UnreadableFile: it is no table.
        """
        self.require(principal, entity)
        sha256 = self.uploads.take(stream)
        plan = self.uploads.suggested(principal, entity, sha256, chosen)
        with self._pools.write.connection() as connection:
            row = statements.insert.run(
                connection,
                {
                    "entity": entity,
                    "user": principal.user_id,
                    "name": clean_name(name),
                    "sha256": sha256,
                    "plan": json_text(plan.as_json()),
                },
            ).fetchone()
        assert row is not None
        return self.get(principal, int(row[0]))

    def correct(self, principal: Principal, run_id: int, stream: IO[bytes], name: str) -> Run:
        """Keep a mended file of rows that were left out; it is imported as the first one was.

        Raises:
            InvalidInput: it has none of the columns that were imported.
        """
        earlier = self.get(principal, run_id)
        run = self.add(principal, earlier.entity, stream, name)
        with self.uploads.opened(run.sha256, run.plan.shape) as table:
            headings = set(table.columns)
        columns = {one: path for one, path in earlier.plan.columns.items() if one in headings}
        told = tuple(key for key in earlier.plan.match if set(key) <= set(columns.values()))
        plan = replace(earlier.plan, shape=run.plan.shape, columns=columns, match=told)
        return self.change(principal, run.id, plan)

    def reshape(self, principal: Principal, run_id: int, said: Mapping[str, Any]) -> Run:
        """Read the file otherwise: another sheet, encoding …; the columns are matched anew.

        Raises:
            UnreadableFile: it cannot be read so.
            InvalidInput: there is no such way to read it.
            Conflict: the import has begun already.
        """
        run = self.get(principal, run_id)
        self.require(principal, run.entity)
        kept = {name: value for name, value in {"member": run.plan.shape.member}.items() if value}
        plan = self.uploads.suggested(principal, run.entity, run.sha256, {**kept, **said})
        with self._pools.write.connection() as connection:
            values = {"run": run_id, "plan": json_text(plan.as_json())}
            if not statements.replan.run(connection, values).rowcount:
                raise begun()
        return self.get(principal, run_id)

    def look(self, principal: Principal, run: Run) -> Look:
        """Return the columns of a run's file, their first values and where they probably go."""
        return self.uploads.look(principal, self._path(run), run.plan.shape, run.entity)

    def survey(self, principal: Principal, run: Run, plan: Plan, most: int) -> Survey:
        """Return what the first rows hold, read with a plan that need not be kept yet."""
        with self.uploads.opened(run.sha256, plan.shape) as table:
            headings, rows = table.columns, list(islice(table, most))
        with self._records.previews.work(principal) as work:
            return survey(work, plan, headings, rows)

    def _path(self, run: Run) -> Path:
        return self.uploads.path(run.sha256)

    def require(self, principal: Principal, entity: str) -> None:
        """Refuse whoever may not import records of a kind.

        Raises:
            NotFound: there is no such entity.
            Forbidden: the principal may not.
        """
        found = self.catalog.entities.get(entity)
        policy = self._records.policy(principal)
        if found is None or found.lines_of is not None or not policy.may("read", entity):
            raise NotFound(
                say("There is no entity {name}.", "没有名为 {name} 的实体。", name=entity)
            )
        if not policy.may("import", entity):
            raise Forbidden(policy.why("import", entity))

    # -- what is kept ------------------------------------------------------------------------------

    def get(self, principal: Principal, run_id: int) -> Run:
        """Return an import to whoever began it, or to an administrator.

        Raises:
            NotFound: there is none, or it is another's.
        """
        found = self._find(run_id)
        if found is None or not self._is_for(principal, found):
            raise NotFound(say("There is no such import.", "没有这个导入任务。"))
        return found

    def _is_for(self, principal: Principal, run: Run) -> bool:
        if principal.is_system or self._records.policy(principal).is_admin:
            return True
        return principal.user_id is not None and run.user_id == principal.user_id

    def _find(self, run_id: int) -> Run | None:
        with self._pools.write.connection() as connection:
            rows = statements.get.rows(connection, {"run": run_id})
        return run_of(rows[0]) if rows else None

    def listed(self, principal: Principal, limit: int = 50) -> list[Run]:
        """Return the latest imports of a person; of everybody to an administrator."""
        everybody = principal.is_system or self._records.policy(principal).is_admin
        values = {"user": principal.user_id, "all": everybody, "limit": limit}
        with self._pools.write.connection() as connection:
            return [run_of(row) for row in statements.mine.rows(connection, values)]

    def change(self, principal: Principal, run_id: int, plan: Plan) -> Run:
        """Change what a run that has not begun is to do.

        Raises:
            InvalidInput: the plan names what is not there.
            Conflict: it has begun already.
        """
        self.get(principal, run_id)
        self.require(principal, plan.entity)
        checked = check_plan(self.catalog, plan)
        check_permitted(self.catalog, self._records.policy(principal), checked)
        kept = json_text(checked.as_json())
        if "\\u0000" in kept:
            sentence = say("It holds a character that cannot be stored.", "含有无法保存的字符。")
            raise InvalidInput({"columns": [sentence]})
        with self._pools.write.connection() as connection:
            values = {"run": run_id, "plan": kept}
            if not statements.replan.run(connection, values).rowcount:
                raise begun()
        return self.get(principal, run_id)

    def start(self, principal: Principal, run_id: int) -> Run:
        """Let a run begin, or go on after a pause; whoever works takes it up."""
        run = self.get(principal, run_id)
        self.require(principal, run.entity)
        check_permitted(
            self.catalog, self._records.policy(principal), check_plan(self.catalog, run.plan)
        )
        begun = self._moved(principal, run_id, ("draft", "paused"), "waiting")
        with self._pools.write.connection() as connection:
            audit.note(
                connection,
                "data.import.start",
                user_id=principal.user_id,
                details={"entity": run.entity, "file": run.name, "run": run_id},
            )
        return begun

    def pause(self, principal: Principal, run_id: int) -> Run:
        """Let a run stop after the chunk it is at."""
        return self._moved(principal, run_id, OPEN, "paused")

    def cancel(self, principal: Principal, run_id: int) -> Run:
        """End a run; what it wrote stays, under its change set."""
        return self._moved(principal, run_id, ("draft", "paused", *OPEN), "cancelled")

    def _moved(self, principal: Principal, run_id: int, before: Sequence[str], to: str) -> Run:
        self.get(principal, run_id)
        if not self._move(run_id, before, to):
            raise begun()
        return self.get(principal, run_id)

    def _move(
        self, run_id: int, before: Sequence[str], to: str, problem: Label | None = None
    ) -> bool:
        values = {"run": run_id, "from_": list(before), "to": to}
        values["problem"] = json_text(dict(problem.texts)) if problem is not None else None
        with self._pools.write.connection() as connection:
            return bool(statements.move.run(connection, values).rowcount)

    def faults(self, principal: Principal, run_id: int) -> Iterator[tuple[int, list[Any], Any]]:
        """Yield the rows that were left out: number, cells, reasons."""
        self.get(principal, run_id)
        yield from kept_faults(self._pools, run_id)

    # -- running -----------------------------------------------------------------------------------

    def dry_run(self, principal: Principal, run: Run, most: int = TRIED) -> Tally:
        """Return what would become of the rows; nothing of it stays."""
        self.require(principal, run.entity)
        total = Tally()
        with self._chunks(run) as (headings, chunks):
            seen = 0
            for chunk in chunks:
                total.add(tried(self._records, principal, run.plan, headings, chunk))
                seen += len(chunk)
                if seen >= most:
                    break
        return total

    def advance(self, run_id: int, seconds: float = 60.0) -> bool:
        """Go on with a run for some time; return whether there is more to do.

        Another worker may be at it at the same moment: the mark lets each row be applied once.
        """
        run = self._find(run_id)
        if run is None or not self._move(run_id, OPEN, "running"):
            return False
        principal = SYSTEM if run.user_id is None else self._organisation.principal(run.user_id)
        deadline = time.monotonic() + seconds
        try:
            if principal is None:
                raise Forbidden(say("Who began it works here no more.", "发起人已停用。"))
            self.require(principal, run.entity)
            return self._go_on(principal, run, deadline)
        except (Unavailable, Conflict):
            # Nothing of the chunk happened; whoever comes next goes on there.
            raise
        except TrellisError as error:
            sentence = error.message
            label = sentence if isinstance(sentence, Label) else Label({"en": str(sentence)})
            self._move(run_id, OPEN, "failed", label)
            return False

    def _go_on(self, principal: Principal, run: Run, deadline: float) -> bool:
        if run.plan.all_or_nothing:
            self._count(run)
            apply_whole(self._records, self._pools, principal, run, lambda: self._chunks(run))
            return False
        with self._chunks(run) as (headings, coming):
            first = next(coming, [])
            self._count(run, first)
            chunks = chain([first] if first else [], coming)
            reader = self._records.transact(
                principal, lambda work: RowReader(work, run.plan, headings), origin="import"
            )
            made = made_ahead(chunks, lambda chunk: (chunk, reader.clean(chunk, in_turns)))
            with without_collector(), made as ready:
                for chunk, cleaned in ready:
                    if not self._applied(principal, run, headings, chunk, reader, cleaned):
                        return False
                    collect_what_is_new()
                    if time.monotonic() > deadline:
                        return True
        self._move(run.id, ("running",), "done")
        return False

    def _count(self, run: Run, first: Sequence[Row] | None = None) -> None:
        """Say how many rows there are; a file of no more than the *first* ones is read once."""
        if run.total is not None:
            return
        is_whole = first is not None and len(first) < CHUNK
        total = len(first or ()) if is_whole else self.uploads.count(run.sha256, run.plan.shape)
        with self._pools.write.connection() as connection:
            statements.set_total.run(connection, {"run": run.id, "total": total})

    def _applied(
        self,
        principal: Principal,
        run: Run,
        headings: Sequence[str],
        chunk: Sequence[Row],
        reader: RowReader | None = None,
        cleaned: Cleaned | None = None,
    ) -> bool:
        """Write a chunk and move the mark in one transaction; False when the run is to stop.

        Args:
            reader: what read the chunk before, and *cleaned*, what it found.
        """
        ahead = [cleaned]

        def step(work: Work) -> bool:
            locked = statements.lock.run(work.connection, {"run": run.id}).fetchone()
            assert locked is not None
            state, mark, counts, change_set = locked
            if state != "running":
                return False
            rows = [row for row in chunk if row.number > mark]
            if not rows:
                return True
            # The mark is in it: a chunk that a crash takes away is done again. What says that the
            # run is over waits for the disk, and so for all before.
            statements.unhurried.run(work.connection)
            prepare(work, run.plan)
            work.shared.change_set = change_set
            number = work.open_change_set("import")
            # Another attempt reads anew: what was found then has been written on.
            found = ahead.pop() if ahead and len(rows) == len(chunk) else None
            tally = ChunkWriter(work, run.plan, headings, reader).write(rows, found)
            for fault in tally.faults:
                statements.add_fault.run(work.connection, fault_values(run.id, fault))
            values = {
                "run": run.id,
                "mark": rows[-1].number,
                "change_set": number,
                "counts": json_text(summed(counts, tally)),
            }
            statements.advance.run(work.connection, values)
            return True

        return self._records.transact(principal, step, origin="import", note=run.name)

    @contextmanager
    def _chunks(self, run: Run) -> Iterator[tuple[Sequence[str], Iterator[list[Row]]]]:
        with open_table(self._path(run), run.plan.shape) as table:
            rows = (row for row in table if row.number > run.mark)

            def chunks() -> Iterator[list[Row]]:
                while chunk := list(in_turns(islice(rows, CHUNK), TURN)):
                    yield chunk

            yield table.columns, chunks()

    def silent(self) -> list[int]:
        """Return the runs nobody has got further with for some time."""
        with self._pools.write.connection() as connection:
            rows = statements.silent.run(connection, {"before": self._clock.now() - SILENT})
            return [int(row[0]) for row in rows]
