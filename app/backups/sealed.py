"""A stream that only who knows the key can read, and nobody can shorten or change unnoticed.

AES-256-GCM over pieces of a mebibyte, each with its number and whether it is the last as the nonce,
so that pieces can be neither left out nor exchanged. The key comes from a text by scrypt.
"""

from __future__ import annotations

import io
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from app.backups.faults import BackupFault
from app.texts import Label, say

PIECE = 2**20
_TAG = 16
SALT_BYTES = 16


def key_of(text: str, salt: bytes) -> AESGCM:
    """Return the cipher for a text that somebody chose."""
    return AESGCM(Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(text.encode()))


class SealedWriter(io.RawIOBase):
    """Writes a sealed stream into *target*; `close` seals the last piece and leaves it open."""

    def __init__(self, target: IO[bytes], cipher: AESGCM, bound_to: bytes) -> None:
        """Take where it goes; *bound_to* is read in the clear and cannot be changed either."""
        self._target, self._cipher, self._bound = target, cipher, bound_to
        self._waiting = bytearray()
        self._number = 0

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: object) -> int:
        """Take bytes; full pieces are sealed and written."""
        given = bytes(data)  # type: ignore[call-overload]
        self._waiting += given
        # One byte more than a piece: so it is known that this one is not the last.
        while len(self._waiting) > PIECE:
            self._seal(bytes(self._waiting[:PIECE]), last=False)
            del self._waiting[:PIECE]
        return len(given)

    def close(self) -> None:
        """Seal what is left as the last piece."""
        if not self.closed:
            self._seal(bytes(self._waiting), last=True)
            super().close()

    def abandon(self) -> None:
        """Close it without an end: whoever reads it is told that it is cut off."""
        super().close()

    def _seal(self, piece: bytes, *, last: bool) -> None:
        self._target.write(self._cipher.encrypt(_nonce(self._number, last), piece, self._bound))
        self._number += 1


class SealedReader(io.RawIOBase):
    """Reads what `SealedWriter` wrote."""

    def __init__(self, source: IO[bytes], cipher: AESGCM, bound_to: bytes) -> None:
        """Take the stream after its head, and the head."""
        self._source, self._cipher, self._bound = source, cipher, bound_to
        self._open = b""
        self._next = source.read(PIECE + _TAG)
        self._number = 0
        self._ended = False

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: object) -> int:
        """Give bytes that are proven.

        Raises:
            BackupFault: another key, or something was changed or cut off.
        """
        view = memoryview(buffer)  # type: ignore[arg-type]
        while not self._open and not self._ended:
            self._unseal()
        given = self._open[: len(view)]
        view[: len(given)] = given
        self._open = self._open[len(given) :]
        return len(given)

    def _unseal(self) -> None:
        piece, self._next = self._next, self._source.read(PIECE + _TAG)
        last = not self._next
        try:
            self._open = self._cipher.decrypt(_nonce(self._number, last), piece, self._bound)
        except InvalidTag as error:
            first = self._number == 0
            raise BackupFault(_wrong_key() if first else _changed()) from error
        self._number += 1
        self._ended = last


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if last else b"\0")


def _wrong_key() -> Label:
    return say(
        "The backup cannot be opened with the key in TRELLIS_BACKUP_KEY, or its beginning was "
        "changed. It needs the key that was set when it was made.",
        "无法用 TRELLIS_BACKUP_KEY 中的密钥打开此备份，或其开头已被改动。"
        "请使用制作该备份时设置的密钥。",
    )


def _changed() -> Label:
    return say(
        "The backup is damaged: a part of it was changed or is missing. Take an older one.",
        "备份已损坏：其中一部分被改动或缺失。请使用更早的备份。",
    )
