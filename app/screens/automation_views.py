"""The addresses of buttons, comments and followers on records, and of the ledger."""

from __future__ import annotations

from typing import Any

from flask import redirect, request
from flask_appbuilder import expose

from app.screens import buttons, firings, in_place, looking, record_blocks, talk
from app.screens.views import Screen, visit


class ButtonsView(Screen):
    """What rules, people and comments do on the page of a record."""

    route_base = "/crm"

    @expose("/<entity>/<int:number>/act/<rule>", methods=["POST"])
    def press(self, entity: str, number: int, rule: str) -> Any:
        return buttons.press(visit(), entity, str(number), rule)

    @expose("/<entity>/act/<rule>/pick/<name>", methods=["POST"])
    def pick(self, entity: str, rule: str, name: str) -> Any:
        return buttons.pick(visit(), entity, rule, name)

    @expose("/<entity>/<int:number>/automation")
    def firings(self, entity: str, number: int) -> Any:
        return firings.record_firings(visit(), entity, str(number))

    @expose("/<entity>/<int:number>/comments", methods=["GET", "POST"])
    def comments(self, entity: str, number: int) -> Any:
        here = visit()
        if request.method == "POST":
            return talk.say_something(here, entity, str(number))
        # Whoever is not signed in is asked to first.
        here.entity(entity)
        return redirect(f"/crm/{entity}/{number}#talk", 302)

    @expose("/<entity>/<int:number>/log", methods=["POST"])
    def log(self, entity: str, number: int) -> Any:
        return talk.log_on_record(visit(), entity, str(number))

    @expose("/<entity>/<int:number>/follow", methods=["POST"])
    def follow(self, entity: str, number: int) -> Any:
        return talk.follow(visit(), entity, str(number))


class FieldsView(Screen):
    """One field of a record, changed where it is read."""

    route_base = "/crm"

    @expose("/<entity>/<int:number>/field/<name>", methods=["GET", "POST"])
    def field(self, entity: str, number: int, name: str) -> Any:
        if request.method == "POST":
            return in_place.save_field(visit(), entity, str(number), name)
        return in_place.open_field(visit(), entity, str(number), name)


class RelatedView(Screen):
    """The lists of records that link to one."""

    route_base = "/crm"

    @expose("/<entity>/<int:number>/related")
    def related(self, entity: str, number: int) -> Any:
        here = visit()
        # Whoever is not signed in is asked to first.
        here.entity(entity)
        if "HX-Request" not in request.headers:
            return redirect(f"/crm/{entity}/{number}", 302)
        return record_blocks.related_part(here, entity, str(number))


class LookingView(Screen):
    """Who else looks at a record."""

    route_base = "/crm"

    @expose("/<entity>/<int:number>/here", methods=["POST"])
    def here(self, entity: str, number: int) -> Any:
        return looking.here(visit(), entity, str(number))


class LedgerView(Screen):
    """What rules did anywhere, for administrators."""

    route_base = "/setup"

    @expose("/ledger")
    def ledger(self) -> Any:
        return firings.firings_page(visit())
