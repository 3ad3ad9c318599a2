"""What concerns no single entity: who I am, what there is, finding anything."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_appbuilder.api import BaseApi, expose

from app.access.policy import Policy
from app.api.answers import answers, as_json
from app.api.former import links_now
from app.api.requests import asker, language, only, parameters, services
from app.definitions.catalog import RIGHTS, Entity, Field
from app.errors import Malformed
from app.records.questions import page_size
from app.texts import say

_SEARCH = frozenset({"q", "entities", "limit"})


class EverythingApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/me``, ``/api/v1/meta``, ``/api/v1/search``."""

    route_base = "/api/v1"
    resource_name = "everything"
    csrf_exempt = False
    openapi_spec_tag = "Everything"

    @expose("/me", methods=["GET"])
    @answers
    def me(self) -> Response:
        """Return who asks."""
        principal = asker()
        return as_json(
            {
                "id": principal.user_id,
                "name": principal.name,
                "roles": sorted(principal.roles),
                "is_admin": principal.is_admin,
                "language": principal.language,
                "time_zone": principal.time_zone,
                "department": principal.department,
                "subordinates": [
                    each for each in principal.subordinates if each != principal.user_id
                ],
            }
        )

    @expose("/meta", methods=["GET"])
    @answers
    def meta(self) -> Response:
        """Return the entities, fields and rights of the asker."""
        principal, known = asker(), services()
        catalog = known.live.release.catalog
        policy = known.records.policy(principal)
        entities = {
            name: described(entity, policy)
            for name, entity in catalog.entities.items()
            if entity.lines_of is None and policy.may("read", name)
        }
        return as_json(
            {
                "name": catalog.app.name,
                "languages": catalog.app.languages,
                "currencies": catalog.app.currencies,
                "time_zone": catalog.app.time_zone,
                "version": known.live.release.version_number,
                "fingerprint": catalog.fingerprint,
                "modules": [
                    {
                        "name": module.name,
                        "label": module.label.in_language(language()),
                        "off": module.off,
                        "has": [name for name in module.has if name in entities],
                    }
                    for module in catalog.app.modules
                ],
                "entities": entities,
            }
        )

    @expose("/search", methods=["GET"])
    @answers
    def search(self) -> Response:
        """Return records of any entity that the words find."""
        named = only(*parameters(_SEARCH), "q, entities, limit")
        text = named.get("q", "")
        if len(text) > 200:
            raise Malformed(say("`q` has at most 200 characters.", "q 最多 200 个字符。"))
        principal, chosen = asker(), named.get("entities")
        hits = services().records.search(
            principal,
            text,
            links_now(principal, chosen.split(",")) if chosen else None,
            limit=page_size(named.get("limit", "20")),
        )
        return as_json({"rows": [hit.as_json() for hit in hits]})


def described(entity: Entity, policy: Policy) -> dict[str, Any]:
    """Return an entity as this policy sees it."""
    return {
        "label": entity.label.in_language(language()),
        "title": entity.title,
        "icon": entity.icon,
        "owned": entity.owned,
        "single": entity.single,
        "rights": [right for right in RIGHTS if policy.may(right, entity.name)],
        "fields": {
            name: _field(entity.fields[name], policy.field_right(entity.name, name))
            for name in policy.readable(entity.name)
        },
        "views": {
            name: view.label.in_language(language()) for name, view in entity.screens.views.items()
        },
    }


def _field(field: Field, right: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "label": field.label.in_language(language()),
        "type": field.type.name,
        "right": right if field.type.writable and field.readonly is not True else "read",
        "required": field.required is True,
        "unique": field.unique,
        "personal": field.personal,
    }
    if field.type.targets(field):
        found["to"] = list(field.type.targets(field))
    if field.options:
        found["options"] = [
            {
                "name": option.name,
                "label": option.label.in_language(language()),
                "color": option.color,
                "parent": option.parent,
            }
            for option in field.options
            if not option.removed
        ]
    return found
