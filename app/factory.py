"""The web application: the only place that wires the rooms together, in the order it happens.

``create_app`` takes settings and returns a Flask app that serves the newest applied catalog; it
changes nothing in the database.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask, request
from flask_appbuilder import AppBuilder
from flask_wtf.csrf import CSRFProtect
from sqlalchemy.orm import scoped_session, sessionmaker
from werkzeug.routing import IntegerConverter

from app.api import register_api
from app.api.mistakes import answer as api_answer
from app.api.mistakes import is_api
from app.clock import Clock
from app.collector import keep_what_is_here
from app.health import add_health
from app.processes import keep_one_heap, wait_until_prepared
from app.records.files import LARGEST
from app.screens import error_page, index_view, register_screens, sign_in_view
from app.security.asking import ask_for_second_factors
from app.security.cookies import Cookies
from app.security.headers import add_headers
from app.security.manager import TrellisSecurityManager
from app.security.refusals import note_refusals
from app.services import Services, open_services
from app.settings import Settings, read_settings
from app.texts import OWN_LANGUAGES

#: Requests that only look.
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: The way in for programs: it reads no cookie, so nobody's browser can be made to use it.
_TOKEN_LOGIN = re.compile(r"/api/v1/security/(login|refresh)")
#: Other programs sign what they send; no cookie is read there either.
_HOOKS = "/hooks/"


class Number(IntegerConverter):
    """A number of a record in an address: none is larger than the database counts."""

    def __init__(self, addresses: Any) -> None:
        """Take the map of addresses."""
        super().__init__(addresses, max=2**63 - 1)


class Web(Flask):
    """Flask without its search, a dozen times a request, for views that are coroutines."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return *func*: none of ours is one."""
        return func


class Builder(AppBuilder):  # type: ignore[misc]  # FAB is not typed.
    """Flask-AppBuilder without the pages it adds by itself.

    Its change of language and its way back do something, or lead somewhere, by a mere GET; its
    static files belong to pages that are not shown.
    """

    def _add_global_static(self) -> None:
        pass

    def _add_admin_views(self) -> None:
        self._indexview = self.add_view_no_menu(self.indexview)
        self.sm.register_views()


def create_app(
    settings: Settings, services: Services | None = None, clock: Clock | None = None
) -> Flask:
    """Return the web application of an installation."""
    known = services or open_services(settings, clock)
    # No folder is served as it lies on disk: the screens look their files up in a table.
    app = Web("app.screens", template_folder="templates", static_folder=None)
    app.url_map.converters["int"] = Number
    app.config.update(_config(settings, known))
    app.session_interface = Cookies()
    app.extensions["trellis"] = known

    # Before AppBuilder: its blueprints exempt themselves only from what is there already.
    csrf = CSRFProtect(app)
    app.before_request(lambda: _protect(csrf))
    note_refusals(app, known)
    add_headers(app, behind_tls=settings.behind_tls)
    add_health(app, known)
    ask_for_second_factors(app, known)
    if settings.behind_tls:
        _trust_proxy(app)

    with app.app_context():
        session = scoped_session(sessionmaker(known.pools.engine))
        app.teardown_appcontext(lambda _error: session.remove())
        _build(app, session, known)
    return app


def create_app_from_environment() -> Flask:
    """Return the application of this process' environment; what the web server calls."""
    keep_one_heap()
    wait_until_prepared()
    app = create_app(read_settings())
    # Here people are served: who reads personal data is noted.
    app.extensions["trellis"].records.reader.reads.begin()
    keep_what_is_here()
    return app


def _build(app: Flask, session: Any, known: Services) -> None:
    """Let AppBuilder host our views; the order is that of the pages' importance."""
    TrellisSecurityManager.authdbview = sign_in_view()
    builder = Builder(
        app,
        session,
        indexview=index_view(),
        security_manager_class=TrellisSecurityManager,
        base_template="base.html",
        update_perms=False,
    )
    register_api(builder, known)
    register_screens(builder, known)
    # People get a page, programs the API's one shape; neither ever gets a trace.
    app.register_error_handler(
        Exception, lambda error: api_answer(error) if is_api() else error_page(error)
    )


def _protect(csrf: CSRFProtect) -> None:
    """Refuse a request that changes something and that another site may have sent.

    A token in the Authorization header is never sent by a browser on its own, a cookie is.
    """
    if request.method in _SAFE or "Authorization" in request.headers:
        return
    if _TOKEN_LOGIN.fullmatch(request.path) or request.path.startswith(_HOOKS):
        return
    csrf.protect()


def _config(settings: Settings, known: Services) -> dict[str, Any]:
    languages = {"en": {"flag": "gb", "name": "English"}, "zh": {"flag": "cn", "name": "中文"}}
    return {
        "SECRET_KEY": known.secrets.secret_key,
        "JWT_SECRET_KEY": known.secrets.secret_key,
        "JWT_ACCESS_TOKEN_EXPIRES": timedelta(hours=1),
        "SESSION_COOKIE_NAME": "trellis",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.behind_tls,
        "SESSION_REFRESH_EACH_REQUEST": False,
        "PERMANENT_SESSION_LIFETIME": timedelta(days=14),
        "MAX_CONTENT_LENGTH": LARGEST + 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 2 * 1024 * 1024,
        "MAX_FORM_PARTS": 5_000,
        "WTF_CSRF_CHECK_DEFAULT": False,
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": True,
        "TEMPLATES_AUTO_RELOAD": False,
        "PROPAGATE_EXCEPTIONS": False,
        "BABEL_DEFAULT_LOCALE": OWN_LANGUAGES[0],
        "LANGUAGES": languages,
        "APP_NAME": "Trellis",
        "AUTH_ROLE_ADMIN": "admin",
        "AUTH_ROLE_PUBLIC": "public",
        "AUTH_TYPE": 1,
        "AUTH_USER_REGISTRATION": False,
        "FAB_CREATE_DB": False,
        "FAB_UPDATE_PERMS": False,
        "FAB_ADD_SECURITY_API": False,
        "FAB_API_KEY_ENABLED": True,
        "FAB_API_SWAGGER_UI": False,
        "FAB_API_SHOW_STACKTRACE": False,
        "FAB_ADD_MENU_API": False,
        "FAB_ADD_OPENAPI_VIEWS": False,
        "RATELIMIT_ENABLED": False,
    }


def _trust_proxy(app: Flask) -> None:
    """Believe the proxy that ends TLS about the address, scheme and host of a request."""
    from werkzeug.middleware.proxy_fix import ProxyFix

    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
