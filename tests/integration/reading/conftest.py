from collections.abc import Iterator

import pytest

from tests.integration.reading.world import World, build, open_world


@pytest.fixture
def world(template_database, clone_database) -> Iterator[World]:
    """A world of this test's own, to change as it likes."""
    made = open_world(clone_database(template_database("reading_world", build)))
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_world(template_database, databases) -> Iterator[World]:
    """One world for all tests of a module that only read."""
    name = databases.create(template_database("reading_world", build))
    made = open_world(databases.url(name))
    yield made
    made.close()
    databases.drop(name)
