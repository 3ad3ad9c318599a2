"""What a function of the language is, and the set of functions an expression may call.

The set is a value that is handed in: plugins add theirs to a copy, nothing is registered globally.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.expressions.types import Kind, Type


@dataclass(frozen=True)
class Parameter:
    """What a function takes at one place."""

    name: str
    kinds: frozenset[Kind]
    optional: bool = False
    #: The last one only: any number of further arguments may follow.
    repeated: bool = False
    #: The argument must stand in the expression as a fixed value. It is read by this once, when
    #: the expression is checked, and both back ends get what it returned. A ``ValueError`` it
    #: raises is shown to the author.
    read: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Function:
    """A function of the language, with both of its back ends.

    ``python(context, *values)`` and ``sql(writer, *columns)`` must give the same answer. Unless
    ``sees_empty`` is set, an empty argument makes the result empty (false for a condition) without
    the Python side being called; the SQL side must be empty by itself then.
    """

    name: str
    parameters: tuple[Parameter, ...]
    #: The type of the result, or how it follows from the types of the arguments.
    result: Type | Callable[[list[Type]], Type | None]
    python: Callable[..., Any]
    #: None: it cannot be asked in SQL, so neither in filters nor in formulas worked out when read.
    sql: Callable[..., Any] | None
    #: One sentence for the documentation.
    summary: str = ""
    sees_empty: bool = False
    #: The arguments are made values of the result's type first (a day a moment, for example).
    alike: bool = False
    #: Its answer changes without a write.
    is_volatile: bool = False
    #: Its answer follows from its arguments alone, whatever the record, the asker and the calendar.
    is_settled: bool = False

    @property
    def signature(self) -> str:
        """How it is written, for example ``round(number, places)``."""
        names = [
            f"[{parameter.name}]" if parameter.optional else parameter.name
            for parameter in self.parameters
        ]
        if self.parameters and self.parameters[-1].repeated:
            names.append("…")
        return f"{self.name}({', '.join(names)})"


class Functions(Mapping[str, Function]):
    """An immutable set of functions by name."""

    def __init__(self, functions: Iterable[Function]) -> None:
        self._functions: dict[str, Function] = {}
        for function in functions:
            if function.name in self._functions or function.name in SPECIAL:
                raise ValueError(f"The function `{function.name}` is there already.")
            self._functions[function.name] = function

    def __getitem__(self, name: str) -> Function:
        return self._functions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

    def including(self, more: Iterable[Function]) -> "Functions":
        """Return a set with *more* functions; a name that is taken is a ``ValueError``."""
        return Functions([*self._functions.values(), *more])


#: Functions whose arguments are no ordinary values; the checker knows each of them.
SPECIAL: Mapping[str, str] = {
    "has": "has(values, value)",
    "under": "under(value, top)",
    "in_view": "in_view(view)",
    "changed": "changed(field)",
    "count": "count(entity, [condition])",
    "exists": "exists(entity, [condition])",
    "sum": "sum(entity.field, [condition])",
    "avg": "avg(entity.field, [condition])",
    "lowest": "lowest(entity.field, [condition])",
    "highest": "highest(entity.field, [condition])",
    "pick": "pick(entity, [condition])",
}

#: Those of them that ask other records.
ASKING = ("count", "exists", "sum", "avg", "lowest", "highest", "pick")
