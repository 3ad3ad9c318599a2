"""Lists as files, over HTTP."""

from __future__ import annotations

from flask import Response, request, send_file
from flask_appbuilder.api import BaseApi, expose

from app.api.answers import answers
from app.api.former import asked_now
from app.api.requests import asker, language, parameters, services
from app.transfer.exporting import FORMS, Wanted

_KNOWN = frozenset({"format", "fields", "filter", "sort", "view", "search", "language"})


class ExportApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/<entity>/export``."""

    route_base = "/api/v1"
    resource_name = "export"
    csrf_exempt = False
    openapi_spec_tag = "Records"

    @expose("/<entity>/export", methods=["GET"])
    @answers
    def export(self, entity: str) -> Response:
        """Return a list as a file."""
        principal = asker()
        named, where = asked_now(principal, entity, *parameters(_KNOWN))
        fields = named.get("fields")
        spoken = named.get("language") or language()
        wanted = Wanted(
            entity,
            tuple(one.strip() for one in fields.split(",")) if fields else None,
            filter=named.get("filter"),
            view=named.get("view"),
            search=named.get("search"),
            sort=named.get("sort"),
            where=tuple(where.items()),
            language="zh" if spoken == "zh" else "en",
            time_zone=principal.time_zone,
        )
        form = named.get("format", "csv")
        found = services().exports.open(principal, wanted, form, request.remote_addr)
        answer = send_file(
            found, mimetype=FORMS[form], as_attachment=True, download_name=f"{entity}.{form}"
        )
        answer.headers["Cache-Control"] = "private, no-store"
        return answer
