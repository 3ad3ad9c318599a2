"""People, for administrators: who works here, departments, roles and what they may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import Response, request
from markupsafe import Markup, escape

from app.access.explaining import is_narrower
from app.access.policy import Policy, RowRule
from app.automation.occasions import condition_words
from app.definitions.catalog import Entity
from app.errors import NotFound
from app.screens.list_view import Tab
from app.screens.marks import Mark, mark_of
from app.screens.moments import time_tag
from app.screens.navigation import plural, readable_entities
from app.screens.visit import Visit
from app.security.manager import require_admin
from app.texts import say as both

_RIGHTS = ("read", "create", "update", "delete", "export")
_RIGHT_WORDS = {
    "read": both("Read", "查看"),
    "create": both("Make", "新建"),
    "update": both("Edit", "修改"),
    "delete": both("Del", "删除"),
    "export": both("Exp", "导出"),
}
_SCOPES = {
    "own": both("own", "本人"),
    "team": both("own and shared", "本人及共享"),
    "subordinates": both("own and of people below", "本人及下属"),
    "department": both("of the department", "本部门"),
    "department_tree": both("of the department and below", "本部门及下级"),
    "all": both("all", "全部"),
}


@dataclass(frozen=True, slots=True)
class TreeItem:
    label: str
    href: str
    depth: int
    count: int
    on: bool
    #: what a person dropped on it goes to
    id: str = ""


@dataclass(frozen=True, slots=True)
class PersonRow:
    person: Mark
    href: str
    roles: str
    manager: str
    on: bool
    off: bool
    id: int = 0
    seen: str = ""


@dataclass(frozen=True, slots=True)
class RightsRow:
    label: str
    scope: str
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class PersonView:
    person: Mark
    sub: str
    edit_href: str
    rights_href: str
    move_href: str
    hand_over_href: str
    hand_over: str
    rights: Sequence[str]
    rows: Sequence[RightsRow]
    hidden: str = ""


@dataclass(slots=True)
class PeopleView:
    """Everything the pages of people show."""

    tabs: Sequence[Tab]
    heading: str = ""
    sub: str = ""
    new_href: str = ""
    new_label: str = ""
    new_icon: str = "user-plus"
    tree: Sequence[TreeItem] = ()
    rows: Sequence[Any] = ()
    columns: Sequence[Any] = ()
    note: str = ""
    person: PersonView | None = None
    extra: dict[str, Any] = field(default_factory=dict)


def people_tabs(visit: Visit, on: str) -> list[Tab]:
    """Return the parts of the pages of people, the one of *on* marked."""
    say = visit.wording.say
    return [
        Tab(say("People"), "/people", on == "people"),
        Tab(say("Roles"), "/people/roles", on == "roles"),
        Tab(say("Departments"), "/people/departments", on == "departments"),
        Tab(both("Sign-ins", "登录日志").in_language(visit.language), "/people/sign-ins",
            on == "sign-ins"),
        Tab(both("Audit", "审计日志").in_language(visit.language), "/people/audit", on == "audit"),
        Tab(both("Personal data", "个人信息").in_language(visit.language), "/personal",
            on == "personal"),
    ]  # fmt: skip


def department_names(visit: Visit) -> dict[int, str]:
    """Return the departments by number."""
    found: dict[int, str] = {}
    after = None
    while True:
        page = visit.records.query(
            visit.principal, "department", fields=("name",), limit=100, after=after
        )
        found |= {one.id: one.get("name") or f"#{one.id}" for one in page.rows}
        after = page.next
        if after is None:
            return found


def people_page(visit: Visit, number: str = "") -> Response:
    """Return the people of a department, or of all, and what the chosen one may do."""
    require_admin(visit.principal)
    say = visit.wording.say
    snapshot = visit.core.organisation.snapshot()
    names = department_names(visit)
    asked = request.args.get("department", "")
    chosen = int(asked) if asked.isdecimal() and len(asked) < 19 and int(asked) in names else None
    inside = set(snapshot.department_tree([chosen])) if chosen else None
    people = [
        one
        for one in sorted(snapshot.people.values(), key=lambda one: one.name.casefold())
        if inside is None or one.department in inside
    ]
    picked = int(number) if number.isdigit() else None
    seen = visit.core.sessions.last_seen()
    view = PeopleView(
        people_tabs(visit, "people"),
        heading=names[chosen] if chosen else say("Everybody"),
        sub=visit.wording.count("%(number)s person", "%(number)s people", len(people)),
        new_href="/people/new",
        new_label=say("New person"),
        tree=_tree(visit, snapshot, names, chosen),
        rows=[_row(visit, one, snapshot, asked, picked, seen) for one in people],
    )
    if picked is not None:
        person = snapshot.people.get(picked)
        if person is None:
            raise NotFound
        view.person = _person(visit, person, names)
    page = visit.page(say("People"), "people")
    return visit.render("people_list.html", page=page, view=view)


def _tree(
    visit: Visit, snapshot: Any, names: Mapping[int, str], chosen: int | None
) -> list[TreeItem]:
    counts: dict[int | None, int] = {}
    for one in snapshot.people.values():
        counts[one.department] = counts.get(one.department, 0) + 1
    children: dict[int | None, list[int]] = {}
    for number, parent in snapshot.departments.items():
        children.setdefault(parent if parent in names else None, []).append(number)
    items = [
        TreeItem(visit.wording.say("Everybody"), "/people", 0, len(snapshot.people), chosen is None)
    ]

    def walk(parent: int | None, depth: int) -> None:
        for number in sorted(children.get(parent, ()), key=lambda one: names.get(one, "")):
            inside = snapshot.department_tree([number])
            total = sum(counts.get(one, 0) for one in inside)
            href = f"/people?department={number}"
            label = names.get(number, f"#{number}")
            items.append(TreeItem(label, href, min(depth, 4), total, number == chosen, str(number)))
            if depth < 20:
                walk(number, depth + 1)

    walk(None, 1)
    return items


def _role_words(visit: Visit, names: Sequence[str]) -> str:
    known = visit.catalog.roles
    labels = [known[one].label.in_language(visit.language) for one in names if one in known]
    return ("、" if visit.language == "zh" else ", ").join(labels)


def _row(
    visit: Visit,
    one: Any,
    snapshot: Any,
    department: str,
    picked: int | None,
    seen: Mapping[int, datetime],
) -> PersonRow:
    manager = snapshot.people.get(one.manager)
    query = f"?department={department}" if department.isdigit() else ""
    return PersonRow(
        mark_of(one.name or f"#{one.id}"),
        f"/people/{one.id}{query}",
        _role_words(visit, sorted(one.roles)),
        manager.name if manager else "",
        one.id == picked,
        not one.active,
        one.id,
        _seen(visit, seen.get(one.id)),
    )


def _seen(visit: Visit, moment: datetime | None) -> str:
    look = visit.look
    if moment is None:
        return visit.wording.say("not yet")
    return time_tag(moment, look.now, visit.wording, look.zone)


def _person(visit: Visit, one: Any, names: Mapping[int, str]) -> PersonView:
    policy = Policy(visit.catalog, one.roles)
    entities = readable_entities(visit.catalog, policy)
    parts = [names.get(one.department, ""), _role_words(visit, sorted(one.roles))]
    hidden = [
        field_.label.in_language(visit.language)
        for entity in entities
        for name, field_ in entity.fields.items()
        if not field_.built_in and policy.field_right(entity.name, name) == "hidden"
    ]
    sentence = ""
    if hidden:
        sentence = visit.wording.say(
            "Hidden in every screen, search and answer: %(fields)s",
            fields=", ".join(dict.fromkeys(hidden)),
        )
    return PersonView(
        mark_of(one.name or f"#{one.id}"),
        " · ".join(part for part in parts if part),
        f"/people/{one.id}/edit",
        f"/people/{one.id}/rights",
        f"/people/move?person={one.id}",
        f"/people/{one.id}/hand-over",
        both("Hand over", "交接").in_language(visit.language),
        [_RIGHT_WORDS[right].in_language(visit.language) for right in _RIGHTS],
        [rights_row(visit, policy, entity) for entity in entities],
        sentence,
    )


def rights_row(visit: Visit, policy: Policy, entity: Any) -> RightsRow:
    """Return what a policy allows with one entity."""
    rule = policy.rule("read", entity.name)
    cells = []
    for right in _RIGHTS:
        found = policy.rule(right, entity.name)
        cells.append("no" if found.is_none else "some" if is_narrower(found, rule) else "yes")
    return RightsRow(plural(entity, visit.language), scope_words(visit, rule, entity), cells)


def _reads(visit: Visit, policy: Policy) -> str:
    """Return which rows of what a role reads, what is read alike named together."""
    alike: dict[str, list[str]] = {}
    for entity in readable_entities(visit.catalog, policy):
        words = scope_words(visit, policy.rule("read", entity.name), entity)
        alike.setdefault(words, []).append(plural(entity, visit.language))
    between = "、" if visit.language == "zh" else ", "
    lines = [
        escape(f"{words}{'：' if visit.language == 'zh' else ': '}{between.join(names)}")
        for words, names in alike.items()
    ]
    return Markup("<br>").join(lines)


def scope_words(visit: Visit, rule: RowRule, entity: Entity) -> str:
    """Return which rows a rule lets through, in words."""
    if rule.is_none:
        return visit.wording.say("none")
    if rule.is_all:
        return _SCOPES["all"].in_language(visit.language)
    words: dict[str, None] = {}
    for alternative in rule.alternatives:
        for part in alternative:
            for scope in sorted(part.scopes):
                words[_SCOPES[scope].in_language(visit.language)] = None
            for text in part.texts:
                words[visit.words(condition_words(text, visit.catalog, entity))] = None
            if part.inherited:
                words[visit.wording.say("with their parent record")] = None
    return ", ".join(words)


# -- roles and departments -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CellView:
    html: str
    end: bool = False
    wrap: bool = False
    #: where it stands on a phone
    card: str = ""


@dataclass(frozen=True, slots=True)
class RowView:
    cells: Sequence[CellView]
    href: str = ""
    depth: int = 0


@dataclass(frozen=True, slots=True)
class HeadView:
    label: str
    end: bool = False


def roles_page(visit: Visit) -> Response:
    """Return the roles, who has them, and what they may do; they are written in `roles.yaml`."""
    require_admin(visit.principal)
    say = visit.wording.say
    snapshot = visit.core.organisation.snapshot()
    rows = []
    for name, role in visit.catalog.roles.items():
        people = [one.name for one in snapshot.people.values() if name in one.roles and one.active]
        policy = Policy(visit.catalog, [name])
        reads = say("everything") if role.admin else _reads(visit, policy)
        rows.append(
            RowView(
                [
                    CellView(escape(role.label.in_language(visit.language))),
                    CellView(escape(name)),
                    CellView(escape(str(len(people))), end=True, card="m2"),
                    CellView(escape(reads or say("nothing")), wrap=True, card="m3"),
                ]
            )
        )
    view = PeopleView(
        people_tabs(visit, "roles"),
        heading=say("Roles"),
        columns=[
            HeadView(say("Role")),
            HeadView(say("Name in files")),
            HeadView(say("People"), end=True),
            HeadView(say("Reads")),
        ],
        rows=rows,
        note=say(
            "What a role may do stands in roles.yaml and in the files of the entities. "
            "Who has a role is decided here, person by person."
        ),
    )
    page = visit.page(say("Roles"), "people")
    return visit.render("people_table.html", page=page, view=view)
