"""Run the tests of a configuration, one after the other, and say what came of each."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from app.access.organisation import Organisation
from app.automation.approvals.door import Approvals
from app.automation.assembly import assemble
from app.automation.buttons import Buttons
from app.automation.engine import Engine
from app.automation.hooks import Hooks as Webhooks
from app.automation.pool_desk import PoolDesk
from app.automation.registry import RuleNumbers
from app.automation.reminders import Reminders
from app.automation.steps import Steps
from app.automation.wiring import Composed
from app.definitions.automation import ConfigTest
from app.definitions.catalog import Catalog, Place
from app.errors import TrellisError, text_in
from app.expressions.calendar import Calendar
from app.expressions.functions import Functions
from app.expressions.python import to_python
from app.fields.base import FieldTypes
from app.plugins import Plugins
from app.records.doing import RuleAction
from app.records.door import Records
from app.records.files import FileStore
from app.records.transactions import Hooks
from app.texts import Label, say
from app.trials.acts import SIGNED_WITH, Acts, Doors
from app.trials.cast import Cast, give
from app.trials.ground import Ground, files_folder, throw_away_database
from app.trials.judging import Judge
from app.trials.passing import Passing
from app.trials.traces import Traces


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that is not as a test expects, and where it expects it."""

    place: Place | None
    message: Label

    def line_in(self, prefix: str, language: str = "en") -> str:
        """Return it as one line, the path behind *prefix*."""
        where = self.place
        at = f"{prefix}{where.file}:{where.line}:{where.column}: " if where is not None else ""
        return f"{at}{self.message.in_language(language)}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one test."""

    test: ConfigTest
    failures: tuple[Failure, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.failures


@dataclass(frozen=True, slots=True)
class Kit:
    """What a configuration needs beside its files."""

    types: FieldTypes
    functions: Functions
    hooks: Hooks | None = None
    actions: tuple[RuleAction, ...] = ()


def kit_of(plugins: Plugins) -> Kit:
    """Return what a process works with that has these plugins."""
    brought = tuple(plugins.actions.values())
    return Kit(plugins.field_types, plugins.functions, plugins.hooks, brought)


@contextmanager
def open_runner(url: str, catalog: Catalog, kit: Kit) -> Iterator[Runner]:
    """Yield a runner of the catalog's tests, on a database of its own on the server of *url*.

    Raises:
        Unavailable: no database can be created there.
    """
    with throw_away_database(url) as address, files_folder() as folder:
        names = frozenset(one.name for one in kit.actions)
        ground = Ground(address, catalog, kit.types, kit.functions, names)
        try:
            yield Runner(ground, kit, folder)
        finally:
            ground.close()


def run_tests(
    url: str, catalog: Catalog, kit: Kit, tests: Iterable[ConfigTest] | None = None
) -> list[Outcome]:
    """Return what came of the tests of a catalog, or of some of them."""
    chosen = list(catalog.automation.tests if tests is None else tests)
    if not chosen:
        return []
    with open_runner(url, catalog, kit) as runner:
        return [runner.run(one) for one in chosen]


class Runner:
    """Runs tests on one ground."""

    def __init__(self, ground: Ground, kit: Kit, folder: Path) -> None:
        """Put everything together as a process does."""
        self._ground = ground
        live = ground.live
        self._organisation = Organisation(ground.pools, lambda: live.release)
        files = FileStore(folder)
        found = assemble(
            ground.pools, live, self._organisation, ground.clock, secret=b"test", files=files,
            hooks=kit.hooks, functions=kit.functions, actions=kit.actions,
        )  # fmt: skip
        self._records: Records = found.records
        self._engine: Engine = found.engine
        self._approvals: Approvals = found.approvals
        self._numbers: RuleNumbers = found.numbers
        rules = live.release.catalog.automation.rules.values()
        secrets = {rule.when.secret: SIGNED_WITH for rule in rules if rule.when.secret}
        self._doors = Doors(
            found.records,
            found.approvals,
            Buttons(found.records, Steps(found.actions), found.numbers),
            Webhooks(found.records, found.numbers, secrets),
            PoolDesk(found.records),
            found.numbers,
        )
        # What is given is there already: no rule takes it for news, but its dates count.
        self._given = Records(
            ground.pools, live, self._organisation, ground.clock, secret=b"test", files=files,
            reactions=Composed([Reminders(found.numbers)]),
        )  # fmt: skip

    def run(self, test: ConfigTest) -> Outcome:
        """Run one test to its end, or to the first step that cannot be done."""
        began = time.perf_counter()
        try:
            failures = tuple(self._failures(test))
        except TrellisError as error:
            failures = (Failure(test.place, _sentence(error)),)
        return Outcome(test, failures, time.perf_counter() - began)

    def _failures(self, test: ConfigTest) -> Iterator[Failure]:
        release = self._ground.live.release
        self._ground.begin(self._moment(test.now))
        self._organisation.expire()
        cast = Cast(release.catalog, self._organisation)
        give(cast, self._given, test.given)
        passing = Passing(self._ground, self._engine, self._numbers, self._approvals)
        passing.settle()
        traces = Traces(self._ground.pools, self._numbers, release)
        judge = Judge(cast, self._records, traces)
        acts = Acts(cast, self._doors)
        for step in test.steps:
            judge.begin_step()
            self._let_pass(passing, step)
            refusal = _refused(acts, step)
            passing.settle()
            expected = step.get("expect", {})
            told = _about_refusal(refusal, expected)
            if told is not None:
                yield Failure(step["place"], told)
            if told is not None and refusal is not None:
                # What comes later stands on what could not be done.
                return
            for sentence in judge.differences(expected):
                yield Failure(step["place"], sentence)

    def _let_pass(self, passing: Passing, step: Any) -> None:
        if "at" in step:
            passing.until(self._moment(step["at"]))
        if "after" in step:
            now = self._ground.clock.moment
            clockwork: Any = _Clockwork(now, self._calendar.day(now), self._calendar)
            passing.until(to_python(step["after"])(clockwork))

    @property
    def _calendar(self) -> Calendar:
        return self._ground.live.release.catalog.app.business_calendar

    def _moment(self, text: str) -> datetime:
        """Return a minute on the company's clocks."""
        return self._calendar.moment(datetime.fromisoformat(text))


@dataclass(frozen=True, slots=True)
class _Clockwork:
    """All that an expression about time alone asks for."""

    now: datetime
    today: date
    calendar: Calendar


def _refused(acts: Acts, step: Any) -> TrellisError | None:
    try:
        acts.do(step)
    except TrellisError as error:
        return error
    return None


def _about_refusal(refusal: TrellisError | None, expected: Any) -> Label | None:
    """Return what is wrong with an act's being refused, or not being so."""
    if refusal is None:
        if "refused" not in expected:
            return None
        return say("Expected to be refused; it was done.", "应被拒绝，但操作成功。")
    sentence = _sentence(refusal)
    if "refused" not in expected:
        return Label({name: f"{_REFUSED[name]} {text}" for name, text in sentence.texts.items()})
    wanted = str(expected["refused"])
    if any(wanted.casefold() in text.casefold() for text in sentence.texts.values()):
        return None
    return say(
        "Expected to be refused with “{wanted}”; it was refused with “{found}”.",
        "应以“{wanted}”被拒绝，实际拒绝理由为“{found}”。",
        wanted=wanted, found=sentence,
    )  # fmt: skip


_REFUSED = {"en": "It was refused:", "zh": "操作被拒绝："}


def _sentence(error: TrellisError) -> Label:
    """Return an error with its sentences by field."""
    return Label(
        {
            language: " ".join(
                [
                    text_in(error.message, language),
                    *(
                        f"{name}: {text_in(one, language)}"
                        for name, sentences in error.fields.items()
                        for one in sentences
                    ),
                ]
            )
            for language in ("en", "zh")
        }
    )
