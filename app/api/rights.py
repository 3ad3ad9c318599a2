"""What somebody may do and why, over HTTP, for administrators."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Response
from flask_appbuilder.api import BaseApi, expose

from app.access.explaining import RoleSays, explain_fields, explain_record, explain_rights
from app.api.answers import answers, as_json
from app.api.requests import asker, only, parameters, record_id, services
from app.definitions.catalog import Place
from app.errors import Malformed, NotFound
from app.security.manager import require_admin
from app.texts import say

_KNOWN = frozenset({"entity", "record"})


class RightsApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/rights/<user>``."""

    route_base = "/api/v1/rights"
    resource_name = "rights"
    csrf_exempt = False
    openapi_spec_tag = "Administration"

    @expose("/<number>", methods=["GET"])
    @answers
    def show(self, number: str) -> Response:
        """Return a person's rights to an entity, and, with `record`, to one record of it."""
        named = only(*parameters(_KNOWN), "entity, record")
        require_admin(asker())
        core = services()
        person = core.organisation.snapshot().people.get(record_id(number))
        catalog = core.live.release.catalog
        if person is None:
            raise NotFound
        entity = catalog.entities.get(named.get("entity", ""))
        if entity is None or entity.lines_of is not None:
            raise Malformed(say("`entity` is the name of an entity.", "entity 应为实体名称。"))
        answer: dict[str, Any] = {
            "user": person.id,
            "entity": entity.name,
            "rights": [
                {"right": one.right, "verdict": one.verdict, "roles": _said(one.roles)}
                for one in explain_rights(catalog, person.roles, entity.name)
            ],
            "fields": [
                {"field": one.field, "right": one.right, "role": one.role,
                 "place": _place(one.place)}
                for one in explain_fields(catalog, person.roles, entity.name)
            ],
            "record": None,
        }  # fmt: skip
        if "record" in named:
            answer["record"] = self._record(core, person.id, entity.name, named["record"])
        return as_json(answer)

    @staticmethod
    def _record(core: Any, user_id: int, entity: str, number: str) -> dict[str, Any]:
        principal = core.organisation.principal(user_id)
        if principal is None:
            # The account is closed: nothing is seen.
            core.records.rights(asker(), entity, record_id(number))
            return {"sees": False, "rights": [], "roles": [], "shared": False, "owner": None}
        found = explain_record(
            core.records, core.live.release.catalog, principal, entity, record_id(number)
        )
        return {
            "sees": bool(found.rights),
            "rights": sorted(found.rights),
            "roles": _said(found.roles),
            "shared": found.is_shared,
            "owner": found.owner,
        }


def _said(roles: Iterable[RoleSays]) -> list[dict[str, Any]]:
    return [{"role": one.role, "verdict": one.verdict, "place": _place(one.place)} for one in roles]


def _place(place: Place | None) -> str | None:
    return None if place is None else f"{place.file}:{place.line}"
