"""Whether a record can go back to what it was, and why not: rights, later edits, what names it.

Nothing here writes. What somebody changed since is told field by field, as far as whoever asks may
read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any

import orjson
import sqlalchemy as sa

from app.definitions.catalog import Entity, Field
from app.records.bulk import Reason, Skipped
from app.records.checking import allowed_ids, targets_of
from app.records.deleting import named_by, pointers_to, pointing_ids
from app.records.linesets import load_lines
from app.records.saving import line_as_json
from app.records.statements import Statement, json_text
from app.records.undo_plans import Net, Source, changed_fields, json_of, same
from app.records.work import Work
from app.texts import Label, say

#: For so long somebody may take a transfer back, whether or not the record can still be seen.
TAKEN_BACK_WITHIN = timedelta(hours=1)
_IDS = sa.bindparam("_ids", type_=sa.ARRAY(sa.BigInteger))


class Judge:
    """Decides about the records of one entity and one change set."""

    def __init__(
        self,
        work: Work,
        entity: Entity,
        source: Source,
        nets: Mapping[int, Net],
        rows: Mapping[int, Mapping[str, Any]],
    ) -> None:
        self.work = work
        self.entity = entity
        self.source = source
        self.nets = nets
        self.rows = rows
        self._allowed: dict[tuple[str, bool], set[int]] = {}

    # -- rights ------------------------------------------------------------------------------------

    @cached_property
    def is_own(self) -> bool:
        """Whether whoever takes it back did it."""
        return self.source.author is not None and self.source.author == self.work.user_id

    def _may(self, right: str, number: int) -> bool:
        binned = self.rows[number].get("deleted_at") is not None
        key = (right, binned)
        if key not in self._allowed:
            there = {
                one: row
                for one, row in self.rows.items()
                if (row.get("deleted_at") is not None) == binned
            }
            self._allowed[key] = allowed_ids(
                self.work, self.entity.name, there, right, deleted=binned
            )
        return number in self._allowed[key]

    def _is_recent(self, net: Net) -> bool:
        return self.is_own and self.work.now - net.happened_at <= TAKEN_BACK_WITHIN

    # -- one record --------------------------------------------------------------------------------

    def why_not_go(self, number: int) -> Skipped | None:
        """Return why a record that was made, or came back, cannot go into the bin again."""
        row, net = self.rows[number], self.nets[number]
        if not self._may("read", number):
            return self.skip(number, "gone", _unseen(self.entity))
        if not self._may("delete", number) and not (self.is_own and self._may("update", number)):
            return self.skip(number, "right", self.work.policy.why("delete", self.entity.name))
        if row["version"] != net.version:
            return self.skip(
                number,
                "edited",
                say(
                    "It was changed since, so it stays.",
                    "之后又有人修改过，因此保留。",
                ),
            )
        return None

    def why_not_return(self, number: int) -> Skipped | None:
        """Return why a record that was deleted cannot come out of the bin."""
        row, net = self.rows[number], self.nets[number]
        if not self._may("read", number):
            return self.skip(number, "gone", _unseen(self.entity))
        if not self._may("restore", number):
            return self.skip(number, "right", self.work.policy.why("restore", self.entity.name))
        if row["version"] != net.version:
            sentence = say("It was deleted again since.", "之后又被删除过。")
            return self.skip(number, "edited", sentence)
        return None

    def why_not_fields(self, number: int, fields: Sequence[Field]) -> Skipped | None:
        """Return why the fields of a record cannot be what they were."""
        net = self.nets[number]
        names = {one.name for one in fields}
        taken_back = names <= {"owner", "pool"} and self._is_recent(net)
        if not taken_back and not self._may("read", number):
            return self.skip(number, "gone", _unseen(self.entity))
        if names & {"owner", "pool"} and not taken_back and not self._may("transfer", number):
            return self.skip(number, "right", self.work.policy.why("transfer", self.entity.name))
        if names - {"owner", "pool"} and not self._may("update", number):
            return self.skip(number, "right", self.work.policy.why("update", self.entity.name))
        refused = [one for one in fields if not self._may_write(one)]
        if refused:
            return self.skip(number, "right", *map(self._closed, refused))
        return self._why_edited(number, fields)

    def _may_write(self, one: Field) -> bool:
        # What nobody may write was set by a stage or a rule, and goes with what set it.
        if one.name in ("owner", "pool") or one.readonly is True:
            return True
        return self.work.policy.field_right(self.entity.name, one.name) == "edit"

    def _closed(self, one: Field) -> Label:
        if self.work.policy.field_right(self.entity.name, one.name) == "hidden":
            return say("A field was changed that you may not change.", "更改涉及您无权修改的字段。")
        return say(
            "Your role may not change {label}.", "您的角色不能修改“{label}”。", label=one.label
        )

    def _why_edited(self, number: int, fields: Sequence[Field]) -> Skipped | None:
        reasons = []
        for one in fields:
            now = self.current(number, one)
            if not self.is_same(one, now, self.nets[number].after[one.name]):
                reasons.append(self._edited(number, one, now))
        return Skipped(self.entity.name, number, "edited", tuple(reasons)) if reasons else None

    def is_back(self, number: int, one: Field) -> bool:
        """Return whether a field holds what it held before already."""
        return self.is_same(one, self.current(number, one), self.nets[number].before[one.name])

    def is_same(self, one: Field, left: Any, right: Any) -> bool:
        lines = None
        if one.type.name == "lines":
            lines = self.work.rows[f"{self.entity.name}.{one.name}"]
        return same(one, lines, left, right)

    def current(self, number: int, one: Field) -> Any:
        """Return what a field holds now, as history keeps it."""
        if one.type.name == "lines":
            return lines_json(self.work, self.entity, number).get(one.name)
        rows = self.work.rows[self.entity.name]
        if one.name in ("owner", "pool"):
            return self.rows[number].get(one.name)
        return (
            json_of(one, one.type.from_columns(one, self.rows[number]))
            if (one.name in rows.columns)
            else None
        )

    def _edited(self, number: int, one: Field, now: Any) -> Reason:
        right = self.work.policy.field_right(self.entity.name, one.name)
        if right not in ("read", "edit"):
            return Reason(say("A field was changed since.", "有字段之后又被修改。"))
        sentence = say("{label} was changed since.", "“{label}”之后又被修改。", label=one.label)
        net = self.nets[number]
        return Reason(
            sentence,
            one.name,
            {"before": net.before[one.name], "after": net.after[one.name], "now": now},
        )

    # -- several records ---------------------------------------------------------------------------

    def needed(self, numbers: Iterable[int]) -> dict[int, Skipped]:
        """Return those of records that are to go which others name by links that keep them."""
        going = set(numbers)
        found: dict[int, Skipped] = {}
        for pointer in pointers_to(self.work.release.catalog, self.entity.name):
            if pointer.on_delete == "clear" or not going:
                continue
            own = named_by(pointer) == self.entity.name
            if not set(pointing_ids(self.work, pointer, self.entity.name, going)) - (
                going if own else set()
            ):
                continue
            for number in sorted(going):
                pointing = set(pointing_ids(self.work, pointer, self.entity.name, [number]))
                if count := len(pointing - (going if own else set())):
                    found[number] = self.skip(number, "needed", self._named(pointer, count))
        return found

    def _named(self, pointer: Any, count: int) -> Label:
        return say(
            "{count} × {entity} were added to it since, or still name it in {field}.",
            "之后有 {count} 条“{entity}”挂在它下面，或仍在“{field}”中引用它。",
            count=count,
            entity=self.work.release.catalog.entities[named_by(pointer)].label,
            field=pointer.field.label,
        )

    def missing_targets(self, values: Mapping[int, Mapping[str, Any]]) -> dict[int, Skipped]:
        """Return the records whose links would name what was removed for good.

        *values* are Python values by record and field.
        """
        wanted: dict[str, dict[int, list[tuple[int, Field]]]] = {}
        for number, by_field in values.items():
            for name, value in by_field.items():
                one = self.entity.fields[name]
                for target, linked in targets_of(one, value) if one.type.targets(one) else ():
                    wanted.setdefault(target, {}).setdefault(linked, []).append((number, one))
        found = {}
        for target, by_id in wanted.items():
            table = self.work.rows[target].table
            chosen = sa.select(table.c.id).where(table.c.id == sa.func.any(_IDS))
            statement = self.work.rows.cached(("there", target), lambda c=chosen: Statement(c))  # type: ignore[misc]
            there = {row[0] for row in statement.run(self.work.connection, {"_ids": sorted(by_id)})}
            for linked in by_id.keys() - there:
                for number, one in by_id[linked]:
                    found[number] = self.skip(number, "lost", _purged_link(one))
        return found

    def skip(self, number: int, why: str, *sentences: Label) -> Skipped:
        """Return that a record is left out."""
        return Skipped(self.entity.name, number, why, tuple(map(Reason, sentences)))

    def fields(self, number: int) -> list[Field]:
        """Return the fields of a record that the change set changed."""
        return changed_fields(self.entity, self.nets[number])


def lines_json(work: Work, entity: Entity, number: int) -> dict[str, Any]:
    """Return the rows of lines of a record as history keeps them."""
    return {
        name: orjson.loads(
            json_text([line_as_json(work.rows[f"{entity.name}.{name}"], row) for row in rows])
        )
        for name, rows in load_lines(work, entity, number).items()
    }


def _unseen(entity: Entity) -> Label:
    return say(
        "There is no such {entity} any more, or you may not see it.",
        "已没有这条{entity}，或者您无权查看。",
        entity=entity.label,
    )


def _purged_link(one: Field) -> Label:
    return say(
        "{label} named a record that was removed for good.",
        "“{label}”原来引用的记录已被彻底删除。",
        label=one.label,
    )
