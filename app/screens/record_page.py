"""The page of one record: its fields by section, lines, related lists, files, timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Response, request
from markupsafe import Markup

from app.definitions.catalog import Entity
from app.errors import NotFound
from app.records.previews import Preview
from app.records.results import Record
from app.screens.approval_block import ApprovalView, OfferView, approval_block
from app.screens.attachments import Files, attachment_block
from app.screens.buttons import ButtonView, Tried, record_buttons
from app.screens.cells import EMPTY, show_value, shown_type
from app.screens.controls import Control
from app.screens.firings import has_ledger
from app.screens.forms import form_sections, why_locked
from app.screens.happenings import Happenings, read_happenings
from app.screens.in_place import may_be_edited
from app.screens.list_view import Tab
from app.screens.marks import Mark, mark_of
from app.screens.moving import Path, Refused, stage_path
from app.screens.navigation import plural
from app.screens.pickers import person_control
from app.screens.pools import PoolView, desk, pool_block
from app.screens.record_blocks import Block, line_blocks, related_blocks, title_of
from app.screens.rule_pages import about_record
from app.screens.talk import Talk, talk_on
from app.screens.visit import Visit

_FACTS = 4
#: Types whose value deserves a place beside the title.
_FACT_TYPES = frozenset({"money", "percent", "date", "datetime", "rollup", "formula", "clock"})
_TALL = frozenset(
    {"longtext", "markdown", "address", "phones", "emails", "urls", "files", "images"}
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One value with its label."""

    label: str
    html: str
    tall: bool = False
    full: bool = False
    end: bool = False
    #: where it is edited in place, or why it cannot be
    edit_href: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class FactSection:
    """A section of the page."""

    label: str
    facts: Sequence[Fact]


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One entry of the record's menu."""

    label: str
    icon: str
    href: str = ""
    opens: str = ""
    post: bool = False
    bad: bool = False


@dataclass(slots=True)
class RecordView:
    """Everything `record.html` shows."""

    title: str
    list_href: str
    list_label: str
    version: int | None
    deleted: bool = False
    edit_href: str = ""
    restore_href: str = ""
    transfer_href: str = ""
    refused: str = ""
    warnings: Sequence[str] = ()
    menu: Sequence[MenuItem] = ()
    under: Sequence[str] = ()
    owner: Mark | None = None
    tags: Sequence[str] = ()
    facts: Sequence[Fact] = ()
    path: Path | None = None
    tabs: Sequence[Tab] = ()
    sections: Sequence[FactSection] = ()
    lines: Sequence[Block] = ()
    related: Sequence[Block] = ()
    files: Files | None = None
    timeline: Happenings | None = None
    #: what was said, and who reads along
    talk: Talk | None = None
    transfer: Control | None = None
    approval: ApprovalView | None = None
    offers: Sequence[OfferView] = ()
    #: an answer to an approval that was not taken
    typed_comment: str = ""
    #: how it stands with the public seas
    pool: PoolView | None = None
    #: of rules
    buttons: Sequence[ButtonView] = ()
    extra: dict[str, Any] = field(default_factory=dict)


def record_page(
    visit: Visit,
    name: str,
    number: str,
    refused: str = "",
    moving: Refused | None = None,
    pressing: Tried | None = None,
) -> Response:
    """Return the page of a record, or of one in the bin for who may restore it."""
    entity = visit.entity(name)
    in_bin = False
    try:
        record = visit.records.get(visit.principal, name, number)
    except NotFound:
        if not visit.policy.may("restore", name):
            raise
        record = visit.records.get(visit.principal, name, number, in_bin=True)
        in_bin = True
    view = _view(visit, entity, record, in_bin=in_bin)
    if not in_bin:
        view.path = stage_path(visit, entity, record, moving)
        view.buttons = record_buttons(visit, entity, record, pressing)
    view.refused = refused
    view.typed_comment = request.form.get("comment", "") if refused else ""
    if moving is not None and view.path is not None and any(d.shown for d in view.path.dialogs):
        # It is said where the move is asked for.
        view.refused = ""
    if any(one.shown for one in view.buttons):
        view.refused = ""
    response = visit.render("record.html", page=visit.page(view.title, name), view=view)
    if refused:
        response.status_code = 422
    return response


def _view(visit: Visit, entity: Entity, record: Record, *, in_bin: bool) -> RecordView:
    view = RecordView(
        title=title_of(entity, record, visit),
        list_href=f"/crm/{entity.name}/",
        list_label=plural(entity, visit.language),
        version=record.version,
        deleted=in_bin,
    )
    rights = (
        frozenset() if in_bin else visit.records.rights(visit.principal, entity.name, record.id)
    )
    base = f"/crm/{entity.name}/{record.id}"
    if in_bin:
        view.restore_href = f"{base}/restore"
    elif "update" in rights:
        view.edit_href = f"{base}/edit"
    view.menu = _menu(visit, entity, base, rights)
    if "transfer" in rights and entity.owned:
        view.transfer_href = f"{base}/transfer"
        view.transfer = person_control("owner", visit.wording.say("New owner"), entity.name)
    _fill_head(visit, entity, record, view)
    if not in_bin:
        view.approval, view.offers = approval_block(visit, entity, record)
        if view.approval is not None and view.approval.locked:
            view.edit_href = ""
    view.sections = _sections(visit, entity, record, view)
    view.lines = line_blocks(visit, entity, record)
    if not in_bin:
        view.related = related_blocks(visit, entity, record)
        view.files = attachment_block(visit, entity, record, may_change="update" in rights)
        _add_pool(visit, entity, record, view)
    view.timeline = read_happenings(visit, entity, record.id)
    if not in_bin:
        view.talk = talk_on(visit, entity, record, may_change="update" in rights)
    view.tabs = _tabs(visit, view)
    return view


def _add_pool(visit: Visit, entity: Entity, record: Record, view: RecordView) -> None:
    """Show how a record stands with the public seas; members may look at so many a day."""
    desk(visit).look(visit.principal, entity.name, record.id)
    view.pool = pool = pool_block(visit, entity, record.id)
    if pool is None:
        return
    if pool.leaves and not pool.is_soon:
        view.under = [*view.under, Markup('<span class="mut">{}</span>').format(pool.leaves)]
    found: list[MenuItem] = []
    if pool.give is not None:
        found.append(MenuItem(pool.give.title, "user-plus", opens="give"))
    if pool.release is not None:
        found.append(MenuItem(pool.release.title, "arrow-back-up", opens="release"))
    view.menu = [*found, *view.menu]


def _menu(visit: Visit, entity: Entity, base: str, rights: frozenset[str]) -> list[MenuItem]:
    say = visit.wording.say
    items = []
    if "transfer" in rights and entity.owned:
        items.append(MenuItem(say("Hand over"), "arrows-right-left", opens="transfer"))
    if "share" in rights:
        items.append(MenuItem(say("Share"), "user-share", f"{base}/share"))
    if "history" in rights:
        items.append(MenuItem(say("History"), "history", f"{base}/history"))
        if has_ledger(visit, entity):
            items.append(MenuItem(say("What rules did"), "bolt", f"{base}/automation"))
    if about_record(visit.catalog.automation.rules.values(), entity.name):
        items.append(MenuItem(say("Rules: why not?"), "help", f"{base}/rules"))
    if "delete" in rights:
        items.append(MenuItem(say("Delete"), "trash", f"{base}/delete", post=True, bad=True))
    return items


def _fact(visit: Visit, entity: Entity, record: Record, name: str) -> Fact:
    one = entity.fields[name]
    masked = name in record.masked
    html = show_value(entity, name, record, visit.look, masked=masked)
    tall = one.type.name in _TALL
    return Fact(
        one.label.in_language(visit.language),
        html,
        tall,
        full=one.type.name in ("longtext", "markdown"),
        end=shown_type(one).align == "end",
    )


def _fill_head(visit: Visit, entity: Entity, record: Record, view: RecordView) -> None:
    under: list[str] = []
    for one in entity.fields.values():
        if one.name == entity.title or one.name not in record.values or one.removed:
            continue
        is_parent = one.type.name == "link" and not one.built_in and one.required is True
        if one.type.name == "serial" or (is_parent and len(under) < 2):
            html = _fact(visit, entity, record, one.name).html
            if html != EMPTY:
                under.append(Markup('<span class="mut">{}</span>').format(html))
    view.under = under
    owner = record.links.get("owner")
    if owner and owner.get("title"):
        view.owner = mark_of(owner["title"])
    view.tags = list(record.get("tags") or ())
    view.facts = _facts(visit, entity, record)


def _facts(visit: Visit, entity: Entity, record: Record) -> list[Fact]:
    found = []
    for path in entity.screens.columns:
        one = entity.fields.get(path)
        if one is None or path not in record.values:
            continue
        if one.type.name not in _FACT_TYPES and shown_type(one).align != "end":
            continue
        fact = _fact(visit, entity, record, path)
        if fact.html != EMPTY and not fact.html.startswith('<span class="mut">'):
            found.append(fact)
    return found[:_FACTS]


def _with_edit(
    visit: Visit, entity: Entity, record: Record, name: str, fact: Fact, preview: Preview
) -> Fact:
    """Return a value with the way to change it where it stands, or why there is none."""
    one = entity.fields[name]
    if one.built_in:
        return fact
    why = why_locked(visit, entity, one, preview)
    if why or not may_be_edited(visit, entity, one):
        return replace(fact, why=why)
    return replace(fact, edit_href=f"/crm/{entity.name}/{record.id}/field/{name}")


def _sections(visit: Visit, entity: Entity, record: Record, view: RecordView) -> list[FactSection]:
    shown: list[FactSection] = []
    named: set[str] = set()
    preview = visit.previews.ask(visit.principal, entity.name, {}, record.id)
    for number, section in enumerate(form_sections(entity)):
        is_own = number < len(entity.screens.form)
        if is_own and number < len(preview.sections) and not preview.sections[number]:
            continue
        names = [
            name
            for row in section.fields
            for name in row
            if name in record.values and name in preview.shown
        ]
        named |= set(names)
        if not names:
            continue
        if section.label is not None:
            label = section.label.in_language(visit.language)
        else:
            label = visit.wording.say("Basics") if is_own else visit.wording.say("More")
        facts = [(name, _fact(visit, entity, record, name)) for name in names]
        if view.edit_href:
            facts = [
                (name, _with_edit(visit, entity, record, name, fact, preview))
                for name, fact in facts
            ]
        shown.append(FactSection(label, [fact for _, fact in facts]))
    record_facts = [
        name
        for name in (
            "owner",
            "owner_department",
            "created_at",
            "created_by",
            "updated_at",
            "updated_by",
        )
        if name in record.values and name not in named
    ]
    if record_facts:
        kept = [_fact(visit, entity, record, name) for name in record_facts]
        shown.append(FactSection(visit.wording.say("Record"), kept))
    return shown


def _tabs(visit: Visit, view: RecordView) -> list[Tab]:
    tabs = [Tab(visit.wording.say("Overview"), "#overview", on=True)]
    tabs += [
        Tab(block.label, f"#{block.anchor}", on=False, count=block.count) for block in view.lines
    ]
    tabs += [
        Tab(block.label, f"#{block.anchor}", on=False, count=block.count)
        for block in view.related
        if block.rows
    ]
    if view.approval is not None:
        tabs.append(Tab(visit.wording.say("Approval"), "#approval", on=False))
    if view.files is not None:
        count = str(len(view.files.items))
        tabs.append(Tab(visit.wording.say("Files"), "#files", on=False, count=count))
    if view.timeline is not None:
        tabs.append(Tab(visit.wording.say("Timeline"), "#timeline", on=False))
    return tabs
