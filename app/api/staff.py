"""People who are away or leave, over HTTP: absences, and handing everything over."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response
from flask_appbuilder.api import BaseApi, expose

from app.api.answers import answers, as_json
from app.api.bodies import check_keys, ids, is_id, moment
from app.api.requests import asker, body, only, parameters, record_id, services
from app.automation.absences import absences_ahead, add_absence, drop_absence
from app.automation.handing_over import HandingOver, Left
from app.errors import InvalidInput
from app.records.work import Work
from app.texts import say


class StaffApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/absences`` and ``/api/v1/handovers/<user>``."""

    route_base = "/api/v1"
    resource_name = "staff"
    csrf_exempt = False
    openapi_spec_tag = "Staff"

    @expose("/absences", methods=["GET"])
    @answers
    def absences(self) -> Response:
        """Return absences that are not over: one's own, those below, all for administrators."""
        only(*parameters(frozenset()), "")
        principal = asker()
        found = services().records.writer.transact(principal, absences_ahead)
        rows = [
            {name: _plain(value) for name, value in one.items()}
            for one in found
            if principal.is_admin or one["user_id"] in principal.subordinates
        ]
        return as_json({"rows": rows})

    @expose("/absences", methods=["POST"])
    @answers
    def add_absence(self) -> Response:
        """Note an absence: ``{"user": 3, "since": "…", "until": null, "deputy": 4}``."""
        principal, sent = asker(), body()
        check_keys(sent, {"user", "since", "until", "deputy"})
        user = _user(sent, "user") or principal.user_id
        since, until, deputy = (
            moment(sent.get("since")), moment(sent.get("until")), _user(sent, "deputy"),
        )  # fmt: skip

        def step(work: Work) -> int:
            assert user is not None
            return add_absence(work, user, since, until, deputy)

        return as_json({"id": services().records.writer.transact(principal, step)}, 201)

    @expose("/absences/<number>", methods=["DELETE"])
    @answers
    def drop_absence(self, number: str) -> Response:
        """Take an absence back."""
        wanted = record_id(number)
        services().records.writer.transact(asker(), lambda work: drop_absence(work, wanted))
        return Response(status=204)

    @expose("/handovers/<number>", methods=["GET"])
    @answers
    def left(self, number: str) -> Response:
        """Return what belongs to a person."""
        only(*parameters(frozenset()), "")
        return as_json(_left(_handing_over().left(asker(), record_id(number))))

    @expose("/handovers/<number>", methods=["POST"])
    @answers
    def hand_over(self, number: str) -> Response:
        """Hand it over: ``{"heirs": [4, 5], "entities": ["customer"], "people": true}``."""
        sent = body()
        check_keys(sent, {"heirs", "entities", "people"})
        entities = sent.get("entities")
        if entities is not None and not (
            isinstance(entities, list) and all(isinstance(one, str) for one in entities)
        ):
            raise InvalidInput({"entities": [say("A list of entities.", "应为实体列表。")]})
        people = sent.get("people", True)
        if not isinstance(people, bool):
            raise InvalidInput({"people": [say("true or false.", "应为 true 或 false。")]})
        done = _handing_over().hand_over(
            asker(), record_id(number), ids(sent, "heirs"), entities=entities, people=people,
            origin="api",
        )  # fmt: skip
        return as_json(_left(done))


def _handing_over() -> HandingOver:
    return HandingOver(services().records, services().approvals)


def _user(sent: dict[str, Any], name: str) -> int | None:
    found = sent.get(name)
    if found is None:
        return None
    if not isinstance(found, int) or not is_id(found):
        raise InvalidInput({name: [say("The number of a user.", "应为用户编号。")]})
    return found


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _left(left: Left) -> dict[str, Any]:
    return {
        "records": dict(left.records),
        "approvals": left.questions,
        "people": left.people,
        "departments": left.departments,
    }
