"""`share`, `unshare`, `follow`, `unfollow` and `comment`: a record and the people around it."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from app.automation.actions.base import DONE, Action, Outcome, skipped
from app.definitions.automation import Given, Sharing, Words
from app.definitions.words import DURATION
from app.expressions.moments import Duration, add_to_moment
from app.notifications.reading import view_of
from app.notifications.telling import Notice, Teller
from app.notifications.wording import words_of
from app.records.comments import add_comment
from app.records.followers import follow, unfollow
from app.texts import Label, say

if TYPE_CHECKING:
    from app.automation.running import Running

_SECONDS = {"minute": 60, "hour": 3600}
_NOBODY = skipped("There was nobody.", "没有相关人员。")


class ShareAction(Action):
    """Shares the record with people, to read or to edit, until a day or for good."""

    name: ClassVar[str] = "share"

    def run(self, running: Running, settings: Sharing) -> Outcome:
        """Share it."""
        users = _users(running, settings)
        if not users:
            return _NOBODY
        entity, record_id = _record(running)
        until = _until(running, settings.until)
        running.acting.share(entity, record_id, users, may_edit=settings.may_edit, until=until)
        return _named(users)


class UnshareAction(Action):
    """Takes the record back from people."""

    name: ClassVar[str] = "unshare"

    def run(self, running: Running, settings: Sharing) -> Outcome:
        """Take it back."""
        users = _users(running, settings)
        if not users:
            return _NOBODY
        entity, record_id = _record(running)
        running.acting.unshare(entity, record_id, users)
        return _named(users)


class FollowAction(Action):
    """Has people follow the record."""

    name: ClassVar[str] = "follow"

    def run(self, running: Running, settings: Sharing) -> Outcome:
        """Have them follow it."""
        users = _users(running, settings)
        if not users or running.entity is None:
            return _NOBODY
        _, record_id = _record(running)
        until = _until(running, settings.until)
        follow(running.work, running.entity, record_id, users, until=until)
        return _named(users)


class UnfollowAction(Action):
    """Has people follow the record no more."""

    name: ClassVar[str] = "unfollow"

    def run(self, running: Running, settings: Sharing) -> Outcome:
        """Take them off."""
        users = _users(running, settings)
        if not users or running.entity is None:
            return _NOBODY
        _, record_id = _record(running)
        unfollow(running.work, running.entity, record_id, users)
        return _named(users)


class CommentAction(Action):
    """Says something about the record, for everybody who may read it."""

    name: ClassVar[str] = "comment"

    def __init__(self, teller: Teller) -> None:
        """Take who fills texts in."""
        self._teller = teller

    def run(self, running: Running, settings: Words) -> Outcome:
        """Write the comment, in the first language of the company."""
        assert running.entity is not None
        entity, record_id = _record(running)
        text = (
            settings.value if isinstance(settings.value, Label) else Label({"en": settings.value})
        )
        notice = Notice(
            kind="record",
            key="",
            to=(),
            text=text,
            input=running.context.said.input,
            old_row=running.old_row,
            made=running.firing.made,
            causer=running.firing.user_id,
            entity=entity,
            record_id=record_id,
        )
        view = view_of(self._teller.readers, running.work, None, self._teller.address)
        words = words_of(self._teller.renderer, view, notice, None)
        if words is None or not words.text:
            return skipped("The text was empty.", "内容为空。")
        add_comment(running.work, running.entity, record_id, words.text)
        return DONE


def _record(running: Running) -> tuple[str, int]:
    assert running.entity is not None
    assert running.firing.record_id is not None
    return running.entity.name, running.firing.record_id


def _users(running: Running, settings: Sharing) -> list[int]:
    found = running.people(settings.to)
    return list(dict.fromkeys(one.user_id for one in found if one.user_id is not None))


def _named(users: list[int]) -> Outcome:
    return Outcome("done", say("{count} people.", "{count} 人。", count=len(users)))


def _until(running: Running, given: Given | None) -> datetime | None:
    """Return until when: a moment, the end of a day, or a duration from now."""
    if given is None:
        return None
    value: Any = running.value(given)
    calendar, now = running.work.calendar, running.work.now
    if isinstance(value, Duration):
        return add_to_moment(now, value, calendar)
    if isinstance(value, datetime) or value is None:
        return value
    if isinstance(value, date):
        return calendar.midnight(date.fromordinal(value.toordinal() + 1))
    if isinstance(value, str):
        length = _written_duration(value)
        if length is not None:
            return add_to_moment(now, length, calendar)
        return calendar.midnight(date.fromordinal(date.fromisoformat(value).toordinal() + 1))
    return None


def _written_duration(text: str) -> Duration | None:
    """Return `2 working days` as a length of time; None: it is something else."""
    found = DURATION.match(text)
    if found is None:
        return None
    count, is_working, unit = int(found[1]), bool(found[2]), found[3]
    if is_working and unit == "day":
        return Duration(working_days=count)
    if unit in _SECONDS:
        length = count * _SECONDS[unit] * 1_000_000
        return (
            Duration(working_microseconds=length) if is_working else Duration(microseconds=length)
        )
    months = {"month": 1, "year": 12}.get(unit, 0)
    return Duration(months=months * count, days={"day": 1, "week": 7}.get(unit, 0) * count)
