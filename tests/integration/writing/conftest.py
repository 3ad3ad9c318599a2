from collections.abc import Iterator

import pytest

from app.database.pools import Pools
from tests.integration.writing.corner import build_corner
from tests.integration.writing.world import World, build


@pytest.fixture
def world(template_database, clone_database, tmp_path) -> Iterator[World]:
    """A world of this test's own."""
    pools = Pools(clone_database(template_database("writing_world", build)))
    made = World(pools, tmp_path)
    yield made
    made.close()


@pytest.fixture
def corner(template_database, clone_database, tmp_path) -> Iterator[World]:
    """The second company, see ``corner``."""
    pools = Pools(clone_database(template_database("writing_corner", build_corner)))
    made = World(pools, tmp_path)
    yield made
    made.close()
