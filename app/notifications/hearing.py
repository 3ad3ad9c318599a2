"""What a web process knows of unread messages, so that open pages may ask often.

An answer is kept until the database says that somebody's inbox changed, or for some seconds at
most: messages also become due by the mere passing of time.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from app.clock import Clock
from app.notifications.inbox import unread_count

#: Seconds for which an answer is good although nobody called.
GOOD_FOR = 20.0
#: Readers whose numbers are kept.
_MOST = 20_000


class Hearing:
    """The unread counts of the people whose pages are open."""

    def __init__(self, pools: Any, clock: Clock) -> None:
        self._pools = pools
        self._clock = clock
        self._lock = threading.Lock()
        #: by user: how many, and until when that is good
        self._known: dict[int, tuple[int, float]] = {}

    def heard(self, users: str) -> None:
        """Forget what is known of these people; called by the listener of the process."""
        with self._lock:
            if users == "*":
                self._known.clear()
                return
            for text in users.split(","):
                if text.isdigit():
                    self._known.pop(int(text), None)

    def unread(self, user_id: int) -> int:
        """Return how many messages somebody has not read."""
        known = self._known.get(user_id)
        if known is not None and known[1] > time.monotonic():
            return known[0]
        good_until = time.monotonic() + GOOD_FOR
        with self._pools.read.connection() as connection:
            number = unread_count(connection, user_id, self._clock.now())
        with self._lock:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[user_id] = (number, good_until)
        return number
