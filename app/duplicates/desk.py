"""Pairs of records that may be the same thing, for who may read both, and scans for them.

A pair is shown by what its reader may read alone: one that was found by a hidden phone number does
not exist for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.access.principal import SYSTEM, Principal
from app.access.visibility import Visibility, visible
from app.clock import Clock
from app.database.duplicate_tables import duplicate_pair, duplicate_scan
from app.database.statements import Statement
from app.duplicates.checking import Checking
from app.duplicates.finding import find_pairs
from app.duplicates.imported import Imported
from app.errors import Forbidden, NotFound
from app.records.checking import visible_ids
from app.records.comparing import Comparison, compared_entities, comparisons_of
from app.records.door import Records
from app.records.kinship import unlinked
from app.records.pairs import together
from app.records.work import Work
from app.texts import say

PAGE = 25
#: Pages one looks through; what comes later is less likely with every page.
PAGES = 40
#: Counting stops here.
MOST = 1_000
#: A scan whose worker said nothing for so long is taken up by another.
_SILENT = timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class Side:
    """One record of a pair."""

    entity: str
    id: int
    title: str


@dataclass(frozen=True, slots=True)
class Reason:
    """By what two records were found: ``kind`` as in `comparing`, and the field of each."""

    kind: str
    field: str
    other_field: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records that may be the same thing."""

    id: int
    score: float
    one: Side
    other: Side
    reasons: Sequence[Reason]
    found_at: datetime

    def as_json(self) -> dict[str, Any]:
        """Return it as the API writes it."""
        return {
            "id": self.id,
            "score": round(self.score, 3),
            "records": [
                {"entity": each.entity, "id": each.id, "title": each.title}
                for each in (self.one, self.other)
            ],
            "reasons": [
                {"kind": each.kind, "fields": [each.field, each.other_field]}
                for each in self.reasons
            ],
            "found_at": self.found_at,
        }


class Duplicates:
    """Finds, shows and tells apart."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        #: asking by a word whether something is there already
        self.checking = Checking(records, clock)
        #: comparing what imports wrote
        self.imported = Imported(records, clock, self._scan_unless_open)

    # -- showing -----------------------------------------------------------------------------------

    def listed(
        self, principal: Principal, entity: str | None = None, page: int = 1, limit: int = PAGE
    ) -> list[Pair]:
        """Return one page of pairs the asker may read both records of, the surest first."""

        def step(work: Work) -> list[dict[str, Any]]:
            found = _pairs(work, entity)
            if found is None:
                return []
            each = found.subquery("pairs")
            chosen = sa.select(each).order_by(each.c.score.desc(), each.c.id)
            start = (min(max(page, 1), PAGES) - 1) * limit
            return Statement(chosen.limit(limit).offset(start)).rows(work.connection, work.asker)

        rows = self._records.transact(principal, step)
        return self._shown(principal, rows)

    def count(self, principal: Principal, entity: str | None = None) -> int:
        """Return how many pairs there are for the asker; counting stops at `MOST`."""

        def step(work: Work) -> int:
            found = _pairs(work, entity)
            if found is None:
                return 0
            some = found.limit(MOST).subquery("some")
            counted = Statement(sa.select(sa.func.count()).select_from(some))
            ((number,),) = counted.run(work.connection, work.asker)
            return int(number)

        return self._records.transact(principal, step)

    def _shown(self, principal: Principal, rows: Sequence[Mapping[str, Any]]) -> list[Pair]:
        wanted: dict[str, set[int]] = {}
        for row in rows:
            wanted.setdefault(row["name"], set()).add(row["record_id"])
            wanted.setdefault(row["other_name"], set()).add(row["other_id"])
        titles = {
            (name, number): title
            for name, ids in wanted.items()
            for number, title in self._records.titles(principal, name, ids).items()
        }
        policy = self._records.policy(principal)

        def side(name: str, number: int) -> Side:
            return Side(name, number, titles.get((name, number)) or f"#{number}")

        found = []
        for row in rows:
            known = {Reason(*one.split(":")): says for one, says in row["reasons"].items()}
            reasons = [
                one
                for one in known
                if policy.is_readable(row["name"], one.field.partition(".")[0])
                and policy.is_readable(row["other_name"], one.other_field.partition(".")[0])
            ]
            one, other = (
                side(row["name"], row["record_id"]),
                side(row["other_name"], row["other_id"]),
            )
            # What may not be seen says nothing, not even how sure it is.
            score = together(known[each] for each in reasons)
            found.append(Pair(row["id"], score, one, other, reasons, row["found_at"]))
        return found

    # -- telling apart -----------------------------------------------------------------------------

    def keep_apart(self, principal: Principal, pair: int, *, apart: bool = True) -> None:
        """Remember that two records are two, or forget it.

        Raises:
            NotFound: there is no such pair, or not both may be read.
            Forbidden: the asker may neither change nor merge one of them.
        """

        def step(work: Work) -> None:
            found = _pairs(work, None, apart=not apart)
            row = None
            if found is not None:
                each = found.subquery("pairs")
                chosen = sa.select(each).where(each.c.id == pair)
                row = next(iter(Statement(chosen).rows(work.connection, work.asker)), None)
            if row is None:
                raise NotFound
            sides = ((row["name"], row["record_id"]), (row["other_name"], row["other_id"]))
            if not any(
                visible_ids(work, name, [number], right)
                for name, number in sides
                for right in ("update", "merge")
            ):
                raise Forbidden(work.policy.why("update", row["name"]))
            values = {
                "apart_at": work.now if apart else None,
                "apart_by": work.user_id if apart else None,
            }
            change = sa.update(duplicate_pair).where(duplicate_pair.c.id == pair)
            Statement(change.values(values)).run(work.connection)

        self._records.transact(principal, step)

    # -- looking for them --------------------------------------------------------------------------

    def begin(self, principal: Principal) -> int:
        """Ask for a scan; return its number. One under way is answered with its own.

        Raises:
            Forbidden: the asker is no administrator.
        """

        def step(work: Work) -> int:
            if not (work.policy.is_admin or principal.is_system):
                raise Forbidden(
                    say(
                        "Only administrators look through all records.",
                        "只有系统管理员可以扫描全部数据。",
                    )
                )
            return self._open(work) or self._put(work)

        return self._records.transact(principal, step)

    def _put(self, work: Work) -> int:
        put = sa.insert(duplicate_scan).values(user_id=work.user_id, made_at=work.now)
        ((number,),) = Statement(put.returning(duplicate_scan.c.id)).run(work.connection)
        return int(number)

    def _scan_unless_open(self) -> bool:
        """Ask for a scan that sees all that is there now; False where one has begun before."""

        def step(work: Work) -> bool:
            if self._open(work) is not None:
                return False
            self._put(work)
            return True

        return self._records.transact(SYSTEM, step)

    def _open(self, work: Work) -> int | None:
        chosen = sa.select(duplicate_scan.c.id).where(duplicate_scan.c.ended_at.is_(None))
        return next((row[0] for row in Statement(chosen).run(work.connection)), None)

    def last_scan(self) -> dict[str, Any] | None:
        """Return the scan that was asked for last."""

        def step(work: Work) -> dict[str, Any] | None:
            chosen = sa.select(duplicate_scan).order_by(duplicate_scan.c.id.desc()).limit(1)
            return next(iter(Statement(chosen).rows(work.connection)), None)

        return self._records.transact(SYSTEM, step)

    def silent(self) -> list[int]:
        """Return the scans nobody works at."""

        def step(work: Work) -> list[int]:
            table = duplicate_scan
            late = sa.or_(table.c.beat_at.is_(None), table.c.beat_at < work.now - _SILENT)
            chosen = sa.select(table.c.id).where(table.c.ended_at.is_(None), late)
            return [row[0] for row in Statement(chosen).run(work.connection)]

        return self._records.transact(SYSTEM, step)

    def run(self, scan: int) -> None:
        """Do what is left of a scan, a step to a transaction; nothing where another does it."""
        while self._step(scan):
            pass

    def _step(self, scan: int) -> bool:
        table = duplicate_scan

        def step(work: Work) -> bool:
            locked = sa.select(table).where(table.c.id == scan, table.c.ended_at.is_(None))
            rows = Statement(locked.with_for_update(skip_locked=True)).rows(work.connection)
            if not rows:
                return False
            steps: list[Comparison] = comparisons_of(work.release.catalog)
            at = rows[0]["step"]
            if at >= len(steps):
                self._end(work, scan)
                return False
            found = find_pairs(work, scan, steps[at])
            self._set(
                work, scan, state="running", step=at + 1, steps=len(steps),
                found=rows[0]["found"] + found, beat_at=self._clock.now(),
            )  # fmt: skip
            return True

        # One that another worker is at is left to it.
        return self._records.transact(SYSTEM, step)

    def _end(self, work: Work, scan: int) -> None:
        """End a scan: pairs it did not see any more are gone, but those a save found meanwhile."""
        pair, begun = duplicate_pair, duplicate_scan
        since = sa.select(begun.c.made_at).where(begun.c.id == scan).scalar_subquery()
        gone = sa.or_(pair.c.scan < scan, sa.and_(pair.c.scan.is_(None), pair.c.found_at < since))
        Statement(sa.delete(pair).where(pair.c.apart_at.is_(None), gone)).run(work.connection)
        counted = sa.select(sa.func.count()).where(pair.c.apart_at.is_(None)).scalar_subquery()
        change = sa.update(begun).where(begun.c.id == scan)
        values = {"state": "done", "ended_at": self._clock.now(), "found": counted}
        Statement(change.values(values)).run(work.connection)

    def _set(self, work: Work, scan: int, **values: Any) -> None:
        table = duplicate_scan
        change = sa.update(table).where(table.c.id == scan, table.c.ended_at.is_(None))
        Statement(change.values(values)).run(work.connection)

    def fail(self, scan: int, problem: str) -> None:
        """Note that a scan came to nothing."""
        values = {"state": "failed", "problem": problem[:500], "ended_at": self._clock.now()}
        self._records.transact(SYSTEM, lambda work: self._set(work, scan, **values))


def _pairs(work: Work, entity: str | None, *, apart: bool = False) -> sa.Select[Any] | None:
    """Return the statement for the pairs the asker may read; None where there can be none.

    Columns: those of the pair, and ``name`` and ``other_name`` of the entities.
    """
    readable = [
        one.name
        for one in compared_entities(work.release.catalog)
        if work.policy.may("read", one.name)
    ]
    parts = []
    numbered = sorted(readable, key=work.number)
    for place, first in enumerate(numbered):
        for second in numbered[place:]:
            if entity is None or entity in (first, second):
                part = _part(work, first, second, apart=apart)
                if part is not None:
                    parts.append(part)
    if not parts:
        return None
    each = sa.union_all(*parts).subquery("each")
    return sa.select(each)


def _part(work: Work, first: str, second: str, *, apart: bool) -> sa.Select[Any] | None:
    pair = duplicate_pair.alias()
    one, other = (work.release.tables[name].alias() for name in (first, second))
    by = _by(work, first, second)
    if not by:
        return None
    rights = Visibility(work.release, work.policy)
    veils = [
        condition
        for name, table in ((first, one), (second, other))
        for condition in rights.veils(name, table).values()
    ]
    told = pair.c.apart_at.is_not(None) if apart else pair.c.apart_at.is_(None)
    return (
        sa.select(
            pair.c.id, pair.c.score, pair.c.record_id, pair.c.other_id, pair.c.found_at,
            pair.c.reasons,
            sa.literal(first, sa.Text).label("name"),
            sa.literal(second, sa.Text).label("other_name"),
        )
        .join(one, one.c.id == pair.c.record_id)
        .join(other, other.c.id == pair.c.other_id)
        .where(
            pair.c.entity == work.number(first),
            pair.c.other_entity == work.number(second),
            told,
            one.c.deleted_at.is_(None),
            other.c.deleted_at.is_(None),
            visible(work.release, first, one, work.policy),
            visible(work.release, second, other, work.policy),
            pair.c.reasons.op("?|", is_comparison=True)(sa.literal(by, ARRAY(sa.Text))),
            *(sa.not_(sa.func.coalesce(veil, sa.false())) for veil in veils),
            *unlinked(work, (first, one), (second, other)),
        )
    )  # fmt: skip


def _by(work: Work, first: str, second: str) -> list[str]:
    """Return the reasons the asker may know of, between two entities."""
    policy = work.policy
    found = []
    for step in comparisons_of(work.release.catalog):
        mine = [m for m in step.members if m.entity == first and policy.is_readable(first, m.field)]
        theirs = [
            m for m in step.members if m.entity == second and policy.is_readable(second, m.field)
        ]
        found += [f"{step.kind}:{a.path}:{b.path}" for a in mine for b in theirs]
    return sorted(set(found))
