"""Records that may be the same thing over HTTP: put side by side before they are merged."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_appbuilder.api import BaseApi, expose

from app.api.answers import answers, as_json
from app.api.bodies import is_id, whole
from app.api.requests import asker, only, parameters, services
from app.errors import InvalidInput, Malformed
from app.records.side_by_side import ALL
from app.texts import say

_MERGE = frozenset({"ids", "keep"})


class DuplicateApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/<entity>/merge`` before it is done."""

    route_base = "/api/v1"
    resource_name = "duplicates"
    csrf_exempt = False
    openapi_spec_tag = "Duplicates"

    @expose("/<entity>/merge", methods=["GET"])
    @answers
    def side_by_side(self, entity: str) -> Response:
        """Return what records hold, field by field: ``?ids=1,2&keep=1``."""
        principal = asker()
        named = only(*parameters(_MERGE), "ids, keep")
        parts = [part.strip() for part in named.get("ids", "").split(",") if part.strip()]
        if not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
            raise Malformed(
                say("`ids` are numbers, separated by commas.", "ids 应为以逗号分隔的编号。")
            )
        keep = whole(named, "keep", None)
        found = services().records.side_by_side(principal, entity, [int(p) for p in parts], keep)
        return as_json(found.as_json())


def taken_of(sent: dict[str, Any]) -> dict[str, int | str]:
    """Return whose values a merge takes over, by field.

    Raises:
        InvalidInput: it is something else.
    """
    take = sent.get("take", {})
    if not isinstance(take, dict) or not all(is_id(one) or one == ALL for one in take.values()):
        sentence = say(
            'An object: by field, the number of a record, or "all".',
            "应为对象：以字段为键，值为记录编号或 all。",
        )
        raise InvalidInput({"take": [sentence]})
    return take


def versions_of(sent: dict[str, Any]) -> dict[int, int]:
    """Return the versions of records that were looked at.

    Raises:
        InvalidInput: it is something else.
    """
    found = sent.get("versions", {})
    if isinstance(found, dict) and all(
        key.isascii() and key.isdigit() and len(key) < 19 and is_id(value)
        for key, value in found.items()
    ):
        return {int(key): value for key, value in found.items()}
    sentence = say("An object: versions by record.", "应为对象：以记录编号为键，值为版本号。")
    raise InvalidInput({"versions": [sentence]})
