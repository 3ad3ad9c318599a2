"""Saved views: lists as people arranged and named them, kept for themselves or shared.

A view belongs to who made it. Whoever holds the right ``publish`` on an entity may share views with
others and choose what a role's list opens with; administrators always may. What a process knows is
kept until the database says that it changed, or for some seconds at most. Whether a view's words
still mean something to somebody is not decided here: see ``opened_views``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert

from app.access.policy import Policy
from app.access.principal import Principal
from app.database.release import Release
from app.database.statements import Statement
from app.database.view_tables import saved_view, view_choice, view_default
from app.errors import Forbidden, InvalidInput, NotFound, PreconditionFailed
from app.records.arrangements import NOTHING, Arrangement, kept_arrangement
from app.records.refusals import entity_of, require
from app.records.view_drafts import (
    PUBLISH,
    Draft,
    SavedView,
    check_draft,
    check_hand,
    no_role,
)
from app.texts import say

#: On which the database says that views of an entity changed.
VIEWS_CHANNEL = "trellis_views"
#: The list itself, where another view would be opened.
ALL = "*"
MOST_VIEWS = 100
#: Seconds for which what is known is good although nobody called.
_GOOD_FOR = 20.0
_MOST_KEPT = 5_000

_ENTITY = sa.bindparam("entity", type_=sa.SmallInteger)
_USER = sa.bindparam("user", type_=sa.BigInteger)
_ID = sa.bindparam("id", type_=sa.BigInteger)
_SETTINGS = sa.cast(sa.bindparam("settings", type_=sa.Text), JSONB)

_views = Statement(
    sa.select(saved_view).where(saved_view.c.entity == _ENTITY).order_by(saved_view.c.id)
)
_defaults = Statement(
    sa.select(view_default.c.audience, view_default.c.view).where(view_default.c.entity == _ENTITY)
)
_choices = Statement(
    sa.select(view_choice.c.view, view_choice.c.settings).where(
        view_choice.c.entity == _ENTITY, view_choice.c.user_id == _USER
    )
)
_written = {
    "name": sa.bindparam("name", type_=sa.Text),
    "settings": _SETTINGS,
    "roles": sa.bindparam("roles", type_=saved_view.c.roles.type),
    "users": sa.bindparam("users", type_=saved_view.c.users.type),
}
_make = Statement(
    sa.insert(saved_view)
    .values(entity=_ENTITY, user_id=_USER, **_written)
    .returning(saved_view.c.id)
)
_change = Statement(
    sa.update(saved_view)
    .where(saved_view.c.id == _ID)
    .values(**_written, version=saved_view.c.version + 1, changed_at=sa.func.now())
)
_drop = Statement(sa.delete(saved_view).where(saved_view.c.id == _ID))
_VIEW = sa.bindparam("view", type_=sa.Text)
_drop_choices = Statement(
    sa.delete(view_choice).where(view_choice.c.entity == _ENTITY, view_choice.c.view == _VIEW)
)
_drop_defaults = Statement(
    sa.delete(view_default).where(view_default.c.entity == _ENTITY, view_default.c.view == _VIEW)
)
_choice = insert(view_choice).values(user_id=_USER, entity=_ENTITY, view=_VIEW, settings=_SETTINGS)
_choose = Statement(
    _choice.on_conflict_do_update(
        index_elements=["user_id", "entity", "view"], set_={"settings": _choice.excluded.settings}
    )
)
_AUDIENCE = sa.bindparam("audience", type_=sa.Text)
_given = insert(view_default).values(entity=_ENTITY, audience=_AUDIENCE, view=_VIEW)
_set_default = Statement(
    _given.on_conflict_do_update(
        index_elements=["entity", "audience"], set_={"view": _given.excluded.view}
    )
)
_no_default = Statement(
    sa.delete(view_default).where(
        view_default.c.entity == _ENTITY, view_default.c.audience == _AUDIENCE
    )
)
_tell = Statement(sa.select(sa.func.pg_notify(VIEWS_CHANNEL, sa.bindparam("what", type_=sa.Text))))


@dataclass(slots=True)
class _Shelf:
    """What is known of one entity's views."""

    views: tuple[SavedView, ...]
    #: by audience
    defaults: Mapping[str, str]
    until: float
    #: by person and view
    choices: dict[int, Mapping[str, Arrangement]] = field(default_factory=dict)


class SavedViews:
    """The saved views of an installation, as this process knows them."""

    def __init__(self, pools: Any, release: Callable[[], Release]) -> None:
        self._pools = pools
        self._release = release
        self._shelves: dict[int, _Shelf] = {}
        self._lock = threading.Lock()

    def heard(self, entity: str) -> None:
        """Forget what is known of an entity's views; called by the listener of the process."""
        with self._lock:
            if entity.isdigit():
                self._shelves.pop(int(entity), None)
            else:
                self._shelves.clear()

    # -- looking -----------------------------------------------------------------------------------

    def of(self, principal: Principal, entity: str) -> list[SavedView]:
        """Return the views somebody is offered, their own first, then by name."""
        shelf = self._shelf(self.number(entity))
        found = [view for view in shelf.views if view.is_seen_by(principal)]
        return sorted(found, key=lambda one: (one.user_id != principal.user_id, one.name.lower()))

    def find(self, principal: Principal, entity: str, number: int) -> SavedView | None:
        """Return one of them; None where there is none that somebody may see."""
        entity_number = self.number(entity)
        for attempt in (False, True):
            if attempt:
                # It may have been made a moment ago, by another process.
                self.heard(str(entity_number))
            for view in self._shelf(entity_number).views:
                if view.id == number:
                    return view if view.is_seen_by(principal) else None
        return None

    def get(self, principal: Principal, entity: str, number: int) -> SavedView:
        """Return one of them.

        Raises:
            NotFound: there is none that somebody may see.
        """
        view = self.find(principal, entity, number)
        if view is None:
            raise NotFound(say("There is no such view.", "没有这个视图。"))
        return view

    def choice(self, principal: Principal, entity: str, view: str) -> Arrangement:
        """Return how somebody arranged a list that is not theirs."""
        user_id = principal.user_id
        if user_id is None:
            return NOTHING
        number = self.number(entity)
        shelf = self._shelf(number)
        known = shelf.choices.get(user_id)
        if known is None:
            with self._pools.read.connection() as connection:
                rows = _choices.run(connection, {"entity": number, "user": user_id}).fetchall()
            known = {name: kept_arrangement(settings) for name, settings in rows}
            if len(shelf.choices) >= _MOST_KEPT:
                shelf.choices.clear()
            shelf.choices[user_id] = known
        return known.get(view, NOTHING)

    def default(self, principal: Principal, entity: str) -> str:
        """Return the view somebody's list opens with: their own choice, else that of a role."""
        defaults = self._shelf(self.number(entity)).defaults
        if not defaults:
            return ""
        own = defaults.get(f"user:{principal.user_id}")
        if own is not None:
            return own
        for role in sorted(principal.roles):
            if found := defaults.get(f"role:{role}"):
                return found
        return ""

    def defaults(self, entity: str) -> Mapping[str, str]:
        """Return the view of each role that was given one, by role."""
        known = self._shelf(self.number(entity)).defaults
        return {
            audience.removeprefix("role:"): view
            for audience, view in known.items()
            if audience.startswith("role:")
        }

    def number(self, entity: str) -> int:
        """Return an entity's number.

        Raises:
            NotFound: there is none of that name.
        """
        release = self._release()
        entity_of(release.catalog, entity)
        return release.numbers.get(entity, 0)

    def _shelf(self, number: int) -> _Shelf:
        shelf = self._shelves.get(number)
        if shelf is not None and shelf.until > time.monotonic():
            return shelf
        until = time.monotonic() + _GOOD_FOR
        with self._pools.read.connection() as connection:
            rows = _views.rows(connection, {"entity": number})
            kept = _defaults.run(connection, {"entity": number}).fetchall()
        roles = self._renamed_roles()
        defaults = {
            f"{kind}:{roles.get(name, name)}" if kind == "role" else f"{kind}:{name}": view
            for (kind, _, name), view in (
                (audience.partition(":"), view) for audience, view in kept
            )
        }
        shelf = _Shelf(tuple(_view(row, roles) for row in rows), defaults, until)
        with self._lock:
            self._shelves[number] = shelf
        return shelf

    def _renamed_roles(self) -> dict[str, str]:
        """Return the names roles have now, by those they had."""
        known = self._release().catalog.roles
        return {old: role.name for role in known.values() for old in role.was if old not in known}

    # -- changing ----------------------------------------------------------------------------------

    def create(self, principal: Principal, policy: Policy, entity: str, draft: Draft) -> SavedView:
        """Keep a view.

        Raises:
            Forbidden: it is to be shared by somebody who may not publish.
            InvalidInput: the name is missing, or names something that does not exist.
        """
        number = self.number(entity)
        require(policy, "read", entity)
        check_draft(draft, policy, entity, shared_before=False)
        own = [one for one in self.of(principal, entity) if one.user_id == principal.user_id]
        if len(own) >= MOST_VIEWS:
            sentence = say(
                "You have {most} views of this list, which is as many as fit. Delete one first.",
                "您在此列表已有 {most} 个视图，达到上限，请先删除一个。",
                most=MOST_VIEWS,
            )
            raise InvalidInput({"name": [sentence]})
        values = {"entity": number, "user": principal.user_id, **_values(draft)}
        with self._pools.write.connection() as connection, connection.transaction():
            row = _make.run(connection, values).fetchone()
            self._said(connection, number)
        self.heard(str(number))
        assert row is not None
        return self.get(principal, entity, int(row[0]))

    def update(
        self,
        principal: Principal,
        policy: Policy,
        entity: str,
        view: SavedView,
        draft: Draft,
        version: int | None = None,
    ) -> SavedView:
        """Change a view; *version* is the one somebody has seen.

        Raises:
            Forbidden: it is somebody else's, or to be shared by who may not publish.
            PreconditionFailed: it was changed since.
            InvalidInput: as for `create`.
        """
        check_hand(principal, view)
        if version is not None and version != view.version:
            raise PreconditionFailed
        shared = (set(draft.roles), set(draft.users)) == (set(view.roles), set(view.users))
        check_draft(draft, policy, entity, shared_before=shared)
        number = self.number(entity)
        with self._pools.write.connection() as connection, connection.transaction():
            _change.run(connection, {"id": view.id, **_values(draft)})
            self._said(connection, number)
        self.heard(str(number))
        return self.get(principal, entity, view.id)

    def delete(self, principal: Principal, entity: str, view: SavedView) -> None:
        """Throw a view away, and what others made of it.

        Raises:
            Forbidden: it is somebody else's.
        """
        check_hand(principal, view)
        number, name = self.number(entity), str(view.id)
        with self._pools.write.connection() as connection, connection.transaction():
            _drop.run(connection, {"id": view.id})
            _drop_choices.run(connection, {"entity": number, "view": name})
            _drop_defaults.run(connection, {"entity": number, "view": name})
            self._said(connection, number)
        self.heard(str(number))

    def choose(self, principal: Principal, entity: str, view: str, settings: Arrangement) -> None:
        """Keep how somebody wants to see a list that is not theirs."""
        number = self.number(entity)
        values = {
            "entity": number,
            "user": principal.user_id,
            "view": view,
            "settings": orjson.dumps(settings.as_json()).decode(),
        }
        with self._pools.write.connection() as connection, connection.transaction():
            _choose.run(connection, values)
            self._said(connection, number)
        self.heard(str(number))

    def choose_default(
        self,
        principal: Principal,
        policy: Policy,
        entity: str,
        view: str | None,
        role: str | None = None,
    ) -> None:
        """Have a list open with a view: for oneself, or for everybody with a role.

        Args:
            view: ``*`` for the whole list; None for what would be without this choice.

        Raises:
            Forbidden: it is for a role, and the asker may not publish.
            InvalidInput: there is no such role.
        """
        number = self.number(entity)
        if role is not None:
            if not policy.may(PUBLISH, entity):
                raise Forbidden(policy.why(PUBLISH, entity))
            if role not in policy.catalog.roles:
                raise InvalidInput({"role": [no_role(role)]})
        audience = f"role:{role}" if role is not None else f"user:{principal.user_id}"
        values = {"entity": number, "audience": audience}
        with self._pools.write.connection() as connection, connection.transaction():
            if view is None:
                _no_default.run(connection, values)
            else:
                _set_default.run(connection, {**values, "view": view})
            self._said(connection, number)
        self.heard(str(number))

    @staticmethod
    def _said(connection: psycopg.Connection[Any], number: int) -> None:
        _tell.run(connection, {"what": str(number)})


def _view(row: Mapping[str, Any], roles: Mapping[str, str]) -> SavedView:
    return SavedView(
        row["id"],
        row["entity"],
        row["user_id"],
        row["name"],
        kept_arrangement(row["settings"]),
        tuple(roles.get(one, one) for one in row["roles"]),
        tuple(row["users"]),
        row["version"],
    )


def _values(draft: Draft) -> dict[str, Any]:
    return {
        "name": draft.name.strip(),
        "settings": orjson.dumps(draft.settings.as_json()).decode(),
        "roles": sorted(set(draft.roles)),
        "users": sorted(set(draft.users)),
    }
