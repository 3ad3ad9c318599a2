"""How the visitor hears of things: by e-mail or not, at once or in a digest, and of which rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time

import sqlalchemy as sa
from flask import Response, redirect, request

from app.automation.ledger import label_of
from app.database.automation_tables import rule
from app.database.statements import Statement
from app.notifications import preferences
from app.screens.controls import Control, choices
from app.screens.list_view import Tab
from app.screens.my_settings import my_tabs
from app.screens.visit import Visit, leave_toast

_names = Statement(
    sa.select(rule.c.number, rule.c.name)
    .where(rule.c.number == sa.func.any(sa.bindparam("numbers", type_=sa.ARRAY(sa.Integer))))
    .order_by(rule.c.name)
)


@dataclass(frozen=True, slots=True)
class MutedRule:
    """One rule the visitor does not want to hear of."""

    label: str
    href: str


@dataclass(frozen=True, slots=True)
class SettingsView:
    """Everything `notification_settings.html` shows."""

    tabs: Sequence[Tab]
    controls: Sequence[Control]
    email: str
    quiet: str
    zone: str
    muted: Sequence[MutedRule]
    #: what is not set up yet, for administrators
    missing: Sequence[str] = ()


def settings_page(visit: Visit) -> Response:
    """Return the page."""
    me = visit.principal.user_id or 0
    with visit.core.pools.read.connection() as connection:
        choice = preferences.read_choices(connection).get(me, preferences.USUAL)
        rows = _names.run(connection, {"numbers": sorted(choice.muted)}).fetchall()
    muted = [
        MutedRule(visit.words(label_of(visit.catalog, name)), f"/me/notifications/rules/{number}")
        for number, name in rows
    ]
    view = SettingsView(
        tabs=my_tabs(visit, "notifications"),
        controls=_controls(visit, choice),
        email=str(visit.principal.my.get("email") or ""),
        quiet=_quiet(visit),
        zone=visit.catalog.app.time_zone,
        muted=muted,
        missing=_missing(visit),
    )
    page = visit.page(visit.wording.say("How you hear of things"), "me")
    return visit.render("notification_settings.html", page=page, view=view)


def _controls(visit: Visit, choice: preferences.Choice) -> list[Control]:
    say = visit.wording.say
    mails = {
        "at_once": say("At once"),
        "daily": say("Once a day, in one e-mail"),
        "weekly": say("Once a week, in one e-mail"),
        "never": say("Never"),
    }
    chats = {"yes": say("Yes"), "no": say("No")}
    return choices(
        (
            ("mail", say("E-mails"), mails, choice.mail),
            ("chat", say("Chat robots may name me"), chats, "yes" if choice.chat else "no"),
        )
    )


def _quiet(visit: Visit) -> str:
    """Return the quiet hours as people say them."""
    spans: Sequence[tuple[time, time]] = visit.catalog.app.calendar.get("quiet") or ()
    return ", ".join(f"{begins:%H:%M}–{ends:%H:%M}" for begins, ends in spans)


def _missing(visit: Visit) -> list[str]:
    if not visit.policy.is_admin:
        return []
    settings = visit.core.settings
    known = {
        "TRELLIS_SMTP_HOST": settings.smtp_host,
        "TRELLIS_ADDRESS": settings.address,
    }
    return [name for name, value in known.items() if not value]


def save_settings(visit: Visit) -> Response:
    """Keep what was chosen."""
    mail = request.form.get("mail", "")
    if mail in preferences.MAILS:
        with visit.core.pools.write.connection() as connection:
            preferences.choose(
                connection,
                visit.principal.user_id or 0,
                mail=mail,  # type: ignore[arg-type]
                chat=request.form.get("chat") != "no",
            )
    leave_toast(visit.wording.say("Saved"))
    return redirect("/me/notifications", 303)  # type: ignore[return-value]


def hear_again(visit: Visit, number: int) -> Response:
    """Hear of a rule again."""
    with visit.core.pools.write.connection() as connection:
        preferences.unmute_rule(connection, visit.principal.user_id or 0, number)
    return redirect("/me/notifications", 303)  # type: ignore[return-value]
