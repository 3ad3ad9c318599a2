"""Random expressions of the sample world, each of a wanted kind."""

import functools
from collections.abc import Callable

from hypothesis import strategies as st

from app.expressions import BUILTIN

NUMBER_FIELDS = [
    "count", "price", "amount", "credit", "discount", "id", "owner.grade", "owner.manager.grade",
    "parent.price", "parent.amount", "parent.parent.discount", "app.silent_days", "my.grade",
    "about.id", "amount.base",
]  # fmt: skip
NUMBERS = ["0", "1", "2.5", "-3", "13", "0.01", "100"]
TEXT_FIELDS = ["name", "code", "address.city", "owner.name", "parent.name", "about.name"]
TEXTS = ["'a'", "'A'", "'%'", "'10'", "'重'", "'none'", "'ß'"]
DATE_FIELDS = ["signed_on", "due_on", "parent.signed_on", "today()"]
DATES = ["next_working_day(due_on)", "this('month')"]
MOMENT_FIELDS = ["created_at", "replied_at", "parent.created_at", "stage.since", "now()"]
DURATIONS = [
    "days(1)", "days(count)", "weeks(2)", "months(1)", "months(-13)", "years(1)", "hours(1)",
    "hours(25.5)", "minutes(id)", "effort", "-effort", "(days(2) - hours(1))",
]  # fmt: skip
RECORDS = ["owner", "parent", "record", "me", "about", "owner.manager", "parent.owner"]
OPTIONS = {
    "level": ["'a'", "'b'", "'c'"],
    "parent.level": ["'a'", "'b'", "'c'"],
    "stage": ["'new'", "'proposal'", "'won'"],
    "stage.previous": ["'new'", "'proposal'"],
    "region": ["'asia'", "'china'", "'europe'"],
    "address.province": ["'asia'", "'zhejiang'"],
}
PERIODS = [
    "this('day')", "this('week')", "previous('month')", "next('quarter')", "this('year')",
    "last(30, 'days')", "coming(count, 'weeks')", "last(1, 'year')",
]  # fmt: skip
ORDERS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])

Text = st.SearchStrategy[str]


def shortly(make: Callable[[int], Text]) -> Callable[[int], Text]:
    """Let a strategy be built once, and called by a short name in reports."""
    built = functools.cache(make)

    @st.composite
    def drawn(draw: st.DrawFn, depth: int) -> str:
        return draw(built(depth))

    drawn.__name__ = make.__name__
    return functools.cache(drawn)


def one_of(*texts: str) -> Text:
    return st.sampled_from(texts)


def build(pattern: str, **parts: Text) -> Text:
    """Return texts of the pattern with its places filled."""
    return st.fixed_dictionaries(parts).map(lambda found: pattern.format(**found))


@shortly
def numbers(depth: int) -> Text:
    leaves = one_of(*NUMBER_FIELDS, *NUMBERS)
    if not depth:
        return leaves
    n, d = numbers(depth - 1), days(depth - 1)
    return st.one_of(
        leaves,
        build("({a} {o} {b})", a=n, b=n, o=one_of("+", "-", "*", "/", "//", "%")),
        build("round({a}, {p})", a=n, p=one_of("0", "2", "-1")),
        build("{f}({a})", f=one_of("round", "abs", "-"), a=n),
        build("{f}({a}, {b})", f=one_of("min", "max", "sum"), a=n, b=n),
        build("({a} if {c} else {b})", a=n, b=n, c=conditions(depth - 1)),
        build("({a} or {b})", a=n, b=n),
        build("days_between({a}, {b})", a=d, b=d),
        build("{f}({a})", f=one_of("year", "month", "day", "weekday"), a=d),
        build("working_days_between({a}, {b})", a=days(0), b=days(0)),
        one_of("size(tags)", "size(parent.levels)"),
        questions(depth - 1),
    )


@shortly
def questions(depth: int) -> Text:
    condition = build(
        "quantity {o} {n} {w} customer.{c}",
        o=ORDERS,
        n=one_of("1", "record.count"),
        w=one_of("and", "or"),
        c=conditions_of_links(),
    )
    other = build(
        "{l} {o} record{r}",
        l=one_of("parent", "about"),
        o=one_of("==", "!="),
        r=one_of("", ".parent"),
    )
    return st.one_of(
        build("count(lines, {c})", c=condition),
        build("sum(lines.price, {c})", c=condition),
        build("{f}(lines.quantity)", f=one_of("avg", "lowest", "highest")),
        build("count(customer, {c})", c=other),
        build("pick(customer, {c}).price", c=other),
    )


def conditions_of_links() -> Text:
    return one_of(
        "level == 'a'", "active", "owner.active", "owner.grade > 1", "name is empty",
        "owner.manager.name != 'a'", "parent.level in ('a', 'b')",
    )  # fmt: skip


@shortly
def texts(depth: int) -> Text:
    leaves = one_of(*TEXT_FIELDS, *TEXT_FIELDS, *TEXTS)
    if not depth:
        return leaves
    t, n, d = texts(depth - 1), numbers(depth - 1), dates(depth - 1)
    return st.one_of(
        leaves,
        build("{f}({a})", f=one_of("lower", "trim"), a=t),
        build("({a} or {b})", a=t, b=t),
        build("({a} if {c} else {b})", a=t, b=t, c=conditions(depth - 1)),
        build("join({s}, {a}, {b}, {c})", s=one_of("' '", "', '", "name"), a=t, b=t, c=n),
        build("text({a}, 'd.M.yyyy')", a=d),
        build("text({a})", a=st.one_of(n, d, moments(depth - 1))),
        build("extract({a}, {p})", a=t, p=one_of(r"'[a-z]+|\d+'", "'.b?'", "'^.{2}'")),
    )


@shortly
def dates(depth: int) -> Text:
    leaves = one_of(*DATE_FIELDS)
    if not depth:
        return leaves
    d = dates(depth - 1)
    return st.one_of(
        leaves,
        build(
            "({a} {o} {l})",
            a=d,
            o=one_of("+", "-"),
            l=one_of("days(1)", "days(id)", "months(1)", "months(count)", "years(1)", "weeks(2)"),
        ),
        build("({a} or {b})", a=d, b=d),
        build("max({a}, {b})", a=d, b=d),
        build("({a} if {c} else {b})", a=d, b=d, c=conditions(depth - 1)),
        build("{f}_working_day({a})", f=one_of("next", "previous"), a=days(0)),
        build(
            "({a} {o} working_days({n}))",
            a=dates(0),
            o=one_of("+", "-"),
            n=one_of("0", "1", "5", "-3", "owner.grade"),
        ),
    )


@shortly
def moments(depth: int) -> Text:
    leaves = one_of(*MOMENT_FIELDS)
    if not depth:
        return leaves
    m = moments(depth - 1)
    return st.one_of(
        leaves,
        build("({a} {o} {l})", a=m, o=one_of("+", "-"), l=durations(depth - 1)),
        build("({a} or {b})", a=m, b=m),
        build("min({a}, {b})", a=m, b=days(depth - 1)),
        build("({a} if {c} else {b})", a=m, b=m, c=conditions(depth - 1)),
        build("({a} + hours(3))", a=dates(depth - 1)),
        build("({a} + working_days({n}))", a=moments(0), n=one_of("0", "2", "-2")),
        build("({a} - working_hours({n}))", a=moments(0), n=one_of("0", "3", "8", "-20", "1.5")),
    )


@shortly
def days(depth: int) -> Text:
    return st.one_of(dates(depth), moments(depth))


@shortly
def durations(depth: int) -> Text:
    leaves = one_of(*DURATIONS)
    if not depth:
        return leaves
    return st.one_of(
        leaves,
        build("({a} {o} {b})", a=durations(depth - 1), b=leaves, o=one_of("+", "-")),
        build("({a} if {c} else {b})", a=leaves, b=leaves, c=conditions(depth - 1)),
    )


def choices() -> Text:
    def compared(field: str) -> Text:
        options = one_of(*OPTIONS[field])
        listed = st.lists(options, min_size=1, max_size=3).map(", ".join)
        return st.one_of(
            build(f"{field} {{o}} {{v}}", o=ORDERS, v=options),
            build(f"{field} {{o}} ({{v}},)", o=one_of("in", "not in"), v=listed),
            build(f"{field} {{o}} empty", o=one_of("is", "is not")),
        )

    regions = build("under(region, {v})", v=one_of(*OPTIONS["region"]))
    levels = build("level {o} parent.level", o=ORDERS)
    return st.one_of(*map(compared, OPTIONS), regions, levels)


@shortly
def conditions(depth: int) -> Text:
    n, t, d, m = numbers(0), texts(0), dates(0), moments(0)
    inner = depth - 1
    if depth > 0:
        n, t, d, m = numbers(inner), texts(inner), dates(inner), moments(inner)
    day = st.one_of(d, m)
    period = one_of(*PERIODS)
    leaves: list[Text] = [
        choices(),
        one_of("active", "owner.active", "parent.active", "yes", "no", "in_view('good')"),
        build("{a} {o} {b}", a=n, b=n, o=ORDERS),
        build("{a} {o} {b}", a=t, b=t, o=ORDERS),
        build("{a} {o} {b}", a=day, b=day, o=ORDERS),
        build("{a} {o} '{b}'", a=day, o=ORDERS, b=one_of("2026-03-29", "2026-01-31")),
        build("{a} {o} '2026-03-29 03:30'", a=m, o=ORDERS),
        build("{a} {o} {b}", a=durations(max(inner, 0)), b=durations(0), o=ORDERS),
        build("{a} {o} {p}", a=day, o=one_of("in", "not in"), p=period),
        build("{a} {o} empty", a=st.one_of(n, t, day), o=one_of("is", "is not")),
        build("{a} {o} empty", a=one_of("tags", "address", "parent.address", "about", "lines"),
              o=one_of("is", "is not")),
        build("{a} {o} {b}", a=one_of(*RECORDS), b=one_of(*RECORDS), o=one_of("==", "!=")),
        build("{a} {o} my.subordinates", a=one_of("owner", "me", "parent.owner", "about"),
              o=one_of("in", "not in")),
        build("has({m}, {a})", m=one_of("tags", "my.roles", "parent.tags"), a=t),
        build("has({m}, level)", m=one_of("levels", "parent.levels")),
        build("count {o} (1, {x})", o=one_of("in", "not in"), x=one_of("2", "2.5", "-7")),
        build("opens {o} '09:00'", o=ORDERS),
        build("{f}({a}, {b})", f=one_of("contains", "starts"), a=t, b=t),
        build("matches({a}, {p})", a=t, p=one_of("'^a.*b'", r"'\d'", "'[^a-z]'", "'(a|b)+$'")),
        build("under({a}, {b})", a=one_of("parent", "record"), b=one_of("parent", "5", "record")),
        build("exists(lines, customer.{c})", c=conditions_of_links()),
        build("{a} == {b}", a=one_of("active", "owner.active"), b=one_of("yes", "no", "active")),
    ]  # fmt: skip
    if not depth:
        return st.one_of(*leaves)
    c = conditions(inner)
    combined: list[Text] = [
        build("({a} {o} {b})", a=c, b=c, o=one_of("and", "or")),
        build("not ({a})", a=c),
        build("({a} if {b} else {c})", a=c, b=c, c=c),
    ]
    return st.one_of(*leaves, *combined, *combined)


WORDS = one_of(
    *NUMBER_FIELDS, *TEXT_FIELDS, *DATE_FIELDS, *MOMENT_FIELDS, *DURATIONS, *RECORDS, *OPTIONS,
    "tags", "levels", "address", "lines", "active", "opens", "effort", "my.roles", "empty", "yes",
    "my.subordinates", "'2026-03-29'", "'09:00'", "'a'", "'new'", "5", "0", "2.5", "99999999999999999999",
    "('a', 'b')", "(1, 2.5)", "('2026-03-29',)", "this('month')", "last(3, 'days')",
)  # fmt: skip


@shortly
def anything(depth: int) -> Text:
    """Texts of the grammar without regard to types; the checker refuses most of them."""
    if not depth:
        return WORDS
    a = anything(depth - 1)
    functions = one_of(*sorted({*BUILTIN, "has", "under", "sum"} - {"split"}))
    return st.one_of(
        WORDS,
        build("({a} {o} {b})", a=a, b=a, o=one_of("+", "-", "*", "/", "//", "%", "and", "or")),
        build("({a} {o} {b})", a=a, b=a, o=one_of("==", "!=", "<", ">=", "in", "not in")),
        build("{f}({a})", f=functions, a=a),
        build("{f}({a}, {b})", f=functions, a=a, b=a),
        build("({a} if {c} else {b})", a=a, b=a, c=a),
        build("({a} is {n}empty)", a=a, n=one_of("", "not ")),
        build("{f} {a}", f=one_of("not", "-"), a=a),
        build("{f}(lines, {a})", f=one_of("count", "exists"), a=a),
        build("{f}(customer.{w}, {a})", f=one_of("sum", "lowest", "pick"), w=WORDS, a=a),
    )


KINDS: list[Callable[[int], Text]] = [numbers, texts, dates, moments, conditions, conditions]


def any_expression(depth: int = 2) -> Text:
    return st.one_of(*(kind(depth) for kind in KINDS))
