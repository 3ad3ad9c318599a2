"""What a worker process works with: opened once, used by every job it runs.

A job runs in the process of its worker, so connections and statements stay prepared. What a job
leaves behind is nothing but rows.
"""

from __future__ import annotations

import os
from contextvars import ContextVar
from dataclasses import dataclass

from app.automation.engine import Engine
from app.notifications.delivery import Deliverer
from app.services import Services, open_services
from app.settings import read_settings

_current: ContextVar[Runtime] = ContextVar("trellis_runtime")


@dataclass(frozen=True, slots=True)
class Runtime:
    """One worker's tools."""

    services: Services

    @property
    def engine(self) -> Engine:
        """What runs the steps of rules."""
        return self.services.engine

    def deliverer(self) -> Deliverer:
        """Return what sends; one for each thread that does."""
        services = self.services
        return Deliverer(
            services.pools,
            services.clock,
            services.settings,
            os.environ,
            services.answers,
            services.secrets.secret_key,
        )


def set_runtime(services: Services) -> Runtime:
    """Have the jobs of this process work with *services*."""
    runtime = Runtime(services)
    _current.set(runtime)
    return runtime


def runtime() -> Runtime:
    """Return what this process works with, opened from its environment where nobody has."""
    found = _current.get(None)
    return found if found is not None else set_runtime(open_services(read_settings()))
