"""The description of the API: OpenAPI of the live catalog, and a page to read and try it."""

from __future__ import annotations

from flask import Response
from flask_appbuilder.api import BaseApi, expose

from app.api.answers import answers, as_json
from app.api.openapi import describe_api
from app.api.requests import asker, language, services


class DescriptionApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/openapi.json``."""

    route_base = "/api/v1"
    resource_name = "description"
    csrf_exempt = False
    openapi_spec_tag = "Description"

    @expose("/openapi.json", methods=["GET"])
    @answers
    def openapi(self) -> Response:
        """Return the API as the asker may use it."""
        principal, known = asker(), services()
        catalog = known.live.release.catalog
        return as_json(describe_api(catalog, known.records.policy(principal), language()))
