"""Approvals over HTTP: what waits for whom, handing in, deciding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response
from flask_appbuilder.api import BaseApi, expose

from app.access.principal import Principal
from app.api.answers import answers, as_json
from app.api.bodies import check_keys, is_id, whole
from app.api.requests import asker, body, language, only, parameters, record_id, services
from app.automation.approvals.case import Case
from app.automation.approvals.door import Approvals, may_do
from app.automation.approvals.drawing import draw
from app.automation.approvals.lists import WHICH, Item, by_entity
from app.automation.approvals.store import Task
from app.automation.approvals.submitting import Submission
from app.errors import InvalidInput, Malformed
from app.texts import say

_LIST = frozenset({"list", "limit", "after"})
_MOST = 100


def _approvals() -> Approvals:
    return services().approvals


class ApprovalApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/approvals`` and ``/api/v1/<entity>/<id>/approvals``."""

    route_base = "/api/v1"
    resource_name = "approvals"
    csrf_exempt = False
    openapi_spec_tag = "Approvals"

    @expose("/approvals", methods=["GET"])
    @answers
    def list(self) -> Response:
        """Return what waits for the asker, was handed in or decided by them."""
        named = only(*parameters(_LIST), "list, limit, after")
        which = named.get("list", "waiting")
        if which not in WHICH:
            raise Malformed(
                say("`list` is waiting, mine or done.", "list 应为 waiting、mine 或 done。")
            )
        limit = whole(named, "limit", 25)
        if not 1 <= limit <= _MOST:
            raise Malformed(
                say("`limit` is from 1 to {most}.", "limit 应为 1 到 {most}。", most=_MOST)
            )
        principal = asker()
        items, after = _approvals().listed(
            principal, which, limit=limit, after=whole(named, "after", None)
        )
        answer: dict[str, Any] = {"rows": item_rows(principal, items), "next": after}
        if which == "waiting":
            answer["count"] = _approvals().count_waiting(principal)
        return as_json(answer)

    @expose("/approvals/<number>", methods=["GET"])
    @answers
    def get(self, number: str) -> Response:
        """Return one run with its steps and answers."""
        principal = asker()
        return as_json(case_json(_approvals().of_run(principal, record_id(number)), principal))

    @expose("/<entity>/<number>/approvals", methods=["GET"])
    @answers
    def of_record(self, entity: str, number: str) -> Response:
        """Return all runs of a record, the newest first, and what may be begun."""
        principal = asker()
        found = _approvals().of_record(principal, entity, record_id(number))
        offers = [
            {
                "approval": one.definition.name,
                "label": one.definition.label or one.definition.name,
                "choose": [
                    {"step": each.step, "label": each.label, "among": each.among}
                    for each in one.choices
                ],
            }
            for one in found.offers
        ]
        rows = [case_json(case, principal) for case in found.cases]
        return as_json({"rows": rows, "offers": offers})

    @expose("/<entity>/<number>/approvals", methods=["POST"])
    @answers
    def submit(self, entity: str, number: str) -> Response:
        """Hand a record in: ``{"approval": null, "chosen": {"1": [3]}, "comment": null}``."""
        principal, sent = asker(), body()
        check_keys(sent, {"approval", "chosen", "comment"})
        said = Submission(
            entity,
            record_id(number),
            _text(sent, "approval"),
            _chosen(sent.get("chosen") or {}),
            _text(sent, "comment"),
        )
        run = _approvals().submit(principal, said)
        return self._answer(principal, run.id, 201)

    @expose("/approvals/<number>/approve", methods=["POST"])
    @answers
    def approve(self, number: str) -> Response:
        """Say yes: ``{"comment": null, "values": {}, "version": null}``."""
        principal, sent = asker(), body()
        check_keys(sent, {"comment", "values", "version"})
        values = sent.get("values") or {}
        if not isinstance(values, dict):
            raise InvalidInput({"values": [say("An object.", "应为对象。")]})
        run = _approvals().approve(
            principal,
            record_id(number),
            _text(sent, "comment"),
            values=values,
            version=_version(sent),
        )
        return self._answer(principal, run.id)

    @expose("/approvals/<number>/reject", methods=["POST"])
    @answers
    def reject(self, number: str) -> Response:
        """Say no: ``{"comment": "…", "version": null}``."""
        principal, sent = asker(), body()
        check_keys(sent, {"comment", "version"})
        run = _approvals().reject(
            principal, record_id(number), _text(sent, "comment"), version=_version(sent)
        )
        return self._answer(principal, run.id)

    @expose("/approvals/<number>/send-back", methods=["POST"])
    @answers
    def send_back(self, number: str) -> Response:
        """Have an earlier step decide again: ``{"step": 0, "comment": "…"}``."""
        principal, sent = asker(), body()
        check_keys(sent, {"step", "comment"})
        step = sent.get("step")
        if isinstance(step, bool) or not isinstance(step, int):
            raise InvalidInput({"step": [say("The number of a step.", "应为步骤编号。")]})
        run = _approvals().send_back(principal, record_id(number), step, _text(sent, "comment"))
        return self._answer(principal, run.id)

    @expose("/approvals/<number>/delegate", methods=["POST"])
    @answers
    def delegate(self, number: str) -> Response:
        """Have somebody else answer: ``{"user": 3, "instead_of": null, "comment": null}``."""
        principal, sent = asker(), body()
        check_keys(sent, {"user", "instead_of", "comment"})
        instead = _user(sent, "instead_of") if sent.get("instead_of") is not None else None
        run = _approvals().delegate(
            principal,
            record_id(number),
            _user(sent, "user"),
            _text(sent, "comment"),
            instead_of=instead,
        )
        return self._answer(principal, run.id)

    @expose("/approvals/<number>/add", methods=["POST"])
    @answers
    def add(self, number: str) -> Response:
        """Have one more person asked: ``{"user": 3, "where": "before", "comment": null}``."""
        principal, sent = asker(), body()
        check_keys(sent, {"user", "where", "comment"})
        run = _approvals().add(
            principal,
            record_id(number),
            _user(sent, "user"),
            _text(sent, "where") or "",
            _text(sent, "comment"),
        )
        return self._answer(principal, run.id)

    @expose("/approvals/<number>/withdraw", methods=["POST"])
    @answers
    def withdraw(self, number: str) -> Response:
        """Take a record back from approval: ``{"comment": null}``."""
        principal, sent = asker(), body()
        check_keys(sent, {"comment"})
        run = _approvals().withdraw(principal, record_id(number), _text(sent, "comment"))
        return self._answer(principal, run.id)

    def _answer(self, principal: Principal, run: int, status: int = 200) -> Response:
        case = _approvals().of_run(principal, run)
        return as_json(case_json(case, principal), status)


def _text(sent: Mapping[str, Any], name: str) -> str | None:
    value = sent.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidInput({name: [say("A text.", "应为文本。")]})
    return value


def _user(sent: Mapping[str, Any], name: str) -> int:
    value = sent.get(name)
    if not isinstance(value, int) or not is_id(value):
        raise InvalidInput({name: [say("The number of a user.", "应为用户编号。")]})
    return value


def _version(sent: Mapping[str, Any]) -> int | None:
    value = sent.get("version")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise InvalidInput({"version": [say("The record's version.", "应为记录的版本号。")]})
    return value


def _chosen(sent: object) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    is_right = isinstance(sent, dict)
    for step, users in sent.items() if isinstance(sent, dict) else ():
        if str(step).isdigit() and isinstance(users, list) and all(map(is_id, users)):
            found[int(step)] = users
        else:
            is_right = False
    if not is_right:
        raise InvalidInput(
            {
                "chosen": [
                    say(
                        "Lists of users by the number of their step.",
                        "应为“步骤编号: 用户列表”。",
                    )
                ]
            }
        )
    return found


def item_rows(principal: Principal, items: list[Item]) -> list[dict[str, Any]]:
    """Return lines of a list as the API shows them; titles only of what may be read."""
    known = services()
    names = known.live.release.names
    titles = {
        number: known.records.titles(principal, names[number], ids)
        for number, ids in by_entity(items).items()
        if number in names
    }
    return [
        {
            "id": item.run,
            "approval": item.name,
            "entity": names.get(item.entity),
            "record": item.record_id,
            "title": titles.get(item.entity, {}).get(item.record_id),
            "state": item.state,
            "step": item.step,
            "submitted_by": item.submitted_by,
            "submitted_at": item.submitted_at.isoformat(),
            "for_user": item.for_user,
            "asked_at": item.asked_at.isoformat() if item.asked_at else None,
            "due_at": item.due_at.isoformat() if item.due_at else None,
            "late": item.late,
            "answer": item.answer,
            "decided_at": item.decided_at.isoformat() if item.decided_at else None,
        }
        for item in items
    ]


def case_json(case: Case, principal: Principal) -> dict[str, Any]:
    """Return a run with its steps and answers as the API shows it."""
    run = case.run
    return {
        "id": run.id,
        "approval": run.name,
        "label": case.title.in_language(language()),
        "entity": case.entity.name,
        "record": run.record_id,
        "state": run.state,
        "step": run.step,
        "submitted_by": run.submitted_by,
        "submitted_at": run.submitted_at.isoformat(),
        "comment": run.comment,
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "ended_by": run.ended_by,
        "may": sorted(may_do(case, principal)),
        "steps": [
            {
                "number": step.number,
                "label": step.label.in_language(language()),
                "state": step.state,
                "need": step.need,
                "condition": step.condition,
                "edit": step.edit,
                "questions": [task_json(task) for task in step.tasks],
            }
            for step in draw(case)
        ],
    }


def task_json(task: Task) -> dict[str, Any]:
    """Return a question as the API shows it."""
    return {
        "id": task.id,
        "round": task.round,
        "user": task.user_id,
        "for_user": task.for_user,
        "added": task.added,
        "state": task.state,
        "reason": task.reason,
        "comment": task.comment,
        "asked_at": task.asked_at.isoformat() if task.asked_at else None,
        "due_at": task.due_at.isoformat() if task.due_at else None,
        "late": task.late,
        "decided_at": task.decided_at.isoformat() if task.decided_at else None,
        "decided_by": task.decided_by,
    }
