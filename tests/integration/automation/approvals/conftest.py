"""One company for all tests of a file: each makes records of its own."""

from collections.abc import Iterator

import pytest

from app.database.pools import Pools
from tests.integration.automation.approvals.world import NOW, World, build


@pytest.fixture(scope="module")
def company(template_database, databases, tmp_path_factory) -> Iterator[World]:
    name = databases.create(template_database("approvals_world", build))
    made = World(Pools(databases.url(name)), tmp_path_factory.mktemp("files"))
    yield made
    made.close()
    databases.drop(name)


@pytest.fixture
def world(company: World) -> World:
    """The company, with nobody away and the clock where it began."""
    company.back()
    company.clock.moment = NOW
    company.forget()
    return company
