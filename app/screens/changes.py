"""The pages of change sets: the list, one set with its records, how far an undo is; and undoing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Response, request
from markupsafe import Markup

from app.changes.inspecting import Changed, ChangeSet
from app.definitions.catalog import Entity
from app.errors import NotFound
from app.screens.change_words import KINDS, counted, kind_of, state_of, what_of
from app.screens.list_view import Tab
from app.screens.marks import Mark, mark_of
from app.screens.moments import time_tag
from app.screens.navigation import plural
from app.screens.timeline import Change, show_json, titles_for
from app.screens.visit import Visit
from app.texts import say

_PAGE = 50
_SHOWN_CHANGES = 8


@dataclass(frozen=True, slots=True)
class SetRow:
    """One change set of the list."""

    href: str
    when: Markup
    who: Mark | None
    kind: str
    icon: str
    note: str
    records: str
    state: str = ""
    color: str = ""


@dataclass(frozen=True, slots=True)
class RecordRow:
    """One record of a change set."""

    key: str
    title: str
    href: str
    what: str
    color: str
    changes: Sequence[Change]
    state: str
    state_color: str
    may_undo: bool


def listed(visit: Visit) -> Response:
    """Return the list: one's own change sets and those of the people below."""
    asked, after = request.args.get("kind", ""), request.args.get("after", "")
    mine = request.args.get("who") == "me"
    kind = asked if asked in KINDS else None
    found = visit.core.changes.sets(
        visit.principal,
        after=int(after) if _is_number(after) else None,
        limit=_PAGE + 1,
        by=visit.principal.user_id if mine else None,
        kind=kind,
    )
    given = {"kind": kind or "", "who": "me" if mine else ""}
    rows = found[:_PAGE]
    heading = visit.words(say("Changes", "变更"))
    view = {
        "heading": heading,
        "tabs": _tabs(visit, mine),
        "kind": kind or "",
        "kinds": [(name, visit.words(label)) for name, (label, _) in KINDS.items()],
        "who": given["who"],
        "words": _list_words(visit),
        "rows": [_set_row(visit, one) for one in rows],
        "more_href": _href("/changes", {**given, "after": str(rows[-1].id)})
        if len(found) > _PAGE
        else "",
    }
    page = visit.page(heading, "changes")
    return visit.render("changes.html", page=page, view=view)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _href(path: str, given: Mapping[str, str]) -> str:
    told = urlencode({key: value for key, value in given.items() if value})
    return f"{path}?{told}" if told else path


def _tabs(visit: Visit, mine: bool) -> list[Tab]:
    if not visit.policy.is_admin and not set(visit.principal.subordinates) - {
        visit.principal.user_id
    }:
        return []
    return [
        Tab(visit.words(say("Everybody's", "所有人")), "/changes", not mine),
        Tab(visit.words(say("Mine", "我的")), "/changes?who=me", mine),
    ]


def _list_words(visit: Visit) -> dict[str, str]:
    known = {
        "when": say("When", "时间"),
        "who": say("Who", "操作人"),
        "what": say("What", "内容"),
        "records": say("Records", "记录"),
        "state": say("State", "状态"),
        "all": say("Of every kind", "所有类型"),
        "kind": say("Kind", "类型"),
        "show": say("Show", "显示"),
        "empty": say("Nothing to undo yet", "还没有可撤销的变更"),
        "why": say(
            "Imports, edits of many records, handovers, deletions and merges are kept here, with "
            "what each record was before.",
            "导入、批量修改、转交、删除与合并都会记录在此，并保留每条记录之前的内容。",
        ),
    }
    return {name: visit.words(label) for name, label in known.items()}


def _set_row(visit: Visit, one: ChangeSet) -> SetRow:
    kind, icon = kind_of(visit, one.kind)
    state, color = "", ""
    if one.undone_by is not None:
        whole = one.undone >= one.total
        state, color = state_of(visit, "undone" if whole else "partly")
    return SetRow(
        f"/changes/{one.id}",
        time_tag(one.happened_at, visit.look.now, visit.wording, visit.look.zone),
        _mark(visit, one.user_id),
        kind,
        icon,
        one.note or "",
        counted(visit, one),
        state,
        color,
    )


def _mark(visit: Visit, user: int | None) -> Mark | None:
    person = visit.core.organisation.snapshot().people.get(user)
    return mark_of(person.name) if person is not None else None


# -- one change set --------------------------------------------------------------------------------


def _require(visit: Visit, number: int) -> ChangeSet:
    found: ChangeSet | None = visit.core.changes.one_set(visit.principal, number)
    if found is None:
        raise NotFound
    return found


def show(visit: Visit, number: int) -> Response:
    """Return one change set with its records, before and after."""
    one = _require(visit, number)
    name = request.args.get("entity") or next(iter(one.counts), "")
    entity = visit.catalog.entities.get(name)
    rows: Sequence[RecordRow] = ()
    hidden, after = 0, None
    if entity is not None and name in one.counts:
        start = request.args.get("after", "")
        found, hidden, after = visit.core.changes.changed(
            visit.principal, one, name, after=int(start) if _is_number(start) else 0, limit=_PAGE
        )
        rows = _record_rows(visit, entity, found)
    kind, icon = kind_of(visit, one.kind)
    here = f"/changes/{one.id}"
    view = {
        "set": one,
        "kind": kind,
        "icon": icon,
        "who": _mark(visit, one.user_id),
        "when": time_tag(one.happened_at, visit.look.now, visit.wording, visit.look.zone),
        "records": counted(visit, one),
        "tabs": _entity_tabs(visit, one, name),
        "rows": rows,
        "hidden": _hidden(visit, hidden),
        "more_href": _href(here, {"entity": name, "after": str(after)}) if after else "",
        "here": here,
        "related": _related(visit, one),
        "words": _set_words(visit),
        "may_undo": bool(one.counts),
        "may_choose": any(row.may_undo for row in rows),
    }
    return visit.render("change.html", page=visit.page(kind, "changes"), view=view)


def _set_words(visit: Visit) -> dict[str, str]:
    known = {
        "changes": say("Changes", "变更"),
        "record": say("Record", "记录"),
        "what": say("What", "操作"),
        "fields": say("Before → after", "修改前 → 修改后"),
        "now": say("Now", "当前"),
        "choose": say("Choose", "选择"),
        "all": say("Undo all of it", "全部撤销"),
        "chosen": say("Undo the chosen", "撤销所选"),
        "more": say("More records", "更多记录"),
        "told": say(
            "Each record goes back to what it was before. What somebody changed since stays and "
            "is listed. Nobody is notified. An undo can be undone.",
            "每条记录恢复为更改前的内容；之后又被修改的会保留并列出。不会发送通知，撤销本身也可以再撤销。",
        ),
    }
    return {name: visit.words(label) for name, label in known.items()}


def _entity_tabs(visit: Visit, one: ChangeSet, on: str) -> list[Tab]:
    if len(one.counts) < 2:
        return []
    return [
        Tab(
            plural(visit.catalog.entities[name], visit.language),
            _href(f"/changes/{one.id}", {"entity": name}),
            name == on,
            count=f"{number:,}",
        )
        for name, number in one.counts.items()
    ]


def _hidden(visit: Visit, number: int) -> str:
    if not number:
        return ""
    return visit.words(
        say(
            "{count} more are out of your sight or were removed for good.",
            "另有 {count} 条您无法查看或已彻底删除。",
            count=number,
        )
    )


def _related(visit: Visit, one: ChangeSet) -> list[tuple[str, str]]:
    found = []
    if one.undoes is not None:
        words = visit.words(say("Takes back this change", "撤销的是这次变更"))
        found.append((f"/changes/{one.undoes}", words))
    if one.undone_by is not None:
        words = visit.words(say("Was undone here", "已在此撤销"))
        found.append((f"/changes/{one.undone_by}", words))
    return found


def _record_rows(visit: Visit, entity: Entity, found: Sequence[Changed]) -> list[RecordRow]:
    values = [
        (name, value) for one in found for name, pair in one.changes.items() for value in pair
    ]
    titles = titles_for(visit, entity, values)
    return [_record_row(visit, entity, one, titles) for one in found]


def _record_row(
    visit: Visit, entity: Entity, one: Changed, titles: Mapping[tuple[str, int], str | None]
) -> RecordRow:
    what, color = what_of(visit, one.what)
    state, state_color = state_of(visit, one.state)
    changes = []
    for name, (before, after) in list(one.changes.items())[:_SHOWN_CHANGES]:
        field = entity.fields.get(name)
        if field is None or field.removed or one.what == "created":
            continue
        old = show_json(visit, entity, field, before, titles) if before is not None else None
        changes.append(
            Change(visit.words(field.label), old, show_json(visit, entity, field, after, titles))
        )
    return RecordRow(
        f"{one.entity}:{one.id}",
        one.title or f"#{one.id}",
        f"/crm/{one.entity}/{one.id}" if not one.in_bin else "",
        what,
        color,
        changes,
        state,
        state_color,
        one.state == "left",
    )
