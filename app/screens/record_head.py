"""The head of a record's page: what names it, its figures, what can be done, and why not."""

from __future__ import annotations

from dataclasses import replace

from markupsafe import Markup

from app.definitions.catalog import Entity
from app.records.personal_fields import personal_fields
from app.records.results import Record
from app.screens.bench import bench_of
from app.screens.cells import EMPTY, show_value, shown_type
from app.screens.firings import has_ledger
from app.screens.list_view import Tab
from app.screens.marks import mark_of
from app.screens.merge_act import merges
from app.screens.record_view import Fact, MenuItem, RecordView
from app.screens.rule_pages import about_record
from app.screens.visit import Visit
from app.screens.why import Why, why_no_right

_FACTS = 4
#: Types whose value deserves a place beside the title.
_FACT_TYPES = frozenset({"money", "percent", "date", "datetime", "rollup", "formula", "clock"})
_TALL = frozenset(
    {"longtext", "markdown", "address", "phones", "emails", "urls", "files", "images"}
)


def menu_of(
    visit: Visit, entity: Entity, base: str, rights: frozenset[str], *, in_bin: bool
) -> tuple[list[MenuItem], list[Why]]:
    """Return the menu, and why its refused entries are refused."""
    say = visit.wording.say
    if in_bin:
        return [], []
    wanted = [
        ("transfer", MenuItem(say("Hand over"), "arrows-right-left", opens="transfer")),
        ("share", MenuItem(say("Share"), "user-share", f"{base}/share")),
        ("merge", MenuItem(say("Merge"), "git-compare", f"{base}/merge")),
        ("history", MenuItem(say("History"), "history", f"{base}/history")),
        ("delete", MenuItem(say("Delete"), "trash", f"{base}/delete", post=True, bad=True)),
    ]
    items: list[MenuItem] = []
    whys: list[Why] = []
    for right, item in wanted:
        if right == "transfer" and not entity.owned:
            continue
        if right == "merge" and not merges(visit, entity):
            continue
        if right == "delete":
            items += _about(visit, entity, base, rights)
        if right in rights:
            items.append(item)
            continue
        why = why_no_right(visit, entity, right, item.label)
        whys.append(why)
        items.append(replace(item, why=why.id))
    return items, whys


def _about(visit: Visit, entity: Entity, base: str, rights: frozenset[str]) -> list[MenuItem]:
    say = visit.wording.say
    items = []
    if "history" in rights and has_ledger(visit, entity):
        items.append(MenuItem(say("What rules did"), "bolt", f"{base}/automation"))
    if about_record(visit.catalog.automation.rules.values(), entity.name):
        items.append(MenuItem(say("Rules: why not?"), "help", f"{base}/rules"))
    if "anonymise" in rights and personal_fields(entity, visit.catalog.entities):
        number = base.rpartition("/")[2]
        href = f"/personal?entity={entity.name}&id={number}"
        items.append(MenuItem(say("Personal data"), "eye-off", href))
    items.append(MenuItem(say("Print"), "file", prints=True))
    return items


def add_edit_why(visit: Visit, entity: Entity, view: RecordView) -> None:
    """Say why the record cannot be edited, where it cannot."""
    if view.edit_href:
        return
    why = why_no_right(visit, entity, "update", visit.wording.say("Edit"))
    if view.approval is not None and view.approval.locked:
        links = ((view.approval.label, "#approval"),)
        why = replace(why, sentences=[view.approval.locked], links=links)
    view.edit_why = why.id
    view.whys = [*view.whys, why]


def fact_of(visit: Visit, entity: Entity, record: Record, name: str) -> Fact:
    """Return a value of the record with its label."""
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
        name=name,
    )


def fill_head(visit: Visit, entity: Entity, record: Record, view: RecordView) -> None:
    """Fill in what stands beside and below the title."""
    under: list[str] = []
    for one in entity.fields.values():
        if one.name == entity.title or one.name not in record.values or one.removed:
            continue
        is_parent = one.type.name == "link" and not one.built_in and one.required is True
        if one.type.name == "serial" or (is_parent and len(under) < 2):
            html = fact_of(visit, entity, record, one.name).html
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
    bench = bench_of(entity, "")
    planned = bench.later if bench is not None else None
    paths = [path for path in entity.screens.columns if path != planned][: _FACTS + 4]
    for path in [*([planned] if planned else []), *paths]:
        one = entity.fields.get(path)
        if one is None or path not in record.values:
            continue
        if one.type.name not in _FACT_TYPES and shown_type(one).align != "end":
            continue
        fact = fact_of(visit, entity, record, path)
        if fact.html != EMPTY and not fact.html.startswith('<span class="mut">'):
            found.append(fact)
    # What is planned stands last, as the next thing to come.
    shown = found[:_FACTS]
    return [*shown[1:], shown[0]] if planned and shown and shown[0].name == planned else shown


def tabs_of(visit: Visit, view: RecordView) -> list[Tab]:
    """Return the parts of the page."""
    tabs = [Tab(visit.wording.say("Overview"), "#overview", on=True)]
    tabs += [
        Tab(block.label, f"#{block.anchor}", on=False, count=block.count) for block in view.lines
    ]
    if view.approval is not None:
        tabs.append(Tab(visit.wording.say("Approval"), "#approval", on=False))
    if view.files is not None:
        count = str(len(view.files.items))
        tabs.append(Tab(visit.wording.say("Files"), "#files", on=False, count=count))
    if view.timeline is not None:
        tabs.append(Tab(visit.wording.say("Timeline"), "#timeline", on=False))
    return tabs
