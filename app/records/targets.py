"""Targets: what is to be reached by the company, a department or a person, month by month.

Kept beside the records, since nobody owns them. Who may see and type in which of them follows from
whose records somebody may read: `Reach`. Quarters and years are sums and never stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.access.organisation import Snapshot
from app.access.policy import Policy
from app.access.principal import Principal
from app.database.statements import Statement
from app.database.target_tables import target_change, target_value
from app.definitions.dashboards import Target
from app.errors import Forbidden, InvalidInput
from app.texts import say

#: The company is one subject; its number says nothing.
COMPANY = ("company", 0)
#: Amounts beyond this are slips of the finger.
HIGHEST = Decimal(10) ** 15
#: So many at once fill a year of a large company, and no more.
MOST_CELLS = 5_000

Subject = tuple[str, int]
#: By subject, month and level.
Amounts = Mapping[tuple[Subject, date, str], Decimal]


@dataclass(frozen=True, slots=True)
class Cell:
    """One amount that is typed in; None takes it away."""

    kind: str
    subject: int
    month: date
    level: str
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class Change:
    """Who changed one amount, when, from what to what."""

    kind: str
    subject: int
    month: date
    level: str
    before: Decimal | None
    after: Decimal | None
    by: int | None
    at: datetime


class Reach:
    """Whose targets somebody may see, and whose type in."""

    def __init__(
        self, target: Target, policy: Policy, principal: Principal, snapshot: Snapshot
    ) -> None:
        self.target = target
        self.sees_all = policy.may("read", target.entity) and (
            policy.rule("read", target.entity).is_all
        )
        self._policy = policy
        self._principal = principal
        self._snapshot = snapshot
        below = snapshot.department_tree(
            number for number in principal.departments if self._heads(number)
        )
        self._departments = frozenset(below)
        self._people = frozenset(principal.subordinates)

    @property
    def may_edit(self) -> bool:
        """Whether anything of it at all may be typed in."""
        roles = set(self.target.edit) & set(self._policy.roles)
        return self._policy.is_admin or bool(roles)

    def sees(self, subject: Subject) -> bool:
        """Whether somebody's target may be known."""
        kind, number = subject
        if self.sees_all:
            return True
        if kind == "user":
            return number in self._people
        return kind == "department" and number in self._departments

    def edits(self, subject: Subject) -> bool:
        """Whether somebody's target may be typed in: one's own only where one sees everything."""
        if not self.may_edit or subject[0] not in self.target.per or not self._is_there(subject):
            return False
        if self._policy.is_admin or self.sees_all:
            return True
        if not self.sees(subject):
            return False
        return subject != ("user", self._principal.user_id)

    def subjects(self) -> list[tuple[Subject, int]]:
        """Return everybody whose target may be seen, with how deep each lies, in order."""
        found: list[tuple[Subject, int]] = []
        if "company" in self.target.per and self.sees(COMPANY):
            found.append((COMPANY, 0))
        taken: set[int] = set()
        for number, depth in departments_in_order(self._snapshot):
            department = ("department", number)
            if "department" in self.target.per and self.sees(department):
                found.append((department, depth + 1))
            found += self._people_of(number, depth + 2, taken)
        found += self._people_of(None, 1, taken)
        return found

    def _people_of(
        self, department: int | None, depth: int, taken: set[int]
    ) -> list[tuple[Subject, int]]:
        if "user" not in self.target.per:
            return []
        people = self._snapshot.people.values()
        mine = [
            person
            for person in people
            if person.department == department and person.active and person.id not in taken
        ]
        taken.update(person.id for person in mine)
        ordered = sorted(mine, key=lambda person: person.name)
        pairs = [(("user", person.id), depth) for person in ordered]
        return [(subject, deep) for subject, deep in pairs if self.sees(subject)]

    def _is_there(self, subject: Subject) -> bool:
        kind, number = subject
        if kind == "user":
            return number in self._snapshot.people
        return subject == COMPANY or number in self._snapshot.departments

    def _heads(self, department: int) -> bool:
        return self._snapshot.head_of(department) == self._principal.user_id


def departments_in_order(snapshot: Snapshot) -> list[tuple[int, int]]:
    """Return the departments, each behind the one it belongs to, with how deep it lies."""
    below: dict[int | None, list[int]] = {}
    for number, parent in snapshot.departments.items():
        known = parent if parent in snapshot.departments else None
        below.setdefault(known, []).append(number)
    found: list[tuple[int, int]] = []

    def walk(parent: int | None, depth: int) -> None:
        for number in sorted(below.get(parent, ()), key=lambda n: snapshot.department_names[n]):
            if all(number != known for known, _ in found):
                found.append((number, depth))
                walk(number, depth + 1)

    walk(None, 0)
    return found


class TargetBook:
    """Reads and writes what was typed in."""

    def __init__(self, pools: Any) -> None:
        self._pools = pools

    def amounts(self, targets: Iterable[Target], first: date, last: date) -> dict[str, Amounts]:
        """Return what is to be reached in the months from *first* to *last*, by target."""
        listed = {target.name: target for target in targets}
        if not listed:
            return {}
        names = [name for target in listed.values() for name in target.names]
        values = {"names": names, "first": first.replace(day=1), "last": last}
        with self._pools.read.connection() as connection:
            rows = _AMOUNTS.run(connection, values).fetchall()
        return {name: _of_target(target, rows) for name, target in listed.items()}

    def changes(self, target: Target, limit: int = 50) -> list[Change]:
        """Return the last changes of a target, the newest first."""
        values = {"names": list(target.names), "most": limit}
        with self._pools.read.connection() as connection:
            rows = _CHANGES.run(connection, values).fetchall()
        return [Change(*row) for row in rows]

    def write(
        self, principal: Principal, reach: Reach, cells: Sequence[Cell], now: datetime
    ) -> int:
        """Write amounts, all or none; return how many of them are others than before.

        Raises:
            Forbidden: one of them is not for the writer to type in.
            InvalidInput: a level, month or amount is none.
        """
        _check(reach, cells)
        target = reach.target.name
        with self._pools.write.connection() as connection, connection.transaction():
            # One writer at a time: what each change says of before is what was there.
            _LOCK.run(connection, {"name": f"trellis.target.{target}"})
            keys = {(one.kind, one.subject, one.month, one.level): one for one in cells}
            months = [one.month for one in cells]
            known = {}
            if cells:
                names = list(reach.target.names)
                rows = _AMOUNTS.run(
                    connection, {"names": names, "first": min(months), "last": max(months)}
                ).fetchall()
                found = _of_target(reach.target, rows)
                known = {(*key[0], *key[1:]): amount for key, amount in found.items()}
            changed = {
                key: one for key, one in keys.items() if known.get(key) != one.amount
            }  # fmt: skip
            for key, one in changed.items():
                values = dict(zip(("kind", "subject", "month", "level"), key, strict=True))
                values |= {"target": target, "amount": one.amount, "names": names}
                (_DROP if one.amount is None else _PUT).run(connection, values)
                noted = {"before": known.get(key), "after": one.amount, "by": principal.user_id}
                _NOTE.run(connection, {**values, **noted, "at": now})
        return len(changed)


def _of_target(target: Target, rows: Iterable[tuple[Any, ...]]) -> Amounts:
    """Return the amounts of one target; what stands under the present name counts."""
    found: dict[tuple[Subject, date, str], Decimal] = {}
    for name in target.names:
        found |= {
            ((kind, subject), month, level): amount
            for one, kind, subject, month, level, amount in rows
            if one == name
        }
    return found


def _check(reach: Reach, cells: Sequence[Cell]) -> None:
    if len(cells) > MOST_CELLS:
        raise InvalidInput(
            {
                "cells": [
                    say(
                        "At most {most} amounts at once.",
                        "一次最多 {most} 个数值。",
                        most=MOST_CELLS,
                    )
                ]
            }
        )
    for one in cells:
        if not reach.edits((one.kind, one.subject)):
            raise Forbidden(
                say(
                    "You may not set the target of this {kind}: it is for {roles}, each for the "
                    "people below.",
                    "您无权设置该目标：仅{roles}可为其下属设置。",
                    kind=one.kind,
                    roles=", ".join(reach.target.edit) or "administrators",
                )
            )
        if one.level not in reach.target.levels:
            levels = ", ".join(f"`{level}`" for level in reach.target.levels)
            raise InvalidInput(
                {
                    "level": [
                        say(
                            "`{level}` is no level of this target. Levels: {levels}.",
                            "“{level}”不是该目标的级别。级别：{levels}。",
                            level=one.level[:40],
                            levels=levels,
                        )
                    ]
                }
            )
        if one.amount is not None and not 0 <= one.amount < HIGHEST:
            raise InvalidInput(
                {
                    "amount": [
                        say(
                            "An amount is 0 or more, and less than {most}.",
                            "目标值应不小于 0 且小于 {most}。",
                            most=f"{HIGHEST:,}",
                        )
                    ]
                }
            )


_key = (
    target_value.c.target, target_value.c.kind, target_value.c.subject, target_value.c.month,
    target_value.c.level,
)  # fmt: skip
_NAMES = sa.bindparam("names", type_=sa.ARRAY(sa.Text))
_AMOUNTS = Statement(
    sa.select(*_key, target_value.c.amount).where(
        target_value.c.target == sa.func.any(_NAMES),
        target_value.c.month.between(
            sa.bindparam("first", type_=sa.Date), sa.bindparam("last", type_=sa.Date)
        ),
    )
)
_CHANGES = Statement(
    sa.select(
        target_change.c.kind, target_change.c.subject, target_change.c.month,
        target_change.c.level, target_change.c.before, target_change.c.after, target_change.c.by,
        target_change.c.at,
    )
    .where(target_change.c.target == sa.func.any(_NAMES))
    .order_by(target_change.c.id.desc())
    .limit(sa.bindparam("most", type_=sa.Integer))
)  # fmt: skip
_LOCK = Statement(
    sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(sa.bindparam("name", type_=sa.Text))))
)
_put = insert(target_value).values(
    {name: sa.bindparam(name, type_=target_value.c[name].type) for name in target_value.c.keys()}  # noqa: SIM118
)
_PUT = Statement(
    _put.on_conflict_do_update(
        index_elements=list(_key), set_={"amount": _put.excluded.amount}
    )
)  # fmt: skip
_DROP = Statement(
    sa.delete(target_value).where(
        target_value.c.target == sa.func.any(_NAMES),
        *(column == sa.bindparam(column.name, type_=column.type) for column in _key[1:]),
    )
)
_NOTE = Statement(
    sa.insert(target_change).values(
        {
            name: sa.bindparam(name, type_=target_change.c[name].type)
            for name in ("target", "kind", "subject", "month", "level", "before", "after", "by")
        }
        | {"at": sa.bindparam("at", type_=sa.DateTime(timezone=True))}
    )
)
