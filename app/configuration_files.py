"""Writing the configuration folder: one file at a time, whole or not at all.

Only what a configuration is made of can be written, and only inside its folder: a path is walked
folder by folder, and no link is followed. Whoever writes says what they saw; a file that was
changed meanwhile is not overwritten. What a file means is not known here.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.definitions.folder import belongs
from app.errors import Conflict, Forbidden, InvalidInput, NotFound, Unavailable
from app.texts import Label, say

#: Kinds of files that are texts people write.
KINDS = (".yaml", ".html", ".txt")
#: The reader's own limit; see ``definitions.document``.
LONGEST = 1_000_000
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\Z")
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


def fingerprint_of(text: str) -> str:
    """Return what tells one state of a file from another."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class ConfigurationFiles:
    """The files of a configuration folder, to be written by people on a page."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, name: str, text: str, seen: str) -> str:
        """Write a file and return its fingerprint.

        Args:
            name: the path within the folder, with ``/``.
            text: the whole of it.
            seen: the fingerprint of what was opened; empty for a file that is new.

        Raises:
            InvalidInput: the path leads elsewhere, or the text is none.
            Conflict: the file was changed, removed or made meanwhile.
            Forbidden: the folder may not be written.
            Unavailable: the disk is full.
        """
        with self.writing(name, text, seen):
            pass
        return fingerprint_of(text.replace("\r\n", "\n"))

    @contextmanager
    def writing(self, name: str, text: str, seen: str) -> Iterator[None]:
        """Write a file once the block has come to its end; nothing is written if that fails.

        The text is on the disk before the block begins, so hardly anything can go wrong behind it.
        """
        parts = _parts(name)
        content = _content(text.replace("\r\n", "\n"))
        with _told(), self._within(parts[:-1], make=not seen) as folder:
            mode = self._compare(folder, name, parts[-1], seen)
            draft = f".{parts[-1]}.{secrets.token_hex(4)}.tmp"
            _put(folder, draft, content, mode)
            try:
                yield
                self._compare(folder, name, parts[-1], seen)
                if seen:
                    os.rename(draft, parts[-1], src_dir_fd=folder, dst_dir_fd=folder)
                else:
                    # Unlike a renaming it fails if somebody made the file in this very moment.
                    os.link(draft, parts[-1], src_dir_fd=folder, dst_dir_fd=folder)
            except FileExistsError:
                raise _changed(name) from None
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(draft, dir_fd=folder)
            os.fsync(folder)

    def delete(self, name: str, seen: str) -> None:
        """Remove a file; see `write` for what is raised."""
        parts = _parts(name)
        with _told(), self._within(parts[:-1]) as folder:
            self._compare(folder, name, parts[-1], seen)
            os.unlink(parts[-1], dir_fd=folder)
            os.fsync(folder)

    def _compare(self, folder: int, name: str, last: str, seen: str) -> int:
        """Refuse if the file is not as it was seen; return its permissions."""
        try:
            # What is no file, such as a pipe, must not be waited for.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
            handle = os.open(last, flags, dir_fd=folder)
        except FileNotFoundError:
            if seen:
                raise NotFound(
                    say("`{name}` is not there any more.", "`{name}` 已不存在。", name=name)
                ) from None
            return 0o644
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise InvalidInput({"file": [_is_link(name)]}) from error
            raise
        with os.fdopen(handle, "rb") as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise _changed(name)
            there = file.read().decode("utf-8-sig", "replace").replace("\r\n", "\n")
        if fingerprint_of(there) != seen:
            raise _changed(name)
        return stat.S_IMODE(state.st_mode)

    @contextmanager
    def _within(self, folders: list[str], *, make: bool = False) -> Iterator[int]:
        """Open the folder a file lies in, following no link on the way."""
        handle = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in folders:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(part, 0o755, dir_fd=handle)
                try:
                    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
                    inner = os.open(part, flags, dir_fd=handle)
                except OSError as error:
                    if error.errno in (errno.ELOOP, errno.ENOTDIR):
                        raise InvalidInput({"file": [_is_link(part)]}) from error
                    raise
                os.close(handle)
                handle = inner
            yield handle
        finally:
            os.close(handle)


def _parts(name: str) -> list[str]:
    """Return the folders and the name of a file; refuse what is none of a configuration."""
    parts = name.split("/")
    is_fine = len(parts) <= 5 and all(_PART.match(part) and ".." not in part for part in parts)
    if not is_fine or not name.endswith(KINDS) or not belongs(name):
        raise InvalidInput(
            {
                "file": [
                    say(
                        "Such a file is not part of a configuration. Files end in {kinds}, for "
                        "example entities/project.yaml.",
                        "这样的文件不属于配置。文件以 {kinds} 结尾，例如 entities/project.yaml。",
                        kinds=", ".join(KINDS),
                    )
                ]
            }
        )
    return parts


def _content(text: str) -> bytes:
    wrong: Label | None = None
    if len(text) > LONGEST:
        wrong = say(
            "The text has {count} characters; at most {most} may be.",
            "文本有 {count} 个字符，最多 {most} 个。",
            count=len(text),
            most=LONGEST,
        )
    elif "\0" in text:
        wrong = say("The text holds a character that is none.", "文本含有无效字符。")
    try:
        content = text.encode()
    except UnicodeEncodeError:
        wrong = say("The text holds a character that is none.", "文本含有无效字符。")
    if wrong is not None:
        raise InvalidInput({"text": [wrong]})
    return content


def _put(folder: int, name: str, content: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    handle = os.open(name, flags, 0o644, dir_fd=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
    except OSError:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
        raise


@contextmanager
def _told() -> Iterator[None]:
    """Tell in a sentence why the disk would not."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound from error
    except OSError as error:
        if error.errno in _READ_ONLY:
            raise Forbidden(
                say(
                    "The configuration folder may not be written here. Change the files where they "
                    "come from, for example in their repository.",
                    "这里的配置文件夹是只读的。请在文件的来源处修改，例如代码仓库。",
                )
            ) from error
        if error.errno in _NO_SPACE:
            raise Unavailable(
                say(
                    "The disk is full; the file is as it was.",
                    "磁盘已满，文件没有改变。",
                )
            ) from error
        raise


def _changed(name: str) -> Conflict:
    return Conflict(
        say(
            "`{name}` was changed since you opened it. Copy what you wrote, and open it again.",
            "您打开之后 `{name}` 已被修改。请复制您写的内容，然后重新打开。",
            name=name,
        )
    )


def _is_link(name: str) -> Label:
    return say(
        "`{name}` is a link to something else, and links are not followed here.",
        "`{name}` 是指向别处的链接，这里不会跟随链接。",
        name=name,
    )
