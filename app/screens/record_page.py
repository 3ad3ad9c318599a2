"""The page of one record: its fields by section, lines, related lists, files, timeline."""

from __future__ import annotations

from dataclasses import replace

from flask import Response, request
from markupsafe import Markup

from app.definitions.catalog import Entity
from app.errors import NotFound
from app.records.previews import Preview
from app.records.results import Record
from app.screens.approval_block import approval_block
from app.screens.attachments import attachment_block
from app.screens.buttons import Tried, record_buttons
from app.screens.forms import form_sections, why_locked
from app.screens.happenings import read_happenings
from app.screens.in_place import may_be_edited
from app.screens.moving import Refused, stage_path
from app.screens.navigation import plural
from app.screens.pickers import person_control
from app.screens.pools import desk, pool_block
from app.screens.record_blocks import has_related, line_blocks, title_of
from app.screens.record_head import add_edit_why, fact_of, fill_head, menu_of, tabs_of
from app.screens.record_view import Fact, FactSection, MenuItem, RecordView
from app.screens.talk import talk_on
from app.screens.visit import Visit


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
        if view.path is not None:
            view.whys = [*view.whys, *view.path.whys]
        view.buttons, refused_buttons = record_buttons(visit, entity, record, pressing)
        view.refused_buttons = [(one.title, one.id) for one in refused_buttons]
        view.whys = [*view.whys, *refused_buttons]
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
        entity=entity.name,
        here_href=f"/crm/{entity.name}/{record.id}/here",
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
    view.menu, view.whys = menu_of(visit, entity, base, rights, in_bin=in_bin)
    if "transfer" in rights and entity.owned:
        view.transfer_href = f"{base}/transfer"
        view.transfer = person_control("owner", visit.wording.say("New owner"), entity.name)
    fill_head(visit, entity, record, view)
    if not in_bin:
        view.approval, view.offers = approval_block(visit, entity, record)
        if view.approval is not None and view.approval.locked:
            view.edit_href = ""
        add_edit_why(visit, entity, view)
    view.sections = _sections(visit, entity, record, view)
    view.lines = line_blocks(visit, entity, record)
    if not in_bin:
        if has_related(visit, entity):
            view.related_href = f"{base}/related"
        view.files = attachment_block(visit, entity, record, may_change="update" in rights)
        _add_pool(visit, entity, record, view)
    view.timeline = read_happenings(visit, entity, record.id)
    if not in_bin:
        view.talk = talk_on(visit, entity, record, may_change="update" in rights)
    view.tabs = tabs_of(visit, view)
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
        facts = [(name, fact_of(visit, entity, record, name)) for name in names]
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
        kept = [fact_of(visit, entity, record, name) for name in record_facts]
        shown.append(FactSection(visit.wording.say("Record"), kept))
    return shown
