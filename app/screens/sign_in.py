"""Signing in and out: Flask-AppBuilder's door with our page in it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Response, current_app, redirect, request, session
from flask_appbuilder import expose
from flask_appbuilder.security.views import AuthDBView

from app.errors import NotAuthenticated, TooManyRequests
from app.screens.visit import Screens, Visit


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
        if request.method == "GET":
            return self._get(visit)
        name, password = request.form.get("username", ""), request.form.get("password", "")
        try:
            user = self.appbuilder.sm.auth_user_db(name, password)
        except TooManyRequests as problem:
            return _page(visit, name, visit.words(problem.message), 429)  # type: ignore[arg-type]
        if user is None:
            refused = visit.wording.say("Name or password is wrong, or the account is closed.")
            return _page(visit, name, refused, 401)
        language = session.get("locale")
        visit.core.identity.begin_session(user.id, request)
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
    action = "/sign-in"
    after = safe_next(request.args.get("next", "/"))
    if after != "/":
        action = f"/sign-in?{urlencode({'next': after})}"
    response = visit.render(
        "sign_in.html",
        page=visit.bare_page(visit.wording.say("Sign in")),
        action=action,
        username=username,
        refused=refused,
    )
    response.status_code = status
    return response
