"""What makes sense, and what is said where something does not."""

import re
from pathlib import Path

import pytest

from app import expressions
from app.expressions import ExpressionProblem, Kind, check, parse
from app.expressions import types as t
from app.expressions.builtin import BUILTIN
from app.expressions.chinese import SENTENCES
from app.expressions.functions import Function, Functions, Parameter
from tests.unit.expressions.sample import LEVEL, SCOPE, SampleScope, checked, problem, work_out

ERRORS = [
    (
        "levle == 'a'",
        "unknown-name",
        1,
        "There is no field `levle` here. Did you mean `level` or `levels`?",
    ),
    ("old2", "unknown-name", 1, None),
    ("each.share", "unknown-name", 1, "`each` means nothing in this place."),
    (
        "active and parent.levl == 'a'",
        "unknown-field",
        19,
        "`customer` has no field `levl`. Did you mean `level` or `levels`?",
    ),
    (
        "about.nix",
        "unknown-field",
        7,
        None,
    ),
    (
        "address.town",
        "unknown-part",
        9,
        "`address` has no part `town`. There is `city`, `province`.",
    ),
    (
        "name.first",
        "unknown-part",
        6,
        "`name` is a text; it has no parts, so nothing can follow after the dot.",
    ),
    (
        "lines.price > 1",
        "many-values",
        7,
        (
            "`lines` holds many values, so `price` of it is not one. "
            "Ask for them together: `sum(lines.price)`, `exists(lines)`."
        ),
    ),
    ("secret == 1", "hidden-field", 1, "`secret` may not be read by you."),
    (
        "level == 'x'",
        "unknown-option",
        10,
        "`x` is no option of `level`. There is `a`, `b`, `c`.",
    ),
    (
        "stage in ('new', 'wonn')",
        "unknown-option",
        18,
        "`wonn` is no option of `stage`. Did you mean `won`?",
    ),
    ("under(region, 'africa')", "unknown-option", 15, None),
    (
        "signed_on > '2026-02-30'",
        "not-a-date",
        13,
        "`'2026-02-30'` is not a date such as `'2026-01-31'`.",
    ),
    ("created_at > 'now'", "not-a-date", 14, None),
    ("opens < '25:00'", "not-a-time", 9, "`'25:00'` is not a time such as `'09:00'`."),
    (
        "count == '5'",
        "not-comparable",
        1,
        (
            "`count` is a number and `'5'` is a text; they cannot be compared. "
            "Write `5` without quotes."
        ),
    ),
    (
        "name == 5",
        "not-comparable",
        1,
        "`name` is a text and `5` is a number; they cannot be compared. Write `'5'`.",
    ),
    (
        "active == 'yes'",
        "not-comparable",
        1,
        (
            "`active` is yes or no and `'yes'` is a text; they cannot be compared. "
            "Write `active` or `not active`."
        ),
    ),
    (
        "effort > 5",
        "not-comparable",
        1,
        (
            "`effort` is a duration and `5` is a number; they cannot be compared. "
            "Write `days(5)` or `hours(5)`."
        ),
    ),
    (
        "owner == 'bob'",
        "not-comparable",
        1,
        (
            "`owner` is a record and `'bob'` is a text; they cannot be compared. "
            "Compare a field of it, such as its name, or `me`, or another record."
        ),
    ),
    (
        "about == 'bob'",
        "not-comparable",
        1,
        (
            "`about` is a record and `'bob'` is a text; they cannot be compared. "
            "Write a record such as `'customer:12'`."
        ),
    ),
    (
        "about == 5",
        "not-comparable",
        10,
        ("`about` may be a record of `customer` or `user`: say which, as in `'customer:5'`."),
    ),
    (
        "owner == parent",
        "not-comparable",
        10,
        "`owner` is a record of `user`, `parent` of `customer`: never the same.",
    ),
    (
        "owner < me",
        "no-order",
        1,
        "`owner` is a record, which has no order; only `==` and `!=` compare it.",
    ),
    (
        "name == empty",
        "empty-compared",
        9,
        "An empty value equals nothing, not even another. Write `name is empty` or `is not empty`.",
    ),
    ("name != ''", "empty-compared", 9, None),
    (
        "tags == 'vip'",
        "many-values",
        1,
        "`tags` holds many values. Write `has(tags, …)` or compare `size(tags)`.",
    ),
    (
        "address == 'x'",
        "parts-compared",
        1,
        "`address` has several parts. Compare one: `address.city`, `address.province`.",
    ),
    (
        "signed_on == this('week')",
        "period-alone",
        14,
        "A period is compared by `in`: `signed_on in …`.",
    ),
    ("this('week')", "period-alone", 1, None),
    ("name in this('week')", "not-a-date", 1, "`name` is a text; only dates lie in a period."),
    (
        "name in code",
        "not-many",
        9,
        (
            "`code` is a text. After `in` comes a list such as `('a', 'b')`, a field of many values "
            "or a period. To look into a text, write `contains(code, name)`."
        ),
    ),
    ("level in ()", "empty-series", 10, "There is nothing between the brackets."),
    (
        "owner in tags",
        "not-comparable",
        1,
        "`owner` is a record; `tags` holds a text each.",
    ),
    (
        "has(name, 'a')",
        "not-many",
        5,
        "`name` is a text, not many values. Write `name == …`.",
    ),
    (
        "name and active",
        "wrong-type",
        1,
        (
            "`name` is a text; yes or no is needed here. "
            "Write `name is not empty`, or compare it with something."
        ),
    ),
    ("not count", "wrong-type", 5, None),
    ("1 if count else 2", "wrong-type", 6, None),
    ("name or count", "mixed-types", 9, "These are a text and a number; they must be alike."),
    ("name if active else 5", "mixed-types", 21, None),
    (
        "name + code",
        "not-a-number",
        1,
        (
            "`name` is a text; `+` calculates with numbers. "
            "To put texts together, write `join(' ', a, b)`."
        ),
    ),
    (
        "due_on - signed_on",
        "wrong-type",
        1,
        (
            "`due_on` is a date and `signed_on` is a date; `-` does not join them. "
            "Write `days_between(signed_on, due_on)`."
        ),
    ),
    (
        "today() + 3",
        "wrong-type",
        1,
        (
            "`today()` is a date and `3` is a number; `+` does not join them. "
            "Say of what: `days(3)` or `hours(3)`."
        ),
    ),
    (
        "created_at * 2",
        "not-a-number",
        1,
        (
            "`created_at` is a date with time. Add a duration to it (`created_at + days(2)`), "
            "or count with `days_between(a, b)`."
        ),
    ),
    ("-name", "not-a-number", 2, "`name` is a text; it has no sign."),
    (
        "working_days(2) > working_days(1)",
        "working-duration",
        1,
        None,
    ),
    ("days(1) + working_days(1)", "mixed-types", 1, None),
    ("hours(1) * 2", "not-a-number", 1, None),
    (
        "lowr(name)",
        "unknown-function",
        1,
        "There is no function `lowr`. Did you mean `lower` or `lowest`?",
    ),
    ("eval('1')", "unknown-function", 1, None),
    (
        "round()",
        "wrong-arguments",
        1,
        "It is written `round(number, [places])`; here are no arguments.",
    ),
    ("lower(name, code)", "wrong-arguments", 1, None),
    ("now(1)", "wrong-arguments", 1, "It is written `now()`; here is 1 argument."),
    (
        "round('a')",
        "wrong-type",
        7,
        "`'a'` is a text; number of `round` is a number or an amount of money or a percentage.",
    ),
    ("lower(count)", "wrong-type", 7, None),
    (
        "round(price, count)",
        "not-fixed",
        14,
        "`count` is worked out; places must stand here itself, as a number.",
    ),
    ("round(price, 1.5)", "wrong-value", 14, None),
    ("signed_on in this('decade')", "wrong-value", 19, None),
    ("matches(name, '(a')", "wrong-value", 15, "A `(` in the pattern `(a` is never closed."),
    (
        "text(signed_on, 'jjjj')",
        "wrong-value",
        17,
        (
            "`j` in the pattern `jjjj` is none of `yyyy`, `yy`, `MM`, `M`, `dd`, `d`, `HH`, `mm`, "
            "`ss`, `Q`."
        ),
    ),
    ("size(lines)", "many-values", 6, "`lines` are lines. Write `count(lines)`."),
    (
        "count(contact)",
        "not-an-entity",
        7,
        "`contact` is neither an entity nor lines of this record, so `count` has no records to ask.",
    ),
    ("sum(customer)", "which-field", 5, "Say which field: `sum(customer.…)`."),
    ("avg(customer.name)", "wrong-type", 5, "`customer.name` is a text; `avg` needs numbers."),
    ("highest(customer.level)", "wrong-type", 9, None),
    ("count(lines.price)", "no-field", 7, "`count` counts records, so it takes no field."),
    ("count(lines, price)", "wrong-type", 14, None),
    ("count(lines, nothing > 1)", "unknown-name", 14, None),
    ("sum(lines.price).x", "no-parts", 1, None),
    ("in_view('godo')", "unknown-view", 9, "There is no view `godo` here. Did you mean `good`?"),
    ("in_view(name)", "not-fixed", 9, None),
    ("changed(parent.name)", "not-a-field", 9, None),
    ("under(name, 'a')", "not-a-tree", 7, None),
    ("under(owner, me)", "not-a-tree", 7, None),
]


@pytest.mark.parametrize(("text", "code", "column", "message"), ERRORS)
def test_mistake_is_told_with_place_and_advice(text, code, column, message):
    found = problem(text)
    assert (found.code, found.column) == (code, column), found.message
    assert message is None or found.message == message
    assert found.column <= found.end_column <= len(text) + 1


def test_suggestions_come_apart_from_the_sentence():
    assert problem("levle == 'a'").suggestions == ("level", "levels")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("count + 1", Kind.number),
        ("amount + credit", Kind.money),
        ("amount * 2", Kind.money),
        ("2 * amount", Kind.money),
        ("amount / credit", Kind.number),
        ("1 / amount", Kind.number),
        ("amount / 2", Kind.money),
        ("amount * discount", Kind.money),
        ("1 - discount", Kind.number),
        ("discount + discount", Kind.percent),
        ("discount * discount", Kind.number),
        ("round(discount, 1)", Kind.percent),
        ("max(count, discount)", Kind.number),
        ("signed_on + days(1)", Kind.date),
        ("signed_on + hours(1)", Kind.datetime),
        ("signed_on + (days(1) if active else hours(1))", Kind.datetime),
        ("created_at + days(1)", Kind.datetime),
        ("created_at - replied_at", Kind.duration),
        ("max(signed_on, created_at)", Kind.datetime),
        ("signed_on or created_at", Kind.datetime),
        ("level or 'a'", Kind.choice),
        ("level or 'none'", Kind.text),
        ("level or region", Kind.text),
        ("owner.manager", Kind.record),
        ("address.province", Kind.choice),
        ("amount.base", Kind.money),
        ("stage.since", Kind.datetime),
        ("count(lines)", Kind.number),
        ("exists(lines)", Kind.boolean),
        ("sum(customer.amount)", Kind.money),
        ("pick(customer)", Kind.record),
        ("pick(customer).signed_on", Kind.date),
        ("my.roles", Kind.many),
        ("yes", Kind.boolean),
        ("empty", Kind.empty),
        ("input.anything.at.all", Kind.any),
    ],
)
def test_types_follow_from_types(text, kind):
    assert checked(text).type.kind is kind


@pytest.mark.parametrize(
    ("text", "want", "kind"),
    [
        ("'2026-01-31'", t.DATE, Kind.date),
        ("'2026-01-31 09:00'", t.DATETIME, Kind.datetime),
        ("today()", t.DATETIME, Kind.datetime),
        ("now()", t.DATE, Kind.date),
        ("count / 7", t.PERCENT, Kind.percent),
        ("discount", t.NUMBER, Kind.number),
        ("'a'", LEVEL, Kind.choice),
        ("level", t.TEXT, Kind.choice),
        ("3", t.MONEY, Kind.number),
        ("empty", t.DATE, Kind.date),
        ("abs(empty)", t.NUMBER, Kind.number),
        ("empty if active else signed_on", t.DATE, Kind.date),
        ("me", t.record_type("user"), Kind.record),
        ("('a', 'b')", t.many(LEVEL), Kind.many),
        ("'a'", t.many(LEVEL), Kind.many),
        ("input.x", t.BOOLEAN, Kind.boolean),
    ],
)
def test_results_are_fitted_to_their_place(text, want, kind):
    assert checked(text, want).type.kind is kind


@pytest.mark.parametrize(
    ("text", "want", "message"),
    [
        ("name", t.BOOLEAN, "`name` is a text; yes or no is needed here. Write `name is not empty`, or compare it with something."),
        ("count", t.TEXT, "`count` is a number; a text is needed here. Write `text(count)`."),
        ("3", t.DURATION, "`3` is a number; a duration is needed here. Write `days(3)` or `hours(3)`."),
        ("name", LEVEL, "`name` is a text; a choice is needed here."),
        ("owner", t.record_type("customer"), "`owner` is a record of `user`; `customer` is needed."),
        ("'d'", LEVEL, "`d` is no option. There is `a`, `b`, `c`."),
        ("'tomorrow'", t.DATE, "`'tomorrow'` is not a date such as `'2026-01-31'`."),
    ],
)  # fmt: skip
def test_results_that_do_not_fit_are_refused(text, want, message):
    assert problem(text, want).message == message


def test_changed_asks_about_a_write():
    roots = {name: type_ for name, type_ in SCOPE.roots.items() if name != "old"}
    with pytest.raises(ExpressionProblem) as caught:
        check(parse("changed(stage)"), SampleScope(SCOPE.fields, roots))
    assert caught.value.message == "`changed` asks about a write; it stands in rules and checks."


def test_people_are_told_in_their_language():
    found = problem("levle == 'a'")
    assert found.label.in_language("zh") == (
        "这里没有字段 `levle` 。您是不是想写 `level`、`levels`？"
    )
    assert found.label.in_language("en") == found.message
    assert found.as_json("zh")["error"]["column"] == 1
    assert (found.status, found.code) == (400, "unknown-name")
    assert problem("name == 'a").label.in_language("zh").startswith("无法读懂表达式")


def test_every_kind_of_mistake_has_a_chinese_sentence():
    room = Path(expressions.__file__).parent
    source = "".join(path.read_text() for path in room.glob("*.py") if path.stem != "chinese")
    raised = re.findall(r'(?:mistake(?:_at)?|ExpressionProblem|refuse)\(\s*"([a-z-]+)"', source)
    assert len(set(raised)) > 40
    assert set(raised) <= set(SENTENCES)


def test_what_an_expression_reads_is_known():
    found = checked(
        "parent.level == 'a' and amount > 1000 and changed(stage) and old.count < count "
        "and owner in my.subordinates and sum(lines.price, quantity > record.count) > app.silent_days"
    )
    assert found.names == {
        "parent.level",
        "amount",
        "stage",
        "old.count",
        "count",
        "owner",
        "my.subordinates",
        "record.count",
        "app.silent_days",
    }
    assert found.asked == {"lines": {"price", "quantity"}}
    assert found.asks_other_records
    assert found.uses_old
    assert found.is_volatile


@pytest.mark.parametrize(
    ("text", "is_volatile"),
    [
        ("count > 1", False),
        ("app.silent_days > 1", False),
        ("signed_on in this('week')", True),
        ("owner == me", True),
        ("me.active", True),
        ("today() > signed_on", True),
        ("signed_on + days(3) > due_on", False),
    ],
)
def test_only_today_now_and_me_are_volatile(text, is_volatile):
    assert checked(text).is_volatile is is_volatile


def test_view_brings_along_what_it_reads():
    found = checked("in_view('good') and count > 1")
    assert found.names == {"level", "active", "count"}
    assert work_out("in_view('good')", level="a", active=True) is True


def test_a_link_called_like_an_entity_is_no_lines():
    found = checked("avg(customer.parent.count)")
    assert found.asked == {"customer": {"parent.count"}}
    by_link = checked("highest(user.manager.grade)")
    assert by_link.asked == {"user": {"manager.grade"}}


def test_yes_and_no_give_way_to_fields_of_that_name():
    class WithNo(type(SCOPE)):
        def find(self, name):
            return t.TEXT if name == "no" else super().find(name)

    scope = WithNo(SCOPE.fields)
    assert check(parse("no"), scope).type is t.TEXT
    assert check(parse("yes"), scope).type is t.BOOLEAN


def test_amounts_of_different_records_meet_in_the_base_currency():
    values = {"amount": 5, "parent__amount": 700, "amount__base": 35, "parent__amount__base": 7}
    assert work_out("amount > parent.amount", **values) is True
    assert work_out("amount > credit", amount=5, credit=4, amount__base=3) is True
    assert work_out("amount > 10", amount=5, amount__base=35) is True


def test_plugins_add_functions_to_a_copy():
    double = Function(
        "double",
        (Parameter("number", frozenset({Kind.number})),),
        t.NUMBER,
        python=lambda _, value: value * 2,
        sql=lambda _, column: column * 2,
    )
    functions = BUILTIN.including([double])
    assert check(parse("double(count)"), SCOPE, functions=functions).type is t.NUMBER
    assert "double" not in BUILTIN
    with pytest.raises(ValueError, match="`lower` is there already"):
        Functions([BUILTIN["lower"], BUILTIN["lower"]])
    with pytest.raises(ValueError, match="`count` is there already"):
        BUILTIN.including([Function("count", (), t.NUMBER, python=lambda _: 1, sql=None)])
