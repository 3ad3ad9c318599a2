"""The tree of departments: who leads them, how many work there, and moving departments and people.

Every move is told before it is made: who would see more, and who less. A circle is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Response, redirect, request

from app.access.sight import Change, Sight, changed, compare, makes_circle
from app.automation.handing_over import HandingOver
from app.database import audit
from app.errors import InvalidInput, NotFound
from app.screens.controls import Chosen, Control
from app.screens.list_view import Tab
from app.screens.marks import Mark, mark_of
from app.screens.navigation import plural
from app.screens.people import department_names, people_tabs
from app.screens.visit import Visit, leave_toast
from app.security.manager import require_admin
from app.texts import Label, say

#: Names of people in one sentence.
_MOST_NAMED = 6
_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class DepartmentRow:
    """One department in the tree."""

    id: int
    label: str
    href: str
    people_href: str
    move_href: str
    depth: int
    head: Mark | None
    count: int
    everybody: int


@dataclass(slots=True)
class DepartmentsView:
    """Everything `departments.html` shows."""

    tabs: Sequence[Tab]
    heading: str
    words: dict[str, str]
    rows: Sequence[DepartmentRow]
    new_href: str = "/crm/department/new"
    new_label: str = ""
    new_icon: str = "plus"


@dataclass(slots=True)
class MoveView:
    """Everything `move_people.html` shows."""

    tabs: Sequence[Tab]
    title: str
    action: str
    what: str
    who: int
    back_href: str
    controls: Sequence[Control]
    words: dict[str, str]
    told: Sequence[tuple[str, str]] = ()
    refused: str = ""
    may_save: bool = False
    new_href: str = ""
    new_label: str = ""
    new_icon: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


def departments_page(visit: Visit) -> Response:
    """Return the tree of departments."""
    require_admin(visit.principal)
    words = visit.words
    snapshot = visit.core.organisation.snapshot()
    names = department_names(visit)
    counts: dict[int | None, int] = {}
    for one in snapshot.people.values():
        counts[one.department] = counts.get(one.department, 0) + 1
    rows = []
    for number, depth in in_order(snapshot.departments, names):
        head = snapshot.people.get(snapshot.head_of(number) or 0)
        inside = snapshot.department_tree([number])
        rows.append(
            DepartmentRow(
                number,
                names[number],
                f"/crm/department/{number}",
                f"/people?department={number}",
                f"/people/move?department={number}",
                min(depth, 6),
                mark_of(head.name) if head else None,
                counts.get(number, 0),
                sum(counts.get(one, 0) for one in inside),
            )
        )
    view = DepartmentsView(
        people_tabs(visit, "departments"),
        words(say("Departments", "部门")),
        {
            "department": words(say("Department", "部门")),
            "head": words(say("Head", "负责人")),
            "here": words(say("Here", "本部门")),
            "below": words(say("With those below", "含下级")),
            "move": words(say("Move", "移动")),
            "top": words(say("Drop here: at the top", "拖到此处：移至顶层")),
            "hint": words(
                say(
                    "Drag a department onto another, or use Move. What changes in who sees what "
                    "is told before anything is saved.",
                    "将部门拖到另一个部门上，或使用“移动”。保存之前会说明哪些人的可见范围发生变化。",
                )
            ),
            "none": words(say("No department yet.", "还没有部门。")),
        },
        rows,
        new_label=words(say("New department", "新建部门")),
    )
    page = visit.page(view.heading, "people")
    return visit.render("departments.html", page=page, view=view)


def in_order(parents: Any, names: Any) -> list[tuple[int, int]]:
    """Return departments with their depth, each below the one it belongs to."""
    children: dict[int | None, list[int]] = {}
    for number in names:
        parent = parents.get(number)
        children.setdefault(parent if parent in names else None, []).append(number)
    found: list[tuple[int, int]] = []

    def walk(parent: int | None, depth: int) -> None:
        for number in sorted(children.get(parent, ()), key=lambda one: names[one]):
            found.append((number, depth))
            if depth < _DEEPEST:
                walk(number, depth + 1)

    walk(None, 0)
    return found


def move_page(visit: Visit, refused: str = "") -> Response:
    """Return what a move would change, and the way to make it."""
    require_admin(visit.principal)
    moving = _moving(visit)
    view = moving.view
    if refused:
        view.refused = refused
    elif moving.is_chosen:
        snapshot = visit.core.organisation.snapshot()
        if moving.change.parents and makes_circle(snapshot, view.who, moving.to):
            view.refused = visit.words(
                say("A department cannot lie below itself.", "部门不能移到自己的下级。")
            )
        else:
            sight = compare(visit.catalog, snapshot, changed(snapshot, moving.change))
            view.told = _told(visit, sight)
            view.may_save = True
            if view.what == "person":
                left = _handing_over(visit).elsewhere(visit.principal, view.who, moving.to)
                view.controls = [*view.controls, *_along(visit, left)]
    response = visit.render("move_people.html", page=visit.page(view.title, "people"), view=view)
    if view.refused:
        response.status_code = 422
    return response


def move(visit: Visit) -> Response:
    """Put a person or a department elsewhere."""
    require_admin(visit.principal)
    moving = _moving(visit)
    if not moving.is_chosen:
        return move_page(visit)
    snapshot = visit.core.organisation.snapshot()
    if moving.change.parents and makes_circle(snapshot, moving.view.who, moving.to):
        return move_page(visit)
    entity, who = ("department" if moving.change.parents else "user"), moving.view.who
    values = {"parent" if entity == "department" else "department": moving.to}
    if moving.view.what == "head":
        values = {"head": moving.to}
        entity = "department"
    try:
        visit.writer.update(visit.principal, entity, who, values, origin="screen")
    except InvalidInput as problem:
        sentences = [one for all_ in problem.fields.values() for one in all_]
        said = sentences[0] if sentences else problem.message
        return move_page(visit, visit.words(said))  # type: ignore[arg-type]
    visit.core.organisation.expire()
    with visit.core.pools.write.connection() as connection:
        audit.note(
            connection,
            "account.department.moved" if entity == "user" else "department.tree.changed",
            user_id=visit.principal.user_id,
            address=request.remote_addr,
            details={"user" if entity == "user" else "department": who, **values},
        )
    said = visit.wording.say("Saved")
    if moving.view.what == "person" and request.form.getlist("along")[-1:] == ["yes"]:
        along = _handing_over(visit).bring_along(visit.principal, who)
        if along:
            told = say("Saved; {count} records went along", "已保存，{count} 条记录一同转移",
                       count=sum(along.values()))  # fmt: skip
            said = visit.words(told)
    leave_toast(said)
    return redirect(moving.view.back_href, 303)  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class _Moving:
    view: MoveView
    change: Change
    to: int | None
    is_chosen: bool


def _moving(visit: Visit) -> _Moving:
    """Read what is to be moved, and where to."""
    asked = request.form if request.method == "POST" else request.args
    snapshot, names = visit.core.organisation.snapshot(), department_names(visit)
    what = next((one for one in ("person", "department", "head") if asked.get(one)), "")
    who = _number(asked.get(what, ""))
    known = snapshot.people if what == "person" else names
    if who is None or who not in known:
        raise NotFound
    to_text = asked.get("to", "")
    to, is_chosen = _number(to_text), to_text == "none"
    if to is not None:
        is_chosen = to in (snapshot.people if what == "head" else names)
    if not is_chosen:
        to = None
    change, name = _change(what, who, to, snapshot, names)
    titles = {
        "person": say("Move {name} to another department", "调整{name}的部门", name=name),
        "department": say("Move {name}", "移动{name}", name=name),
        "head": say("Head of {name}", "{name}的负责人", name=name),
    }
    view = MoveView(
        people_tabs(visit, "people" if what == "person" else "departments"),
        visit.words(titles[what]),
        "/people/move",
        what,
        who,
        f"/people/{who}" if what == "person" else "/people/departments",
        [_choice(visit, what, who, names, to_text)],
        {
            "show": visit.words(say("See what changes", "查看影响")),
            "save": visit.words(say("Move", "移动") if what != "head" else say("Save", "保存")),
            "cancel": visit.words(say("Cancel", "取消")),
        },
    )
    return _Moving(view, change, to, is_chosen)


def _change(what: str, who: int, to: int | None, snapshot: Any, names: Any) -> tuple[Change, str]:
    if what == "person":
        return Change(people={who: to}), snapshot.people[who].name
    if what == "head":
        return Change(heads={who: to}), names[who]
    return Change(parents={who: to}), names[who]


def _choice(visit: Visit, what: str, who: int, names: Any, to: str) -> Control:
    """Return the control that says where to."""
    snapshot, words = visit.core.organisation.snapshot(), visit.words
    if what == "head":
        people = sorted(snapshot.people.values(), key=lambda one: one.name.casefold())
        offered = [(str(one.id), one.name) for one in people if one.active]
        label, none = say("Head", "负责人"), say("nobody", "无")
        now = snapshot.head_of(who)
    else:
        own = set(snapshot.department_tree([who])) if what == "department" else set()
        offered = [
            (str(number), "\u2003" * depth + names[number])
            for number, depth in in_order(snapshot.departments, names)
            if number not in own
        ]
        label = say("Department", "部门") if what == "person" else say("Below", "上级部门")
        none = say("no department", "无部门") if what == "person" else say("at the top", "顶层")
        now = snapshot.people[who].department if what == "person" else snapshot.departments.get(who)
    on = to or (str(now) if now is not None else "none")
    options = [("none", words(none)), *offered]
    return Control(
        "choice",
        "to",
        words(label),
        required=True,
        value=on,
        options=[Chosen(name, text, name == on) for name, text in options],
    )


def _handing_over(visit: Visit) -> HandingOver:
    return HandingOver(visit.records, visit.core.approvals)


def _along(visit: Visit, count: int) -> list[Control]:
    """Return the question whether a person's records go along; none where there are none."""
    if not count:
        return []
    label = say("{count} records go along", "{count} 条记录一同转移", count=count)
    hint = say(
        "Otherwise they stay with the department they were given in, and its people see them.",
        "否则这些记录仍属于原部门，原部门的人员可见。",
    )
    return [
        Control(
            "boolean", "along", visit.words(label), value="yes", help=visit.words(hint), span=12
        )
    ]


def _told(visit: Visit, sight: Sight) -> list[tuple[str, str]]:
    """Return what changes in who sees what: the kind of note, and the sentence."""
    if sight.is_same:
        same = say("Nobody sees more or less by it.", "没有人的可见范围发生变化。")
        return [("ok", visit.words(same))]
    joint = "、" if visit.language == "zh" else ", "
    things = joint.join(
        plural(visit.catalog.entities[one], visit.language)
        for one in visit.catalog.entities
        if one in sight.entities
    )
    told = []
    sentences: tuple[tuple[str, set[int], Label, Label], ...] = (
        (
            "info", sight.gain,
            say("{number} person gains sight of records: {names}.",
                "{number} 人将看到更多记录：{names}。"),
            say("{number} people gain sight of records: {names}.",
                "{number} 人将看到更多记录：{names}。"),
        ),
        (
            "warn", sight.lose,
            say("{number} person loses sight of records: {names}.",
                "{number} 人将看不到部分记录：{names}。"),
            say("{number} people lose sight of records: {names}.",
                "{number} 人将看不到部分记录：{names}。"),
        ),
    )  # fmt: skip
    for kind, people, one, many in sentences:
        if people:
            text = visit.words(one if len(people) == 1 else many)
            told.append((kind, text.format(number=len(people), names=_named(visit, people))))
    concerned = say("Concerned are {things}.", "涉及{things}。", things=things)
    return [*told, ("info", visit.words(concerned))]


def _named(visit: Visit, people: set[int]) -> str:
    snapshot = visit.core.organisation.snapshot()
    names = sorted(snapshot.people[one].name for one in people)
    joint = "、" if visit.language == "zh" else ", "
    shown = joint.join(names[:_MOST_NAMED])
    if len(names) <= _MOST_NAMED:
        return shown
    more = say("{names} and {more} more", "{names}等 {all} 人",
               names=shown, more=len(names) - _MOST_NAMED, all=len(names))  # fmt: skip
    return visit.words(more)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
