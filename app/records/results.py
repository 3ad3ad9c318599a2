"""What reading records gives back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Count:
    """How many records there are."""

    number: int
    #: There are more; counting stopped at ``number``.
    capped: bool = False
    #: Counting took too long; ``number`` is the planner's guess.
    estimated: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it as the API writes it."""
        found: dict[str, Any] = {"count": self.number}
        if self.capped:
            found["capped"] = True
        if self.estimated:
            found["estimated"] = True
        return found


@dataclass(frozen=True, slots=True)
class Record:
    """One record as Python takes it: values by field, titles of what it links to.

    ``values`` holds only fields the asker may see; a part (``address.city``) stands under its
    dotted name. ``links`` holds ``{"id", "title"}`` for a link, a list of them for many, with
    ``"deleted": True`` for what is in the bin; a title the asker may not read is None.
    """

    entity: str
    id: int
    values: Mapping[str, Any]
    links: Mapping[str, Any] = field(default_factory=dict)
    version: int | None = None
    #: fields of which ``values`` holds a mask, a text
    masked: frozenset[str] = frozenset()
    #: rows of lines fields, by field
    lines: Mapping[str, Sequence[Record]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value, or *default* where it is not there."""
        return self.values.get(name, default)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list for screens."""

    rows: Sequence[Record]
    #: where the next page begins (``after``), None on the last
    next: str | None = None
    #: where the page before ends (``before``), None on the first
    previous: str | None = None
    count: Count | None = None

    def __iter__(self) -> Iterator[Record]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class JSONPage:
    """One page of a list as the database wrote it: ``rows`` is the JSON of an array."""

    rows: bytes
    next: str | None = None
    previous: str | None = None
    count: Count | None = None


@dataclass(frozen=True, slots=True)
class JSONRecord:
    """One record as the database wrote it."""

    row: bytes
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """One record found by its words."""

    entity: str
    id: int
    title: str | None

    def as_json(self) -> dict[str, Any]:
        """Return it as the API writes it."""
        return {"entity": self.entity, "id": self.id, "title": self.title}
