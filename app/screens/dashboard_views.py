"""The addresses of dashboards and of targets."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_appbuilder import expose

from app.screens import dashboards, targets
from app.screens.views import Screen, visit


class DashboardsView(Screen):
    """Pages of figures."""

    route_base = "/dashboards"

    @expose("/")
    def first(self) -> Any:
        return dashboards.dashboards_page(visit())

    @expose("/<name>")
    def show(self, name: str) -> Any:
        return dashboards.dashboard_page(visit(), name)

    @expose("/<name>/part")
    def part(self, name: str) -> Any:
        return dashboards.dashboard_part(visit(), name)

    @expose("/<name>/workbook")
    def workbook(self, name: str) -> Any:
        return dashboards.dashboard_file(visit(), name)


class TargetsView(Screen):
    """What is to be reached, month by month."""

    route_base = "/targets"

    @expose("/")
    def first(self) -> Any:
        return targets.targets_page(visit())

    @expose("/<name>", methods=["GET", "POST"])
    def grid(self, name: str) -> Any:
        if request.method == "POST":
            return targets.save_targets(visit(), name)
        return targets.target_page(visit(), name)
