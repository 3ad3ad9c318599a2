"""The book of backups: making, trying and pruning them, and writing down how it went.

One process at a time, by a lock of the database. What goes wrong is written down and told to the
administrators; nobody has to look for it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.backups.faults import BackupFault
from app.backups.making import Made, make, place_of
from app.backups.places import Place
from app.backups.restoring import Restored, rehearse
from app.clock import Clock
from app.database.backup_tables import backup
from app.database.system import config_version
from app.definitions.words import days_of
from app.errors import TrellisError, text_in
from app.settings import Settings
from app.texts import Label, say

_log = logging.getLogger(__name__)

#: The lock of whoever makes or tries a backup.
_LOCK = 0x6261_636B
#: How long backups are kept where nobody says anything.
KEPT_DAYS = 90
#: How often one is tried, and how old the newest may be.
TRIED_EVERY, STALE = timedelta(days=7), timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the book."""

    id: int
    kind: str
    made_at: datetime
    seconds: float
    name: str | None
    size: int | None
    sha256: str | None
    rows: int | None
    problem: Any
    tried_at: datetime | None
    tried_seconds: float | None
    tried_problem: Any
    removed_at: datetime | None
    #: whether its file lies where backups are kept
    is_there: bool = False


#: Tells the administrators: what went wrong with backups, in a sentence.
Alarm = Callable[[Label], None]


class Backups:
    """The backups of one installation."""

    def __init__(
        self, settings: Settings, pools: Any, live: Any, clock: Clock, alarm: Alarm
    ) -> None:
        """Take what to back up, and who is told when it fails."""
        self._settings, self._pools, self._live = settings, pools, live
        self._clock, self._alarm = clock, alarm

    @property
    def place(self) -> Place:
        """Where they are kept."""
        return place_of(self._settings)

    # -- making ------------------------------------------------------------------------------------

    def make(self, kind: str = "by_hand", user_id: int | None = None) -> Made:
        """Make a backup now, and write down how it went.

        Raises:
            BackupFault: it could not be made, or one is being made.
        """
        with self._alone():
            now = self._clock.now()
            try:
                made = make(self._settings, self._pools.url, now)
            except TrellisError as error:
                self._write_down(kind, user_id, now, problem=_both(error))
                self._alarm(_failed(error))
                raise
            self._write_down(kind, user_id, now, made=made)
            return made

    def is_due(self) -> bool:
        """Whether the backup of this day of the company is still to be made."""
        due = self._latest_hour()
        with self._pools.engine.connect() as connection:
            began = connection.scalar(sa.select(sa.func.min(config_version.c.applied_at)))
            last = connection.scalar(
                sa.select(sa.func.max(backup.c.made_at)).where(backup.c.name.is_not(None))
            )
        # What was set up a moment ago has its first backup at the end of its day.
        return began is not None and began < due and (last is None or last < due)

    def _latest_hour(self) -> datetime:
        """Return the last moment at which the company's clocks showed the hour of backups."""
        calendar, now = self._live.release.catalog.app.business_calendar, self._clock.now()
        day = calendar.day(now)
        hour = timedelta(hours=self._settings.backup_hour)
        moment: datetime = calendar.midnight(day) + hour
        return moment if moment <= now else moment - timedelta(days=1)

    def daily(self) -> None:
        """Make, prune and try what is due; what goes wrong is written down and told."""
        try:
            if self.is_due():
                self.make("daily")
                self.prune()
            if self.is_untried():
                self.try_newest()
        except BackupFault:
            _log.exception("backups")

    # -- trying ------------------------------------------------------------------------------------

    def is_untried(self) -> bool:
        """Whether no backup was restored for a week."""
        with self._pools.engine.connect() as connection:
            made, tried = connection.execute(
                sa.select(
                    sa.func.min(backup.c.made_at).filter(backup.c.name.is_not(None)),
                    sa.func.max(backup.c.tried_at),
                )
            ).one()
        last = tried or made
        return last is not None and self._clock.now() - last >= TRIED_EVERY

    def try_newest(self) -> Restored:
        """Restore the newest backup beside the living database and write down how it went.

        Raises:
            BackupFault: there is none, or it would not come back as it was.
        """
        with self._alone():
            newest = next(iter(self.place.all()), None)
            if newest is None:
                raise BackupFault(_none())
            now = self._clock.now()
            try:
                with self.place.opened(newest.path) as path:
                    found = rehearse(self._settings, self._pools.url, path)
            except TrellisError as error:
                self._tried(newest.path.name, now, None, _both(error))
                self._alarm(_would_not_come_back(newest.path.name, error))
                raise
            self._tried(newest.path.name, now, found.seconds, None)
            return found

    # -- keeping -----------------------------------------------------------------------------------

    @property
    def kept_days(self) -> int:
        """For how many days they are kept: the longer of what both places say."""
        said = self._live.release.catalog.app.keep.get("backups")
        days = days_of(said) if said is not None else KEPT_DAYS
        return max(days, self._settings.backup_days)

    def prune(self) -> list[str]:
        """Remove those that are older; return their names."""
        now = self._clock.now()
        gone = self.place.prune(now, self.kept_days)
        with self._pools.engine.begin() as connection:
            connection.execute(
                sa.update(backup).where(backup.c.name.in_(gone)).values(removed_at=now)
            )
        return gone

    # -- the book ----------------------------------------------------------------------------------

    def entries(self, most: int = 100, *, look: bool = True) -> list[Entry]:
        """Return the newest lines of the book.

        Args:
            look: whether their files are there; a store may have to be asked.
        """
        there = {one.path.name for one in self.place.all()} if look else set()
        names = [name for name in Entry.__dataclass_fields__ if name != "is_there"]
        query = sa.select(*(backup.c[name] for name in names))
        query = query.order_by(backup.c.made_at.desc(), backup.c.id.desc())
        with self._pools.engine.connect() as connection:
            rows = connection.execute(query.limit(most)).all()
        return [Entry(**row._mapping, is_there=row.name in there) for row in rows]

    def trouble(self) -> Label | None:
        """Return what is wrong with the backups, as a sentence; None when all is well."""
        lines = self.entries(20, look=False)
        if not lines:
            return None
        last = lines[0]
        if last.name is None:
            return say(
                "The last backup failed: {told}",
                "最近一次备份失败：{told}",
                told=Label(last.problem),
            )
        if self._clock.now() - last.made_at > STALE:
            return say(
                "The newest backup is of {day}.", "最新的备份是 {day} 的。", day=last.made_at.date()
            )
        tried = next((one for one in lines if one.tried_at is not None), None)
        if tried is not None and tried.tried_problem is not None:
            return say(
                "The last backup that was tried would not come back: {told}",
                "最近一次演练恢复失败：{told}",
                told=Label(tried.tried_problem),
            )
        return None

    def _write_down(
        self,
        kind: str,
        user_id: int | None,
        now: datetime,
        *,
        made: Made | None = None,
        problem: Any = None,
    ) -> None:
        values = {"kind": kind, "user_id": user_id, "made_at": now, "seconds": 0.0}
        if made is not None:
            values |= {
                "seconds": made.seconds,
                "name": made.path.name,
                "size": made.size,
                "sha256": made.sha256,
                "rows": made.rows,
            }
        if problem is not None:
            values["problem"] = problem
        with self._pools.engine.begin() as connection:
            connection.execute(sa.insert(backup).values(values))

    def _tried(self, name: str, now: datetime, seconds: float | None, problem: Any) -> None:
        told: dict[str, Any] = {"tried_at": now, "tried_seconds": seconds}
        # None would be JSON's null, which is a problem of no words.
        told["tried_problem"] = sa.null() if problem is None else problem
        with self._pools.engine.begin() as connection:
            connection.execute(sa.update(backup).where(backup.c.name == name).values(told))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._pools.engine.connect() as connection:
            if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_LOCK))):
                raise BackupFault(
                    say(
                        "A backup is being made or tried just now. Try again when it is done.",
                        "正在制作或演练备份。请在完成后重试。",
                    )
                )
            connection.commit()
            try:
                yield
            finally:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(_LOCK)))
                connection.commit()


def _both(error: TrellisError) -> dict[str, str]:
    return {language: text_in(error.message, language) for language in ("en", "zh")}


def _failed(error: TrellisError) -> Label:
    return say("The backup failed: {told}", "备份失败：{told}", told=error.message)


def _would_not_come_back(name: str, error: TrellisError) -> Label:
    return say(
        "The backup {name} was tried and would not come back: {told}",
        "备份 {name} 演练恢复失败：{told}",
        name=name,
        told=error.message,
    )


def _none() -> Label:
    return say("There is no backup yet.", "还没有备份。")
