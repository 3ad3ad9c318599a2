"""Which columns a list shows: chosen on this device, among those somebody may read."""

from __future__ import annotations

from flask import Response, redirect, request

from app.screens.columns import is_listable
from app.screens.conditions import path_label
from app.screens.controls import Chosen
from app.screens.list_view import Asked
from app.screens.lists import chosen_columns, views_of
from app.screens.visit import Visit


def column_panel(visit: Visit, name: str) -> Response:
    """Return every column there may be, those that are shown first and in their order."""
    entity = visit.entity(name)
    asked = Asked.of(name, request.args)
    view = next((one for one in views_of(entity, visit.policy) if one.name == asked.view), None)
    columns = visit.screens.lists.columns(visit, entity, view, chosen_columns(entity, visit))
    shown = [column.path for column in columns.columns]
    rest = [
        one
        for one in visit.policy.readable(name)
        if one not in shown and is_listable(entity.fields[one])
    ]
    choices = [
        Chosen(path, path_label(entity, path, visit.language), path in shown)
        for path in (*shown, *rest)
    ]
    return visit.render(
        "columns.html", action=asked.href("columns"), choices=choices, csrf=visit.csrf
    )


def choose_columns(visit: Visit, name: str) -> Response:
    """Keep which columns somebody wants to see in a list, on this device."""
    entity = visit.entity(name)
    readable = set(visit.policy.readable(name))
    chosen = [one for one in request.form.getlist("column") if one.partition(".")[0] in readable]
    response = redirect(Asked.of(name, request.args).href(), 303)
    cookie = f"columns.{entity.name}"
    if "reset" in request.form or not chosen:
        response.delete_cookie(cookie)
    else:
        response.set_cookie(
            cookie,
            ".".join(one.replace(".", "-") for one in chosen[:20]),
            max_age=365 * 24 * 3600,
            httponly=True,
            samesite="Lax",
        )
    return response  # type: ignore[return-value]
