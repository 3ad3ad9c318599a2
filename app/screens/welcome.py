"""Choosing a password by a link: the form for who forgot theirs, and the page of the link.

Nothing here tells which accounts there are: asking for a link is answered the same way for every
name, and a link that is not good says only that.
"""

from __future__ import annotations

import time
from typing import Any

from flask import Response, redirect, request
from flask_appbuilder import expose

from app.errors import InvalidInput, NotFound, TooManyRequests
from app.screens.views import Screen, visit
from app.screens.visit import Visit
from app.texts import say

#: Asked for by one account within a quarter of an hour, from wherever.
_MOST_ASKED = 5
_LONGEST = 256
#: Seconds that every such question takes.
_ALIKE = 0.1


class WelcomeView(Screen):
    """`/sign-in/forgot` and `/welcome/<token>`."""

    @expose("/sign-in/forgot", methods=["GET", "POST"])
    def forgot(self) -> Any:
        """Ask whose password it is, and send a link."""
        here = visit()
        if not here.core.tickets.can_mail:
            raise NotFound
        if request.method in ("GET", "HEAD"):
            return _forgot(here)
        name = request.form.get("username", "").strip()[:_LONGEST]
        key, address = f"reset {name}", request.remote_addr or ""
        try:
            here.core.throttle.check(key, address, _MOST_ASKED)
        except TooManyRequests as problem:
            return _forgot(here, refused=here.words(problem.message), status=429)  # type: ignore[arg-type]
        here.core.throttle.failed(key, address)
        began = time.monotonic()
        here.core.tickets.ask_for_reset(name, here.catalog.app.name)
        # A name that is known takes longer to deal with; nobody is to learn that by waiting.
        time.sleep(max(0.0, _ALIKE - (time.monotonic() - began)))
        return _forgot(here, is_sent=True)

    @expose("/welcome/<token>", methods=["GET", "POST"])
    def welcome(self, token: str) -> Any:
        """Let somebody choose a password, once."""
        here = visit()
        found = here.core.tickets.look(token)
        if found is None:
            return _welcome(here, None, status=404)
        if request.method in ("GET", "HEAD"):
            return _welcome(here, found)
        password = request.form.get("password", "")
        if password != request.form.get("again", ""):
            return _welcome(here, found, here.wording.say("The two do not agree."), 422)
        try:
            done = here.core.tickets.use(token, password)
        except InvalidInput as problem:
            said = problem.fields.get("password") or [problem.message]
            return _welcome(here, found, here.words(said[0]), 422)  # type: ignore[arg-type]
        if done is None:
            return _welcome(here, None, status=404)
        here.core.sessions.expire()
        # No session yet: a second factor, if there is one, is asked for at the door.
        return redirect("/sign-in?chosen=1", 303)


def _forgot(
    here: Visit, *, is_sent: bool = False, refused: str = "", status: int = 200
) -> Response:
    page = here.bare_page(here.wording.say("Forgotten password"))
    response = here.render("forgot.html", page=page, is_sent=is_sent, refused=refused)
    response.status_code = status
    return response


def _welcome(here: Visit, found: Any, refused: str = "", status: int = 200) -> Response:
    title = say("Choose a password", "设置密码")
    view = {
        "title": here.words(title),
        "name": found.person.name if found else "",
        "login": str(found.person.record.get("login") or "") if found else "",
        "is_good": found is not None,
        "can_ask": here.core.tickets.can_mail,
    }
    page = here.bare_page(here.words(title))
    response = here.render(
        "welcome.html", page=page, view=view, refused=refused, action=request.path
    )
    response.status_code = status
    return response
