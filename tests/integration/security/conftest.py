from collections.abc import Iterator

import pytest

from tests.integration.api.world import ApiWorld, build


@pytest.fixture
def world(template_database, clone_database, tmp_path) -> Iterator[ApiWorld]:
    """A world of this test's own, to change as it likes."""
    made = ApiWorld(clone_database(template_database("api_world", build)), tmp_path / "var")
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared(template_database, databases, tmp_path_factory) -> Iterator[ApiWorld]:
    """One world for all tests of a module that only read."""
    name = databases.create(template_database("api_world", build))
    made = ApiWorld(databases.url(name), tmp_path_factory.mktemp("data") / "var")
    yield made
    made.close()
    databases.drop(name)
