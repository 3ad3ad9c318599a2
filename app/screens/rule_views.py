"""The addresses of the pages about rules and about tests of the configuration."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_appbuilder import expose

from app.screens import rule_pages, trial_pages
from app.screens.views import Screen, visit


class RulesView(Screen):
    """The rules in force, for administrators, and those about one record."""

    @expose("/setup/rules")
    def rules(self) -> Any:
        return rule_pages.rules_page(visit())

    @expose("/setup/rules/<name>")
    def rule(self, name: str) -> Any:
        return rule_pages.rule_page(visit(), name)

    @expose("/setup/tests", methods=["GET", "POST"])
    def tests(self) -> Any:
        if request.method == "POST":
            return trial_pages.run(visit())
        return trial_pages.tests_page(visit())

    @expose("/crm/<entity>/<int:number>/rules")
    def record(self, entity: str, number: int) -> Any:
        return rule_pages.record_rules_page(visit(), entity, str(number))
