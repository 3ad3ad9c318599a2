"""Fixtures for every test: databases, Redis, settings.

A test that needs a database asks for one of:

``database_url``
    A fresh, empty database of its own; dropped afterwards.

``template_database`` and ``clone_database``
    For a database that takes long to build. ``template_database(name, build)`` calls
    ``build(url)`` once in the whole run, whichever worker comes first, and returns the template's
    name; ``clone_database(template)`` copies it for one test (about 30 ms) and returns the copy's
    address. ``build`` closes every connection it opens (``engine.dispose()``), since PostgreSQL
    copies only databases that nobody is connected to::

        @pytest.fixture
        def crm_url(template_database, clone_database):
            return clone_database(template_database("crm", build_crm))

``redis_url``
    An empty Redis database of this worker.

``settings``
    `Settings` with all of these and a data folder of its own. `make_settings(TRELLIS_…="…")`
    gives others.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import hypothesis
import pytest

from app.collector import keep_what_is_here
from app.settings import Settings, read_settings
from tests.databases import Build, Databases, TestServers, in_memory, running_servers

# The same examples every time: a run that fails is to be this commit's. FUZZ tries others.
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None)
if "FUZZ" not in os.environ:
    hypothesis.settings.load_profile("steady")

_CLEAN_UP = pytest.StashKey[ExitStack]()
_SERVERS = pytest.StashKey[TestServers]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_CLEAN_UP] = ExitStack()
    _keep_in_memory(config)
    told = getattr(config, "workerinput", {}).get("trellis_servers")
    if told:
        config.stash[_SERVERS] = TestServers(**told)


def _keep_in_memory(config: pytest.Config) -> None:
    """Have ``tmp_path`` lie in memory: whole installations are made in it, with a database each."""
    memory = in_memory()
    # A worker of xdist is told by its controller.
    if memory is None or config.option.basetemp or hasattr(config, "workerinput"):
        return
    base = tempfile.mkdtemp(prefix="trellis-tmp-", dir=memory)
    config.option.basetemp = f"{base}/pytest"
    config.stash[_CLEAN_UP].callback(shutil.rmtree, base, ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: tests wait for browsers, servers and what is killed."""
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (mine or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Start the servers in the controller, so that they live as long as the last worker."""
    node.workerinput["trellis_servers"] = asdict(_servers(node.config))


def pytest_collection_finish() -> None:
    """Leave eleven thousand tests and all modules out of Python's searches for garbage."""
    keep_what_is_here()


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[_CLEAN_UP].close()


def _servers(config: pytest.Config) -> TestServers:
    if _SERVERS not in config.stash:
        config.stash[_SERVERS] = config.stash[_CLEAN_UP].enter_context(
            running_servers(dict(os.environ))
        )
    return config.stash[_SERVERS]


@pytest.fixture(autouse=True)
def loggers_that_speak() -> None:
    """Undo what libraries that configure logging for the whole process leave behind."""
    logging.disable(logging.NOTSET)
    for name, logger in logging.root.manager.loggerDict.items():
        if name.startswith("app") and isinstance(logger, logging.Logger):
            logger.disabled, logger.propagate = False, True


@pytest.fixture(scope="session")
def test_servers(request: pytest.FixtureRequest) -> TestServers:
    """Where the PostgreSQL and Redis of this run answer."""
    return _servers(request.config)


@pytest.fixture(scope="session")
def databases(test_servers: TestServers) -> Databases:
    return Databases(test_servers)


@pytest.fixture(scope="session")
def template_database(databases: Databases) -> Callable[[str, Build], str]:
    """``template_database(name, build)`` returns a template; ``build(url)`` runs once a run."""
    return databases.template


@pytest.fixture
def clone_database(databases: Databases) -> Iterator[Callable[[str], str]]:
    """``clone_database(template)`` returns the address of a copy that lives for one test."""
    made: list[str] = []

    def clone(template: str) -> str:
        made.append(databases.create(template))
        return databases.url(made[-1])

    yield clone
    for name in made:
        databases.drop(name)


@pytest.fixture
def database_url(clone_database: Callable[[str], str]) -> str:
    """The address of an empty database of this test's own."""
    return clone_database("template0")


@pytest.fixture
def redis_url(test_servers: TestServers, worker_number: int) -> str:
    """The address of an empty Redis database; each worker has one of the server's sixteen."""
    import redis

    # The number goes into the address: one that stands there wins over an argument.
    plain, number = test_servers.redis_url.partition("?")[0], worker_number % 16
    if plain.startswith("unix:"):
        url = f"{plain}?db={number}"
    else:
        url = f"{plain.rpartition('/')[0]}/{number}"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture(scope="session")
def worker_number() -> int:
    """The number of this xdist worker; 0 without xdist."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., Settings]:
    """``make_settings(DATABASE_URL=…, TRELLIS_CONFIG=…)``: settings of an invented environment."""

    def make(**environment: str) -> Settings:
        return read_settings(
            {
                "TRELLIS_DATA": str(tmp_path / "var"),
                "TRELLIS_ADMIN_PASSWORD": "correct-horse",
                **environment,
            }
        )

    return make


@pytest.fixture
def settings(make_settings: Callable[..., Settings], database_url: str, redis_url: str) -> Settings:
    """Settings with an empty database, an empty Redis and a data folder of this test's own."""
    return make_settings(DATABASE_URL=database_url, REDIS_URL=redis_url)
