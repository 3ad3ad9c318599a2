"""Locks that are free in a forked child, whatever a thread of the parent held at that moment."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol


class HasLock(Protocol):
    """Something that guards its state with one lock."""

    _lock: threading.RLock


def free_lock_in_children(owner: HasLock) -> None:
    """Give *owner* a new lock in every process forked from this one.

    The thread that held the old one does not exist there, so it would never be given back.
    """
    reference = weakref.ref(owner)

    def renew() -> None:
        known = reference()
        if known is not None:
            known._lock = threading.RLock()

    os.register_at_fork(after_in_child=renew)
