"""The addresses about the installation itself, for administrators."""

from __future__ import annotations

from typing import Any

from flask_appbuilder import expose

from app.screens import system
from app.screens.views import Screen, visit


class SystemView(Screen):
    """Health and files."""

    route_base = "/system"

    @expose("")
    def health(self) -> Any:
        return system.health_page(visit())

    @expose("/files")
    def files(self) -> Any:
        return system.files_page(visit())
