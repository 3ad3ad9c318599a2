"""The Python form of expressions, compiled on first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.expressions import Checked, to_python


class Closures:
    """The Python form of every expression that was asked for; one for each release."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Checked, Callable[[Any], Any]]] = {}

    def of(self, checked: Checked) -> Callable[[Any], Any]:
        """Return the function of a context that works *checked* out."""
        found = self._made.get(id(checked))
        if found is None:
            # The expression is kept beside its function, so that its id stays its own.
            found = self._made[id(checked)] = (checked, to_python(checked))
        return found[1]
