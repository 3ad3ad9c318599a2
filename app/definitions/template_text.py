"""Check the `{{ … }}` of a text against the names that mean something there.

Only what can be known is checked: how it is written, and that names lead somewhere. What a filter
gives is not known here. Filling templates in is for the notifications room.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from jinja2 import Environment, TemplateSyntaxError, nodes

from app.definitions.problems import Code, did_you_mean, nearest
from app.definitions.template_language import refusals
from app.definitions.workflow_values import Site
from app.definitions.workshop import Path
from app.expressions.problems import ExpressionProblem
from app.expressions.types import ANY, TEXT, Kind, Type
from app.texts import Label

#: What a template may name beside the words of the rule.
_WORDS: Mapping[str, Type] = {"language": TEXT, "loop": ANY, "rule": ANY, "user": ANY}
#: What every record shows beside its fields.
_OF_RECORDS = ("title", "link", "url")
_OPEN = re.compile(r"block that needs to be closed is '(\w+)'")
#: Tells of a problem: code, line from 1, the text concerned, the sentence, the hint.
Tell = Callable[[Code, int, str, str, str], None]


def check_text(site: Site, path: Path, label: Label) -> None:
    """Report what is wrong with the places to fill in of a text, in every language."""
    alone = set(label.texts) == {"en"} and not site.document.spot.find((*path, "en"))
    for language, text in label.texts.items():
        here = path if alone else (*path, language)

        def tell(
            code: Code, line: int, found: str, sentence: str, hint: str, at: Path = here
        ) -> None:
            del line, found
            site.problem(code, at, sentence, hint)

        check_template(site, text, tell)


def check_template(site: Site, text: str, tell: Tell) -> None:
    """Report every name of a template that leads nowhere, or that it cannot be read."""
    if "{" not in text:
        return
    try:
        tree = Environment(autoescape=True).parse(text)
    except TemplateSyntaxError as error:
        open_block = _OPEN.search(str(error.message))
        why = str(error.message or "").rstrip(".")
        if open_block is not None:
            why = f"`{{% {open_block[1]} %}}` has no `{{% end{open_block[1]} %}}`"
        tell(Code.bad_template, error.lineno, "", f"The template cannot be read: {why}.", "")
        return
    refused = list(refusals(tree))
    for line, sentence, hint in refused:
        tell(Code.bad_template, line, "", f"{sentence[0].upper()}{sentence[1:]}.", hint)
    if not refused:
        _Walker(site, tell).walk(tree, dict(_WORDS))


class _Walker:
    """Walks a template with the types of its variables."""

    def __init__(self, site: Site, tell: Tell) -> None:
        # Plain fields mean nothing in a template: everything is said through `record`.
        self.scope = replace(site.scope, entity_name=None)
        self.model = site.shop
        self.tell = tell
        self._told: set[tuple[int, str]] = set()

    def walk(self, node: nodes.Node, known: dict[str, Type]) -> None:
        if isinstance(node, nodes.For):
            item = self._item(self._type(node.iter, known))
            inner = dict(known)
            for name in _names(node.target):
                inner[name] = item
            for child in (*node.body, *([node.test] if node.test is not None else [])):
                self.walk(child, inner)
            for child in node.else_:
                self.walk(child, known)
            return
        if isinstance(node, nodes.Assign):
            given = self._type(node.node, known)
            for name in _names(node.target):
                known[name] = given
            return
        if isinstance(node, nodes.Expr):
            self._type(node, known)
            return
        for child in node.iter_child_nodes():
            self.walk(child, known)

    def _item(self, type_: Type) -> Type:
        return type_.item or ANY if type_.kind is Kind.many else ANY

    def _type(self, node: nodes.Node, known: dict[str, Type]) -> Type:
        if isinstance(node, nodes.Name):
            return self._name(node, known)
        if isinstance(node, nodes.Getattr):
            return self._part(node, self._type(node.node, known))
        for child in node.iter_child_nodes():
            self.walk(child, known)
        return ANY

    def _name(self, node: nodes.Name, known: dict[str, Type]) -> Type:
        if node.name in known:
            return known[node.name]
        try:
            found = self.scope.find(node.name)
        except ExpressionProblem as problem:
            self._say(Code.unknown_field, node.lineno, node.name, problem.message, "")
            return ANY
        if found is not None:
            return found
        legal = [name for name in self.scope.roots if name != "origin"]
        close = nearest(node.name, legal)
        hint = did_you_mean(close, legal, "Names")
        if not close and "record" in self.scope.roots and self._is_field(node.name):
            hint = f"Write `record.{node.name}`."
        self._say(Code.unknown_field, node.lineno, node.name,
                  f"`{node.name}` means nothing in this template.", hint)  # fmt: skip
        return ANY

    def _is_field(self, name: str) -> bool:
        return name in self.scope.members(self.scope.roots["record"])

    def _part(self, node: nodes.Getattr, of: Type) -> Type:
        if node.attr in of.parts:
            return of.parts[node.attr]
        if of.kind is Kind.many and of.item is not None and of.item.kind is Kind.record:
            of = of.item
        if of.kind is Kind.record:
            legal: dict[str, Type] = {}
            for entity in of.entities:
                if self.model.is_entity(entity):
                    legal.update(self.model.types(entity))
            if node.attr in legal or node.attr in _OF_RECORDS:
                return legal.get(node.attr, TEXT)
            where = " or ".join(f"`{entity}`" for entity in of.entities)
            self._unknown(node, f"{where} has no field `{node.attr}`.", [*legal])
        elif of.kind is Kind.parts and of.parts:
            self._unknown(node, f"There is no `{node.attr}` here.", [*of.parts])
        return ANY

    def _unknown(self, node: nodes.Getattr, sentence: str, legal: list[str]) -> None:
        close = nearest(node.attr, legal)
        self._say(Code.unknown_field, node.lineno, node.attr, sentence,
                  did_you_mean(close, legal, "Fields"))  # fmt: skip

    def _say(self, code: Code, line: int, found: str, sentence: str, hint: str) -> None:
        if (line, found) not in self._told:
            self._told.add((line, found))
            self.tell(code, line, found, sentence, hint)


def _names(target: nodes.Node) -> Iterator[str]:
    if isinstance(target, nodes.Name):
        yield target.name
    for child in target.iter_child_nodes():
        yield from _names(child)
