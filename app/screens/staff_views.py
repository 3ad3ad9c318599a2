"""The addresses about people who are away or leave: absences, and handing everything over."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_appbuilder import expose

from app.screens import absences, handing_over
from app.screens.views import Screen, visit


class StaffView(Screen):
    """Absences and hand-overs."""

    @expose("/absences", methods=["GET", "POST"])
    def absences(self) -> Any:
        here = visit()
        return absences.add(here) if request.method == "POST" else absences.absences_page(here)

    @expose("/absences/<int:number>/drop", methods=["POST"])
    def drop_absence(self, number: int) -> Any:
        return absences.drop(visit(), number)

    @expose("/people/<int:number>/hand-over", methods=["GET", "POST"])
    def hand_over(self, number: int) -> Any:
        here = visit()
        if request.method == "POST":
            return handing_over.hand_over(here, number)
        return handing_over.hand_over_page(here, number)
