"""What is new in a mailbox, over IMAP: read without leaving a mark on the server.

A connection goes to an address that was looked at before, has one deadline, and is encrypted; in
clear only to hosts the operator allowed by name. How far the mailbox was read is known by the UIDs
of its folder.
"""

from __future__ import annotations

import imaplib
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date

from app.automation.mailboxes.reading import LARGEST
from app.definitions.integrations import MailServer
from app.notifications.addresses import is_public, not_public
from app.notifications.deadline import Deadline
from app.notifications.failing import SendFailed
from app.texts import Label, say

#: Seconds one look at a mailbox has.
SECONDS = 60.0
#: So many e-mails at a time; the next look goes on.
MOST = 50
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")


@dataclass(frozen=True, slots=True)
class Place:
    """How far a mailbox was read."""

    validity: int
    last_uid: int


class _Folder(imaplib.IMAP4):
    """A connection to an address that was looked at before."""

    def __init__(
        self, server: MailServer, address: str, deadline: Deadline, tls: ssl.SSLContext | None
    ) -> None:
        self._address, self._deadline, self._tls = address, deadline, tls
        super().__init__(server.host, server.port, timeout=deadline.left)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        connection = self._deadline.connect(self._address, self.port)
        connection.settimeout(timeout)
        if self._tls is None:
            return connection
        return self._tls.wrap_socket(connection, server_hostname=self.host)


@contextmanager
def opened(
    server: MailServer,
    user: str,
    password: str,
    *,
    allowed_hosts: frozenset[str] = frozenset(),
    tls: ssl.SSLContext | None = None,
    seconds: float = SECONDS,
) -> Iterator[Reader]:
    """Yield a mailbox that is open for reading.

    Raises:
        SendFailed: it may not be reached, does not answer in time, or refuses.
    """
    with Deadline(seconds) as deadline:
        addresses = deadline.resolve(server.host, server.port)
        is_allowed = server.host in allowed_hosts or f"{server.host}:{server.port}" in allowed_hosts
        if not is_allowed and (server.is_plain or not all(map(is_public, addresses))):
            raise SendFailed(_not_allowed(server), is_final=True)
        context = None if server.is_plain else tls or ssl.create_default_context()
        try:
            folder = _Folder(server, addresses[0], deadline, context)
            try:
                folder.login(_quoted(user), password)
                yield Reader(folder, server.folder)
            finally:
                with suppress(OSError, imaplib.IMAP4.error):
                    folder.logout()
        except (OSError, imaplib.IMAP4.error, ValueError) as error:
            if deadline.has_expired or isinstance(error, TimeoutError):
                raise deadline.failure() from error
            raise SendFailed(
                say(
                    "The mailbox on `{host}` cannot be read: {why}",
                    "无法读取“{host}”上的邮箱：{why}",
                    host=server.host,
                    why=_told(error),
                )
            ) from error


def _not_allowed(server: MailServer) -> Label:
    if server.is_plain:
        return say(
            "`{host}` is read without encryption (`imap:`), which an operator has to allow in "
            "TRELLIS_ALLOWED_HOSTS. Write `imaps:`.",
            "“{host}”使用未加密的 imap:，须由运维人员在 TRELLIS_ALLOWED_HOSTS 中放行。"
            "请改用 imaps:。",
            host=server.host,
        )
    return not_public(server.host)


class Reader:
    """A folder of a mailbox, open for reading."""

    def __init__(self, folder: imaplib.IMAP4, name: str) -> None:
        """Open the folder; nothing in it is marked."""
        self._folder = folder
        self._asked(folder.select(_quoted(name), readonly=True))
        self.validity = self._status("UIDVALIDITY")

    def newest(self) -> Place:
        """Return where the folder ends now: what comes from here on is new."""
        return Place(self.validity, max(self._status("UIDNEXT") - 1, 0))

    def after(self, place: Place, since: date | None) -> Iterator[tuple[int, bytes | None]]:
        """Yield UID and text of some e-mails behind a place, in order.

        The text is None of one that is too large, empty of one that is gone. With *since*, only
        those are looked at that came on that day or later.
        """
        last = place.last_uid
        asked = f"UID {last + 1}:*"
        if since is not None:
            asked += f" SINCE {since.day}-{_MONTHS[since.month - 1]}-{since.year}"
        found = self._asked(self._folder.uid("SEARCH", asked))
        uids = sorted(int(one) for one in b" ".join(part or b"" for part in found).split())
        # `*` is the last one there is, also where that was read before.
        for uid in [one for one in uids if one > last][:MOST]:
            yield uid, self._text_of(uid)

    def _text_of(self, uid: int) -> bytes | None:
        sizes = self._asked(self._folder.uid("FETCH", str(uid), "(RFC822.SIZE)"))
        told = _SIZE.search(b" ".join(part for part in sizes if isinstance(part, bytes)))
        if told is not None and int(told[1]) > LARGEST:
            return None
        for part in self._asked(self._folder.uid("FETCH", str(uid), "(BODY.PEEK[])")):
            # Its UID stands before or behind the text.
            if isinstance(part, tuple) and b"BODY[" in part[0].upper():
                return bytes(part[1])
        # It was deleted since the folder was searched.
        return b""

    def _status(self, word: str) -> int:
        _, answer = self._folder.response(word)
        if answer and answer[0] is not None:
            return int(answer[0])
        raise imaplib.IMAP4.error(f"the server does not tell {word}")

    @staticmethod
    def _asked(answer: tuple[str, list]) -> list:  # type: ignore[type-arg]
        word, found = answer
        if word != "OK":
            raise imaplib.IMAP4.error(_told(found[0] if found else word))
        return found


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _told(error: object) -> str:
    """Return what the other side said, as a short line."""
    if isinstance(error, imaplib.IMAP4.error) and error.args:
        error = error.args[0]
    text = error.decode("utf-8", "replace") if isinstance(error, bytes) else str(error)
    return " ".join(text.split())[:200]
