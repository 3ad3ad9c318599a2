"""Roles that may not do without a second factor: until it is set up, only that page opens."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask, redirect, request

from app.errors import Forbidden, NotAuthenticated
from app.security.second_factor import is_asked_of
from app.texts import say

#: Where somebody sets it up, or leaves; and what pages are made of.
_OPEN = re.compile(
    r"/(me/(security|second-factor/.*|language|theme|password)|sign-(in|out)(/.*)?|assets/.*|"
    r"health|healthz|readyz|metrics)"
)


def ask_for_second_factors(app: Flask, services: Any) -> None:
    """Keep browsers of such people to the page where it is set up.

    Tokens are refused where they are given out; keys were made by who had signed in before.
    """
    asking = services.settings.second_factor
    if not asking:
        return

    @app.before_request
    def ask() -> Any:
        if "Authorization" in request.headers or _OPEN.fullmatch(request.path):
            return None
        try:
            principal = services.identity.principal(request)
        except NotAuthenticated:
            return None
        if principal is None or not is_asked_of(principal.roles, asking):
            return None
        if services.second_factors.is_on(principal.user_id):
            return None
        if request.method in ("GET", "HEAD") and not request.path.startswith("/api/"):
            return redirect("/me/security#second", 303)
        raise Forbidden(
            say(
                "Your role asks for a second factor. Set it up first: Your account, Security.",
                "您的角色要求启用双重验证，请先在“我的账号”-“安全”中设置。",
            )
        )
