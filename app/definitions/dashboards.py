"""Dashboards and targets, `dashboards/`: how they are written, and what they become.

What a figure is worked out from is only named here; `records.figures` asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import marshmallow as ma

from app.definitions.catalog import Place
from app.definitions.complaints import Complaint
from app.definitions.periods import WORDS, is_period
from app.definitions.problems import Code, did_you_mean, nearest
from app.definitions.shape import Definition, Items, Labels, Part, Value, add_keys
from app.definitions.words import Texts
from app.expressions.tree import Ask, Checked, Node
from app.expressions.tree import Path as NamePath
from app.fields.settings import (
    ExpressionText,
    Name,
    Names,
    Plain,
    WholeNumber,
    Word,
    refuse,
    written,
)
from app.texts import Label

CHARTS = (
    "number", "line", "bar", "pie", "funnel", "ranking", "table", "progress",
)  # fmt: skip
PEOPLE = ("mine", "subordinates", "department", "all")
#: Groups that are periods of the figure's date.
TIMES = ("day", "week", "month", "quarter", "year")
#: Groups that are people and where they belong.
BY_PEOPLE = ("user", "department")
COMPARED = ("previous", "last_year")
KINDS = ("company", "department", "user")
_BETTER = ("more", "less")
Chart = Literal["number", "line", "bar", "pie", "funnel", "ranking", "table", "progress"]
As = Literal["number", "money", "percent", "days"]
#: Groups shown where nothing else is said.
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a dashboard."""

    label: Label
    chart: str
    value: Checked | None = None
    #: a second value beside the first, of the same groups
    also: Checked | None = None
    also_label: Label | None = None
    #: the field that says when; empty: it has no time, it is as it stands
    date: str = ""
    #: the field of the person whose it is; empty: nobody's
    of: str = ""
    #: a unit of time, `user`, `department` or a path; empty: one figure
    by: str = ""
    compare: str = ""
    #: a period of its own; empty: that of the dashboard
    period: str = ""
    top: int = SHOWN
    #: entity and view whose records are listed
    view: tuple[str, str] | None = None
    #: of the records listed: the fields; empty: the first of the view
    columns: tuple[str, ...] = ()
    target: str = ""
    less_is_better: bool = False
    #: columns of twelve; 0: as the chart is drawn
    width: int = 0
    help: Label | None = None
    shown_as: str = "number"
    also_as: str = "number"
    place: Place | None = None

    @property
    def asks(self) -> tuple[Ask, ...]:
        """The questions to records its values are worked out from."""
        roots = [one.root for one in (self.value, self.also) if one is not None]
        return tuple(ask for root in roots for ask in asks_of(root))


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be reached, month by month."""

    name: str
    label: Label
    value: Checked
    date: str
    of: str
    per: tuple[str, ...]
    levels: tuple[str, ...]
    #: roles that may type it in
    edit: tuple[str, ...] = ()
    shown_as: str = "number"
    #: its former names; what was typed in under them is still its own
    was: tuple[str, ...] = ()
    place: Place | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which amounts of it are kept, the present one last."""
        return (*self.was, self.name)

    @property
    def entity(self) -> str:
        """The entity it is counted over; the first, where it asks several."""
        return asks_of(self.value.root)[0].over[0]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page of figures."""

    name: str
    label: Label
    figures: tuple[Figure, ...]
    for_: tuple[str, ...] = ()
    period: str = "this month"
    people: str = "all"
    place: Place | None = None


def asks_of(node: Node) -> tuple[Ask, ...]:
    """Return the questions to records in an expression, in order."""
    if isinstance(node, Ask):
        return (node,)
    return tuple(ask for child in node.children for ask in asks_of(child))


def shown_as(node: Node) -> As:
    """Return how a value is written: a share of like things in per cent, money as money."""
    kind = node.type.kind
    if kind in ("money", "percent"):
        return "money" if kind == "money" else "percent"
    if getattr(node, "operator", "") == "/":
        parts = [asks_of(child) for child in node.children]
        likes = [{(ask.function, ask.over[0]) for ask in part} for part in parts]
        same_kind = len({child.type.kind for child in node.children}) == 1
        if all(parts) and same_kind and (likes[0] == likes[1] or _is_money(node)):
            return "percent"
    return "number"


def _is_money(node: Node) -> bool:
    return all(child.type.kind == "money" for child in node.children)


def reads(node: Node) -> bool:
    """Whether an expression reads a field outside of any question; there is no record to read."""
    if isinstance(node, Ask):
        return False
    if isinstance(node, NamePath):
        return node.root not in ("app", "me", "my")
    return any(reads(child) for child in node.children)


# -- how it is written -----------------------------------------------------------------------------


class PeriodWords(Value):
    """A period in words."""

    takes = "a period such as `this month`, `previous quarter`, `last 30 days` or `all`"

    def read(self, value: Any, key: str) -> str:
        if isinstance(value, str) and is_period(value):
            return value
        close = nearest(str(value), WORDS)
        sentence = f"`{key}` is {written(value)}; it must be {self.takes}."
        raise ma.ValidationError(
            [Complaint(sentence, Code.unknown_word, did_you_mean(close, WORDS), close)]
        )

    def json_schema(self) -> dict[str, Any]:
        """Return the words, and the form of `last N days`."""
        last = {"type": "string", "pattern": r"^last [1-9]\d{0,3} (day|week|month)s?$"}
        return {"anyOf": [{"enum": list(WORDS)}, last]}


class Grouping(Value):
    """What a figure is split by."""

    takes = "`day`, `week`, `month`, `quarter`, `year`, `user`, `department` or a field"

    def read(self, value: Any, key: str) -> str:
        if not isinstance(value, str):
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.wrong_shape)
        return value

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a text, with the words there are."""
        return {"anyOf": [{"enum": [*TIMES, *BY_PEOPLE]}, {"type": "string"}]}


class FiltersSchema(Definition):
    """What a dashboard is narrowed by until somebody picks something else."""

    noun = "`filters`"
    example = """
period: this month
people: mine
"""

    period = PeriodWords("The period: words as in `this month`, `last 30 days`, `all`.")
    people = Word(
        "Whose: one's own (`mine`), `subordinates` with oneself, one's `department`, or `all` "
        "that one may see.",
        among=PEOPLE,
    )


class FigureSchema(Definition):
    """One figure of a dashboard."""

    noun = "a figure"
    example = """
label: {en: Won by month, zh: 每月赢单}
value: sum(opportunity.amount, stage == 'won')
also: count(opportunity, stage == 'won')
date: closed_on
chart: line
by: month
period: this year
compare: last_year
"""

    label = Labels("Its heading.")
    help = Labels("A few words beside the heading.")
    value = ExpressionText("What it is: `count`, `sum`, `avg` and the like, also calculated with.")
    also = ExpressionText("A second value beside it, of the same groups.")
    also_label = Labels("What the second value is called.")
    date = Name("The date by which it belongs to a period; without one it is as it stands.")
    of = Name("The person whose it is: a field of one person; `owner` where there is one.")
    chart = Word("How it is drawn; `number` without it.", among=CHARTS)
    by = Grouping("What it is split by: a unit of time, `user`, `department`, or a field.")
    compare = Word(
        "What stands beside it: the period before, or the same of the year before.", among=COMPARED
    )
    period = PeriodWords("A period of its own, seen from the end of the one that is picked.")
    top = WholeNumber("So many groups or records are shown.", least=1, most=100)
    view = Plain("A view whose first records are listed: `customer.silent`.")
    columns = Texts("Of a view: the fields that are listed; the first four without it.")
    target = Name("A target: what was reached beside what is to be.")
    better = Word("Which is good news, `more` or `less`; `more` without it.", among=_BETTER)
    width = WholeNumber("Columns of the twelve it stands on.", least=2, most=12)

    def check(self, values: dict[str, Any], data: dict[str, Any]) -> None:
        """Refuse what says two things, or nothing."""
        del values
        kinds = [key for key in ("value", "view", "target") if key in data]
        if len(kinds) > 1:
            _refuse(kinds[1], f"A figure has either `{kinds[0]}` or `{kinds[1]}`, not both.")
        if not kinds:
            sentence = "A figure needs a `value`, a `view` or a `target`."
            raise ma.ValidationError({"value": [Complaint(sentence, Code.missing_key)]})
        if kinds == ["view"]:
            for key in (
                "also",
                "also_label",
                "date",
                "of",
                "by",
                "compare",
                "period",
                "better",
                "as",
            ):
                if key in data:
                    _refuse(key, f"`{key}` goes with a `value`, not with a `view`.")
        elif "columns" in data:
            _refuse("columns", "`columns` goes with a `view`.")
        if kinds == ["target"]:
            for key in ("date", "of", "also"):
                if key in data:
                    _refuse(key, f"The target says the `{key}` itself.")
        if "also_label" in data and "also" not in data:
            sentence = "`also_label` says nothing without `also`."
            raise ma.ValidationError({"also_label": [Complaint(sentence, Code.missing_key)]})
        chart = data.get("chart", "number")
        if chart in ("pie", "funnel", "ranking") and "by" not in data:
            sentence = f"A `{chart}` is split by something, and there is no `by`."
            raise ma.ValidationError({"chart": [Complaint(sentence, Code.missing_key)]})
        if kinds == ["value"] and chart == "progress":
            _refuse("chart", "`progress` shows a `target`.")


def _refuse(key: str, sentence: str) -> None:
    complaint = Complaint(sentence, Code.conflicting_keys, "Remove one of them.", on_key=True)
    raise ma.ValidationError({key: [complaint]})


add_keys(
    FigureSchema,
    {
        "as": Word(
            "How it is written; without it as its kind asks: money as money, a share in per cent.",
            among=("number", "money", "percent", "days"),
        )
    },
)


class DashboardSchema(Definition):
    """A page of figures."""

    noun = "the dashboard"
    example = """
dashboard: sales
for: [sales, sales_manager]
filters: {period: this month, people: mine}
figures:
  - {label: Won, value: "sum(opportunity.amount, stage == 'won')", date: closed_on}
  - {label: Conversion, value: "count(lead, converted) / count(lead)", date: created_at}
  - {label: Products, value: sum(contract.lines.subtotal), chart: ranking, by: product}
  - {label: To call, view: customer.silent, top: 5}
  - {label: Target, target: contract_amount, chart: progress}
"""

    label = Labels("What people read; without one it is made from the name.")
    filters = Part(FiltersSchema(), "What it is narrowed by at first.")
    figures = Items(
        Part(FigureSchema(), "A figure."), "Its figures, in order.", noun="A figure", required=True
    )


add_keys(
    DashboardSchema,
    {
        "dashboard": Plain("Its name.", required=True),
        "for": Names("The roles that see it; without it everybody."),
    },
)


class TargetSchema(Definition):
    """What is to be reached, typed in by month; quarters and years are sums."""

    noun = "the target"
    example = """
target: contract_amount
value: sum(contract.amount, approval.state == 'approved')
date: signed_on
per: [company, department, user]
levels: [base, stretch]
edit: [sales_manager]
"""

    label = Labels("What people read; without one it is made from the name.")
    value = ExpressionText("What is reached, as in a figure.", required=True)
    date = Name("The date by which it belongs to a month.", required=True)
    of = Name("The person whose it is: a field of one person; `owner` where there is one.")
    per = Names("For whom it is typed in; without it for all of them.", among=KINDS)
    levels = Names("Heights of it, the lowest first; without it one, `base`.")
    was = Names("Its former name: what was typed in under it follows.")
    edit = Names(
        "The roles that may type it in, each for the people below; administrators always may."
    )


add_keys(
    TargetSchema,
    {
        "target": Plain("Its name.", required=True),
        "as": Word(
            "How it is written; without it as its kind asks.",
            among=("number", "money", "percent", "days"),
        ),
    },
)

SCHEMAS: Mapping[str, type[Definition]] = {"dashboard": DashboardSchema, "target": TargetSchema}
