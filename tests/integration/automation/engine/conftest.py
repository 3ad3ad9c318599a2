from collections.abc import Iterator

import pytest

from app.database.pools import Pools
from tests.integration.automation.engine.world import World, build


@pytest.fixture
def world(template_database, clone_database, tmp_path) -> Iterator[World]:
    """A company of this test's own."""
    pools = Pools(clone_database(template_database("engine_world", build)))
    made = World(pools, tmp_path)
    yield made
    made.close()
