"""The addresses around a list: its columns, filter, saved views, sums and groups."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_appbuilder import expose

from app.screens import (
    bulk_acts,
    column_panel,
    filter_panel,
    list_news,
    list_sums,
    peek,
    saved_views,
)
from app.screens.views import Screen, visit


class ListsView(Screen):
    """What somebody does with a list as a whole."""

    route_base = "/crm"

    @expose("/<entity>/do", methods=["POST"])
    def bulk(self, entity: str) -> Any:
        return bulk_acts.bulk(visit(), entity)

    @expose("/<entity>/bulk/edit")
    def bulk_edit(self, entity: str) -> Any:
        return bulk_acts.edit_form(visit(), entity)

    @expose("/<entity>/bulk/tag")
    def bulk_tag(self, entity: str) -> Any:
        return bulk_acts.tag_form(visit(), entity)

    @expose("/<entity>/bulk/act/<rule>")
    def bulk_act(self, entity: str, rule: str) -> Any:
        return bulk_acts.act_form(visit(), entity, rule)

    @expose("/<entity>/<int:number>/peek")
    def peek(self, entity: str, number: int) -> Any:
        return peek.peek(visit(), entity, number)

    @expose("/<entity>/columns")
    def columns(self, entity: str) -> Any:
        return column_panel.column_panel(visit(), entity)

    @expose("/<entity>/arrange", methods=["POST"])
    def arrange(self, entity: str) -> Any:
        return column_panel.arrange(visit(), entity)

    @expose("/<entity>/sums")
    def sums(self, entity: str) -> Any:
        return list_sums.sums(visit(), entity)

    @expose("/<entity>/nearly")
    def nearly(self, entity: str) -> Any:
        return list_sums.nearly(visit(), entity)

    @expose("/<entity>/rows")
    def rows(self, entity: str) -> Any:
        return list_news.rows(visit(), entity)

    @expose("/<entity>/pulse")
    def pulse(self, entity: str) -> Any:
        return list_news.pulse(visit(), entity)

    @expose("/<entity>/filter")
    def filter(self, entity: str) -> Any:
        return filter_panel.panel(visit(), entity)

    @expose("/<entity>/filter/row")
    def filter_row(self, entity: str) -> Any:
        return filter_panel.row(visit(), entity)

    @expose("/<entity>/filter/preview", methods=["POST"])
    def filter_preview(self, entity: str) -> Any:
        return filter_panel.preview(visit(), entity)

    @expose("/<entity>/filter/switch", methods=["POST"])
    def filter_switch(self, entity: str) -> Any:
        return filter_panel.switch(visit(), entity)

    @expose("/<entity>/filter/apply", methods=["POST"])
    def filter_apply(self, entity: str) -> Any:
        return filter_panel.apply(visit(), entity)

    @expose("/<entity>/views/menu")
    def menu(self, entity: str) -> Any:
        return saved_views.menu(visit(), entity)

    @expose("/<entity>/views/new", methods=["GET", "POST"])
    def new_view(self, entity: str) -> Any:
        if request.method == "POST":
            return saved_views.create(visit(), entity)
        return saved_views.new_form(visit(), entity)

    @expose("/<entity>/views/<int:number>", methods=["GET", "POST"])
    def edit_view(self, entity: str, number: int) -> Any:
        if request.method == "POST":
            return saved_views.update(visit(), entity, number)
        return saved_views.edit_form(visit(), entity, number)

    @expose("/<entity>/views/<int:number>/rows", methods=["POST"])
    def keep_rows(self, entity: str, number: int) -> Any:
        return saved_views.keep_rows(visit(), entity, number)

    @expose("/<entity>/views/<int:number>/delete", methods=["GET", "POST"])
    def delete_view(self, entity: str, number: int) -> Any:
        if request.method == "POST":
            return saved_views.delete(visit(), entity, number)
        return saved_views.delete_form(visit(), entity, number)

    @expose("/<entity>/views/default", methods=["POST"])
    def choose_default(self, entity: str) -> Any:
        return saved_views.choose_default(visit(), entity)

    @expose("/<entity>/views/roles", methods=["GET", "POST"])
    def default_of_roles(self, entity: str) -> Any:
        if request.method == "POST":
            return saved_views.choose_roles(visit(), entity)
        return saved_views.roles_form(visit(), entity)
