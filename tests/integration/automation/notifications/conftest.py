from collections.abc import Iterator

import pytest

from app.database.pools import Pools
from tests.integration.automation.notifications.world import Company, build
from tests.integration.writing.world import World


@pytest.fixture
def company(template_database, clone_database, tmp_path) -> Iterator[Company]:
    """A company of this test's own."""
    pools = Pools(clone_database(template_database("notifications", build)))
    world = World(pools, tmp_path)
    yield Company(world)
    world.close()
