"""The addresses of the inbox, of its settings, and of what goes out."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_appbuilder import expose

from app.errors import NotFound
from app.screens import deliveries, hearing_settings, inbox
from app.screens.views import Screen, visit

_ACTS = ("read", "unread", "snooze", "mute", "unmute")


class InboxView(Screen):
    """What was told to the visitor."""

    route_base = "/inbox"

    @expose("")
    def show(self) -> Any:
        return inbox.inbox_page(visit())

    @expose("/pulse")
    def pulse(self) -> Any:
        return inbox.pulse(visit())

    @expose("/read", methods=["POST"])
    def read_all(self) -> Any:
        return inbox.read_all(visit())

    @expose("/<int:number>/<what>", methods=["POST"])
    def act(self, number: int, what: str) -> Any:
        if what not in _ACTS:
            raise NotFound
        return inbox.act(visit(), number, what)


class HearingView(Screen):
    """How the visitor hears of things."""

    route_base = "/me/notifications"

    @expose("", methods=["GET", "POST"])
    def show(self) -> Any:
        here = visit()
        if request.method == "POST":
            return hearing_settings.save_settings(here)
        return hearing_settings.settings_page(here)

    @expose("/rules/<int:number>", methods=["POST"])
    def hear_again(self, number: int) -> Any:
        return hearing_settings.hear_again(visit(), number)


class DeliveriesView(Screen):
    """What goes out, for administrators."""

    route_base = "/deliveries"

    @expose("")
    def show(self) -> Any:
        return deliveries.deliveries_page(visit())

    @expose("/again", methods=["POST"])
    def all_again(self) -> Any:
        return deliveries.all_again(visit())

    @expose("/<int:number>/again", methods=["POST"])
    def again(self, number: int) -> Any:
        return deliveries.act(visit(), number, "again")

    @expose("/<int:number>/drop", methods=["POST"])
    def drop(self, number: int) -> Any:
        return deliveries.act(visit(), number, "drop")
