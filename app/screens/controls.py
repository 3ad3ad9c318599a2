"""One control of a form, as the templates draw it, and what was typed into a form.

What somebody typed is kept as it came (`Typed`): a form that is shown again loses nothing, and a
record's values take the same shape before they are shown the first time.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

#: Names of inputs with all their values, in the order of the form.
Typed = Mapping[str, Sequence[str]]


def first(typed: Typed, name: str, otherwise: str = "") -> str:
    """Return the last value of an input: a ticked box stands behind its hidden `no`."""
    values = typed.get(name)
    return values[-1] if values else otherwise


@dataclass(frozen=True, slots=True)
class Chosen:
    """One option of a select, or one record of a picker."""

    name: str
    label: str = ""
    on: bool = False
    off: bool = False

    @property
    def id(self) -> str:
        return self.name

    @property
    def title(self) -> str:
        return self.label


@dataclass(frozen=True, slots=True)
class PartInput:
    """One input of a value that has several, such as an address."""

    name: str
    label: str
    value: str
    mode: str = ""


@dataclass(frozen=True, slots=True)
class ManyRow:
    """One of several phones, e-mails or addresses."""

    value: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class FileItem:
    """A file that was uploaded."""

    id: str
    name: str
    size: str
    href: str
    image: bool = False
    name_field: str = ""
    #: where it is taken off its record at once, without a form around it
    off_href: str = ""


@dataclass(frozen=True, slots=True)
class LineColumn:
    """The head of one column of lines."""

    label: str
    end: bool = False
    required: bool = False


@dataclass(frozen=True, slots=True)
class LineRow:
    """One row of lines."""

    key: str
    cells: Sequence[Control]
    id: str = ""


@dataclass(frozen=True, slots=True)
class Total:
    """One sum below lines."""

    label: str
    html: str


@dataclass(slots=True)
class Control:
    """One field in a form. ``control`` names the macro of ``controls.html`` that draws it."""

    control: str
    name: str
    label: str
    id: str = ""
    input_name: str = ""
    value: str = ""
    required: bool = False
    errors: Sequence[str] = ()
    help: str = ""
    placeholder: str = ""
    note: str = ""
    #: columns of twelve
    span: int = 6
    #: begins a row of its own
    first: bool = False
    #: in a table: without a label of its own
    bare: bool = False
    #: numbers stand right
    end: bool = False
    #: other fields depend on it: the form is brought up to date when it changes
    alive: bool = False
    input_type: str = "text"
    mode: str = ""
    autocomplete: str = "off"
    step: str = ""
    max: int | None = None
    unit: str = ""
    many: bool = False
    options: Sequence[Chosen] = ()
    chosen: Sequence[Chosen] = ()
    #: where a picker asks
    search: str = ""
    rows: Sequence[Any] = ()
    parts: Sequence[PartInput] = ()
    files: Sequence[FileItem] = ()
    upload: str = ""
    accept: str = ""
    button: str = ""
    #: what a locked field shows, and why it is locked
    html: str = ""
    why: str = ""
    # lines
    columns: Sequence[LineColumn] = ()
    template: LineRow | None = None
    totals: Sequence[Total] = ()
    order: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.input_name = self.input_name or self.name
        self.id = self.id or f"f-{self.input_name}".replace(".", "-")

    @property
    def described_by(self) -> str:
        """Return the ids of the help and the errors that belong to it."""
        ids = [f"{self.id}-help"] if self.help else []
        ids += [f"{self.id}-error{n + 1 if n else ''}" for n in range(len(self.errors))]
        return " ".join(ids)

    @property
    def signature(self) -> str:
        """Return a number that differs when the control looks different."""
        looks = [getattr(self, one.name) for one in fields(self)]
        return f"{zlib.crc32(repr(looks).encode()):08x}"


def choices(rows: Iterable[tuple[str, str, Mapping[str, str], str]]) -> list[Control]:
    """Return what is chosen of a few words: name, label, words by option, and the option now."""
    return [
        Control(
            "choice",
            name,
            label,
            span=6,
            required=True,
            value=now,
            options=[Chosen(one, text, one == now) for one, text in options.items()],
        )
        for name, label, options, now in rows
    ]
