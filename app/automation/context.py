"""What the expressions of a rule see: the record at hand, and the words only rules know.

``new`` are records that steps made, ``input`` is what a button asked or a program sent, ``each``
the row in turn, ``me`` whoever caused the rule. In the ``set`` of another entity plain names are
that entity's (`RuleContext.at`), ``record`` stays the record at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any

from app.definitions.catalog import Entity
from app.definitions.catalog import Field as RecordField
from app.expressions.runtime import split_amount
from app.expressions.tree import Ask, Constant, Node, Path
from app.records.asking import ask
from app.records.conditions import Linked, WriteContext
from app.records.work import Work

#: Words whose values a statement cannot know: they stand in it as what they are now.
_SAID_AS_VALUE = frozenset({"new", "input", "each", "old"})


@dataclass(slots=True)
class Said:
    """What a rule was told beside its record."""

    #: what a button asked, a hook's body, the words of a comment
    input: Mapping[str, Any] = field(default_factory=dict)
    #: fields of a button's form, to go on through links
    asked: Mapping[str, RecordField] = field(default_factory=dict)
    #: records that steps made, by the name the step gave
    made: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    #: linked records as they were, where one of them is what changed: what `old.` leads to
    before: Linked | None = None


class Series:
    """The parts of amounts that are split over several rows: the last row takes the rest.

    The rows are worked out twice; the first time their shares are only noted.
    """

    def __init__(self) -> None:
        self._shares: list[list[Decimal]] = []
        self._is_noting = True
        self._row = -1
        self._call = 0

    def begin_row(self, number: int) -> None:
        """Say which row is worked out next."""
        self._row, self._call = number, -1

    def settle(self) -> None:
        """Say that every row was noted."""
        self._is_noting = False

    def split(self, total: Decimal, share: Decimal) -> Decimal:
        """Return this row's part of *total*."""
        self._call += 1
        if self._is_noting:
            if len(self._shares) <= self._call:
                self._shares.append([])
            self._shares[self._call].append(share)
            return split_amount(total, [share])[0]
        return split_amount(total, self._shares[self._call])[self._row]


class RuleContext(WriteContext):
    """What one rule's expressions see; one for each firing, and one for each row in turn."""

    entity: Any

    def __init__(
        self,
        work: Work,
        linked: Linked,
        entity: Entity | None,
        row: Mapping[str, Any] | None,
        old: Mapping[str, Any] | None = None,
        said: Said | None = None,
    ) -> None:
        """Take *work* as whoever caused the rule sees it: its principal is ``me``."""
        super().__init__(work, linked, entity, row or {}, old)  # type: ignore[arg-type]
        self.said = said or Said()
        #: the record at hand, where plain names are another's
        self.record: tuple[Entity | None, Mapping[str, Any], Mapping[str, Any]] = (
            entity,
            self.row,
            self.old_row,
        )
        self.each: Mapping[str, Any] | None = None
        self.each_entity: Entity | None = None
        self.series: Series | None = None

    def at(
        self,
        entity: Entity,
        row: Mapping[str, Any],
        *,
        parent: tuple[Entity, Mapping[str, Any]] | None = None,
    ) -> RuleContext:
        """Return what expressions about another record see; ``record`` is the one at hand."""
        other = RuleContext(self.work, self.linked, entity, row, None, self.said)
        other.record, other.parent = self.record, parent
        other.each, other.each_entity, other.series = self.each, self.each_entity, self.series
        return other

    def with_each(self, row: Mapping[str, Any], entity: Entity | None = None) -> RuleContext:
        """Return the same with a row in turn, one written in the rule or one of *entity*'s."""
        other = RuleContext(self.work, self.linked, self.entity, self.row, self.old_row, self.said)
        other.record, other.parent = self.record, self.parent
        other.each, other.each_entity, other.series = row, entity, self.series
        return other

    def value(self, path: str) -> Any:
        """Return the value at a dotted path, None when it is empty."""
        first, _, rest = path.partition(".")
        if first == "new":
            return self._made(rest)
        if first == "input":
            return self._told(rest)
        if first == "each":
            return self._in_turn(rest)
        if first in ("record", "old"):
            entity, row, old = self.record
            known = row if first == "record" else old
            if entity is None or not rest:
                return known.get("id")
            if first == "old" and self.said.before is not None:
                was = RuleContext(self.work, self.said.before, entity, known)
                return was._walk(entity, known, rest)
            return self._walk(entity, known, rest)
        if self.entity is None and first not in ("me", "my", "app", "origin", "parent"):
            return None
        return super().value(path)

    def _made(self, path: str) -> Any:
        name, _, rest = path.partition(".")
        made = self.said.made.get(name)
        if made is None:
            return None
        entity, record_id = made
        row = self.linked.row(entity, record_id)
        if row is None:
            return None
        return self._walk(self.linked.entity(entity).entity, row, rest) if rest else record_id

    def _told(self, path: str) -> Any:
        name, _, rest = path.partition(".")
        value = self.said.input.get(name)
        field_asked = self.said.asked.get(name)
        if field_asked is not None:
            if not rest:
                return value
            targets = field_asked.type.targets(field_asked)
            row = self.linked.row(targets[0], value) if targets and value is not None else None
            entity = self.linked.entity(targets[0]).entity if targets else None
            return self._walk(entity, row, rest) if row is not None and entity else None
        for part in rest.split(".") if rest else ():
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    def _in_turn(self, path: str) -> Any:
        if self.each is None:
            return None
        if self.each_entity is not None:
            return self._walk(self.each_entity, self.each, path) if path else self.each.get("id")
        return self.each.get(path)

    def ask(self, question: Ask) -> Any:
        """Ask other records, in SQL, inside the transaction."""
        known = self.spelled_out(question)
        assert isinstance(known, Ask)
        entity, row = self.entity, self.row
        if entity is None:
            # Nothing of it is asked for: a rule about no record has none.
            entity, row = self.work.release.catalog.entities[question.over[0]], {}
        return ask(self.work, entity, row, known)

    def spelled_out(self, node: Node) -> Node:
        """Return a part of an expression with what a statement cannot know put in as values."""
        if isinstance(node, Path) and node.root in _SAID_AS_VALUE:
            return Constant(type=node.type, value=self.value(node.dotted))
        changes: dict[str, Any] = {}
        for each in fields(node):
            part = getattr(node, each.name)
            new = self._spelled_out(part)
            if new is not part:
                changes[each.name] = new
        return replace(node, **changes) if changes else node

    def _spelled_out(self, part: Any) -> Any:
        if isinstance(part, Node):
            return self.spelled_out(part)
        if isinstance(part, tuple) and any(isinstance(each, Node) for each in part):
            new = tuple(self._spelled_out(each) for each in part)
            return new if any(a is not b for a, b in zip(new, part, strict=True)) else part
        return part

    def split(self, total: Decimal, share: Decimal) -> Decimal:
        """Return a share; in a series of rows the last takes the rest."""
        if self.series is not None:
            return self.series.split(total, share)
        return super().split(total, share)
