"""Signing in and out: Flask-AppBuilder's door with our page in it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Response, current_app, redirect, request, session
from flask_appbuilder import expose
from flask_appbuilder.security.views import AuthDBView

from app.errors import NotAuthenticated, TooManyRequests
from app.screens.visit import Screens, Visit
from app.security.second_factor import WRONG
from app.security.throttle import WINDOW

#: Fewer tries left are told.
_FEW = 4


def screens() -> Screens:
    """Return the screens of the running app."""
    found: Screens = current_app.extensions["trellis.screens"]
    return found


def safe_next(address: str) -> str:
    """Return where to go after signing in: a page of ours, never another site."""
    parts = urlsplit(address)
    is_ours = not parts.scheme and not parts.netloc and address.startswith("/")
    if not is_ours or address.startswith(("//", "/\\")) or "\\" in address:
        return "/"
    return address


class SignInView(AuthDBView):  # type: ignore[misc]  # FAB is not typed.
    """The sign-in page. FAB checks the password; the session is ours."""

    route_base = ""

    @expose("/sign-in", methods=["GET", "POST"])
    def login(self) -> Any:
        """Show the page, or sign somebody in."""
        visit = Visit(screens())
        if request.args.get("language") in visit.catalog.app.languages:
            session["locale"] = request.args["language"]
        if request.method in ("GET", "HEAD"):
            return self._get(visit)
        name, password = request.form.get("username", ""), request.form.get("password", "")
        try:
            user = self.appbuilder.sm.auth_user_db(name, password)
        except TooManyRequests as problem:
            return _page(visit, name, visit.words(problem.message), 429)  # type: ignore[arg-type]
        if user is None:
            refused = visit.wording.say("Name or password is wrong, or the account is closed.")
            left = visit.core.throttle.left(name, request.remote_addr or "")
            if left < _FEW:
                refused += " " + visit.wording.count(
                    "%(number)s try is left, then comes a pause of %(minutes)s minutes.",
                    "%(number)s tries are left, then comes a pause of %(minutes)s minutes.",
                    left,
                    minutes=int(WINDOW.total_seconds()) // 60,
                )
            return _page(visit, name, refused, 401)
        if visit.core.second_factors.is_on(user.id):
            visit.core.identity.wait_for_code(user.id)
            return redirect(_with_next("/sign-in/code"), 303)
        return self._let_in(visit, user)

    @expose("/sign-in/code", methods=["GET", "POST"])
    def code(self) -> Any:
        """Ask for the code of an authenticator, after the password."""
        visit = Visit(screens())
        user_id = visit.core.identity.waits_for_code()
        user = None if user_id is None else self.appbuilder.sm.get_user_by_id(user_id)
        if user is None or visit.core.organisation.principal(user.id) is None:
            return redirect(_with_next("/sign-in"), 302)
        if request.method in ("GET", "HEAD"):
            return _code_page(visit, "", 200)
        code, address = request.form.get("code", "")[:40], request.remote_addr or ""
        try:
            known = visit.core.second_factors.accept(user.id, code, address)
        except TooManyRequests as problem:
            return _code_page(visit, visit.words(problem.message), 429)  # type: ignore[arg-type]
        if known is None:
            self.appbuilder.sm.note_wrong_code(user)
            return _code_page(visit, visit.words(WRONG), 401)
        return self._let_in(visit, user, known)

    def _let_in(self, visit: Visit, user: Any, second: str | None = None) -> Any:
        language = session.get("locale")
        visit.core.identity.begin_session(user.id, request)
        self.appbuilder.sm.note_sign_in(user, "browser", second)
        if language:
            session["locale"] = language
        return redirect(safe_next(request.args.get("next", "/")), 303)

    def _get(self, visit: Visit) -> Any:
        try:
            visit.principal  # noqa: B018 - asking is the point.
        except NotAuthenticated:
            return _page(visit, "", "", 200)
        return redirect(safe_next(request.args.get("next", "/")), 302)

    @expose("/sign-out", methods=["POST"])
    def logout(self) -> Any:
        """End the session."""
        screens().core.identity.end_session()
        return redirect("/sign-in", 303)


def _page(visit: Visit, username: str, refused: str, status: int) -> Response:
    response = visit.render(
        "sign_in.html",
        page=visit.bare_page(visit.wording.say("Sign in")),
        action=_with_next("/sign-in"),
        can_forget=visit.core.tickets.can_mail,
        is_chosen="chosen" in request.args,
        username=username,
        refused=refused,
    )
    response.status_code = status
    return response


def _code_page(visit: Visit, refused: str, status: int) -> Response:
    response = visit.render(
        "sign_code.html",
        page=visit.bare_page(visit.wording.say("Second step")),
        action=_with_next("/sign-in/code"),
        refused=refused,
    )
    response.status_code = status
    return response


def _with_next(path: str) -> str:
    """Return an address of the door that keeps where somebody wanted to go."""
    after = safe_next(request.args.get("next", "/"))
    return path if after == "/" else f"{path}?{urlencode({'next': after})}"
