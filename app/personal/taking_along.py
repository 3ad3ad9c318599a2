"""What a person gets of what is kept about them: one zip, to be read by people and by programs."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from zoneinfo import ZoneInfo

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.access.principal import Principal
from app.database import system
from app.database.automation_tables import comment
from app.database.mail_tables import mail
from app.database.statements import Statement
from app.definitions.catalog import Entity
from app.errors import NotFound
from app.records.chronicle import shown
from app.records.door import Records
from app.records.files import FileStore, clean_name
from app.records.personal_fields import personal_fields
from app.records.results import Record
from app.records.work import Work
from app.texts import say

_IDS = sa.bindparam("_ids", type_=ARRAY(sa.BigInteger))
_IN_MEMORY = 4 * 2**20
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}"
    "h2{margin-top:2.5rem;border-bottom:1px solid #ccc}th{text-align:left;vertical-align:top;"
    "padding:.2rem 1.5rem .2rem 0;font-weight:600;min-width:9rem}td{padding:.2rem 0;"
    "white-space:pre-wrap;overflow-wrap:anywhere}"
)


@dataclass(slots=True)
class Part:
    """What stands beside the records of one entity."""

    entity: Entity
    ids: Sequence[int]
    #: personal fields, before and after, the oldest first
    history: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    mails: list[dict[str, Any]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)


def part_of(work: Work, entity: Entity, ids: Sequence[int]) -> Part:
    """Return what stands beside records, as far as whoever asks may see their fields."""
    part = Part(entity, ids)
    names = [
        name
        for name in personal_fields(entity, work.release.catalog.entities)
        if work.policy.field_right(entity.name, name) != "hidden"
    ]
    history = system.history
    for line in _rows(
        work, history, entity, ids, "record_id", "happened_at", "action", "before", "after"
    ):
        for one in ("before", "after"):
            told = line[one]
            line[one] = {
                name: shown(entity, work.policy, name, told) for name in names if name in told
            }
        if line["before"] or line["after"]:
            part.history.append(line)
    part.comments = _rows(work, comment, entity, ids, "record_id", "happened_at", "text")
    part.mails = _rows(work, mail, entity, ids, "record_id", "received_at", "sender", "subject")
    file = system.file
    hidden = [
        name
        for name in entity.fields
        if work.policy.field_right(entity.name, name) in ("hidden", "masked")
    ]
    part.files = [
        row
        for row in _rows(work, file, entity, ids, "id", "record_id", "name", "sha256", "field")
        if row.pop("field") not in hidden
    ]
    return part


def _rows(
    work: Work, table: sa.Table, entity: Entity, ids: Iterable[int], *names: str
) -> list[dict[str, Any]]:
    chosen = sa.select(*(table.c[name] for name in names)).where(
        table.c.entity == work.number(entity.name), table.c.record_id == sa.func.any(_IDS)
    )
    if "deleted_at" in table.c:
        chosen = chosen.where(table.c.deleted_at.is_(None))
    return Statement(chosen.order_by(table.c.id)).rows(work.connection, {"_ids": sorted(ids)})


def packed(
    records: Records, principal: Principal, parts: Sequence[Part], files: FileStore
) -> IO[bytes]:
    """Return the zip: a page to read, lines of JSON, and the files."""
    target = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - It is given away open.
    try:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            found = [
                (part.entity, record)
                for part in parts
                for record in _records(records, principal, part)
            ]
            archive.writestr("person.html", page_of(principal, found, parts))
            archive.writestr("records.jsonl", _lines(_as_json(*one) for one in found))
            for name in ("history", "comments", "mails"):
                lines = [
                    {"entity": part.entity.name, **line}
                    for part in parts
                    for line in getattr(part, name)
                ]
                if lines:
                    archive.writestr(f"{name}.jsonl", _lines(lines))
            for part in parts:
                for one in part.files:
                    path = files.path(one["sha256"])
                    if path.is_file():
                        archive.write(path, f"files/{one['id']}-{clean_name(one['name'])}")
    except BaseException:
        target.close()
        raise
    target.seek(0)
    return target


def _records(records: Records, principal: Principal, part: Part) -> Iterator[Record]:
    for number in part.ids:
        try:
            yield records.get(principal, part.entity.name, number)
        except NotFound:
            yield records.get(principal, part.entity.name, number, in_bin=True)


def _lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(row, default=str) + b"\n" for row in rows)


def _as_json(entity: Entity, record: Record) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in record.values.items():
        one = entity.fields.get(name)
        if one is None or value is None or name in record.masked or one.is_worked_out:
            values[name] = value
        else:
            values[name] = one.type.to_json(one, value)
    for name, rows in record.lines.items():
        values[name] = [dict(row.values) for row in rows]
    return {"entity": entity.name, "id": record.id, "values": values}


# -- to be read ----------------------------------------------------------------------------------


def page_of(
    principal: Principal, found: Sequence[tuple[Entity, Record]], parts: Sequence[Part]
) -> str:
    """Return a page that needs nothing but a browser."""
    language = principal.language
    heading = say("What is kept about you", "关于您所保存的信息").in_language(language)
    body = [f"<h1>{escape(heading)}</h1>"]
    for entity, record in found:
        label = escape(entity.label.in_language(language))
        body.append(f"<h2>{label} #{record.id}</h2><table>")
        body += [_row(label_, text) for label_, text in _shown(principal, entity, record)]
        body.append("</table>")
    for title, name, columns in (
        (say("Comments", "评论"), "comments", ("happened_at", "text")),
        (say("E-mails", "邮件"), "mails", ("received_at", "sender", "subject")),
        (say("Files", "文件"), "files", ("name",)),
    ):
        lines = [line for part in parts for line in getattr(part, name)]
        if lines:
            body.append(f"<h2>{escape(title.in_language(language))}</h2><table>")
            for line in lines:
                first, *rest = (_text(line[one], principal) for one in columns)
                body.append(_row(first, " · ".join(rest)))
            body.append("</table>")
    return (
        f'<!doctype html><html lang="{escape(language)}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(heading)}</title>'
        f"<style>{_STYLE}</style>{''.join(body)}</html>"
    )


def _row(name: str, text: str) -> str:
    return f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>"


def _text(value: Any, principal: Principal) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(ZoneInfo(principal.time_zone)):%Y-%m-%d %H:%M}"
    return str(value)


def _shown(principal: Principal, entity: Entity, record: Record) -> Iterator[tuple[str, str]]:
    language = principal.language
    for name, value in record.values.items():
        one = entity.fields.get(name)
        if one is None or value in (None, "", [], ()) or one.type.name == "lines":
            continue
        linked = record.links.get(name)
        if linked is not None:
            several = linked if isinstance(linked, list) else [linked]
            text = ", ".join(str(each.get("title") or each.get("name") or "") for each in several)
        elif name in record.masked or one.is_worked_out:
            text = _text(value, principal)
        else:
            text = one.type.display(one, value, language, principal.time_zone, record.values)
        if text:
            yield one.label.in_language(language), text
