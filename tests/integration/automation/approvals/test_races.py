"""Two people at once: exactly one of the outcomes that could be, and nothing in between."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from app.errors import Conflict, InvalidInput, TrellisError
from tests.integration.automation.approvals.world import World

ROUNDS = 8


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Run calls at the same moment; return what each gave, or why it was refused."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], object]) -> object:
        barrier.wait()
        try:
            return call()
        except TrellisError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def refused(answers: list[object]) -> list[type]:
    return [type(one) for one in answers if isinstance(one, TrellisError)]


@pytest.fixture
def finance(world: World) -> Callable[[], tuple[int, int]]:
    """Return how to get a contract that waits for legal, either of lea and lou."""

    def make() -> tuple[int, int]:
        number, run = world.handed_in(core_data=True)
        world.yes(run, "mia", "boss")
        return number, run

    return make


def test_two_who_approve_where_one_is_enough(world: World, finance):
    for _ in range(ROUNDS):
        number, run = finance()
        world.forget()
        answers = at_once(lambda r=run: world.yes(r, "lea"), lambda r=run: world.yes(r, "lou"))
        assert refused(answers) == [Conflict]
        assert world.seen() == [("approved", "contract", number)]
        states = sorted(t.state for t in world.case(run).tasks if t.step == 2)
        assert (world.state(number), states) == ("approved", ["approved", "dropped"])


def test_two_who_must_both_approve(world: World):
    for _ in range(ROUNDS):
        quote = world.make("quote", discount="50")
        run = world.approvals.of_record(world.who("sam"), "quote", quote).cases[0].run.id
        answers = at_once(lambda r=run: world.yes(r, "fay"), lambda r=run: world.yes(r, "fin"))
        assert refused(answers) == []
        assert world.state(quote, "quote") == "approved"


def test_approve_or_reject_or_withdraw(world: World, finance):
    for number_of_round in range(ROUNDS):
        number, run = finance()
        world.forget()
        other = (
            (lambda r=run: world.no(r, "lou"))
            if number_of_round % 2
            else (lambda r=run: world.approvals.withdraw(world.who("sam"), r))
        )
        answers = at_once(lambda r=run: world.yes(r, "lea"), other)
        assert refused(answers) == [Conflict]
        state = world.state(number)
        assert state in ("approved", "rejected", "withdrawn")
        assert world.case_state(run) == state
        assert [event for event, _, _ in world.seen()] == ([] if state == "withdrawn" else [state])


def test_an_edit_or_an_approval(world: World):
    for _ in range(ROUNDS):
        number, run = world.handed_in()
        world.yes(run, "mia")
        answers = at_once(
            lambda n=number: world.edit("contract", n, terms="Late"),
            lambda r=run: world.yes(r, "boss"),
        )
        # Either the edit came too early and was refused, or it came after and starts again.
        if isinstance(answers[0], TrellisError):
            assert refused(answers) == [InvalidInput]
            assert (world.state(number), world.row("contract", number)["terms"]) == (
                "approved",
                None,
            )
        else:
            assert (world.state(number), world.case_state(run)) == ("waiting", "approved")


def test_two_who_submit(world: World):
    for _ in range(ROUNDS):
        number = world.make("contract")
        answers = at_once(
            lambda n=number: world.submit(n, "sam"), lambda n=number: world.submit(n, "mia")
        )
        assert refused(answers) == [Conflict]
        cases = world.approvals.of_record(world.who("root"), "contract", number).cases
        assert [case.run.state for case in cases] == ["waiting"]


def test_two_schedulers_escalate_once(world: World):
    _, run = world.handed_in(amount="150000")
    world.yes(run, "mia", "boss", "fay")
    due = world.case(run).waiting[0].due_at
    assert due is not None
    world.clock.moment = due
    answers = at_once(*[lambda: world.approvals.look(due)] * 3)
    assert refused(answers) == []
    assert sum(answers) == 1  # type: ignore[arg-type]
    assert world.waits_for(run) == ["fin", "root"]
