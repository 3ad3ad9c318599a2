"""How exchanges stand: the latest runs of what comes in, how the calls of what goes out went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from app.automation.registry import RuleNumbers
from app.definitions.connections import Connection, SyncIn, SyncOut
from app.exchange import statements
from app.texts import Label

#: Runs of each that are shown.
_SHOWN = 10
#: Calls that went out are counted so far back.
_COUNTED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Run:
    """One run as it is shown."""

    id: int
    name: str
    due_at: datetime | None
    missed: int
    user_id: int | None
    state: str
    rows: int
    import_run: int | None
    problem: Label | None
    began_at: datetime
    ended_at: datetime | None
    counts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """One exchange as it is shown."""

    connection: Connection
    sync: SyncIn | SyncOut
    runs: tuple[Run, ...] = ()
    next_at: datetime | None = None
    retry_at: datetime | None = None
    is_asked: bool = False
    #: out: so many calls had failed when that was told last
    told: int = 0
    #: out: calls of the last days by state, and when the last one arrived
    calls: Mapping[str, int] | None = None
    sent_at: datetime | None = None


def standings(
    connection: psycopg.Connection[Any],
    systems: Iterable[Connection],
    numbers: RuleNumbers,
    now: datetime,
) -> list[Standing]:
    """Return every exchange of these systems, four statements whatever their number."""
    every = [(one, sync) for one in systems for sync in one.syncs]
    names = [sync.name for _, sync in every]
    out = {numbers.number(one.name): one.name for _, one in every if isinstance(one, SyncOut)}
    calls: dict[str, dict[str, int]] = {name: {} for name in out.values()}
    sent: dict[str, datetime] = {}
    runs: dict[str, list[Run]] = {name: [] for name in names}
    for row in statements.latest.rows(connection, {"names": names, "most": _SHOWN}):
        runs[row["name"]].append(run_of(row))
    kept = statements.standing.rows(connection, {"names": names})
    standing: dict[str, Mapping[str, Any]] = {row["name"]: row for row in kept}
    asked = {"rules": list(out), "since": now - _COUNTED}
    for row in statements.calls.rows(connection, asked) if out else ():
        name = out[row["rule"]]
        calls[name][row["state"]] = row["count"]
        if row["sent_at"] is not None:
            sent[name] = max(row["sent_at"], sent.get(name, row["sent_at"]))
    return [
        Standing(
            of,
            sync,
            tuple(runs[sync.name]),
            next_at=standing.get(sync.name, {}).get("next_at"),
            retry_at=standing.get(sync.name, {}).get("retry_at"),
            is_asked=standing.get(sync.name, {}).get("asked_at") is not None,
            told=standing.get(sync.name, {}).get("told") or 0,
            calls=calls.get(sync.name),
            sent_at=sent.get(sync.name),
        )
        for of, sync in every
    ]


def run_of(row: Mapping[str, Any]) -> Run:
    """Return a run from its row."""
    problem = Label(row["problem"]) if row["problem"] else None
    values = {name: row[name] for name in Run.__slots__ if name not in ("problem", "counts")}
    return Run(**values, problem=problem, counts=row["counts"] or {})


def run_as_json(run: Run, language: str) -> dict[str, Any]:
    """Return a run as the API shows it."""
    return {
        "id": run.id,
        "name": run.name,
        "state": run.state,
        "due_at": run.due_at,
        "missed": run.missed,
        "user": run.user_id,
        "rows": run.rows,
        "import": run.import_run,
        "counts": {one: count for one, count in run.counts.items() if one != "others"},
        "problem": run.problem.in_language(language) if run.problem is not None else None,
        "began_at": run.began_at,
        "ended_at": run.ended_at,
    }


def standing_as_json(one: Standing, language: str) -> dict[str, Any]:
    """Return an exchange as the API shows it."""
    is_in = isinstance(one.sync, SyncIn)
    return {
        "name": one.sync.name,
        "integration": one.connection.name,
        "kind": one.connection.kind,
        "label": one.sync.label.in_language(language),
        "way": "in" if is_in else "out",
        "entity": one.sync.mapping.entity if isinstance(one.sync, SyncIn) else one.sync.entity,
        "off": one.sync.off,
        "next_at": min(filter(None, (one.next_at, one.retry_at)), default=None),
        "asked": one.is_asked,
        "runs": [run_as_json(run, language) for run in one.runs],
        "calls": dict(one.calls) if one.calls is not None else None,
        "sent_at": one.sent_at,
    }
