"""Handing over everything of a person: what there is, who takes it, and doing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, redirect, request

from app.automation.handing_over import HandingOver, Left
from app.errors import InvalidInput, NotFound
from app.screens.controls import Control
from app.screens.navigation import plural
from app.screens.visit import Visit, leave_toast
from app.texts import Label, say


@dataclass(frozen=True, slots=True)
class Item:
    """One kind of thing there is to hand over."""

    name: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class HandOverView:
    """Everything `hand_over.html` shows."""

    title: str
    back_href: str
    back_label: str
    action: str
    sentence: str
    head: tuple[str, str]
    items: Sequence[Item]
    others: Sequence[str]
    heirs: Control
    button: str
    nothing: str
    refused: str = ""


def _handing_over(visit: Visit) -> HandingOver:
    return HandingOver(visit.records, visit.core.approvals)


def _name(visit: Visit, number: int) -> str:
    person = visit.core.organisation.snapshot().people.get(number)
    if person is None:
        raise NotFound
    return str(person.name or f"#{number}")


def hand_over_page(visit: Visit, number: int, refused: str = "") -> Response:
    """Return what a person would leave behind, and the form that hands it over."""
    left = _handing_over(visit).left(visit.principal, number)
    name = _name(visit, number)
    words = visit.words
    title = words(say("Hand over everything of {name}", "交接{name}的全部数据", name=name))
    is_admin = visit.policy.is_admin
    view = HandOverView(
        title=title,
        back_href=f"/people/{number}" if is_admin else "/me",
        back_label=name,
        action=f"/people/{number}/hand-over",
        sentence=words(_SENTENCE),
        head=(words(say("Records", "数据")), words(say("How many", "数量"))),
        items=[
            Item(entity, plural(visit.catalog.entities[entity], visit.language), count)
            for entity, count in left.records.items()
        ],
        others=[words(one) for one in _others(left)],
        heirs=Control(
            "links",
            "heirs",
            words(say("Who takes it over, several in turn", "接收人（多人时轮流分配）")),
            id="pick-heirs",
            input_name="heirs",
            required=True,
            many=True,
            span=12,
            search="/crm/user/pick/manager",
        ),
        button=words(say("Hand over", "交接")),
        nothing=words(say("Nothing belongs to this person any more.", "此人名下已没有数据。"))
        if left.is_nothing
        else "",
        refused=refused,
    )
    response = visit.render("hand_over.html", page=visit.page(title, "people"), view=view)
    if refused:
        response.status_code = 422
    return response


_SENTENCE = say(
    "Records that hang on each other go to the same colleague. Stages and links stay as they are; "
    "the history keeps who had them before. Approvals that wait for this person go to the first "
    "one chosen, who stands in from now on.",
    "相互关联的数据会交给同一位同事；阶段和关联保持不变，历史记录会保留原负责人。"
    "等待此人处理的审批将转交给所选的第一位同事，并由其代理。",
)


def _others(left: Left) -> list[Label]:
    found = []
    if left.questions:
        waits = "{count} approvals wait." if left.questions > 1 else "1 approval waits."
        found.append(say(waits, "{count} 个待处理审批。", count=left.questions))
    if left.people:
        below = (
            "{count} people report to this person."
            if left.people > 1
            else "1 person reports to this person."
        )
        found.append(say(below, "有 {count} 名直属下属。", count=left.people))
    if left.departments:
        heads = "Head of {count} departments." if left.departments > 1 else "Head of 1 department."
        found.append(say(heads, "{count} 个部门的负责人。", count=left.departments))
    return found


def hand_over(visit: Visit, number: int) -> Response:
    """Hand over everything of a person, or the ticked kinds of records."""
    heirs = [int(one) for one in request.form.getlist("heirs") if one.isdigit() and len(one) < 19]
    ticked = request.form.getlist("entities")
    try:
        done = _handing_over(visit).hand_over(visit.principal, number, heirs, entities=ticked)
    except InvalidInput as problem:
        told = [visit.words(one) for many in problem.fields.values() for one in many]  # type: ignore[arg-type]
        sentence = " ".join(told) or visit.words(problem.message)  # type: ignore[arg-type]
        return hand_over_page(visit, number, refused=sentence)
    count = sum(done.records.values())
    text = say(
        "{count} records of {name} were handed over",
        "已交接{name}的 {count} 条数据",
        count=count,
        name=_name(visit, number),
    )
    leave_toast(visit.words(text))
    back = f"/people/{number}" if visit.policy.is_admin else "/me"
    return redirect(back, 303)  # type: ignore[return-value]
