"""Figures as the templates draw them: tiles, bars, tables, and what a chart is drawn from."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from app.definitions.dashboards import Figure
from app.definitions.periods import Span, read_period
from app.records.figure_results import Answer, Drill, Number, Reached, Row
from app.screens.card_shapes import Beside, Card, Line
from app.screens.columns import make_columns
from app.screens.figure_words import (
    NOTHING,
    field_at,
    in_full,
    in_short,
    level_words,
    part_words,
    period_words,
    share,
    unit_of,
)
from app.screens.marks import mark_of
from app.screens.visit import Visit

#: Columns of twelve, by what is drawn, where the configuration says nothing.
_WIDTHS = {"line": 8, "bar": 6, "pie": 4, "funnel": 4, "ranking": 5, "table": 7, "progress": 4}


def card_of(visit: Visit, number: int, answer: Answer) -> Card:
    """Return one figure as it is drawn."""
    return _Drawing(visit, number, answer).card()


def list_href(drill: Drill | None) -> str:
    """Return the address of the records behind a figure."""
    if drill is None:
        return ""
    said = {"view": drill.view or "all", "filter": drill.filter}
    if not drill.view:
        del said["view"]
    query = urlencode({name: text for name, text in said.items() if text})
    return f"/crm/{drill.entity}/" + (f"?{query}" if query else "")


class _Drawing:
    """One figure on its way to a card."""

    def __init__(self, visit: Visit, number: int, answer: Answer) -> None:
        self.visit = visit
        self.number = number
        self.answer = answer
        self.figure: Figure = answer.figure
        self.wording = visit.wording
        self.currency = next(iter(visit.catalog.app.currencies), None)

    def card(self) -> Card:
        figure, answer = self.figure, self.answer
        kind = self._kind()
        card = Card(
            self.number,
            kind,
            self.visit.words(figure.label),
            self.visit.words(figure.help) if figure.help else "",
            width=figure.width or _WIDTHS.get(figure.chart, 12),
            href=list_href(answer.drill),
        )
        if answer.span is not None and figure.period and not figure.help:
            card.help = period_words(answer.span, self.wording)
        if answer.refused is not None:
            card.refused = answer.refused.in_language(self.visit.language)
            return card
        draw = {
            "tile": self._tile,
            "chart": self._chart,
            "bars": self._bars,
            "ranking": self._bars,
            "funnel": self._bars,
            "table": self._table,
            "attained": self._attained,
            "list": self._list,
        }[kind]
        draw(card)
        return card

    def _kind(self) -> str:
        figure, kind = self.figure, self.answer.row_kind
        if figure.view is not None:
            return "list"
        if not figure.by and figure.chart != "line":
            return "tile"
        if figure.target and kind in ("user", "department"):
            return "attained"
        if figure.chart == "pie" or (kind == "time" and figure.chart in ("line", "bar", "number")):
            return "chart"
        if figure.chart == "funnel":
            return "funnel"
        return figure.chart if figure.chart in ("table", "ranking") else "bars"

    # -- tiles -------------------------------------------------------------------------------------

    def _short(self, value: Number) -> str:
        return in_short(value, self.figure.shown_as, self.wording, self.currency)

    def _full(self, value: Number) -> str:
        return in_full(value, self.figure.shown_as, self.wording, self.currency)

    def _tile(self, card: Card) -> None:
        answer = self.answer
        card.value, card.full = self._short(answer.value), self._full(answer.value)
        card.beside = self._beside(answer.value, answer.before, answer.before_span)
        if self.figure.also is not None:
            also = in_short(answer.also, self.figure.also_as, self.wording, self.currency)
            said = " ".join(word for word in (self._also_words(), also) if word)
            card.help = " · ".join(word for word in (card.help, said) if word)
        if answer.target is not None:
            card.levels = self._levels(answer.value, answer.target)
            card.pace = answer.pace
        elif self.figure.target:
            card.period = self.wording.say("No target is set.")

    def _beside(self, value: Number, before: Number, span: Span | None) -> Beside | None:
        say = self.wording.say
        if span is None or value is None or before is None:
            return None
        difference = Decimal(value) - Decimal(before)
        against, title = self._short(before), period_words(span, self.wording)
        if not difference:
            return Beside("mut", "arrow-right", "0", say("as before"), title)
        is_good = (difference > 0) is not self.figure.less_is_better
        arrow = "arrow-up-right" if difference > 0 else "arrow-down-right"
        if self.figure.shown_as == "money":
            words = self._growth(abs(difference), abs(Decimal(before)))
        elif self.figure.shown_as == "percent":
            points = in_full(abs(difference) * 100, "number", self.wording)
            words = say("%(number)s points", number=points.partition(".")[0])
        else:
            words = self._short(abs(difference))
        words_before = say("against %(figure)s", figure=against)
        return Beside("ok" if is_good else "bad", arrow, words, words_before, title)

    def _growth(self, difference: Decimal, before: Decimal) -> str:
        """Return how much more or less in per cent; of next to nothing it would say nothing."""
        if not before:
            return ""
        if difference > before * 10:
            return "> " + share(10, 1, self.wording)
        return share(difference, before, self.wording)

    def _levels(self, value: Number, target: Reached) -> list[tuple[str, str, str, str]]:
        """Return each level: its name, how much, how far, and how long the bar is."""
        found = []
        for name, amount in target.levels.items():
            label = level_words(name, self.wording)
            reached = share(value, amount, self.wording)
            found.append((label, self._short(amount), reached, _long(value, amount)))
        return found

    # -- charts ------------------------------------------------------------------------------------

    def _chart(self, card: Card) -> None:
        answer, is_time = self.answer, self.answer.row_kind == "time"
        card.lines = [self._line(row) for row in answer.rows]
        card.has_also = self.figure.also is not None
        card.has_before = answer.before_span is not None
        card.heads = self._heads()
        card.empty = not any(row.value or row.before for row in answer.rows)
        said: dict[str, Any] = {
            "kind": self.figure.chart if self.figure.chart != "number" else "bar",
            "as": self.figure.shown_as,
            "labels": [line.label for line in card.lines],
            "hrefs": [line.href for line in card.lines],
            "words": [line.value for line in card.lines],
            "series": self._series() if is_time else [_data(row.value for row in answer.rows)],
        }
        card.chart = json.dumps(said, ensure_ascii=False, separators=(",", ":"))

    def _series(self) -> list[dict[str, Any]]:
        answer, rows = self.answer, self.answer.rows
        assert answer.span is not None
        name = period_words(answer.span, self.wording)
        found = [_data((row.value for row in rows), name, "now")]
        if answer.before_span is not None:
            before = period_words(answer.before_span, self.wording)
            found.insert(0, _data((row.before for row in rows), before, "before"))
        if self.figure.also is not None and self.figure.also_as == self.figure.shown_as:
            label = self._also_words() or self.wording.say("of which")
            found.append(_data((row.also for row in rows), label, "also"))
        targets = [row.target.first if row.target else None for row in rows]
        if any(amount is not None for amount in targets):
            found.append(_data(targets, self.wording.say("Target"), "target"))
        return found

    # -- rows --------------------------------------------------------------------------------------

    def _line(self, row: Row) -> Line:
        figure, wording = self.figure, self.wording
        line = Line(
            self._label(row),
            in_full(row.value, figure.shown_as, wording),
            list_href(row.drill),
            also=in_full(row.also, figure.also_as, wording) if figure.also else "",
            before=in_full(row.before, figure.shown_as, wording),
            depth=row.depth,
        )
        if self.answer.row_kind == "user" and row.key is not None:
            line.mark = mark_of(row.title or "?")
            line.is_me = row.key == self.visit.principal.user_id
        return line

    def _label(self, row: Row) -> str:
        say, kind = self.wording.say, self.answer.row_kind
        if row.kind == "rest":
            return say("Others")
        if row.kind == "company":
            return say("Company")
        if row.key is None:
            return say("Nobody") if kind in ("user", "department") else say("Not filled in")
        if kind == "time":
            return part_words(read_period(str(row.key), self.visit.look.now.date()), self.wording)
        if kind in ("user", "department", "record"):
            return row.title or say("Not yours to see")
        if kind == "boolean":
            return say("Yes") if row.key else say("No")
        return self._option(str(row.key))

    def _option(self, key: str) -> str:
        ask = self.figure.asks[0]
        for entity in (".".join(ask.over), ask.over[0]):
            found = field_at(self.visit.catalog, entity, self.figure.by)
            for option in found.options if found is not None else ():
                if option.name == key:
                    return self.visit.words(option.label)
        return key

    def _heads(self) -> list[str]:
        figure, wording = self.figure, self.wording
        heads = [unit_of(figure.shown_as, wording, self.currency)]
        if figure.also is not None:
            heads.append(self._also_words() or unit_of(figure.also_as, wording, self.currency))
        if self.answer.before_span is not None:
            heads.append(wording.say("Before"))
        return heads

    def _also_words(self) -> str:
        label = self.figure.also_label
        return self.visit.words(label) if label is not None else ""

    def _bars(self, card: Card) -> None:
        rows = self.answer.rows
        card.has_before = self.answer.before_span is not None
        most = max((Decimal(row.value or 0) for row in rows), default=Decimal(0))
        card.has_also = self.figure.also is not None
        card.empty = not rows
        for place, row in enumerate(rows):
            line = self._line(row)
            line.value = self._bar_value(row.value)
            if card.has_also:
                line.also = in_short(row.also, self.figure.also_as, self.wording, self.currency)
            line.long = _long(row.value, most)
            if card.kind == "funnel":
                line.deep = f"{0.3 + 0.7 * place / max(len(rows) - 1, 1):.2f}"
                line.share = share(row.share, 1, self.wording) if row.share is not None else ""
            elif row.moved is not None and self.answer.before_span is not None:
                line.moved = "=" if not row.moved else f"{row.moved:+d}".replace("-", "−")
                line.moved_mood = "ok" if row.moved > 0 else "mut"
            card.lines.append(line)
        card.more = self._more()

    def _bar_value(self, value: Number) -> str:
        if self.figure.shown_as == "money":
            return in_full(
                None if value is None else Decimal(value).quantize(Decimal(1)), "money",
                self.wording,
            )  # fmt: skip
        return in_full(value, self.figure.shown_as, self.wording)

    def _table(self, card: Card) -> None:
        card.lines = [self._line(row) for row in self.answer.rows]
        card.heads = self._heads()
        card.has_also = self.figure.also is not None
        card.has_before = self.answer.before_span is not None
        card.empty = not card.lines
        card.more = self._more()

    def _attained(self, card: Card) -> None:
        """Draw who reached how much of what was to be reached."""
        answer, wording = self.answer, self.wording
        card.pace = answer.pace
        if answer.pace is not None:
            card.help = wording.say("mark at %(pace)s %% of the working days", pace=answer.pace)
        for row in answer.rows:
            line, target = self._line(row), row.target.first if row.target else None
            line.value = self._bar_value(row.value)
            line.target = self._bar_value(target) if target is not None else NOTHING
            line.reached = share(row.value or 0, target, wording) if target else NOTHING
            line.reached_long = _long(row.value, target)
            line.is_whole = row.kind == "company"
            if target:
                line.reached_mood = _mood(Decimal(row.value or 0) / target * 100, answer.pace)
            card.lines.append(line)
        unit = unit_of(self.figure.shown_as, wording, self.currency)
        card.heads = [unit, wording.say("Target"), wording.say("Reached")]
        card.empty = not card.lines
        card.more = self._more()

    def _more(self) -> str:
        more = self.answer.more
        if not more:
            return ""
        return self.wording.count("%(number)s more", "%(number)s more", more)

    # -- records -----------------------------------------------------------------------------------

    def _list(self, card: Card) -> None:
        answer = self.answer
        assert self.figure.view is not None
        assert answer.page is not None
        entity = self.visit.catalog.entities[self.figure.view[0]]
        rows = answer.page.rows
        card.empty = not rows
        if not rows:
            return
        paths = list(answer.columns)
        made = make_columns(entity, paths, self.visit.policy, self.visit.language)
        card.columns = made.columns
        card.rows = Markup(made.rows(rows, self.visit.look, ticked=False))  # noqa: S704 - escaped.
        if answer.count is not None:
            card.help = card.help or f"{answer.count.number:,}" + (
                "+" if answer.count.capped else ""
            )


def _data(values: Any, name: str = "", role: str = "now") -> dict[str, Any]:
    data = [None if value is None else float(value) for value in values]
    return {"name": name, "role": role, "data": data}


def _long(value: Number, most: Number) -> str:
    """Return how long a bar is, in per cent; what is there at all is seen."""
    if not value or not most or value < 0:
        return "0"
    return f"{max(1.0, min(100.0, float(Decimal(value) / Decimal(most) * 100))):.1f}"


def _mood(percent: Decimal, pace: int | None) -> str:
    """Return whether somebody is on the way: behind by far is careful, ahead is good."""
    if pace is None:
        return "ok" if percent >= 100 else "warn"
    return "ok" if percent >= pace * Decimal("0.9") else "warn"
