"""Requests of persons over HTTP: look, take along, correct, anonymise, hold, and the register."""

from __future__ import annotations

from typing import Any

from flask import Response, request, send_file
from flask_appbuilder.api import BaseApi, expose

from app.api.answers import answers, as_json
from app.api.bodies import check_keys, is_id, whole
from app.api.requests import asker, body, only, parameters, services
from app.errors import InvalidInput
from app.personal.desk import Act
from app.texts import say

_PAGE = 50
_ACTS = frozenset({"after"})
_READS = frozenset({"entity", "id"})


class PersonalApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/personal``."""

    route_base = "/api/v1/personal"
    resource_name = "personal"
    csrf_exempt = False
    openapi_spec_tag = "Personal data"

    @expose("/find", methods=["POST"])
    @answers
    def find(self) -> Response:
        """Look for a person: ``{"text": "138 0013 6021", "deeply": true}``."""
        principal, sent = asker(), body()
        check_keys(sent, {"text", "deeply"})
        found = services().personal.find(
            principal,
            _text(sent, "text"),
            deeply=_switch(sent, "deeply", default=False),
            address=request.remote_addr,
        )
        return as_json(found.as_json())

    @expose("/export", methods=["POST"])
    @answers
    def export(self) -> Response:
        """Return a zip of everything: ``{"records": {"contact": [12]}, "why": "…"}``."""
        principal, sent = asker(), body()
        check_keys(sent, {"records", "why"})
        stream = services().personal.export(
            principal, _records(sent), _text(sent, "why"), address=request.remote_addr
        )
        answer = send_file(
            stream, mimetype="application/zip", as_attachment=True, download_name="person.zip"
        )
        answer.headers["Cache-Control"] = "private, no-store"
        return answer

    @expose("/correct", methods=["POST"])
    @answers
    def correct(self) -> Response:
        """Change a record: ``{"records": {"contact": [12]}, "values": {…}, "why": "…"}``."""
        principal, sent = asker(), body()
        check_keys(sent, {"records", "values", "why"})
        records, values = _records(sent), sent.get("values")
        if not isinstance(values, dict) or not values:
            raise InvalidInput({"values": [say("An object.", "应为对象。")]})
        if [len(ids) for ids in records.values()] != [1]:
            raise InvalidInput({"records": [say("One record.", "应为一条记录。")]})
        ((entity, (number,)),) = records.items()
        services().personal.correct(
            principal, entity, number, values, _text(sent, "why"), address=request.remote_addr
        )
        return as_json({"corrected": 1})

    @expose("/anonymise", methods=["POST"])
    @answers
    def anonymise(self) -> Response:
        """Anonymise for good: ``{"records": {"contact": [12]}, "why": "…", "files": true}``."""
        principal, sent = asker(), body()
        check_keys(sent, {"records", "why", "files"})
        found = services().personal.anonymise(
            principal,
            _records(sent),
            _text(sent, "why"),
            has_files=_switch(sent, "files", default=True),
            origin="api",
            address=request.remote_addr,
        )
        return as_json({"anonymised": found.as_json()})

    @expose("/hold", methods=["POST"])
    @answers
    def hold(self) -> Response:
        """Keep records as they are: ``{"records": {"contact": [12]}, "why": "…"}``."""
        principal, sent = asker(), body()
        check_keys(sent, {"records", "why"})
        services().personal.hold(principal, _records(sent), _text(sent, "why"))
        return as_json({"held": sum(map(len, _records(sent).values()))})

    @expose("/release", methods=["POST"])
    @answers
    def release(self) -> Response:
        """Hold records no more: ``{"records": {"contact": [12]}, "why": "…"}``."""
        principal, sent = asker(), body()
        check_keys(sent, {"records", "why"})
        services().personal.release(principal, _records(sent), _text(sent, "why"))
        return as_json({"released": sum(map(len, _records(sent).values()))})

    @expose("/acts", methods=["GET"])
    @answers
    def acts(self) -> Response:
        """Return the register, the newest first."""
        principal = asker()
        named = only(*parameters(_ACTS), "after")
        found = services().personal.acts(
            principal, before=whole(named, "after", None), limit=_PAGE + 1
        )
        following = found[_PAGE - 1].id if len(found) > _PAGE else None
        return as_json({"rows": [_as_json(one) for one in found[:_PAGE]], "next": following})

    @expose("/reads", methods=["GET"])
    @answers
    def reads(self) -> Response:
        """Return who read personal data: ``?entity=contact&id=12``."""
        principal = asker()
        named = only(*parameters(_READS), "entity, id")
        number = whole(named, "id", None)
        entity = named.get("entity")
        if number is not None and not entity:
            raise InvalidInput({"entity": [say("Say of which entity.", "请指定实体。")]})
        found = services().personal.reads(principal, entity or None, number)
        return as_json({"rows": [one.as_json() for one in found]})


def _as_json(one: Act) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "user": one.user_id,
        "happened_at": one.happened_at.isoformat(),
        "why": one.why,
        "records": dict(one.records),
        "counts": dict(one.counts),
    }


def _text(sent: dict[str, Any], name: str) -> str:
    text = sent.get(name)
    if not isinstance(text, str):
        raise InvalidInput({name: [say("A text.", "应为文本。")]})
    return text


def _switch(sent: dict[str, Any], name: str, *, default: bool) -> bool:
    value = sent.get(name, default)
    if not isinstance(value, bool):
        raise InvalidInput({name: [say("`true` or `false`.", "应为 true 或 false。")]})
    return value


def _records(sent: dict[str, Any]) -> dict[str, list[int]]:
    """Return ids by entity.

    Raises:
        InvalidInput: it is nothing like that.
    """
    found = sent.get("records")
    is_right = isinstance(found, dict) and all(
        isinstance(ids, list) and ids and all(is_id(one) for one in ids) for ids in found.values()
    )
    if not is_right or not found:
        raise InvalidInput(
            {
                "records": [
                    say(
                        'Numbers of records by entity: {{"contact": [12]}}.',
                        '按实体列出记录编号：{{"contact": [12]}}。',
                    )
                ]
            }
        )
    return {name: list(ids) for name, ids in found.items()}
