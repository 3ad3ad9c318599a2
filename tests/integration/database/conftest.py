"""A database of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.database import ddl
from app.database.migrate import migrate
from app.database.pools import Pools
from tests.databases import Build
from tests.integration.database.installations import Installation


def build(url: str) -> None:
    """Create our own tables, as the first apply does; no configuration was applied."""
    pools = Pools(url)
    engine = pools.maintenance("tests")
    migrate(engine)
    engine.dispose()
    pools.close()


@pytest.fixture
def database_url(
    template_database: Callable[[str, Build], str], clone_database: Callable[[str], str]
) -> str:
    """The address of a database with our own tables and no configuration."""
    return clone_database(template_database("migrated", build))


@pytest.fixture
def pools(database_url: str) -> Iterator[Pools]:
    made = Pools(database_url)
    yield made
    made.close()


@pytest.fixture
def empty(
    template_database: Callable[[str, Build], str], clone_database: Callable[[str], str]
) -> Iterator[Pools]:
    """A database that Trellis has never seen."""
    made = Pools(clone_database(template_database("untouched", lambda _url: None)))
    yield made
    made.close()


@pytest.fixture
def installation(pools: Pools) -> Installation:
    return Installation(pools)


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Return every statement that changes a table, as it was sent since the test began."""
    sent: list[str] = []
    run = ddl.run

    def listen(connection: Any, statement: Any) -> None:
        sent.append(statement.as_string(None))
        run(connection, statement)

    monkeypatch.setattr(ddl, "run", listen)
    return lambda: [each for each in sent if not each.startswith("SET LOCAL")]
