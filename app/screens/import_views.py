"""The addresses of the pages of imports."""

from __future__ import annotations

from typing import Any

from flask_appbuilder import expose

from app.errors import NotFound
from app.screens import import_choices, import_mappings, imports
from app.screens.views import Screen, visit


class ImportsView(Screen):
    """A file, its columns, a dry run, and the import."""

    @expose("/crm/<entity>/import", methods=["GET", "POST"])
    def begin(self, entity: str) -> Any:
        return imports.begin_page(visit(), entity)

    @expose("/imports/<int:number>")
    def show(self, number: int) -> Any:
        return imports.run_page(visit(), number)

    @expose("/imports/<int:number>/columns", methods=["POST"])
    def choose(self, number: int) -> Any:
        return import_choices.choose(visit(), number)

    @expose("/imports/<int:number>/shape", methods=["POST"])
    def reshape(self, number: int) -> Any:
        return import_choices.reshape(visit(), number)

    @expose("/imports/<int:number>/mapping", methods=["GET", "POST"])
    def mapping(self, number: int) -> Any:
        return import_mappings.mapping_page(visit(), number)

    @expose("/imports/<int:number>/corrected", methods=["POST"])
    def correct(self, number: int) -> Any:
        return imports.correct_page(visit(), number)

    @expose("/imports/<int:number>/dry-run/errors")
    def dry_run_errors(self, number: int) -> Any:
        return imports.dry_run_errors(visit(), number)

    @expose("/imports/<int:number>/dry-run")
    def dry_run(self, number: int) -> Any:
        return imports.dry_run_page(visit(), number)

    @expose("/imports/<int:number>/<what>", methods=["POST"])
    def act(self, number: int, what: str) -> Any:
        if what not in ("start", "pause", "cancel"):
            raise NotFound
        return imports.act(visit(), number, what)
