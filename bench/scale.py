"""Many entities: how long a check takes, and from saving a file to the field being live."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

from app.collector import keep_what_is_here
from app.services import Services
from app.watcher import QUIET_MS
from bench.big_config import write_big_configuration
from bench.data import open_trellis
from bench.servers import ROOT


def check_seconds(folder: Path, times: int) -> tuple[float, float]:
    """Return how long ``trellis check`` takes as a whole process, and its CPU time; the quickest."""
    found = []
    for _ in range(times):
        began, used = time.perf_counter(), _children_cpu()
        subprocess.run(
            [sys.executable, "-m", "app.cli", "check"],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "TRELLIS_CONFIG": str(folder)},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        found.append((time.perf_counter() - began, _children_cpu() - used))
    return min(found)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def save_to_live_seconds(services: Services, folder: Path) -> float:
    """Return how long it takes from a saved file to the release that has the new field.

    The moment the watcher waits for more files to be saved is part of it.
    """
    from app.installation import Installation

    installation = Installation(services.settings, services.pools)
    # What watcher and web do when they start.
    installation.take_up(lambda _text: None)
    _ = services.live.release
    keep_what_is_here(anew=True)
    found = []
    for number in range(3):
        path = folder / "entities" / f"thing_{number}.yaml"
        text = path.read_text("utf-8")
        began = time.perf_counter()
        path.write_text(
            text.replace("fields:\n", f"fields:\n  added_{number}: {{type: text}}\n", 1)
        )
        installation.take_up(lambda _text: None)
        while (
            f"added_{number}"
            not in services.live.release.catalog.entities[f"thing_{number}"].fields
        ):
            time.sleep(0.002)
        found.append(time.perf_counter() - began)
    return sorted(found)[1] + QUIET_MS / 1000


def measure(database_url: str, folder: Path, *, times: int) -> tuple[float, float, float]:
    """Return for 500 entities of 20 fields: a check, its CPU time, and a field from save to live."""
    config = folder / "big"
    write_big_configuration(config)
    checked, used = check_seconds(config, times)
    services = open_trellis(database_url, folder / "var-big", config)
    try:
        return checked, used, save_to_live_seconds(services, config)
    finally:
        services.close()
