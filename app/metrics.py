"""`/metrics`: figures about the installation, in the text form that Prometheus reads.

This machine may ask; anybody else sends the bearer token of TRELLIS_METRICS_TOKEN. No figure names
a person or a record.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from flask import Flask, Response, request

from app.errors import NotFound
from app.jobs.overview import Overview, look
from app.services import Services

_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LOCAL = frozenset({"127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure, perhaps by labels."""

    name: str
    help: str
    #: labels and value
    samples: Iterable[tuple[Mapping[str, str], float]]
    kind: str = "gauge"


def add_metrics(app: Flask, services: Services) -> None:
    """Add the address to the application."""

    @app.get("/metrics")
    def metrics() -> Response:
        if not _may_read(services.settings.metrics_token):
            # Whoever may not read it does not learn that it is there.
            raise NotFound
        with services.pools.read.connection() as connection:
            found = look(connection, services.clock.now())
        version = services.live.release.version_number
        return Response(written(figures(found, version)), content_type=_TYPE)


def _may_read(token: str | None) -> bool:
    if token is None:
        return request.remote_addr in _LOCAL and "X-Forwarded-For" not in request.headers
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return hmac.compare_digest(given.encode(), token.encode())


def figures(found: Overview, version: int) -> Iterator[Metric]:
    """Yield every figure."""

    def one(name: str, text: str, value: float) -> Metric:
        return Metric(f"trellis_{name}", text, [({}, value)])

    yield one("config_version", "The version of the configuration that serves here.", version)
    yield one("reminders_due", "Reminders that are due and not claimed.", found.reminders_due)
    yield one("oldest_due_seconds", "For how long the oldest of what is due waits.", found.oldest)
    yield Metric(
        "trellis_tasks",
        "Steps of rules by state: due, later, put aside after failing.",
        [
            ({"state": "due"}, found.tasks_due),
            ({"state": "later"}, found.tasks_later),
            ({"state": "put_aside"}, found.put_aside),
        ],
    )
    yield Metric(
        "trellis_deliveries",
        "E-mails, chat messages and calls by state: due, late (tried again), dead.",
        [
            ({"state": "due"}, found.deliveries_due),
            ({"state": "late"}, found.deliveries_late),
            ({"state": "dead"}, found.deliveries_dead),
        ],
    )
    yield one("scheduler_leads", "Whether a scheduler leads.", found.leader is not None)
    away = found.leader is not None and found.leader.details.get("redis") == "away"
    yield one("redis_away", "Whether the scheduler cannot reach Redis.", away)
    yield Metric(
        "trellis_processes",
        "Processes that were heard of lately, by kind.",
        [({"kind": kind}, len(found.alive(kind))) for kind in ("scheduler", "worker")],
    )
    yield Metric(
        "trellis_jobs_total",
        "Jobs that workers have ended since they were started.",
        [
            ({"worker": each.name, "outcome": outcome}, float(each.details.get(outcome, 0)))
            for each in found.alive("worker")
            for outcome in ("done", "failed")
        ],
        kind="counter",
    )


def written(metrics: Iterable[Metric]) -> str:
    """Return figures as Prometheus reads them."""
    lines: list[str] = []
    for metric in metrics:
        lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
        for labels, value in metric.samples:
            said = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
            lines.append(f"{metric.name}{{{said}}} {float(value):g}" if said else
                         f"{metric.name} {float(value):g}")  # fmt: skip
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
