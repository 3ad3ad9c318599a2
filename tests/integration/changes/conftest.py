from collections.abc import Iterator

import pytest

from app.changes.undoing import Changes
from app.database.pools import Pools
from tests.integration.writing.world import World, build


@pytest.fixture
def world(template_database, clone_database, tmp_path) -> Iterator[World]:
    made = World(Pools(clone_database(template_database("writing_world", build))), tmp_path)
    yield made
    made.close()


@pytest.fixture
def changes(world) -> Changes:
    return Changes(world.records, world.pools, world.live, world.organisation, world.clock)
