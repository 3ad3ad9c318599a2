"""Records that may be the same thing over HTTP: put side by side before they are merged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request
from flask_appbuilder.api import BaseApi, expose

from app.api.answers import answers, as_json
from app.api.bodies import check_keys, is_id, whole
from app.api.requests import asker, body, only, parameters, record_id, services
from app.duplicates.desk import PAGES
from app.duplicates.groups import LARGEST
from app.errors import InvalidInput, Malformed
from app.jobs.beginning import begin_scan
from app.records.side_by_side import ALL
from app.texts import say

_MERGE = frozenset({"ids", "keep"})
_LIST = frozenset({"entity", "page"})
_CHECK = frozenset({"q"})

#: Pairs that are told apart at once: those of the largest group.
MOST_PAIRS = LARGEST * (LARGEST - 1) // 2
#: what is told of a scan
SCAN = ("id", "state", "step", "steps", "found", "made_at", "ended_at")


class DuplicateApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/duplicates``, and ``/api/v1/<entity>/merge`` before it is done."""

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

    @expose("/duplicates/", methods=["GET"])
    @answers
    def listed(self) -> Response:
        """Return pairs that may be the same thing: ``?entity=customer&page=2``."""
        principal, desk = asker(), services().duplicates
        named = only(*parameters(_LIST), "entity, page")
        entity, page = named.get("entity") or None, _page(named)
        found = desk.listed(principal, entity, page)
        return as_json(
            {"rows": [one.as_json() for one in found], "count": desk.count(principal, entity)}
        )

    @expose("/duplicates/groups", methods=["GET"])
    @answers
    def groups(self) -> Response:
        """Return what may be one thing, pairs that hang together as one."""
        principal = asker()
        named = only(*parameters(_LIST), "entity, page")
        entity, page = named.get("entity") or None, _page(named)
        found, count = services().duplicates.groups(principal, entity, page)
        return as_json({"rows": [one.as_json() for one in found], "count": count})

    @expose("/duplicates/apart", methods=["POST"])
    @answers
    def all_apart(self) -> Response:
        """Remember that each of some pairs is two things: ``{"pairs": [7, 9]}``."""
        principal, sent = asker(), body()
        check_keys(sent, {"pairs", "apart"})
        pairs = sent.get("pairs")
        if not isinstance(pairs, list) or not 0 < len(pairs) <= MOST_PAIRS or not all(
            map(is_id, pairs)
        ):  # fmt: skip
            raise InvalidInput({"pairs": [_pairs_wanted()]})
        apart = _apart_of(sent)
        services().duplicates.keep_apart(principal, *pairs, apart=apart)
        return as_json({"apart": apart})

    @expose("/duplicates/<number>/apart", methods=["POST"])
    @answers
    def apart(self, number: str) -> Response:
        """Remember that a pair is two things, or forget it: ``{"apart": false}``."""
        principal, sent = asker(), body()
        check_keys(sent, {"apart"})
        apart = _apart_of(sent)
        services().duplicates.keep_apart(principal, record_id(number), apart=apart)
        return as_json({"apart": apart})

    @expose("/duplicates/scan", methods=["GET", "POST"])
    @answers
    def scan(self) -> Response:
        """Have all records looked through in the background, or say how that stands."""
        principal, known = asker(), services()
        only(*parameters(frozenset()), "")
        status = 200
        if request.method == "POST":
            number = known.duplicates.begin(principal)
            begin_scan(known.settings.redis_url, number)
            status = 202
        last = known.duplicates.last_scan() or {}
        return as_json({key: last.get(key) for key in SCAN}, status)

    @expose("/duplicates/check", methods=["GET"])
    @answers
    def check(self) -> Response:
        """Return what is there already that has this name, number or address: ``?q=…``."""
        principal = asker()
        named = only(*parameters(_CHECK), "q")
        found = services().duplicates.checking.check(
            principal, named.get("q", ""), address=request.remote_addr
        )
        return as_json({"rows": [one.as_json() for one in found]})


def _page(named: Mapping[str, str]) -> int:
    page = int(whole(named, "page", 1))
    if not 1 <= page <= PAGES:
        raise Malformed(say("`page` is from 1 to {most}.", "page 应为 1 至 {most}。", most=PAGES))
    return page


def _apart_of(sent: dict[str, Any]) -> bool:
    apart = sent.get("apart", True)
    if not isinstance(apart, bool):
        raise InvalidInput({"apart": [say("true or false.", "应为 true 或 false。")]})
    return apart


def _pairs_wanted() -> Any:
    return say(
        "A list of numbers of pairs, 1 to {most} of them.",
        "应为配对编号的列表，1 至 {most} 个。",
        most=MOST_PAIRS,
    )


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
