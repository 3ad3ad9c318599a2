from collections.abc import Iterator

import pytest

from tests.integration.reading.world import World, build, open_world


@pytest.fixture
def world(template_database, clone_database) -> Iterator[World]:
    made = open_world(clone_database(template_database("reading_world", build)))
    yield made
    made.live.stop()
    made.pools.close()
