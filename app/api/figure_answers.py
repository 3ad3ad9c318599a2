"""Figures as JSON: numbers, groups, and the filter that leads to the records behind each."""

from __future__ import annotations

from typing import Any

from app.definitions.periods import Span
from app.records.figure_results import Answer, Drill, Reached, Row


def period_json(span: Span | None) -> dict[str, Any] | None:
    """Return a period with its days; None where a figure has none."""
    if span is None:
        return None
    return {
        "written": span.signs,
        "from": span.first.isoformat() if span.first else None,
        "to": span.last.isoformat() if span.last else None,
    }


def figure_json(answer: Answer, language: str) -> dict[str, Any]:
    """Return one figure."""
    figure = answer.figure
    found: dict[str, Any] = {
        "label": figure.label.in_language(language),
        "chart": figure.chart,
        "as": figure.shown_as,
    }
    if answer.refused is not None:
        return {**found, "refused": answer.refused.in_language(language)}
    found |= {
        "period": period_json(answer.span),
        "before_period": period_json(answer.before_span),
        "value": answer.value,
        "also": answer.also,
        "before": answer.before,
        "target": _target(answer.target),
        "records": _drill(answer.drill),
    }
    if answer.row_kind:
        found["by"] = answer.row_kind
        found["groups"] = [_row(row) for row in answer.rows]
        found["more"] = answer.more
    if answer.page is not None:
        found["rows"] = [
            {"id": record.id, "title": record.get(answer.columns[0]) if answer.columns else None}
            for record in answer.page.rows
        ]
        found["count"] = answer.count.number if answer.count is not None else None
    return found


def _row(row: Row) -> dict[str, Any]:
    found = {
        "key": row.key,
        "title": row.title,
        "value": row.value,
        "also": row.also,
        "before": row.before,
        "target": _target(row.target),
        "records": _drill(row.drill),
    }
    if row.kind:
        found["kind"] = row.kind
    if row.share is not None:
        found["share"] = round(row.share, 4)
    return found


def _target(reached: Reached | None) -> dict[str, Any] | None:
    return None if reached is None else dict(reached.levels)


def _drill(drill: Drill | None) -> dict[str, Any] | None:
    if drill is None:
        return None
    found = {"entity": drill.entity, "filter": drill.filter or None}
    return {**found, "view": drill.view} if drill.view else found
