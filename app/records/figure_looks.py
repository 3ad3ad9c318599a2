"""One dashboard, asked by one person at one moment: which statements, with which values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from app.access.principal import Principal
from app.access.sources import calendar_of
from app.definitions.dashboards import TIMES, Dashboard, Figure
from app.definitions.periods import Span, a_year_before, finer, moved, unit_within, up_to
from app.records.figure_links import drill_of, of_people
from app.records.figure_picks import read_span
from app.records.figure_results import Answer, People
from app.records.figure_rows import Facts, fill
from app.records.figure_statements import Batch, Group, Measure, Split, build_batch
from app.records.figure_targets import Expected
from app.records.planning import Desk, Question
from app.records.results import Page
from app.texts import say

if TYPE_CHECKING:
    from app.records.figures import Figures

#: Columns of records that are listed, the title included.
MOST_COLUMNS = 4
_NOT_LISTED = ("lines", "files", "images", "file", "image", "signature", "markdown")
#: Statements of one dashboard that are kept for one role set.
_MOST_STATEMENTS = 400


class Look:
    """One dashboard, one asker, one moment."""

    def __init__(
        self,
        figures: Figures,
        desk: Desk,
        principal: Principal,
        dashboard: Dashboard,
        span: Span,
        people: People,
        now: datetime,
        today: date,
    ) -> None:
        self.figures = figures
        self.desk = desk
        self.catalog = desk.release.catalog
        self.principal = principal
        self.dashboard = dashboard
        self.span = span
        self.people = people
        self.now = now
        self.today = today
        self.own = figures.own(desk, dashboard)
        self.spans: dict[Span, int] = {}
        self.snapshot = figures.organisation.snapshot()

    def answers(self, numbers: list[int]) -> dict[int, Answer]:
        """Return the figures asked for, by their number."""
        found = {number: self._begun(number) for number in numbers}
        open_ = [number for number in numbers if found[number].refused is None]
        batches = self._batches({number: found[number] for number in open_})
        facts = {number: Facts() for number in open_}
        for batch in batches:
            self._ask(batch, facts)
        expected = Expected(self, [found[number].figure for number in open_])
        for number in open_:
            answer = found[number]
            if answer.figure.view is not None:
                self._list(answer)
                continue
            fill(self, number, answer, facts[number], expected)
        return found

    def _begun(self, number: int) -> Answer:
        figure = self.dashboard.figures[number]
        answer = Answer(figure)
        if number in self.own.refused:
            answer.refused = say(
                "You may not see this figure: it counts what is closed to you.",
                "您无权查看该指标：其统计内容对您不可见。",
            )
            return answer
        if figure.date:
            answer.span = self._span(figure)
            answer.before_span = self._before(figure, answer.span)
        kind, _ = self.own.kinds.get(number, ("", ""))
        answer.row_kind = kind
        if kind == "time" and answer.span is not None:
            answer.unit = finer(answer.span)
            if figure.by != "time":
                answer.unit = unit_within(answer.span, figure.by)
        answer.drill = drill_of(figure, answer.span, self.conditions(figure))
        return answer

    def _span(self, figure: Figure) -> Span:
        """Return a figure's period: its own is seen from the end of the one that is picked."""
        if not figure.period:
            return self.span
        last = self.span.last
        seen = self.today if last is None or self.span.holds(self.today) else last
        return read_span(figure.period, seen)

    def _before(self, figure: Figure, span: Span) -> Span | None:
        if not figure.compare or span.first is None:
            return None
        try:
            before = moved(span, -1) if figure.compare == "previous" else a_year_before(span)
        except ValueError:
            return None
        # A curve is told beside the whole curve; a sum beside the sum of as many days.
        by_time = figure.by in (*TIMES, "time")
        return before if by_time else up_to(span, before, self.today)

    # Whose.

    def users(self) -> list[int] | None:
        """Return the people picked; None for everybody."""
        mode = self.people.mode
        if mode == "all":
            return None
        if mode == "mine":
            return [self.principal.user_id or 0]
        if mode == "subordinates":
            return list(self.principal.subordinates)
        if mode == "user":
            return [self.people.number]
        chosen = set(self.departments())
        people = self.snapshot.people.values()
        return [person.id for person in people if person.department in chosen]

    def departments(self) -> list[int]:
        """Return the departments picked, with all below."""
        if self.people.mode == "department_of":
            return sorted(self.snapshot.department_tree([self.people.number]))
        return sorted(self.snapshot.department_tree(self.principal.departments))

    def conditions(self, figure: Figure) -> list[str]:
        """Return the condition of the people picked, as a filter says it."""
        of = figure.of
        if figure.view is not None:
            of = "owner" if self.catalog.entities[figure.view[0]].owned else ""
        return of_people(of, self.people, self.departments())

    # Statements.

    def _batches(self, answers: Mapping[int, Answer]) -> list[Batch]:
        """Return the statements that answer some figures: what reads the same rows, in one."""
        splits: dict[tuple[tuple[str, ...], str, Group], list[Measure]] = {}
        for part, ask in self.own.asks.items():
            answer = answers.get(part[0])
            if answer is None:
                continue
            of = answer.figure.of if self.people.mode != "all" else ""
            found = splits.setdefault((tuple(ask.over), of, _group(answer)), [])
            found += self._measures(part, answer)
        batches: dict[tuple[tuple[str, ...], str], list[Split]] = {}
        for (over, of, group), measures in splits.items():
            if measures:
                batches.setdefault((over, of), []).append(Split(group, tuple(measures)))
        return [Batch(over, of, tuple(found)) for (over, of), found in batches.items()]

    def _measures(self, part: tuple[int, str, int], answer: Answer) -> Iterator[Measure]:
        """Yield a question for each of the periods it is asked for."""
        date_ = answer.figure.date
        if not date_:
            yield Measure(part, "", -1)
            return
        for span in (answer.span, answer.before_span):
            if span is None:
                continue
            if span.first is None:
                # A period without ends asks for none.
                yield Measure(part, "", -1)
            else:
                yield Measure(part, date_, self.spans.setdefault(span, len(self.spans)))

    def _ask(self, batch: Batch, facts: Mapping[int, Facts]) -> None:
        """Run one statement and hand each measure to its figure."""
        statement = self.own.statements.get(batch)
        if statement is None:
            if len(self.own.statements) >= _MOST_STATEMENTS:
                self.own.statements.clear()
            statement = build_batch(self.desk.context, batch, self.own.asks)
            self.own.statements[batch] = statement
        runner = self.figures.reader.runner
        values = runner.values(statement, self.principal, self.catalog)
        values.update(self._bound(values))
        slots = {number: span for span, number in self.spans.items()}
        for number, keys, measured in runner.run(statement, values).fetchall():
            split = batch.splits[number]
            if split.group.kind == "time":
                keys = [one and date.fromisoformat(one) for one in keys]  # noqa: PLW2901
            key = keys[0] if len(keys) == 1 else tuple(keys)
            for measure, value in zip(split.measures, measured, strict=True):
                figure, name, place = measure.part
                counts = self.own.asks[measure.part].function == "count"
                told = int(value) if counts and value is not None else value
                facts[figure].note(name, place, slots.get(measure.slot), key, told)

    def _bound(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        calendar = calendar_of(self.catalog)
        found: dict[str, Any] = {}
        if "people" in wanted:
            found["people"] = self.users() or []
        for span, number in self.spans.items():
            if span.first is None or span.last is None:
                continue
            after = span.last + timedelta(days=1)
            found[f"day{number}_from"], found[f"day{number}_to"] = span.first, after
            found[f"moment{number}_from"] = calendar.midnight(span.first)
            found[f"moment{number}_to"] = calendar.midnight(after)
        return {name: value for name, value in found.items() if name in wanted}

    def _list(self, answer: Answer) -> None:
        """Put the first records of a view into an answer."""
        assert answer.figure.view is not None
        entity, view = answer.figure.view
        narrowed = " and ".join(self.conditions(answer.figure)) or None
        columns = self._columns(entity, view, answer.figure.columns)
        known = self.catalog.entities[entity].fields
        # An amount is shown with its own currency.
        named = (known[one].settings.get("currency") for one in columns if one in known)
        read = (*columns, *(str(one) for one in named if one in known and one not in columns))
        question = Question(entity, "values", tuple(dict.fromkeys(read)), narrowed, view=view)
        page = self.figures.reader.page(
            self.principal, question, limit=answer.figure.top, after=None, before=None,
            count="capped", where={}, words=None,
        )  # fmt: skip
        assert isinstance(page, Page)
        answer.page, answer.count, answer.columns = page, page.count, columns

    def _columns(self, entity: str, view: str, chosen: tuple[str, ...]) -> tuple[str, ...]:
        """Return the fields of a listed record: those chosen, or its title and the view's first."""
        one = self.catalog.entities[entity]
        readable = self.desk.policy.readable(entity)
        named = chosen or one.screens.views[view].columns or one.screens.columns
        columns = dict.fromkeys(([one.title] if one.title else []) + list(named))
        fields = one.fields
        return tuple(
            name
            for name in columns
            if name.partition(".")[0] in readable
            and fields[name.partition(".")[0]].type.name not in _NOT_LISTED
        )[: max(MOST_COLUMNS, len(chosen) + 1)] or ("id",)


def _group(answer: Answer) -> Group:
    kind, figure = answer.row_kind, answer.figure
    if kind == "time":
        return Group("time", answer.unit, figure.date)
    if kind in ("user", "department"):
        return Group(kind, of=figure.of)
    if not kind:
        return Group()
    is_funnel = kind == "stage" and figure.chart == "funnel"
    return Group("stage" if is_funnel else "field", figure.by)
