"""One change of many records from the choice to the last of them: at once, or by the workers.

Each chunk is one transaction that also moves the run's mark, so a record is done once whatever
happens to whoever runs it. All chunks write into one change set.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from psycopg import errors as pg

from app.access.organisation import Organisation
from app.access.principal import SYSTEM, Principal
from app.changes import statements
from app.changes.run import OPEN, Chosen, Run, run_of
from app.clock import Clock
from app.errors import Conflict, Forbidden, InvalidInput, NotFound, TrellisError
from app.records.bulk import Skipped, Tally, as_label
from app.records.doings import Doing, read_doing
from app.records.door import Records
from app.records.statements import json_text
from app.records.work import Work
from app.texts import Label, say

#: Up to so many records are done while whoever asks waits; more of them by the workers.
AT_ONCE = 500
#: Records of one transaction.
CHUNK = 500
#: The most that can be chosen at once.
MOST = 500_000
#: A run that was silent for so long is taken up by somebody else.
SILENT = timedelta(seconds=90)


class Runs:
    """Begins runs, goes on with them and tells how far they are."""

    def __init__(
        self, records: Records, pools: Any, live: Any, organisation: Organisation, clock: Clock
    ) -> None:
        self._records = records
        self._pools = pools
        self._live = live
        self._organisation = organisation
        self._clock = clock

    def bulk(
        self,
        principal: Principal,
        entity: str,
        chosen: Chosen,
        doing: Doing,
        *,
        origin: str = "api",
        note: str | None = None,
        at_once: int = AT_ONCE,
    ) -> Run:
        """Do one thing to the chosen records; return the run, done or waiting for a worker.

        Up to *at_once* records are done before this returns. Where the run is still open, the
        caller hands it to the workers (``jobs.beginning.begin_change``).

        Raises:
            NotFound: there is no such entity.
            Forbidden: the principal may do this to no record of it.
            InvalidInput: a value cannot be taken by any record, or too many are chosen, or none.
            Malformed: the filter cannot be read.
        """
        self._records.check_bulk(principal, entity, doing)
        ids = self._ids(principal, entity, chosen, in_bin=doing.action == "restore")
        values = {
            "kind": doing.action,
            "entity": entity,
            "user": principal.user_id,
            "origin": origin,
            "note": note,
            "doing": json_text(doing.as_json()),
            "ids": ids,
            "entities": None,
            "total": len(ids),
        }
        return self.begin(principal, values, at_once)

    def begin(self, principal: Principal, values: Mapping[str, Any], at_once: int) -> Run:
        """Keep a run and, if it is small, do it."""
        with self._pools.write.connection() as connection:
            row = statements.insert_run.run(connection, values).fetchone()
        assert row is not None
        return self.go(principal, int(row[0]), values["total"] <= at_once)

    def go(self, principal: Principal, run_id: int, now: bool) -> Run:
        """Do a run that was kept, if it is to be done now; return how it stands."""
        while now and self.advance(run_id, principal=principal):
            pass
        return self.get(principal, run_id)

    def _ids(
        self, principal: Principal, entity: str, chosen: Chosen, *, in_bin: bool = False
    ) -> list[int]:
        if chosen.ids is not None:
            ids = sorted(set(chosen.ids))
        else:
            ids = self._records.matching(
                principal, entity, filter=chosen.filter, where=chosen.where, view=chosen.view,
                search=chosen.search, in_bin=in_bin, most=MOST + 1,
            )  # fmt: skip
            ids = [one for one in ids if one not in chosen.without]
        if not ids:
            raise InvalidInput({"ids": [say("No record is chosen.", "没有选中任何记录。")]})
        if len(ids) > MOST:
            sentence = say(
                "More than {most} records are chosen; narrow the list.",
                "选中的记录超过 {most} 条，请缩小范围。",
                most=MOST,
            )
            raise InvalidInput({"ids": [sentence]})
        return ids

    # -- what is kept ------------------------------------------------------------------------------

    def get(self, principal: Principal, run_id: int) -> Run:
        """Return a run to whoever began it, or to an administrator.

        Raises:
            NotFound: there is none, or it is another's.
        """
        found = self._find(run_id)
        if found is None or not self._is_for(principal, found):
            raise NotFound(say("There is no such change.", "没有这次批量更改。"))
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
        """Return the latest runs of a person; of everybody to an administrator."""
        everybody = principal.is_system or self._records.policy(principal).is_admin
        values = {"user": principal.user_id, "all": everybody, "limit": limit}
        with self._pools.write.connection() as connection:
            return [run_of(row) for row in statements.mine.rows(connection, values)]

    def skipped(
        self,
        principal: Principal,
        run_id: int,
        *,
        after: tuple[int, int] = (0, 0),
        limit: int = 100,
    ) -> list[dict[str, Any]]:
        """Return the records that were left out: ``entity id title why reasons``.

        Args:
            after: the number of the entity and the id of the last one that is known.
        """
        self.get(principal, run_id)
        values = {"run": run_id, "after_entity": after[0], "after": after[1], "limit": limit}
        with self._pools.write.connection() as connection:
            rows = statements.skips.rows(connection, values)
        names = {number: name for name, number in self._live.release.numbers.items()}
        by_entity: dict[str, list[int]] = {}
        for row in rows:
            by_entity.setdefault(names.get(row["entity"], ""), []).append(row["record_id"])
        titles = {
            (name, number): title
            for name, ids in by_entity.items()
            if name in self._live.release.catalog.entities
            for number, title in self._records.titles(principal, name, ids).items()
        }
        return [
            {
                "entity": names.get(row["entity"], ""),
                "number": row["entity"],
                "id": row["record_id"],
                "title": titles.get((names.get(row["entity"], ""), row["record_id"])),
                "why": row["why"],
                "reasons": [{**one, "say": Label(one["say"])} for one in row["reasons"]],
            }
            for row in rows
        ]

    def cancel(self, principal: Principal, run_id: int) -> Run:
        """End a run after the chunk it is at; what it did stays, under its change set."""
        self.get(principal, run_id)
        if not self._move(run_id, OPEN, "cancelled"):
            raise Conflict(say("It has ended already.", "已经结束。"))
        return self.get(principal, run_id)

    def _move(
        self, run_id: int, before: Sequence[str], to: str, problem: Label | None = None
    ) -> bool:
        values = {"run": run_id, "from_": list(before), "to": to}
        values["problem"] = json_text(dict(problem.texts)) if problem is not None else None
        with self._pools.write.connection() as connection:
            return bool(statements.move.run(connection, values).rowcount)

    # -- running -----------------------------------------------------------------------------------

    def advance(
        self, run_id: int, seconds: float = 60.0, *, principal: Principal | None = None
    ) -> bool:
        """Go on with a run for some time; return whether there is more to do.

        Another worker may be at it at the same moment: the mark lets each record be done once.
        """
        run = self._find(run_id)
        if run is None or not self._move(run_id, OPEN, "running"):
            return False
        deadline = time.monotonic() + seconds
        try:
            who = principal or self._principal(run)
            while self._chunk(who, run):
                if time.monotonic() > deadline:
                    return True
        except TrellisError as error:
            self._move(run_id, OPEN, "failed", as_label(error.message))
            return False
        self._move(run_id, ("running",), "done")
        return False

    def _principal(self, run: Run) -> Principal:
        found = SYSTEM if run.user_id is None else self._organisation.principal(run.user_id)
        if found is None:
            raise Forbidden(say("Who began it works here no more.", "发起人已停用。"))
        return found

    def _chunk(self, principal: Principal, run: Run) -> bool:
        """Do the next records and move the mark in one transaction; False when none are left."""
        try:
            return self._applied(principal, run, self.size_of(run))
        except (TrellisError, pg.IntegrityError):
            # What only shows when the transaction ends: one record after the other.
            done = False
            for _ in range(self.size_of(run)):
                done = self._one(principal, run)
                if not done:
                    break
            return done

    def size_of(self, run: Run) -> int:
        """Return how many records of a run are done in one transaction."""
        del run
        return CHUNK

    def _one(self, principal: Principal, run: Run) -> bool:
        try:
            return self._applied(principal, run, 1)
        except (TrellisError, pg.IntegrityError) as error:
            refused = error
        return self._transact(principal, run, lambda work: self._refused(work, run, refused))

    def _transact(self, principal: Principal, run: Run, step: Any) -> bool:
        return bool(self._records.transact(principal, step, origin=run.origin, note=run.note))

    def _applied(self, principal: Principal, run: Run, size: int) -> bool:
        def step(work: Work) -> bool:
            held = self._held(work, run, size)
            if held is None:
                return False
            tally = self.do(work, run, held.ids, held.entities)
            if held.change_set is None and not tally.changed and work.change_set is not None:
                statements.forget_empty.run(work.connection, {"change_set": work.change_set})
                work.shared.change_set = None
            self._note(work, run, held, tally)
            return True

        return self._transact(principal, run, step)

    def _refused(self, work: Work, run: Run, error: TrellisError | pg.IntegrityError) -> bool:
        held = self._held(work, run, 1)
        if held is None:
            return False
        names = {number: name for name, number in work.release.numbers.items()}
        entity = run.entity or names[held.entities[0]]
        tally = Tally(skipped=[work.writer.refused(work, entity, held.ids[0], error)])
        self._note(work, run, held, tally)
        return True

    def _held(self, work: Work, run: Run, size: int) -> _Held | None:
        found = statements.lock.run(work.connection, {"run": run.id, "size": size}).fetchone()
        assert found is not None
        state, _, counts, change_set, ids, entities = found
        if state != "running" or not ids:
            return None
        work.shared.change_set = change_set
        return _Held(list(ids), list(entities or ()), counts, change_set)

    def do(self, work: Work, run: Run, ids: list[int], entities: list[int]) -> Tally:
        """Do the next records of a run within a transaction."""
        del entities
        assert run.entity is not None
        tally: Tally = work.writer.bulk_in(work, run.entity, ids, read_doing(run.doing))
        return tally

    def _note(self, work: Work, run: Run, held: _Held, tally: Tally) -> None:
        for one in tally.skipped:
            statements.add_skip.run(work.connection, _skip_values(work, run, one))
        values = {
            "run": run.id,
            "done": len(held.ids),
            "change_set": work.change_set,
            "counts": json_text(_summed(held.counts, tally)),
        }
        statements.advance.run(work.connection, values)

    def silent(self) -> list[int]:
        """Return the runs nobody has got further with for some time."""
        with self._pools.write.connection() as connection:
            rows = statements.silent.run(connection, {"before": self._clock.now() - SILENT})
            return [int(row[0]) for row in rows]


@dataclass(frozen=True, slots=True)
class _Held:
    """The next records of a run whose row is locked."""

    ids: list[int]
    entities: list[int]
    counts: Mapping[str, Any]
    change_set: int | None


def _skip_values(work: Work, run: Run, one: Skipped) -> dict[str, Any]:
    return {
        "run": run.id,
        "_entity": work.number(one.entity),
        "_record": one.id,
        "_why": one.why,
        "_reasons": json_text([reason.as_json() for reason in one.reasons]),
    }


def _summed(counts: Mapping[str, Any], tally: Tally) -> dict[str, Any]:
    why = dict(counts.get("why", {}))
    for one in tally.skipped:
        why[one.why] = why.get(one.why, 0) + 1
    return {
        "changed": counts.get("changed", 0) + tally.changed,
        "unchanged": counts.get("unchanged", 0) + tally.unchanged,
        "skipped": counts.get("skipped", 0) + len(tally.skipped),
        "why": why,
    }
