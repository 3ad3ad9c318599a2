"""A closer look at one record beside its list: what matters most, and the ways on."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import Response
from markupsafe import Markup

from app.definitions.catalog import Entity
from app.records.results import Record
from app.screens.cells import EMPTY, show_value
from app.screens.forms import form_sections
from app.screens.record_blocks import title_of
from app.screens.visit import Visit

_MOST = 24


@dataclass(slots=True)
class PeekView:
    """Everything `peek.html` shows."""

    title: str
    href: str
    edit_href: str = ""
    facts: list[tuple[str, Markup]] = field(default_factory=list)


def peek(visit: Visit, name: str, number: int) -> Response:
    """Return the drawer about a record."""
    entity = visit.entity(name)
    record = visit.records.get(visit.principal, name, str(number))
    href = f"/crm/{name}/{record.id}"
    view = PeekView(title_of(entity, record, visit), href)
    if "update" in visit.records.rights(visit.principal, name, record.id):
        view.edit_href = f"{href}/edit"
    for one in _names(entity, record)[:_MOST]:
        html = show_value(entity, one, record, visit.look, masked=one in record.masked)
        if html != EMPTY:
            label = entity.fields[one].label.in_language(visit.language)
            view.facts.append((label, html))
    return visit.render("peek.html", view=view)


def _names(entity: Entity, record: Record) -> list[str]:
    """Return the fields worth a look: those of the list, then those of the form in its order."""
    listed = [path.partition(".")[0] for path in entity.screens.columns]
    formed = [name for section in form_sections(entity) for row in section.fields for name in row]
    return [
        name
        for name in dict.fromkeys((*listed, *formed, "owner", "created_at"))
        if name in record.values
        and name != entity.title
        and entity.fields[name].type.name not in ("lines", "files", "images", "signature")
    ]
