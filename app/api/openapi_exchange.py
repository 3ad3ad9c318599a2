"""Exchanges with other systems as OpenAPI."""

from __future__ import annotations

from typing import Any

from app.api.openapi_paths import json_answer, operation, rows_of
from app.api.openapi_schemas import ID, object_of, ref

_TEXT = {"type": "string"}
_MAYBE = {"type": ["string", "null"]}
_MOMENT = {"type": ["string", "null"], "format": "date-time"}
_COUNTS = {"type": "object", "additionalProperties": {"type": "integer"}}
_NAME = {"name": "name", "in": "path", "required": True, "schema": _TEXT}


def exchange_schemas() -> dict[str, Any]:
    """Return what an exchange and its runs look like."""
    run = object_of(
        id=ID,
        name=_TEXT,
        state={"enum": ["fetching", "importing", "done", "failed"]},
        due_at=_MOMENT,
        missed={"type": "integer", "description": "Moments before it that passed without a run."},
        user={"type": ["integer", "null"], "description": "Who asked for it."},
        rows={"type": "integer", "description": "Rows that were fetched."},
        **{"import": {"type": ["integer", "null"], "description": "The import of these rows."}},
        counts=_COUNTS,
        problem=_MAYBE,
        began_at={"type": "string", "format": "date-time"},
        ended_at=_MOMENT,
    )
    return {
        "ExchangeRun": run,
        "Exchange": object_of(
            name=_TEXT,
            integration=_TEXT,
            kind={"enum": ["api", "database"]},
            label=_TEXT,
            way={"enum": ["in", "out"]},
            entity=_TEXT,
            off={"type": "boolean"},
            next_at=_MOMENT,
            asked={"type": "boolean", "description": "It is fetched as soon as a worker looks."},
            runs={"type": "array", "items": ref("ExchangeRun")},
            calls={"oneOf": [_COUNTS, {"type": "null"}], "description": "Out: by state."},
            sent_at=_MOMENT,
        ),
    }


def exchange_paths() -> dict[str, Any]:
    """Return the addresses of exchanges."""
    asked = object_of(name=_TEXT, asked={"type": "boolean"})
    return {
        "/api/v1/integrations": {
            "get": operation(
                "integrations", "Administration", "Exchanges with other systems, and how they went",
                {"200": json_answer("Exchanges", rows_of(ref("Exchange")))},
            )
        },
        "/api/v1/integrations/{name}/run": {
            "post": operation(
                "run_integration", "Administration", "Have an exchange that comes in fetched now",
                {"202": json_answer("It was asked for", asked)}, parameters=[_NAME],
                errors=(401, 403, 404, 503),
            )
        },
    }  # fmt: skip
