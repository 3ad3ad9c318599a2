"""Small secrets that a database has to keep, unreadable without the key of the installation.

What is sealed here can be opened here again, for the same purpose and the same owner only: a sealed
value that is moved to another row is refused. Passwords do not belong here; they are hashed.
"""

from __future__ import annotations

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12


class CannotOpen(Exception):
    """The value was sealed with another key, for something else, or was changed."""


class Seal:
    """Seals and opens texts for one purpose."""

    def __init__(self, key: str, purpose: str) -> None:
        """Take the key of the installation and a word for what is kept."""
        derived = HKDF(
            algorithm=SHA256(), length=32, salt=None, info=f"trellis {purpose}".encode()
        ).derive(key.encode())
        self._cipher = AESGCM(derived)

    def close(self, text: str, owner: str) -> str:
        """Return *text* sealed for *owner*, another value each time."""
        nonce = os.urandom(_NONCE)
        sealed = self._cipher.encrypt(nonce, text.encode(), owner.encode())
        return base64.urlsafe_b64encode(nonce + sealed).decode()

    def open(self, sealed: str, owner: str) -> str:
        """Return what was sealed for *owner*.

        Raises:
            CannotOpen: it was sealed with another key or for somebody else.
        """
        try:
            raw = base64.urlsafe_b64decode(sealed.encode())
            return self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], owner.encode()).decode()
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise CannotOpen from error
