"""Say why a condition is met or not: which of its parts are."""

from typing import NamedTuple

from app.expressions.python import to_python
from app.expressions.runtime import PythonContext
from app.expressions.tree import And, Checked, Node


class Part(NamedTuple):
    """A part of a condition, as it was written, and whether it is met."""

    text: str
    is_met: bool


def why(checked: Checked, context: PythonContext) -> list[Part]:
    """Return the parts that must all be met, each with its answer.

    A condition of one part is its own only part.
    """
    return [
        Part(_line(checked.source(part)), bool(to_python(part)(context)))
        for part in required_parts(checked.root)
    ]


def required_parts(node: Node) -> list[Node]:
    """Return what ``and`` joins, however deeply."""
    if not isinstance(node, And):
        return [node]
    return [part for item in node.items for part in required_parts(item)]


def _line(text: str) -> str:
    return " ".join(text.split())
