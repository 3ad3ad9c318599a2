"""The addresses of the setup: files, plan, versions, agreement, diagrams, where things stand."""

from __future__ import annotations

from typing import Any

from flask_appbuilder import expose

from app.screens import (
    setup,
    setup_agreeing,
    setup_diagram,
    setup_editing,
    setup_versions,
    where_from,
)
from app.screens.views import Screen, visit


class SetupView(Screen):
    """The configuration in the browser."""

    @expose("/setup")
    def files(self) -> Any:
        return setup.setup_page(visit())

    @expose("/setup/apply", methods=["POST"])
    def apply(self) -> Any:
        return setup.apply(visit())

    @expose("/setup/check", methods=["POST"])
    def check(self) -> Any:
        return setup_editing.check(visit())

    @expose("/setup/suggest", methods=["POST"])
    def suggest(self) -> Any:
        return setup_editing.suggest(visit())

    @expose("/setup/pane", methods=["POST"])
    def pane(self) -> Any:
        return setup_editing.pane(visit())

    @expose("/setup/save", methods=["POST"])
    def save(self) -> Any:
        return setup_editing.save(visit())

    @expose("/setup/delete", methods=["POST"])
    def delete(self) -> Any:
        return setup_editing.delete(visit())

    @expose("/setup/versions")
    def versions(self) -> Any:
        return setup_versions.versions_page(visit())

    @expose("/setup/versions/<int:number>")
    def version(self, number: int) -> Any:
        return setup_versions.version_page(visit(), number)

    @expose("/setup/versions/<int:number>/restore", methods=["POST"])
    def restore(self, number: int) -> Any:
        return setup_versions.restore(visit(), number)

    @expose("/setup/agree")
    def agreement(self) -> Any:
        return setup_agreeing.agree_page(visit())

    @expose("/setup/agree", methods=["POST"])
    def agree(self) -> Any:
        return setup_agreeing.agree(visit())

    @expose("/setup/propose", methods=["POST"])
    def propose(self) -> Any:
        return setup_agreeing.propose(visit())

    @expose("/setup/diagram")
    def diagram(self) -> Any:
        return setup_diagram.diagram_page(visit())

    @expose("/setup/diagram.svg")
    def picture(self) -> Any:
        return setup_diagram.picture(visit())

    @expose("/setup/where")
    def where(self) -> Any:
        return where_from.where(visit())
