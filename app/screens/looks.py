"""In which shape the records of an entity are looked at: list, board, calendar or tree.

Which shapes there are is written in the configuration; which one somebody looked at last is kept
on their device, for each person and entity. All shapes take the same parameters of the address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import request

from app.access.policy import Policy
from app.definitions.catalog import Entity, Field
from app.records.saved_views import ALL
from app.screens.frame import Choice
from app.screens.list_view import Asked
from app.screens.opened_lists import open_list
from app.screens.visit import Visit

LOOKS = ("list", "board", "calendar", "tree")
_ICONS = {"list": "list", "board": "layout-kanban", "calendar": "calendar", "tree": "hierarchy"}
#: A year, in seconds.
_KEPT_FOR = 365 * 24 * 3600
_LANES = ("stage", "choice")
_DAYS = ("date", "datetime")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A shape, and the field it goes by where one was chosen."""

    look: str = "list"
    by: str = ""


def lane_fields(entity: Entity, policy: Policy) -> list[Field]:
    """Return the fields a board may go by, the one that is written first."""
    return _offered(entity, policy, _LANES, (entity.screens.board or {}).get("by"))


def day_fields(entity: Entity, policy: Policy) -> list[Field]:
    """Return the fields a calendar may go by, the one that is written first."""
    return _offered(entity, policy, _DAYS, (entity.screens.calendar or {}).get("from"))


def _offered(
    entity: Entity, policy: Policy, types: Sequence[str], written: str | None
) -> list[Field]:
    found = [
        field
        for field in entity.fields.values()
        if field.type.name in types
        and not field.removed
        and policy.field_right(entity.name, field.name) in ("read", "edit")
    ]
    return sorted(found, key=lambda one: (one.name != written, one.built_in))


def looks_of(entity: Entity, policy: Policy) -> tuple[str, ...]:
    """Return the shapes an entity has for somebody's roles."""
    screens, has = entity.screens, {"list": True}
    lanes, days = lane_fields(entity, policy), day_fields(entity, policy)
    # A lifecycle is made to be looked at as a board, whether that is written or not.
    has["board"] = any(screens.board or one.type.name == "stage" for one in lanes)
    has["calendar"] = bool(screens.calendar) and bool(days)
    has["tree"] = screens.tree is not None and policy.is_readable(entity.name, screens.tree)
    return tuple(look for look in LOOKS if has[look])


def chosen_look(visit: Visit, entity: Entity, arguments: Mapping[str, str]) -> Chosen:
    """Return the shape that is asked for, else the one that was looked at last, else the list."""
    looks = looks_of(entity, visit.policy)
    asked, by = arguments.get("as", ""), arguments.get("by", "")
    if asked not in looks:
        look, _, kept = request.cookies.get(_cookie(visit, entity), "").partition(".")
        # What the configuration makes a tree and nothing else begins as one.
        usual = "tree" if looks == ("list", "tree") else "list"
        asked, by = (look, by or kept) if look in looks else (usual, "")
    return Chosen(asked, by)


def keep_look(visit: Visit, entity: Entity, chosen: Chosen, answer: Any) -> None:
    """Remember the shape for the next time, where the address asked for it."""
    if request.args.get("as") != chosen.look:
        return
    kept = f"{chosen.look}.{chosen.by}" if chosen.by else chosen.look
    answer.set_cookie(
        _cookie(visit, entity),
        kept,
        max_age=_KEPT_FOR,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure,
    )


def asked_of(visit: Visit, entity: Entity, arguments: Mapping[str, str]) -> Asked:
    """Return what the address of a shape asks for: the views are those of the list."""
    asked = open_list(visit, entity, arguments).asked
    return replace(asked, view="") if asked.view == ALL else asked


def _cookie(visit: Visit, entity: Entity) -> str:
    return f"look.{entity.name}.{visit.principal.user_id}"


def switch(visit: Visit, entity: Entity, asked: Asked, look: str) -> list[Choice]:
    """Return the switch between the shapes; empty where there is only the list."""
    looks = looks_of(entity, visit.policy)
    if len(looks) < 2:
        return []
    say = visit.wording.say
    labels = {
        "list": say("List"),
        "board": say("Board"),
        "calendar": say("Calendar"),
        "tree": say("Tree"),
    }
    return [
        Choice(one, labels[one], one == look, icon=_ICONS[one], href=asked.href(**{"as": one}))
        for one in looks
    ]


def by_choices(visit: Visit, fields: Sequence[Field], asked: Asked, look: str, by: str) -> Any:
    """Return what a board or calendar may go by instead."""
    return [
        Choice(
            one.name,
            one.label.in_language(visit.language),
            one.name == by,
            href=asked.href(**{"as": look, "by": one.name}),
        )
        for one in fields
    ]
