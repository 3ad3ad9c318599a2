"""What was to be reached, beside what was: targets in the figures of a dashboard.

Where nothing is typed in for the company, its departments add up; where nothing for a department,
the departments below it and its people. A period that cuts a month takes its share of days.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from app.access.sources import calendar_of
from app.definitions.dashboards import Figure, Target
from app.definitions.periods import Span, parts_of, read_period, span_of
from app.records.figure_links import of_departments
from app.records.figure_results import Answer, Reached, Row
from app.records.targets import COMPANY, Amounts, Reach, Subject, departments_in_order

if TYPE_CHECKING:
    from app.records.figure_looks import Look
    from app.records.figure_rows import Work


class Expected:
    """The targets a dashboard's figures name, read in one statement."""

    def __init__(self, look: Look, figures: Iterable[Figure]) -> None:
        self._look = look
        names = {figure.target for figure in figures if figure.target}
        self._targets: dict[str, Target] = {name: look.catalog.targets[name] for name in names}
        self._reach = {
            name: Reach(target, look.desk.policy, look.principal, look.snapshot)
            for name, target in self._targets.items()
        }
        self._amounts: dict[str, Amounts] = {}
        ends = [
            day
            for span in [look.span, *look.spans]
            for day in (span.first, span.last)
            if day is not None
        ]
        if names and ends:
            self._amounts = look.figures.book.amounts(self._targets.values(), min(ends), max(ends))

    # -- beside a figure ---------------------------------------------------------------------------

    def beside(self, answer: Answer) -> None:
        """Put what was to be reached beside a figure and each of its times."""
        look, name, span = self._look, answer.figure.target, answer.span
        if span is None or span.first is None or span.last is None:
            return
        subjects = self._picked(name)
        answer.target = self._reached(name, subjects, span)
        if answer.row_kind == "time":
            for row in answer.rows:
                part = read_period(str(row.key), look.today)
                row.target = self._reached(name, subjects, part)
        answer.pace = _pace(look, span)

    def rows(self, work: Work) -> None:
        """Put people or departments into a figure, each with what it was to reach."""
        answer = work.answer
        answer.rows = (
            self._of_departments(work) if answer.row_kind == "department" else self._of_people(work)
        )

    def _of_people(self, work: Work) -> list[Row]:
        name, span = work.answer.figure.target, work.answer.span
        picked = self._look.users()
        keys = {key for key in work.facts.keys() if key is not None}  # noqa: SIM118
        if span is not None and span.last is not None:
            keys |= {
                subject[1]
                for subject, _, _ in self._amounts.get(name, {})
                if subject[0] == "user" and (picked is None or subject[1] in picked)
            }
        found = []
        for key in keys:
            row = work.row(key)
            row.kind = "user"
            row.target = self._of_subject(name, ("user", key), span)
            if row.value or row.target is not None:
                found.append(work.drilled(row, work.of_group(key)))
        found.sort(key=lambda row: (-(row.value or 0), row.key))
        work.answer.more = max(0, len(found) - work.answer.figure.top)
        return found[: work.answer.figure.top]

    def _of_departments(self, work: Work) -> list[Row]:
        """Return the departments with all below each, the company before them."""
        look, answer = self._look, work.answer
        name, span = answer.figure.target, answer.span
        keys, found = work.facts.keys(), []
        reach = self._reach[name]
        if look.people.mode == "all" and reach.sees_all:
            row = work.row(None, keys)
            row.kind, row.target = "company", self._of_subject(name, COMPANY, span)
            found.append(work.drilled(row))
        for number, depth in departments_in_order(look.snapshot):
            # Of a department whose target one may not know, only what is its own.
            seen = reach.sees(("department", number))
            below = look.snapshot.department_tree([number]) if seen else (number,)
            row = work.row(number, [key for key in keys if key in below])
            row.kind, row.depth = "department", depth + len(found[:1])
            row.target = self._of_subject(name, ("department", number), span)
            if row.value or row.target is not None:
                condition = of_departments(answer.figure.of, below)
                found.append(work.drilled(row, condition))
        return found[: max(answer.figure.top, 1)]

    # -- sums --------------------------------------------------------------------------------------

    def _picked(self, name: str) -> list[Subject]:
        """Return whose targets add up for the people picked."""
        look, people = self._look, self._look.people
        if people.mode == "all":
            if self._reach[name].sees_all:
                return [COMPANY]
            return [("user", number) for number in look.principal.subordinates]
        if people.mode == "department_of":
            return [("department", people.number)]
        if people.mode == "department":
            own = set(look.principal.departments)
            parents = look.snapshot.departments
            return [("department", one) for one in sorted(own) if parents.get(one) not in own]
        return [("user", number) for number in look.users() or []]

    def _of_subject(self, name: str, subject: Subject, span: Span | None) -> Reached | None:
        if span is None or span.first is None or not self._reach[name].sees(subject):
            return None
        return self._reached(name, [subject], span)

    def _reached(self, name: str, subjects: Iterable[Subject], span: Span) -> Reached | None:
        """Return the sum over subjects and months, by level; None where nothing is typed in."""
        reach, found = self._reach[name], Reached()
        seen = [subject for subject in subjects if reach.sees(subject)]
        for level in self._targets[name].levels:
            parts = [
                amount * share
                for month, share in _months(span, self._look.today)
                for subject in seen
                if (amount := self._amount(name, subject, month, level)) is not None
            ]
            if parts:
                found.levels[level] = sum(parts, Decimal(0))
        return found if found.levels else None

    def _amount(self, name: str, subject: Subject, month: date, level: str) -> Decimal | None:
        known = self._amounts.get(name, {}).get((subject, month, level))
        if known is not None or subject[0] == "user":
            return known
        snapshot = self._look.snapshot
        parent = None if subject == COMPANY else subject[1]
        below: list[Subject] = [
            ("department", number)
            for number, above in snapshot.departments.items()
            if above == parent and number != parent
        ]
        below += [
            ("user", person.id)
            for person in snapshot.people.values()
            if person.department == parent
        ]  # fmt: skip
        amounts = [self._amount(name, one, month, level) for one in below]
        filled = [amount for amount in amounts if amount is not None]
        return sum(filled, Decimal(0)) if filled else None


def _months(span: Span, today: date) -> list[tuple[date, Decimal]]:
    """Return the months a period touches, each with the share of its days that lie within."""
    found = []
    for part in parts_of(span, "month", today):
        whole = span_of("month", part.first or today)
        assert whole.first is not None
        assert whole.last is not None
        assert span.first is not None
        assert span.last is not None
        days = (min(whole.last, span.last) - max(whole.first, span.first)).days + 1
        found.append((whole.first, Decimal(days) / whole.days))
    return found


def _pace(look: Look, span: Span) -> int | None:
    """Return how much of a period's working days has passed, in per cent, while it is under way."""
    if span.first is None or span.last is None or not span.holds(look.today):
        return None
    calendar, eve = calendar_of(look.catalog), span.first - timedelta(days=1)
    whole = calendar.working_days_between(eve, span.last)
    return round(calendar.working_days_between(eve, look.today) * 100 / whole) if whole else None
