"""Indexes, unique rules, links and limits: which are missing, renamed or no longer needed.

Names tell: two definitions never share one (see ``naming``), and only what bears such a name is
ever dropped, so indexes that somebody made by hand stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from app.database import ddl
from app.database.indexes import (
    CheckConstraint,
    ForeignKey,
    Index,
    as_before_rename,
    checks_of,
    foreign_keys_of,
    indexes_of,
)
from app.database.operations import (
    AddCheck,
    AddForeignKey,
    AddForeignKeyLater,
    BuildIndex,
    BuildUnique,
    DropConstraint,
    DropIndexes,
    DropUnique,
    Operation,
    RenameConstraints,
    RenameIndexes,
    Validate,
)

if TYPE_CHECKING:
    from app.database.diff import EntityDiff

_OURS = re.compile(r"_(index|unique|fkey|check|filled)_[0-9a-f]{6}$")


def constraint_operations(diff: EntityDiff) -> Iterator[Operation]:
    """Yield what has to be done to the constraints and indexes of one table."""
    yield from _Indexes(diff).operations()
    renames: list[tuple[str, str]] = []
    yield from _keys(diff, renames)
    yield from _checks(diff, renames)
    if renames:
        yield RenameConstraints(subject=diff.entity.name, table=diff.table, names=tuple(renames))


def _renames(diff: EntityDiff) -> dict[str, str]:
    """Return the columns that are called otherwise until the swap: their final name to this."""
    return {new: current for new, current in diff.current.items() if new != current}


class _Indexes:
    def __init__(self, diff: EntityDiff) -> None:
        self.diff = diff
        self.live = diff.live.indexes
        self.renamed: dict[str, str] = {}

    def operations(self) -> Iterator[Operation]:
        wanted = indexes_of(self.diff.entity, self.diff.columns, self.diff.facts)
        for index in wanted:
            yield from self.operation(index)
        if self.renamed:
            yield RenameIndexes(subject=self.diff.entity.name, names=tuple(self.renamed.items()))
        yield from self.obsolete({index.name for index in wanted})

    def operation(self, index: Index) -> Iterator[Operation]:
        names = _renames(self.diff)
        involved = {new: old for new, old in names.items() if ddl.quoted(new) in index.definition}
        is_shadowed = any(name in self.diff.shadows for name in involved)
        now = as_before_rename(index, self.diff.table, involved)
        if now.name != index.name and self.live.get(now.name):
            self.renamed[now.name] = index.name
        elif self.live.get(index.name) and not is_shadowed:
            return
        elif index.unique:
            yield self.build_unique(now)
            if now.name != index.name:
                self.renamed[now.name] = index.name
        else:
            # A shadowed column takes its old indexes with it, whatever they are called.
            broken = index.name in self.live and not is_shadowed
            yield BuildIndex(
                subject=self.diff.entity.name,
                table=index.table,
                name=index.name,
                columns=index.columns,
                definition=index.definition,
                rebuild=broken,
            )

    def build_unique(self, index: Index) -> BuildUnique:
        keys, _, where = index.definition.removeprefix("USING btree (").partition(") WHERE ")
        return BuildUnique(
            subject=f"{self.diff.entity.name}.{index.fields[0]}",
            table=index.table,
            name=index.name,
            columns=index.columns,
            definition=index.definition,
            rebuild=index.name in self.live,
            keys=(keys if where else keys.removesuffix(")"),),
            where=where or None,
        )

    def obsolete(self, wanted: set[str]) -> Iterator[Operation]:
        plain = []
        for name in self.live:
            if name in wanted or name in self.renamed or not _OURS.search(name):
                continue
            if name in self.diff.live.unique:
                fields = self.diff.before["indexes"].get(name, {}).get("columns", [])
                yield DropUnique(subject=".".join([self.diff.entity.name, *fields[:1]]), name=name)
            else:
                plain.append(name)
        if plain:
            yield DropIndexes(subject=self.diff.entity.name, names=tuple(plain))


def _keys(diff: EntityDiff, renames: list[tuple[str, str]]) -> Iterator[Operation]:
    live = diff.live.keys
    used = set()
    for key in foreign_keys_of(diff.entity, diff.columns, diff.facts):
        current = diff.current.get(key.column, key.column)
        old = _key_of_column(diff, current)
        if key.name in live and key.column not in diff.shadows:
            used.add(key.name)
            if not live[key.name]:
                yield Validate(subject=diff.entity.name, table=key.table, name=key.name)
        elif old is not None and key.column not in diff.shadows:
            used.add(old)
            renames.append((old, key.name))
        else:
            yield from _new_key(diff, key, current)
    yield from _obsolete(diff, set(live) - used)


def _key_of_column(diff: EntityDiff, column: str) -> str | None:
    known: Mapping[str, str] = diff.before["keys"]
    return next((n for n, c in known.items() if c == column and n in diff.live.keys), None)


def _new_key(diff: EntityDiff, key: ForeignKey, current: str) -> Iterator[Operation]:
    subject = f"{diff.entity.name}.{key.field}"
    if key.column in diff.shadows:
        yield AddForeignKeyLater(
            subject=subject, table=key.table, name=key.name, column=key.column,
            target=key.target, on_delete=key.on_delete,
        )  # fmt: skip
    else:
        target = diff.current_table(diff.columns[key.column].references or "", key.target)
        yield AddForeignKey(
            subject=subject, table=diff.table, name=key.name, column=current,
            target=target, on_delete=key.on_delete,
        )  # fmt: skip
    yield Validate(subject=subject, table=key.table, name=key.name)


def _checks(diff: EntityDiff, renames: list[tuple[str, str]]) -> Iterator[Operation]:
    live = diff.live.checks
    names = _renames(diff)
    used = set()
    for check in checks_of(diff.entity, diff.columns, diff.facts):
        old = _same_check(diff, check, names)
        if check.name in live and check.column not in diff.shadows:
            used.add(check.name)
        elif old is not None and check.column not in diff.shadows:
            # Not there although asked for before: rows break it, which was told at the time.
            if old in live:
                used.add(old)
                if old != check.name:
                    renames.append((old, check.name))
        else:
            yield AddCheck(
                subject=f"{diff.entity.name}.{check.field}",
                table=check.table,
                name=check.name,
                column=check.column,
                condition=check.condition,
            )
    yield from _obsolete(diff, set(live) - used)


def _same_check(diff: EntityDiff, check: CheckConstraint, names: Mapping[str, str]) -> str | None:
    """Return the name under which the catalog before asked for the same, or None."""
    column = names.get(check.column, check.column)
    condition = ddl.renamed(check.condition, {check.column: column})
    return next(
        (
            name
            for name, known in diff.before["checks"].items()
            if known["column"] == column and known["condition"] == condition
        ),
        None,
    )


def _obsolete(diff: EntityDiff, names: set[str]) -> Iterator[Operation]:
    for name in sorted(names):
        if _OURS.search(name):
            yield DropConstraint(subject=diff.entity.name, table=diff.table, name=name)
