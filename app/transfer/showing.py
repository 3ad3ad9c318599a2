"""What a dry run shows of rows: what changes, and what looks like what is there.

Asked within the transaction that is taken back: the history it wrote says what each field was and
would be. Only of the rows that are kept as samples; what looks alike is counted for all of them, by
names as long as there is time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.database.system import history
from app.definitions.catalog import Entity
from app.records.alike_many import warned_about
from app.records.chronicle import shown
from app.records.duplicates import Duplicate, shown_many
from app.records.statements import Statement
from app.records.work import Work
from app.transfer.plans import Plan
from app.transfer.tallies import SAMPLES, Tally

#: Fields of a sample.
_FIELDS = 20
_SINCE = sa.bindparam("since", type_=sa.BigInteger)
_MINE = sa.and_(
    history.c.id > _SINCE, history.c.entity == sa.bindparam("entity", type_=sa.SmallInteger)
)
_last = Statement(sa.select(sa.func.coalesce(sa.func.max(history.c.id), 0)))
_IDS = sa.bindparam("ids", type_=ARRAY(sa.BigInteger))
_lines = Statement(
    sa.select(history.c.record_id, history.c.before, history.c.after)
    .where(_MINE, history.c.record_id == sa.func.any(_IDS))
    .order_by(history.c.id)
)
_written = Statement(
    sa.select(history.c.record_id)
    .distinct()
    .where(_MINE, history.c.action.in_(["create", "update"]))
    .order_by(history.c.record_id)
)


class TimeFor:
    """So many seconds for what may be left out."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin at the first question."""
        self._left, self._clock = seconds, clock
        self._since: float | None = None
        #: whether something was left out
        self.is_over = False

    def __call__(self) -> bool:
        """Return whether there is time left."""
        now = self._clock()
        if self._since is None:
            self._since = now
        self.is_over = self.is_over or now - self._since > self._left
        return not self.is_over


def last_line(work: Work) -> int:
    """Return the line of history after which a dry run's own begin."""
    row = _last.run(work.connection).fetchone()
    return int(row[0]) if row else 0


def note_what_shows(work: Work, plan: Plan, tally: Tally, since: int, has_time: TimeFor) -> None:
    """Put what changes, and what looks like what is there, into a tally."""
    entity = work.release.catalog.entities[plan.entity]
    _note_changes(work, entity, plan, tally, since)
    _note_alike(work, entity, tally, since, has_time)


def _note_changes(work: Work, entity: Entity, plan: Plan, tally: Tally, since: int) -> None:
    samples = {
        sample["id"]: sample
        for outcome in ("created", "updated")
        for sample in tally.samples.get(outcome, ())
    }
    if not samples:
        return
    given = {"since": since, "entity": work.number(entity.name), "ids": list(samples)}
    changes: dict[int, dict[str, list[Any]]] = {}
    for record_id, before, after in _lines.run(work.connection, given):
        mine = changes.setdefault(record_id, {})
        for name in after:
            if name in entity.fields and not entity.fields[name].built_in:
                was = mine[name][0] if name in mine else _said(work, entity, name, before)
                mine[name] = [was, _said(work, entity, name, after)]
    made = {sample["id"] for sample in tally.samples.get("created", ())}
    brought = {path.partition(".")[0] for path in plan.columns.values()} | set(plan.always)
    for record_id, fields in changes.items():
        shows = {
            name: {"before": was, "after": now}
            for name, (was, now) in fields.items()
            # Of new ones what the file says of them; the rest is the same for all.
            if was != now and (name in brought or record_id not in made)
            and work.policy.field_right(entity.name, name) != "hidden"
        }  # fmt: skip
        samples[record_id]["changes"] = dict(list(shows.items())[:_FIELDS])


def _said(work: Work, entity: Entity, name: str, values: Mapping[str, Any]) -> Any:
    return shown(entity, work.policy, name, values)


def _note_alike(work: Work, entity: Entity, tally: Tally, since: int, has_time: TimeFor) -> None:
    given = {"since": since, "entity": work.number(entity.name)}
    written = [row[0] for row in _written.run(work.connection, given)]
    rows = {number: tally.rows[number] for number in written if number in tally.rows}
    if not rows:
        return
    met = list(warned_about(work, entity, rows, has_time))
    found: dict[int, list[Duplicate]] = {}
    for number, one in shown_many(work, met):
        found.setdefault(number, []).append(one)
    tally.is_compared = tally.is_compared and not has_time.is_over
    for number in sorted(found, key=rows.__getitem__):
        tally.alike += 1
        if len(tally.samples.setdefault("alike", [])) < SAMPLES:
            like = [
                # Another row of the file has no number that means anything.
                {**one.as_json(), "row": tally.rows.get(one.id or 0)
                 if one.entity == entity.name else None}
                for one in found[number]
            ]  # fmt: skip
            title = _title_of(work, entity, number)
            tally.samples["alike"].append({"row": rows[number], "title": title, "like": like})


def _title_of(work: Work, entity: Entity, number: int) -> str:
    if entity.title is None or not work.policy.is_readable(entity.name, entity.title):
        return f"#{number}"
    own = work.rows[entity.name]
    value = own.values(own.read(work.connection, [number])[number]).get(entity.title)
    field = entity.fields[entity.title]
    return field.type.display(field, value, work.principal.language)
