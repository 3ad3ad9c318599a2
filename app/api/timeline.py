"""What happened around a record, over HTTP: the timeline of its page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from flask import Response
from flask_appbuilder.api import BaseApi, expose

from app.access.principal import Principal
from app.api.answers import answers, as_json
from app.api.automation import ledger
from app.api.bodies import whole
from app.api.former import asked_now
from app.api.requests import asker, language, only, parameters, record_id, services
from app.automation.timeline import Happening, read_timeline

_KNOWN = frozenset({"kinds", "limit", "after"})
#: Moments of an answer.
_MOST = 50


class TimelineApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/<entity>/<id>/timeline``."""

    route_base = "/api/v1"
    resource_name = "timeline"
    csrf_exempt = False
    openapi_spec_tag = "Records"

    @expose("/<entity>/<number>/timeline", methods=["GET"])
    @answers
    def timeline(self, entity: str, number: str) -> Response:
        """Return what happened around the record, the newest first."""
        principal, core = asker(), services()
        named = only(*asked_now(principal, entity, *parameters(_KNOWN)), ", ".join(sorted(_KNOWN)))
        wanted = record_id(number)
        core.records.get(principal, entity, wanted, fields=("id",))
        kinds = [one.strip() for one in str(named.get("kinds") or "").split(",") if one.strip()]
        found, cursor = read_timeline(
            core.records,
            ledger(),
            principal,
            entity,
            wanted,
            kinds,
            limit=max(1, min(whole(named, "limit", 20), _MOST)),
            after=named.get("after") or None,
        )
        written = _written(principal, found)
        rows = [
            _row(one, written.get(one.record) if one.record is not None else None)
            for one in found
            if one.record is None or one.record in written
        ]
        return as_json({"rows": rows, "next": cursor})


def _written(
    principal: Principal, found: Sequence[Happening]
) -> dict[tuple[str, int], dict[str, Any]]:
    """Return what was written about the record, one question for each kind of it."""
    wanted: dict[str, list[int]] = {}
    for one in found:
        if one.record is not None:
            wanted.setdefault(one.record[0], []).append(one.record[1])
    records: dict[tuple[str, int], dict[str, Any]] = {}
    for name, ids in wanted.items():
        listed = ", ".join(str(one) for one in ids)
        page = services().records.query_json(
            principal, name, filter=f"id in ({listed},)", limit=100
        )
        records |= {(name, row["id"]): row for row in orjson.loads(page.rows)}
    return records


def _row(one: Happening, written: dict[str, Any] | None) -> dict[str, Any]:
    said = one.comment
    return {
        "kind": one.kind,
        "id": one.id,
        "at": one.at.isoformat(),
        "history": one.line.as_json() if one.line is not None else None,
        "comment": None
        if said is None
        else {
            "id": said.id,
            "user": said.user_id,
            "text": said.text,
            "origin": said.origin,
            "rule": said.cause,
            "happened_at": said.happened_at.isoformat(),
        },
        "email": dict(one.email) if one.email is not None else None,
        "firing": one.firing.as_json(language()) if one.firing is not None else None,
        "record": written,
    }
