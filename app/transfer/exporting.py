"""Lists as files: what somebody sees of a list, as a workbook, CSV or lines of JSON.

The rows are asked like a list's, with the right ``export`` instead of ``read``: only records and
fields the asker may take along, masked where they are masked. Rows are read and written in blocks,
so that the memory does not grow with them. What the web or a command does around it is theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from app.access.principal import Principal
from app.database import audit
from app.definitions.catalog import Catalog, Entity
from app.errors import Malformed
from app.records.door import Records
from app.records.refusals import entity_of, require
from app.records.taking import Everything
from app.texts import Label, say
from app.transfer.cells import Column, Spoken, column_of
from app.transfer.related import Related, Rows, find_related
from app.transfer.sheets import FORMS, CSVSheets, Sheets, json_column

#: Rows of one answer of the web; more of them are written in the background.
MOST_AT_ONCE = 20_000
#: What is larger waits on the disk.
_IN_MEMORY = 4 * 2**20

#: Told how many rows are written; whatever it raises ends the export.
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be taken along, in the words of a list."""

    entity: str
    #: fields, parts of them, and fields behind links: ``customer.owner.name``
    fields: tuple[str, ...] | None = None
    filter: str | None = None
    view: str | None = None
    search: str | None = None
    sort: str | None = None
    where: tuple[tuple[str, Any], ...] = ()
    #: what belongs to the records: ``lines``, ``contact``, ``contact.customer``
    related: tuple[str, ...] = ()
    #: CSV for programs: texts as they are, names of fields for headings
    raw: bool = False
    language: str = "en"
    time_zone: str = "UTC"

    def asked(self) -> dict[str, Any]:
        """Return what the door is asked, without the columns."""
        return {
            "filter": self.filter,
            "where": dict(self.where),
            "sort": self.sort,
            "view": self.view,
            "search": self.search,
        }


class Exports:
    """Writes lists into files."""

    def __init__(self, records: Records, pools: Any, live: Any) -> None:
        """Take the door, and where exports are noted."""
        self._records, self._pools, self._live = records, pools, live

    @property
    def _catalog(self) -> Catalog:
        found: Catalog = self._live.release.catalog
        return found

    def check(self, principal: Principal, wanted: Wanted, form: str) -> Entity:
        """Refuse what may not be exported, or is written wrongly, before anything is begun.

        Raises:
            Forbidden: the asker may not export the entity.
            Malformed: there is no such file, or what is asked cannot be read.
        """
        if form not in FORMS:
            raise Malformed(_no_such_form(form))
        entity = entity_of(self._catalog, wanted.entity)
        require(self._records.policy(principal), "export", entity.name)
        if wanted.related and form == "csv":
            raise Malformed(_no_sheets())
        return entity

    def is_large(self, principal: Principal, wanted: Wanted, form: str) -> bool:
        """Return whether a list has more rows than are exported while somebody waits."""
        self.check(principal, wanted, form)
        return self._records.holds_more(
            principal, wanted.entity, MOST_AT_ONCE, right="export", **wanted.asked()
        )

    def write(
        self,
        principal: Principal,
        wanted: Wanted,
        form: str,
        target: IO[bytes],
        *,
        progress: Progress | None = None,
        address: str | None = None,
    ) -> int:
        """Write a list into *target*, note it, and return how many rows.

        Args:
            form: one of `FORMS`.
            address: from where it is asked, for the log.

        Raises:
            Forbidden: the asker may not export the entity.
            Malformed: the list cannot be read.
        """
        entity = self.check(principal, wanted, form)
        writer: Any = FORMS[form][1]
        if form == "csv":
            writer = partial(CSVSheets, raw=wanted.raw)
        writing = _Writing(self._records, principal, self._catalog, entity, wanted, form)
        with writer(target) as sheets:
            count = writing.run(sheets, progress)
        self.note(principal, wanted, form, count, address)
        return count

    def note(
        self, principal: Principal, wanted: Wanted, form: str, rows: int, address: str | None
    ) -> None:
        """Write down who took what along."""
        details = {"entity": wanted.entity, "form": form, "rows": rows}
        if wanted.related:
            details["related"] = ", ".join(wanted.related)
        with self._pools.write.connection() as connection:
            audit.note(
                connection,
                "data.export.start",
                user_id=principal.user_id,
                address=address,
                details=details,
            )

    def note_figures(
        self, principal: Principal, dashboard: str, rows: int, address: str | None
    ) -> None:
        """Write down who took the figures of a dashboard along."""
        self.note(principal, Wanted(dashboard), "xlsx", rows, address)

    def note_all(self, principal: Principal, rows: int, address: str | None) -> None:
        """Write down who took everything along."""
        with self._pools.write.connection() as connection:
            audit.note(
                connection,
                "data.everything.export",
                user_id=principal.user_id,
                address=address,
                details={"rows": rows},
            )

    def open(
        self, principal: Principal, wanted: Wanted, form: str, address: str | None
    ) -> IO[bytes]:
        """Return a list as a file for an answer of the web, to be closed by whoever sends it.

        Whether it is too long for one answer is asked of `is_large`.
        """
        target = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - It is given away open.
        try:
            self.write(principal, wanted, form, target, address=address)
        except BaseException:
            target.close()
            raise
        target.seek(0)
        return target


class _Writing:
    """One export under way."""

    def __init__(
        self,
        records: Records,
        principal: Principal,
        catalog: Catalog,
        entity: Entity,
        wanted: Wanted,
        form: str,
    ) -> None:
        self._records, self._principal = records, principal
        self._entity, self._wanted, self._form = entity, wanted, form
        self._spoken = Spoken(wanted.language, wanted.time_zone)
        policy = records.policy(principal)
        self._related = [find_related(catalog, policy, entity, name) for name in wanted.related]

    def run(self, sheets: Sheets, progress: Progress | None) -> int:
        """Write everything; return how many records of the list."""
        wanted, count = self._wanted, 0
        with self._opened(wanted.entity, wanted.fields, **wanted.asked()) as found:
            columns = [column_of(one, self._spoken) for one in found.columns]
            paths, headings = _heads(columns)
            nested = self._form == "jsonl"
            if nested:
                paths = [*paths, *(one.name for one in self._related)]
            label = (self._entity.plural or self._entity.label).in_language(wanted.language)
            table = sheets.begin(label, paths, headings)
            tables: list[int] = []
            for block in found.blocks():
                values = list(zip(*block, strict=True))
                cells = [column.convert(values) for column in columns]
                theirs = [self._rows_of(one, values[0]) for one in self._related]
                if nested:
                    cells += [_nested(rows, values[0]) for rows in theirs]
                sheets.add(table, cells)
                if not nested and theirs:
                    tables = tables or [self._begin(sheets, rows) for rows in theirs]
                    self._add(sheets, tables, theirs, values[0])
                count += len(block)
                if progress is not None:
                    progress(count)
        return count

    @contextmanager
    def _opened(
        self, entity: str, fields: Sequence[str] | None, **asked: Any
    ) -> Iterator[Everything]:
        with self._records.everything(
            self._principal, entity, fields=fields, right="export", **asked
        ) as found:
            yield found

    # -- what belongs to the records ---------------------------------------------------------------

    def _rows_of(self, related: Related, ids: Sequence[int]) -> Rows:
        """Return the rows that belong to a block of records, in the order of these."""
        with self._opened(
            related.entity.name, related.fields, within=related.link, theirs=ids
        ) as found:
            columns = [column_of(one, self._spoken) for one in found.columns]
            owners: list[int] = []
            cells: list[list[Any]] = [[] for _ in columns]
            for block in found.blocks():
                values = list(zip(*block, strict=True))
                owners += values[1]
                for kept, column in zip(cells, columns, strict=True):
                    kept.extend(column.convert(values))
        return Rows(related, columns, owners, cells)

    def _begin(self, sheets: Sheets, rows: Rows) -> int:
        language = self._spoken.language
        paths, headings = _heads(rows.columns)
        own = self._entity.label.in_language(language)
        return sheets.begin(
            rows.related.label.in_language(language), ["id", *paths], [f"{own} · id", *headings]
        )

    def _add(
        self, sheets: Sheets, tables: Sequence[int], theirs: Sequence[Rows], ids: Sequence[int]
    ) -> None:
        del ids
        for table, rows in zip(tables, theirs, strict=True):
            if rows.owners:
                sheets.add(table, [rows.owners, *rows.cells])


def _heads(columns: Sequence[Column]) -> tuple[list[str], list[str]]:
    return [column.path for column in columns], [column.heading for column in columns]


def _nested(rows: Rows, ids: Sequence[int]) -> list[list[Mapping[str, Any]]]:
    """Return, for each record, the list of what belongs to it."""
    found: dict[int, list[Mapping[str, Any]]] = {number: [] for number in ids}
    paths = [column.path for column in rows.columns]
    cells = [json_column(one) for one in rows.cells]
    for owner, *row in zip(rows.owners, *cells, strict=True):
        found[owner].append(dict(zip(paths, row, strict=True)))
    return list(found.values())


def _no_such_form(form: str) -> Label:
    return say(
        "`format` is one of {forms}, not `{form}`.",
        "format 只能是 {forms}，不能是“{form}”。",
        forms=", ".join(FORMS),
        form=form[:40],
    )


def _no_sheets() -> Label:
    return say(
        "CSV has one table: what belongs to the records goes into `xlsx` or `jsonl`.",
        "CSV 只有一张表：相关记录请导出为 xlsx 或 jsonl。",
    )
