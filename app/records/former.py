"""Former names: what `was:` says entities, fields and options were called, read as they are now.

A program written before a change goes on asking by the old names; its questions and values are put
into today's words here, before anything else reads them. A name that is in use means what has it
now. A field the asker may not know of is not found by its former name either. Nothing is refused
here: what no catalog ever knew stays as it is, for whoever reads it next to speak about.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.access.policy import Policy
from app.access.sources import is_any_link, targets_of
from app.definitions.catalog import Catalog, Field
from app.expressions.names import words_of
from app.expressions.problems import ExpressionProblem
from app.expressions.syntax import Expression, parse

#: A name in ``-amount``, ``month(due_on)`` or ``customer.level``.
_NAME = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*(?![a-z0-9_.]|\s*\()")
_RECORD = re.compile(r"([a-z][a-z0-9_]*):(\d+)")


@dataclass(frozen=True, slots=True)
class Found:
    """What a dotted name is today, and the field it leads to."""

    words: tuple[str, ...]
    field: Field | None


class FormerNames:
    """Puts what one role set asks into the names of one catalog."""

    def __init__(self, catalog: Catalog, policy: Policy) -> None:
        self.catalog = catalog
        self.policy = policy

    def entity(self, name: str) -> str:
        """Return the name an entity has now."""
        return self.catalog.former.get(name, name)

    def path(self, entity: str, dotted: str) -> str:
        """Return a dotted name as it is written now."""
        return ".".join(self.find(entity, dotted.split(".")).words)

    def names(self, entity: str, text: str | None) -> str | None:
        """Return a list of names (``fields sort expand group_by measures``) as written now."""
        if not text:
            return text
        return _NAME.sub(lambda found: self.path(entity, found.group()), text)

    def link(self, dotted: str) -> str:
        """Return ``entity.link`` as it is written now."""
        entity, dot, path = dotted.partition(".")
        entity = self.entity(entity)
        return f"{entity}{dot}{self.path(entity, path)}" if dot else entity

    def shortcuts(self, entity: str, where: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``field=value`` pairs with the names and options of now."""
        found: dict[str, Any] = {}
        for path, value in where.items():
            now = self.find(entity, path.split("."))
            name = ".".join(now.words)
            # Asked by both names: the old one is left, to be refused.
            name = path if name != path and name in where else name
            found[name] = self._value(now.field, value)
        return found

    def values(self, entity: str, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Return a record's values, as a program sends them, with the names and options of now."""
        found: dict[str, Any] = {}
        for key, value in raw.items():
            name = self._field(entity, key)
            name = key if name != key and name in raw else name
            found[name] = self._sent(entity, self._known(entity, name), value)
        return found

    def expression(self, entity: str, text: str | None) -> str | None:
        """Return a condition with the names and options of now; one nobody can read as it is."""
        if not text:
            return text
        try:
            expression = parse(text)
        except ExpressionProblem:
            return text
        return Rewriting(self, expression).run(entity)

    # -- names -------------------------------------------------------------------------------------

    def find(self, entity: str, words: Sequence[str]) -> Found:
        """Walk from word to word, through links, and put each into today's name."""
        now: list[str] = []
        field: Field | None = None
        entities: tuple[str, ...] = (entity,) if entity in self.catalog.entities else ()
        for place, word in enumerate(words):
            root = self._root(entity, word) if place == 0 else None
            if root is not None:
                entities, name = root, word
            else:
                of = [each for each in entities if self._known(each, word)][:1]
                of = of or [each for each in entities if self._field(each, word) != word][:1]
                name = self._field(of[0], word) if of else word
                one = self._known(of[0], name) if of else None
                entities = self._behind(of[0], one) if one is not None else ()
                field = self._source(of[0], one) if one is not None else field
            now.append(name)
        return Found(tuple(now), field)

    def _root(self, entity: str, word: str) -> tuple[str, ...] | None:
        """Return whose fields follow a word of the house; None for other words."""
        if word == "record":
            return (entity,)
        if word in ("me", "my"):
            return ("user",)
        known = self.catalog.entities.get(entity)
        if word == "parent" and known is not None and known.lines_of is not None:
            return (known.lines_of[0],)
        return None

    def _field(self, entity: str, name: str) -> str:
        known = self.catalog.entities.get(entity)
        now = known.former.get(name) if known is not None else None
        if now is None or self.policy.field_right(entity, now) == "hidden":
            return name
        return now

    def _known(self, entity: str, name: str) -> Field | None:
        """Return a field the asker may know of."""
        known = self.catalog.entities.get(entity)
        field = known.fields.get(name) if known is not None else None
        if field is None or self.policy.field_right(entity, name) == "hidden":
            return None
        return field

    def _source(self, entity: str, field: Field) -> Field:
        """Return the field whose values these are: what ``through`` shows is another record's."""
        way = field.settings.get("from") if field.type.name == "through" else None
        return (self.find(entity, str(way).split(".")).field or field) if way else field

    def _behind(self, entity: str, field: Field) -> tuple[str, ...]:
        if field.type.name == "lines":
            return (f"{entity}.{field.name}",)
        return targets_of(field)

    # -- values ------------------------------------------------------------------------------------

    def _sent(self, entity: str, field: Field | None, value: Any) -> Any:
        if field is not None and field.type.name == "lines" and isinstance(value, list):
            rows = f"{entity}.{field.name}"
            return [self.values(rows, one) if isinstance(one, dict) else one for one in value]
        return self._value(field, value)

    def _value(self, field: Field | None, value: Any) -> Any:
        """Return options, and records named with their entity, as they are called now."""
        if field is None:
            return value
        if isinstance(value, list):
            return [self._value(field, one) for one in value]
        if isinstance(value, str):
            return self.constant(field, value)
        if isinstance(value, dict) and is_any_link(field) and isinstance(value.get("entity"), str):
            return {**value, "entity": self.entity(value["entity"])}
        return value

    def constant(self, field: Field, text: str) -> str:
        """Return the option, or the record ``customer:12``, that *text* names today."""
        if is_any_link(field):
            named = _RECORD.fullmatch(text)
            return f"{self.entity(named[1])}:{named[2]}" if named else text
        if any(option.name == text for option in field.options):
            return text
        return next((option.name for option in field.options if text in option.was), text)


class Rewriting:
    """One condition, put into today's names by replacing words in its text."""

    def __init__(self, names: FormerNames, expression: Expression) -> None:
        self._names = names
        self._expression = expression
        #: (start, end, what stands there now)
        self._edits: list[tuple[int, int, str]] = []

    def run(self, entity: str) -> str:
        """Return the text."""
        self._read(self._expression.tree, entity)
        text = self._expression.text
        for start, end, now in sorted(set(self._edits), reverse=True):
            text = text[:start] + now + text[end:]
        return text

    def _read(self, node: ast.AST, entity: str) -> Field | None:
        """Rewrite a part of the tree; return the field where it is the name of one."""
        words = words_of(node) if isinstance(node, ast.expr) else None
        if words is not None:
            assert isinstance(node, ast.expr)
            found = self._names.find(entity, words)
            if list(found.words) != words:
                self._edit(node, ".".join(found.words))
            return found.field
        if isinstance(node, ast.Call):
            self._call(node, entity)
            return None
        fields = [self._read(child, entity) for child in ast.iter_child_nodes(node)]
        if isinstance(node, ast.Compare):
            self._constants(node, fields)
        return None

    def _call(self, node: ast.Call, entity: str) -> None:
        """Rewrite what a call is given; what follows the lines it asks is about their rows."""
        fields: list[Field | None] = []
        for place, argument in enumerate(node.args):
            field = self._read(argument, entity)
            fields.append(field)
            words = words_of(argument)
            if place == 0 and words:
                lines = f"{entity}.{self._names.find(entity, words[:1]).words[0]}"
                entity = lines if lines in self._names.catalog.entities else entity
        self._constants(node, fields)

    def _constants(self, node: ast.AST, fields: Sequence[Field | None]) -> None:
        """Rewrite the texts that are compared with a field."""
        known = [field for field in fields if field is not None]
        if not known:
            return
        for child in ast.iter_child_nodes(node):
            items = child.elts if isinstance(child, ast.Tuple | ast.List | ast.Set) else [child]
            for item in items:
                if isinstance(item, ast.Constant) and isinstance(item.value, str):
                    text = self._expression.quoted(item)
                    now = self._names.constant(known[0], text)
                    if now != text:
                        self._edit(item, f"'{now}'")

    def _edit(self, node: ast.expr, now: str) -> None:
        self._edits.append((self._expression.start(node), self._expression.end(node), now))
