"""Where everything is written to and read from: a folder, or a zip."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol

from app.texts import say
from app.whole.faults import WholeFault

_BLOCK = 2**20
#: What reading a damaged, encrypted or strangely packed part of a zip raises.
UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)


class Target(Protocol):
    """Takes parts, one after the other."""

    def put(self, name: str, blocks: Iterable[bytes]) -> dict[str, Any]:
        """Write a part; return its size and SHA-256."""


class FolderTarget:
    """Parts as files of a folder that is new or empty."""

    def __init__(self, folder: Path) -> None:
        """Name the folder.

        Raises:
            WholeFault: there is something in it already.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise WholeFault(
                say(
                    "{folder} is not empty. Name a new folder, or a file that ends in `.zip`.",
                    "{folder} 不是空的。请指定新的文件夹，或以 .zip 结尾的文件。",
                    folder=str(folder),
                )
            )
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder

    def put(self, name: str, blocks: Iterable[bytes]) -> dict[str, Any]:
        """Write a file."""
        path = self._folder.joinpath(*PurePosixPath(name).parts)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("xb") as target:
            told = _summed(target, blocks)
            target.flush()
            os.fsync(target.fileno())
        return told


class ZipTarget:
    """Parts as members of a zip."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        """Take the open archive."""
        self._archive = archive

    def put(self, name: str, blocks: Iterable[bytes]) -> dict[str, Any]:
        """Write a member."""
        with self._archive.open(name, "w", force_zip64=True) as target:
            return _summed(target, blocks)


def _summed(target: IO[bytes], blocks: Iterable[bytes]) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    for block in blocks:
        target.write(block)
        digest.update(block)
        size += len(block)
    return {"size": size, "sha256": digest.hexdigest()}


@contextmanager
def zip_into(target: IO[bytes]) -> Iterator[ZipTarget]:
    """Yield a zip that is written into an open file."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        yield ZipTarget(archive)


class Source(Protocol):
    """Gives parts."""

    def names(self) -> set[str]:
        """Return the names of all parts."""

    def open(self, name: str) -> IO[bytes]:
        """Open a part."""


class FolderSource:
    """The files of a folder."""

    def __init__(self, folder: Path) -> None:
        """Name it."""
        self._folder = folder

    def names(self) -> set[str]:
        """Return the files below it; links lead elsewhere and are none."""
        return {
            path.relative_to(self._folder).as_posix()
            for path in self._folder.rglob("*")
            if path.is_file() and not path.is_symlink()
        }

    def open(self, name: str) -> IO[bytes]:
        """Open a file."""
        return self._folder.joinpath(*PurePosixPath(name).parts).open("rb")


class ZipSource:
    """The members of a zip."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        """Take the open archive."""
        self._archive = archive

    def names(self) -> set[str]:
        """Return its members."""
        return {one.filename for one in self._archive.infolist() if not one.is_dir()}

    def open(self, name: str) -> IO[bytes]:
        """Open a member."""
        return self._archive.open(name)


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Yield what lies at *path*.

    Raises:
        WholeFault: it is neither a folder nor a zip.
    """
    if path.is_dir():
        yield FolderSource(path)
        return
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise WholeFault(
            say(
                "{path} is neither a folder nor a whole zip.",
                "{path} 既不是文件夹，也不是完整的 zip 文件。",
                path=str(path),
            )
        ) from error
    with archive:
        yield ZipSource(archive)


def blocks_of(path: Path) -> Iterator[bytes]:
    """Yield a file in blocks; nothing where it is gone by now."""
    try:
        source = path.open("rb")
    except FileNotFoundError:
        return
    with source:
        while block := source.read(_BLOCK):
            yield block


def copy_part(source: Source, name: str, target: Path) -> None:
    """Copy a part to a file; it has its name only once it is whole."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = target.with_name(f"{target.name}.importing")
    with source.open(name) as part, draft.open("wb") as out:
        shutil.copyfileobj(part, out, _BLOCK)
    draft.chmod(0o600)
    draft.replace(target)
