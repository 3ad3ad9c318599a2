"""Lists as files: what somebody sees of a list, as a workbook, CSV or lines of JSON.

The rows are asked like a list's, with the right ``export`` instead of ``read``: only records and
fields the asker may take along, masked where they are masked. Rows are read and written in pages,
so that the memory does not grow with them. What the web or a command does around it is theirs.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from zoneinfo import ZoneInfo

import orjson

from app.access.principal import Principal
from app.database import audit
from app.definitions.catalog import Entity, Field
from app.errors import Malformed
from app.fields.worked_out import as_result, result_of
from app.records.door import Records
from app.records.refusals import entity_of, require
from app.records.results import Record
from app.texts import say
from app.transfer.workbooks import write_workbook

#: ending -> type of its content
FORMS = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
}
#: Rows of one answer of the web; `trellis export` knows no limit.
MOST_AT_ONCE = 20_000
#: What is larger waits on the disk.
_IN_MEMORY = 4 * 2**20
#: What a program that opens a CSV may take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_YES, _NO = say("Yes", "是"), say("No", "否")

Cell = Callable[[Record], Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be taken along, in the words of a list."""

    entity: str
    fields: tuple[str, ...] | None = None
    filter: str | None = None
    view: str | None = None
    search: str | None = None
    sort: str | None = None
    where: tuple[tuple[str, Any], ...] = ()
    language: str = "en"
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a field, its heading, and what stands in its cells."""

    name: str
    heading: str
    cell: Cell


class Exports:
    """Writes lists into files."""

    def __init__(self, records: Records, pools: Any, live: Any) -> None:
        """Take the door, and where exports are noted."""
        self._records, self._pools, self._live = records, pools, live

    def write(
        self,
        principal: Principal,
        wanted: Wanted,
        form: str,
        target: IO[bytes],
        *,
        most: int | None = None,
        address: str | None = None,
    ) -> int:
        """Write a list into *target*; return how many rows.

        Args:
            form: one of `FORMS`.
            most: more rows than this are refused.
            address: from where it is asked, for the log.

        Raises:
            Forbidden: the asker may not export the entity.
            Malformed: the list cannot be read, or has more rows than *most*.
        """
        if form not in FORMS:
            raise Malformed(_no_such_form(form))
        entity = entity_of(self._live.release.catalog, wanted.entity)
        require(self._records.policy(principal), "export", entity.name)
        columns = self._columns(principal, entity, wanted)
        rows = self._rows(principal, wanted, columns, most)
        count = _WRITERS[form](target, columns, rows)
        with self._pools.write.connection() as connection:
            audit.note(
                connection,
                "data.export.start",
                user_id=principal.user_id,
                address=address,
                details={"entity": wanted.entity, "form": form, "rows": count},
            )
        return count

    def open(
        self, principal: Principal, wanted: Wanted, form: str, address: str | None
    ) -> IO[bytes]:
        """Return a list as a file for an answer of the web, to be closed by whoever sends it.

        Raises:
            Forbidden: the asker may not export the entity.
            Malformed: the list cannot be read, or is too long for one answer.
        """
        target = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - It is given away open.
        try:
            self.write(principal, wanted, form, target, most=MOST_AT_ONCE, address=address)
        except BaseException:
            target.close()
            raise
        target.seek(0)
        return target

    def _columns(self, principal: Principal, entity: Entity, wanted: Wanted) -> list[Column]:
        policy = self._records.policy(principal)
        names = wanted.fields or tuple(
            name
            for name in entity.fields
            if policy.field_right(entity.name, name) != "hidden" and not entity.fields[name].removed
        )
        found = []
        for name in names:
            field = entity.fields.get(name.partition(".")[0])
            if field is None or field.type.name == "lines":
                continue
            masked = policy.field_right(entity.name, field.name) == "masked"
            heading = field.label.in_language(wanted.language)
            cell = _cell(field, name, wanted, masked=masked)
            found.append(Column(name, heading, cell))
        return found

    def _rows(
        self, principal: Principal, wanted: Wanted, columns: Sequence[Column], most: int | None
    ) -> Iterator[list[Any]]:
        pages = self._records.walk(
            principal,
            wanted.entity,
            fields=tuple(column.name for column in columns),
            filter=wanted.filter,
            where=dict(wanted.where),
            sort=wanted.sort,
            view=wanted.view,
            search=wanted.search,
            right="export",
        )
        cells = [column.cell for column in columns]
        count = 0
        for page in pages:
            count += len(page)
            if most is not None and count > most:
                raise Malformed(_too_many(most))
            for record in page:
                yield [cell(record) for cell in cells]


def _cell(field: Field, name: str, wanted: Wanted, *, masked: bool) -> Cell:
    """Return what stands in the cells of a field: a number, day, moment or text."""
    if "." in name or masked:
        return lambda record: _plain(record.get(name), wanted)
    joint = "、" if wanted.language == "zh" else ", "
    type_, seen = field.type, field
    convert: Callable[[Any], Any] | None = None
    if type_.name in ("formula", "rollup", "through"):
        type_, seen = result_of(field)  # type: ignore[assignment]
        convert = lambda value: as_result(type_, value)  # noqa: E731
        if currency := field.settings.get("currency"):
            seen = replace(seen, settings={**seen.settings, "currency": currency})

    def cell(record: Record) -> Any:
        linked = record.links.get(name)
        if linked is not None:
            several = linked if isinstance(linked, list) else [linked]
            return joint.join(str(one.get("title") or one.get("name") or "") for one in several)
        value = record.get(name)
        if value is None:
            return None
        if convert is not None and not isinstance(value, str):
            value = convert(value)
        if isinstance(value, int | float | Decimal | date | bool):
            return _plain(value, wanted)
        text = type_.display(seen, value, wanted.language, wanted.time_zone, record.values)
        return text or None

    return cell


def _plain(value: Any, wanted: Wanted) -> Any:
    if isinstance(value, bool):
        return (_YES if value else _NO).in_language(wanted.language)
    if isinstance(value, datetime):
        # Tables know no zones: it is the clock of whoever asks.
        return value.astimezone(ZoneInfo(wanted.time_zone)).replace(tzinfo=None, microsecond=0)
    if value is None or isinstance(value, int | float | Decimal | date):
        return value
    return str(value)


# -- files ---------------------------------------------------------------------------------------


def _write_csv(target: IO[bytes], columns: Sequence[Column], rows: Iterator[list[Any]]) -> int:
    # The mark tells Excel that it is UTF-8.
    text = io.TextIOWrapper(target, encoding="utf-8-sig", newline="", write_through=False)
    writer = csv.writer(text)
    writer.writerow([_harmless(column.heading) for column in columns])
    count = 0
    for row in rows:
        writer.writerow([_harmless(value) for value in row])
        count += 1
    text.flush()
    text.detach()
    return count


def _harmless(value: Any) -> Any:
    """Return a cell of a CSV that no program takes for a formula."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return value


def _write_jsonl(target: IO[bytes], columns: Sequence[Column], rows: Iterator[list[Any]]) -> int:
    names = [column.name for column in columns]
    count = 0
    for row in rows:
        target.write(orjson.dumps(dict(zip(names, map(_json, row), strict=True))) + b"\n")
        count += 1
    return count


def _json(value: Any) -> Any:
    return f"{value:f}" if isinstance(value, Decimal) else value


def _write_xlsx(target: IO[bytes], columns: Sequence[Column], rows: Iterator[list[Any]]) -> int:
    return write_workbook(target, [column.heading for column in columns], rows)


_WRITERS: dict[str, Callable[[IO[bytes], Sequence[Column], Iterator[list[Any]]], int]] = {
    "xlsx": _write_xlsx,
    "csv": _write_csv,
    "jsonl": _write_jsonl,
}


def _no_such_form(form: str) -> Any:
    return say(
        "`format` is one of {forms}, not `{form}`.",
        "format 只能是 {forms}，不能是“{form}”。",
        forms=", ".join(FORMS),
        form=form[:40],
    )


def _too_many(most: int) -> Any:
    return say(
        "The list has more than the {most} rows that are exported at once. Narrow it with a "
        "filter, or ask an administrator for `trellis export`.",
        "列表超过一次导出的上限 {most} 行。请用筛选缩小范围，或请管理员使用 trellis export。",
        most=f"{most:,}",
    )
