"""How long `trellis run` takes until it is ready, on an empty data folder and on one that is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from bench.servers import ROOT, free_port

_PATIENCE = 180


def start_seconds(folder: Path) -> float:
    """Return how long a start takes, the preparation of an empty folder and the demo included."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TRELLIS_") and name not in ("DATABASE_URL", "REDIS_URL", "PORT")
    }
    environment |= {"TRELLIS_DATA": str(folder), "PORT": str(free_port())}
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "run"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if line.startswith("Ready"):
                return time.monotonic() - began
            if time.monotonic() - began > _PATIENCE:
                break
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    raise SystemExit("`trellis run` did not get ready:\n" + "".join(said))


def measure(folder: Path) -> tuple[float, float]:
    """Return the first start and the quickest of three later ones."""
    data = folder / "run"
    return start_seconds(data), min(start_seconds(data) for _ in range(3))
