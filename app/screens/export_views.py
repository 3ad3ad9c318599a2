"""The addresses of the pages of exports."""

from __future__ import annotations

from typing import Any

from flask_appbuilder import expose

from app.screens import exports
from app.screens.views import Screen, visit


class ExportsView(Screen):
    """What is to be taken along, how far it is, and its file."""

    @expose("/crm/<entity>/export/new", methods=["GET", "POST"])
    def new(self, entity: str) -> Any:
        return exports.new_page(visit(), entity)

    @expose("/exports/")
    def listed(self) -> Any:
        return exports.listed_page(visit())

    @expose("/exports/<int:number>")
    def show(self, number: int) -> Any:
        return exports.run_page(visit(), number)

    @expose("/exports/<int:number>/file")
    def file(self, number: int) -> Any:
        return exports.fetch(visit(), number)

    @expose("/exports/everything", methods=["POST"])
    def everything(self) -> Any:
        return exports.begin_everything(visit())

    @expose("/exports/<int:number>/cancel", methods=["POST"])
    def cancel(self, number: int) -> Any:
        return exports.cancel(visit(), number)
