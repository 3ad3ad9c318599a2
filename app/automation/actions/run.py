"""`run`: an action that a plugin brings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from app.automation.actions.base import Action, Outcome, StopRule
from app.definitions.automation import Words
from app.errors import InvalidInput, Reject, text_in
from app.records.doing import Doing, RuleAction
from app.texts import Label, say

if TYPE_CHECKING:
    from app.automation.running import Running


class RunAction(Action):
    """Calls a plugin."""

    name: ClassVar[str] = "run"

    def __init__(self, actions: Iterable[RuleAction] = ()) -> None:
        """Take the actions of the plugins."""
        self._actions = {one.name: one for one in actions}

    def run(self, running: Running, settings: Words) -> Outcome:
        """Do what the plugin does.

        Raises:
            StopRule: the plugin refuses.
            InvalidInput: no plugin has such an action any more.
        """
        action = self._actions.get(str(settings.value))
        if action is None:
            raise InvalidInput(
                None,
                say(
                    "no plugin has the action “{name}”.",
                    "没有插件提供动作“{name}”。",
                    name=settings.value,
                ),
            )
        try:
            said = action.run(_doing(running, settings))
        except Reject as refusal:
            raise StopRule(refusal.message) from refusal
        if said is None:
            return Outcome()
        note = said if isinstance(said, Label) else Label({"en": text_in(said, "en")})
        return Outcome("done", note)


def _doing(running: Running, settings: Words) -> Doing:
    entity, row = running.entity, running.row
    values = {}
    if entity is not None and row is not None:
        values = running.work.rows[entity.name].values(row)
    return Doing(
        rule=running.rule.name,
        entity=entity.name if entity is not None else None,
        record_id=running.firing.record_id,
        record=values,
        settings=dict(settings.settings),
        input=dict(running.context.said.input),
        user_id=running.firing.user_id,
        now=running.work.now,
        acting=running.acting,
    )
