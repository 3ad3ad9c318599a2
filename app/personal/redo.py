"""The list by which anonymisations are done again after an older backup was restored.

It lies beside the backups, names records by entity and id and holds no word about anybody. A
restored installation takes its copy along and does what is in it before it serves.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.access.principal import SYSTEM
from app.database.personal_tables import personal_act
from app.records.anonymising import anonymise
from app.records.personal_acts import note_act
from app.records.work import Work

#: In the folder of backups, and in the data folder of what was restored from there.
LIST, TO_DO = "anonymised.jsonl", "anonymise-again.jsonl"
_COLUMNS = ("id", "happened_at", "user_id", "why", "records", "fields", "counts")


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a list; one that was cut off while it was written is passed over."""
    if not path.is_file():
        return
    for line in path.read_text("utf-8").splitlines():
        with suppress(json.JSONDecodeError):
            found = json.loads(line)
            if isinstance(found, dict) and found.get("records"):
                yield found


def write_list(pools: Any, folder: Path) -> int:
    """Add to the list what the register has and the list has not; return how many lines."""
    path = folder / LIST
    there = {_key(line) for line in lines_of(path)}
    act = personal_act
    chosen = sa.select(*(act.c[name] for name in _COLUMNS)).where(act.c.kind == "anonymised")
    with pools.engine.connect() as connection:
        rows = [dict(row._mapping) for row in connection.execute(chosen.order_by(act.c.id))]
    lines = [{**row, "happened_at": row["happened_at"].isoformat()} for row in rows]
    missing = [line for line in lines if _key(line) not in there]
    if missing:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in missing)
        # What was cut off before must not swallow the first of these.
        whole = not path.is_file() or path.read_bytes()[-1:] in (b"", b"\n")
        with open(path, "a", encoding="utf-8", opener=_closed) as target:
            target.write(text if whole else f"\n{text}")
            target.flush()
            os.fsync(target.fileno())
    return len(missing)


def _closed(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _key(line: dict[str, Any]) -> str:
    """Return what makes an anonymisation this one: when, and which records."""
    return json.dumps([line.get("happened_at"), line.get("records")], sort_keys=True)


def take_along(backup: Path, data: Path) -> int:
    """Copy the list that lies beside a backup into the data folder; return how many lines."""
    lines = list(lines_of(backup.parent / LIST))
    if lines:
        text = "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
        target = data / TO_DO
        draft = target.with_suffix(".part")
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.write_text(text, "utf-8")
        draft.chmod(0o600)
        draft.replace(target)
    return len(lines)


def do_again(records: Any, pools: Any, data: Path) -> int:
    """Anonymise what was anonymised after the restored backup was made; return how many times.

    Each is a transaction of its own, and one that was done is not done twice, so that it can be
    broken off. The list goes when all is done.
    """
    path = data / TO_DO
    lines = list(lines_of(path))
    if not lines:
        path.unlink(missing_ok=True)
        return 0
    with pools.engine.connect() as connection:
        act = personal_act
        rows = connection.execute(
            sa.select(act.c.happened_at, act.c.records).where(act.c.kind == "anonymised")
        )
        there = {
            _key({"happened_at": row.happened_at.isoformat(), "records": row.records})
            for row in rows
        }
    count = 0
    for line in lines:
        if _key(line) not in there:
            records.transact(SYSTEM, lambda work, line=line: _again(work, line), origin="system")
            count += 1
    path.unlink()
    return count


def _again(work: Work, line: dict[str, Any]) -> None:
    done: dict[str, Iterable[int]] = {}
    for name, ids in line["records"].items():
        entity = work.release.catalog.entities.get(name)
        if entity is None:
            continue
        fields = [one for one in line["fields"].get(name, ()) if one in entity.fields]
        has_files = bool(line["counts"].get("with_files"))
        anonymise(work, entity, ids, fields, has_files=has_files, is_again=True)
        done[name] = ids
    note_act(
        work,
        "anonymised",
        line["why"],
        line["records"],
        fields=line["fields"],
        counts=line["counts"],
        happened_at=line["happened_at"],
        user_id=line["user_id"],
    )
