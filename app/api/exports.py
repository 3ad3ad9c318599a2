"""Lists as files, over HTTP: at once, or in the background and fetched when they are there."""

from __future__ import annotations

from typing import Any

from flask import Response, request, send_file
from flask_appbuilder.api import BaseApi, expose

from app.access.principal import Principal
from app.api.answers import answers, as_json
from app.api.former import asked_now
from app.api.requests import asker, language, only, parameters, record_id, services
from app.errors import Malformed
from app.jobs.beginning import begin_export
from app.texts import say
from app.transfer.exporting import MOST_AT_ONCE, Wanted
from app.transfer.sheets import FORMS

_KNOWN = frozenset(
    {"format", "fields", "filter", "sort", "view", "search", "language", "related", "raw"}
)


class ExportApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/<entity>/export``."""

    route_base = "/api/v1"
    resource_name = "export"
    csrf_exempt = False
    openapi_spec_tag = "Records"

    @expose("/<entity>/export", methods=["GET"])
    @answers
    def export(self, entity: str) -> Response:
        """Return a list as a file, unless it is too long for one answer."""
        principal = asker()
        wanted, form = _asked(principal, entity)
        exports = services().exports
        if exports.is_large(principal, wanted, form):
            raise Malformed(_too_many())
        found = exports.open(principal, wanted, form, request.remote_addr)
        return _sent(found, FORMS[form][0], f"{wanted.entity}.{form}")

    @expose("/<entity>/export", methods=["POST"])
    @answers
    def begin(self, entity: str) -> Response:
        """Have a list of any length written in the background; the answer says where it will be."""
        principal = asker()
        wanted, form = _asked(principal, entity)
        run = services().export_runs.begin(
            principal, wanted, form, f"{wanted.entity}.{form}", request.remote_addr
        )
        begin_export(services().settings.redis_url, run.id)
        answer = as_json(run.as_json(), 202)
        answer.headers["Location"] = f"/api/v1/exports/{run.id}"
        return answer


class ExportRunApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/exports``."""

    route_base = "/api/v1/exports"
    resource_name = "exports"
    csrf_exempt = False
    openapi_spec_tag = "Exports"

    @expose("/", methods=["GET"])
    @answers
    def listed(self) -> Response:
        """Return one's latest exports."""
        principal = asker()
        only(*parameters(frozenset()), "")
        found = services().export_runs.listed(principal)
        return as_json({"rows": [run.as_json() for run in found]})

    @expose("/<number>", methods=["GET"])
    @answers
    def get(self, number: str) -> Response:
        """Return how far an export is."""
        return as_json(services().export_runs.get(asker(), record_id(number)).as_json())

    @expose("/<number>/file", methods=["GET"])
    @answers
    def file(self, number: str) -> Response:
        """Return the file of an export, to its asker."""
        run, path = services().export_runs.file(asker(), record_id(number))
        type_ = FORMS[run.form][0] if run.form in FORMS else "application/zip"
        return _sent(path, type_, run.name)

    @expose("/<number>/cancel", methods=["POST"])
    @answers
    def cancel(self, number: str) -> Response:
        """End an export; its file goes."""
        return as_json(services().export_runs.cancel(asker(), record_id(number)).as_json(), 202)


def _asked(principal: Principal, entity: str) -> tuple[Wanted, str]:
    named, where = asked_now(principal, entity, *parameters(_KNOWN))
    spoken = named.get("language") or language()
    wanted = Wanted(
        entity,
        _names(named.get("fields")) or None,
        filter=named.get("filter"),
        view=named.get("view"),
        search=named.get("search"),
        sort=named.get("sort"),
        where=tuple(where.items()),
        related=_names(named.get("related")),
        raw=named.get("raw") in ("yes", "true"),
        language="zh" if spoken == "zh" else "en",
        time_zone=principal.time_zone,
    )
    return wanted, named.get("format", "csv")


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(one.strip() for one in (text or "").split(",") if one.strip())


def _sent(file: Any, type_: str, name: str) -> Response:
    answer = send_file(file, mimetype=type_, as_attachment=True, download_name=name)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _too_many() -> Any:
    return say(
        "The list has more than the {most} rows that fit into one answer. POST to the same address "
        "to have it written in the background.",
        "列表超过一次返回的上限 {most} 行。请向同一地址发送 POST，由后台生成文件。",
        most=f"{MOST_AT_ONCE:,}",
    )
