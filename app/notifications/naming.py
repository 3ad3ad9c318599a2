"""What a template names: ``record.customer.name``, also behind loops and ``set``.

Known before it is filled in, so that a message reads the few fields it shows and no others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from jinja2 import nodes

Tree: TypeAlias = "dict[str, Tree]"
Path = tuple[str, ...]


def needs_of(template: nodes.Template) -> Tree:
    """Return the names a template uses, by variable, as a tree."""
    found: Tree = {}
    aliases: dict[str, list[Path]] = {}
    for node in _in_order(template):
        if isinstance(node, nodes.For):
            _alias(aliases, node.target, node.iter)
        elif isinstance(node, nodes.Assign):
            _alias(aliases, node.target, node.node)
        for path in _paths(node, aliases):
            _add(found, path)
    return found


def _in_order(node: nodes.Node) -> Iterator[nodes.Node]:
    """Give the nodes as they stand, a loop before what is in it."""
    yield node
    for child in node.iter_child_nodes():
        yield from _in_order(child)


def _alias(aliases: dict[str, list[Path]], target: nodes.Node, of: nodes.Node) -> None:
    if isinstance(target, nodes.Name):
        # A name may be given twice; what it needs is then needed of both.
        aliases.setdefault(target.name, []).extend(_paths(of, aliases))


def _paths(node: nodes.Node, aliases: dict[str, list[Path]]) -> list[Path]:
    """Return what a node names; nothing for one that is no path."""
    if isinstance(node, nodes.Name):
        return aliases.get(node.name) or [(node.name,)]
    if isinstance(node, nodes.Getattr):
        return [(*path, node.attr) for path in _paths(node.node, aliases)]
    if isinstance(node, nodes.Getitem):
        inner = _paths(node.node, aliases)
        if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            return [(*path, node.arg.value) for path in inner]
        return inner
    if isinstance(node, nodes.Filter) and node.node is not None:
        return [*_paths(node.node, aliases), *_by_attribute(node, aliases)]
    if isinstance(node, nodes.Or):
        return [*_paths(node.left, aliases), *_paths(node.right, aliases)]
    if isinstance(node, nodes.CondExpr):
        inside = [node.expr1, *([node.expr2] if node.expr2 is not None else [])]
        return [path for one in inside for path in _paths(one, aliases)]
    return []


def _by_attribute(node: nodes.Filter, aliases: dict[str, list[Path]]) -> list[Path]:
    """Return what ``sum(attribute='amount')`` and its like name."""
    values = [pair.value for pair in node.kwargs if pair.key == "attribute"]
    if node.name == "sum":
        values += node.args[:1]
    named = [one.value for one in values if isinstance(one, nodes.Const)]
    assert node.node is not None
    return [
        (*path, *str(name).split("."))
        for path in _paths(node.node, aliases)
        for name in named
        if isinstance(name, str)
    ]


def _add(tree: Tree, path: Path) -> None:
    for name in path:
        tree = tree.setdefault(name, {})
