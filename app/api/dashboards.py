"""Dashboards and targets over HTTP: figures as numbers, and what is to be reached."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Response
from flask_appbuilder.api import BaseApi, expose

from app.api.answers import answers, as_json
from app.api.bodies import check_keys
from app.api.figure_answers import figure_json, period_json
from app.api.requests import asker, body, language, only, parameters, services
from app.definitions.dashboards import KINDS, Target
from app.errors import InvalidInput, Malformed
from app.records.figures import Figures
from app.records.targets import Cell, Reach
from app.texts import say

_LOOK = frozenset({"period", "people", "figures"})
_YEAR = frozenset({"year"})


class DashboardApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/dashboards`` and ``/api/v1/targets``."""

    route_base = "/api/v1"
    resource_name = "dashboards"
    csrf_exempt = False
    openapi_spec_tag = "Dashboards"

    @expose("/dashboards", methods=["GET"])
    @answers
    def dashboards(self) -> Response:
        """Return the dashboards that are for the asker's roles."""
        only(*parameters(frozenset()), "")
        rows = [
            {
                "name": one.name,
                "label": one.label.in_language(language()),
                "period": one.period,
                "people": one.people,
                "figures": [figure.label.in_language(language()) for figure in one.figures],
            }
            for one in _figures().dashboards(asker())
        ]
        return as_json({"rows": rows})

    @expose("/dashboards/<name>", methods=["GET"])
    @answers
    def dashboard(self, name: str) -> Response:
        """Return a dashboard's figures, each over the rows the asker may see."""
        named = only(*parameters(_LOOK), "period, people, figures")
        looked = _figures().look(
            asker(),
            name,
            period=named.get("period"),
            people=named.get("people"),
            only=_numbers(named.get("figures")),
        )
        return as_json(
            {
                "name": looked.dashboard.name,
                "label": looked.dashboard.label.in_language(language()),
                "period": period_json(looked.span),
                "people": looked.people.written,
                "at": looked.at.isoformat(),
                "figures": [
                    {"number": number, **figure_json(answer, language())}
                    for number, answer in looked.answers.items()
                ],
            }
        )

    @expose("/targets", methods=["GET"])
    @answers
    def targets(self) -> Response:
        """Return the targets there are, and whether the asker may type them in."""
        only(*parameters(frozenset()), "")
        principal = asker()
        rows = [
            {
                "name": target.name,
                "label": target.label.in_language(language()),
                "per": target.per,
                "levels": target.levels,
                "may_edit": _figures().reach(principal, target.name).may_edit,
            }
            for target in services().live.release.catalog.targets.values()
        ]
        return as_json({"rows": rows})

    @expose("/targets/<name>", methods=["GET"])
    @answers
    def target(self, name: str) -> Response:
        """Return the amounts of one year that the asker may know."""
        named = only(*parameters(_YEAR), "year")
        target, reach = _reach(name)
        year = _year(named.get("year"))
        amounts = _figures().book.amounts([target], date(year, 1, 1), date(year, 12, 1))[name]
        rows = [
            {
                "kind": subject[0],
                "subject": subject[1] or None,
                "month": month.strftime("%Y-%m"),
                "level": level,
                "amount": amount,
                "may_edit": reach.edits(subject),
            }
            for (subject, month, level), amount in sorted(amounts.items())
            if reach.sees(subject)
        ]
        return as_json({"name": name, "year": year, "levels": target.levels, "rows": rows})

    @expose("/targets/<name>", methods=["PUT"])
    @answers
    def set_target(self, name: str) -> Response:
        """Type amounts in: all or none; an empty amount takes one away."""
        only(*parameters(frozenset()), "")
        _, reach = _reach(name)
        sent = body()
        check_keys(sent, {"cells"})
        cells = [_cell(number, one) for number, one in enumerate(_listed(sent))]
        changed = _figures().book.write(asker(), reach, cells, services().clock.now())
        return as_json({"changed": changed})

    @expose("/targets/<name>/changes", methods=["GET"])
    @answers
    def target_changes(self, name: str) -> Response:
        """Return the last changes of a target that the asker may know of."""
        only(*parameters(frozenset()), "")
        _, reach = _reach(name)
        rows = [
            {
                "kind": one.kind,
                "subject": one.subject or None,
                "month": one.month.strftime("%Y-%m"),
                "level": one.level,
                "before": one.before,
                "after": one.after,
                "by": one.by,
                "at": one.at.isoformat(),
            }
            for one in _figures().book.changes(reach.target, 200)
            if reach.sees((one.kind, one.subject))
        ]
        return as_json({"rows": rows})


def _figures() -> Figures:
    return services().records.figures


def _reach(name: str) -> tuple[Target, Reach]:
    """Return a target and how far the asker's sight goes in it.

    Raises:
        NotFound: there is no such target.
    """
    reach = _figures().reach(asker(), name)
    return reach.target, reach


def _numbers(text: str | None) -> list[int] | None:
    if text is None:
        return None
    words = text.split(",")
    if not all(word.isascii() and word.isdigit() and len(word) < 5 for word in words):
        raise Malformed(
            say(
                "`figures` are numbers such as `0,3`, counted from 0.",
                "figures 应为从 0 开始的编号，例如 0,3。",
            )
        )
    return [int(word) for word in words]


def _year(text: str | None) -> int:
    today = services().clock.now().year if text is None else 0
    year = int(text) if text and text.isascii() and text.isdigit() and len(text) == 4 else today
    if not 1900 <= year <= 2999:
        raise Malformed(say("`year` is a year such as `2026`.", "year 应为四位年份，例如 2026。"))
    return year


def _listed(sent: Mapping[str, Any]) -> list[Any]:
    cells = sent.get("cells")
    if not isinstance(cells, list) or not cells:
        raise InvalidInput({"cells": [say("A list of amounts.", "应为数值列表。")]})
    return cells


def _cell(number: int, sent: Any) -> Cell:
    """Read one amount of a body.

    Raises:
        InvalidInput: it is none, with its place in the list.
    """
    at = f"cells.{number}"
    if not isinstance(sent, dict):
        raise InvalidInput({at: [say("An object with `kind` and `amount`.", "应为对象。")]})
    check_keys(sent, {"kind", "subject", "month", "level", "amount"})
    kind, subject = sent.get("kind"), sent.get("subject")
    if kind not in KINDS:
        raise InvalidInput(
            {at: [say("`kind` is company, department or user.",
                      "kind 应为 company、department 或 user。")]}
        )  # fmt: skip
    if kind == "company":
        subject = 0
    if isinstance(subject, bool) or not isinstance(subject, int) or not 0 <= subject < 2**62:
        raise InvalidInput({at: [say("`subject` is a number.", "subject 应为编号。")]})
    level = sent.get("level", "base")
    if not isinstance(level, str) or "\0" in level:
        raise InvalidInput({at: [say("`level` is a word.", "level 应为文本。")]})
    return Cell(kind, subject, _month(at, sent.get("month")), level, _amount(at, sent))


def _month(at: str, text: Any) -> date:
    try:
        if not isinstance(text, str) or len(text) != 7:
            raise ValueError(text)
        month = date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise InvalidInput(
            {at: [say("`month` is one such as `2026-03`.", "month 形如 2026-03。")]}
        ) from error
    return month


def _amount(at: str, sent: Mapping[str, Any]) -> Decimal | None:
    value = sent.get("amount")
    if value is None:
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if isinstance(value, bool) or not amount.is_finite():
        raise InvalidInput({at: [say("`amount` is a number.", "amount 应为数字。")]})
    return amount
