"""What an expression means once it is checked: a tree of typed parts.

Both back ends read this tree and nothing else, so whatever the checker decided (that ``'a'`` is an
option, that ``'2026-01-31'`` is a day) is decided once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.expressions.types import Type

if TYPE_CHECKING:
    from app.expressions.functions import Function


@dataclass(frozen=True, kw_only=True)
class Node:
    """A part of an expression, with its type and its place in the text."""

    type: Type
    #: First character and the one behind the last, counted from 0.
    start: int = 0
    end: int = 0

    @property
    def children(self) -> tuple["Node", ...]:
        """The parts it is made of."""
        return ()


@dataclass(frozen=True, kw_only=True)
class Constant(Node):
    """A value that stands in the text, already read as what its place asks for."""

    value: Any


@dataclass(frozen=True, kw_only=True)
class Hop:
    """A link on the way of a path."""

    type: Type
    name: str
    #: The entities the link may lead to.
    entities: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Path(Node):
    """A value by name, perhaps through links: ``amount``, ``customer.address.city``."""

    #: Where it begins: empty for the row itself, else ``record old new each input my app …``.
    root: str = ""
    hops: tuple[Hop, ...] = ()
    #: The field with its parts (``address.city``); empty for the record itself.
    name: str = ""

    @property
    def dotted(self) -> str:
        """The path as it was written."""
        names = (self.root, *(hop.name for hop in self.hops), self.name)
        return ".".join(name for name in names if name)


@dataclass(frozen=True, kw_only=True)
class Arithmetic(Node):
    """Two values calculated: ``+ - * / // %``, dates and durations included."""

    operator: str
    left: Node
    right: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.left, self.right)


@dataclass(frozen=True, kw_only=True)
class Negative(Node):
    """A number or duration with the other sign."""

    item: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.item,)


@dataclass(frozen=True, kw_only=True)
class And(Node):
    """True when all of it are."""

    items: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.items


@dataclass(frozen=True, kw_only=True)
class Or(Node):
    """True when one of it is."""

    items: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.items


@dataclass(frozen=True, kw_only=True)
class Not(Node):
    """The opposite; ``!=``, ``not in`` and ``is empty`` are written with it."""

    item: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.item,)


@dataclass(frozen=True, kw_only=True)
class FirstFilled(Node):
    """The first of several values that is not empty: ``site or phone``."""

    items: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.items


@dataclass(frozen=True, kw_only=True)
class Conditional(Node):
    """One value or another: ``'big' if amount > 9 else 'small'``."""

    test: Node
    yes: Node
    no: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.test, self.yes, self.no)


@dataclass(frozen=True, kw_only=True)
class Compare(Node):
    """Two values compared: ``== < <= > >=``. How, follows from the types of both."""

    operator: str
    left: Node
    right: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.left, self.right)


@dataclass(frozen=True, kw_only=True)
class OneOf(Node):
    """A value that is one of several constants."""

    item: Node
    choices: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.item, *self.choices)


@dataclass(frozen=True, kw_only=True)
class Among(Node):
    """A value that is among many values: ``owner in my.subordinates``, ``has(tags, 'vip')``."""

    item: Node
    many: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.item, self.many)


@dataclass(frozen=True, kw_only=True)
class Within(Node):
    """A day or moment within a period."""

    item: Node
    period: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.item, self.period)


@dataclass(frozen=True, kw_only=True)
class Under(Node):
    """A record that is another one or below it in its tree. Options are settled by the checker."""

    item: Node
    top: Node
    entity: str
    #: The field of the entity that names the parent.
    parent: str

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.item, self.top)


@dataclass(frozen=True, kw_only=True)
class Filled(Node):
    """Whether a value is there: ``is not empty``."""

    item: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.item,)


@dataclass(frozen=True, kw_only=True)
class Convert(Node):
    """A value turned into another type.

    From and to are told by the types of both: percent to number is its fraction, number to percent
    the way back, date to date with time its first moment, date with time to date its day.
    """

    item: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.item,)


@dataclass(frozen=True, kw_only=True)
class Series(Node):
    """Several values written side by side: ``('a', 'b')``."""

    items: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.items


@dataclass(frozen=True, kw_only=True)
class Call(Node):
    """A function with its arguments."""

    function: "Function"
    arguments: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.arguments


@dataclass(frozen=True, kw_only=True)
class InView(Node):
    """The condition of a view, which was written elsewhere: places in it are places there."""

    name: str
    item: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.item,)


@dataclass(frozen=True, kw_only=True)
class Changed(Node):
    """Whether a field of the record has another value than before the write."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Ask(Node):
    """A question to other records: ``count exists sum avg lowest highest pick``."""

    function: str
    #: An entity, or the record's own lines; a second word is the lines of that entity.
    over: tuple[str, ...]
    #: What is summed or picked, worked out on the other record; None for count and exists.
    value: Node | None = None
    #: Which records; None for all.
    condition: Node | None = None

    @property
    def children(self) -> tuple[Node, ...]:
        return tuple(part for part in (self.value, self.condition) if part is not None)


@dataclass(frozen=True)
class Checked:
    """A checked expression, ready for either back end."""

    text: str
    root: Node
    #: Every dotted path of the row itself and of ``record my app …`` that it reads.
    names: frozenset[str] = frozenset()
    #: Per entity or lines (``contract``, ``contract.lines``) the paths it reads there.
    asked: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: It asks for now, today, me or my, so its answer changes without a write.
    is_volatile: bool = False
    #: It asks ``changed()``, ``old.`` or ``origin``, which only a write knows.
    uses_old: bool = False

    @property
    def type(self) -> Type:
        """The type of its result."""
        return self.root.type

    @property
    def asks_other_records(self) -> bool:
        """Whether it asks ``count``, ``sum`` and their like."""
        return bool(self.asked)

    def source(self, node: Node) -> str:
        """Return the text of one of its parts."""
        return self.text[node.start : node.end]
