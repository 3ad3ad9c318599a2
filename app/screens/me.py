"""One's own account: language, look, password, keys for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, current_app, redirect, request, session

from app.access.principal import SYSTEM
from app.errors import InvalidInput
from app.screens.controls import Control, choices
from app.screens.frame import LANGUAGE_NAMES, THEMES
from app.screens.my_sessions import SessionItem, my_sessions
from app.screens.sign_in import safe_next
from app.screens.visit import PREFERENCES, Visit, leave_toast
from app.security.people import set_password

_YEAR = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class KeyItem:
    """One key for a program."""

    name: str
    prefix: str
    made: str
    used: str
    href: str


@dataclass(slots=True)
class MeView:
    """Everything `me.html` shows."""

    sub: str
    preferences: Sequence[Control]
    password: Sequence[Control]
    keys: Sequence[KeyItem]
    sessions: Sequence[SessionItem]
    secret: str = ""
    password_refused: str = ""
    key_refused: str = ""


def me_page(visit: Visit, secret: str = "", refused: Mapping[str, str] | None = None) -> Response:
    """Return the page of one's own account."""
    said = refused or {}
    roles = [
        visit.catalog.roles[name].label.in_language(visit.language) for name in visit.policy.roles
    ]
    view = MeView(
        sub=", ".join(roles)
        or visit.wording.say("No role yet: an administrator can give you one."),
        preferences=_preferences(visit),
        password=_password_fields(visit, said),
        keys=_keys(visit),
        sessions=my_sessions(visit),
        secret=secret,
        password_refused=said.get("", ""),
        key_refused=said.get("key", ""),
    )
    page = visit.page(visit.wording.say("Your account"), "me")
    response = visit.render("me.html", page=page, view=view)
    if refused:
        response.status_code = 422
    return response


def _preferences(visit: Visit) -> list[Control]:
    say = visit.wording.say
    own = visit.preferences
    themes = {"auto": say("As the device"), "light": say("Light"), "dark": say("Dark")}
    densities = {
        "compact": say("Narrow"),
        "regular": say("Regular"),
        "relaxed": say("Wide"),
    }
    keys = {"on": say("On"), "off": say("Off")}
    languages = {name: LANGUAGE_NAMES.get(name, name) for name in visit.catalog.app.languages}
    return choices(
        (
            ("language", say("Language"), languages, visit.language),
            ("theme", say("Look"), themes, own.get("theme") or "auto"),
            ("density", say("Space between rows"), densities, own.get("density") or "regular"),
            ("keys", say("Single keys"), keys, own.get("keys") or "on"),
        )
    )


def _password_fields(visit: Visit, refused: Mapping[str, str]) -> list[Control]:
    say = visit.wording.say
    rows = (
        ("current", say("Present password"), "current-password"),
        ("password", say("New password"), "new-password"),
        ("again", say("New password again"), "new-password"),
    )
    return [
        Control(
            "text",
            name,
            label,
            span=4,
            input_type="password",
            autocomplete=complete,
            errors=[refused[name]] if name in refused else [],
        )
        for name, label, complete in rows
    ]


def choose_language(visit: Visit) -> Response:
    """Switch the language: for this session, and for the person's next ones."""
    language = request.form.get("language", "")
    if language in visit.catalog.app.languages:
        _keep_language(visit, language)
    return redirect(safe_next(request.form.get("next", "/")), 303)  # type: ignore[return-value]


def _keep_language(visit: Visit, language: str) -> None:
    session["locale"] = language
    user = visit.catalog.entities.get("user")
    if user is not None and "language" in user.fields:
        # One's own language needs no right on the records of users.
        visit.writer.update(
            SYSTEM, "user", visit.principal.user_id, {"language": language}, origin="screen"
        )


def choose_theme(visit: Visit) -> Response:
    """Switch between light and dark on this device."""
    del visit
    response = redirect(safe_next(request.form.get("next", "/")), 303)
    theme = request.form.get("theme", "")
    if theme in THEMES:
        _cookie(response, "theme", theme)  # type: ignore[arg-type]
    return response  # type: ignore[return-value]


def choose_preferences(visit: Visit) -> Response:
    """Keep what was chosen on the account page."""
    response = redirect("/me", 303)
    language = request.form.get("language", "")
    if language in visit.catalog.app.languages:
        _keep_language(visit, language)
    for name in PREFERENCES:
        value = request.form.get(name, "")
        if value.isalpha() and len(value) < 20:
            _cookie(response, name, value)  # type: ignore[arg-type]
    leave_toast(visit.screens.renderer.wording(session.get("locale", "")).say("Saved"))
    return response  # type: ignore[return-value]


def _cookie(response: Response, name: str, value: str) -> None:
    response.set_cookie(
        name,
        value,
        max_age=_YEAR,
        httponly=True,
        samesite="Lax",
        secure=bool(current_app.config.get("SESSION_COOKIE_SECURE")),
    )


def change_password(visit: Visit) -> Response:
    """Change one's own password; every other session of the account ends."""
    say = visit.wording.say
    manager = _manager()
    new = request.form.get("password", "")
    user = manager.get_user_by_id(visit.principal.user_id)
    if user is None or manager.auth_user_db(user.username, request.form.get("current", "")) is None:
        return me_page(visit, refused={"current": say("This is not your present password.")})
    if new != request.form.get("again", ""):
        return me_page(visit, refused={"again": say("The two do not agree.")})
    try:
        with visit.core.pools.write.connection() as connection:
            set_password(connection, int(user.id), new, by=int(user.id))
    except InvalidInput as problem:
        said = problem.fields.get("password") or [problem.message]
        return me_page(visit, refused={"password": visit.words(said[0])})  # type: ignore[arg-type]
    language = session.get("locale")
    visit.core.sessions.expire()
    visit.core.identity.begin_session(visit.principal.user_id, request)
    if language:
        session["locale"] = language
    leave_toast(say("The password was changed; other devices have to sign in again"))
    return redirect("/me", 303)  # type: ignore[return-value]


def _manager() -> Any:
    return current_app.appbuilder.sm  # type: ignore[attr-defined]


def _keys(visit: Visit) -> list[KeyItem]:
    found = _manager().find_api_keys_for_user(visit.principal.user_id)
    return [
        KeyItem(
            one.name,
            one.key_prefix,
            _day(one.created_on),
            _day(one.last_used_on) or visit.wording.say("not yet"),
            f"/me/keys/{one.uuid}/revoke",
        )
        for one in found
        if one.revoked_on is None and one.active
    ]


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment is not None else ""


def new_key(visit: Visit) -> Response:
    """Make a key and show it this once."""
    name = request.form.get("name", "").strip()
    if not name or len(name) > 100 or not name.isprintable():
        said = visit.wording.say("Say what will use it, in at most 100 characters.")
        return me_page(visit, refused={"key": said})
    manager = _manager()
    user = manager.get_user_by_id(visit.principal.user_id)
    made = manager.create_api_key(user, name)
    return me_page(visit, secret=made["key"] if made else "")


def revoke_key(visit: Visit, uuid: str) -> Response:
    """Take a key away; only one's own."""
    manager = _manager()
    key = manager.get_api_key_by_uuid(uuid)
    if key is not None and key.user_id == visit.principal.user_id:
        manager.revoke_api_key(uuid)
        visit.core.sessions.something_ended()
        leave_toast(visit.wording.say("The key was taken away"))
    return redirect("/me#keys-api", 303)  # type: ignore[return-value]
