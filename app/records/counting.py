"""Guess how many rows a statement finds, for counts that take too long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles


class Explain(sa.Executable, sa.ClauseElement):
    """The plan of a statement instead of its rows."""

    inherit_cache = False

    def __init__(self, statement: sa.Select[Any]) -> None:
        self.statement = statement


@compiles(Explain)
def _compile(element: Explain, compiler: Any, **options: Any) -> str:
    text: str = compiler.process(element.statement, **options)
    return f"EXPLAIN (FORMAT JSON) {text}"


def guessed_rows(answer: Sequence[Any] | None) -> int:
    """Return the planner's guess of the rows, to two digits: nobody should read more into it."""
    if not answer:
        return 0
    number: int = int(answer[0][0]["Plan"]["Plan Rows"])
    step = 10 ** max(len(str(number)) - 2, 0)
    rounded: int = number // step * step
    return rounded
