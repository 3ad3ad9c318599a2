"""Flask-AppBuilder's security manager, reduced to what Trellis takes from it.

Users, roles, groups, their tables, LDAP and OAuth, JWT sign-in and API keys are FAB's. Its pages
for users and roles are not registered at all: ours stand in ``screens``. What a role may do with
records stands in YAML and is decided in ``access``.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, g, request
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_login import LoginManager, current_user

from app.database import audit
from app.errors import Forbidden, TooManyRequests
from app.texts import say


class TrellisSecurityManager(SecurityManager):  # type: ignore[misc]  # FAB is not typed.
    """Signs people in; knows nothing of records."""

    def register_views(self) -> None:
        """Register the sign-in page, and none of FAB's own; the token API is in ``api``."""
        self.auth_view = self.authdbview()
        self.appbuilder.add_view_no_menu(self.auth_view)

    def create_login_manager(self, app: Flask) -> LoginManager:
        """Let Flask-Login ask the identity of the request instead of its own cookie."""
        manager = super().create_login_manager(app)
        # FAB's views read current_user; ours never do, so the user is loaded for few requests.
        manager.request_loader(self._load_from_request)
        return manager

    def _load_from_request(self, _request: Any) -> Any:
        principal = services().identity.principal(request)
        return None if principal is None else self.load_user(principal.user_id)

    @staticmethod
    def before_request() -> None:
        """Give FAB its ``g.user``, loaded only if somebody looks."""
        g.user = current_user

    def auth_user_db(self, username: str, password: str) -> Any:
        """Check name and password; slow guessing down and leave a trace of a refusal.

        Whoever lets the person in says so with `note_sign_in`: a second factor may be to come.
        """
        known, address = services(), request.remote_addr or ""
        name = (username or "").strip()
        try:
            known.throttle.check(name, address)
        except TooManyRequests:
            self._note("account.session.throttled", None, name)
            raise
        user = super().auth_user_db(name, password) if len(password or "") <= 1024 else None
        if user is None:
            known.throttle.failed(name, address)
            self._note("account.session.refused", None, name)
            return None
        known.throttle.succeeded(name, address)
        if known.organisation.principal(user.id) is None:
            # The record of the user says that the account is closed.
            self._note("account.session.refused", user.id, name)
            return None
        return user

    def note_sign_in(self, user: Any, way: str, second: str | None = None) -> None:
        """Keep that somebody was let in: `browser` or `token`, and by which second factor."""
        self._note("account.session.begin", user.id, user.username, way=way, second=second)

    def note_wrong_code(self, user: Any) -> None:
        """Keep that a right password came with a wrong code."""
        self._note("account.session.refused", user.id, user.username, second="wrong")

    def _note(self, kind: str, user_id: int | None, name: str, **more: str | None) -> None:
        details = {"name": name[:200], "agent": request.headers.get("User-Agent", "")[:300]}
        details |= {key: value for key, value in more.items() if value is not None}
        with services().pools.write.connection() as connection:
            audit.note(
                connection,
                kind,
                user_id=user_id,
                address=request.remote_addr,
                details=details,
            )


def services() -> Any:
    """Return what hangs on the running app; see ``factory.Services``."""
    return current_app.extensions["trellis"]


def require_admin(principal: Any) -> None:
    """Let only administrators pass.

    Raises:
        Forbidden: the principal has no administrator's role.
    """
    if not principal.is_admin:
        raise Forbidden(
            say(
                "Only administrators may do this.",
                "只有管理员可以执行此操作。",
            )
        )
