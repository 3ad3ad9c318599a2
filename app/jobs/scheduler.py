"""The scheduler: claims what is due and hands it to the workers.

Several may run; one leads, by a lock of the database that ends with its connection, and another
takes over within seconds. It waits for a word of whoever wrote something due, and looks once a
second in case it missed one. Redis may be away: what is due is claimed all the same, and handed out
when Redis is back.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

from app.automation import recomputing
from app.automation.claiming import Timing, claim_due, rules_due
from app.automation.waking import CHANNEL
from app.database.pools import CONNECT_SECONDS
from app.database.release import Release
from app.errors import Unavailable
from app.expressions.problems import ExpressionProblem
from app.jobs import leases, processes
from app.jobs.chores import CHORES, queue_chore
from app.jobs.queues import connect, hand_out, queue
from app.services import Services

_log = logging.getLogger(__name__)

#: The lock of whoever leads.
LEADING = 0x7365_6863
#: How long it waits for a word before it looks by itself.
LOOK_SECONDS = 1.0
#: Claimed by one statement; one tick may take several.
CLAIM = 1_000
CLAIMS_A_TICK = 20
#: Tasks and deliveries of one job.
BATCH, DELIVERIES = 100, 10
#: Jobs that may wait in a queue. More is handed out when these are done.
MOST_WAITING = 40
#: What one rule may do wrong: a date beyond the years, an expression no statement can know.
_OURS = (psycopg.Error, ExpressionProblem, ArithmeticError, LookupError)
_TELL_AGAIN = 60.0
#: How often reminders that an apply left undone are looked for.
LEFT_OVER_SECONDS = 30.0


class Scheduler:
    """One scheduler process."""

    def __init__(self, services: Services) -> None:
        """Take what the process works with; nothing is connected yet."""
        if services.settings.redis_url is None:
            raise ValueError("The scheduler needs REDIS_URL; the command line sees to it.")
        self._services = services
        self._numbers = services.numbers
        self._redis: Redis = connect(services.settings.redis_url)
        self._stopping = threading.Event()
        self._timing: Timing | None = None
        self._handed = min(leases.HANDED, timedelta(seconds=services.settings.lease))
        self._name = processes.own_name()
        self._chores_at: dict[str, float] = {}
        self._recomputing: threading.Thread | None = None
        self._looked_for_left_over = 0.0
        self._beat_at = 0.0
        self._told_at: float | None = None
        self.is_leading = False
        self.redis_is_away = False
        self.last_tick: datetime | None = None

    def stop(self) -> None:
        """Ask it to end after the tick it is at; may be called by a signal's handler."""
        self._stopping.set()

    def run(self) -> None:
        """Work until asked to stop; a database that is away is waited for."""
        while not self._stopping.is_set():
            try:
                self._with_connection()
            except (psycopg.OperationalError, psycopg.InterfaceError, Unavailable) as error:
                _log.warning("the database is away, trying again: %s", error)
                self._stopping.wait(LOOK_SECONDS)
            finally:
                self.is_leading = False

    def _with_connection(self) -> None:
        with psycopg.connect(
            self._services.pools.url, autocommit=True, connect_timeout=CONNECT_SECONDS
        ) as connection:
            self._services.pools.watched(connection)
            connection.execute(
                "SELECT set_config('TimeZone', 'UTC', false), set_config('jit', 'off', false), "
                "set_config('lock_timeout', '5s', false)"
            )
            try:
                self._stand_by(connection)
                if self._stopping.is_set():
                    return
                _log.info("%s leads", self._name)
                connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
                self._lead(connection)
            finally:
                if not connection.closed:
                    processes.leave(connection, self._name)

    def _stand_by(self, connection: psycopg.Connection[Any]) -> None:
        """Wait until nobody else leads."""
        while not self._stopping.is_set():
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", (LEADING,)).fetchone()
            if row and row[0]:
                self.is_leading = True
                return
            self._beat(connection)
            self._stopping.wait(LOOK_SECONDS)

    def _lead(self, connection: psycopg.Connection[Any]) -> None:
        while not self._stopping.is_set():
            more = self.tick(connection)
            self._beat(connection)
            # Words that were said meanwhile are answered by one look.
            for _ in connection.notifies(timeout=0 if more else LOOK_SECONDS, stop_after=1):
                break

    def _beat(self, connection: psycopg.Connection[Any]) -> None:
        if time.monotonic() - self._beat_at < processes.BEAT_SECONDS:
            return
        self._beat_at = time.monotonic()
        details = {
            "leading": self.is_leading,
            "redis": "away" if self.redis_is_away else "there",
            "last_tick": self.last_tick,
            "version": self._services.live.release.version_number,
        }
        processes.say_present(connection, self._name, "scheduler", details)

    # -- one tick ----------------------------------------------------------------------------------

    def tick(self, connection: psycopg.Connection[Any]) -> bool:
        """Claim and hand out what is due now; return whether there is more at once."""
        now = self._services.clock.now()
        release = self._services.live.release
        timing = self._timing_of(release)
        more = False
        for number in range(CLAIMS_A_TICK):
            found = self._claim(connection, now, timing)
            if found < CLAIM:
                break
            more = number == CLAIMS_A_TICK - 1
            # Workers begin while the rest is claimed.
            self._hand_out(connection, now)
        handed = self._hand_out(connection, now)
        self._see_to_left_over(connection, release)
        self.last_tick = datetime.now(UTC)
        return more or handed

    def _claim(self, connection: psycopg.Connection[Any], now: datetime, timing: Timing) -> int:
        """Claim what is due; a rule that cannot be claimed must not hold up the others."""
        release = timing.release
        try:
            return claim_due(connection, release, self._numbers, now, CLAIM, timing)
        except _OURS as error:
            if isinstance(error, psycopg.OperationalError):
                raise
            if self._told_at is None or time.monotonic() - self._told_at > _TELL_AGAIN:
                self._told_at = time.monotonic()
                _log.exception("claiming failed; each rule is claimed by itself")
        for rule in rules_due(connection, now):
            try:
                claim_due(connection, release, self._numbers, now, CLAIM, timing, rule)
            except _OURS as error:
                if isinstance(error, psycopg.OperationalError):
                    raise
                _log.error("rule %s cannot be claimed: %s", self._numbers.name(rule), error)
        return 0

    def _timing_of(self, release: Release) -> Timing:
        if self._timing is None or self._timing.release is not release:
            self._numbers.forget()
            self._timing = Timing(release, self._numbers)
        return self._timing

    def _hand_out(self, connection: psycopg.Connection[Any], now: datetime) -> bool:
        """Hand out tasks, deliveries and chores; return whether there is more at once."""
        try:
            more = self._hand_out_tasks(connection, now)
            more = self._hand_out_deliveries(connection, now) or more
            self._queue_chores()
        except RedisError as error:
            if not self.redis_is_away:
                _log.warning("Redis is away; what is due waits in the database: %s", error)
            self.redis_is_away = True
            return False
        if self.redis_is_away:
            _log.warning("Redis is back")
        self.redis_is_away = False
        return more

    def _hand_out_tasks(self, connection: psycopg.Connection[Any], now: datetime) -> bool:
        waiting = queue(self._redis, "reminders")
        leases.put_aside_poison(connection, now)
        room = MOST_WAITING - waiting.count
        if room <= 0:
            return False
        token = leases.new_token()
        limit = room * BATCH
        fresh, tried = leases.lease_tasks(connection, now, limit, token, self._handed)
        batches = [fresh[n : n + BATCH] for n in range(0, len(fresh), BATCH)]
        batches += [[one] for one in tried]
        self._put(connection, waiting, "run_tasks", batches, token, leases.release_tasks)
        return len(fresh) + len(tried) == limit

    def _hand_out_deliveries(self, connection: psycopg.Connection[Any], now: datetime) -> bool:
        waiting = queue(self._redis, "mail")
        room = MOST_WAITING - waiting.count
        if room <= 0:
            return False
        token = leases.new_token()
        limit = room * DELIVERIES
        found = leases.lease_deliveries(connection, now, limit, token)
        batches = [found[n : n + DELIVERIES] for n in range(0, len(found), DELIVERIES)]
        self._put(connection, waiting, "deliver", batches, token, leases.release_deliveries)
        return len(found) == limit

    def _put(
        self,
        connection: psycopg.Connection[Any],
        waiting: Queue,
        task: str,
        batches: list[list[int]],
        token: int,
        release: Callable[[psycopg.Connection[Any], list[int], int], None],
    ) -> None:
        if not batches:
            return
        try:
            hand_out(waiting, task, [(batch, token) for batch in batches])
        except RedisError:
            # Some of it may be there all the same; the token of whatever is handed out next
            # differs, so nothing is done twice.
            release(connection, [one for batch in batches for one in batch], token)
            raise

    # -- beside that -------------------------------------------------------------------------------

    def _queue_chores(self) -> None:
        now = time.time()
        for chore in CHORES:
            period = int(now // chore.seconds)
            if self._chores_at.get(chore.task) != period:
                queue_chore(self._redis, chore, period)
                self._chores_at[chore.task] = period

    def _see_to_left_over(self, connection: psycopg.Connection[Any], release: Release) -> None:
        """Finish what an apply that was broken off has left, beside the ticks."""
        if time.monotonic() - self._looked_for_left_over < LEFT_OVER_SECONDS:
            return
        self._looked_for_left_over = time.monotonic()
        is_running = self._recomputing is not None and self._recomputing.is_alive()
        if is_running or not recomputing.is_pending(connection):
            return
        self._recomputing = threading.Thread(
            target=self._recompute, args=(release,), name="trellis-recompute", daemon=True
        )
        self._recomputing.start()

    def _recompute(self, release: Release) -> None:
        try:
            with psycopg.connect(self._services.pools.url, autocommit=True) as connection:
                self._services.pools.watched(connection)
                now = self._services.clock.now()
                recomputing.recompute(connection, release, now, wait=False)
        except psycopg.Error:
            _log.exception("reminders could not be worked out anew; it is tried again")


def run_scheduler(services: Services) -> None:
    """Run a scheduler until SIGTERM or SIGINT."""
    import signal

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    scheduler = Scheduler(services)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: scheduler.stop())
    try:
        scheduler.run()
    finally:
        services.close()
