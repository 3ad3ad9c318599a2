"""What comes next is made ready while the database is at work on what came before.

Python runs one thread at a time, and by itself gives each of two that are busy half of it. Whoever
writes should not wait for what is made ahead, so that sleeps a moment again and again: a writer
whose answer is there goes on at once, and keeps its turn until it asks the database again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from queue import Empty, Full, Queue
from typing import Any, TypeVar

Item = TypeVar("Item")
Ready = TypeVar("Ready")

#: So much is ready at most.
_AHEAD = 2
#: Long enough for another thread to wake up, in seconds.
_MOMENT = 0.00002
#: How long each side sleeps before it looks whether the other is still there.
_LOOK = 0.2


@contextmanager
def made_ahead(source: Iterator[Item], make: Callable[[Item], Ready]) -> Iterator[Iterator[Ready]]:
    """Give what *make* makes of each item of *source*, made on a thread of its own.

    What is raised on the way is raised where its item would have come. Leaving the block ends the
    thread, so that what *source* reads from may be closed.
    """
    ready: Queue[tuple[str, Any]] = Queue(_AHEAD)
    is_over = threading.Event()

    def put(kind: str, value: Any) -> bool:
        while not is_over.is_set():
            try:
                ready.put((kind, value), timeout=_LOOK)
            except Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            for item in source:
                if not put("item", make(item)):
                    return
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for.
            put("error", error)
        else:
            put("end", None)

    def given() -> Iterator[Ready]:
        while True:
            try:
                kind, value = ready.get(timeout=_LOOK)
            except Empty:
                continue
            if kind == "error":
                raise value
            if kind == "end":
                return
            yield value

    thread = threading.Thread(target=work, name="ahead", daemon=True)
    thread.start()
    try:
        yield given()
    finally:
        is_over.set()
        thread.join()


def in_turns(items: Iterable[Item], each: int) -> Iterator[Item]:
    """Give the items, and after *each* of them way to whoever has waited for the database."""
    left = each
    for item in items:
        yield item
        left -= 1
        if not left:
            time.sleep(_MOMENT)
            left = each
