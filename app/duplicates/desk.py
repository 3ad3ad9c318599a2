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
from app.clock import Clock
from app.database.duplicate_tables import duplicate_pair, duplicate_scan
from app.database.statements import Statement
from app.duplicates.checking import Checking
from app.duplicates.finding import find_pairs
from app.duplicates.groups import grouped
from app.duplicates.imported import Imported
from app.duplicates.readable import pairs_of
from app.errors import Forbidden, NotFound
from app.records.checking import visible_ids
from app.records.comparing import Comparison, comparisons_of
from app.records.door import Records
from app.records.pairs import together
from app.records.work import Work
from app.texts import say

PAGE = 25
#: Pages one looks through; what comes later is less likely with every page.
PAGES = 40
#: Counting stops here.
MOST = 1_000
#: No pair has such a number.
_TOO_LARGE = 2**63
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


@dataclass(frozen=True, slots=True)
class Group:
    """Records that may be one thing: those of pairs that hang together."""

    #: the surest first
    pairs: Sequence[Pair]

    @property
    def score(self) -> float:
        """How sure the surest pair is."""
        return max(one.score for one in self.pairs)

    @property
    def sides(self) -> list[Side]:
        """The records, each once."""
        return list(dict.fromkeys(side for one in self.pairs for side in (one.one, one.other)))

    def as_json(self) -> dict[str, Any]:
        """Return it as the API writes it."""
        return {
            "score": round(self.score, 3),
            "records": [
                {"entity": each.entity, "id": each.id, "title": each.title} for each in self.sides
            ],
            "pairs": [one.as_json() for one in self.pairs],
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
            found = pairs_of(work, entity)
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
            found = pairs_of(work, entity)
            if found is None:
                return 0
            some = found.limit(MOST).subquery("some")
            counted = Statement(sa.select(sa.func.count()).select_from(some))
            ((number,),) = counted.run(work.connection, work.asker)
            return int(number)

        return self._records.transact(principal, step)

    def groups(
        self, principal: Principal, entity: str | None = None, page: int = 1, limit: int = PAGE
    ) -> tuple[list[Group], int]:
        """Return one page of what may be one thing, the surest first, and how much there is.

        The surest pairs that have a record in common are one group; `MOST` of them are looked at.
        """

        def step(work: Work) -> list[dict[str, Any]]:
            found = pairs_of(work, entity)
            if found is None:
                return []
            each = found.subquery("pairs")
            chosen = sa.select(each).order_by(each.c.score.desc(), each.c.id).limit(MOST)
            return Statement(chosen).rows(work.connection, work.asker)

        rows = self._records.transact(principal, step)
        sides = [
            ((row["name"], row["record_id"]), (row["other_name"], row["other_id"])) for row in rows
        ]
        groups = grouped(sides)
        start = (max(page, 1) - 1) * limit
        places = groups[start : start + limit]
        pairs = iter(self._shown(principal, [rows[one] for group in places for one in group]))
        return [Group([next(pairs) for _ in group]) for group in places], len(groups)

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

    def keep_apart(self, principal: Principal, *pairs: int, apart: bool = True) -> None:
        """Remember that the records of pairs are two, or forget it: all of them or none.

        Raises:
            NotFound: there is no such pair, or not both may be read.
            Forbidden: the asker may neither change nor merge one of them.
        """
        ids = sorted(set(pairs))

        def step(work: Work) -> None:
            found = pairs_of(work, None, apart=not apart)
            rows: list[dict[str, Any]] = []
            if found is not None and ids and ids[-1] < _TOO_LARGE:
                each = found.subquery("pairs")
                chosen = sa.select(each).where(each.c.id == _among(ids))
                rows = Statement(chosen).rows(work.connection, work.asker)
            if not ids or len(rows) < len(ids):
                raise NotFound
            for row in rows:
                self._require_either(work, row)
            values = {
                "apart_at": work.now if apart else None,
                "apart_by": work.user_id if apart else None,
            }
            change = sa.update(duplicate_pair).where(duplicate_pair.c.id == _among(ids))
            Statement(change.values(values)).run(work.connection)

        self._records.transact(principal, step)

    def _require_either(self, work: Work, row: Mapping[str, Any]) -> None:
        """Refuse whoever may change or merge neither record of a pair."""
        sides = ((row["name"], row["record_id"]), (row["other_name"], row["other_id"]))
        if not any(
            visible_ids(work, name, [number], right)
            for name, number in sides
            for right in ("update", "merge")
        ):
            raise Forbidden(work.policy.why("update", row["name"]))

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


def _among(ids: Sequence[int]) -> sa.ColumnElement[Any]:
    return sa.any_(sa.literal(list(ids), ARRAY(sa.BigInteger)))
