"""The addresses at which requests of persons are answered."""

from __future__ import annotations

from typing import Any

from flask_appbuilder import expose

from app.screens import personal
from app.screens.views import Screen, visit


class PersonalView(Screen):
    """Looking for a person, and what follows from it."""

    route_base = "/personal"

    @expose("")
    def begin(self) -> Any:
        return personal.personal_page(visit())

    @expose("/find", methods=["POST"])
    def find(self) -> Any:
        return personal.find(visit())

    @expose("/do", methods=["POST"])
    def do(self) -> Any:
        return personal.do(visit())
