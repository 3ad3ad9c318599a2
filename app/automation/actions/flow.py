"""`stop`, `choose` and `wait`: which steps run, and when.

The latter two are done by whoever walks the steps; they are here so that every action is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from app.automation.actions.base import DONE, Action, Outcome, StopRule
from app.definitions.automation import Stop

if TYPE_CHECKING:
    from app.automation.running import Running


class StopAction(Action):
    """Refuses, with a sentence for whoever set the rule off."""

    name: ClassVar[str] = "stop"

    def run(self, running: Running, settings: Stop) -> Outcome:  # noqa: ARG002
        """Raise the refusal."""
        raise StopRule(settings.sentence)


class ChooseAction(Action):
    """One of several lists of steps."""

    name: ClassVar[str] = "choose"

    def run(self, running: Running, settings: Any) -> Outcome:  # noqa: ARG002
        """Do nothing: the steps of the branch stand in its place."""
        return DONE


class WaitAction(Action):
    """Nothing, for a while."""

    name: ClassVar[str] = "wait"

    def run(self, running: Running, settings: Any) -> Outcome:  # noqa: ARG002
        """Do nothing: what comes behind it waits."""
        return DONE
