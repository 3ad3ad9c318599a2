"""Files on records: their content in the data folder, named by its checksum, their rows in SQL.

A file is uploaded first and belongs to nobody but its uploader; saving a record that names it makes
it that record's. It may be fetched by whoever may read the record and the field.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import tempfile
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psycopg
import sqlalchemy as sa

from app.access.policy import Policy
from app.access.visibility import ME, Visibility, visible
from app.database import system
from app.database.release import Release
from app.errors import InvalidInput
from app.records.statements import Statement
from app.texts import say

#: Types that a browser shows by itself without running anything in them.
SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"})
#: What may be uploaded, by ending; everything else is refused by name.
TYPES = {
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
    "webp": "image/webp", "pdf": "application/pdf", "txt": "text/plain", "csv": "text/csv",
    "md": "text/plain", "zip": "application/zip",
    "doc": "application/msword", "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "mp3": "audio/mpeg", "m4a": "audio/mp4", "wav": "audio/wav", "mp4": "video/mp4",
    "eml": "message/rfc822", "ofd": "application/ofd", "dwg": "application/octet-stream",
}  # fmt: skip
#: How a file of a type begins; a file that begins otherwise is not what its name says.
_BEGINNINGS = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
    "application/pdf": (b"%PDF-",),
    "application/zip": (b"PK\x03\x04", b"PK\x05\x06"),
}
#: The largest file that is taken, in bytes.
LARGEST = 20 * 1024 * 1024
_CHUNK = 64 * 1024

_put = Statement(
    sa.insert(system.file)
    .values(
        {
            name: sa.bindparam(name, type_=system.file.c[name].type)
            for name in ("name", "type", "size", "sha256", "uploaded_by")
        }
    )
    .returning(system.file.c.id)
)
_total = Statement(
    sa.select(sa.func.coalesce(sa.func.sum(system.file.c.size), 0)).where(
        system.file.c.deleted_at.is_(None)
    )
)
_IDS = sa.bindparam("_ids", type_=sa.ARRAY(sa.BigInteger))
_find = Statement(
    sa.select(system.file).where(
        system.file.c.id == sa.func.any(_IDS), system.file.c.deleted_at.is_(None)
    )
)
_give = Statement(
    sa.update(system.file)
    .where(system.file.c.id == sa.func.any(_IDS))
    .values(
        entity=sa.bindparam("_entity"),
        record_id=sa.bindparam("_record", type_=sa.BigInteger),
        field=sa.bindparam("_field", type_=sa.Text),
    )
)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What is known of a file."""

    id: int
    name: str
    type: str
    size: int
    path: Path


class FileStore:
    """The contents, under ``files/`` of the data folder; equal contents are kept once."""

    def __init__(self, folder: Path, quota: int | None = None) -> None:
        """Take the data folder, and how many bytes people may upload; None: any number."""
        self.folder = folder / "files"
        self.quota = quota

    def path(self, sha256: str) -> Path:
        """Return where a content is kept. The name is ours, never a person's."""
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise ValueError(sha256)
        return self.folder / sha256[:2] / sha256

    def take(self, stream: IO[bytes], kind: str, largest: int = LARGEST) -> tuple[str, int]:
        """Write a stream to disk; return its checksum and size. Counted while it arrives.

        Raises:
            InvalidInput: it is too large, empty, or does not begin like its type.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        digest, size = hashlib.sha256(), 0
        with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as target:
            try:
                while chunk := stream.read(_CHUNK):
                    if not size:
                        _check_beginning(chunk, kind)
                    size += len(chunk)
                    if size > largest:
                        raise InvalidInput({"file": [_too_large(largest)]})
                    digest.update(chunk)
                    target.write(chunk)
                if not size:
                    raise InvalidInput({"file": [say("The file is empty.", "文件是空的。")]})
                target.flush()
                os.fsync(target.fileno())
                path = self.path(digest.hexdigest())
                path.parent.mkdir(exist_ok=True, mode=0o700)
                Path(target.name).replace(path)
            except BaseException:
                Path(target.name).unlink(missing_ok=True)
                raise
        return digest.hexdigest(), size


def _too_large(largest: int) -> Any:
    return say(
        "The file is larger than {most} MB, the most that can be kept.",
        "文件超过 {most} MB 的上限。",
        most=largest // (1024 * 1024),
    )


def _check_beginning(chunk: bytes, kind: str) -> None:
    expected = _BEGINNINGS.get(kind)
    if expected and not chunk.startswith(expected):
        raise InvalidInput(
            {
                "file": [
                    say(
                        "The file is not what its name says: its content is of another type.",
                        "文件内容与扩展名不符。",
                    )
                ]
            }
        )


def clean_name(name: str) -> str:
    """Return a file name fit to be shown and downloaded: no path, no control or direction marks."""
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(c for c in name if unicodedata.category(c)[0] != "C").strip(" .")
    stem, dot, ending = name.rpartition(".")
    return f"{stem[:150]}{dot}{ending[:20]}" if dot else name[:150]


def type_of(name: str) -> str:
    """Return the type that a file name's ending stands for.

    Raises:
        InvalidInput: files with that ending are not taken.
    """
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending not in TYPES:
        raise InvalidInput(
            {
                "file": [
                    say(
                        "Files ending in .{ending} are not taken. Allowed are {allowed}.",
                        "不接受 .{ending} 文件。允许的类型：{allowed}。",
                        ending=ending or "?",
                        allowed=", ".join(sorted(TYPES)),
                    )
                ]
            }
        )
    return TYPES[ending]


def add_file(
    connection: psycopg.Connection[Any],
    store: FileStore,
    stream: IO[bytes],
    name: str,
    user_id: int | None,
    largest: int = LARGEST,
) -> StoredFile:
    """Keep an uploaded file; the row is written after the content is safe on disk."""
    name = clean_name(name)
    kind = type_of(name)
    left = _room_left(connection, store)
    try:
        sha256, size = store.take(stream, kind, largest if left is None else min(largest, left))
    except InvalidInput:
        if left is None or left >= largest:
            raise
        # What is too large for the room that is left is not too large by itself.
        raise InvalidInput({"file": [_no_room(store.quota or 0, left)]}) from None
    row = _put.run(
        connection,
        {"name": name, "type": kind, "size": size, "sha256": sha256, "uploaded_by": user_id},
    ).fetchone()
    assert row is not None
    return StoredFile(row[0], name, kind, size, store.path(sha256))


def _room_left(connection: psycopg.Connection[Any], store: FileStore) -> int | None:
    """Return how many bytes may still be uploaded; None: any number.

    Raises:
        InvalidInput: none.
    """
    if store.quota is None:
        return None
    row = _total.run(connection).fetchone()
    left = store.quota - int(row[0] if row else 0)
    if left <= 0:
        raise InvalidInput({"file": [_no_room(store.quota, 0)]})
    return left


def _no_room(quota: int, left: int) -> Any:
    return say(
        "There is no room for this file: {left} MB of {quota} MB are free. Remove files, or ask "
        "an administrator for more room (TRELLIS_FILE_QUOTA).",
        "空间不足：共 {quota} MB，剩余 {left} MB。请删除文件，或请管理员扩大空间"
        "（TRELLIS_FILE_QUOTA）。",
        left=round(left / 1024 / 1024, 1),
        quota=quota // (1024 * 1024),
    )


def keep_made(
    connection: psycopg.Connection[Any], store: FileStore, content: bytes, name: str, kind: str
) -> StoredFile:
    """Keep a file that Trellis made itself; nobody uploaded it, so it is nobody's until attached.

    It may be of a type that is not taken from people, such as HTML; it is only ever downloaded.
    """
    name = clean_name(name)
    sha256, size = store.take(io.BytesIO(content), kind)
    row = _put.run(
        connection,
        {"name": name, "type": kind, "size": size, "sha256": sha256, "uploaded_by": None},
    ).fetchone()
    assert row is not None
    return StoredFile(row[0], name, kind, size, store.path(sha256))


def find_files(connection: psycopg.Connection[Any], ids: list[int]) -> dict[int, dict[str, Any]]:
    """Return the rows of files by id; deleted ones are left out."""
    return {row["id"]: row for row in _find.rows(connection, {"_ids": ids})}


def give_files(
    connection: psycopg.Connection[Any],
    ids: list[int],
    entity: int,
    record_id: int,
    field: str | None,
) -> None:
    """Make files a record's own; without a field they are its attachments."""
    _give.run(connection, {"_ids": ids, "_entity": entity, "_record": record_id, "_field": field})


def file_condition(release: Release, policy: Policy) -> Statement:
    """Return the statement that finds file ``_id`` if the asker may read it.

    Allowed is the uploader while no record has it, and whoever may read the record and the field.
    """
    table = system.file
    ways: list[sa.ColumnElement[bool]] = [
        sa.and_(table.c.record_id.is_(None), table.c.uploaded_by == ME)
    ]
    visibility = Visibility(release, policy)
    for name, entity in release.catalog.entities.items():
        if entity.lines_of is not None or not policy.may("read", name):
            continue
        fields = [each for each in policy.readable(name) if policy.is_readable(name, each)]
        record = release.tables[name].alias()
        open_ = [
            sa.or_(table.c.field.is_(None), table.c.field != field, sa.not_(veil))
            for field, veil in visibility.veils(name, record).items()
        ]
        closed = visibility.closed(name, record)
        if closed is not None:
            open_.append(sa.or_(table.c.field.is_not(None), sa.not_(closed)))
        ways.append(
            sa.and_(
                table.c.entity == release.numbers[name],
                sa.or_(table.c.field.is_(None), table.c.field.in_(fields)),
                sa.exists(
                    sa.select(1)
                    .select_from(record)
                    .where(
                        record.c.id == table.c.record_id,
                        record.c.deleted_at.is_(None),
                        visible(release, name, record, policy),
                        *open_,
                    )
                ),
            )
        )
    return Statement(
        sa.select(table).where(
            table.c.id == sa.bindparam("_id", type_=sa.BigInteger),
            table.c.deleted_at.is_(None),
            sa.or_(*ways),
        )
    )
