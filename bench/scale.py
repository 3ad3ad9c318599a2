"""Many entities: how long a check takes, and from saving a file to the field being live."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from app.services import Services
from bench.big_config import write_big_configuration
from bench.data import open_trellis
from bench.servers import ROOT


def check_seconds(folder: Path) -> float:
    """Return how long ``trellis check`` takes as a whole process; the quickest of three."""
    found = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run(  # noqa: S603 - our own command.
            [sys.executable, "-m", "app.cli", "check"],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "TRELLIS_CONFIG": str(folder)},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        found.append(time.perf_counter() - began)
    return min(found)


def save_to_live_seconds(services: Services, folder: Path) -> float:
    """Return how long it takes from a saved file to the release that has the new field."""
    from app.installation import Installation

    installation = Installation(services.settings, services.pools)
    installation.folder.load()
    _ = services.live.release
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
    return sorted(found)[1]


def measure(database_url: str, folder: Path) -> tuple[float, float]:
    """Return both figures for 500 entities of 20 fields."""
    config = folder / "big"
    write_big_configuration(config)
    checked = check_seconds(config)
    services = open_trellis(database_url, folder / "var-big", config)
    try:
        return checked, save_to_live_seconds(services, config)
    finally:
        services.close()
