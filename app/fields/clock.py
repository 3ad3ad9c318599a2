"""Clocks: how long something may take, stopped while it rests, met or missed in the end.

A clock's columns are written with the record it stands in. `advance` says what they become; the
records room calls it at every write, with the clock's expressions worked out for the new record.
Nothing is written when time merely passes: a running clock whose hour has come *is* missed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import INTERVAL

from app.expressions.calendar import Calendar
from app.expressions.moments import Duration as Length
from app.expressions.moments import add_to_moment
from app.expressions.types import DATETIME, DURATION, Kind, Type
from app.fields import converting, filters
from app.fields.base import (
    Column,
    Conversion,
    FieldError,
    FieldLike,
    FieldType,
    Operator,
    OptionLike,
    ParseContext,
    Part,
)
from app.fields.settings import ExpressionText, Setting, Written
from app.fields.times import length_json, moment_json, show_length
from app.texts import Label, say

STATES: Mapping[str, Label] = {
    "running": say("running", "进行中"),
    "paused": say("paused", "已暂停"),
    "met": say("met", "已达成"),
    "missed": say("missed", "已超时"),
}


@dataclass(frozen=True, slots=True)
class Clock:
    """The value of a clock field.

    ``due_at`` is empty while it is paused; ``left`` is what was left when it was last stopped, in
    the clock's own time (working hours or hours that pass), and empty while it runs.
    """

    state: str
    due_at: datetime | None
    left: timedelta | None = None

    def state_at(self, now: datetime) -> str:
        """Return the state at a moment: running until it is due, missed from then on."""
        is_late = self.state == "running" and self.due_at is not None and self.due_at <= now
        return "missed" if is_late else self.state

    def left_at(self, now: datetime) -> timedelta | None:
        """Return how long is left at a moment: while running until it is due, never below 0."""
        if self.state == "running" and self.due_at is not None:
            return max(self.due_at - now, timedelta())
        return self.left


class WorkCalendar(Protocol):
    """What a clock asks of the business calendar; `app.expressions.calendar.Calendar` is one."""

    def add_working_time(self, moment: datetime, length: timedelta) -> datetime | None:
        """Return the moment by which so much working time has passed."""

    def working_time_between(self, first: datetime, last: datetime) -> timedelta:
        """Return how much working time lies between two moments."""


def advance(
    old: Clock | None,
    *,
    since: datetime | None,
    limit: Length | timedelta | None,
    runs: bool,
    done: bool,
    restarted: bool,
    now: datetime,
    calendar: Calendar,
) -> Clock | None:
    """Return what a clock becomes by a write at *now*.

    Args:
        old: the clock before; None for a new record or one that had not begun.
        since: when it began; without it there is no clock.
        limit: how long it may take; without it there is no clock.
        runs: whether it runs or rests.
        done: whether what was waited for has happened.
        restarted: whether ``since`` or ``limit`` changed by this write: it begins anew.
        now: the moment of the write.
        calendar: the business calendar, for working hours and for days.
    """
    if since is None or limit is None:
        return None
    length = (
        limit
        if isinstance(limit, Length)
        else Length(microseconds=limit // timedelta(microseconds=1))
    )
    is_working = bool(length.working_days or length.working_microseconds)
    if old is None or restarted:
        due = add_to_moment(since, length, calendar)
        if due is None:
            return None
        old = Clock("running", due.astimezone(UTC))
    if old.state == "paused":
        if not runs and not done:
            return old
        old = Clock(
            "running", _later(now, old.left or timedelta(), calendar, is_working=is_working)
        )
    return _judge(old, runs=runs, done=done, now=now, calendar=calendar, is_working=is_working)


def _judge(
    clock: Clock, *, runs: bool, done: bool, now: datetime, calendar: WorkCalendar, is_working: bool
) -> Clock:
    """Return a clock that has a due moment as it stands at *now*."""
    due = clock.due_at
    if due is None or clock.state == "missed":
        return clock
    if clock.state == "met" and done:
        return clock
    if due <= now:
        return Clock("missed", due, timedelta())
    left = calendar.working_time_between(now, due) if is_working else due - now
    if done:
        return Clock("met", due, left)
    return Clock("running", due) if runs else Clock("paused", None, left)


def _later(
    now: datetime, left: timedelta, calendar: WorkCalendar, *, is_working: bool
) -> datetime | None:
    moment = calendar.add_working_time(now, left) if is_working else now + left
    return moment.astimezone(UTC) if moment else None


class ClockType(FieldType):
    """How long something may take."""

    name: ClassVar[str] = "clock"
    label: ClassVar[Label] = say("Clock", "时限")
    help: ClassVar[str] = (
        "How long something may take, as in a service agreement. It begins at `since` (a new "
        "record's creation if not said), may take `limit`, rests while `runs` is no, and ends when "
        "`done` is yes. `.due_at` is when it is due, `.left` how long is left, `.state` is "
        "running, paused, met or missed. `2 working hours` follow the business calendar, `2 hours` "
        "run round the clock."
    )
    writable: ClassVar[bool] = False
    control: ClassVar[str] = "clock"
    example: ClassVar[str] = (
        "response: {type: clock, limit: {by: priority, high: 2 working hours, else: 8 working "
        "hours}, runs: status != 'waiting', done: replied_at is not empty}"
    )
    example_json: ClassVar[Any] = {
        "state": "running",
        "due_at": "2026-01-31T08:00:00+00:00",
        "left": None,
    }

    def settings(self) -> dict[str, Setting]:
        """Return what moves the clock."""
        return {
            "limit": Written(
                "How long it may take.", required=True, takes="a duration, or a table of them"
            ),
            "since": ExpressionText("When it begins.", "created_at"),
            "runs": ExpressionText("When it runs; always if not said.", "True"),
            "done": ExpressionText("When it ends.", required=True),
        }

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return when it is due, its state, and what was left when it stopped."""
        return (
            Column(field.name, sa.TIMESTAMP(timezone=True)),
            Column(f"{field.name}__state", sa.Text()),
            Column(f"{field.name}__left", INTERVAL()),
        )

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it has parts."""
        return Type(Kind.parts, parts={part.name: part.type for part in self.parts(field)})

    def parts(self, field: FieldLike) -> tuple[Part, ...]:
        """Return when it is due, how long is left and its state, both as of now."""
        states = Type(Kind.choice, options=tuple(STATES))
        return (
            Part("due_at", say("due", "到期时间"), DATETIME, field.name),
            Part(
                "left",
                say("left", "剩余时间"),
                DURATION,
                sql=lambda columns: _left(field, columns),
                volatile=True,
            ),
            Part(
                "state",
                say("state", "状态"),
                states,
                sql=lambda columns: _state(field, columns),
                volatile=True,
            ),
        )

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> Any:
        """Refuse: nobody writes a clock."""
        raise FieldError(
            say("A clock runs by itself and cannot be set.", "时限自动计算，不能填写。"),
            "not-writable",
        )

    def to_columns(self, field: FieldLike, value: Any) -> dict[str, Any]:
        """Return the three columns."""
        return {
            field.name: value and value.due_at,
            f"{field.name}__state": value and value.state,
            f"{field.name}__left": value.left if value else None,
        }

    def from_columns(self, field: FieldLike, row: Mapping[str, Any]) -> Clock | None:
        """Return the clock."""
        state = row[f"{field.name}__state"]
        if state is None:
            return None
        return Clock(state, row[field.name], row[f"{field.name}__left"])

    def json_column(
        self, field: FieldLike, columns: Mapping[str, sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any]:
        """Return an object: the state as of now, when it is due, what was left when it stopped."""
        whole = converting.json_object(
            state=_state(field, columns),
            due_at=columns[field.name],
            left=converting.duration_text(columns[f"{field.name}__left"]),
        )
        has_begun = columns[f"{field.name}__state"].is_not(None)
        return converting.when(has_begun, whole)

    def to_json(self, field: FieldLike, value: Any) -> Any:
        """Return an object, the state as of now."""
        if value is None:
            return None
        return {
            "state": value.state_at(datetime.now(UTC)),
            "due_at": moment_json(value.due_at),
            "left": length_json(value.left),
        }

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the state and how long is left."""
        if value is None:
            return ""
        now = datetime.now(UTC)
        state, left = value.state_at(now), value.left_at(now)
        word = STATES[state].in_language(language)
        if state not in ("running", "paused") or left is None:
            return word
        return f"{word} · {show_length(timedelta(minutes=left // timedelta(minutes=1)), language)}"

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return that it can be asked whether it has begun; its parts can be asked more."""
        return filters.FILLED

    def search_text(self, field: FieldLike, value: Any) -> str:
        """Return nothing: nobody searches for a clock."""
        return ""

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is an object nobody writes."""
        return {
            "type": "object",
            "readOnly": True,
            "properties": {
                "state": {"enum": list(STATES)},
                "due_at": {"type": ["string", "null"], "format": "date-time"},
                "left": {"type": ["string", "null"], "format": "duration"},
            },
        }

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that it stays itself."""
        return {"clock": converting.same()}


def _is_late(
    field: FieldLike, columns: Mapping[str, sa.ColumnElement[Any]]
) -> sa.ColumnElement[Any]:
    state = columns[f"{field.name}__state"]
    return sa.and_(state == converting.constant("running"), columns[field.name] <= sa.func.now())


def _state(field: FieldLike, columns: Mapping[str, sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]:
    return sa.case(
        (_is_late(field, columns), converting.constant("missed")),
        else_=columns[f"{field.name}__state"],
    )


def _left(field: FieldLike, columns: Mapping[str, sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]:
    until_due = sa.func.greatest(
        columns[field.name] - sa.func.now(), sa.text("interval '0'"), type_=INTERVAL()
    )
    is_running = columns[f"{field.name}__state"] == converting.constant("running")
    return sa.case((is_running, until_due), else_=columns[f"{field.name}__left"])
