"""Links to our pages from before something was renamed: they lead to where it is now."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from flask import current_app, redirect, request

from app.errors import NotAuthenticated
from app.records.former import FormerNames
from app.screens.sign_in import screens
from app.screens.visit import Visit

_ROOT = "/crm/"


def register_former_links() -> None:
    """Let old addresses of records, lists and presets of forms go on working."""
    current_app.before_request(_follow)


def _follow() -> Any:
    """Send a reader to today's address; what is posted to an old one arrives as it is."""
    args = request.view_args
    if not request.path.startswith(_ROOT) or not args or "entity" not in args:
        return None
    catalog = screens().core.live.release.catalog
    if not catalog.has_former:
        return None
    before = args["entity"]
    entity = args["entity"] = catalog.former.get(before, before)
    if request.method not in ("GET", "HEAD"):
        return None
    asked = [(key, value) for key, values in request.args.lists() for value in values]
    now = _asked_now(entity) if asked and entity in catalog.entities else asked
    if entity == before and now == asked:
        return None
    path = request.path.removeprefix(_ROOT).partition("/")[2]
    query = f"?{urlencode(now)}" if now else ""
    return redirect(f"{_ROOT}{entity}/{quote(path)}{query}", 302)


def _asked_now(entity: str) -> list[tuple[str, str]]:
    """Return the parameters of the address in today's names, as far as the asker knows those."""
    here = Visit(screens())
    given: dict[str, list[str]] = dict(request.args.lists())
    try:
        names = FormerNames(here.policy.catalog, here.policy)
    except NotAuthenticated:
        # Asked again after the sign-in, which leads back here.
        return [(key, value) for key, values in given.items() for value in values]
    if request.path.endswith("/new"):
        found: dict[str, list[str]] = names.shortcuts(entity, given)
    else:
        found = dict(given)
        if "sort" in given:
            found["sort"] = [names.names(entity, one) or "" for one in given["sort"]]
        if "filter" in given:
            found["filter"] = [names.expression(entity, one) or "" for one in given["filter"]]
    return [(key, value) for key, values in found.items() for value in values]
