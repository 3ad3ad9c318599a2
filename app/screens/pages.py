"""The smaller pages: recycle bin, history, finding in everything, files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, request, send_file
from markupsafe import Markup

from app.errors import Forbidden, InvalidInput, Malformed, NotFound
from app.screens.controls import FileItem
from app.screens.list_view import Tab
from app.screens.moments import time_tag
from app.screens.navigation import icon_names, icon_of, plural, readable_entities
from app.screens.palette import marked
from app.screens.record_blocks import title_of
from app.screens.timeline import read_timeline
from app.screens.visit import Visit

#: Shown in the page itself; everything else is offered for saving.
_INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"})


@dataclass(frozen=True, slots=True)
class BinRow:
    """One record in the bin."""

    title: str
    href: str
    by: str
    when: str
    restore_href: str


@dataclass(frozen=True, slots=True)
class BinView:
    """Everything `bin.html` shows."""

    tabs: Sequence[Tab]
    rows: Sequence[BinRow]
    foot: str = ""
    more_href: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """One record found by its words."""

    title: Markup | str
    href: str
    sub: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """What was found of one entity."""

    label: str
    icon: str
    rows: Sequence[Found]


def bin_page(visit: Visit) -> Response:
    """Return what the visitor may restore, one kind of record at a time."""
    entities = [
        one
        for one in readable_entities(visit.catalog, visit.policy)
        if visit.policy.may("restore", one.name)
    ]
    names = [one.name for one in entities]
    asked = request.args.get("entity", "")
    chosen = asked if asked in names else (names[0] if names else "")
    tabs = [
        Tab(plural(one, visit.language), f"/bin?entity={one.name}", one.name == chosen)
        for one in entities
    ]
    rows: list[BinRow] = []
    more = foot = ""
    if chosen:
        entity = visit.catalog.entities[chosen]
        readable = visit.policy.readable(chosen)
        wanted = (entity.title, "deleted_at", "deleted_by")
        names = [one for one in wanted if one and one in readable]
        found = visit.records.bin(
            visit.principal, chosen, fields=names or ("id",), after=request.args.get("after")
        )
        for record in found.rows:
            at = record.get("deleted_at")
            by = (record.links.get("deleted_by") or {}).get("title") or ""
            rows.append(
                BinRow(
                    title_of(entity, record, visit),
                    f"/crm/{chosen}/{record.id}",
                    by,
                    time_tag(at, visit.look.now, visit.wording, visit.look.zone) if at else "",
                    f"/crm/{chosen}/{record.id}/restore",
                )
            )
        more = f"/bin?entity={chosen}&after={found.next}" if found.next else ""
        foot = visit.wording.count("%(number)s record", "%(number)s records", len(rows))
    view = BinView(tabs, rows, foot, more)
    return visit.render(
        "bin.html", page=visit.page(visit.wording.say("Recycle bin"), "bin"), view=view
    )


def history_page(visit: Visit, name: str, number: str) -> Response:
    """Return the whole history of a record."""
    entity = visit.entity(name)
    record = visit.records.get(visit.principal, name, number)
    timeline = read_timeline(visit, entity, record.id, _before())
    if timeline is None:
        raise Forbidden(visit.policy.why("history", name))
    if "HX-Request" in request.headers:
        return visit.render("timeline_more.html", timeline=timeline)
    title = title_of(entity, record, visit)
    view = {"title": title, "href": f"/crm/{name}/{record.id}", "timeline": timeline}
    page = visit.page(f"{visit.wording.say('History')}: {title}", name)
    return visit.render("history.html", page=page, view=view)


def _before() -> int | None:
    text = request.args.get("before", "")
    return int(text) if text.isdigit() and len(text) < 19 else None


def find_page(visit: Visit) -> Response:
    """Return what the words find, in every kind of record the visitor may read."""
    words = request.args.get("q", "").strip()[:200]
    groups: list[Group] = []
    if words:
        icons = icon_names(visit.screens.renderer)
        try:
            hits = visit.records.search(visit.principal, words, limit=50)
        except Malformed:
            hits = []
        by_entity: dict[str, list[Found]] = {}
        for hit in hits:
            title = marked(hit.title or f"#{hit.id}", words)
            row = Found(title, f"/crm/{hit.entity}/{hit.id}")
            by_entity.setdefault(hit.entity, []).append(row)
        for name, rows in by_entity.items():
            entity = visit.catalog.entities[name]
            groups.append(Group(plural(entity, visit.language), icon_of(entity, icons), rows))
    page = visit.page(visit.wording.say("Find"), "find")
    page.find = words
    return visit.render("find.html", page=page, groups=groups)


def upload(visit: Visit, name: str, field: str) -> Response:
    """Keep an uploaded file and return its row for the form."""
    entity = visit.entity(name)
    if field not in visit.policy.writable(name) or field not in entity.fields:
        raise NotFound
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        return Response("", 400)
    try:
        kept = visit.writer.add_file(visit.principal, sent.stream, sent.filename)
    except InvalidInput as problem:
        sentence = next(iter(problem.fields.values()))[0] if problem.fields else problem.message
        answer = visit.render("file_refused.html", sentence=visit.words(sentence))  # type: ignore[arg-type]
        answer.status_code = 422
        return answer
    item = FileItem(str(kept.id), kept.name, size_words(kept.size), f"/files/{kept.id}")
    return visit.render("file_item.html", f={"input_name": field}, file=item)


def size_words(size: int) -> str:
    """Return the size of a file as people say it."""
    for unit in ("B", "kB", "MB"):
        if size < 1000 or unit == "MB":
            return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1000  # type: ignore[assignment]
    return ""


def file(visit: Visit, number: str) -> Response:
    """Return a file to who may read the record it belongs to."""
    if not number.isdigit() or len(number) > 18:
        raise NotFound
    found = visit.writer.get_file(visit.principal, int(number))
    answer = send_file(
        found.path,
        mimetype=found.type,
        as_attachment=found.type not in _INLINE,
        download_name=found.name,
        conditional=True,
    )
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
