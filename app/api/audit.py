"""The audit over HTTP, for administrators: sign-ins, and what changed around the data."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_appbuilder.api import BaseApi, expose

from app.api.answers import answers, as_json
from app.api.bodies import moment
from app.api.requests import asker, only, parameters, services
from app.errors import Malformed
from app.records.questions import page_size
from app.security.audit_log import GROUPS, KINDS, Asked, Entry, find_entries
from app.security.manager import require_admin
from app.texts import say

_KNOWN = frozenset({"group", "user", "since", "until", "after", "limit"})


class AuditApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/audit``."""

    route_base = "/api/v1/audit"
    resource_name = "audit"
    csrf_exempt = False
    openapi_spec_tag = "Administration"

    @expose("", methods=["GET"])
    @answers
    def list(self) -> Response:
        """Return lines, the newest first; `next` is what `after` takes for the page below."""
        named = only(*parameters(_KNOWN), ", ".join(sorted(_KNOWN)))
        require_admin(asker())
        group = named.get("group")
        if group is not None and group not in GROUPS:
            groups = ", ".join(GROUPS)
            raise Malformed(
                say("`group` is one of {groups}.", "group 应为 {groups} 之一。", groups=groups)
            )
        found, following = find_entries(
            services().pools,
            Asked(
                GROUPS[group] if group else KINDS,
                user_id=_number(named, "user"),
                since=moment(named["since"]) if "since" in named else None,
                until=moment(named["until"]) if "until" in named else None,
                before=_number(named, "after"),
                limit=page_size(named.get("limit", "50")),
            ),
        )
        return as_json({"rows": [_as_json(one) for one in found], "next": following})


def _number(named: Any, name: str) -> int | None:
    text = named.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Malformed(say("`{name}` is a number.", "{name} 应为数字。", name=name))
    return int(text)


def _as_json(one: Entry) -> dict[str, Any]:
    return {
        "id": one.id,
        "happened_at": one.happened_at.isoformat(),
        "kind": one.kind,
        "user": one.user_id,
        "address": one.address,
        "details": dict(one.details),
    }
