"""What a plan consists of: one class per kind of change, with its words in every language.

An operation is a value. It says what it touches and carries everything needed to do it, so that
what was begun can be finished by another process. Who does it is ``steps``; who finds it is
``diff``; the numbers are filled in by ``counting``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

from app.texts import Label, join, say

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
    def needs_allowing(self) -> bool:
        """Whether it is refused until its subject is named, however little it loses."""
        return self.is_destructive

    @property
    def is_adding_only(self) -> bool:
        """Whether it may be done as soon as the file is saved.

        No value that is there is touched, and nothing people might write before is refused.
        """
        return True

    @property
    def is_visible(self) -> bool:
        """Whether the plan shows it on a line of its own; the others follow from those."""
        return True

    def words(self) -> Label:
        """Return what happens, behind the subject."""
        raise NotImplementedError

    def seconds(self) -> float:
        """Return about how long it takes."""
        return (self.rows or 0) * _SECONDS_PER_MILLION.get(self.pace or "", 0.0) / 1e6

    def as_json(self) -> dict[str, Any]:
        """Return it as data, from which `operation_from_json` makes it again."""
        return {"kind": type(self).__name__, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Noun:
    """What is counted; Chinese puts a measure word between the number and it."""

    one: str
    many: str
    chinese: str
    measure: str


RECORD = Noun("record", "records", "记录", "条")
EXISTING_RECORD = Noun("existing record", "existing records", "现有记录", "条")
VALUE = Noun("value", "values", "值", "个")
FIELD = Noun("field", "fields", "字段", "个")
INDEX = Noun("index", "indexes", "索引", "个")
CONSTRAINT = Noun("constraint", "constraints", "约束", "个")
PERSON = Noun("person", "people", "用户", "名")
CHANGE = Noun("change", "changes", "更改", "项")
PROBLEM = Noun("problem", "problems", "问题", "个")


def amount(number: int | None, noun: Noun) -> Label:
    """Return ``1 204 records`` with a thin grouping, or ``records`` while nobody has counted."""
    if number is None:
        return say(noun.many, f"若干{noun.measure}{noun.chinese}")
    grouped = f"{number:,}".replace(",", " ")
    english = noun.one if number == 1 else noun.many
    return say(f"{grouped} {english}", f"{grouped} {noun.measure}{noun.chinese}")


def list_words(names: Iterable[str]) -> Label:
    """Return names one after the other, as each language does it."""
    return join(say(", ", "、"), names)


def sample_words(samples: tuple[int, ...]) -> Label:
    """Return ``, for example 4, 8, 15``, or nothing."""
    if not samples:
        return say("", "")
    return say(", for example {ids}", "，例如 {ids}", ids=list_words(map(str, samples)))
