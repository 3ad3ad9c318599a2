"""Signing in for programs: a name and a password become tokens, as Flask-AppBuilder does it.

The addresses, bodies and answers are FAB's, so that a client written for it works; the errors are
in our shape, and whether a token still counts is the identity's to say.
"""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask_appbuilder.api import BaseApi, expose
from flask_jwt_extended import create_access_token, create_refresh_token

from app.api.answers import answers, as_json
from app.api.requests import body, services
from app.errors import InvalidInput, NotAuthenticated
from app.texts import say

_KNOWN = ("username", "password", "provider", "refresh")
_LONGEST = 1_024


class SignInApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/security/login`` and ``/api/v1/security/refresh``."""

    resource_name = "security"
    version = "v1"
    csrf_exempt = False
    openapi_spec_tag = "Signing in"

    @expose("/login", methods=["POST"])
    @answers
    def login(self) -> Response:
        """Return an access token, and with ``refresh`` one to get others with."""
        sent = _credentials(body())
        user = self.appbuilder.sm.auth_user_db(sent["username"], sent["password"])
        if user is None:
            # One sentence for every reason: it must not tell which accounts there are.
            raise NotAuthenticated(
                say(
                    "Name or password is wrong, or the account is closed.",
                    "用户名或密码错误，或账号已停用。",
                )
            )
        name, claims = str(user.id), services().identity.new_claims(user.id)
        answer = {"access_token": create_access_token(name, fresh=True, additional_claims=claims)}
        if sent.get("refresh"):
            answer["refresh_token"] = create_refresh_token(name, additional_claims=claims)
        return as_json(answer)

    @expose("/refresh", methods=["POST"])
    @answers
    def refresh(self) -> Response:
        """Return a new access token for a refresh token that still counts."""
        identity = services().identity
        user_id = identity.of_refresh_token(request).user_id
        assert user_id is not None
        claims = identity.new_claims(user_id)
        token = create_access_token(str(user_id), fresh=False, additional_claims=claims)
        return as_json({"access_token": token})


def _credentials(sent: dict[str, Any]) -> dict[str, Any]:
    """Read the body of a sign-in.

    Raises:
        InvalidInput: a key is missing, unknown, or of another kind.
    """
    wrong: dict[str, Any] = {}
    for name in sent:
        if name not in _KNOWN:
            wrong[name] = say(
                "There is no such key here. Known are {names}.",
                "这里没有这个键。可用的键：{names}。",
                names=", ".join(_KNOWN),
            )
    for name in ("username", "password"):
        value = sent.get(name)
        if not isinstance(value, str) or not value or len(value) > _LONGEST or "\0" in value:
            wrong[name] = say(
                "A text of 1 to {most} characters.",
                "应为 1 到 {most} 个字符的文本。",
                most=_LONGEST,
            )
        elif any("\ud800" <= sign <= "\udfff" for sign in value):
            wrong[name] = say("This is half a character.", "文本中含有不完整的字符。")
    if sent.get("provider", "db") != "db":
        wrong["provider"] = say("Only db.", "只支持 db。")
    if not isinstance(sent.get("refresh", False), bool):
        wrong["refresh"] = say("true or false.", "应为 true 或 false。")
    if wrong:
        raise InvalidInput({name: [sentence] for name, sentence in wrong.items()})
    return sent
