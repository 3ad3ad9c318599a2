"""The addresses of the screens. Each is a few lines: who asks, which page, nothing else.

The routes are generic: ``/crm/<entity>/…`` looks the entity up in the catalog of the request, so a
change of the configuration is live without a restart. They stand on Flask-AppBuilder's
``BaseView``, without its permissions: what a role may do is written in YAML.
"""

from __future__ import annotations

from typing import Any

from flask import redirect, request
from flask_appbuilder import BaseView, expose

from app.errors import NotFound
from app.screens import accounts as account_pages
from app.screens import (
    acts,
    approvals,
    attachments,
    bench,
    board_moves,
    calendar_moves,
    calendar_pages,
    happenings,
    me,
    moving,
    my_keys,
    my_security,
    my_sessions,
    pages,
    people,
    pickers,
    pools,
    quick,
    shapes,
    shares,
    trees,
)
from app.screens.editing import Editing
from app.screens.exports import export_list
from app.screens.navigation import begins_at
from app.screens.record_page import record_page
from app.screens.sign_in import screens
from app.screens.visit import Visit


def visit() -> Visit:
    """Return this request as a visit."""
    return Visit(screens())


class Screen(BaseView):  # type: ignore[misc]  # FAB is not typed.
    """Base of our views: no permissions of FAB's, no menu entry."""

    base_permissions: list[str] = []  # noqa: RUF012 - FAB reads it from the class.
    route_base = ""


class HomeView(Screen):
    """Where somebody arrives."""

    default_view = "home"

    @expose("/")
    def home(self) -> Any:
        here = visit()
        begins = "" if request.args.get("whose") else begins_at(here.catalog, here.policy)
        return redirect(begins, 302) if begins else bench.bench_page(here)

    @expose("/day")
    def day(self) -> Any:
        """Return the work bench, wherever somebody begins."""
        return bench.bench_page(visit())

    @expose("/calendar")
    def calendar(self) -> Any:
        return calendar_pages.my_calendar(visit())

    @expose("/find")
    def find(self) -> Any:
        return pages.find_page(visit())

    @expose("/bin")
    def bin(self) -> Any:
        return pages.bin_page(visit())

    @expose("/files/<number>")
    def file(self, number: str) -> Any:
        return pages.file(visit(), number)

    @expose("/assets/<fingerprint>/<path:name>")
    def asset(self, fingerprint: str, name: str) -> Any:
        """Return a file for the browser. An address of another version gets today's file."""
        assets = screens().renderer.assets
        if fingerprint != assets.fingerprint:
            return redirect(assets.address(name), 302) if name in assets.files else ("", 404)
        return assets.answer(name)


class RecordsView(Screen):
    """Lists, records and forms of every entity."""

    route_base = "/crm"

    @expose("/<entity>/")
    def list(self, entity: str) -> Any:
        return shapes.answer(visit(), entity, request.args)

    @expose("/<entity>/export")
    def export(self, entity: str) -> Any:
        return export_list(visit(), entity, request.args)

    @expose("/<entity>/new", methods=["GET", "POST"])
    def new(self, entity: str) -> Any:
        form = Editing(visit(), entity)
        return form.save() if request.method == "POST" else form.open()

    @expose("/<entity>/new/refresh", methods=["POST"])
    def refresh_new(self, entity: str) -> Any:
        return Editing(visit(), entity).refresh()

    @expose("/<entity>/<int:number>")
    def show(self, entity: str, number: int) -> Any:
        return record_page(visit(), entity, str(number))

    @expose("/<entity>/<int:number>/edit", methods=["GET", "POST"])
    def edit(self, entity: str, number: int) -> Any:
        form = Editing(visit(), entity, str(number))
        return form.save() if request.method == "POST" else form.open()

    @expose("/<entity>/<int:number>/edit/refresh", methods=["POST"])
    def refresh_edit(self, entity: str, number: int) -> Any:
        return Editing(visit(), entity, str(number)).refresh()

    @expose("/<entity>/new/again", methods=["POST"])
    def new_again(self, entity: str) -> Any:
        return quick.again(visit(), entity)

    @expose("/<entity>/new/quick", methods=["GET", "POST"])
    def quick(self, entity: str) -> Any:
        form = quick.QuickEditing(visit(), entity)
        return form.save() if request.method == "POST" else form.open()

    @expose("/<entity>/new/quick/refresh", methods=["POST"])
    def refresh_quick(self, entity: str) -> Any:
        return quick.QuickEditing(visit(), entity).refresh()

    @expose("/<entity>/<int:number>/edit/again", methods=["POST"])
    def edit_again(self, entity: str, number: int) -> Any:
        return Editing(visit(), entity, str(number)).keep_editing()

    @expose("/<entity>/<int:number>/history")
    def history(self, entity: str, number: int) -> Any:
        return pages.history_page(visit(), entity, str(number))

    @expose("/<entity>/<int:number>/timeline")
    def timeline(self, entity: str, number: int) -> Any:
        return happenings.timeline_part(visit(), entity, str(number))

    @expose("/<entity>/<int:number>/delete", methods=["POST"])
    def delete(self, entity: str, number: int) -> Any:
        return acts.delete(visit(), entity, str(number))

    @expose("/<entity>/<int:number>/restore", methods=["POST"])
    def restore(self, entity: str, number: int) -> Any:
        return acts.restore(visit(), entity, str(number))

    @expose("/<entity>/<int:number>/transfer", methods=["POST"])
    def transfer(self, entity: str, number: int) -> Any:
        return acts.transfer(visit(), entity, str(number))

    @expose("/<entity>/<int:number>/claim", methods=["POST"])
    def claim(self, entity: str, number: int) -> Any:
        return pools.claim(visit(), entity, str(number))

    @expose("/<entity>/<int:number>/release", methods=["POST"])
    def release(self, entity: str, number: int) -> Any:
        return pools.release(visit(), entity, str(number))

    @expose("/<entity>/<int:number>/assign", methods=["POST"])
    def assign(self, entity: str, number: int) -> Any:
        return pools.assign(visit(), entity, str(number))

    @expose("/<entity>/<int:number>/share", methods=["GET", "POST"])
    def share(self, entity: str, number: int) -> Any:
        if request.method == "POST":
            return shares.share(visit(), entity, str(number))
        return shares.shares_page(visit(), entity, str(number))

    @expose("/<entity>/<int:number>/share/<int:person>", methods=["POST"])
    def unshare(self, entity: str, number: int, person: int) -> Any:
        return shares.unshare(visit(), entity, str(number), person)

    @expose("/<entity>/<int:number>/move/<field>", methods=["POST"])
    def move(self, entity: str, number: int, field: str) -> Any:
        return moving.move(visit(), entity, str(number), field)

    @expose("/<entity>/<int:number>/lanes")
    def lanes(self, entity: str, number: int) -> Any:
        return board_moves.lanes(visit(), entity, str(number))

    @expose("/<entity>/<int:number>/lane", methods=["POST"])
    def lane(self, entity: str, number: int) -> Any:
        return board_moves.move_card(visit(), entity, str(number))

    @expose("/<entity>/<int:number>/day", methods=["POST"])
    def day(self, entity: str, number: int) -> Any:
        return calendar_moves.move_day(visit(), entity, str(number))

    @expose("/<entity>/<int:number>/above", methods=["POST"])
    def above(self, entity: str, number: int) -> Any:
        return trees.hang(visit(), entity, str(number))

    @expose("/<entity>/<int:number>/submit", methods=["POST"])
    def submit(self, entity: str, number: int) -> Any:
        return approvals.submit(visit(), entity, str(number))

    @expose("/<entity>/pick/<field>", methods=["POST"])
    def pick(self, entity: str, field: str) -> Any:
        return pickers.pick(visit(), entity, field)

    @expose("/<entity>/<int:number>/attachments", methods=["POST"])
    def attach(self, entity: str, number: int) -> Any:
        return attachments.attach(visit(), entity, number)

    @expose("/<entity>/<int:number>/attachments/<int:file>/off", methods=["POST"])
    def detach(self, entity: str, number: int, file: int) -> Any:
        return attachments.detach(visit(), entity, number, file)

    @expose("/<entity>/upload/<field>", methods=["POST"])
    def upload(self, entity: str, field: str) -> Any:
        return pages.upload(visit(), entity, field)


class ApprovalsView(Screen):
    """What waits for one's approval, and answering it."""

    route_base = "/approvals"

    @expose("")
    def show(self) -> Any:
        return approvals.approvals_page(visit())

    @expose("/count")
    def count(self) -> Any:
        return approvals.count(visit())

    @expose("/<int:run>/<what>", methods=["POST"])
    def decide(self, run: int, what: str) -> Any:
        return approvals.decide(visit(), run, what)


class MeView(Screen):
    """One's own account."""

    route_base = "/me"

    @expose("")
    def show(self) -> Any:
        return me.me_page(visit())

    @expose("/language", methods=["POST"])
    def language(self) -> Any:
        return me.choose_language(visit())

    @expose("/theme", methods=["POST"])
    def theme(self) -> Any:
        return me.choose_theme(visit())

    @expose("/preferences", methods=["POST"])
    def preferences(self) -> Any:
        return me.choose_preferences(visit())

    @expose("/password", methods=["POST"])
    def password(self) -> Any:
        return my_security.change_password(visit())

    @expose("/security")
    def security(self) -> Any:
        return my_security.security_page(visit())

    @expose("/second-factor/<what>", methods=["POST"])
    def second_factor(self, what: str) -> Any:
        acts = {
            "begin": my_security.begin_factor,
            "confirm": my_security.confirm_factor,
            "codes": my_security.new_codes,
            "drop": my_security.drop_factor,
        }
        if what not in acts:
            raise NotFound
        return acts[what](visit())

    @expose("/sessions/end", methods=["POST"])
    def end_session(self) -> Any:
        return my_sessions.end_session(visit())

    @expose("/keys", methods=["GET", "POST"])
    def keys(self) -> Any:
        return my_keys.new_key(visit()) if request.method == "POST" else my_keys.keys_page(visit())

    @expose("/keys/<uuid>/revoke", methods=["POST"])
    def revoke_key(self, uuid: str) -> Any:
        return my_keys.revoke_key(visit(), uuid)


class AdministrationView(Screen):
    """People, for administrators."""

    @expose("/people")
    def people(self) -> Any:
        return people.people_page(visit())

    @expose("/people/<int:number>")
    def person(self, number: int) -> Any:
        return people.people_page(visit(), str(number))

    @expose("/people/roles")
    def roles(self) -> Any:
        return people.roles_page(visit())

    @expose("/people/new", methods=["GET", "POST"])
    def new_person(self) -> Any:
        here = visit()
        if request.method == "POST":
            return account_pages.save_account(here)
        return account_pages.account_page(here)

    @expose("/people/<int:number>/edit", methods=["GET", "POST"])
    def edit_person(self, number: int) -> Any:
        here = visit()
        if request.method == "POST":
            return account_pages.save_account(here, str(number))
        return account_pages.account_page(here, str(number))
