"""The file of a backup: a line in the clear, then a tar, sealed where a key is set.

The line says what it is, of which version, and with which salt it is sealed. In the tar the parts
come first and ``manifest.json`` last: sizes and SHA-256 of every part, counts and checksums of
every table. A file without it is not whole. Beside it lies ``NAME.sha256`` for `sha256sum -c`.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from app.backups.faults import BackupFault
from app.backups.sealed import SALT_BYTES, SealedReader, SealedWriter, key_of
from app.texts import say

MAGIC = b"TRELLIS-BACKUP "
FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "database.dump"
#: a first line that is longer is none of ours
_LONGEST_HEAD = 4096
_BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a backup without its key."""

    made_at: str
    version: str
    salt: str | None

    @property
    def is_sealed(self) -> bool:
        """Whether it needs a key."""
        return self.salt is not None


@dataclass(slots=True)
class Written:
    """What went into an archive."""

    #: path in it -> {"size", "sha256"}
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: paths that were there when they were listed and gone when they were read
    missing: list[str] = field(default_factory=list)


class Writer:
    """Puts parts into an archive."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        """Take the open tar."""
        self._tar = tar
        self.written = Written()

    def add_file(self, name: str, path: Path) -> None:
        """Add a file; one that is gone by now is noted, since files are purged at any time."""
        try:
            source = path.open("rb")
        except FileNotFoundError:
            self.written.missing.append(name)
            return
        with source:
            entry = self._tar.gettarinfo(arcname=name, fileobj=source)
            entry.uname = entry.gname = ""
            entry.uid = entry.gid = 0
            summing = _Summing(source)
            self._tar.addfile(entry, cast("IO[bytes]", summing))
        self.written.parts[name] = {"size": entry.size, "sha256": summing.digest.hexdigest()}

    def add_folder(self, name: str, folder: Path) -> None:
        """Add every file below a folder; links that lead elsewhere are left out."""
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                self.add_file(f"{name}/{path.relative_to(folder).as_posix()}", path)

    def finish(self, manifest: Mapping[str, Any]) -> None:
        """Add the manifest, which makes it whole."""
        text = json.dumps(
            {**manifest, "parts": self.written.parts, "missing": self.written.missing}
        ).encode()
        entry = tarfile.TarInfo(MANIFEST)
        entry.size = len(text)
        self._tar.addfile(entry, io.BytesIO(text))


class _Summing:
    """A file that sums what is read of it."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.digest.update(data)
        return data


@contextmanager
def writing(path: Path, head: Mapping[str, Any], key: str | None) -> Iterator[Writer]:
    """Write an archive to *path*; it is on the disk when the block ends."""
    salt = os.urandom(SALT_BYTES) if key else None
    line = MAGIC + json.dumps(
        {"format": FORMAT, **head, "salt": salt.hex() if salt else None}, sort_keys=True
    ).encode() + b"\n"  # fmt: skip
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(line)
        sealed = SealedWriter(file, key_of(key, salt), line) if key and salt else None
        target = io.BufferedWriter(sealed, _BLOCK) if sealed else file
        try:
            with tarfile.open(fileobj=target, mode="w|", bufsize=_BLOCK) as tar:
                yield Writer(tar)
        except BaseException:
            if sealed:
                sealed.abandon()
            raise
        if sealed:
            target.close()
        file.flush()
        os.fsync(file.fileno())


def head_of(path: Path) -> Head:
    """Return the line in the clear.

    Raises:
        BackupFault: it is no backup, or of a format that is not known.
    """
    with path.open("rb") as file:
        return _read_head(file, path)[0]


def unpack(path: Path, folder: Path, key: str | None) -> dict[str, Any]:
    """Unpack a backup into an empty folder, check every part, and return its manifest.

    Raises:
        BackupFault: the key is missing or wrong, or it is not what was written.
    """
    with path.open("rb") as file:
        head, line = _read_head(file, path)
        source: Any = file
        if head.salt is not None:
            if not key:
                raise BackupFault(_needs_a_key())
            sealed = SealedReader(file, key_of(key, bytes.fromhex(head.salt)), line)
            source = io.BufferedReader(sealed, _BLOCK)
        try:
            with tarfile.open(fileobj=source, mode="r|", bufsize=_BLOCK) as tar:
                found = _extract(tar, folder)
        except (tarfile.TarError, EOFError) as error:
            raise BackupFault(_damaged(path)) from error
    manifest = found.pop(MANIFEST, None)
    if manifest is None:
        raise BackupFault(_damaged(path))
    told = json.loads((folder / MANIFEST).read_text("utf-8"))
    if {name: each["sha256"] for name, each in told["parts"].items()} != found:
        raise BackupFault(_damaged(path))
    return cast("dict[str, Any]", told)


def _extract(tar: tarfile.TarFile, folder: Path) -> dict[str, str]:
    """Write every part below *folder*; return the SHA-256 of each."""
    sums: dict[str, str] = {}
    for entry in tar:
        name = PurePosixPath(entry.name)
        if not entry.isreg() or name.is_absolute() or ".." in name.parts:
            raise tarfile.ReadError(f"a part that none of ours has: {entry.name}")
        target = folder.joinpath(*name.parts)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = tar.extractfile(entry)
        assert content is not None
        digest = hashlib.sha256()
        with target.open("xb") as out:
            while block := content.read(_BLOCK):
                digest.update(block)
                out.write(block)
        sums[entry.name] = digest.hexdigest()
    return sums


def _read_head(file: IO[bytes], path: Path) -> tuple[Head, bytes]:
    line = file.readline(_LONGEST_HEAD)
    try:
        told = json.loads(line.removeprefix(MAGIC)) if line.startswith(MAGIC) else None
    except ValueError:
        told = None
    if not isinstance(told, dict) or not isinstance(told.get("format"), int):
        raise BackupFault(
            say("{path} is no backup of Trellis.", "{path} 不是 Trellis 的备份。", path=str(path))
        )
    if told["format"] > FORMAT:
        raise BackupFault(
            say(
                "{path} was made by Trellis {version}, which writes another format. Restore it "
                "with that version or a newer one.",
                "{path} 由 Trellis {version} 制作，格式不同。请使用该版本或更新的版本恢复。",
                path=str(path),
                version=str(told.get("version")),
            )
        )
    return Head(str(told["made_at"]), str(told["version"]), told.get("salt")), line


def _damaged(path: Path) -> Any:
    return say(
        "{path} is damaged: it is cut off, or a part of it was changed. Take an older one.",
        "{path} 已损坏：文件不完整，或其中一部分被改动。请使用更早的备份。",
        path=str(path),
    )


def _needs_a_key() -> Any:
    return say(
        "The backup is sealed. Set TRELLIS_BACKUP_KEY to the key that was set when it was made.",
        "备份已加密。请将 TRELLIS_BACKUP_KEY 设置为制作该备份时使用的密钥。",
    )
