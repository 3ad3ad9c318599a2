"""What hangs on a record: the rows it holds, and the lists of records that link to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Response
from markupsafe import Markup, escape

from app.definitions.catalog import Entity, Field
from app.errors import Forbidden, Malformed
from app.records.results import Count, Record
from app.screens.cells import make_cell, shown_type
from app.screens.columns import list_paths, make_columns
from app.screens.conditions import Condition, quote, write_filter
from app.screens.form_state import line_fields
from app.screens.list_parts import count_words
from app.screens.list_view import Head
from app.screens.navigation import in_sentence, plural
from app.screens.visit import Visit

RELATED_ROWS = 5


@dataclass(frozen=True, slots=True)
class Block:
    """A related list, or the lines of a record."""

    anchor: str
    label: str
    count: str
    columns: Sequence[Head] = ()
    rows: str = ""
    table: str = ""
    new_href: str = ""
    new_label: str = ""
    more_href: str = ""
    more_label: str = ""
    empty: str = ""


def title_of(entity: Entity, record: Record, visit: Visit) -> str:
    """Return what a record is called."""
    if entity.title and entity.title in record.values:
        value = record.values[entity.title]
        if isinstance(value, str) and value:
            return value
        if value is not None:
            one = entity.fields[entity.title]
            return one.type.display(one, value, visit.language, visit.look.zone_name)
    return f"{entity.label.in_language(visit.language)} {record.id}"


def line_blocks(visit: Visit, entity: Entity, record: Record) -> list[Block]:
    """Return the rows a record holds, a table for each lines field."""
    blocks = []
    for name, rows in record.lines.items():
        inner = visit.catalog.entities[f"{entity.name}.{name}"]
        cells = [
            one
            for one in line_fields(inner)
            if visit.policy.field_right(inner.name, one.name) != "hidden"
        ]
        one = entity.fields[name]
        label = one.label.in_language(visit.language)
        table = _line_table(visit, inner, cells, rows, one) if rows else ""
        if rows:
            blocks.append(Block(f"lines-{name}", label, str(len(rows)), table=table))
    return blocks


def _line_table(
    visit: Visit, inner: Entity, cells: Sequence[Field], rows: Sequence[Record], lines: Field
) -> str:
    language = visit.language
    made = [make_cell(inner, one.name, language, masked=False) for one in cells]
    ends = [' class="n"' if shown_type(one).align == "end" else "" for one in cells]
    html = ['<table class="tbl box"><thead><tr>']
    for one, end in zip(cells, ends, strict=True):
        html.append(f"<th{end}>{escape(one.label.in_language(language))}</th>")
    html.append("</tr></thead><tbody>")
    for row in rows:
        html.append("<tr>")
        html += [
            f"<td{end}>{cell(row, visit.look)}</td>" for cell, end in zip(made, ends, strict=True)
        ]
        html.append("</tr>")
    html.append("</tbody>")
    totals = set(lines.settings.get("totals") or ())
    if totals:
        html.append("<tfoot><tr>")
        for number, (one, end) in enumerate(zip(cells, ends, strict=True)):
            values: list[Any] = [
                value for row in rows if (value := row.values.get(one.name)) is not None
            ]
            shown = ""
            if one.name in totals and values:
                shown = one.type.display(one, sum(values[1:], values[0]), language)
            elif number == 0:
                shown = visit.wording.say("Total")
            html.append(f"<td{end}>{escape(shown)}</td>")
        html.append("</tr></tfoot>")
    html.append("</table>")
    return Markup("".join(html))  # noqa: S704 - every part is escaped where it is made.


def _line_totals(
    visit: Visit, cells: Sequence[Field], ends: Sequence[str], rows: Sequence[Record], lines: Field
) -> list[str]:
    totals = set(lines.settings.get("totals") or ())
    if not totals:
        return []
    html = ["<tfoot><tr>"]
    for number, (one, end) in enumerate(zip(cells, ends, strict=True)):
        values: list[Any] = [
            value for row in rows if (value := row.values.get(one.name)) is not None
        ]
        shown = visit.wording.say("Total") if number == 0 else ""
        if one.name in totals and values:
            shown = one.type.display(one, sum(values[1:], values[0]), visit.language)
        html.append(f"<td{end}>{escape(shown)}</td>")
    return [*html, "</tr></tfoot>"]


def related_blocks(visit: Visit, entity: Entity, record: Record) -> list[Block]:
    """Return the lists of records that link here, as far as the visitor may read them."""
    blocks = []
    for other_name, link in entity.screens.related:
        other = visit.catalog.entities.get(other_name)
        if other is None or not visit.policy.may("read", other_name):
            continue
        if not visit.policy.is_readable(other_name, link):
            continue
        block = _related_block(visit, entity, record, other, link)
        if block is not None:
            blocks.append(block)
    return blocks


def has_related(visit: Visit, entity: Entity) -> bool:
    """Return whether there are lists of records that link here and may be read."""
    return any(
        other in visit.catalog.entities
        and visit.policy.may("read", other)
        and visit.policy.is_readable(other, link)
        for other, link in entity.screens.related
    )


def related_part(visit: Visit, name: str, number: str) -> Response:
    """Return the related lists of a record, for the page that is open."""
    entity = visit.entity(name)
    wanted = (entity.title,) if entity.title in visit.policy.readable(name) else ("id",)
    record = visit.records.get(visit.principal, name, number, fields=wanted)
    return visit.render("related.html", blocks=related_blocks(visit, entity, record))


def _links_here(entity: Entity, other: Entity, link: str, record: Record) -> str:
    """Return the filter that finds the records of a related list."""
    if other.fields[link].type.name == "any_link":
        return f"{link} == {quote(f'{entity.name}:{record.id}')}"
    operators = {one.name for one in other.fields[link].type.operators(other.fields[link])}
    operator = "has" if "has" in operators else "is"
    return write_filter(other, [Condition(link, operator, (str(record.id),))])


def _related_block(
    visit: Visit, entity: Entity, record: Record, other: Entity, link: str
) -> Block | None:
    language, say = visit.language, visit.wording.say
    paths = [
        path
        for path in list_paths(other, other.screens.columns, visit.policy)
        if path not in {link, "code"}
    ][:5]
    columns = make_columns(other, paths, visit.policy, language)
    is_any = other.fields[link].type.name == "any_link"
    value = f"{entity.name}:{record.id}" if is_any else record.id
    try:
        page = visit.records.query(
            visit.principal,
            other.name,
            fields=columns.fields,
            where={link: value},
            limit=RELATED_ROWS,
        )
        count = Count(len(page.rows))
        if page.next:
            # Only what goes on behind its first rows has to be counted.
            count = visit.records.count(
                visit.principal, other.name, where={link: value}, mode="capped"
            )
    except (Malformed, Forbidden):
        return None
    label = plural(other, language)
    links = [name for name, _ in entity.screens.related]
    if links.count(other.name) > 1:
        label = f"{label} · {other.fields[link].label.in_language(language)}"
    new_href = new_label = ""
    if visit.policy.may("create", other.name) and link in visit.policy.writable(other.name):
        query = urlencode({link: value, f"{link}.title": title_of(entity, record, visit)})
        new_href = f"/crm/{other.name}/new?{query}"
        new_label = other.label.in_language(language)
    more_href = more_label = ""
    if page.next:
        more_href = (
            f"/crm/{other.name}/?{urlencode({'filter': _links_here(entity, other, link, record)})}"
        )
        more_label = say(
            "All %(count)s %(things)s",
            count=count_words(count),
            things=in_sentence(plural(other, language), language),
        )
    return Block(
        f"related-{other.name}-{link}",
        label,
        count_words(count),
        [Head(column.label, column.end) for column in columns.columns],
        columns.rows(page.rows, visit.look, ticked=False) if page.rows else "",
        new_href=new_href,
        new_label=new_label,
        more_href=more_href,
        more_label=more_label,
        empty=say("No %(things)s yet.", things=in_sentence(plural(other, language), language)),
    )
