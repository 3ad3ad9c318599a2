"""Saved views in the browser: keeping a list, sharing it, opening a list with it, throwing it away.

Who may do what is decided by ``records.saved_views``; here is what it looks like.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, redirect, request

from app.definitions.catalog import Entity
from app.errors import Forbidden, InvalidInput, NotFound, Text
from app.records.arrangements import Arrangement, read_arrangement
from app.records.opened_views import why_not_filter
from app.records.saved_views import ALL
from app.records.view_drafts import PUBLISH, Draft, SavedView
from app.screens.controls import Chosen, Control
from app.screens.list_parts import tabs_of
from app.screens.list_view import Asked, Tab
from app.screens.opened_lists import OpenedList, open_list
from app.screens.visit import Visit, leave_toast

_DIGITS = 18


@dataclass(slots=True)
class ViewForm:
    """Everything `view_form.html` shows."""

    title: str
    action: str
    name: str
    save_label: str
    roles: Sequence[Chosen] = ()
    people: Control | None = None
    refused: str = ""
    #: the expression it will keep
    filter: str = ""


@dataclass(slots=True)
class ViewMenu:
    """Everything `view_menu.html` shows."""

    save_href: str
    edit_href: str = ""
    filter_href: str = ""
    delete_href: str = ""
    default_href: str = ""
    #: what the button says: open with it, or no longer
    default_value: str = ""
    is_default: bool = False
    roles_href: str = ""
    owner: str = ""
    #: all views, for those that find no room beside each other
    tabs: Sequence[Tab] = ()


def _opened(visit: Visit, name: str) -> OpenedList:
    return open_list(visit, visit.entity(name), request.args)


def menu(visit: Visit, name: str) -> Response:
    """Return what may be done with the view that is open."""
    opened = _opened(visit, name)
    asked, own = opened.asked, opened.own
    now = opened.name or ALL
    is_default = (opened.default or ALL) == now
    view = ViewMenu(
        save_href=asked.href("views/new"),
        default_href=asked.href("views/default"),
        default_value=now,
        is_default=is_default,
        tabs=tabs_of(opened, visit.wording),
    )
    if own is not None:
        if own.may_change(visit.principal):
            view.edit_href = f"/crm/{name}/views/{own.id}"
            view.delete_href = f"/crm/{name}/views/{own.id}/delete"
            settings = own.settings
            view.filter_href = Asked(
                name,
                view=ALL,
                filter=settings.filter,
                sort=settings.sort,
                group=settings.group,
                edits=str(own.id),
            ).href()
        if own.user_id != visit.principal.user_id:
            view.owner = _name_of(visit, own.user_id)
    if visit.policy.may(PUBLISH, name):
        view.roles_href = asked.href("views/roles")
    return visit.render("view_menu.html", view=view, csrf=visit.csrf)


def new_form(visit: Visit, name: str, refused: str = "") -> Response:
    """Return the dialog that names a view."""
    opened = _opened(visit, name)
    asked = opened.asked
    view = ViewForm(
        visit.wording.say("Save as a view"),
        asked.href("views/new"),
        request.form.get("name", ""),
        visit.wording.say("Save the view"),
        refused=refused,
        filter=_joined(opened.settings.filter, asked.filter),
    )
    _add_sharing(visit, opened.entity, view, (), ())
    return _form(visit, view)


def create(visit: Visit, name: str) -> Response:
    """Keep the list as it stands."""
    opened = _opened(visit, name)
    try:
        settings = _settings(visit, opened)
        draft = Draft(request.form.get("name", ""), settings, _roles(), _people())
        saved = _store(visit).create(visit.principal, visit.policy, name, draft)
    except (InvalidInput, Forbidden) as problem:
        return new_form(visit, name, _said(visit, problem))
    leave_toast(visit.wording.say("The view %(name)s is kept", name=saved.name))
    return _go(visit, Asked(name, view=str(saved.id)).href())


def edit_form(visit: Visit, name: str, number: int, refused: str = "") -> Response:
    """Return the dialog that renames a view and shares it."""
    entity = visit.entity(name)
    saved = _changeable(visit, name, number)
    view = ViewForm(
        visit.wording.say("Rename and share"),
        f"/crm/{name}/views/{number}",
        request.form.get("name", saved.name),
        visit.wording.say("Save"),
        refused=refused,
        filter=saved.settings.filter,
    )
    _add_sharing(visit, entity, view, saved.roles, saved.users)
    return _form(visit, view)


def update(visit: Visit, name: str, number: int) -> Response:
    """Rename a view, or share it with others."""
    visit.entity(name)
    saved = _changeable(visit, name, number)
    shares = visit.policy.may(PUBLISH, name)
    roles = _roles() if shares else saved.roles
    users = _people() if shares else saved.users
    draft = Draft(request.form.get("name", ""), saved.settings, roles, users)
    try:
        _store(visit).update(visit.principal, visit.policy, name, saved, draft)
    except (InvalidInput, Forbidden) as problem:
        return edit_form(visit, name, number, _said(visit, problem))
    leave_toast(visit.wording.say("Saved"))
    return _go(visit, Asked(name, view=str(number)).href())


def keep_rows(visit: Visit, name: str, number: int) -> Response:
    """Have a view find what the list of the address finds."""
    opened = _opened(visit, name)
    saved = _changeable(visit, name, number)
    asked = opened.asked
    settings = replace(
        saved.settings,
        filter=asked.filter,
        sort=asked.sort,
        group=opened.arrangement.group,
    )
    draft = Draft(saved.name, settings, saved.roles, saved.users)
    try:
        _check(visit, name, settings)
        _store(visit).update(visit.principal, visit.policy, name, saved, draft)
    except (InvalidInput, Forbidden) as problem:
        leave_toast(_said(visit, problem))
        return _go(visit, asked.href())
    leave_toast(visit.wording.say("The view %(name)s is kept", name=saved.name))
    return _go(visit, Asked(name, view=str(number)).href())


def delete_form(visit: Visit, name: str, number: int) -> Response:
    """Ask before a view is thrown away: it does not come back."""
    visit.entity(name)
    saved = _changeable(visit, name, number)
    return visit.render(
        "view_delete.html",
        name=saved.name,
        shared=saved.is_shared,
        action=f"/crm/{name}/views/{number}/delete",
        csrf=visit.csrf,
    )


def delete(visit: Visit, name: str, number: int) -> Response:
    """Throw a view away."""
    visit.entity(name)
    saved = _store(visit).get(visit.principal, name, number)
    _store(visit).delete(visit.principal, name, saved)
    leave_toast(visit.wording.say("The view %(name)s is deleted", name=saved.name))
    return _go(visit, f"/crm/{name}/")


def choose_default(visit: Visit, name: str) -> Response:
    """Have the visitor's list open with a view, or no longer."""
    opened = _opened(visit, name)
    view = opened.name or ALL
    off = request.form.get("default") == "off"
    _store(visit).choose_default(visit.principal, visit.policy, name, None if off else view)
    say = visit.wording.say
    leave_toast(say("The list opens as before") if off else say("The list opens with this view"))
    return _go(visit, Asked(name, view=view).href())


def roles_form(visit: Visit, name: str) -> Response:
    """Return the dialog that says for which roles a list opens with the view."""
    opened = _opened(visit, name)
    view = opened.name or ALL
    if not visit.policy.may(PUBLISH, name):
        raise Forbidden(visit.policy.why(PUBLISH, name))
    known = _store(visit).defaults(name)
    shared_with = opened.own.roles if opened.own is not None else None
    roles = [
        replace(one, on=known.get(one.name) == view)
        for one in _all_roles(visit)
        if shared_with is None or one.name in shared_with
    ]
    return visit.render(
        "view_roles.html",
        roles=roles,
        action=opened.asked.href("views/roles", view=view),
        csrf=visit.csrf,
    )


def choose_roles(visit: Visit, name: str) -> Response:
    """Have the lists of some roles open with a view."""
    opened = _opened(visit, name)
    view = opened.name or ALL
    store, chosen = _store(visit), set(_roles())
    known = store.defaults(name)
    for role in visit.catalog.roles:
        if role in chosen and known.get(role) != view:
            store.choose_default(visit.principal, visit.policy, name, view, role)
        elif role not in chosen and known.get(role) == view:
            store.choose_default(visit.principal, visit.policy, name, None, role)
    leave_toast(visit.wording.say("Saved"))
    return _go(visit, Asked(name, view=view).href())


# -- the parts -------------------------------------------------------------------------------------


def _store(visit: Visit) -> Any:
    return visit.records.views.views


def _changeable(visit: Visit, name: str, number: int) -> SavedView:
    saved: SavedView | None = _store(visit).find(visit.principal, name, number)
    if saved is None or not saved.may_change(visit.principal):
        raise NotFound
    return saved


def _settings(visit: Visit, opened: OpenedList) -> Arrangement:
    """Return the list as it stands: the view that is open, and what the address adds to it."""
    asked, now = opened.asked, opened.arrangement
    of_view = opened.settings.filter
    if opened.view is not None and opened.view.where is not None:
        of_view = opened.view.where.text
    raw = {
        **now.as_json(),
        "filter": _joined(of_view, asked.filter),
        "sort": now.sort,
        "columns": list(now.columns or (opened.view.columns if opened.view else ())),
    }
    settings = read_arrangement(raw)
    _check(visit, asked.entity, settings)
    return settings


def _check(visit: Visit, name: str, settings: Arrangement) -> None:
    desk = visit.records.reader.desk(visit.principal)
    why = why_not_filter(desk, name, settings.filter) if settings.filter else None
    if why is not None:
        raise InvalidInput({"filter": [why]})  # type: ignore[list-item]


def _joined(first: str, second: str) -> str:
    if first and second:
        return f"({first}) and ({second})"
    return first or second


def _all_roles(visit: Visit) -> list[Chosen]:
    return [
        Chosen(role.name, role.label.in_language(visit.language))
        for role in visit.catalog.roles.values()
    ]


def _add_sharing(
    visit: Visit, entity: Entity, view: ViewForm, roles: Sequence[str], users: Sequence[int]
) -> None:
    """Add with whom a view is shared, for who may share it."""
    if not visit.policy.may(PUBLISH, entity.name):
        return
    if request.method == "POST":
        roles, users = _roles(), _people()
    view.roles = [replace(one, on=one.name in roles) for one in _all_roles(visit)]
    field = "owner" if entity.owned else "created_by"
    view.people = Control(
        "links",
        "users",
        visit.wording.say("People"),
        id="view-users",
        input_name="users",
        many=True,
        search=f"/crm/{entity.name}/pick/{field}",
        chosen=[Chosen(str(one), _name_of(visit, one)) for one in users],
    )


def _name_of(visit: Visit, person: int) -> str:
    one = visit.core.organisation.snapshot().people.get(person)
    return one.name if one is not None and one.name else f"#{person}"


def _roles() -> tuple[str, ...]:
    return tuple(one for one in request.form.getlist("role") if one)


def _people() -> tuple[int, ...]:
    found = (one for one in request.form.getlist("users") if one.isascii() and one.isdigit())
    return tuple(int(one) for one in found if len(one) <= _DIGITS)


def _said(visit: Visit, problem: InvalidInput | Forbidden) -> str:
    sentences: list[Text] = [one for them in problem.fields.values() for one in them]
    return " ".join(visit.words(one) for one in sentences or [problem.message])  # type: ignore[arg-type]


def _form(visit: Visit, view: ViewForm) -> Response:
    response = visit.render("view_form.html", view=view, csrf=visit.csrf)
    if view.refused:
        response.status_code = 422
    return response


def _go(visit: Visit, address: str) -> Response:
    """Lead the browser on, also out of a dialog that was sent in the background."""
    del visit
    if request.headers.get("X-Requested-With"):
        return Response(status=204, headers={"X-Go": address})
    return redirect(address, 303)  # type: ignore[return-value]
