"""Personal data: a person is looked for, and what is found is taken along, held or anonymised.

What is looked for is posted, so that no number or name stands in addresses and logs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Response, redirect, request, send_file
from markupsafe import Markup

from app.errors import Forbidden, InvalidInput, Malformed, NotFound, RequestError, text_in
from app.personal.desk import Act, Chosen
from app.personal.finding import Export, Findings, Found
from app.records.personal_fields import personal_fields
from app.screens.list_view import Tab
from app.screens.marks import Mark, mark_of
from app.screens.moments import time_tag
from app.screens.people import people_tabs
from app.screens.visit import Visit, leave_toast
from app.texts import Label, say

_ACTS = 30
#: What may be done with what was found.
DOINGS = ("export", "anonymise", "hold", "release")
KINDS: dict[str, tuple[Label, str]] = {
    "found": (say("Looked for", "查找"), "info"),
    "exported": (say("Taken along", "导出"), "info"),
    "corrected": (say("Corrected", "更正"), "ok"),
    "anonymised": (say("Anonymised", "匿名化"), "bad"),
    "held": (say("Held", "保全"), "warn"),
    "released": (say("Released", "解除保全"), "ok"),
}
PLACE_NAMES: dict[str, Label] = {
    "history": say("History", "历史"),
    "comments": say("Comments", "评论"),
    "messages": say("Inboxes", "收件箱"),
    "deliveries": say("Messages that went out", "外发消息"),
    "emails": say("E-mails that came", "收到的邮件"),
    "rules": say("What rules did", "规则执行记录"),
    "approvals": say("Approvals", "审批"),
    "files": say("Names of files", "文件名"),
    "merges": say("Merges", "合并记录"),
    "changes": say("Bulk changes", "批量修改"),
    "imports": say("Rows that imports left out", "导入的问题行"),
    "exports": say("What was asked of exports", "导出条件"),
    "audit": say("Audit", "审计日志"),
    "views": say("Saved views", "保存的视图"),
    "arrangements": say("Arrangements of lists", "列表设置"),
    "answers": say("Answers of the API", "API 应答"),
}


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A record."""

    key: str
    href: str
    title: str
    entity: str
    by: str
    state: str
    color: str
    on: bool = True


@dataclass(frozen=True, slots=True)
class ActRow:
    """A line of the register, or an export."""

    when: str | Markup
    who: Mark | None
    what: str
    color: str
    why: str
    records: str


@dataclass(slots=True)
class PersonalView:
    """Everything `personal.html` shows."""

    heading: str
    text: str = ""
    deeply: bool = False
    #: words of a record by which its person can be looked for
    offers: Sequence[str] = ()
    rows: Sequence[PersonRow] | None = None
    mentions: Sequence[PersonRow] = ()
    elsewhere: Sequence[tuple[str, str]] = ()
    exports: Sequence[ActRow] = ()
    acts: Sequence[ActRow] = ()
    problem: str = ""
    #: what was chosen, and is asked once more
    confirm: Sequence[PersonRow] = ()
    why: str = ""
    files: bool = True
    fields: Sequence[str] = field(default_factory=list)
    #: for administrators, to whose pages of people it belongs
    tabs: Sequence[Tab] = ()


def personal_page(visit: Visit) -> Response:
    """Return the page to begin with; ``entity`` and ``id`` offer the words of a record."""
    _require(visit)
    view = _view(visit)
    entity, number = request.args.get("entity", ""), request.args.get("id", "")
    if entity:
        if not _is_id(number):
            raise NotFound
        view.offers = visit.core.personal.about(visit.principal, entity, int(number))
    return _show(visit, view)


def find(visit: Visit) -> Response:
    """Look for a person and return what was found."""
    _require(visit)
    view = _view(visit)
    view.text = request.form.get("text", "")[:400].strip()
    view.deeply = request.form.get("deeply") == "yes"
    try:
        found = visit.core.personal.find(
            visit.principal, view.text, deeply=view.deeply, address=request.remote_addr
        )
    except Malformed as error:
        view.problem = text_in(error.message, visit.language)
    else:
        _fill(visit, view, found)
    return _show(visit, view)


def do(visit: Visit) -> Response:
    """Do something with the chosen records; anonymising is asked for twice."""
    _require(visit)
    what = request.form.get("what", "")
    if what not in DOINGS:
        raise NotFound
    chosen = _chosen(request.form.getlist("record"))
    why, desk = request.form.get("why", ""), visit.core.personal
    has_files = request.form.get("files") == "yes"
    asker, address = visit.principal, request.remote_addr
    try:
        if what == "export":
            stream = desk.export(asker, chosen, why, address=address)
            answer = send_file(
                stream, mimetype="application/zip", as_attachment=True, download_name="person.zip"
            )
            answer.headers["Cache-Control"] = "private, no-store"
            return answer
        if what == "anonymise":
            if request.form.get("sure") != "yes":
                return _ask(visit, chosen, why)
            done = desk.anonymise(asker, chosen, why, has_files=has_files, address=address)
            told = say(
                "Anonymised: {records} records, {texts} texts about them",
                "已匿名化：{records} 条记录，{texts} 处相关文字",
                records=done.records,
                texts=done.texts,
            )
        elif what == "hold":
            desk.hold(asker, chosen, why)
            told = say("Held until somebody releases it", "已保全，直至有人解除")
        else:
            desk.release(asker, chosen, why)
            told = say("Released", "已解除保全")
    except (InvalidInput, Malformed) as error:
        return _again(visit, chosen, why, error, sure=what == "anonymise")
    leave_toast(visit.words(told))
    return redirect("/personal", 303)  # type: ignore[return-value]


def _ask(visit: Visit, chosen: Chosen, why: str) -> Response:
    """Return what will be gone, before it is."""
    view = _view(visit)
    view.why = why
    view.confirm = _rows_of(visit, chosen)
    view.fields = _fields_of(visit, chosen)
    return _show(visit, view)


def _again(visit: Visit, chosen: Chosen, why: str, error: RequestError, *, sure: bool) -> Response:
    """Return the page with the sentence that refuses, and what was chosen."""
    view = _view(visit)
    told = [each for each_of in getattr(error, "fields", {}).values() for each in each_of]
    view.problem = " ".join(text_in(one, visit.language) for one in (told or [error.message]))
    view.why = why
    rows = _rows_of(visit, chosen)
    if sure:
        view.confirm, view.fields = rows, _fields_of(visit, chosen)
    else:
        view.rows = rows
    return _show(visit, view)


# -- what it is made of ----------------------------------------------------------------------------


def _require(visit: Visit) -> None:
    if not visit.core.personal.may_answer(visit.principal):
        raise Forbidden(
            say(
                "Personal data is answered for by who has the right `anonymise`.",
                "处理个人信息需要 anonymise 权限。",
            )
        )


def _view(visit: Visit) -> PersonalView:
    tabs = people_tabs(visit, "personal") if visit.policy.is_admin else ()
    return PersonalView(visit.words(say("Personal data", "个人信息")), tabs=tabs)


def _show(visit: Visit, view: PersonalView) -> Response:
    if view.rows is None and not view.confirm:
        acts = visit.core.personal.acts(visit.principal, limit=_ACTS)
        view.acts = [_act(visit, one) for one in acts]
    active = "people" if view.tabs else "personal"
    answer = visit.render("personal.html", page=visit.page(view.heading, active), view=view)
    if view.problem:
        answer.status_code = 422
    return answer


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _chosen(keys: Sequence[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for key in keys:
        entity, _, number = key.partition("/")
        if _is_id(number):
            found.setdefault(entity, []).append(int(number))
    return found


def _fill(visit: Visit, view: PersonalView, found: Findings) -> None:
    view.rows = [_row(visit, one) for one in found.records]
    view.mentions = [_row(visit, one, is_on=False) for one in found.mentions]
    view.elsewhere = [
        (visit.words(PLACE_NAMES[name]), f"{count:,}") for name, count in found.elsewhere.items()
    ]
    view.exports = [_export(visit, one) for one in found.exports]


def _row(visit: Visit, one: Found, *, is_on: bool = True) -> PersonRow:
    entity = visit.catalog.entities[one.entity]
    special = {"history": say("in its history", "历史中"), "text": say("in a text", "文字中")}
    by = [
        visit.words(special[name] if name in special else entity.fields[name].label)
        for name in one.by
    ]
    state: Label | str = ""
    color = ""
    if one.held is not None:
        state, color = say("Held: {why}", "已保全：{why}", why=one.held), "warn"
    elif one.in_bin:
        state, color = say("In the bin", "在回收站中"), "info"
    return PersonRow(
        f"{one.entity}/{one.id}",
        "" if one.in_bin else f"/crm/{one.entity}/{one.id}",
        one.title,
        visit.words(entity.label),
        ", ".join(by),
        visit.words(state),
        color,
        is_on and one.held is None,
    )


def _rows_of(visit: Visit, chosen: Mapping[str, Sequence[int]]) -> list[PersonRow]:
    """Return chosen records as they are listed."""
    rows = []
    for name, ids in chosen.items():
        entity = visit.catalog.entities.get(name)
        if entity is None:
            continue
        titles = visit.records.titles(visit.principal, name, ids)
        rows += [
            PersonRow(
                f"{name}/{number}",
                f"/crm/{name}/{number}" if number in titles else "",
                titles.get(number) or f"#{number}",
                visit.words(entity.label),
                "",
                "",
                "",
            )
            for number in ids
        ]
    return rows


def _fields_of(visit: Visit, chosen: Mapping[str, Sequence[int]]) -> list[str]:
    """Return the fields that will be empty, in words."""
    entities = visit.catalog.entities
    found = []
    for name in chosen:
        if name in entities:
            fields = entities[name].fields
            labels = [
                visit.words(fields[one].label) for one in personal_fields(entities[name], entities)
            ]
            found.append(f"{visit.words(entities[name].label)}: {', '.join(labels)}")
    return found


def _act(visit: Visit, one: Act) -> ActRow:
    label, color = KINDS.get(one.kind, (Label({"en": one.kind}), "info"))
    return ActRow(
        time_tag(one.happened_at, visit.look.now, visit.wording, visit.look.zone),
        _who(visit, one.user_id),
        visit.words(label),
        color,
        one.why,
        ", ".join(_named(visit, name, ids) for name, ids in one.records.items()),
    )


def _named(visit: Visit, name: str, ids: Sequence[int]) -> str:
    """Return which records a line is about: `Contact #3, #4`."""
    entity = visit.catalog.entities.get(name)
    few = ", ".join(f"#{one}" for one in ids[:3])
    more = f" +{len(ids) - 3}" if len(ids) > 3 else ""
    return f"{visit.words(entity.label) if entity else name} {few}{more}"


def _export(visit: Visit, one: Export) -> ActRow:
    entity = visit.catalog.entities[one.entity]
    return ActRow(
        time_tag(one.happened_at, visit.look.now, visit.wording, visit.look.zone),
        _who(visit, one.user_id),
        visit.words(entity.label),
        "",
        "",
        f"{one.rows:,}",
    )


def _who(visit: Visit, user_id: int | None) -> Mark | None:
    if user_id is None:
        return None
    person: Any = visit.core.organisation.snapshot().people.get(user_id)
    return mark_of(person.name) if person is not None and person.name else mark_of(f"#{user_id}")
