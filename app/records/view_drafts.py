"""One saved view, what it shall be, and who may make it so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.access.policy import Policy
from app.access.principal import Principal
from app.errors import Forbidden, InvalidInput
from app.records.arrangements import NOTHING, Arrangement, is_clean
from app.texts import say

#: The right to share views with others and to choose what a role's list opens with.
PUBLISH = "publish"
MOST_USERS = 200
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class SavedView:
    """One list somebody named."""

    id: int
    #: the entity's number
    entity: int
    user_id: int
    name: str
    settings: Arrangement
    roles: tuple[str, ...] = ()
    users: tuple[int, ...] = ()
    version: int = 1

    @property
    def is_shared(self) -> bool:
        return bool(self.roles or self.users)

    def is_seen_by(self, principal: Principal) -> bool:
        """Whether it is somebody's own, shared with them, or shared at all for administrators."""
        return (
            self.user_id == principal.user_id
            or principal.user_id in self.users
            or bool(principal.roles & set(self.roles))
            or (principal.is_admin and self.is_shared)
        )

    def may_change(self, principal: Principal) -> bool:
        """Whether somebody may rename, rearrange or delete it: its owner, and administrators."""
        return self.user_id == principal.user_id or (principal.is_admin and self.is_shared)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a view shall be."""

    name: str
    settings: Arrangement = NOTHING
    roles: Sequence[str] = ()
    users: Sequence[int] = ()


def check_hand(principal: Principal, view: SavedView) -> None:
    """Refuse who may not change a view."""
    if not view.may_change(principal):
        raise Forbidden(
            say(
                "“{name}” is somebody else's view. Save it under a name of your own to change it.",
                "“{name}”是他人的视图，如需修改请另存为自己的视图。",
                name=view.name,
            )
        )


def check_draft(draft: Draft, policy: Policy, entity: str, *, shared_before: bool) -> None:
    """Refuse a view that cannot be kept; one shared as before needs no right to share it."""
    name = draft.name.strip() if is_clean(draft.name) else ""
    if not 0 < len(name) <= LONGEST_NAME:
        sentence = say(
            "A name of 1 to {most} characters.",
            "请填写 1 到 {most} 个字符的名称。",
            most=LONGEST_NAME,
        )
        raise InvalidInput({"name": [sentence]})
    unknown = [role for role in draft.roles if role not in policy.catalog.roles]
    if unknown:
        raise InvalidInput({"roles": [no_role(unknown[0])]})
    if len(draft.users) > MOST_USERS:
        sentence = say("At most {most} people.", "最多 {most} 人。", most=MOST_USERS)
        raise InvalidInput({"users": [sentence]})
    if (draft.roles or draft.users) and not shared_before and not policy.may(PUBLISH, entity):
        raise Forbidden(policy.why(PUBLISH, entity))


def no_role(role: object) -> Any:
    """Return the sentence about a role that does not exist."""
    return say("There is no role `{role}`.", "没有角色“{role}”。", role=str(role)[:60])
