"""What a job runs: one function each, called with numbers and names.

Only what stands here is run, whatever somebody puts into a queue. A job may be cut off at any point
and run again, so every task may run twice: what it does to the database is one transaction that
also takes away what it was for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from app.automation.alarms import Alarms
from app.automation.mailboxes.polling import Poller
from app.automation.mailboxes.receiving import Receiver
from app.backups.faults import BackupFault
from app.database.system import event, idempotency
from app.jobs.beginning import begin_change, begin_export, begin_import, begin_scan
from app.jobs.leases import begin_tasks
from app.jobs.overview import look
from app.jobs.processes import forget_gone
from app.jobs.runtime import runtime
from app.notifications.keeping import forget_old
from app.records.statements import Statement
from app.records.sweeping import sweep_files
from app.texts import say

#: An answer is repeated to a client that asks again within a day.
_ANSWERS_ARE_KEPT = timedelta(days=1)
#: So many targets are talked to at the same time.
_SENDERS = 4
#: An import goes on for so long before others get their turn; well within the time of a job.
_IMPORTS_A_JOB = 45.0


def run_tasks(ids: Sequence[int], token: int) -> None:
    """Run the steps of rules that were handed out under *token*."""
    found = runtime()
    services = found.services
    # A job never runs on a catalog that somebody has replaced.
    services.live.reload()
    with services.pools.write.connection() as connection:
        length = timedelta(seconds=services.settings.lease)
        ours = begin_tasks(connection, ids, token, length)
    if ours:
        found.engine.run_tasks(ours, token)


def deliver(ids: Sequence[int], token: int) -> None:
    """Send what was handed out under *token*; a target that hangs holds up a few others at most."""
    found = runtime()
    found.services.live.reload()
    shares = [list(ids)[number::_SENDERS] for number in range(_SENDERS)]
    with ThreadPoolExecutor(_SENDERS, thread_name_prefix="trellis-send") as senders:
        waiting = [
            senders.submit(found.deliverer().deliver, share, token) for share in shares if share
        ]
        for one in waiting:
            one.result()


def approvals() -> int:
    """See to questions that are late, or that nobody is there to answer; return how many."""
    services = runtime().services
    services.live.reload()
    return services.approvals.look(services.clock.now())


def _take_up(silent: Sequence[int], begin: Callable[[str | None, int], None]) -> int:
    """Begin again what nobody works on any more; return how many that were."""
    for number in silent:
        begin(runtime().services.settings.redis_url, number)
    return len(silent)


def run_import(run: int) -> None:
    """Go on with an import; what is left when its time is over is handed out again."""
    services = runtime().services
    services.live.reload()
    more = services.imports.advance(run, _IMPORTS_A_JOB)
    # What is over is compared with what was there before.
    if more or services.duplicates.imported.go_on(run, _IMPORTS_A_JOB):
        begin_import(services.settings.redis_url, run)


def imports() -> int:
    """Take up imports whose worker fell silent, or that Redis never heard of; return how many."""
    services = runtime().services
    silent = [*services.imports.silent(), *services.duplicates.imported.silent()]
    return _take_up(silent, begin_import)


def run_change(run: int) -> None:
    """Go on with a change of many records; what is left afterwards is handed out again."""
    services = runtime().services
    services.live.reload()
    if services.changes.advance(run, _IMPORTS_A_JOB):
        begin_change(services.settings.redis_url, run)


def changes() -> int:
    """Take up changes whose worker fell silent, or that Redis never heard of."""
    return _take_up(runtime().services.changes.silent(), begin_change)


def run_scan(scan: int) -> None:
    """Look for duplicates in all records; a scan that fails says so and is not tried again."""
    services = runtime().services
    services.live.reload()
    try:
        services.duplicates.run(scan)
    except Exception as error:
        services.duplicates.fail(scan, f"{type(error).__name__}: {error}")
        raise


def scans() -> int:
    """Take up scans for duplicates whose worker fell silent, or that Redis never heard of."""
    return _take_up(runtime().services.duplicates.silent(), begin_scan)


def run_export(run: int) -> None:
    """Write an export that somebody waits for."""
    services = runtime().services
    services.live.reload()
    services.export_runs.run(run)


def exports() -> int:
    """Take up exports whose worker fell silent, or that Redis never heard of."""
    return _take_up(runtime().services.export_runs.silent(), begin_export)


def mailboxes() -> int:
    """Take what is new in the mailboxes of the configuration; return how many e-mails."""
    services = runtime().services
    services.live.reload()
    poller = Poller(
        services.pools,
        services.live,
        Receiver(services.records),
        services.clock,
        os.environ,
        services.settings.allowed_hosts,
        Alarms(services.records, services.teller, services.numbers, "sync failed"),
    )
    return poller.look()


def exchanges() -> int:
    """Fetch from other systems what is due or asked for; return how much of it was."""
    services = runtime().services
    services.live.reload()
    url = services.settings.redis_url
    return services.exchange.look(lambda run: begin_import(url, run))


def keeping() -> dict[str, int]:
    """Remove, at night, what app.yaml keeps no longer; return how much of what."""
    services = runtime().services
    services.live.reload()
    gone = services.keeping.nightly()
    services.personal.write_list()
    return gone


def backups() -> None:
    """Make the backup of the day, and try one now and then, where that is due."""
    services = runtime().services
    services.live.reload()
    services.backups.daily()


def make_backup(user_id: int | None) -> None:
    """Make a backup that somebody asked for; how it went stands in the book."""
    with suppress(BackupFault):
        runtime().services.backups.make("by_hand", user_id)


def try_backup() -> None:
    """Try the newest backup; how it went stands in the book."""
    with suppress(BackupFault):
        runtime().services.backups.try_newest()


#: Events are read by listeners soon, or never. The first so many are looked at, and no others.
_first_events = (
    sa.select(event.c.id, event.c.happened_at)
    .order_by(event.c.id)
    .limit(100_000)
    .subquery("first_events")
)
_old_events = sa.select(_first_events.c.id).where(
    _first_events.c.happened_at < sa.func.now() - timedelta(days=30)
)
_forget_events = Statement(sa.delete(event).where(event.c.id.in_(_old_events)))
_GAVE_UP = say(
    "Some work in the background was given up after it failed. System › Jobs and System › "
    "Deliveries say what and why.",
    "部分后台任务多次失败后已被搁置，详见“系统”中的“任务”与“投递”。",
)


def housekeeping() -> dict[str, int]:
    """Remove what nobody needs any more; return how much of what."""
    services = runtime().services
    with services.pools.engine.begin() as connection:
        old = sa.func.now() - _ANSWERS_ARE_KEPT
        answers = connection.execute(sa.delete(idempotency).where(idempotency.c.at < old))
    with services.pools.write.connection() as connection:
        files = sweep_files(connection, services.files, datetime.now(UTC))
        is_said = "inbox" in services.live.release.catalog.app.keep
        messages = forget_old(connection, datetime.now(UTC), has_messages=not is_said)
        forget_gone(connection)
    uploads = services.imports.uploads.sweep(datetime.now(UTC))
    services.export_runs.sweep()
    with services.pools.write.connection() as connection:
        events = _forget_events.run(connection, {}).rowcount
        stands = look(connection, datetime.now(UTC))
    if stands.put_aside or stands.deliveries_dead:
        Alarms(services.records, services.teller, services.numbers)(_GAVE_UP)
    return {"answers": answers.rowcount, "files": files, "messages": messages,
            "uploads": uploads, "events": events}  # fmt: skip
