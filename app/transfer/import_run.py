"""One import as it is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from app.errors import Conflict
from app.records.statements import json_text
from app.texts import Label, say
from app.transfer import statements
from app.transfer.plans import Plan, read_plan
from app.transfer.tallies import Fault, Tally


@dataclass(frozen=True, slots=True)
class Run:
    """An import as it is kept."""

    id: int
    entity: str
    user_id: int | None
    name: str
    sha256: str
    plan: Plan
    state: str
    mark: int
    total: int | None
    counts: Mapping[str, Any]
    change_set: int | None
    problem: Label | None
    made_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {
            "id": self.id,
            "entity": self.entity,
            "file": self.name,
            "state": self.state,
            "total": self.total,
            "done": sum(int(n) for name, n in self.counts.items() if name != "others"),
            "counts": self.counts,
            "change_set": self.change_set,
            "mode": self.plan.mode,
            "rules": self.plan.rules,
            "all_or_nothing": self.plan.all_or_nothing,
            "match": [list(key) for key in self.plan.match],
            "columns": dict(self.plan.columns),
            "ways": dict(self.plan.ways),
            "shape": asdict(self.plan.shape),
            "problem": dict(self.problem.texts) if self.problem else None,
        }


def run_of(row: Mapping[str, Any]) -> Run:
    """Return an import from its row."""
    return Run(
        **{name: row[name] for name in Run.__slots__ if name not in ("plan", "problem")},
        plan=read_plan(row["plan"]),
        problem=Label(row["problem"]) if row["problem"] else None,
    )


def begun() -> Conflict:
    """Return that an import is not any more as somebody saw it."""
    return Conflict(
        say("The import has gone on meanwhile; look again.", "导入任务状态已改变，请刷新后重试。")
    )


def fault_values(run_id: int, fault: Fault) -> dict[str, Any]:
    """Return a row that was left out as it is kept."""
    return {
        "_run": run_id,
        "_row": fault.row,
        "_values": json_text(fault.values),
        "_reasons": json_text([reason.as_json() for reason in fault.reasons]),
    }


def kept_faults(pools: Any, run_id: int) -> Iterator[tuple[int, list[Any], Any]]:
    """Yield the rows of a run that were left out: number, cells, reasons."""
    after, limit = -1, 1000
    while True:
        with pools.write.connection() as connection:
            values = {"run": run_id, "after": after, "limit": limit}
            rows = statements.faults.rows(connection, values)
        for row in rows:
            yield row["row"], row["cells"], row["reasons"]
            after = row["row"]
        if len(rows) < limit:
            return


def summed(counts: Mapping[str, Any], tally: Tally) -> dict[str, Any]:
    """Return what was counted so far with what came of further rows."""
    total = Tally()
    total.counts.update({name: n for name, n in counts.items() if name != "others"})
    total.others.update(counts.get("others", {}))
    total.add(tally)
    return {**total.counts, "others": total.others}
