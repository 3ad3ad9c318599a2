"""What has to be done to get from what is there to what the catalog asks for.

Compares three things: the outline of the catalog applied before, the live shape of the database,
and the new catalog. What is already there is not asked for again, so a plan made after an apply
that was broken off holds just the rest. Nothing here reads a single record; see ``counting``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.database.diff_constraints import constraint_operations
from app.database.diff_limits import limit_operations
from app.database.diff_types import shadow_name, type_operations
from app.database.facts import Facts, gather_facts
from app.database.operations import (
    AddField,
    CreateEntity,
    DropEntity,
    DropField,
    DropLeftover,
    DropOptions,
    MakeOptional,
    Operation,
    Recompute,
    RenameEntity,
    RenameField,
    RenameOptions,
    Require,
    SetDefault,
)
from app.database.outline import Outline
from app.database.pairing import Pairs
from app.database.physical import PhysicalColumn, columns_of
from app.database.shape import LiveTable, Shape
from app.database.values import fill_of, kind_of
from app.definitions.catalog import Catalog, Entity

NOTHING: Mapping[str, Any] = {
    "table": None, "columns": {}, "fields": {}, "indexes": {}, "keys": {}, "checks": {},
}  # fmt: skip


def find_operations(
    old: Outline, new: Outline, catalog: Catalog, shape: Shape, pairs: Pairs
) -> list[Operation]:
    """Return every operation, those of one entity together, without counts."""
    facts = gather_facts(catalog)
    found: list[Operation] = []
    for name, entity in catalog.entities.items():
        before = old["entities"].get(pairs.entities.get(name, ""), NOTHING)
        after = new["entities"][name]
        live = shape.get(before["table"] or entity.table)
        if live is None:
            found.append(
                CreateEntity(
                    subject=name,
                    table=entity.table,
                    fields=sum(not field.built_in for field in entity.fields.values()),
                    indexes=len(after["indexes"]),
                )
            )
        elif before != after or name != pairs.entities.get(name) or not _is_whole(after, live):
            diff = EntityDiff(entity, before, after, live, pairs, old, facts, catalog)
            found += diff.operations()
    found += _gone_entities(old, pairs, shape, catalog)
    return found


def _is_whole(after: Mapping[str, Any], live: LiveTable) -> bool:
    """Return whether everything the outline names is there, and nothing left over."""
    return (
        all(live.indexes.get(name) for name in after["indexes"])
        and all(live.keys.get(name) for name in after["keys"])
        and after["columns"].keys() <= live.columns.keys()
        and not any(name.endswith(shadow_name("")) for name in live.columns)
        and not live.triggers
    )


def _gone_entities(
    old: Outline, pairs: Pairs, shape: Shape, catalog: Catalog
) -> Iterator[Operation]:
    kept = set(pairs.entities.values())
    tables = {entity.table for entity in catalog.entities.values()}
    # Lines first: their table points to the one around it.
    for name in sorted(old["entities"], key=lambda each: -each.count(".")):
        table = old["entities"][name]["table"]
        if name not in kept and table in shape and table not in tables:
            yield DropEntity(subject=name, table=table)


class EntityDiff:
    """The comparison of one entity whose table exists."""

    def __init__(
        self,
        entity: Entity,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        live: LiveTable,
        pairs: Pairs,
        old: Outline,
        facts: Facts,
        catalog: Catalog,
    ) -> None:
        self.catalog = catalog
        self.old = old
        self.facts = facts
        self.entity = entity
        self.before = before
        self.after = after
        self.live = live
        self.pairs = pairs
        #: what the table is called until the swap
        self.table: str = before["table"] or entity.table
        self.columns = columns_of(entity)
        self.names = pairs.fields.get(entity.name, {})
        #: new column -> what it is called just before the swap
        self.current: dict[str, str] = {}
        #: columns that will only exist as shadows until the swap
        self.shadows: set[str] = set()
        #: fields whose values change by what the plan does
        self.touched: list[str] = []

    def operations(self) -> list[Operation]:
        found: list[Operation] = []
        if self.table != self.entity.table:
            old_name = self.pairs.entities[self.entity.name]
            found.append(
                RenameEntity(
                    subject=self.entity.name,
                    old=old_name,
                    table=self.table,
                    new_table=self.entity.table,
                )
            )
        by_field: dict[str, list[PhysicalColumn]] = {}
        for column in self.columns.values():
            by_field.setdefault(column.field, []).append(column)
        for field, columns in by_field.items():
            found += self.field_operations(field, columns)
        found += self.gone_fields(by_field)
        found += self.option_operations()
        found += self.leftovers()
        found += constraint_operations(self)
        found += limit_operations(self)
        found += self.recomputing()
        return found

    def current_table(self, entity: str, table: str) -> str:
        """Return what the table of another entity is called until the swap."""
        before = self.old["entities"].get(self.pairs.entities.get(entity, ""))
        return str(before["table"]) if before else table

    def subject(self, field: str) -> str:
        return f"{self.entity.name}.{field}"

    def old_columns(self, field: str) -> dict[str, Mapping[str, Any]]:
        """Return the columns the field had under the catalog before, if they are still there."""
        old = self.names.get(field, field)
        return {
            name: column
            for name, column in self.before["columns"].items()
            if column["field"] == old and name in self.live.columns
        }

    def field_operations(self, field: str, columns: list[PhysicalColumn]) -> Iterator[Operation]:
        old = self.old_columns(field)
        old_name = self.names.get(field, field)
        if not old:
            yield from self.added(field, columns)
            return
        changes = list(type_operations(self, field, columns, old))
        yield from changes
        if any(column.name in self.shadows for column in columns):
            yield from self.strictness(columns, {})
            return
        renames = {
            column.name: old_name + column.name.removeprefix(field)
            for column in columns
            if column.name not in self.live.columns or old_name == field
        }
        kept = {new: before for new, before in renames.items() if before in old}
        self.current.update(kept)
        moved = tuple((before, new) for new, before in kept.items() if before != new)
        if moved:
            yield RenameField(
                subject=self.subject(field), old=old_name, table=self.table, columns=moved
            )
        yield from self.added(field, [c for c in columns if c.name not in kept])
        extra = tuple(name for name in old if name not in kept.values())
        if extra:
            # Parts the type no longer has; their value is in the main column, or meaningless.
            yield DropField(
                subject=self.subject(field), table=self.entity.table, columns=extra,
                is_part=True,
            )  # fmt: skip
        yield from self.strictness([c for c in columns if c.name in kept], old)

    def added(self, field: str, columns: list[PhysicalColumn]) -> Iterator[Operation]:
        missing = []
        for column in columns:
            there = self.live.columns.get(column.name)
            if there is not None and there.type == column.type_text:
                self.current[column.name] = column.name
                yield from self.strictness([column], {})
                continue
            if there is not None:
                # No catalog that ever served knows it, so an apply that was broken off made it.
                yield DropLeftover(
                    subject=self.subject(field), table=self.table, columns=(column.name,)
                )
            missing.append(column)
        if not missing:
            return
        known = self.entity.fields.get(field)
        fill = fill_of(known, missing)
        for column in missing:
            self.current[column.name] = column.name
            if column.not_null and column.default is None and column.name not in fill:
                yield Require(
                    subject=self.subject(field), table=self.entity.table, column=column.name
                )
        yield AddField(
            subject=self.subject(field),
            table=self.table,
            columns=tuple(column.name for column in missing),
            fill=fill,
            **kind_of(known),
        )
        for name in fill:
            column = self.columns[name]
            yield SetDefault(
                subject=self.subject(field),
                table=self.entity.table,
                column=name,
                default=column.default,
            )

    def strictness(
        self, columns: list[PhysicalColumn], old: Mapping[str, Mapping[str, Any]]
    ) -> Iterator[Operation]:
        """Yield what makes columns required or optional, against what was asked for before."""
        for column in columns:
            current = self.current.get(column.name, column.name)
            there = None if column.name in self.shadows else self.live.columns.get(current)
            was_asked = bool(old.get(current, {}).get("not_null"))
            if column.not_null and not was_asked and not (there and there.not_null):
                fill = fill_of(self.entity.fields.get(column.field), [column]).get(column.name)
                yield Require(
                    subject=self.subject(column.field),
                    table=self.entity.table,
                    column=column.name,
                    fill=fill or column.default,
                )
            elif there is not None and there.not_null and not column.not_null:
                yield MakeOptional(
                    subject=self.subject(column.field), table=self.table, column=current
                )
            has_default = there is not None and there.default is not None
            if has_default != (column.default is not None):
                yield SetDefault(
                    subject=self.subject(column.field),
                    table=self.entity.table,
                    column=column.name,
                    default=column.default,
                )

    def gone_fields(self, by_field: Mapping[str, list[PhysicalColumn]]) -> Iterator[Operation]:
        kept = {self.names.get(field, field) for field in by_field}
        gone: dict[str, list[str]] = {}
        for name, column in self.before["columns"].items():
            if column["field"] not in kept and name in self.live.columns:
                gone.setdefault(column["field"], []).append(name)
        for field, columns in gone.items():
            known = self.before["fields"].get(field, {})
            old_entity = self.pairs.entities.get(self.entity.name, self.entity.name)
            yield DropField(
                subject=f"{old_entity}.{field}",
                table=self.entity.table,
                columns=tuple(columns),
                is_worked_out=bool(known.get("worked_out")),
            )

    def option_operations(self) -> Iterator[Operation]:
        for field in self.entity.fields.values():
            column = self.columns.get(field.name)
            known = self.before["fields"].get(self.names.get(field.name, field.name))
            if column is None or known is None or column.name in self.shadows:
                continue
            before, listed = known["options"], {option.name for option in field.options}
            names = {
                old: option.name
                for option in field.options
                for old in option.was
                if old in before and old not in listed
            }
            for option in field.options:
                is_new = known.get("becomes", {}).get(option.name) != option.becomes
                if option.becomes is not None and is_new:
                    names[option.name] = option.becomes
            parts = [c.name for c in self.columns.values() if c.field == field.name]
            texts = [n for n in parts if n in (field.name, f"{field.name}__previous")]
            is_many = column.type_text == "text[]"
            if names:
                self.touched.append(field.name)
                yield RenameOptions(
                    subject=self.subject(field.name),
                    table=self.entity.table,
                    columns=tuple(texts),
                    is_many=is_many,
                    names=tuple(names.items()),
                )
            gone = tuple(n for n in before if n not in listed and n not in names)
            if gone and listed:
                yield DropOptions(
                    subject=self.subject(field.name),
                    table=self.table,
                    column=self.current.get(field.name, field.name),
                    is_many=is_many,
                    names=gone,
                )

    def leftovers(self) -> Iterator[Operation]:
        """Yield what clears away shadows and triggers that this plan does not use itself."""
        used = {shadow_name(name) for name in self.shadows}
        columns = tuple(
            name
            for name in self.live.columns
            if name.endswith(shadow_name("")) and name not in used
        )
        triggers = [name for name in self.live.triggers if name.startswith("copy_")]
        if columns or (triggers and not self.shadows):
            yield DropLeftover(
                subject=self.entity.name,
                table=self.table,
                columns=columns,
                trigger=triggers[0] if triggers and not self.shadows else None,
            )

    def has_followers(self) -> bool:
        """Return whether anything is worked out from this entity's fields."""
        name = self.entity.name
        return bool(
            self.entity.worked_out
            or self.catalog.rollups_of.get(name)
            or self.catalog.formulas_through.get(name)
        )

    def recomputing(self) -> Iterator[Operation]:
        fields = []
        for field in self.entity.fields.values():
            known = self.before["fields"].get(self.names.get(field.name, field.name))
            now = self.after["fields"].get(field.name)
            if now is None or not now["stored"] or not now["worked_out"] or now["removed"]:
                continue
            was_there = known is not None and known["stored"] and known["formula"] == now["formula"]
            if not was_there or field.name in self.touched:
                fields.append(field.name)
        if self.has_followers():
            fields += [name for name in self.touched if name not in fields]
        if fields:
            yield Recompute(
                subject=self.entity.name,
                entity=self.entity.name,
                table=self.entity.table,
                fields=tuple(fields),
            )
