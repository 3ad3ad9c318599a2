"""Templates whose fixed words are written into them when they are compiled.

An environment speaks one language, so ``_("Save")``, ``icon("plus")`` and ``asset("x.css")`` say
the same on every page: they are worked out once, and what stands beside them is joined to one
piece of text. A page holds some hundred of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, nodes
from jinja2.visitor import NodeTransformer


class FoldingEnvironment(Environment):
    """An environment that calls some of its functions when it compiles, not when it renders."""

    #: by the names templates call them by; each gives the same for the same arguments, always
    settled: Mapping[str, Callable[..., Any]] = {}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        template = super()._parse(source, name, filename)
        folded: nodes.Template = _Folder(self.settled).visit(template)
        return folded


class _Folder(NodeTransformer):
    def __init__(self, settled: Mapping[str, Callable[..., Any]]) -> None:
        self._settled = settled

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 - the name is jinja's.
        self.generic_visit(node)
        called = node.node
        if not isinstance(called, nodes.Name) or called.name not in self._settled:
            return node
        if node.kwargs or node.dyn_args or node.dyn_kwargs:
            return node
        if not all(isinstance(argument, nodes.Const) for argument in node.args):
            return node
        said = self._settled[called.name](*(argument.as_const() for argument in node.args))
        return nodes.Const(said, lineno=node.lineno, environment=node.environment)
