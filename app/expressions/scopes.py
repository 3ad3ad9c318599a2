"""What the checker needs to be told: which names there are and of which type."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from app.expressions.tree import Checked
from app.expressions.types import Type

#: Names that mean the same in every expression; everything else is a field of the row.
ROOTS = frozenset({"record", "old", "new", "each", "input", "me", "my", "app", "origin"})

#: Names no field may have.
RESERVED = ROOTS | {"empty", "approval", "parent", "true", "false"}


class Scope(Protocol):
    """The names an expression may use. Any method may raise ``ExpressionProblem`` to refuse."""

    @property
    def names(self) -> Iterable[str]:
        """The plain names there are, for did-you-mean."""

    @property
    def views(self) -> Iterable[str]:
        """The views ``in_view`` may name."""

    def find(self, name: str) -> Type | None:
        """Return the type of a field of the row, or of one of ``ROOTS`` where it has a meaning.

        ``record`` must be answered wherever other records may be asked. A field the person may not
        read may be refused with a sentence of its own: raise ``ExpressionProblem``; its place is
        filled in.
        """

    def members(self, type_: Type) -> Mapping[str, Type]:
        """Return the fields of records of a type with one entity."""

    def entity(self, name: str) -> "Scope | None":
        """Return the scope of an entity's rows, or of the row's own lines; None: neither."""

    def view(self, name: str) -> Checked | None:
        """Return the checked condition of a view of this entity."""
