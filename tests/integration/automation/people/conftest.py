from collections.abc import Iterator

import pytest

from app.database.pools import Pools
from tests.integration.automation.people.world import Sea, build


@pytest.fixture
def world(template_database, clone_database, tmp_path) -> Iterator[Sea]:
    """A world of this test's own."""
    made = Sea(Pools(clone_database(template_database("people_world", build))), tmp_path)
    yield made
    made.close()
