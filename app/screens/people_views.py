"""The addresses about people, for administrators: links, second factors."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_appbuilder import expose

from app.screens import accounts, audit_pages, departments, rights_pages
from app.screens.views import Screen, visit


class PeopleView(Screen):
    """What administrators do for people."""

    route_base = "/people"

    @expose("/<int:number>/second-factor/drop", methods=["POST"])
    def drop_second_factor(self, number: int) -> Any:
        return accounts.drop_second_factor(visit(), number)

    @expose("/<int:number>/invite", methods=["POST"])
    def invite(self, number: int) -> Any:
        return accounts.invite(visit(), number)

    @expose("/sign-ins")
    def sign_ins(self) -> Any:
        return audit_pages.sign_ins_page(visit())

    @expose("/audit")
    def audit(self) -> Any:
        return audit_pages.audit_page(visit())

    @expose("/<int:number>/sessions/end", methods=["POST"])
    def end_sessions(self, number: int) -> Any:
        return accounts.end_everything(visit(), number)

    @expose("/<int:number>/rights")
    def rights(self, number: int) -> Any:
        return rights_pages.rights_page(visit(), number)

    @expose("/departments")
    def departments(self) -> Any:
        return departments.departments_page(visit())

    @expose("/move", methods=["GET", "POST"])
    def move(self) -> Any:
        here = visit()
        return departments.move(here) if request.method == "POST" else departments.move_page(here)
