"""Python's search for garbage in cycles, kept out of the way where there is none.

A catalog of hundreds of entities is a million objects that live long. Whoever makes many more of
them would have Python walk through all of them again and again, which takes longer than the work.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collector() -> Iterator[None]:
    """Keep Python from looking for garbage meanwhile: there is none, only much that is new."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def collect_what_is_new() -> None:
    """Look for garbage among what was made since the last time, and leave the rest alone."""
    gc.collect(0)


def keep_what_is_here(*, anew: bool = False) -> None:
    """Leave everything that is here now out of later searches.

    With *anew* what was left out so far is searched once more, for what has become garbage since.
    Not in a fork: a search writes into what it looks at, and ends the sharing of that memory.
    """
    if anew:
        gc.unfreeze()
    gc.collect()
    gc.freeze()
