"""Targets: a grid of months to type in, with sums, levels, and who changed what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from babel import Locale
from flask import Response, redirect, request

from app.access.sources import calendar_of
from app.definitions.dashboards import Target
from app.errors import InvalidInput, Malformed, NotFound, text_in
from app.records.figure_results import Number
from app.records.targets import COMPANY, Cell, Change, Reach, Subject
from app.screens.figure_words import in_full, level_words, unit_of
from app.screens.frame import Choice
from app.screens.moments import exact, locale_of
from app.screens.visit import Visit, leave_toast
from app.texts import say

#: Changes told below the grid.
_TOLD = 12
_MARKS = " ,\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{FULLWIDTH COMMA}_"


@dataclass(frozen=True, slots=True)
class GridCell:
    """One month of somebody: what is typed in, under which name it is sent."""

    name: str
    value: str
    label: str
    can: bool


@dataclass(frozen=True, slots=True)
class GridRow:
    """One subject with its months, a sum behind every quarter and the year at the end."""

    kind: str
    label: str
    depth: int
    cells: Sequence[GridCell]
    quarters: Sequence[str]
    year: str

    def parts(self) -> Iterator[tuple[Sequence[GridCell], str]]:
        """Yield each quarter's months with their sum."""
        for number, quarter in enumerate(self.quarters):
            yield self.cells[number * 3 : number * 3 + 3], quarter


@dataclass(frozen=True, slots=True)
class TargetsView:
    """Everything `targets.html` shows."""

    name: str
    title: str
    unit: str
    tabs: Sequence[Choice]
    levels: Sequence[Choice]
    year: int
    level: str
    earlier_href: str
    later_href: str
    months: Sequence[Sequence[str]]
    rows: Sequence[GridRow]
    may_edit: bool
    changes: Sequence[str]
    refused: str = ""


def targets_page(visit: Visit) -> Response:
    """Lead to the first target.

    Raises:
        NotFound: none is configured.
    """
    _ = visit.principal
    for name in visit.catalog.targets:
        return redirect(f"/targets/{name}", 302)  # type: ignore[return-value]
    raise NotFound(say("There are no targets here.", "这里没有业绩目标。"))


def target_page(visit: Visit, name: str, refused: str = "", status: int = 200) -> Response:
    """Return the grid of one target, one year, one level."""
    view = _view(visit, name, refused)
    response = visit.render("targets.html", page=visit.page(view.title, "dashboards"), view=view)
    response.status_code = status
    return response


def save_targets(visit: Visit, name: str) -> Response:
    """Write what was typed in, and show the grid again."""
    figures = visit.records.figures
    reach = figures.reach(visit.principal, name)
    year, level = _year(visit), _level(reach.target)
    try:
        cells = _typed(request.form, year, level)
        changed = figures.book.write(visit.principal, reach, cells, visit.look.now)
    except InvalidInput as problem:
        sentences = [
            text_in(one, visit.language) for many in problem.fields.values() for one in many
        ]
        return target_page(visit, name, " ".join(sentences), 422)
    leave_toast(
        visit.wording.count("%(number)s amount saved.", "%(number)s amounts saved.", changed)
    )
    return redirect(f"/targets/{name}?year={year}&level={level}", 303)  # type: ignore[return-value]


def _typed(form: Mapping[str, str], year: int, level: str) -> list[Cell]:
    """Return the amounts of a form: ``user-12-03`` is that of a person in March.

    Raises:
        InvalidInput: one of them is no amount.
    """
    cells = []
    for name, text in form.items():
        kind, _, rest = name.partition("-")
        subject, _, month = rest.partition("-")
        if kind not in ("company", "department", "user"):
            continue
        if not (subject.isascii() and subject.isdigit() and len(subject) < 19):
            continue
        if month not in {f"{one:02}" for one in range(1, 13)}:
            continue
        amount = _amount(text)
        cells.append(Cell(kind, int(subject), date(year, int(month), 1), level, amount))
    return cells


def _amount(text: str) -> Decimal | None:
    plain = text.strip().translate({ord(mark): None for mark in _MARKS})
    if not plain:
        return None
    try:
        amount = Decimal(plain) if len(plain) < 40 else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise InvalidInput(
            {
                "amount": [
                    say(
                        "`{text}` is no amount. Write digits, such as 250000.",
                        "“{text}”不是有效数值，请填写数字，例如 250000。",
                        text=text[:40],
                    )
                ]
            }
        )
    return amount


def _year(visit: Visit) -> int:
    text = request.args.get("year") or request.form.get("year") or ""
    if not text:
        return calendar_of(visit.catalog).day(visit.look.now).year
    if not (text.isascii() and text.isdigit() and 1900 <= int(text[:6]) <= 2999):
        raise Malformed(say("`year` is a year such as `2026`.", "year 应为四位年份，例如 2026。"))
    return int(text)


def _level(target: Target) -> str:
    asked = request.args.get("level") or request.form.get("level") or ""
    return asked if asked in target.levels else target.levels[0]


def _view(visit: Visit, name: str, refused: str) -> TargetsView:
    figures, wording = visit.records.figures, visit.wording
    reach = figures.reach(visit.principal, name)
    target, year = reach.target, _year(visit)
    level = _level(target)
    grid = _Grid(visit, reach, year, level)
    return TargetsView(
        name=name,
        title=wording.say("Targets"),
        unit=unit_of(target.shown_as, wording, next(iter(visit.catalog.app.currencies), None)),
        tabs=[
            Choice(one.name, visit.words(one.label), one.name == name,
                   href=f"/targets/{one.name}?year={year}")
            for one in visit.catalog.targets.values()
        ],
        levels=[
            Choice(one, level_words(one, visit.wording), one == level,
                   href=f"/targets/{name}?year={year}&level={one}")
            for one in target.levels
        ] if len(target.levels) > 1 else [],
        year=year,
        level=level,
        earlier_href=f"/targets/{name}?year={year - 1}&level={level}",
        later_href=f"/targets/{name}?year={year + 1}&level={level}",
        months=_months(visit),
        rows=grid.rows(),
        may_edit=reach.may_edit,
        changes=[grid.told(one) for one in figures.book.changes(target, _TOLD)
                 if reach.sees((one.kind, one.subject))],
        refused=refused,
    )  # fmt: skip


def _months(visit: Visit) -> list[list[str]]:
    names = Locale.parse(locale_of(visit.language)).months["format"]["abbreviated"]
    return [[names[quarter * 3 + one] for one in (1, 2, 3)] for quarter in range(4)]


class _Grid:
    """The rows of one year and level."""

    def __init__(self, visit: Visit, reach: Reach, year: int, level: str) -> None:
        self.visit = visit
        self.reach = reach
        self.year = year
        self.level = level
        self.snapshot = visit.core.organisation.snapshot()
        book = visit.records.figures.book
        target = reach.target
        found = book.amounts([target], date(year, 1, 1), date(year, 12, 1))
        self.amounts = found[target.name]

    def rows(self) -> list[GridRow]:
        subjects = self.reach.subjects()
        # Who sees but a part of the company begins at the margin all the same.
        least = min((depth for _, depth in subjects), default=0)
        return [self._row(subject, depth - least) for subject, depth in subjects]

    def _row(self, subject: Subject, depth: int) -> GridRow:
        months = [date(self.year, month, 1) for month in range(1, 13)]
        amounts = [self.amounts.get((subject, month, self.level)) for month in months]
        label, can = self._label(subject), self.reach.edits(subject)
        cells = [
            GridCell(
                f"{subject[0]}-{subject[1]}-{month.month:02}",
                self._shown(amount) if amount is not None else "",
                f"{label}, {month:%Y-%m}",
                can,
            )
            for month, amount in zip(months, amounts, strict=True)
        ]
        quarters = [self._sum(amounts[at : at + 3]) for at in (0, 3, 6, 9)]
        return GridRow(subject[0], label, depth, cells, quarters, self._sum(amounts))

    def _sum(self, amounts: Sequence[Number]) -> str:
        filled = [Decimal(amount) for amount in amounts if amount is not None]
        return self._shown(sum(filled, Decimal(0))) if filled else ""

    def _shown(self, amount: Number) -> str:
        return in_full(amount, "money", self.visit.wording)

    def _label(self, subject: Subject) -> str:
        kind, number = subject
        if subject == COMPANY:
            return self.visit.wording.say("Company")
        if kind == "department":
            return self.snapshot.department_names.get(number) or f"#{number}"
        person = self.snapshot.people.get(number)
        return person.name if person is not None else f"#{number}"

    def _told(self, amount: Number) -> str:
        return self._shown(amount) if amount is not None else self.visit.wording.say("nothing")

    def told(self, change: Change) -> str:
        """Return one change as a sentence."""
        person = self.snapshot.people.get(change.by or 0)
        wording = self.visit.wording
        return wording.say(
            "%(when)s: %(who)s set %(whose)s, %(month)s, %(level)s from %(before)s to %(after)s",
            when=exact(change.at, wording, self.visit.look.zone),
            who=person.name if person is not None else wording.say("The system"),
            whose=self._label((change.kind, change.subject)),
            month=f"{change.month:%Y-%m}",
            level=level_words(change.level, wording),
            before=self._told(change.before),
            after=self._told(change.after),
        )
