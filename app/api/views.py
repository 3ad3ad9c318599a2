"""Saved views over HTTP: lists as people arranged and named them, and what a list opens with."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_appbuilder.api import BaseApi, expose

from app.access.principal import Principal
from app.api.answers import answers, as_json
from app.api.bodies import check_keys, is_id
from app.api.requests import (
    asker,
    body,
    expected_version,
    language,
    only,
    parameters,
    record_id,
    services,
)
from app.errors import InvalidInput
from app.records.arrangements import NOTHING, Arrangement, read_arrangement
from app.records.opened_views import why_not_filter, why_not_sort
from app.records.refusals import require
from app.records.saved_views import ALL
from app.records.view_drafts import Draft, SavedView
from app.texts import say

_KEYS = {"name", "settings", "roles", "users"}


class ViewApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/<entity>/views``."""

    route_base = "/api/v1"
    resource_name = "views"
    csrf_exempt = False
    openapi_spec_tag = "Records"

    @expose("/<entity>/views", methods=["GET"])
    @answers
    def list(self, entity: str) -> Response:
        """Return the saved views of a list: one's own and those that are shared with one."""
        principal = _reader(entity)
        only(*parameters(frozenset()), "")
        store = services().records.views.views
        rows = [_shown(principal, entity, view) for view in store.of(principal, entity)]
        return as_json({"rows": rows, "default": store.default(principal, entity) or None})

    @expose("/<entity>/views", methods=["POST"])
    @answers
    def create(self, entity: str) -> Response:
        """Keep a view."""
        principal, sent = _reader(entity), body()
        check_keys(sent, _KEYS)
        draft = _draft(principal, entity, sent, None)
        policy = services().records.policy(principal)
        view = services().records.views.views.create(principal, policy, entity, draft)
        answer = _one(principal, entity, view, 201)
        answer.headers["Location"] = f"/api/v1/{entity}/views/{view.id}"
        return answer

    @expose("/<entity>/views/<number>", methods=["GET"])
    @answers
    def read(self, entity: str, number: str) -> Response:
        """Return one view."""
        principal = _reader(entity)
        return _one(principal, entity, _found(principal, entity, number))

    @expose("/<entity>/views/<number>", methods=["PATCH"])
    @answers
    def update(self, entity: str, number: str) -> Response:
        """Change a view; what is not sent stays."""
        principal, sent = _reader(entity), body()
        check_keys(sent, _KEYS)
        view = _found(principal, entity, number)
        draft = _draft(principal, entity, sent, view)
        policy = services().records.policy(principal)
        store = services().records.views.views
        version = expected_version()
        view = store.update(principal, policy, entity, view, draft, version)
        return _one(principal, entity, view)

    @expose("/<entity>/views/<number>", methods=["DELETE"])
    @answers
    def delete(self, entity: str, number: str) -> Response:
        """Throw a view away."""
        principal = _reader(entity)
        view = _found(principal, entity, number)
        services().records.views.views.delete(principal, entity, view)
        return Response(status=204)

    @expose("/<entity>/views/default", methods=["PUT"])
    @answers
    def choose(self, entity: str) -> Response:
        """Have a list open with a view: ``{"view": "12", "role": "sales"}``, oneself without."""
        principal, sent = _reader(entity), body()
        check_keys(sent, {"view", "role"})
        view, role = sent.get("view"), sent.get("role")
        if role is not None and not isinstance(role, str):
            raise InvalidInput({"role": [say("The name of a role.", "应为角色名。")]})
        if view is not None and not _is_view(principal, entity, view):
            sentence = say(
                "A view of this list, `*` for the whole list, or null.",
                "应为此列表的视图、表示全部的 *，或 null。",
            )
            raise InvalidInput({"view": [sentence]})
        store, policy = services().records.views.views, services().records.policy(principal)
        store.choose_default(principal, policy, entity, view, role)
        return as_json({"view": view, "role": role})


def _reader(entity: str) -> Principal:
    principal = asker()
    known = services().records
    known.views.views.number(entity)
    require(known.policy(principal), "read", entity)
    return principal


def _found(principal: Principal, entity: str, number: str) -> SavedView:
    return services().records.views.views.get(principal, entity, record_id(number))


def _is_view(principal: Principal, entity: str, view: object) -> bool:
    if not isinstance(view, str):
        return False
    if view.isascii() and view.isdigit():
        number = int(view) if len(view) < 19 else 0
        return services().records.views.views.find(principal, entity, number) is not None
    known = services().live.release.catalog.entities[entity].screens.views
    one = known.get(view)
    roles = services().records.policy(principal).roles
    return view == ALL or (one is not None and (not one.for_ or bool(set(one.for_) & set(roles))))


def _draft(
    principal: Principal, entity: str, sent: dict[str, Any], view: SavedView | None
) -> Draft:
    name = sent.get("name", view.name if view else "")
    if not isinstance(name, str):
        raise InvalidInput({"name": [say("A text.", "应为文本。")]})
    settings = view.settings if view else NOTHING
    if "settings" in sent:
        settings = read_arrangement(sent["settings"])
        _check(principal, entity, settings)
    roles, users = (
        sent.get("roles", view.roles if view else ()),
        sent.get("users", view.users if view else ()),
    )
    if not isinstance(roles, list | tuple) or not all(isinstance(one, str) for one in roles):
        raise InvalidInput({"roles": [say("A list of names of roles.", "应为角色名列表。")]})
    if not isinstance(users, list | tuple) or not all(map(is_id, users)):
        raise InvalidInput({"users": [say("A list of numbers.", "应为编号列表。")]})
    return Draft(name, settings, tuple(roles), tuple(users))


def _check(principal: Principal, entity: str, settings: Arrangement) -> None:
    """Refuse what whoever saves it could not ask."""
    desk = services().records.reader.desk(principal)
    problems: dict[str, list[Any]] = {}
    why = why_not_filter(desk, entity, settings.filter) if settings.filter else None
    if why is not None:
        problems["filter"] = [why]
    why = why_not_sort(desk, entity, settings.sort) if settings.sort else None
    if why is not None:
        problems["sort"] = [why]
    if problems:
        raise InvalidInput(problems)


def _one(principal: Principal, entity: str, view: SavedView, status: int = 200) -> Response:
    answer = as_json(_shown(principal, entity, view), status)
    answer.headers["ETag"] = f'"{view.version}"'
    return answer


def _shown(principal: Principal, entity: str, view: SavedView) -> dict[str, Any]:
    """Return a view as it holds for the asker."""
    views = services().records.views
    opened = views.open(services().records.reader.desk(principal), entity, view)
    left_out = [
        one if isinstance(one, str) else one.in_language(language()) for one in opened.left_out
    ]
    return {
        "id": view.id,
        "name": view.name,
        "user": view.user_id,
        "roles": list(view.roles),
        "users": list(view.users),
        "version": view.version,
        "may_change": view.may_change(principal),
        "settings": opened.settings.as_json(),
        "left_out": left_out,
    }
