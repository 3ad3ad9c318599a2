"""Public seas over HTTP: release, claim, give out; how a record stands with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response
from flask_appbuilder.api import BaseApi, expose

from app.access.principal import Principal
from app.api.answers import answers, as_json
from app.api.bodies import check_keys, ids, is_id
from app.api.former import asked_now
from app.api.requests import asker, body, language, only, parameters, record_id, services
from app.automation.pool_desk import Done, PoolDesk, Standing
from app.automation.pools import Event
from app.errors import InvalidInput
from app.texts import say


def _desk() -> PoolDesk:
    return PoolDesk(services().records)


class PoolApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``claim``, ``release``, ``assign`` and ``pool`` of records."""

    route_base = "/api/v1"
    resource_name = "pools"
    csrf_exempt = False
    openapi_spec_tag = "Records"

    @expose("/<entity>/<number>/pool", methods=["GET"])
    @answers
    def standing(self, entity: str, number: str) -> Response:
        """Return how a record stands with the public seas, for whoever asks."""
        principal, wanted = asker(), record_id(number)
        only(*asked_now(principal, entity, *parameters(frozenset())), "")
        services().records.get(principal, entity, wanted, fields=("id",))
        return as_json(_standing(_desk().standing(principal, entity, wanted)))

    @expose("/<entity>/<number>/claim", methods=["POST"])
    @answers
    def claim(self, entity: str, number: str) -> Response:
        """Take a record out of its public sea for oneself."""
        principal, wanted = asker(), record_id(number)
        _desk().claim(principal, entity, [wanted])
        return _record(principal, entity, wanted)

    @expose("/<entity>/<number>/release", methods=["POST"])
    @answers
    def release(self, entity: str, number: str) -> Response:
        """Put a record into a public sea: ``{"pool": "east", "reason": "silent"}``."""
        principal, sent = asker(), body()
        check_keys(sent, {"pool", "reason"})
        _desk().release(
            principal, entity, [record_id(number)], pool=_word(sent, "pool"),
            reason=_word(sent, "reason"),
        )  # fmt: skip
        return Response(status=204)

    @expose("/<entity>/<number>/assign", methods=["POST"])
    @answers
    def assign(self, entity: str, number: str) -> Response:
        """Give a record of a public sea to somebody: ``{"owner": 3}``."""
        principal, sent = asker(), body()
        check_keys(sent, {"owner"})
        _desk().assign(principal, entity, [record_id(number)], _owner(sent))
        return Response(status=204)

    @expose("/<entity>/claim", methods=["POST"])
    @answers
    def claim_many(self, entity: str) -> Response:
        """Claim several records: ``{"ids": [1, 2]}``; those that cannot be are told."""
        principal, sent = asker(), body()
        check_keys(sent, {"ids"})
        return as_json(_done(_desk().claim(principal, entity, ids(sent, "ids"))))

    @expose("/<entity>/release", methods=["POST"])
    @answers
    def release_many(self, entity: str) -> Response:
        """Release several records: ``{"ids": [1, 2], "pool": "east", "reason": "silent"}``."""
        principal, sent = asker(), body()
        check_keys(sent, {"ids", "pool", "reason"})
        done = _desk().release(
            principal, entity, ids(sent, "ids"), pool=_word(sent, "pool"),
            reason=_word(sent, "reason"),
        )  # fmt: skip
        return as_json(_done(done))

    @expose("/<entity>/assign", methods=["POST"])
    @answers
    def assign_many(self, entity: str) -> Response:
        """Give several records of public seas to somebody: ``{"ids": [1, 2], "owner": 3}``."""
        principal, sent = asker(), body()
        check_keys(sent, {"ids", "owner"})
        done = _desk().assign(principal, entity, ids(sent, "ids"), _owner(sent))
        return as_json(_done(done))


def count_look(principal: Principal, entity: str, number: int) -> None:
    """Count a look at a record of a public sea; members may look at so many a day.

    Raises:
        TooManyRequests: see there.
    """
    if principal.pools:
        _desk().look(principal, entity, number)


def _record(principal: Principal, entity: str, number: int) -> Response:
    from app.api.answers import as_raw_json

    record = services().records.get_json(principal, entity, number)
    return as_raw_json(record.row, 200, record.version)


def _word(sent: Mapping[str, Any], name: str) -> str | None:
    found = sent.get(name)
    if found is None:
        return None
    if not isinstance(found, str) or not found or len(found) > 200:
        raise InvalidInput({name: [say("A name.", "应为名称。")]})
    return found


def _owner(sent: Mapping[str, Any]) -> int:
    owner = sent.get("owner")
    if not isinstance(owner, int) or not is_id(owner):
        raise InvalidInput({"owner": [say("The number of a user.", "应为用户编号。")]})
    return owner


def _done(done: Done) -> dict[str, Any]:
    refused = [
        {"id": number, "status": error.status, **error.as_json(language())}
        for number, error in done.refused.items()
    ]
    return {"done": done.ids, "refused": refused}


def _standing(found: Standing) -> dict[str, Any]:
    told = language()
    leaving = found.leaving
    return {
        "pool": found.pool.name if found.pool is not None else None,
        "may_claim": found.may_claim and found.why_not is None,
        "why_not": found.why_not.in_language(told) if found.why_not is not None else None,
        "may_assign": found.keeps,
        "release_to": [one.name for one in found.targets],
        "leaves_at": leaving.at.isoformat() if leaving is not None else None,
        "leaves_to": leaving.pool.name if leaving is not None else None,
        "hidden": list(found.hidden),
        "events": [_event(one) for one in found.events],
    }


def _event(one: Event) -> dict[str, Any]:
    return {
        "pool": one.pool,
        "user_id": one.user_id,
        "action": one.action,
        "reason": one.reason,
        "happened_at": one.happened_at.isoformat(),
    }
