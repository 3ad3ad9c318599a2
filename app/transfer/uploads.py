"""A file before its import begins: kept, looked at, read otherwise, with the plan it suggests."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import IO, Any

from app.access.principal import Principal
from app.definitions.catalog import Catalog
from app.definitions.imports import LEFT_OUT
from app.errors import InvalidInput
from app.records.files import FileStore
from app.texts import Label, say
from app.transfer import statements
from app.transfer.cell_texts import plain
from app.transfer.cleaning import is_either, order_of
from app.transfer.matching import Match, match_columns
from app.transfer.permitted import may_bring
from app.transfer.plans import Plan, check_plan, column_of, read_plan, target_of
from app.transfer.tables import (
    Row,
    Shape,
    Table,
    UnreadableFile,
    find_shape,
    members_of,
    open_table,
    sheets_of,
)
from app.transfer.tables.text_files import DELIMITERS, ENCODINGS, QUOTES

#: The largest file, in bytes.
LARGEST = 1024 * 1024 * 1024
#: Rows that are looked at to match columns, and those in which days and months are told apart.
LOOKED_AT, DATES_LOOKED_AT = 20, 5_000
#: A file with such a share of a mapping's columns is read by it.
_MOST_OF_IT = 0.6
#: How long the file of an import that is over, or that never began, is kept.
PATIENCE = timedelta(days=7)
#: What a person may say about how a file is read.
SHAPE = ("member", "sheet", "encoding", "delimiter", "quote", "header")
_ORDERS = ("day_first", "month_first")
_NO_HEADER = ("none", "0", "", None)


@dataclass(frozen=True, slots=True)
class Look:
    """A file as it was found: its columns, what is in them, and where they probably go."""

    columns: tuple[str, ...]
    samples: tuple[Row, ...]
    matches: tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class Ways:
    """How else a file may be read."""

    members: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
    encodings: tuple[str, ...] = ()
    delimiters: tuple[str, ...] = ()


class Uploads:
    """Files that people sent, and what can be said about them."""

    def __init__(self, records: Any, pools: Any, live: Any, files: FileStore) -> None:
        self._records = records
        self._pools = pools
        self._live = live
        self._files = files

    @property
    def _catalog(self) -> Catalog:
        found: Catalog = self._live.release.catalog
        return found

    def take(self, stream: IO[bytes]) -> str:
        """Keep a file; return its checksum."""
        return self._files.take(stream, "", LARGEST)[0]

    def path(self, sha256: str) -> Path:
        """Return where a file lies.

        Raises:
            UnreadableFile: it was removed.
        """
        path = self._files.path(sha256)
        if not path.exists():
            raise UnreadableFile(
                say(
                    "The file is not there any more; upload it again.", "文件已被清除，请重新上传。"
                )
            )
        return path

    def suggested(
        self, principal: Principal, entity: str, sha256: str, said: Mapping[str, Any]
    ) -> Plan:
        """Return the plan a file suggests, read as was said.

        Raises:
            UnreadableFile: it is no table.
            InvalidInput: there is no such way to read it.
        """
        path = self.path(sha256)
        shape = find_shape(path, **read_shape(said))
        earlier = self._earlier(principal, entity)
        look = self.look(principal, path, shape, entity, earlier)
        plan = self._plan(entity, shape, look, earlier, self._records.policy(principal))
        return self._with_orders(path, plan)

    def _plan(
        self, entity: str, shape: Shape, look: Look, earlier: Sequence[Plan], policy: Any
    ) -> Plan:
        """Return the plan of the last import of such a file, of a mapping that fits, or a guess."""
        for plan in earlier:
            if plan.columns and set(plan.columns) <= set(look.columns):
                with_all = {one.column for one in look.matches if one.path is not None}
                if with_all <= set(plan.columns):
                    return replace(plan, shape=shape)
        saved = self._saved(entity, shape, look, policy)
        if saved is not None:
            return saved
        matched = {
            one.column: one.path
            for one in look.matches
            if one.path is not None and self._may(policy, entity, one.path)
        }
        ways = {}
        for one in look.matches:
            if one.by == "remembered":
                found = next((plan.ways.get(one.column) for plan in earlier
                              if plan.columns.get(one.column) == one.path), None)  # fmt: skip
                if found:
                    ways[one.column] = found
        return Plan(entity, shape, matched, ways=ways)

    def _saved(self, entity: str, shape: Shape, look: Look, policy: Any) -> Plan | None:
        """Return the plan of the saved mapping that has most of its columns in the file."""
        found: tuple[float, Plan] | None = None
        for mapping in self._catalog.imports.values():
            here = [one for one in mapping.columns if one.column in look.columns]
            share = len(here) / len(mapping.columns)
            if mapping.entity != entity or len(here) < 2 or share < _MOST_OF_IT:
                continue
            if found is not None and found[0] >= share:
                continue
            known = {one.column: one.path for one in here if self._may(policy, entity, one.path)}
            told = tuple(key for key in mapping.match if set(key) <= set(known.values()))
            mode = mapping.mode if told else "create"
            found = share, Plan(entity, shape, known, mapping.name, told, mode, mapping.rules)
        return None if found is None else found[1]

    def _may(self, policy: Any, entity: str, path: str) -> bool:
        if path == LEFT_OUT:
            return True
        owner, goes_to, _ = target_of(self._catalog, entity, path)
        is_own = owner.name == entity
        return may_bring(policy, owner.name, goes_to.name) and (
            is_own or bool(policy.may("create", owner.name))
        )

    def _with_orders(self, path: Path, plan: Plan) -> Plan:
        """Return the plan with days and months in the order that a column's dates show."""
        for heading, order in self.orders(path, plan).items():
            if order in _ORDERS and "date" in column_of(self._catalog, plan, heading).clean:
                plan = ordered(self._catalog, plan, [heading], order)
        return plan

    def orders(self, path: Path, plan: Plan) -> dict[str, str]:
        """Return for columns of dates like 01/02/2026 what comes first.

        ``day_first`` or ``month_first`` where a date shows it, ``mixed`` where they differ,
        ``either`` where none does: whoever imports has to say.
        """
        dated = [
            heading
            for heading, goes_to in plan.columns.items()
            if target_of(self._catalog, plan.entity, goes_to)[1].type.name in ("date", "datetime")
        ]
        if not dated:
            return {}
        seen: dict[str, set[str]] = {heading: set() for heading in dated}
        with open_table(path, plan.shape) as table:
            places = [(one, table.columns.index(one)) for one in dated if one in table.columns]
            for row in islice(table, DATES_LOOKED_AT):
                for heading, place in places:
                    text = plain(row.values[place])
                    if isinstance(text, str) and not text[:4].isdigit():
                        shows = order_of(text) or ("either" if is_either(text) else None)
                        if shows:
                            seen[heading].add(shows)
        return {heading: _decided(shown) for heading, shown in seen.items() if shown}

    def look(
        self,
        principal: Principal,
        path: Path,
        shape: Shape,
        entity: str,
        earlier: Sequence[Plan] | None = None,
    ) -> Look:
        """Return the columns of a file, their first values and where they probably go."""
        if earlier is None:
            earlier = self._earlier(principal, entity)
        remembered: dict[str, str] = {}
        for plan in earlier:
            for heading, goes_to in plan.columns.items():
                remembered.setdefault(heading, goes_to)
        policy = self._records.policy(principal)
        fields = self._catalog.entities[entity].fields
        with open_table(path, shape) as table:
            samples = tuple(islice(table, LOOKED_AT))
            columns = table.columns
        with self._records.previews.work(principal) as work:
            matches = match_columns(
                self._catalog,
                entity,
                columns,
                [row.values for row in samples],
                work.reading(strict=False),
                remembered=remembered,
                allowed=[name for name in fields if may_bring(policy, entity, name)],
            )
        return Look(columns, samples, tuple(matches))

    def _earlier(self, principal: Principal, entity: str) -> list[Plan]:
        """Return what the person's latest imports of such records did, if it still can be done."""
        values = {"user": principal.user_id, "entity": entity, "limit": 10}
        with self._pools.write.connection() as connection:
            rows = statements.earlier.rows(connection, values)
        found = []
        for row in rows:
            try:
                found.append(check_plan(self._catalog, read_plan(row["plan"])))
            except InvalidInput:
                continue
        return found

    def count(self, sha256: str, shape: Shape) -> int:
        """Return how many rows a file that was kept holds."""
        with self.opened(sha256, shape) as table:
            return table.count()

    @contextmanager
    def opened(self, sha256: str, shape: Shape) -> Iterator[Table]:
        """Open a file as a table."""
        with open_table(self.path(sha256), shape) as table:
            yield table

    def ways(self, sha256: str, shape: Shape) -> Ways:
        """Return how else a file may be read."""
        path = self.path(sha256)
        if shape.kind == "jsonl":
            return Ways(members_of(path))
        if shape.kind == "csv":
            named = [one for one in (shape.encoding,) if one and one not in ENCODINGS]
            return Ways(members_of(path), (), (*named, *ENCODINGS), DELIMITERS)
        return Ways(members_of(path), sheets_of(path, shape.member))

    def sweep(self, now: datetime) -> int:
        """Remove the files of imports that are over for days, or never began; return how many."""
        oldest = now - PATIENCE
        with self._pools.write.connection() as connection:
            rows = statements.swept.run(connection, {"before": oldest}).fetchall()
        count = 0
        for (sha256,) in rows:
            path = self._files.path(sha256)
            if path.exists() and path.stat().st_mtime < oldest.timestamp():
                path.unlink(missing_ok=True)
                count += 1
        return count


def ordered(catalog: Catalog, plan: Plan, headings: Sequence[str], order: str) -> Plan:
    """Return the plan with ``day_first`` or ``month_first`` for columns of dates."""
    ways = {heading: dict(way) for heading, way in plan.ways.items()}
    for heading in headings:
        steps = column_of(catalog, plan, heading).clean
        others = [order if step in ("date", *_ORDERS) else step for step in steps]
        clean = others if order in others else [*others, order]
        ways.setdefault(heading, {})["clean"] = clean
    return replace(plan, ways=ways)


def _decided(shown: set[str]) -> str:
    certain = shown - {"either"}
    if len(certain) > 1:
        return "mixed"
    return next(iter(certain), "either")


def read_shape(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a file is to be read, checked: what nobody said is found by itself.

    Raises:
        InvalidInput: there is no such way.
    """
    unknown = sorted(set(said) - set(SHAPE))
    if unknown:
        sentence = say("It is one of {words}.", "应为 {words} 之一。", words=", ".join(SHAPE))
        raise InvalidInput({str(unknown[0])[:60]: [sentence]})
    found: dict[str, Any] = {}
    for name in ("member", "sheet", "encoding", "delimiter", "quote"):
        if said.get(name):
            if not isinstance(said[name], str):
                raise InvalidInput({name: [say("It is a text.", "应为文本。")]})
            found[name] = said[name]
    if "encoding" in found:
        found["encoding"] = _encoding(found["encoding"])
    if "delimiter" in found:
        found["delimiter"] = "\t" if found["delimiter"] in ("tab", "\\t") else found["delimiter"]
        if found["delimiter"] not in DELIMITERS:
            words = ", ".join("tab" if one == "\t" else one for one in DELIMITERS)
            raise InvalidInput({"delimiter": [_one_of(words)]})
    if found.get("quote", QUOTES[0]) not in QUOTES:
        raise InvalidInput({"quote": [_one_of(" ".join(QUOTES))]})
    if "header" in said and said["header"] is not None:
        found["header"] = _header(said["header"])
    return found


def _encoding(name: str) -> str:
    known = {codecs.lookup(one).name for one in (*ENCODINGS, "utf-8-sig", "utf-16-le", "utf-16-be",
                                                 "gbk", "gb2312", "latin-1")}  # fmt: skip
    try:
        if codecs.lookup(name[:40]).name in known:
            return name
    except (LookupError, ValueError):
        pass
    raise InvalidInput({"encoding": [_one_of(", ".join(ENCODINGS))]})


def _header(said: Any) -> int | None:
    if said in _NO_HEADER:
        return None
    text = str(said)
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:8]) <= 1_000_000):
        sentence = say(
            "It is the number of a row, from 1, or `none`.", "应为行号（从 1 开始）或 none。"
        )
        raise InvalidInput({"header": [sentence]})
    return int(text)


def _one_of(words: str) -> Label:
    return say("It is one of {words}.", "应为 {words} 之一。", words=words)
