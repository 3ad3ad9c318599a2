"""The addresses of merging and of records that may be the same thing."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_appbuilder import expose

from app.screens import duplicate_check, duplicates, merges
from app.screens.views import Screen, visit


class MergesView(Screen):
    """Records side by side, and made one."""

    route_base = "/crm"

    @expose("/<entity>/merge", methods=["GET", "POST"])
    def merge(self, entity: str) -> Any:
        here = visit()
        return merges.merge(here, entity) if request.method == "POST" else merges.merge_page(
            here, entity
        )  # fmt: skip

    @expose("/<entity>/merge/pick", methods=["POST"])
    def pick(self, entity: str) -> Any:
        return merges.pick_other(visit(), entity)

    @expose("/<entity>/<int:number>/merge")
    def merge_with(self, entity: str, number: int) -> Any:
        return merges.merge_with(visit(), entity, number)


class DuplicatesView(Screen):
    """Pairs that may be the same thing."""

    @expose("/duplicates")
    def listed(self) -> Any:
        return duplicates.listed(visit())

    @expose("/duplicates/check", methods=["GET", "POST"])
    def check(self) -> Any:
        here = visit()
        asks = request.method == "POST"
        return duplicate_check.check(here) if asks else duplicate_check.check_page(here)

    @expose("/duplicates/scan", methods=["POST"])
    def scan(self) -> Any:
        return duplicates.scan(visit())

    @expose("/duplicates/merge", methods=["POST"])
    def merge(self) -> Any:
        return duplicates.merge(visit())

    @expose("/duplicates/apart", methods=["POST"])
    def all_apart(self) -> Any:
        return duplicates.all_apart(visit())

    @expose("/duplicates/together", methods=["POST"])
    def together(self) -> Any:
        return duplicates.together(visit())
