"""What may be done with several records of a list at once."""

from __future__ import annotations

from app.access.policy import Policy
from app.definitions.catalog import Entity
from app.screens import pools
from app.screens.buttons import list_actions
from app.screens.list_view import Act
from app.screens.opened_lists import OpenedList
from app.screens.visit import Visit
from app.screens.wording import Wording


def actions_of(entity: Entity, policy: Policy, wording: Wording) -> list[Act]:
    """Return what may be done with several records at once."""
    actions = []
    if entity.owned and policy.may("transfer", entity.name):
        actions.append(
            Act(
                wording.say("Hand over"), "transfer", "arrows-right-left", opens="transfer", key="t"
            )
        )
    if policy.may("delete", entity.name):
        actions.append(Act(wording.say("Delete"), "delete", "trash"))
    return actions


def actions_for(visit: Visit, opened: OpenedList) -> list[Act]:
    """Return what the visitor may do with several records of a list at once."""
    entity = opened.entity
    own = actions_of(entity, visit.policy, visit.wording)
    return [*pools.pool_actions(visit, entity, opened.asked), *list_actions(visit, entity), *own]
