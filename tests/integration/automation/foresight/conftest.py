from collections.abc import Iterator

import pytest

from app.database.pools import Pools
from tests.integration.automation.reminders.world import World, build


@pytest.fixture
def world(template_database, clone_database, tmp_path) -> Iterator[World]:
    """A world of this test's own: the company of the reminders."""
    pools = Pools(clone_database(template_database("reminders_world", build)))
    made = World(pools, tmp_path)
    yield made
    made.close()
