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
from app.errors import Forbidden, InvalidInput, NotAuthenticated
from app.security.second_factor import WRONG, is_asked_of
from app.texts import say

_KNOWN = ("username", "password", "provider", "refresh", "otp")
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
        known = second_step(self.appbuilder.sm, user, sent.get("otp"))
        self.appbuilder.sm.note_sign_in(user, "token", known)
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


def second_step(manager: Any, user: Any, code: str | None) -> str | None:
    """Return how a second factor was known; None where none is asked for.

    Raises:
        NotAuthenticated: one is, and the code is missing or wrong.
        Forbidden: one of the roles asks for it, and it is not set up.
    """
    core = services()
    if not core.second_factors.is_on(user.id):
        principal = core.organisation.principal(user.id)
        if principal is not None and is_asked_of(principal.roles, core.settings.second_factor):
            raise Forbidden(
                say(
                    "Your role asks for a second factor. Set it up in a browser first: "
                    "Your account, Security.",
                    "您的角色要求启用双重验证，请先在浏览器的“我的账号”-“安全”中设置。",
                )
            )
        return None
    if code is None:
        sentence = say(
            "A code of the authenticator is needed: send it as `otp`.",
            "需要身份验证器的验证码，请用 `otp` 提交。",
        )
        raise NotAuthenticated(sentence, fields={"otp": [sentence]})
    known: str | None = core.second_factors.accept(user.id, code, request.remote_addr or "")
    if known is None:
        manager.note_wrong_code(user)
        raise NotAuthenticated(WRONG, fields={"otp": [WRONG]})
    return known


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
    otp = sent.get("otp")
    if otp is not None and not (isinstance(otp, str) and 0 < len(otp) <= 40 and otp.isprintable()):
        wrong["otp"] = say("A text of 1 to 40 characters.", "应为 1 到 40 个字符的文本。")
    if not isinstance(sent.get("refresh", False), bool):
        wrong["refresh"] = say("true or false.", "应为 true 或 false。")
    if wrong:
        raise InvalidInput({name: [sentence] for name, sentence in wrong.items()})
    return sent
