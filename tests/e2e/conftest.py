"""A real browser, and a real `trellis run` for it to walk through.

``page`` is a fresh page of a browser without a past. ``trellis`` is a running CRM with the
configuration that ships, demo data and a data folder of its own; its log is shown
when it does not start. Without a browser the tests are skipped with a reason; with `CI=true` or
`TRELLIS_REQUIRE_BROWSER=yes` they fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from app.settings import read_settings
from tests.databases import Build, Databases
from tests.demo import DEMO, build_demo
from tests.missing import missing
from tests.running import ROOT, RunningTrellis, start_trellis

#: milliseconds that anything on a page may take where other tests use the machine as well
LONGEST = 30_000
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_browser() -> str | None:
    """Return the browser to use: the setting's, else the first one that is installed."""
    chosen = read_settings().chromium
    return str(chosen) if chosen else next(filter(None, map(shutil.which, NAMES)), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            # One worker does them all, so that one CRM is started and not one for each worker;
            # the same as looks at the demo otherwise, so that nobody waits until that is made.
            item.add_marker(pytest.mark.xdist_group("demo"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = find_browser()
    if executable is None:
        reason = "no browser: install chromium, or set TRELLIS_CHROMIUM to one"
        if read_settings().require_browser:
            pytest.fail(reason, pytrace=False)
        missing(reason)
    arguments = [
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    if os.geteuid() == 0:
        # Chromium's sandbox refuses to run as root.
        arguments.append("--no-sandbox")
    expect.set_options(timeout=LONGEST)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """``new_page(width=…, height=…, locale=…)``: a page of somebody else, with cookies of its own."""
    contexts = []

    def make(width: int = 1280, height: int = 800, **options) -> Page:
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(LONGEST)
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()


@pytest.fixture(scope="session")
def trellis(
    template_database: Callable[[str, Build], str],
    databases: Databases,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningTrellis]:
    """A CRM with a copy of the configuration that ships, which tests may change, and demo data."""
    folder = tmp_path_factory.mktemp("trellis")
    shutil.copytree(ROOT / "config", folder / "config")
    name = databases.create(template_database(DEMO, build_demo))
    running = start_trellis(folder, folder / "config", DATABASE_URL=databases.url(name))
    yield running
    running.stop()
    databases.drop(name)
