"""`assign`: the record goes to one of several people."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from app.automation.actions.base import Action, Outcome, skipped
from app.automation.assignment import assign_to, candidates, choose
from app.definitions.automation import Assign as Settings
from app.expressions.moments import add_to_moment, as_duration
from app.texts import say

if TYPE_CHECKING:
    from app.automation.running import Running


class Assign(Action):
    """Chooses somebody who is here, fits and has room, and gives the record to that person."""

    name: ClassVar[str] = "assign"

    def run(self, running: Running, settings: Settings) -> Outcome:
        """Assign the record at hand, as it is now."""
        work, entity = running.work, running.entity
        if entity is None or running.row is None:
            return skipped("There is no record to assign.", "没有可分配的记录。")
        row = running.acting.row(entity.name, int(running.row["id"]), lock=True)
        found = candidates(work, settings.to, running.evaluate, (entity, row), settings.where)
        if not found.users:
            if found.full is not None:
                return Outcome("skipped", found.full)
            return skipped("Nobody who is here could be given it.", "没有可分配的在岗人员。")
        key = f"{running.rule.name}/{running.step.path}/{entity.name}"
        owner = choose(work, key, found.users, settings.how, entity)
        assert owner is not None
        until = None
        if settings.previous is not None:
            length = running.evaluate(settings.previous)
            if length is not None:
                until = add_to_moment(work.now, as_duration(length), work.calendar)
        assign_to(work, entity, row, owner, along=settings.with_, readable_until=until)
        name = work.organisation.snapshot().people[owner].name
        return Outcome("done", say("Given to {name}.", "已分配给{name}。", name=name))
