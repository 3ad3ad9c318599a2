"""One's own account: language, time zone, look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from zoneinfo import available_timezones

from flask import Response, current_app, redirect, request, session

from app.access.principal import SYSTEM
from app.screens.controls import Control, choices
from app.screens.frame import LANGUAGE_NAMES, THEMES
from app.screens.list_view import Tab
from app.screens.my_settings import my_tabs
from app.screens.sign_in import safe_next
from app.screens.visit import PREFERENCES, Visit, leave_toast

_YEAR = 365 * 24 * 3600
#: Where time zones are named after places; the other names are old ones for the same.
_REGIONS = frozenset(
    ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian",
     "Pacific")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MeView:
    """Everything `me.html` shows."""

    tabs: Sequence[Tab]
    sub: str
    preferences: Sequence[Control]


def me_page(visit: Visit) -> Response:
    """Return the page of one's own account."""
    roles = [
        visit.catalog.roles[name].label.in_language(visit.language) for name in visit.policy.roles
    ]
    view = MeView(
        tabs=my_tabs(visit, "you"),
        sub=", ".join(roles)
        or visit.wording.say("No role yet: an administrator can give you one."),
        preferences=_preferences(visit),
    )
    page = visit.page(visit.wording.say("Your account"), "me")
    return visit.render("me.html", page=page, view=view)


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
            ("zone", say("Time zone"), _zones(visit), _own_zone(visit)),
            ("theme", say("Look"), themes, own.get("theme") or "auto"),
            ("density", say("Space between rows"), densities, own.get("density") or "regular"),
            ("keys", say("Single keys"), keys, own.get("keys") or "on"),
        )
    )


def _own_zone(visit: Visit) -> str:
    return str(visit.principal.my.get("time_zone") or "company")


@cache
def _places() -> tuple[str, ...]:
    """Return the zones that are named after places; asked of the disk once."""
    return tuple(sorted(one for one in available_timezones() if one.partition("/")[0] in _REGIONS))


def _zones(visit: Visit) -> dict[str, str]:
    """Return the time zones by name; the first is the company's."""
    company = visit.catalog.app.time_zone
    usual = visit.wording.say("The company's (%(zone)s)", zone=company)
    return {"company": usual, **{one: one.replace("_", " ") for one in _places()}}


def choose_language(visit: Visit) -> Response:
    """Switch the language: for this session, and for the person's next ones."""
    language = request.form.get("language", "")
    if language in visit.catalog.app.languages:
        _keep_language(visit, language)
    return redirect(safe_next(request.form.get("next", "/")), 303)  # type: ignore[return-value]


def _keep_language(visit: Visit, language: str) -> None:
    session["locale"] = language
    _keep_own(visit, {"language": language})


def _keep_own(visit: Visit, values: Mapping[str, str | None]) -> None:
    user = visit.catalog.entities.get("user")
    if user is not None and values.keys() <= user.fields.keys():
        # What is one's own needs no right on the records of users.
        visit.writer.update(SYSTEM, "user", visit.principal.user_id, values, origin="screen")
        visit.core.organisation.expire()


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
    zone = request.form.get("zone", "")
    if zone and zone != _own_zone(visit) and zone in _zones(visit):
        _keep_own(visit, {"time_zone": None if zone == "company" else zone})
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
