"""What rules have to do with records, over HTTP: buttons, the ledger, comments, followers."""

from __future__ import annotations

import os
from typing import Any, cast

from flask import Response, current_app, request
from flask_appbuilder.api import BaseApi, expose

from app.api.answers import answers, as_json
from app.api.bodies import check_keys, ids, whole
from app.api.former import asked_now
from app.api.requests import (
    asker,
    body,
    language,
    once_key,
    only,
    parameters,
    record_id,
    services,
)
from app.automation.buttons import Offered, Pressed
from app.automation.hooks import LARGEST, Headers, Hooks
from app.automation.ledger import STATES, Ledger
from app.automation.refused_buttons import ButtonsOfRecords
from app.automation.steps import Steps
from app.errors import InvalidInput, Malformed, TrellisError, text_in
from app.texts import say


def buttons() -> ButtonsOfRecords:
    """Return what people may set off."""
    core = services()
    return ButtonsOfRecords(core.records, Steps(core.engine.steps.actions), core.numbers)


def ledger() -> Ledger:
    """Return the ledger."""
    core = services()
    return Ledger(core.records, core.numbers, core.pools)


class AutomationApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/<entity>/<id>/actions`` and what is near."""

    route_base = "/api/v1"
    resource_name = "automation"
    csrf_exempt = False
    openapi_spec_tag = "Automation"

    @expose("/<entity>/<number>/actions", methods=["GET"])
    @answers
    def actions(self, entity: str, number: str) -> Response:
        """Return the buttons the asker may press on the record now."""
        principal = asker()
        only(*asked_now(principal, entity, *parameters(frozenset())), "")
        found, refused = buttons().look(principal, entity, record_id(number))
        return as_json(
            {
                "rows": [_offered(one) for one in found],
                "refused": [
                    {
                        **_offered(one.button),
                        "parts": [{"text": each.text, "met": each.is_met} for each in one.parts],
                    }
                    for one in refused
                ],
            }
        )

    @expose("/<entity>/<number>/actions/<rule>", methods=["POST"])
    @answers
    def act(self, entity: str, number: str, rule: str) -> Response:
        """Press a button; the same ``Idempotency-Key`` a second time does nothing."""
        principal, sent = asker(), _sent({"input"})
        pressed = buttons().press(
            principal, entity, record_id(number), rule, sent.get("input") or {}, key=once_key()
        )
        return as_json(_pressed(pressed))

    @expose("/<entity>/actions/<rule>", methods=["POST"])
    @answers
    def act_on_many(self, entity: str, rule: str) -> Response:
        """Press a button on several records, each by itself."""
        principal, sent = asker(), _sent({"ids", "input"})
        wanted = ids(sent, "ids")
        key = once_key()
        found = buttons().press_all(
            principal, entity, wanted, rule, sent.get("input") or {}, key=key
        )
        rows = [{"id": number, **_result(one)} for number, one in zip(wanted, found, strict=True)]
        return as_json({"rows": rows})

    @expose("/<entity>/<number>/firings", methods=["GET"])
    @answers
    def firings(self, entity: str, number: str) -> Response:
        """Return what rules did about the record, the newest first."""
        principal = asker()
        named = only(
            *asked_now(principal, entity, *parameters(frozenset({"limit", "before"}))),
            "limit, before",
        )
        found = ledger().of_record(
            principal,
            entity,
            record_id(number),
            limit=whole(named, "limit", 20),
            before=whole(named, "before", None),
        )
        return as_json({"rows": [one.as_json(language()) for one in found]})

    @expose("/automation/firings", methods=["GET"])
    @answers
    def all_firings(self) -> Response:
        """Return what rules did, by rule, person and state; for administrators."""
        principal = asker()
        known = frozenset({"limit", "before", "rule", "user", "state"})
        named = only(*parameters(known), ", ".join(sorted(known)))
        state = named.get("state")
        if state is not None and state not in STATES:
            raise Malformed(
                say("`state` is one of {states}.", "state 应为 {states} 之一。",
                    states=", ".join(STATES))
            )  # fmt: skip
        found = ledger().everywhere(
            principal,
            services().live.release,
            rule=named.get("rule"),
            user_id=whole(named, "user", None),
            state=state,
            limit=whole(named, "limit", 50),
            before=whole(named, "before", None),
        )
        return as_json({"rows": [one.as_json(language()) for one in found]})

    @expose("/<entity>/<number>/comments", methods=["GET", "POST"])
    @answers
    def comments(self, entity: str, number: str) -> Response:
        """Return what was said about the record, or say something."""
        principal, core = asker(), services()
        if request.method in ("GET", "HEAD"):
            only(*asked_now(principal, entity, *parameters(frozenset())), "")
            found = core.records.comments(principal, entity, record_id(number))
            rows = [
                {
                    "id": one.id,
                    "user": one.user_id,
                    "text": one.text,
                    "origin": one.origin,
                    "rule": one.cause,
                    "happened_at": one.happened_at.isoformat(),
                }
                for one in found
            ]
            return as_json({"rows": rows})
        sent = _sent({"text"})
        text = sent.get("text")
        if not isinstance(text, str):
            raise InvalidInput({"text": [say("A text.", "应为文本。")]})
        made = core.records.comment(principal, entity, record_id(number), text)
        return as_json({"id": made}, 201)

    @expose("/<entity>/<number>/followers", methods=["GET", "PUT", "DELETE"])
    @answers
    def followers(self, entity: str, number: str) -> Response:
        """Return who follows the record; follow it (``PUT``) or no more (``DELETE``)."""
        principal, core = asker(), services()
        only(*asked_now(principal, entity, *parameters(frozenset())), "")
        if request.method in ("PUT", "DELETE"):
            follows = request.method == "PUT"
            core.records.follow(principal, entity, record_id(number), follows=follows)
        rows = [
            {
                "user": one["user_id"],
                "since": one["since"].isoformat(),
                "until": one["until"].isoformat() if one["until"] else None,
                "rule": one["rule"],
            }
            for one in core.records.followers(principal, entity, record_id(number))
        ]
        return as_json({"rows": rows})


def register_hooks() -> None:
    """Listen at ``/hooks/…``: other programs are no users, and sign with a secret instead."""

    @answers
    def take(path: str) -> Response:
        core = services()
        if (request.content_length or 0) > LARGEST:
            raise TooLarge
        taken = Hooks(core.records, core.numbers, os.environ).take(
            path.strip("/"), request.get_data(cache=False), cast("Headers", request.headers)
        )
        if taken.firing is None:
            return as_json({"accepted": True, "repeated": True})
        return as_json({"accepted": True, "firing": taken.firing}, 202)

    current_app.add_url_rule("/hooks/<path:path>", "hooks", take, methods=["POST"])


class TooLarge(TrellisError):
    """A delivery is larger than webhooks are."""

    code = "too-large"
    status = 413
    default_message = say(
        "A delivery holds at most {most} KB.", "一次投递最多 {most} KB。", most=LARGEST // 1024
    )


def _sent(names: set[str]) -> dict[str, Any]:
    """Return the object that was sent; nothing at all is an empty one."""
    if not request.get_data(cache=True):
        return {}
    sent = body()
    check_keys(sent, names)
    if "input" in sent and not isinstance(sent["input"] or {}, dict):
        raise InvalidInput({"input": [say("An object.", "应为对象。")]})
    return sent


def _offered(one: Offered) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "label": one.label.in_language(language()),
        "place": one.place,
        "ask": [
            {
                "name": each.name,
                "label": each.label.in_language(language()),
                "type": each.field.type.name,
                "required": each.required,
            }
            for each in one.ask
        ],
    }


def _pressed(one: Pressed) -> dict[str, Any]:
    return {
        "firing": one.firing,
        "repeated": one.repeated,
        "open": {"entity": one.open[0], "id": one.open[1]} if one.open else None,
        "notes": [each.in_language(language()) for each in one.notes],
    }


def _result(one: Pressed | Exception) -> dict[str, Any]:
    if isinstance(one, Pressed):
        return {"done": True, "error": None, **_pressed(one)}
    assert isinstance(one, TrellisError)
    fields = next((each[0] for each in one.fields.values() if each), None)
    message = text_in(fields if fields is not None else one.message, language())
    return {
        "done": False,
        "error": {"code": one.code, "message": message},
        "firing": None,
        "repeated": False,
        "open": None,
        "notes": [],
    }
