"""Every action there is: ours, and those of plugins."""

from __future__ import annotations

from collections.abc import Iterable

from app.automation.actions.assign import Assign
from app.automation.actions.base import Action, Actions
from app.automation.actions.call import Call
from app.automation.actions.fields import Anonymise, SetAction
from app.automation.actions.flow import ChooseAction, StopAction, WaitAction
from app.automation.actions.notify import Notify
from app.automation.actions.people import (
    CommentAction,
    FollowAction,
    ShareAction,
    UnfollowAction,
    UnshareAction,
)
from app.automation.actions.pools import ClaimAction, ReleaseAction
from app.automation.actions.printing import PrintAction
from app.automation.actions.records import CreateAction, DeleteAction, UpdateAction
from app.automation.actions.run import RunAction
from app.notifications.telling import Teller
from app.records.doing import RuleAction


def built_in_actions(teller: Teller, allowed_hosts: frozenset[str]) -> list[Action]:
    """Return the actions of the language."""
    return [
        SetAction(),
        CreateAction(),
        UpdateAction(),
        DeleteAction(),
        Assign(),
        ReleaseAction(),
        ClaimAction(),
        ShareAction(),
        UnshareAction(),
        FollowAction(),
        UnfollowAction(),
        ChooseAction(),
        WaitAction(),
        StopAction(),
        Notify(teller),
        CommentAction(teller),
        Call(allowed_hosts),
        Anonymise(),
        PrintAction(teller),
    ]


def all_actions(
    teller: Teller,
    allowed_hosts: frozenset[str] = frozenset(),
    plugins: Iterable[RuleAction] = (),
) -> Actions:
    """Return every action by name; *plugins* are those that `run` calls."""
    return Actions([*built_in_actions(teller, allowed_hosts), RunAction(plugins)])
