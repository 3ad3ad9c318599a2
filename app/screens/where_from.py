"""Where what a page shows is written: file and line of fields, views, rules, stages and rights.

For administrators: the overlay on any page asks here once for each entity that the page shows.
"""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response, request

from app.definitions.catalog import Entity, Place
from app.errors import NotFound, TrellisError
from app.screens.setup_diagram import place_href, place_text
from app.screens.visit import Visit
from app.security.manager import require_admin


def where(visit: Visit) -> Response:
    """Return the places of everything an entity's pages are made of."""
    try:
        require_admin(visit.principal)
        entity = visit.catalog.entities.get(request.args.get("entity", ""))
        if entity is None:
            raise NotFound
    except TrellisError as error:
        body = orjson.dumps(error.as_json(visit.language))
        return Response(body, error.status, content_type="application/json")
    body = orjson.dumps(
        {
            "entity": _told(visit.words(entity.label), entity.place),
            "fields": _fields(visit, entity),
            "rules": _rules(visit, entity),
            "stages": _stages(visit, entity),
            "access": _access(entity),
        }
    )
    return Response(body, content_type="application/json")


def _told(label: str, place: Place | None, what: str = "") -> dict[str, str]:
    return {"label": label, "what": what, "where": place_text(place), "href": place_href(place)}


def _fields(visit: Visit, entity: Entity) -> dict[str, Any]:
    """Return the fields, and of their lines the columns."""
    found = {
        one.name: _told(visit.words(one.label), one.place, f"{entity.name}.{one.name}")
        for one in entity.fields.values()
    }
    for name in entity.fields:
        lines = visit.catalog.entities.get(f"{entity.name}.{name}")
        for one in lines.fields.values() if lines is not None else ():
            what = f"{entity.name}.{name}.{one.name}"
            found[f"{name}.{one.name}"] = _told(visit.words(one.label), one.place, what)
    return found


def _rules(visit: Visit, entity: Entity) -> dict[str, Any]:
    automation = visit.catalog.automation
    found = {
        name: _told(visit.words(rule.label) if rule.label else name, rule.place)
        for name, rule in automation.rules.items()
        if entity.name in rule.entities
    }
    for approval in automation.approvals_of(entity.name):
        found[approval.name] = _told(approval.name, approval.place)
    for pool in automation.pools_of(entity.name):
        found[pool.name] = _told(pool.name, pool.place)
    return found


def _stages(visit: Visit, entity: Entity) -> dict[str, Any]:
    return {
        one.field: _told(one.name, one.place)
        for one in visit.catalog.automation.lifecycles.values()
        if one.entity == entity.name
    }


def _access(entity: Entity) -> list[dict[str, str]]:
    """Return where rights are written, by role."""
    return [
        {"role": role, "right": right, "where": place_text(place), "href": place_href(place)}
        for role, access in entity.access.items()
        for right, place in access.places.items()
        if place_text(place)
    ]
