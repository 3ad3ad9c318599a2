"""How a condition is put together: what is joined by `and`, what by `or`, and the parts between.

For those who show a condition as rows and groups; what the parts mean is not read here.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from app.expressions.syntax import Expression, parse


@dataclass(frozen=True)
class Joint:
    """Conditions that must all hold (``and``), or of which one must (``or``)."""

    word: str
    parts: tuple[Joint | str, ...]

    def written(self) -> str:
        """Return the condition as text."""
        found = []
        for part in self.parts:
            text = part if isinstance(part, str) else part.written()
            loose = isinstance(part, Joint) and len(part.parts) > 1
            found.append(f"({text})" if loose and len(self.parts) > 1 else text)
        return f" {self.word} ".join(text for text in found if text)


def read_joints(text: str) -> Joint:
    """Return how a condition is joined; a single one is the only part of an `and`.

    Raises:
        ExpressionProblem: it cannot be read.
    """
    expression = parse(text)
    found = _read(expression, expression.tree)
    return found if isinstance(found, Joint) else Joint("and", (found,))


def _read(expression: Expression, node: ast.expr) -> Joint | str:
    if not isinstance(node, ast.BoolOp):
        text = expression.source(node)
        return f"({text})" if isinstance(node, ast.IfExp) else text
    word = "and" if isinstance(node.op, ast.And) else "or"
    return Joint(word, tuple(_read(expression, one) for one in node.values))
