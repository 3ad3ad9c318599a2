"""How one signs in: password, second factor, and the browsers that are signed in.

Whoever only found an open browser can change none of it: each asks for the present password.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import segno
from flask import Response, current_app, redirect, request, session
from markupsafe import Markup

from app.errors import InvalidInput, TooManyRequests
from app.screens.controls import Control
from app.screens.list_view import Tab
from app.screens.my_sessions import SessionItem, my_sessions
from app.screens.my_settings import my_tabs
from app.screens.visit import Visit, leave_toast
from app.security.people import set_password
from app.security.second_factor import address_of, is_asked_of


@dataclass(slots=True)
class SecurityView:
    """Everything `my_security.html` shows."""

    tabs: Sequence[Tab]
    password: Sequence[Control]
    sessions: Sequence[SessionItem]
    #: off | waiting | on
    state: str
    #: a role may not do without
    is_asked: bool
    present: Control
    #: of one that waits for its first code
    picture: str = ""
    secret: str = ""
    code: Control | None = None
    #: of one that is on
    left: str = ""
    #: shown this once
    codes: Sequence[str] = ()
    refused: str = ""
    factor_refused: str = ""


def security_page(
    visit: Visit, refused: Mapping[str, str] | None = None, codes: Sequence[str] = ()
) -> Response:
    """Return the page; *codes* were made just now."""
    said = refused or {}
    me, factors = visit.principal.user_id or 0, visit.core.second_factors
    say = visit.wording.say
    view = SecurityView(
        tabs=my_tabs(visit, "security"),
        password=_password_fields(visit, said),
        sessions=my_sessions(visit),
        state="on" if factors.is_on(me) else "off",
        is_asked=is_asked_of(visit.principal.roles, visit.core.settings.second_factor),
        present=_secret_field("factor-password", say("Present password"), said),
        codes=codes,
        refused=said.get("", ""),
        factor_refused=said.get("factor", ""),
    )
    if view.state == "on":
        view.left = visit.wording.count(
            "%(number)s recovery code is left", "%(number)s recovery codes are left",
            factors.codes_left(me),
        )  # fmt: skip
    else:
        _show_waiting(visit, view, said)
    page = visit.page(say("Security"), "me")
    response = visit.render("my_security.html", page=page, view=view)
    if refused:
        response.status_code = 429 if "wait" in said else 422
    return response


def _show_waiting(visit: Visit, view: SecurityView, said: Mapping[str, str]) -> None:
    secret = visit.core.second_factors.waiting(visit.principal.user_id or 0)
    if secret is None:
        return
    login = str(visit.principal.my.get("login") or visit.principal.name)
    picture = segno.make(address_of(secret, login, visit.catalog.app.name), error="m")
    view.state = "waiting"
    # Black on white in dark pages too: cameras want it so.
    view.picture = Markup(picture.svg_inline(scale=5, dark="#000", light="#fff"))  # noqa: S704 - drawn by us.
    view.secret = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    view.code = Control(
        "text",
        "code",
        visit.wording.say("Code of the authenticator"),
        mode="numeric",
        autocomplete="one-time-code",
        max=20,
        errors=[said["code"]] if "code" in said else [],
    )


def _password_fields(visit: Visit, refused: Mapping[str, str]) -> list[Control]:
    say = visit.wording.say
    return [
        _secret_field("current", say("Present password"), refused, span=4),
        _secret_field("password", say("New password"), refused, "new-password", span=4),
        _secret_field("again", say("New password again"), refused, "new-password", span=4),
    ]


def _secret_field(
    name: str,
    label: str,
    refused: Mapping[str, str],
    complete: str = "current-password",
    span: int = 6,
) -> Control:
    errors = [refused[name]] if name in refused else []
    return Control(
        "text", name, label, span=span, input_type="password", autocomplete=complete, errors=errors
    )


def change_password(visit: Visit) -> Response:
    """Change one's own password; every other session of the account ends."""
    say = visit.wording.say
    new = request.form.get("password", "")
    if _known_by(visit, "current") is None:
        return security_page(visit, {"current": say("This is not your present password.")})
    if new != request.form.get("again", ""):
        return security_page(visit, {"again": say("The two do not agree.")})
    me = visit.principal.user_id or 0
    try:
        with visit.core.pools.write.connection() as connection:
            set_password(connection, me, new, by=me)
    except InvalidInput as problem:
        said = problem.fields.get("password") or [problem.message]
        return security_page(visit, {"password": visit.words(said[0])})  # type: ignore[arg-type]
    visit.core.sessions.expire()
    _begin_anew(visit)
    leave_toast(say("The password was changed; other devices have to sign in again"))
    return redirect("/me/security", 303)  # type: ignore[return-value]


def _known_by(visit: Visit, field: str) -> Any:
    """Return one's account if the field holds the present password."""
    manager = current_app.appbuilder.sm  # type: ignore[attr-defined]
    user = manager.get_user_by_id(visit.principal.user_id)
    return user and manager.auth_user_db(user.username, request.form.get(field, ""))


def _begin_anew(visit: Visit) -> None:
    """Let this browser go on after all sessions of the account ended."""
    language = session.get("locale")
    visit.core.identity.begin_session(visit.principal.user_id or 0, request)
    if language:
        session["locale"] = language


def begin_factor(visit: Visit) -> Response:
    """Show a secret for an authenticator."""
    if _known_by(visit, "factor-password") is None:
        return _not_known(visit)
    visit.core.second_factors.begin(visit.principal.user_id or 0)
    return redirect("/me/security#second", 303)  # type: ignore[return-value]


def confirm_factor(visit: Visit) -> Response:
    """Turn the second factor on with a first code, and show the codes for its loss this once."""
    me = visit.principal.user_id or 0
    try:
        codes = visit.core.second_factors.confirm(
            me, request.form.get("code", "")[:40], request.remote_addr or ""
        )
    except InvalidInput as problem:
        return security_page(visit, {"code": visit.words(problem.fields["code"][0])})  # type: ignore[arg-type]
    except TooManyRequests as problem:
        return security_page(visit, {"code": visit.words(problem.message), "wait": ""})  # type: ignore[arg-type]
    _begin_anew(visit)
    return security_page(visit, codes=codes)


def new_codes(visit: Visit) -> Response:
    """Show new codes for the loss of the authenticator."""
    if _known_by(visit, "factor-password") is None:
        return _not_known(visit)
    me = visit.principal.user_id or 0
    if not visit.core.second_factors.is_on(me):
        return redirect("/me/security#second", 303)  # type: ignore[return-value]
    return security_page(visit, codes=visit.core.second_factors.new_codes(me))


def drop_factor(visit: Visit) -> Response:
    """Turn the second factor off, where no role asks for it."""
    if _known_by(visit, "factor-password") is None:
        return _not_known(visit)
    if is_asked_of(visit.principal.roles, visit.core.settings.second_factor):
        said = visit.wording.say("Your role asks for a second factor; it stays on.")
        return security_page(visit, {"factor": said})
    me = visit.principal.user_id or 0
    if visit.core.second_factors.turn_off(me, me):
        leave_toast(visit.wording.say("The second factor is off"))
    return redirect("/me/security#second", 303)  # type: ignore[return-value]


def _not_known(visit: Visit) -> Response:
    said = visit.wording.say("This is not your present password.")
    return security_page(visit, {"factor-password": said})
