"""The addresses of the pages of change sets."""

from __future__ import annotations

from typing import Any

from flask_appbuilder import expose

from app.screens import change_undo, changes
from app.screens.views import Screen, visit


class ChangesView(Screen):
    """Change sets, one of them, and undoing."""

    @expose("/changes")
    def listed(self) -> Any:
        return changes.listed(visit())

    @expose("/changes/<int:number>")
    def show(self, number: int) -> Any:
        return changes.show(visit(), number)

    @expose("/changes/<int:number>/undo", methods=["POST"])
    def undo(self, number: int) -> Any:
        return change_undo.undo(visit(), number)

    @expose("/changes/undo/<entity>/<int:number>", methods=["POST"])
    def undo_line(self, entity: str, number: int) -> Any:
        return change_undo.undo_line(visit(), entity, number)

    @expose("/changes/runs/<int:number>")
    def run(self, number: int) -> Any:
        return change_undo.run_page(visit(), number)

    @expose("/changes/runs/<int:number>/cancel", methods=["POST"])
    def cancel(self, number: int) -> Any:
        return change_undo.cancel(visit(), number)
