from collections.abc import Iterator

import pytest

from tests.jobs.world import World, build


@pytest.fixture
def world(make_settings, template_database, clone_database, redis_url) -> Iterator[World]:
    """An installation of this test's own."""
    settings = make_settings(
        DATABASE_URL=clone_database(template_database("jobs_world", build)), REDIS_URL=redis_url
    )
    made = World(settings)
    yield made
    made.close()
