"""Where a record may move to, and where it was, over HTTP. To move it, ``PATCH`` its stage."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_appbuilder.api import BaseApi, expose

from app.api.answers import answers, as_json
from app.api.former import asked_now
from app.api.requests import asker, language, only, parameters, record_id, services
from app.records.moves import Possible
from app.records.stages import Stay


class MovesApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/<entity>/<id>/moves`` and ``…/stages``."""

    route_base = "/api/v1"
    resource_name = "moves"
    csrf_exempt = False
    openapi_spec_tag = "Records"

    @expose("/<entity>/<number>/moves", methods=["GET"])
    @answers
    def moves(self, entity: str, number: str) -> Response:
        """Return the stages the record may move to, and those refused with the reason."""
        principal = asker()
        only(*asked_now(principal, entity, *parameters(frozenset())), "")
        found = services().records.moves(principal, entity, record_id(number))
        return as_json({"rows": [_move(one) for one in found]})

    @expose("/<entity>/<number>/stages", methods=["GET"])
    @answers
    def stages(self, entity: str, number: str) -> Response:
        """Return how long the record was in which stage."""
        principal = asker()
        only(*asked_now(principal, entity, *parameters(frozenset())), "")
        found = services().records.stays(principal, entity, record_id(number))
        return as_json({"rows": [_stay(one) for one in found]})


def _stay(one: Stay) -> dict[str, Any]:
    return {
        "field": one.field,
        "stage": one.stage,
        "entered_at": one.entered_at.isoformat(),
        "left_at": one.left_at.isoformat() if one.left_at is not None else None,
        "user": one.user_id,
    }


def _move(one: Possible) -> dict[str, Any]:
    return {
        "field": one.field,
        "from": one.from_,
        "to": one.to,
        "label": one.label.in_language(language()),
        "final": one.final,
        "needs": list(one.needs),
        "missing": list(one.missing),
        "allowed": one.is_open,
        "why": one.why.in_language(language()) if one.why is not None else None,
        "parts": [{"text": each.text, "met": each.is_met} for each in one.parts],
        "lifecycle": one.lifecycle,
    }
