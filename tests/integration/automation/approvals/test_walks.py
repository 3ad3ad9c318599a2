"""Whatever people do in whatever order: a run waits for somebody who can answer, or is over."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from app.automation.approvals.store import Task
from app.errors import TrellisError
from tests.integration.automation.approvals.world import World

STEPS = 60
APPROVERS = ("mia", "boss", "fay", "fin", "lea", "lou", "root", "ruth")
LEAVING = ("fay", "fin", "lea", "lou", "ruth")


class Walk:
    """One random walk over one contract."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)
        self.number, self.run = world.handed_in(amount="200000", core_data=True)
        self.gone: set[str] = set()

    def step(self) -> None:
        """Do one thing somebody might do; what is refused changes nothing."""
        before = self.tasks()
        act = self.random.choice(
            ("yes",) * 6
            + ("no", "back", "back", "hand", "hand", "add", "add", "leave", "away", "look", "edit")
        )
        try:
            getattr(self, act)(self.random.choice(self.asked() or APPROVERS))
        except TrellisError:
            assert self.tasks() == before

    def tasks(self) -> list[tuple[int, str]]:
        return [(task.id, task.state) for task in self.world.case(self.run).tasks]

    def asked(self) -> list[str]:
        return [name for name in self.world.waits_for(self.run) if name not in self.gone]

    def yes(self, name: str) -> None:
        self.world.yes(self.run, name)

    def no(self, name: str) -> None:
        if self.random.random() < 0.2:
            self.world.no(self.run, name)

    def back(self, name: str) -> None:
        step = self.random.randrange(3)
        self.world.approvals.send_back(self.world.who(name), self.run, step, "Again")

    def hand(self, name: str) -> None:
        to = self.world.ids[self.random.choice(APPROVERS)]
        self.world.approvals.delegate(self.world.who(name), self.run, to)

    def add(self, name: str) -> None:
        user = self.world.ids[self.random.choice(APPROVERS)]
        where = self.random.choice(("before", "after"))
        self.world.approvals.add(self.world.who(name), self.run, user, where)

    def leave(self, _name: str) -> None:
        name = self.random.choice(LEAVING)
        self.world.set_account(name, active=name in self.gone)
        self.gone ^= {name}

    def away(self, name: str) -> None:
        self.world.back()
        self.world.away(name, deputy=self.random.choice((None, *APPROVERS)))

    def look(self, _name: str) -> None:
        self.world.clock.moment += timedelta(days=self.random.choice((0, 1, 3)))
        self.world.approvals.look(self.world.clock.now())

    def edit(self, _name: str) -> None:
        self.world.edit("contract", self.number, "boss", terms=str(self.random.random()))

    def check(self) -> str:
        """Assert what always holds; return the run's state."""
        world = self.world
        world.approvals.look(world.clock.now())
        case = world.case(self.run)
        waiting = [task for task in case.tasks if task.state == "waiting"]
        if case.run.state != "waiting":
            assert waiting == []
            assert not any(task.is_open for task in case.tasks)
            return case.run.state
        assert case.row["approval"] == "waiting"
        names = [world.names[task.user_id] for task in waiting if task.user_id is not None]
        assert set(names) - self.gone, f"nobody is left to answer: {names}"
        assert len(names) == len(set(names)), f"somebody is asked twice: {names}"
        assert "sam" not in names
        assert all(_is_here(task, case.run.round, case.run.step) for task in waiting)
        return "waiting"


def _is_here(task: Task, of_round: int, step: int) -> bool:
    return (task.round, task.step) == (of_round, step)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_people_do_leaves_a_run_waiting_for_nobody(world: World, seed: int):
    walk = Walk(world, seed)
    try:
        for _ in range(STEPS):
            walk.step()
            if walk.check() != "waiting":
                break
        # Whoever is asked says yes: it comes to its end.
        for _ in range(40):
            if walk.check() != "waiting":
                break
            world.yes(walk.run, walk.asked()[0])
        assert walk.check() in ("approved", "rejected")
        assert len([one for one in world.seen() if one[2] == walk.number]) == 1
    finally:
        for name in walk.gone:
            world.set_account(name, active=True)
        world.back()
