"""The numbers of rules, approvals and what pools do by themselves.

Rows of ``trellis.rule`` are written in the transaction that makes a catalog live; everything that
happens names its rule by number, so that a rename touches one row. What a rule said is kept as long
as something under way needs it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.automation.changed_rules import wake_changed
from app.automation.timed import Timed, calendar_said, timed_rules, timing_of
from app.database.automation_tables import reminder, rule_version
from app.database.automation_tables import rule as rule_table
from app.definitions.automation import RuleDefinition
from app.definitions.catalog import Catalog

#: What people hear of each other and may mute like a rule: records that were shared with them.
SHARES = "news:shares"
#: And what happens to records they follow.
FOLLOWED = "news:followed"
#: Pools by themselves, beside what each does in time (``pool:east/recycle/0``).
POOL = "pool:"


@dataclass(frozen=True, slots=True)
class Registered:
    """A rule as the database knows it."""

    number: int
    name: str
    #: the version in force; None for one that was removed or is off
    digest: str | None


class RuleNumbers:
    """Which number a rule has, read once and again when somebody asks for one that is new."""

    def __init__(self, pools: Any) -> None:
        """Take the pools of the process."""
        self._pools = pools
        self._by_name: Mapping[str, Registered] = {}
        self._by_number: Mapping[int, Registered] = {}

    def number(self, name: str) -> int:
        """Return a rule's number.

        Raises:
            KeyError: no catalog with this rule has become live.
        """
        return self.registered(name).number

    def find(self, name: str) -> int | None:
        """Return a rule's number; None where no catalog with it has become live."""
        try:
            return self.number(name)
        except KeyError:
            return None

    def registered(self, name: str) -> Registered:
        """Return what the database knows of a rule, by its name."""
        found = self._by_name.get(name)
        if found is None:
            self._read()
            found = self._by_name[name]
        return found

    def name(self, number: int) -> str | None:
        """Return the name of the rule with a number, also of one that was removed."""
        found = self._by_number.get(number)
        if found is None:
            self._read()
            found = self._by_number.get(number)
        return found.name if found is not None else None

    def forget(self) -> None:
        """Read anew with the next question: a catalog has become live."""
        self._by_name, self._by_number = {}, {}

    def _read(self) -> None:
        columns = (rule_table.c.number, rule_table.c.name, rule_table.c.digest)
        with self._pools.engine.connect() as connection:
            found = [Registered(*row) for row in connection.execute(sa.select(*columns))]
        # New mappings and no changes to the old ones: other threads read meanwhile.
        self._by_number = {each.number: each for each in found}
        self._by_name = {each.name: each for each in found}


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is to stand in the table."""

    name: str
    digest: str | None
    #: see ``trellis.rule.timing``; None where no row per record is kept
    timing: str | None
    was: tuple[str, ...] = ()


def register(connection: sa.Connection, catalog: Catalog, now: datetime) -> None:
    """Write down the rules of a catalog that becomes live with this transaction.

    Rules whose dates follow from something else now are marked; see ``recomputing``.
    """
    entries = list(_entries(catalog))
    known = {row.name: row for row in connection.execute(sa.select(rule_table))}
    for entry in entries:
        _rename(connection, entry, known)
    wanted = {entry.name: entry for entry in entries}
    for entry in entries:
        row = known.get(entry.name)
        if row is None:
            moving: Any = {} if entry.timing is not None else None
            values = {"name": entry.name, "digest": entry.digest, "timing": entry.timing}
            connection.execute(
                sa.insert(rule_table).values(**values, moving=_json(moving), applied_at=now)
            )
        else:
            _change(connection, row, entry.digest, entry.timing, now)
    for name, row in known.items():
        if name not in wanted and (row.digest is not None or row.timing is not None):
            _change(connection, row, None, None, now)
    _keep_versions(connection, catalog)
    _keep_ticks(connection, catalog, now)
    wake_changed(connection, now)


def _rename(connection: sa.Connection, entry: _Entry, known: dict[str, Any]) -> None:
    if entry.name in known:
        return
    for old in entry.was:
        row = known.pop(old, None)
        if row is not None:
            connection.execute(
                sa.update(rule_table)
                .where(rule_table.c.number == row.number)
                .values(name=entry.name)
            )
            known[entry.name] = row
            return


def _change(
    connection: sa.Connection, row: Any, digest: str | None, timing: str | None, now: datetime
) -> None:
    if (row.digest, row.timing) == (digest, timing):
        return
    values: dict[str, Any] = {"digest": digest, "timing": timing, "applied_at": now}
    if row.timing != timing:
        values["moving"] = _json({})
    connection.execute(
        sa.update(rule_table).where(rule_table.c.number == row.number).values(**values)
    )


def _json(value: Any) -> Any:
    return sa.null() if value is None else value


def _entries(catalog: Catalog) -> Iterator[_Entry]:
    by_name: dict[str, list[Timed]] = {}
    for each in timed_rules(catalog):
        by_name.setdefault(each.name, []).append(each)
    for rule in catalog.automation.rules.values():
        timed = by_name.pop(rule.name, None)
        timing = timing_of(catalog, timed) if timed else None
        yield _Entry(rule.name, None if rule.off else rule.digest, timing, rule.was)
    for approval in catalog.automation.approvals.values():
        digest = None if approval.off else approval.digest
        yield _Entry(f"approval:{approval.name}", digest, None)
    yield _Entry(SHARES, None, None)
    yield _Entry(FOLLOWED, None, None)
    for pool in catalog.automation.pools.values():
        # Whose records lie in it, so that a plan without the pool can tell how many do.
        yield _Entry(f"{POOL}{pool.name}", pool.entity, None)
    for name, timed in by_name.items():
        timing = timing_of(catalog, timed)
        # What a pool does is not kept: it is asked as it is now.
        yield _Entry(name, timing, timing)


def _keep_versions(connection: sa.Connection, catalog: Catalog) -> None:
    """Keep what rules and approvals say, under their digests."""
    rules = catalog.automation.rules.values()
    approvals = catalog.automation.approvals.values()
    rows = [("rule", each.name, each.digest, each.source) for each in rules]
    rows += [("approval", each.name, each.digest, each.source) for each in approvals]
    values = [
        {"kind": kind, "name": name, "digest": digest, "source": dict(source)}
        for kind, name, digest, source in rows
        if digest
    ]
    if values:
        connection.execute(insert(rule_version).on_conflict_do_nothing(), values)


def cron_rules(catalog: Catalog) -> list[RuleDefinition]:
    """Return the rules in force that come by the clock alone."""
    rules = catalog.automation.rules.values()
    return [each for each in rules if not each.off and each.when.kind == "every"]


def _keep_ticks(connection: sa.Connection, catalog: Catalog, now: datetime) -> None:
    """Give each cron rule its row, and a new next moment where it comes at other times now."""
    from app.automation.cron import next_moment

    calendar = catalog.app.business_calendar
    table = rule_table
    numbers = dict(connection.execute(sa.select(table.c.name, table.c.number)).all())
    there = set(
        connection.execute(sa.select(reminder.c.rule).where(reminder.c.entity == 0)).scalars()
    )
    wanted = set()
    for each in cron_rules(catalog):
        number = numbers[each.name]
        wanted.add(number)
        said = repr((each.when.every, each.when.at, calendar_said(calendar)))
        timing = hashlib.sha256(said.encode()).hexdigest()
        is_same = sa.select(table.c.timing).where(table.c.number == number)
        if number in there and connection.execute(is_same).scalar() == timing:
            continue
        assert each.when.every is not None
        following = next_moment(each.when.every, each.when.at, calendar, now)
        row = {"rule": number, "entity": 0, "record_id": 0}
        new = insert(reminder).values(**row, base=following, due_at=following)
        connection.execute(
            new.on_conflict_do_update(
                index_elements=list(row),
                set_={name: new.excluded[name] for name in ("base", "due_at")},
            )
        )
        connection.execute(
            sa.update(table).where(table.c.number == number).values(timing=timing, moving=sa.null())
        )
    over = there - wanted
    if over:
        connection.execute(
            sa.delete(reminder).where(reminder.c.rule.in_(over), reminder.c.entity == 0)
        )
