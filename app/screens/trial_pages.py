"""The tests of the configuration: which there are in the folder, and what comes of running them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Response

from app.definitions.automation import ConfigTest
from app.definitions.load import Loaded
from app.errors import Conflict
from app.screens.rule_pages import setup_tabs
from app.screens.visit import Visit
from app.security.manager import require_admin
from app.texts import say
from app.trials.runner import Outcome, kit_of, run_tests

#: One run at a time in a process: each makes a database of its own.
_RUNNING: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class TestRow:
    """One test, and what came of it."""

    __test__ = False

    name: str
    where: str
    href: str
    #: ok | bad; empty before it was run
    tone: str = ""
    seconds: str = ""
    failures: tuple[tuple[str, str], ...] = ()


def tests_page(visit: Visit) -> Response:
    """Return the tests of the folder, not yet run."""
    require_admin(visit.principal)
    return _page(visit, visit.screens.configuration.loaded(), {})


def run(visit: Visit) -> Response:
    """Run the tests of the folder and return what came of each.

    Raises:
        Conflict: somebody runs them already.
    """
    require_admin(visit.principal)
    loaded: Loaded = visit.screens.configuration.loaded()
    outcomes: list[Outcome] = []
    if loaded.catalog is not None:
        if not _RUNNING.acquire(blocking=False):
            raise Conflict(say("The tests are being run already.", "测试正在运行中。"))
        try:
            kit = kit_of(visit.core.plugins)
            outcomes = run_tests(visit.core.pools.url, loaded.catalog, kit)
        finally:
            _RUNNING.release()
    return _page(visit, loaded, {(one.test.file, one.test.name): one for one in outcomes})


def _page(visit: Visit, loaded: Loaded, known: Mapping[tuple[str, str], Outcome]) -> Response:
    words = visit.wording
    tests = loaded.catalog.automation.tests if loaded.catalog is not None else ()
    failed = sum(not one.passed for one in known.values())
    view: dict[str, Any] = {
        "tabs": setup_tabs(visit, "tests"),
        "rows": [_row(visit, one, known.get((one.file, one.name))) for one in tests],
        "broken": loaded.catalog is None,
        "note": None,
    }
    if known and failed:
        text = words.count("%(number)s test failed", "%(number)s tests failed", failed)
        view["note"] = {"kind": "bad", "text": text}
    elif known:
        text = words.count("%(number)s test passed", "All %(number)s tests passed", len(known))
        view["note"] = {"kind": "ok", "text": text}
    return visit.render("setup_tests.html", page=visit.page(words.say("Tests"), "setup"), view=view)


def _row(visit: Visit, test: ConfigTest, outcome: Outcome | None) -> TestRow:
    line = test.place.line if test.place is not None else 1
    where, href = f"{test.file}:{line}", _link(test.file, line)
    if outcome is None:
        return TestRow(test.name, where, href)
    failures = tuple(
        (
            visit.words(one.message),
            _link(one.place.file, one.place.line) if one.place is not None else href,
        )
        for one in outcome.failures
    )
    tone = "ok" if outcome.passed else "bad"
    return TestRow(test.name, where, href, tone, f"{outcome.seconds:.1f} s", failures)


def _link(file: str, line: int) -> str:
    return f"/setup?file={file}#L{line}"
