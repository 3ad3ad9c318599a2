"""Exchanges with other systems over HTTP, for administrators."""

from __future__ import annotations

from flask import Response
from flask_appbuilder.api import BaseApi, expose

from app.api.answers import answers, as_json
from app.api.requests import asker, language, only, parameters, services
from app.exchange.standing import standing_as_json
from app.jobs.beginning import begin_exchange
from app.security.manager import require_admin


class ExchangeApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/integrations``."""

    route_base = "/api/v1/integrations"
    resource_name = "integrations"
    csrf_exempt = False
    openapi_spec_tag = "Administration"

    @expose("", methods=["GET"])
    @answers
    def list(self) -> Response:
        """Return every exchange with its latest runs, or how its calls went."""
        only(*parameters(frozenset()), "")
        require_admin(asker())
        rows = [standing_as_json(one, language()) for one in services().exchange.listed()]
        return as_json({"rows": rows})

    @expose("/<name>/run", methods=["POST"])
    @answers
    def run(self, name: str) -> Response:
        """Have an exchange that comes in fetched now."""
        only(*parameters(frozenset()), "")
        core = services()
        asked = core.exchange.ask(asker(), name)
        begin_exchange(core.settings.redis_url)
        return as_json({"name": asked, "asked": True}, 202)
