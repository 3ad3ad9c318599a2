"""The page on which a person reads the API and tries it; for the signed-in only."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Response, current_app, redirect, request
from flask_appbuilder import BaseView, expose
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from app.api.requests import language, services

_PAGE = Markup(
    """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API · {name}</title>
<link rel="icon" href="{icon}" type="image/svg+xml">
<link rel="stylesheet" href="{style}">
</head>
<body>
<div id="swagger" data-url="/api/v1/openapi.json" data-csrf="{csrf}"></div>
<script src="{library}"></script>
<script type="module" src="{start}"></script>
</body>
</html>
"""
)


class SwaggerView(BaseView):  # type: ignore[misc]  # FAB is not typed.
    """``/swagger/v1``."""

    route_base = "/swagger"
    base_permissions: list[str] = []  # noqa: RUF012 - FAB reads it from the class.

    @expose("/v1")
    def page(self) -> Any:
        """Show the page, or the way to sign in."""
        principal = services().identity.principal(request)
        if principal is None:
            return redirect(f"/sign-in?{urlencode({'next': '/swagger/v1'})}", 302)
        # The files of the screens; the rooms stand side by side and do not know each other.
        address = current_app.extensions["trellis.screens"].renderer.assets.address
        html = _PAGE.format(
            language=principal.language or language(),
            name=services().live.release.catalog.app.name,
            icon=address("icon.svg"),
            style=address("vendor/swagger.css"),
            library=address("vendor/swagger.js"),
            start=address("swagger.js"),
            csrf=generate_csrf(),
        )
        return Response(html, content_type="text/html; charset=utf-8")
