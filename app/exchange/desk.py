"""Exchanges: fetched when they are due or somebody asks, imported, and told about.

A run is a row before the other system is asked, so that two workers never fetch the same twice at
once. Its rows become an import, which goes on like any other; what became of it is settled later.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import psycopg

from app.access.principal import SYSTEM, Principal
from app.automation.acting_for import named
from app.automation.cron import moments, next_moment
from app.automation.registry import RuleNumbers
from app.clock import Clock
from app.definitions.connections import Connection, SyncIn
from app.errors import Conflict, Forbidden, NotFound, TrellisError
from app.exchange import statements
from app.exchange.fetching import fetch, part_of
from app.exchange.querying import query
from app.exchange.standing import Run, Standing, run_of, standings
from app.expressions.calendar import Calendar
from app.notifications.calls import Outside
from app.notifications.failing import SendFailed
from app.notifications.leases import pause
from app.records.door import Records
from app.records.statements import json_text
from app.texts import Label, say
from app.transfer.handing_over import hand_over
from app.transfer.plans import SYNC, Plan
from app.transfer.runs import Imports
from app.transfer.tables import Shape

_log = logging.getLogger(__name__)
#: A fetch that is not over by then has lost its worker.
_LONGEST = timedelta(minutes=15)
#: More rows than this are a mistake; a file imports more.
MOST_ROWS = 1_000_000
#: How long runs are known.
_KEPT = timedelta(days=90)
#: A count of moments that passed ends here.
_MOST_MISSED = 10_000


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run that was begun."""

    id: int
    sync: SyncIn
    connection: Connection


class Exchange:
    """Everything that is done with exchanges."""

    def __init__(
        self,
        records: Records,
        pools: Any,
        live: Any,
        imports: Imports,
        numbers: RuleNumbers,
        clock: Clock,
        outside: Outside,
        alarm: Callable[[Label], None],
    ) -> None:
        """Take where secrets and allowed hosts stand, and who is told of failures."""
        self._records, self._pools, self._live = records, pools, live
        self._imports, self._numbers = imports, numbers
        self._clock, self._outside, self._alarm = clock, outside, alarm

    @property
    def _calendar(self) -> Calendar:
        found: Calendar = self._live.release.catalog.app.business_calendar
        return found

    # -- what there is -----------------------------------------------------------------------------

    def _incoming(self) -> Iterator[tuple[Connection, SyncIn]]:
        for connection in self._live.release.catalog.connections.values():
            for sync in connection.syncs:
                if isinstance(sync, SyncIn) and not sync.off:
                    yield connection, sync

    def find(self, name: str) -> list[str]:
        """Return the exchanges that come in under a name: of one, or of a whole integration.

        Raises:
            NotFound: there is none.
        """
        found = [one.name for of, one in self._incoming() if name in (of.name, one.name)]
        if not found:
            names = ", ".join(one.name for _, one in self._incoming()) or "–"
            raise NotFound(
                say(
                    "There is no exchange {name} that comes in. There are: {names}.",
                    "没有名为 {name} 的接入同步，现有：{names}。",
                    name=name,
                    names=names,
                )
            )
        return found

    def listed(self) -> list[Standing]:
        """Return every exchange with its latest runs, or how its calls went."""
        systems = self._live.release.catalog.connections.values()
        with self._pools.write.connection() as connection:
            return standings(connection, systems, self._numbers, self._clock.now())

    # -- when it is due ----------------------------------------------------------------------------

    def look(self, begin: Callable[[int], None]) -> int:
        """Settle what is over, and fetch what is due; return how many were fetched.

        Args:
            begin: has a worker go on with an import.
        """
        self.settle()
        self._tell_calls()
        count = 0
        for connection, sync in list(self._incoming()):
            claimed = self._claim(connection, sync)
            if claimed is not None:
                count += 1
                run = self.fetch(claimed)
                if run is not None:
                    begin(run)
        if count:
            self.settle()
        return count

    def ask(self, principal: Principal, name: str) -> str:
        """Have an exchange fetched as soon as somebody looks; return its name.

        Raises:
            Forbidden: the asker is no administrator.
            NotFound: there is none that comes in.
        """
        if not principal.is_system and not self._records.policy(principal).is_admin:
            raise Forbidden
        found = next((one for of, one in self._incoming() if one.name == name), None)
        if found is None:
            self.find(name)
            raise NotFound
        with self._pools.write.connection() as connection:
            self._keep(connection, found)
            values = {"name": name, "now": self._clock.now(), "user": principal.user_id}
            statements.ask.do(connection, values)
        return name

    def run(self, name: str) -> Run:
        """Fetch and import now, and return what became of it.

        Raises:
            Conflict: it is under way already.
        """
        connection, sync = next(pair for pair in self._incoming() if pair[1].name == name)
        self.ask(SYSTEM, name)
        claimed = self._claim(connection, sync)
        if claimed is None:
            raise Conflict(say("{name} is under way already.", "{name} 正在进行中。", name=name))
        number = self.fetch(claimed)
        while number is not None and self._imports.advance(number):
            pass
        self.settle()
        with self._pools.write.connection() as opened:
            rows = statements.latest.rows(opened, {"names": [name], "most": 1})
        return run_of(rows[0])

    def _keep(self, connection: psycopg.Connection[Any], sync: SyncIn) -> None:
        values = {"name": sync.name, "rhythm": f"{sync.every} {sync.at}"}
        statements.keep.do(connection, {**values, "next_at": self._next(sync)})

    def _next(self, sync: SyncIn) -> datetime | None:
        if sync.every is None:
            return None
        return next_moment(sync.every, sync.at, self._calendar, self._clock.now())

    def _claim(self, connection: Connection, sync: SyncIn) -> Claimed | None:
        """Begin a run that is due, unless one is under way; None where nothing is."""
        now, name = self._clock.now(), sync.name
        with self._pools.write.connection() as opened:
            self._keep(opened, sync)
            rows = statements.hold.rows(opened, {"name": name, "now": now})
            if not rows:
                return None
            due, following, missed = rows[0]["next_at"], rows[0]["next_at"], 0
            if due is not None and due <= now and sync.every is not None:
                missed = self._missed(sync, due, now)
                following = self._next(sync)
            else:
                due = None
            values = {"name": name, "due_at": due, "missed": missed, "now": now}
            row = statements.begin.run(opened, {**values, "user": rows[0]["asked_by"]}).fetchone()
            statements.taken.do(opened, {"name": name, "next_at": following})
        assert row is not None
        return Claimed(int(row[0]), sync, connection)

    def _missed(self, sync: SyncIn, due: datetime, now: datetime) -> int:
        """Return how many moments passed since one was due: this run stands for the last."""
        assert sync.every is not None
        count = 0
        for _ in moments(sync.every, sync.at, self._calendar, due, now):
            count += 1
            if count >= _MOST_MISSED:
                break
        return count

    # -- one run -----------------------------------------------------------------------------------

    def fetch(self, claimed: Claimed) -> int | None:
        """Fetch the rows of a run; return the import that takes them, None where there is none."""
        sync, now = claimed.sync, self._clock.now()
        try:
            if claimed.connection.kind == "database":
                rows = query(claimed.connection, sync, self._outside)
            else:
                rows = fetch(claimed.connection, sync, self._outside, now)
            with tempfile.TemporaryFile() as file, closing(rows):
                count = _write(file, sync, rows)
                file.seek(0)
                number = self._hand_over(claimed, file) if count else None
        except SendFailed as failed:
            self._fail(claimed, failed.sentence, is_final=failed.is_final)
            return None
        except TrellisError as error:
            self._fail(claimed, _sentence(error), is_final=True)
            return None
        with self._pools.write.connection() as connection:
            values = {"run": claimed.id, "count": count, "import_run": number}
            statements.fetched.do(connection, values)
            statements.again.do(connection, {"name": sync.name, "retry_at": None, "attempts": 0})
        return number

    def _hand_over(self, claimed: Claimed, file: Any) -> int:
        sync, mapping = claimed.sync, claimed.sync.mapping
        plan = Plan(
            entity=mapping.entity,
            shape=Shape("jsonl", header=0),
            columns={one.column: one.path for one in mapping.columns},
            mapping=f"{SYNC}{sync.name}",
            match=mapping.match,
            mode=mapping.mode,
            rules=mapping.rules,
        )
        brings = self._brings(claimed.connection)
        policy, catalog = self._records.policy(brings), self._live.release.catalog
        uploads = self._imports.uploads
        return hand_over(
            self._pools, uploads, catalog, policy, brings.user_id, plan, file, sync.name
        )

    def _brings(self, connection: Connection) -> Principal:
        if not connection.as_:
            return SYSTEM
        found = self._records.transact(SYSTEM, lambda work: named(work, connection.as_))
        if found is None:
            raise Forbidden(
                say(
                    "“{name}” acts as {who}, who does not work here any more.",
                    "“{name}”以 {who} 的身份执行，但此人已不在职。",
                    name=connection.label,
                    who=connection.as_,
                )
            )
        return found

    def _fail(self, claimed: Claimed, why: Label, *, is_final: bool) -> None:
        """Note that nothing came, and when it is tried again."""
        name = claimed.sync.name
        with self._pools.write.connection() as connection:
            before = statements.attempts.run(connection, {"name": name}).fetchone()
            tried = (before[0] if before else 0) + 1
            length = None if is_final else pause(tried)
            retry_at = self._clock.now() + length if length is not None else None
            values = {"name": name, "retry_at": retry_at, "attempts": min(tried, 1000)}
            statements.again.do(connection, values)
        self._end(claimed.id, name, "failed", why)

    def settle(self) -> None:
        """Note what became of the runs whose import is over, or whose worker is gone."""
        with self._pools.write.connection() as connection:
            rows = statements.under_way.rows(connection)
            statements.forget.do(connection, {"before": self._clock.now() - _KEPT})
        for row in rows:
            if row["state"] == "fetching":
                if row["began_at"] < self._clock.now() - _LONGEST:
                    why = say("The worker was lost on the way.", "工作进程中途丢失。")
                    self._end(row["id"], row["name"], "failed", why)
            elif row["import_state"] in (None, "done"):
                left = int((row["counts"] or {}).get("faulty", 0))
                problem = say("{count} rows were left out.", "{count} 行未能导入。", count=left)
                self._end(row["id"], row["name"], "done", problem if left else None)
            elif row["import_state"] in ("failed", "cancelled"):
                told = row["import_problem"]
                why = Label(told) if told else say("The import was cancelled.", "导入已取消。")
                self._end(row["id"], row["name"], "failed", why)

    def _end(self, run: int, name: str, state: str, problem: Label | None) -> None:
        values = {"run": run, "state": state, "now": self._clock.now()}
        text = json_text(dict(problem.texts)) if problem is not None else None
        with self._pools.write.connection() as connection:
            ended = statements.end.run(connection, {**values, "problem": text}).fetchone()
            before = statements.problem_before.run(connection, {"name": name, "run": run})
            known = (before.fetchone() or (None,))[0]
        if ended is None or problem is None:
            return
        _log.warning("Exchange %s: %s", name, problem)
        if known != dict(problem.texts):
            self._alarm(say("The exchange {name}: {why}", "同步 {name}：{why}", name=name,
                            why=problem))  # fmt: skip

    def _tell_calls(self) -> None:
        """Tell of calls of exchanges that failed for good since that was told last."""
        for one in self.listed():
            dead = (one.calls or {}).get("dead", 0)
            if dead == one.told:
                continue
            with self._pools.write.connection() as connection:
                statements.tell.do(connection, {"name": one.sync.name, "told": dead})
            if dead > one.told:
                self._alarm(
                    say(
                        "The exchange {name}: {count} calls failed for good. They can be sent "
                        "again under System › Deliveries.",
                        "同步 {name}：{count} 次调用最终失败，可在“系统 › 外发消息”中重新发送。",
                        name=one.sync.name,
                        count=dead,
                    )
                )


def _write(file: Any, sync: SyncIn, rows: Iterator[Mapping[str, Any]]) -> int:
    """Write the rows as an import reads them: a line each, every column in it."""
    count = 0
    for row in rows:
        count += 1
        if count > MOST_ROWS:
            raise SendFailed(
                say("There are more than {most} rows.", "超过 {most} 行。", most=MOST_ROWS),
                is_final=True,
            )
        line = {name: _cell(part_of(row, path)) for name, path in sync.taken.items()}
        file.write(orjson.dumps(line) + b"\n")
    return count


def _cell(value: Any) -> Any:
    """Return a value as a cell: what has parts of its own is written out."""
    if isinstance(value, dict):
        return orjson.dumps(value).decode()
    if isinstance(value, list):
        return [orjson.dumps(one).decode() if isinstance(one, dict | list) else one
                for one in value]  # fmt: skip
    return value


def _sentence(error: TrellisError) -> Label:
    first = next((texts[0] for texts in error.fields.values() if texts), error.message)
    return first if isinstance(first, Label) else Label({"en": str(first)})
