"""Dashboards, targets and homes: what is written, what it becomes, what is refused."""

from datetime import date

import pytest

from app.definitions.load import load_files
from app.definitions.periods import (
    Span,
    a_year_before,
    finer,
    moved,
    parts_of,
    read_period,
    span_of,
    up_to,
)

BASE = {
    "app.yaml": "name: Figures\ncurrencies: [CNY, EUR]\n",
    "roles.yaml": "roles:\n  sales: {scope: own, may: [read], home: sales}\n",
    "entities/deal.yaml": """
entity: deal
title: name
fields:
  name: {type: text}
  amount: {type: money, currency: currency}
  currency: {type: currency}
  stage: {type: choice, options: [open, won]}
  product: {type: text}
  marks: {type: choices, options: [x, y]}
  closed_on: {type: date}
  aide: {type: user}
  lines:
    type: lines
    fields:
      product: {type: text}
      price: {type: money}
screens:
  views:
    open: {where: stage == 'open'}
""",
}
TODAY = date(2026, 11, 24)


def load(figures, more="", types=None, **files):
    text = f"dashboard: sales\nfigures:\n{figures}"
    return load_files({**BASE, "dashboards/sales.yaml": text + more, **files}, types)


def test_figures_become_what_they_say(types):
    loaded = load(
        """
  - {label: Won, value: "sum(deal.amount, stage == 'won')", date: closed_on, chart: line}
  - {label: Rate, value: "count(deal, stage == 'won') / count(deal)", date: created_at}
  - {label: Each, value: sum(deal.amount) / count(deal), as: money}
  - {label: By product, value: sum(deal.lines.price), chart: ranking, by: product}
  - {label: By helper, value: count(deal), of: aide, chart: bar, by: department, top: 3}
  - {view: deal.open, top: 5}
  - {target: won, by: department}
""",
        """---
target: won
value: sum(deal.amount, stage == 'won')
date: closed_on
levels: [base, stretch]
edit: sales
""",
        types,
    )
    assert [str(one) for one in loaded.problems] == []
    sales = loaded.catalog.dashboards["sales"]
    assert [
        (one.label.in_language("en"), one.chart, one.shown_as, one.of, one.by)
        for one in sales.figures
    ] == [
        ("Won", "line", "money", "owner", "time"),
        ("Rate", "number", "percent", "owner", ""),
        ("Each", "number", "money", "owner", ""),
        ("By product", "ranking", "money", "owner", "product"),
        ("By helper", "bar", "number", "aide", "department"),
        ("Open", "table", "number", "", ""),
        ("Won", "table", "money", "owner", "department"),
    ]
    assert (sales.period, sales.people) == ("this month", "all")
    # Amounts of several currencies are added up in the base currency.
    assert sales.figures[0].asks[0].value.name == "amount.base"
    target = loaded.catalog.targets["won"]
    assert (target.per, target.levels) == (("company", "department", "user"), ("base", "stretch"))
    assert (target.edit, target.entity) == (("sales",), "deal")


@pytest.mark.parametrize(
    ("figure", "code", "words"),
    [
        ("value: count(dael)", "bad-expression", "neither an entity"),
        ("value: amount", "unknown-field", "no field `amount`"),
        ("value: 5 + 3", "bad-expression", "asks no records"),
        ("value: pick(deal).name", "bad-expression", "gives no number"),
        ("value: highest(deal.closed_on)", "wrong-field-type", "a figure is made of numbers"),
        ("value: count(deal), date: closed_no", "unknown-field", "Did you mean `closed_on`"),
        ("value: count(deal), date: name", "wrong-field-type", "not a date"),
        ("value: count(deal), compare: previous", "missing-key", "Add `date: FIELD`"),
        ("value: count(deal), chart: bar, by: month", "missing-key", "Add `date: FIELD`"),
        ("value: count(deal), chart: bar, by: stge", "unknown-field", "Did you mean `stage`"),
        ("value: count(deal), chart: bar, by: closed_on", "wrong-field-type", "`by: month`"),
        ("value: count(deal), chart: bar, by: marks", "wrong-field-type", "makes no groups"),
        ("value: count(deal), chart: pie", "missing-key", "no `by`"),
        ("value: count(deal), chart: donut", "unknown-word", "chart"),
        ("value: count(deal), of: name", "wrong-field-type", "not one person"),
        ("value: count(deal), period: this mnth", "unknown-word", "Did you mean `this month`"),
        ("value: count(deal), view: deal.open", "conflicting-keys", "not both"),
        ("label: Nothing", "missing-key", "a `value`, a `view` or a `target`"),
        ("view: deal.opn", "unknown-view", "Did you mean `open`"),
        ("view: dael.open", "unknown-entity", "Did you mean `deal`"),
        ("value: count(deal), also_label: X", "missing-key", "without `also`"),
        ("value: count(deal), columns: [name]", "conflicting-keys", "goes with a `view`"),
        ("view: deal.open, columns: [nmae]", "unknown-field", "Did you mean `name`"),
        ("target: wno", "unknown-target", "is not a target"),
        ("value: count(deal), tpo: 3", "unknown-key", "Did you mean `top`"),
    ],
)
def test_a_wrong_figure_is_told_with_its_place(types, figure, code, words):
    loaded = load(f"  - {{{figure}}}\n", types=types)
    (problem, *_) = loaded.problems
    assert problem.code == code
    assert words in str(problem.message) + str(problem.hint)
    assert (problem.place.file, problem.place.line) == ("dashboards/sales.yaml", 3)


def test_a_home_that_is_no_page_is_refused_and_a_menu_may_hold_dashboards(types):
    figure = "  - {value: count(deal)}\n"
    roles = "roles:\n  sales: {scope: own, may: [read], home: slaes}\n"
    (problem,) = load(figure, types=types, **{"roles.yaml": roles}).problems
    assert (problem.code, problem.suggestions[0]) == ("unknown-dashboard", "sales")
    for home in ("deal", "bench", "sales"):
        good = roles.replace("slaes", home)
        assert load(figure, types=types, **{"roles.yaml": good}).problems == []
    menu = BASE["app.yaml"] + "modules: {all: {has: [deal, dashboard sales]}}\n"
    assert load(figure, types=types, **{"app.yaml": menu}).problems == []


def test_a_target_nobody_owns_is_only_the_companys(types):
    entity = BASE["entities/deal.yaml"].replace("title: name", "title: name\nowned: no")
    target = "---\ntarget: won\nvalue: count(deal)\ndate: closed_on\n"
    figure = "  - {value: count(deal)}\n"
    loaded = load(figure, target, types, **{"entities/deal.yaml": entity})
    assert [one.code for one in loaded.problems] == ["missing-key"]
    target += "per: company\n"
    assert load(figure, target, types, **{"entities/deal.yaml": entity}).problems == []


@pytest.mark.parametrize(
    ("text", "first", "last", "signs"),
    [
        ("today", "2026-11-24", "2026-11-24", "2026-11-24"),
        ("this week", "2026-11-23", "2026-11-29", "2026-W48"),
        ("previous month", "2026-10-01", "2026-10-31", "2026-10"),
        ("this quarter", "2026-10-01", "2026-12-31", "2026-Q4"),
        ("previous year", "2025-01-01", "2025-12-31", "2025"),
        ("last 30 days", "2026-10-26", "2026-11-24", "2026-10-26..2026-11-24"),
        ("last 12 months", "2025-12-01", "2026-11-30", "2025-12-01..2026-11-30"),
        ("2026-Q1", "2026-01-01", "2026-03-31", "2026-Q1"),
        ("2026-01-01..2026-03-31", "2026-01-01", "2026-03-31", "2026-Q1"),
    ],
)
def test_periods_are_days(text, first, last, signs):
    span = read_period(text, TODAY)
    assert (span.first.isoformat(), span.last.isoformat(), span.signs) == (first, last, signs)
    assert read_period(signs, TODAY).signs == signs


@pytest.mark.parametrize(
    "text",
    ["", "soon", "2026-13", "2026-W60", "last 0 days", "2026-02-30", "0001", "9999",
     "2026-03-01..2026-02-01", "1900-01-01..2100-01-01", "٢٠٢٦"],
)  # fmt: skip
def test_what_is_no_period_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the caller says the sentence.
        read_period(text, TODAY)


def test_a_period_under_way_is_told_beside_as_many_days():
    month = span_of("month", TODAY)
    assert up_to(month, moved(month, -1), TODAY).last == date(2026, 10, 24)
    assert up_to(moved(month, -1), moved(month, -2), TODAY).last == date(2026, 9, 30)
    march = span_of("month", date(2026, 3, 31))
    assert moved(march, -1) == Span("month", date(2026, 2, 1), date(2026, 2, 28))
    assert a_year_before(span_of("quarter", TODAY)).signs == "2025-Q4"
    year = span_of("year", TODAY)
    assert [one.signs for one in parts_of(year, "quarter", TODAY)][-1] == "2026-Q4"
    assert [finer(one) for one in (month, year, span_of("quarter", TODAY))] == [
        "day", "month", "week",
    ]  # fmt: skip
