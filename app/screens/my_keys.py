"""One's own keys for programs: made, shown once, taken away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, current_app, redirect, request

from app.screens.list_view import Tab
from app.screens.my_sessions import note_account
from app.screens.my_settings import my_tabs
from app.screens.visit import Visit, leave_toast


@dataclass(frozen=True, slots=True)
class KeyItem:
    """One key for a program."""

    name: str
    prefix: str
    made: str
    used: str
    href: str


@dataclass(frozen=True, slots=True)
class KeysView:
    """Everything `my_keys.html` shows."""

    tabs: Sequence[Tab]
    keys: Sequence[KeyItem]
    secret: str = ""
    refused: str = ""


def keys_page(visit: Visit, secret: str = "", refused: str = "") -> Response:
    """Return the page; *secret* is a key that was made just now."""
    view = KeysView(my_tabs(visit, "keys"), _keys(visit), secret, refused)
    page = visit.page(visit.wording.say("API keys"), "me")
    response = visit.render("my_keys.html", page=page, view=view)
    if refused:
        response.status_code = 422
    return response


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
        return keys_page(visit, refused=said)
    manager = _manager()
    user = manager.get_user_by_id(visit.principal.user_id)
    made = manager.create_api_key(user, name)
    note_account(visit, "account.key.made", name=name)
    return keys_page(visit, secret=made["key"] if made else "")


def revoke_key(visit: Visit, uuid: str) -> Response:
    """Take a key away; only one's own."""
    manager = _manager()
    key = manager.get_api_key_by_uuid(uuid)
    if key is not None and key.user_id == visit.principal.user_id:
        manager.revoke_api_key(uuid)
        visit.core.sessions.something_ended()
        note_account(visit, "account.key.revoked", name=key.name)
        leave_toast(visit.wording.say("The key was taken away"))
    return redirect("/me/keys", 303)  # type: ignore[return-value]
