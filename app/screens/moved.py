"""Saving what was dragged somewhere else, for the scripts of calendars and trees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify, request

from app.errors import InvalidInput, RuleFailed
from app.records.conflicts import RecordConflict
from app.screens.forms import sentences
from app.screens.visit import Visit


def told_why(sentence: str, status: int) -> Response:
    """Answer a script with a sentence."""
    answer = jsonify(told=sentence)
    answer.status_code = status
    return answer


def save_moved(
    visit: Visit, name: str, record_id: int, values: Mapping[str, Any]
) -> Response | None:
    """Save an ordinary change of the version the page showed; return the refusal, if it is one."""
    version = request.form.get("version", "")
    try:
        visit.writer.update(
            visit.principal,
            name,
            record_id,
            values,
            version=int(version) if version.isdigit() else None,
            origin="screen",
            strict=False,
        )
    except RecordConflict:
        said = visit.wording.say("Somebody changed it meanwhile. Reload the page and try again.")
        return told_why(said, 409)
    except (InvalidInput, RuleFailed) as problem:
        errors = sentences(problem.fields, visit)
        said = " ".join(dict.fromkeys(one for all_ in errors.values() for one in all_))
        return told_why(said or visit.words(problem.message), 422)  # type: ignore[arg-type]
    return None
