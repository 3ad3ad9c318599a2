"""A worker that does nothing but one import, to be killed: ``python -m … URL FOLDER RUN CHUNK``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psycopg

from app.database.pools import Pools
from app.errors import TrellisError
from app.transfer import runs
from app.transfer.runs import Imports
from tests.integration.automation.engine.world import World


def imports_of(world: World) -> Imports:
    """Return what imports into a world."""
    return Imports(
        world.records, world.pools, world.live, world.organisation,
        world.records.writer.files, world.clock,
    )  # fmt: skip


def main(url: str, folder: str, run: str, chunk: str) -> None:
    """Go on with the import until it is over, whatever happens to the database meanwhile."""
    runs.CHUNK = int(chunk)
    world = World(Pools(url), Path(folder))
    imports = imports_of(world)
    while True:
        try:
            if not imports.advance(int(run), 2.0) and _is_over(imports, world, int(run)):
                break
        except (TrellisError, psycopg.Error):
            time.sleep(0.05)
    world.live.stop()
    world.pools.close()


def _is_over(imports: Imports, world: World, run: int) -> bool:
    return imports.get(world.who("system"), run).state not in runs.OPEN


if __name__ == "__main__":
    main(*sys.argv[1:])
