"""What app.yaml keeps for so long, and no longer: `keep`.

Once a night, a batch at a time, each in a transaction of its own, so that nobody waits for it. What
may not go (it is held, or a record that stays needs it) stays and keeps nothing else back.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.clock import Clock
from app.database import audit
from app.database.automation_tables import firing, message, rule, task
from app.database.change_tables import change_moved, change_run, change_skip
from app.database.ddl import SCHEMA
from app.database.outlook import Outlook
from app.database.personal_tables import personal_read
from app.database.statements import Statement
from app.database.system import audit as audit_table
from app.database.system import change_set, history, revision
from app.database.transfer_tables import import_fault, import_run
from app.database.versions import file_of, find_live_version
from app.definitions.catalog import Catalog, Entity
from app.definitions.document import read_documents
from app.definitions.words import days_of
from app.errors import InvalidInput
from app.records.door import Records
from app.security.audit_log import GROUPS
from app.texts import Label, say

#: When it is done: the hour of the company's day.
_HOUR = 1
#: Rows of a batch; of records, each of which is looked at, fewer.
_ROWS, _RECORDS = 5_000, 200
#: Counting ends here, and so many are worth a word before a plan is applied.
_COUNTED, MUCH = 100_000, 100
#: Where it stands when it was done last.
_MARK = "kept_until"
_WHO_WORKS = frozenset({"user", "department"})
_BEFORE = sa.bindparam("before", type_=sa.DateTime(timezone=True))

KINDS: dict[str, Label] = {
    "bin": say("deleted records", "回收站中的记录"),
    "history": say("lines of history", "历史记录"),
    "runs": say("firings of rules", "规则执行记录"),
    "inbox": say("messages", "收件箱消息"),
    "sign_ins": say("sign-ins", "登录记录"),
    "imports": say("rows that imports left out", "导入的问题行"),
    "reads": say("lines of who read personal data", "个人信息查看记录"),
}


def _old(table: sa.Table, *conditions: Any) -> sa.Select[Any]:
    return sa.select(*table.primary_key.columns).where(*conditions)


def _firings(kept: list[int]) -> sa.Select[Any]:
    """Return the firings that are over; of rules that fire once ever, the ledger is what knows."""
    waits = sa.exists().where(task.c.firing == firing.c.id)
    old = _old(firing, firing.c.happened_at < _BEFORE, firing.c.ended_at < _BEFORE, sa.not_(waits))
    return old.where(firing.c.rule.not_in(kept)) if kept else old


_OLD: dict[str, Callable[[list[int]], sa.Select[Any]]] = {
    "history": lambda _: _old(history, history.c.happened_at < _BEFORE),
    "runs": _firings,
    "inbox": lambda _: _old(message, message.c.shown_at < _BEFORE),
    "sign_ins": lambda _: _old(
        audit_table,
        audit_table.c.happened_at < _BEFORE,
        audit_table.c.kind.in_(GROUPS["sign_ins"]),
    ),
    "reads": lambda _: _old(personal_read, personal_read.c.last_at < _BEFORE),
    "imports": lambda _: _old(import_fault).where(
        import_fault.c.run.in_(sa.select(import_run.c.id).where(import_run.c.ended_at < _BEFORE))
    ),
}
_TABLES = {
    "history": history,
    "runs": firing,
    "inbox": message,
    "sign_ins": audit_table,
    "imports": import_fault,
}


def cutoffs(keep: Mapping[str, Any], now: datetime) -> dict[str, datetime]:
    """Return before when things are too old, by kind, as far as `keep` says it."""
    return {
        kind: now - timedelta(days=days_of(str(keep[kind]))) for kind in KINDS if keep.get(kind)
    }


class Keeping:
    """Removes what is kept no longer."""

    def __init__(self, records: Records, pools: Any, live: Any, clock: Clock) -> None:
        """Take the door, through which records go, and the clock."""
        self._records, self._pools, self._live, self._clock = records, pools, live, clock

    def overdue(self) -> dict[str, int]:
        """Return how much of what goes next, by kind; counting ends at 100,000."""
        catalog = self._live.release.catalog
        with self._pools.engine.connect() as connection:
            return count_old(connection, catalog, self._clock.now())

    # -- when --------------------------------------------------------------------------------------

    def is_due(self) -> bool:
        """Return whether the night's work is still to be done.

        What was set up or restored today has its first night before it.
        """
        catalog, now = self._live.release.catalog, self._clock.now()
        if not cutoffs(catalog.app.keep, now):
            return False
        calendar = catalog.app.business_calendar
        night = calendar.midnight(calendar.day(now)) + timedelta(hours=_HOUR)
        with self._pools.engine.begin() as connection:
            put = insert(revision).values(name=_MARK, number=int(now.timestamp()))
            connection.execute(put.on_conflict_do_nothing())
            last = connection.scalar(sa.select(revision.c.number).where(revision.c.name == _MARK))
        return bool(datetime.fromtimestamp(last or 0, UTC) < night <= now)

    def nightly(self, seconds: float = 45.0) -> dict[str, int]:
        """Do the night's work for a while, if there is any; return how much of what went."""
        if not self.is_due():
            return {}
        gone, is_done = self.remove(seconds)
        if is_done:
            moment = int(self._clock.now().timestamp())
            with self._pools.engine.begin() as connection:
                connection.execute(
                    sa.update(revision).where(revision.c.name == _MARK).values(number=moment)
                )
        return gone

    # -- what --------------------------------------------------------------------------------------

    def remove(self, seconds: float = 45.0) -> tuple[dict[str, int], bool]:
        """Remove what is too old for so long; return how much of what, and whether that was all."""
        end = time.monotonic() + seconds
        catalog, now = self._live.release.catalog, self._clock.now()
        gone: Counter[str] = Counter()
        is_done = True
        for kind, before in cutoffs(catalog.app.keep, now).items():
            if kind == "bin":
                found, whole = self._empty_bin(catalog, before, end)
            else:
                found, whole = self._forget(kind, before, end)
            gone[kind] += found
            is_done = is_done and whole
        told = {kind: count for kind, count in gone.items() if count}
        if told:
            with self._pools.write.connection() as connection:
                audit.note(connection, "data.keep.removed", details={"counts": told})
        return told, is_done

    def _empty_bin(self, catalog: Catalog, before: datetime, end: float) -> tuple[int, bool]:
        count = 0
        for entity in binned_entities(catalog):
            # One look for all of a night; those that may not go are not looked at twice.
            with self._pools.engine.connect() as connection:
                chosen = _in_bin(entity).limit(_COUNTED)
                ids = list(connection.scalars(chosen, {"before": before}))
            for start in range(0, len(ids), _RECORDS):
                if time.monotonic() > end:
                    return count, False
                count += self._purge(entity.name, ids[start : start + _RECORDS])
        return count, True

    def _purge(self, entity: str, ids: list[int]) -> int:
        try:
            return self._records.purge_old(entity, ids)
        except InvalidInput:
            # What would go with one of them is held, or needed by a record that stays.
            if len(ids) == 1:
                return 0
            half = len(ids) // 2
            return self._purge(entity, ids[:half]) + self._purge(entity, ids[half:])

    def _forget(self, kind: str, before: datetime, end: float) -> tuple[int, bool]:
        count = 0
        statement = _removal(kind, self._once())
        while time.monotonic() < end:
            with self._pools.write.connection() as connection:
                gone = statement.run(connection, {"before": before}).rowcount
            count += gone
            if gone < _ROWS:
                if kind == "history":
                    self._forget_change_sets(before)
                return count, True
        return count, False

    def _once(self) -> list[int]:
        """Return the numbers of rules that fire once ever for a record."""
        rules = self._live.release.catalog.automation.rules.values()
        names = [each.name for each in rules if each.once]
        with self._pools.engine.connect() as connection:
            return list(connection.scalars(sa.select(rule.c.number).where(rule.c.name.in_(names))))

    def _forget_change_sets(self, before: datetime) -> None:
        """Remove change sets none of whose lines are left; nothing of them could be undone."""
        left = sa.exists().where(history.c.change_set == change_set.c.id)
        old = sa.select(change_set.c.id).where(change_set.c.happened_at < before, sa.not_(left))
        with self._pools.engine.begin() as connection:
            ids = list(connection.scalars(old.limit(_ROWS)))
            runs = sa.select(change_run.c.id).where(change_run.c.change_set.in_(ids))
            for gone in (
                sa.delete(change_skip).where(change_skip.c.run.in_(runs)),
                sa.delete(change_run).where(change_run.c.change_set.in_(ids)),
                sa.delete(change_moved).where(change_moved.c.change_set.in_(ids)),
                sa.delete(change_set).where(change_set.c.id.in_(ids)),
            ):
                connection.execute(gone)


def _removal(kind: str, once: list[int]) -> Statement:
    table = _TABLES[kind]
    keys = list(table.primary_key.columns)
    old = _OLD[kind](once).order_by(*keys).limit(_ROWS).subquery("old")
    same = sa.and_(*(key == old.c[key.name] for key in keys))
    return Statement(sa.delete(table).where(same))


def binned_entities(catalog: Catalog) -> list[Entity]:
    """Return the entities whose records go for good: people and departments stay."""
    return [
        one
        for one in catalog.entities.values()
        if one.lines_of is None and one.name not in _WHO_WORKS
    ]


def _in_bin(entity: Entity) -> sa.Select[Any]:
    rows = sa.table(entity.table, sa.column("id"), sa.column("deleted_at"), schema=SCHEMA)
    return sa.select(rows.c.id).where(rows.c.deleted_at < _BEFORE).order_by(rows.c.deleted_at)


def count_old(connection: sa.Connection, catalog: Catalog, now: datetime) -> dict[str, int]:
    """Return how much is older than *catalog* keeps it, by kind."""
    counts: Counter[str] = Counter()
    for kind, before in cutoffs(catalog.app.keep, now).items():
        asked = (
            [_OLD[kind]([])]
            if kind != "bin"
            else [
                _in_bin(entity)
                for entity in binned_entities(catalog)
                if _is_there(connection, entity)
            ]
        )
        for each in asked:
            some = each.limit(_COUNTED).subquery()
            chosen = sa.select(sa.func.count()).select_from(some)
            counts[kind] += int(connection.scalar(chosen, {"before": before}) or 0)
    return {kind: count for kind, count in counts.items() if count}


def _is_there(connection: sa.Connection, entity: Entity) -> bool:
    found = sa.func.to_regclass(f'{SCHEMA}."{entity.table}"')
    return connection.scalar(sa.select(found)) is not None


def outlook_of_keeping(pools: Any, catalog: Catalog, now: datetime) -> list[Outlook]:
    """Return how much the next night removes where a plan changes `keep`, if that is much."""
    with pools.engine.connect() as connection:
        live = find_live_version(connection)
        if live is None:
            return []
        before = _keep_of(file_of(connection, live.number, "app.yaml"))
        if before == dict(catalog.app.keep):
            return []
        counts = count_old(connection, catalog, now)
    return [_told(kind, count, catalog) for kind, count in counts.items() if count >= MUCH]


def _keep_of(text: str) -> dict[str, Any]:
    """Return what the text of an app.yaml keeps."""
    documents, _ = read_documents("app.yaml", text)
    data = documents[0].data if documents else None
    keep = data.get("keep") if isinstance(data, Mapping) else None
    return dict(keep) if isinstance(keep, Mapping) else {}


def _told(kind: str, count: int, catalog: Catalog) -> Outlook:
    words = say(
        "{count} {what} are older than {limit} and will be gone for good after the next night.",
        "有 {count} 条{what}超过 {limit}，将在下一个夜间永久删除。",
        count=f"{count:,}{'+' if count == _COUNTED else ''}",
        what=KINDS[kind],
        limit=str(catalog.app.keep[kind]),
    )
    return Outlook(f"keep.{kind}", words, data={"keep": {"kind": kind, "count": count}}, waits=True)
