"""The web server: ``python -m app.web``.

It loads the code before it makes its workers, which are forks of it: they share the eighty
megabytes that FAB, SQLAlchemy and we take, and a worker that died is replaced without loading them
again. What belongs to one process, connections and threads above all, begins in the worker, in
``create_app_from_environment``.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from babel import Locale
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from app import api, factory, screens
from app.collector import keep_what_is_here
from app.processes import wait_until_prepared
from app.screens.moments import locale_of
from app.screens.rendering import own_renderer
from app.settings import Settings, read_settings
from app.texts import OWN_LANGUAGES


def serve(settings: Settings) -> None:
    """Serve until a signal comes."""
    # Python's collector writes into what it looks at, and what is written to is no longer shared.
    keep_what_is_here()
    Granian(
        f"{factory.__name__}:{factory.create_app_from_environment.__name__}",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        websockets=False,
        workers=settings.workers,
        blocking_threads=settings.threads,
        # Without this the death of one worker ends the whole server.
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=3,
        log_level=LogLevels.warning,
    ).serve()


def load() -> None:
    """Load what the workers would each load by themselves when they are asked for it."""
    for room in (api, screens):
        _load_all_of(room)
    own_renderer().compile_daily()
    for language in OWN_LANGUAGES:
        # Babel reads the names and patterns of a language on first use.
        _ = Locale.parse(locale_of(language)).date_formats


def _load_all_of(package: ModuleType) -> None:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(found.name)


if __name__ == "__main__":
    load()
    wait_until_prepared()
    serve(read_settings())
