"""What a plan consists of: one class per kind of change, with its words.

An operation is a value. It says what it touches and carries everything needed to do it, so that
what was begun can be finished by another process. Who does it is ``steps``; who finds it is
``diff``; the numbers are filled in by ``counting``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

#: When an operation is done. ``add``: a short transaction, the old catalog goes on working.
#: ``fill``: outside transactions, still before. ``swap``: in the transaction that makes the new
#: catalog live. ``after``: outside transactions, the new catalog serves already. ``drop``: last.
Phase = Literal["add", "fill", "swap", "after", "drop"]
PHASES: tuple[Phase, ...] = ("add", "fill", "swap", "after", "drop")

#: Seconds per million rows, measured on two cores; the plan's estimates come from these.
_SECONDS_PER_MILLION = {
    "scan": 0.3,
    "index": 1.0,
    "write": 30.0,
    "convert": 41.0,
    "recompute": 60.0,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One change, to one thing."""

    phase: ClassVar[Phase] = "after"
    sign: ClassVar[str] = "~"
    #: how long it takes, by what it does to each row
    pace: ClassVar[str | None] = None

    #: what it is about, as one would write it behind ``--allow``: ``customer`` or ``customer.fax``
    subject: str
    #: how many rows it writes or reads; None until counted
    rows: int | None = None
    #: how many values it loses; 0 for none
    lost: int = 0
    #: ids of some of the rows concerned
    samples: tuple[int, ...] = ()

    @property
    def is_destructive(self) -> bool:
        """Whether values are lost that cannot be had back from other values."""
        return self.lost > 0

    @property
    def is_adding_only(self) -> bool:
        """Whether it may be done as soon as the file is saved: no existing value is touched."""
        return True

    @property
    def is_visible(self) -> bool:
        """Whether the plan shows it on a line of its own; the others follow from those."""
        return True

    def words(self) -> str:
        """Return what happens, behind the subject."""
        raise NotImplementedError

    def seconds(self) -> float:
        """Return about how long it takes."""
        return (self.rows or 0) * _SECONDS_PER_MILLION.get(self.pace or "", 0.0) / 1e6

    def as_json(self) -> dict[str, Any]:
        """Return it as data, from which `operation_from_json` makes it again."""
        return {"kind": type(self).__name__, **asdict(self)}


def amount(number: int | None, noun: str) -> str:
    """Return ``1 204 records`` with a thin grouping, or ``records`` while nobody has counted."""
    if number is None:
        return f"{noun}s"
    grouped = f"{number:,}".replace(",", " ")
    return f"{grouped} {noun}{'' if number == 1 else 's'}"


def sample_words(samples: tuple[int, ...]) -> str:
    """Return ``, for example 4, 8, 15``, or nothing."""
    return f", for example {', '.join(map(str, samples))}" if samples else ""
