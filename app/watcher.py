"""Watches the configuration folder and takes up what is saved: `python -m app.watcher`.

A process of its own beside the web server. It waits until the folder has been quiet for a moment,
so that a `git pull` of twelve files is one change and not twelve.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import FrameType

from watchfiles import Change, watch

from app.collector import keep_what_is_here
from app.database.pools import Pools, as_unavailable
from app.errors import TrellisError
from app.installation import Installation
from app.settings import Settings, read_settings

#: Milliseconds without another change after which a save is taken up; and at the latest.
QUIET_MS = 150
LATEST_MS = 2000
#: How soon what could not be taken up is tried again.
RETRY_MS = 5000


def say(line: str) -> None:
    """Write a line with its time into the log that our parent opened."""
    sys.stdout.write(f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S} {line}\n")
    sys.stdout.flush()


def is_configuration(_change: Change, path: str) -> bool:
    """Return whether a changed file can be part of the configuration; editors leave others."""
    name = path.rpartition("/")[2]
    return not name.startswith((".", "#")) and not name.endswith(("~", ".swp", ".tmp", ".orig"))


def watch_folder(settings: Settings) -> None:
    """Take up what is saved, until the process is ended."""
    if settings.database_url is None:
        raise TrellisError("The watcher needs DATABASE_URL; `trellis run` sees to it.")
    pools = Pools(settings.database_url, max_size=1)
    installation = Installation(settings, pools)
    say(f"Watching {settings.config}.")
    follow(settings.config, lambda: _take_up(installation))


def follow(folder: Path, take_up: Callable[[], bool], retry_ms: int = RETRY_MS) -> None:
    """Call *take_up* at once and after every save, until it raises.

    Args:
        folder: the configuration.
        take_up: returns whether that was all; if not, it is called again by itself.
        retry_ms: how soon.
    """
    # What was saved before the watching began is taken up at once; what is saved between that and
    # the beginning of the watching, as soon as the watching is known to have begun.
    take_up()
    is_done = False
    for changes in watch(
        folder,
        watch_filter=is_configuration,
        step=QUIET_MS,
        debounce=LATEST_MS,
        rust_timeout=retry_ms,
        yield_on_timeout=True,
        # Asked to end, it just does.
        raise_interrupt=False,
    ):
        if changes or not is_done:
            is_done = take_up()


def _take_up(installation: Installation) -> bool:
    """Return whether that was all; a database that is away is asked again."""
    try:
        installation.take_up(say)
    except Exception as error:
        known = error if isinstance(error, TrellisError) else as_unavailable(error)
        if known is None:
            raise
        say(str(known))
        return False
    finally:
        # Now that it is live there is time; the next save is not to wait for it.
        keep_what_is_here(anew=True)
    return True


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    watch_folder(read_settings())
