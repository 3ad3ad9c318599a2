"""What somebody may do and why: by entity and right, by field, and for one record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Response, request

from app.access.explaining import (
    RecordExplained,
    RoleSays,
    explain_fields,
    explain_record,
    explain_rights,
)
from app.access.principal import Principal
from app.definitions.catalog import RIGHTS, Entity, Place
from app.errors import NotFound
from app.screens.list_view import Tab
from app.screens.marks import Mark, mark_of
from app.screens.navigation import plural
from app.screens.people import people_tabs, scope_words
from app.screens.visit import Visit
from app.security.manager import require_admin
from app.texts import Label, say

_RIGHTS: dict[str, Label] = {
    "read": say("Read", "查看"),
    "create": say("Make", "新建"),
    "update": say("Edit", "修改"),
    "delete": say("Delete", "删除"),
    "restore": say("Restore", "恢复"),
    "transfer": say("Transfer", "转移"),
    "share": say("Share", "共享"),
    "merge": say("Merge", "合并"),
    "import": say("Import", "导入"),
    "export": say("Export", "导出"),
    "history": say("History", "历史"),
    "publish": say("Publish", "发布"),
    "anonymise": say("Anonymise", "匿名化"),
}
_FIELD_RIGHTS: dict[str, Label] = {
    "hidden": say("hidden", "隐藏"),
    "masked": say("masked", "脱敏"),
    "read": say("read only", "只读"),
}
_MOST_FOUND = 8


@dataclass(frozen=True, slots=True)
class Said:
    """What one role says, and where it is written."""

    role: str
    verdict: str
    words: str
    place: str


@dataclass(frozen=True, slots=True)
class RightRow:
    """One right to the chosen entity."""

    label: str
    verdict: str
    words: str
    said: Sequence[Said]


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field of which not everything may be done."""

    label: str
    right: str
    color: str
    role: str
    place: str


@dataclass(frozen=True, slots=True)
class EntityRow:
    """One entity, with a sign for each right."""

    label: str
    href: str
    on: bool
    scope: str
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class RecordAnswer:
    """Whether one record is seen, in words."""

    title: str
    href: str
    sees: bool
    sentence: str
    reasons: Sequence[Said]
    rights: str


@dataclass(slots=True)
class RightsView:
    """Everything `rights.html` shows."""

    tabs: Sequence[Tab]
    person: Mark
    sub: str
    back_href: str
    action: str
    heads: Sequence[str]
    rows: Sequence[EntityRow]
    entity: str
    entity_label: str
    rights: Sequence[RightRow]
    fields: Sequence[FieldRow]
    words: dict[str, str]
    asked: str = ""
    found: Sequence[tuple[str, str]] = ()
    nothing: str = ""
    answer: RecordAnswer | None = None
    new_href: str = ""
    new_label: str = ""
    new_icon: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


def rights_page(visit: Visit, user_id: int) -> Response:
    """Return the page, for administrators."""
    require_admin(visit.principal)
    person = visit.core.organisation.snapshot().people.get(user_id)
    if person is None:
        raise NotFound
    entities = [one for one in visit.catalog.entities.values() if one.lines_of is None]
    chosen = visit.catalog.entities.get(request.args.get("entity", ""))
    if chosen is None or chosen.lines_of is not None:
        chosen = entities[0]
    roles, words = person.roles, visit.words
    action = f"/people/{user_id}/rights"
    view = RightsView(
        tabs=people_tabs(visit, "people"),
        person=mark_of(person.name or f"#{person.id}"),
        sub=_role_names(visit, sorted(roles)),
        back_href=f"/people/{user_id}",
        action=action,
        heads=[words(_RIGHTS[one]) for one in _shown()],
        rows=[_entity_row(visit, one, roles, action, chosen.name) for one in entities],
        entity=chosen.name,
        entity_label=plural(chosen, visit.language),
        rights=_right_rows(visit, chosen, roles),
        fields=_field_rows(visit, chosen, roles),
        words=_words(visit, person.name),
        asked=request.args.get("record", "").strip()[:200],
    )
    principal = visit.core.organisation.principal(user_id)
    if view.asked:
        _answer(visit, view, chosen, principal, person.name)
    title = words(say("What {name} may do", "{name}的权限", name=person.name))
    return visit.render("rights.html", page=visit.page(title, "people"), view=view)


def _shown() -> tuple[str, ...]:
    return ("read", "create", "update", "delete", "transfer", "export")


def _words(visit: Visit, name: str) -> dict[str, str]:
    texts = {
        "why": say("Why", "原因"),
        "entity": say("Records", "记录"),
        "which": say("Which", "范围"),
        "field": say("Field", "字段"),
        "right": say("Right", "权限"),
        "role": say("By the role", "依据角色"),
        "fields": say("Fields that are not free", "受限字段"),
        "free": say("Every field may be read and written, as far as the record may.",
                    "所有字段均可读写（以记录权限为准）。"),
        "see": say("Does {name} see this record?", "{name}能看到这条记录吗？", name=name),
        "hint": say("A number, or words of its title", "编号，或标题中的文字"),
        "ask": say("Ask", "查询"),
        "yes": say("yes", "是"),
        "some": say("some", "部分"),
        "no": say("no", "否"),
        "back": say("People", "人员"),
    }  # fmt: skip
    return {key: visit.words(text) for key, text in texts.items()}


def _role_names(visit: Visit, names: Sequence[str]) -> str:
    known = visit.catalog.roles
    labels = [visit.words(known[one].label) for one in names if one in known]
    return ("、" if visit.language == "zh" else ", ").join(labels)


def _entity_row(
    visit: Visit, entity: Entity, roles: frozenset[str], action: str, chosen: str
) -> EntityRow:
    explained = {one.right: one for one in explain_rights(visit.catalog, roles, entity.name)}
    return EntityRow(
        plural(entity, visit.language),
        f"{action}?entity={entity.name}#why",
        entity.name == chosen,
        scope_words(visit, explained["read"].rule, entity),
        [explained[right].verdict for right in _shown()],
    )


def _right_rows(visit: Visit, entity: Entity, roles: frozenset[str]) -> list[RightRow]:
    order = [*_RIGHTS, *(one for one in RIGHTS if one not in _RIGHTS)]
    return [
        RightRow(
            visit.words(_RIGHTS[one.right]) if one.right in _RIGHTS else one.right,
            one.verdict,
            scope_words(visit, one.rule, entity),
            [_said(visit, each, entity) for each in one.roles],
        )
        for one in sorted(
            explain_rights(visit.catalog, roles, entity.name),
            key=lambda one: order.index(one.right),
        )
    ]


def _said(visit: Visit, says: RoleSays, entity: Entity) -> Said:
    return Said(
        _role_names(visit, [says.role]),
        says.verdict,
        scope_words(visit, says.rule, entity),
        _place(says.place),
    )


def _place(place: Place | None) -> str:
    return f"{place.file}:{place.line}" if place is not None else ""


def _field_rows(visit: Visit, entity: Entity, roles: frozenset[str]) -> list[FieldRow]:
    colors = {"hidden": "bad", "masked": "warn", "read": "info"}
    return [
        FieldRow(
            visit.words(entity.fields[one.field].label),
            visit.words(_FIELD_RIGHTS[one.right]),
            colors[one.right],
            _role_names(visit, [one.role]) if one.role else "",
            _place(one.place),
        )
        for one in explain_fields(visit.catalog, roles, entity.name)
    ]


def _answer(
    visit: Visit, view: RightsView, entity: Entity, principal: Principal | None, name: str
) -> None:
    """Answer for the record that was asked for, or offer those it may be."""
    asked = view.asked
    if not (asked.isascii() and asked.isdigit() and len(asked) < 19):
        hits = visit.records.search(visit.principal, asked, [entity.name], limit=_MOST_FOUND)
        address = f"{view.action}?entity={entity.name}&record="
        view.found = [(hit.title or f"#{hit.id}", f"{address}{hit.id}#record") for hit in hits]
    elif principal is not None:
        try:
            known = explain_record(visit.records, visit.catalog, principal, entity.name, int(asked))
        except NotFound:
            known = None
        if known is not None:
            view.answer = _explained(visit, entity, int(asked), principal, known)
            return
    if principal is None:
        view.nothing = visit.words(
            say("{name} may not sign in, and sees nothing.", "{name}无法登录，看不到任何记录。",
                name=name)
        )  # fmt: skip
    elif not view.found:
        view.nothing = visit.words(say("There is no such record.", "没有这样的记录。"))


def _explained(
    visit: Visit, entity: Entity, number: int, principal: Principal, known: RecordExplained
) -> RecordAnswer:
    titles = visit.records.titles(visit.principal, entity.name, [number])
    joint = "、" if visit.language == "zh" else ", "
    names = [visit.words(_RIGHTS[one]) for one in _RIGHTS if one in known.rights]
    return RecordAnswer(
        titles.get(number) or f"#{number}",
        f"/crm/{entity.name}/{number}",
        bool(known.rights),
        visit.words(_sentence(visit, principal, known)),
        [_said(visit, one, entity) for one in known.roles],
        joint.join(names),
    )


def _sentence(visit: Visit, principal: Principal, known: RecordExplained) -> Label:
    owner = visit.core.organisation.snapshot().people.get(known.owner or 0)
    name = principal.name
    if known.is_shared:
        return say("It is shared with {name}.", "该记录共享给了{name}。", name=name)
    if known.is_in_pool:
        return say(
            "It lies in a public sea that {name} may look into.",
            "该记录在{name}可以查看的公海中。",
            name=name,
        )
    if owner is None:
        return say("It has no owner.", "该记录没有负责人。")
    if owner.id == principal.user_id:
        return say("{name} owns it.", "{name}是负责人。", name=name)
    if owner.id in principal.subordinates:
        return say(
            "{owner} owns it, who works below {name}.",
            "负责人{owner}是{name}的下属。",
            owner=owner.name,
            name=name,
        )
    return say(
        "{owner} owns it, who does not work below {name}.",
        "负责人{owner}不是{name}的下属。",
        owner=owner.name,
        name=name,
    )
