"""The browsers somebody is signed in with: seeing them, ending one or all but this one."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, redirect, request, session
from markupsafe import Markup

from app.database import audit
from app.screens.audit_words import device_of
from app.screens.moments import time_tag
from app.screens.visit import Visit, leave_toast
from app.security.identity import SESSION_KEY
from app.security.sessions import checksum


@dataclass(frozen=True, slots=True)
class SessionItem:
    """One browser."""

    #: names it without being of use to anybody: a checksum of what its cookie holds
    id: str
    device: str
    address: str
    seen: str | Markup
    since: str | Markup
    is_this: bool


def my_sessions(visit: Visit) -> list[SessionItem]:
    """Return one's open sessions, this one first."""
    return sessions_of(visit, visit.principal.user_id or 0)


def sessions_of(visit: Visit, user_id: int) -> list[SessionItem]:
    """Return the open sessions of somebody."""
    here = _here()
    look = visit.look
    found = [
        SessionItem(
            one["token"],
            device_of(one["agent"] or "") or visit.wording.say("Unknown program"),
            one["address"] or "",
            time_tag(one["seen_at"], look.now, visit.wording, look.zone),
            time_tag(one["created_at"], look.now, visit.wording, look.zone),
            one["token"] == here,
        )
        for one in visit.core.sessions.open_of(user_id)
    ]
    return sorted(found, key=lambda one: not one.is_this)


def end_session(visit: Visit) -> Response:
    """End one of one's own sessions, or all but this one; another's is none of one's own."""
    here, wanted = _here(), request.form.get("session", "")
    mine = [one["token"] for one in visit.core.sessions.open_of(visit.principal.user_id)]
    ending = [one for one in mine if (one == wanted if wanted else one != here)]
    for one in ending:
        visit.core.sessions.end_by_checksum(one)
    if ending:
        note_account(visit, "account.session.ended", count=len(ending))
    say = visit.wording
    leave_toast(say.count("%(number)s session was ended", "%(number)s sessions were ended",
                          len(ending)))  # fmt: skip
    return redirect("/me/security#sessions", 303)  # type: ignore[return-value]


def _here() -> str:
    token = session.get(SESSION_KEY)
    return checksum(token) if isinstance(token, str) else ""


def note_account(visit: Visit, kind: str, user_id: int | None = None, **details: object) -> None:
    """Keep what somebody did to an account, one's own if no other is named."""
    me = visit.principal.user_id
    with visit.core.pools.write.connection() as connection:
        audit.note(
            connection,
            kind,
            user_id=me,
            address=request.remote_addr,
            details={"user": user_id or me, **details},
        )
