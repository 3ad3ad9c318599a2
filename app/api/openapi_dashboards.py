"""Dashboards and targets as OpenAPI."""

from __future__ import annotations

from typing import Any

from app.api.openapi_paths import json_answer, operation, rows_of
from app.api.openapi_schemas import ID, object_of, ref
from app.definitions.dashboards import CHARTS, KINDS

_TAG = "Dashboards"
_WRITE = (400, 401, 403, 404, 413, 415, 422, 500, 503)
_TEXT = {"type": "string"}
_NUMBER = {"type": ["number", "string", "null"]}
_DAY = {"type": ["string", "null"], "format": "date"}
_MONTH = {"type": "string", "pattern": r"^\d{4}-\d{2}$"}
_SOMEBODY = {"type": ["integer", "null"], "minimum": 1}
_KIND = {"enum": list(KINDS)}


def dashboard_schemas() -> dict[str, Any]:
    """Return what a figure is, and one amount of a target."""
    period = object_of(written=_TEXT, **{"from": _DAY, "to": _DAY})
    either = {"anyOf": [period, {"type": "null"}]}
    records = {
        "anyOf": [
            object_of(entity=_TEXT, filter={"type": ["string", "null"]}, view=_TEXT),
            {"type": "null"},
        ],
        "description": "The list of the records behind it.",
    }
    target = {"type": ["object", "null"], "description": "What was to be reached, by level."}
    group = {
        "type": "object",
        "properties": {
            "key": {"description": "An option, a number, a switch, a text, or a period's signs."},
            "title": {"type": ["string", "null"]}, "value": _NUMBER, "also": _NUMBER,
            "before": _NUMBER, "share": _NUMBER, "kind": _TEXT, "target": target,
            "records": records,
        },
    }  # fmt: skip
    figure = {
        "type": "object",
        "properties": {
            "number": {"type": "integer"}, "label": _TEXT, "chart": {"enum": list(CHARTS)},
            "as": {"enum": ["number", "money", "percent", "days"]}, "value": _NUMBER,
            "also": _NUMBER, "before": _NUMBER, "target": target, "period": either,
            "before_period": either, "by": _TEXT, "more": {"type": "integer"},
            "groups": {"type": "array", "items": group}, "records": records,
            "rows": {"type": "array", "items": {"type": "object"}},
            "count": {"type": ["integer", "null"]},
            "refused": {**_TEXT, "description": "Why it is closed to you; nothing else then."},
        },
        "required": ["number", "label", "chart", "as"],
    }  # fmt: skip
    cell = object_of(
        ["kind", "month", "amount"], kind=_KIND, subject=_SOMEBODY, month=_MONTH, level=_TEXT,
        amount=_NUMBER,
    )  # fmt: skip
    return {"Figure": figure, "TargetAmount": cell}


def dashboard_paths() -> dict[str, Any]:
    """Return the addresses of dashboards and targets."""
    return _dashboards() | _targets()


def _dashboards() -> dict[str, Any]:
    one = object_of(name=_TEXT, label=_TEXT, period=_TEXT, people=_TEXT,
                    figures={"type": "array", "items": _TEXT})  # fmt: skip
    figures = {"type": "array", "items": ref("Figure")}
    looked = {"type": "object", "properties": {
        "name": _TEXT, "label": _TEXT, "period": {"type": "object"}, "people": _TEXT,
        "at": {"type": "string", "format": "date-time"}, "figures": figures,
    }}  # fmt: skip
    period = _query("period", "`this month`, `last 30 days`, `2026-11`, `2026-Q4`, `2026`, "
                    "`2026-01-01..2026-03-31`.")  # fmt: skip
    people = _query("people", "`mine`, `subordinates`, `department`, `all`, `user:12`, "
                    "`department:3`.")  # fmt: skip
    only = _query("figures", "Numbers of figures, `0,3`; without it all.")
    return {
        "/api/v1/dashboards": {
            "get": operation(
                "dashboards", _TAG, "The dashboards for one's roles",
                {"200": json_answer("In order", rows_of(one))},
            )
        },
        "/api/v1/dashboards/{name}": {
            "get": operation(
                "dashboard", _TAG, "A dashboard's figures, over the rows one may see",
                {"200": json_answer("Worked out now", looked)},
                parameters=[_name(), period, people, only],
            )
        },
    }  # fmt: skip


def _targets() -> dict[str, Any]:
    base = "/api/v1/targets"
    words = {"type": "array", "items": _TEXT}
    one = object_of(name=_TEXT, label=_TEXT, per=words, levels=words,
                    may_edit={"type": "boolean"})  # fmt: skip
    year = {"type": "object", "properties": {
        "name": _TEXT, "year": {"type": "integer"}, "levels": words,
        "rows": {"type": "array", "items": {"type": "object"}},
    }}  # fmt: skip
    cells = {"type": "array", "items": ref("TargetAmount"), "minItems": 1}
    done = object_of(["changed"], changed={"type": "integer"})
    change = object_of(
        kind=_KIND, subject=_SOMEBODY, month=_MONTH, level=_TEXT, before=_NUMBER, after=_NUMBER,
        by={"anyOf": [ID, {"type": "null"}]}, at={"type": "string", "format": "date-time"},
    )  # fmt: skip
    return {
        base: {
            "get": operation(
                "targets", _TAG, "The targets there are",
                {"200": json_answer("In order", rows_of(one))},
            )
        },
        f"{base}/{{name}}": {
            "get": operation(
                "target", _TAG, "The amounts of a year that one may know",
                {"200": json_answer("By month and level", year)},
                parameters=[_name(), _query("year", "Four digits; without it this one.")],
            ),
            "put": operation(
                "set_target", _TAG, "Type amounts in, all or none; null takes one away",
                {"200": json_answer("Done", done)}, parameters=[_name()],
                body=object_of(["cells"], cells=cells), errors=_WRITE,
            ),
        },
        f"{base}/{{name}}/changes": {
            "get": operation(
                "target_changes", _TAG, "Who changed which amount",
                {"200": json_answer("The newest first", rows_of(change))}, parameters=[_name()],
            )
        },
    }  # fmt: skip


def _query(name: str, help_: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": help_, "schema": _TEXT}


def _name() -> dict[str, Any]:
    return {"name": "name", "in": "path", "required": True, "schema": _TEXT}
