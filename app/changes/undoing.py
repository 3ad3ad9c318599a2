"""Undoing as a run: which change set, which of its records, and whether somebody may look at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.access.principal import Principal
from app.changes import statements
from app.changes.inspecting import Inspecting
from app.changes.pressing import Pressing
from app.changes.run import Run
from app.changes.runs import AT_ONCE
from app.errors import InvalidInput, NotFound
from app.records.bulk import Tally
from app.records.statements import json_text
from app.records.undo_plans import Source
from app.records.work import Work
from app.texts import say

#: Undoing asks no rules and writes many records in one statement.
CHUNK = 2_000


class Changes(Inspecting, Pressing):
    """Runs, and change sets that can be taken back."""

    def undo(
        self,
        principal: Principal,
        change_set: int,
        *,
        only: Mapping[str, Sequence[int]] | None = None,
        origin: str = "api",
        note: str | None = None,
        at_once: int = AT_ONCE,
    ) -> Run:
        """Take a change set back, wholly or for chosen records; return the run as `bulk` does.

        Args:
            only: the chosen records by entity; None: all of them.

        Raises:
            NotFound: there is none, or it is not one's own and not of somebody below.
            InvalidInput: nothing of it is chosen.
        """
        head = self.require_set(principal, change_set)
        doing = {
            "change_set": change_set,
            "author": head["user_id"],
            "happened_at": head["happened_at"].isoformat(),
        }
        if only is not None:
            found = self._chosen_of(change_set, only)
            return self._begin_undo(principal, found, doing, origin, note, at_once)
        values = {
            "change_set": change_set,
            "known": sorted(self._live.release.numbers.values()),
            "user": principal.user_id,
            "origin": origin,
            "note": note,
            "doing": json_text(doing),
        }
        with self._pools.write.connection() as connection:
            row = statements.insert_undo.run(connection, values).fetchone()
        if row is None:
            raise _nothing()
        return self.go(principal, int(row[0]), row[1] <= at_once)

    def _chosen_of(
        self, change_set: int, only: Mapping[str, Sequence[int]]
    ) -> list[tuple[int, int]]:
        """Return the chosen records of a set, by the number of their entity and their id."""
        numbers = self._live.release.numbers
        wanted = {(numbers.get(name), one) for name, ids in only.items() for one in ids}
        values = {"change_set": change_set, "known": sorted(numbers.values())}
        with self._pools.write.connection() as connection:
            rows = statements.targets.run(connection, values)
            found = [(row[0], row[1]) for row in rows if (row[0], row[1]) in wanted]
        if not found:
            raise _nothing()
        return found

    def undo_line(
        self, principal: Principal, entity: str, record_id: int, line: int, *, origin: str = "api"
    ) -> Run:
        """Take back what one line of a record's history did to it.

        Raises:
            NotFound: there is no such line, or it may not be seen.
        """
        number = self._live.release.numbers.get(entity, 0)
        with self._pools.write.connection() as connection:
            values = {"entity": number, "record_id": record_id, "line": line}
            found = next(iter(statements.line.rows(connection, values)), None)
        if found is None:
            raise NotFound
        if found["user_id"] is None or found["user_id"] != principal.user_id:
            self._records.history(principal, entity, record_id, limit=1)
        doing = {
            "change_set": None,
            "lines": [line],
            "author": found["user_id"],
            "happened_at": found["happened_at"].isoformat(),
        }
        return self._begin_undo(principal, [(number, record_id)], doing, origin, None, AT_ONCE)

    def _begin_undo(
        self,
        principal: Principal,
        targets: Sequence[Any],
        doing: Mapping[str, Any],
        origin: str,
        note: str | None,
        at_once: int,
    ) -> Run:
        values = {
            "kind": "undo",
            "entity": None,
            "user": principal.user_id,
            "origin": origin,
            "note": note,
            "doing": json_text(dict(doing)),
            "ids": [one[1] for one in targets],
            "entities": [one[0] for one in targets],
            "total": len(targets),
        }
        return self.begin(principal, values, at_once)

    def require_set(self, principal: Principal, change_set: int) -> Mapping[str, Any]:
        """Return a change set to whoever made it, to those above, and to administrators.

        Raises:
            NotFound: there is none, or it is another's.
        """
        with self._pools.write.connection() as connection:
            rows = statements.change.rows(connection, {"change_set": change_set})
        if not rows or not self.sees(principal, rows[0]["user_id"]):
            raise NotFound(say("There is no such change set.", "没有这个更改集。"))
        found: Mapping[str, Any] = rows[0]
        return found

    def last_line(
        self, principal: Principal, entity: str, record_id: int
    ) -> tuple[int, int | None] | None:
        """Return the line somebody wrote last about a record, and its change set."""
        values = {
            "entity": self._live.release.numbers.get(entity, 0),
            "record_id": record_id,
            "user": principal.user_id,
        }
        with self._pools.write.connection() as connection:
            found = statements.last_line.run(connection, values).fetchone()
        return (int(found[0]), found[1]) if found is not None else None

    def size_of(self, run: Run) -> int:
        """Return how many records of a run are done in one transaction."""
        return CHUNK if run.kind == "undo" else super().size_of(run)

    def do(self, work: Work, run: Run, ids: list[int], entities: list[int]) -> Tally:
        """Do the next records of a run within a transaction."""
        if run.kind != "undo":
            return super().do(work, run, ids, entities)
        names = {number: name for name, number in work.release.numbers.items()}
        targets = [(names[one], number) for one, number in zip(entities, ids, strict=True)]
        tally: Tally = work.writer.undo_in(work, targets, source_of(run.doing))
        return tally


def _nothing() -> InvalidInput:
    sentence = say("Nothing of it is there to be undone.", "没有可撤销的内容。")
    return InvalidInput({"only": [sentence]})


def source_of(doing: Mapping[str, Any]) -> Source:
    """Return what a kept run takes back."""
    return Source(
        doing["change_set"],
        tuple(doing.get("lines", ())),
        doing["author"],
        datetime.fromisoformat(doing["happened_at"]),
    )
