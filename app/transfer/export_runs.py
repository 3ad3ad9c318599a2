"""Exports in the background: begun, written by a worker, fetched by their asker, swept.

A file is written beside its place and gets its name once it is whole. An attempt that was given up
for dead has its number taken away, so two workers never write one file. What a worker may take
along is asked again when it writes, and once more when the file is fetched.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, Protocol

from app.access.organisation import Organisation
from app.access.principal import SYSTEM, Principal
from app.clock import Clock
from app.errors import Conflict, Forbidden, NotFound, TrellisError
from app.records.files import clean_name
from app.records.statements import json_text
from app.texts import Label, say
from app.transfer import export_statements as statements
from app.transfer.export_run import ExportRun, run_of
from app.transfer.exporting import Exports, Progress, Wanted

#: A run that was silent for so long is taken up by another worker; after so many it is given up.
SILENT, MOST_ATTEMPTS = timedelta(seconds=90), 3
#: How long a file waits for its asker.
KEPT = timedelta(days=3)
#: Exports of one person that may wait or run at the same time.
MOST_OPEN = 3
#: How often it is written down how far one is, in seconds.
_BEAT = 1.0


class Ended(TrellisError):
    """Somebody ended the export, or another worker took it up."""


class Told(Protocol):
    """Tells somebody that an export is there, or why it is not."""

    def __call__(self, run: ExportRun, sentence: Label) -> None: ...


class Whole(Protocol):
    """Writes everything of an installation into a file."""

    def __call__(self, target: IO[bytes], wanted: Mapping[str, Any], progress: Progress) -> int: ...


class ExportRuns:
    """Everything that is done with exports in the background."""

    def __init__(
        self,
        exports: Exports,
        records: Any,
        pools: Any,
        live: Any,
        organisation: Organisation,
        clock: Clock,
        folder: Path,
        told: Told,
        whole: Whole,
    ) -> None:
        """Take the way lists are written, and the folder files wait in."""
        self._exports, self._records, self._pools, self._live = exports, records, pools, live
        self._organisation, self._clock, self._folder = organisation, clock, folder
        self._told, self._whole = told, whole

    # -- by its asker ------------------------------------------------------------------------------

    def begin(
        self, principal: Principal, wanted: Wanted, form: str, name: str, address: str | None
    ) -> ExportRun:
        """Keep that a list is to be written; the caller hands it to the workers.

        Raises:
            Forbidden: the asker may not export the entity.
            Malformed: the list cannot be read.
            Conflict: the asker has enough of them under way.
        """
        # Asked as the worker will ask it: what cannot be read is told now.
        self._exports.is_large(principal, wanted, form)
        kept = {key: value for key, value in asdict(wanted).items() if value not in (None, ())}
        return self._begin(principal, "list", kept, form, name, address)

    def begin_all(
        self, principal: Principal, wanted: Mapping[str, Any], name: str, address: str | None
    ) -> ExportRun:
        """Keep that everything is to be written, for an administrator."""
        self._require_admin(principal)
        return self._begin(principal, "all", wanted, "zip", name, address)

    def _begin(
        self,
        principal: Principal,
        kind: str,
        wanted: Mapping[str, Any],
        form: str,
        name: str,
        address: str | None,
    ) -> ExportRun:
        values = {
            "kind": kind,
            "user": principal.user_id,
            "name": clean_name(name),
            "form": form,
            "wanted": json_text(wanted),
            "address": address,
            "now": self._clock.now(),
        }
        with self._pools.write.connection() as connection:
            statements.counting.run(connection, {"name": f"trellis:exports:{principal.user_id}"})
            row = statements.open_of.run(connection, {"user": principal.user_id}).fetchone()
            if row is not None and row[0] >= MOST_OPEN:
                raise Conflict(_enough())
            (number,) = statements.insert.run(connection, values).fetchone()  # type: ignore[misc]
        return self.get(principal, int(number))

    def get(self, principal: Principal, number: int) -> ExportRun:
        """Return an export to its asker.

        Raises:
            NotFound: there is none, or it is another's.
        """
        found = self._find(number)
        if found is None or not (principal.is_system or found.user_id == principal.user_id):
            raise NotFound(say("There is no such export.", "没有这个导出任务。"))
        return found

    def listed(self, principal: Principal, limit: int = 50) -> list[ExportRun]:
        """Return the latest exports of a person."""
        with self._pools.read.connection() as connection:
            rows = statements.mine.rows(connection, {"user": principal.user_id, "limit": limit})
        return [run_of(row) for row in rows]

    def cancel(self, principal: Principal, number: int) -> ExportRun:
        """End an export; whoever writes it stops within a second."""
        run = self.get(principal, number)
        if not self._end(run, "cancelled"):
            raise Conflict(say("The export has ended already.", "导出已经结束。"))
        return self.get(principal, number)

    def file(self, principal: Principal, number: int) -> tuple[ExportRun, Path]:
        """Return the file of an export that is done, to its asker while he may still export.

        Raises:
            NotFound: there is none, it is another's, or it has expired.
            Forbidden: the asker may not take that along any more.
        """
        run = self.get(principal, number)
        path = self._path(run)
        is_over = run.expires_at is None or run.expires_at <= self._clock.now()
        if run.state != "done" or is_over or not path.is_file():
            raise NotFound(say("The file is not there any more.", "文件已被清除。"))
        self._check(principal, run)
        return run, path

    # -- by a worker -------------------------------------------------------------------------------

    def run(self, number: int) -> None:
        """Write an export that waits; how it went is written down and told."""
        attempt = self._claim(number)
        run = self._find(number)
        if attempt is None or run is None:
            return
        try:
            count, size = self._write(run, attempt)
        except Ended:
            return
        except TrellisError as error:
            sentence = error.message
            label = sentence if isinstance(sentence, Label) else Label({"en": str(sentence)})
            self._give_up(run, label)
            return
        except OSError as error:
            self._give_up(run, _no_room(error))
            return
        if self._end(run, "done", attempt=attempt, done=count, size=size):
            ready = say(
                "The export “{name}” is ready: {count} rows. It is kept for {days} days.",
                "导出“{name}”已完成：{count} 行，保留 {days} 天。",
                name=run.name,
                count=f"{count:,}",
                days=KEPT.days,
            )
            self._told(run, ready)

    def _claim(self, number: int) -> int | None:
        now = self._clock.now()
        values = {"id": number, "now": now, "before": now - SILENT}
        with self._pools.write.connection() as connection:
            row = statements.claim.run(connection, values).fetchone()
        return None if row is None else int(row[0])

    def _write(self, run: ExportRun, attempt: int) -> tuple[int, int]:
        if attempt > MOST_ATTEMPTS:
            raise Conflict(_broke_off())
        principal = SYSTEM if run.user_id is None else self._organisation.principal(run.user_id)
        if principal is None:
            raise Forbidden(say("Who asked for it works here no more.", "发起人已停用。"))
        self._check(principal, run)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(run)
        draft = path.with_name(f"{path.name}.{attempt}.part")
        progress = self._progress(run, attempt)
        try:
            with draft.open("wb") as target:
                count = self._into(target, principal, run, progress)
                target.flush()
                os.fsync(target.fileno())
                size = target.tell()
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        return count, size

    def _into(
        self, target: IO[bytes], principal: Principal, run: ExportRun, progress: Progress
    ) -> int:
        if run.kind == "all":
            rows = self._whole(target, run.wanted, progress)
            self._exports.note_all(principal, rows, run.address)
            return rows
        wanted = _wanted_of(run.wanted)
        with self._pools.write.connection() as connection:
            total = self._records.how_many(
                principal, wanted.entity, right="export", **wanted.asked()
            )
            statements.set_total.run(connection, {"id": run.id, "total": total})
        return self._exports.write(
            principal, wanted, run.form, target, progress=progress, address=run.address
        )

    def _progress(self, run: ExportRun, attempt: int) -> Progress:
        """Return what writes down now and then how far it is, and notices when it is ended."""
        told_at = 0.0

        def progress(done: int) -> None:
            nonlocal told_at
            if time.monotonic() - told_at < _BEAT:
                return
            told_at = time.monotonic()
            values = {"id": run.id, "attempt": attempt, "done": done, "now": self._clock.now()}
            with self._pools.write.connection() as connection:
                if not statements.beat.run(connection, values).rowcount:
                    raise Ended(say("The export was ended.", "导出已被终止。"))

        return progress

    def _check(self, principal: Principal, run: ExportRun) -> None:
        if run.kind == "all":
            self._require_admin(principal)
        else:
            self._exports.check(principal, _wanted_of(run.wanted), run.form)

    def _require_admin(self, principal: Principal) -> None:
        if not (principal.is_system or self._records.policy(principal).is_admin):
            raise Forbidden(
                say("Only administrators take everything along.", "只有管理员可以导出全部数据。")
            )

    def _give_up(self, run: ExportRun, problem: Label) -> None:
        if self._end(run, "failed", problem=problem):
            failed = say(
                "The export “{name}” failed: {told}",
                "导出“{name}”失败：{told}",
                name=run.name,
                told=problem,
            )
            self._told(run, failed)

    def _end(self, run: ExportRun, state: str, **more: Any) -> bool:
        """Write down that a run has ended; False where it had."""
        problem = more.get("problem")
        values = {
            "id": run.id,
            "state": state,
            "attempt": more.get("attempt"),
            "done": more.get("done"),
            "size": more.get("size"),
            "problem": None if problem is None else json_text(dict(problem.texts)),
            "now": self._clock.now(),
            "expires": self._clock.now() + KEPT,
        }
        with self._pools.write.connection() as connection:
            return bool(statements.end.run(connection, values).rowcount)

    # -- keeping house -----------------------------------------------------------------------------

    def silent(self) -> list[int]:
        """Return the runs nobody is at."""
        with self._pools.write.connection() as connection:
            rows = statements.silent.run(connection, {"before": self._clock.now() - SILENT})
            return [int(row[0]) for row in rows]

    def sweep(self) -> int:
        """Remove the files that were kept long enough, and drafts that nobody finishes."""
        now = self._clock.now()
        with self._pools.write.connection() as connection:
            gone = [run_of(row) for row in statements.expire.rows(connection, {"now": now})]
        for run in gone:
            self._path(run).unlink(missing_ok=True)
        oldest = (now - KEPT).timestamp()
        for left in self._folder.glob("*.part"):
            if left.stat().st_mtime < oldest:
                left.unlink(missing_ok=True)
        return len(gone)

    def _path(self, run: ExportRun) -> Path:
        return self._folder / f"{run.id}.{run.form}"

    def _find(self, number: int) -> ExportRun | None:
        with self._pools.write.connection() as connection:
            rows = statements.get.rows(connection, {"id": number})
        return run_of(rows[0]) if rows else None


def _wanted_of(kept: Mapping[str, Any]) -> Wanted:
    """Return what was asked as it was kept: JSON knows no tuples."""
    said = dict(kept)
    for name in ("fields", "related"):
        if said.get(name) is not None:
            said[name] = tuple(said[name])
    said["where"] = tuple((key, value) for key, value in said.get("where", ()))
    return Wanted(**said)


def _enough() -> Label:
    return say(
        "{most} of your exports are under way. Wait for one of them, or end it.",
        "您已有 {most} 个导出任务正在进行，请等待其完成或终止其中一个。",
        most=MOST_OPEN,
    )


def _broke_off() -> Label:
    return say(
        "It broke off {most} times. Take fewer rows or fields along.",
        "导出已中断 {most} 次，请减少行数或字段。",
        most=MOST_ATTEMPTS,
    )


def _no_room(error: OSError) -> Label:
    return say(
        "The file cannot be written: {told}.",
        "无法写入文件：{told}。",
        told=error.strerror or str(error),
    )
