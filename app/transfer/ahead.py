"""What comes next is made ready while the database is at work on what came before."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, Full, Queue
from typing import Any, TypeVar

Item = TypeVar("Item")
Ready = TypeVar("Ready")

#: So much is ready at most.
_AHEAD = 2
#: Python changes threads so often, in seconds, so that who waited for the database goes on at once.
_TURN = 0.0005
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
    turn = sys.getswitchinterval()
    sys.setswitchinterval(_TURN)
    thread.start()
    try:
        yield given()
    finally:
        is_over.set()
        thread.join()
        sys.setswitchinterval(turn)
