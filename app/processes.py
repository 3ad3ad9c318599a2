"""Start a child process that does not outlive its parent.

`trellis run` may be killed at any moment, and must not leave a database, a web server or a worker
behind that holds the port or the data folder. The kernel's parent-death signal does that on Linux.
This module knows no particular program.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LOG_LIMIT = 16 * 1024 * 1024


@dataclass(frozen=True)
class Identity:
    """As whom a program runs: words in front of the command, or another user."""

    prefix: tuple[str, ...] = ()
    user: int | None = None
    group: int | None = None


def die_with_parent(signal_number: int = signal.SIGTERM) -> None:
    """Have the kernel send this process *signal_number* when its parent ends.

    Called by a process about itself, early. Does nothing outside Linux.
    """
    _request_death_signal(signal_number, os.getppid())()


def _request_death_signal(signal_number: int, parent: int) -> Callable[[], None]:
    if not sys.platform.startswith("linux"):
        return lambda: None
    # Loaded before the fork, since between fork and exec as little as possible should happen.
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def request() -> None:
        prctl(_PR_SET_PDEATHSIG, signal_number)
        if os.getppid() != parent:
            # The parent ended before the request was made, so the kernel will not tell.
            os.kill(os.getpid(), signal_number)

    return request


#: How glibc's malloc.h calls the number of heaps.
_M_ARENA_MAX = -8


def keep_one_heap() -> None:
    """Have all threads of this process share one heap.

    glibc gives each thread a heap of its own, which saves waiting that Python's lock causes anyway,
    and costs megabytes of memory that is free, but in another heap.
    """
    if sys.platform.startswith("linux"):
        set_option = getattr(ctypes.CDLL(None), "mallopt", None)
        if set_option is not None:
            set_option(_M_ARENA_MAX, 1)


#: Names the file that a process has to wait for before it serves anybody.
WAIT_FOR = "TRELLIS_WAIT_FOR"


def wait_until_prepared() -> None:
    """Wait for the file that our parent makes when everything is there; at once without a parent.

    Whoever waits has loaded his code meanwhile, which takes as long as the preparation.
    """
    named = os.environ.pop(WAIT_FOR, None)
    parent = os.getppid()
    while named and not Path(named).exists() and os.getppid() == parent:
        time.sleep(0.02)


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    death_signal: int = signal.SIGTERM,
    identity: Identity = Identity(),
) -> subprocess.Popen[bytes]:
    """Start *command* in a session of its own; it ends when this process ends.

    Call it from the main thread: the kernel watches the thread that started the child. With *log*
    its output is appended there. A session of its own keeps the terminal's Ctrl-C away from it, so
    that the parent decides in which order things stop.
    """
    output = _open_log(log) if log else None
    try:
        return subprocess.Popen(  # noqa: S603 - The commands are our own, none comes from outside.
            [*identity.prefix, *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output is not None else None,
            env=None if environment is None else dict(environment),
            cwd=folder,
            user=identity.user,
            group=identity.group,
            extra_groups=[] if identity.user is not None else None,
            start_new_session=True,
            preexec_fn=_request_death_signal(death_signal, os.getpid()),  # noqa: PLW1509
        )
    finally:
        if output is not None:
            os.close(output)


def stop(process: subprocess.Popen[bytes], stop_signal: int, patience: float) -> bool:
    """Ask *process* to end, wait *patience* seconds; return whether it did within that time."""
    if process.poll() is not None:
        return True
    with suppress(ProcessLookupError):
        process.send_signal(stop_signal)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        return False
    return True


def kill(process: subprocess.Popen[bytes]) -> None:
    """End *process* and everything in its session that still belongs to its group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def is_alive(pid: int) -> bool:
    """Return whether *pid* runs; a zombie, which only waits to be read, does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return not sys.platform.startswith("linux")
    return status.rpartition(")")[2].split()[0] not in {"Z", "X"}


def last_lines(log: Path, count: int = 12) -> str:
    """Return the end of a log, for an error message."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 16_384))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(lines[-count:])


def _open_log(path: Path) -> int:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _LOG_LIMIT:
        path.replace(path.with_name(path.name + ".1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
