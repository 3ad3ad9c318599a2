"""What can be read at all."""

import ast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.expressions import ExpressionProblem, parse


def refused(text: str) -> ExpressionProblem:
    with pytest.raises(ExpressionProblem) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "code", "column", "message"),
    [
        ("", "empty-expression", 1, "There is no expression here. Write one."),
        ("a = 1", "foreign-sign", 3, "`=` is not known here. Write `==`."),
        ("a && b", "foreign-sign", 3, "`&&` is not known here. Write `and`."),
        ("a || b", "foreign-sign", 3, "`||` is not known here. Write `or`."),
        ("!a", "foreign-sign", 1, "`!` is not known here. Write `not`."),
        ("a <> b", "foreign-sign", 3, "`<>` is not known here. Write `!=`."),
        ("a === b", "foreign-sign", 3, "`===` is not known here. Write `==`."),
        ("name == “a”", "full-width-sign", 9, '`“` is a full-width sign. Write `"`.'),
        ("sum(a，b)", "full-width-sign", 6, "`，` is a full-width sign. Write `,`."),
        (
            "'重，点' == 级 别",
            "not-an-expression",
            12,
            "The expression cannot be read from `别` on.",
        ),
        ("(a + 1", "not-an-expression", 1, "The bracket `(` is never closed."),
        ("a + 1)", "not-an-expression", 6, "The bracket `)` closes nothing."),
        (
            "name == 'a",
            "not-an-expression",
            9,
            "The quoted text that begins here has no closing quote.",
        ),
        ("a +", "not-an-expression", 4, "The expression ends too early; something is missing."),
        ("a if b", "not-an-expression", 1, None),
        ("a\0b", "not-an-expression", 2, None),
        (
            "a is b",
            "is-what",
            1,
            "After `is` comes `empty` or `not empty`. To compare, write `==`.",
        ),
        ("a is not 2", "is-what", 1, None),
        ("name.lower()", "not-a-function", 1, None),
        ("round(a, places=2)", "named-argument", 1, None),
        ("'a'.b", "no-parts", 1, None),
        ("None", "foreign-construct", 1, "`None` is no value of this language."),
        ("0x10", "foreign-construct", 1, "`0x10` is no value of this language."),
        ("1e9", "foreign-construct", 1, "`1e9` is no value of this language."),
        ("'a' 'b'", "foreign-construct", 1, None),
        ("r'a'", "foreign-construct", 1, None),
    ],
)
def test_unreadable_text_is_refused_with_its_place(text, code, column, message):
    problem = refused(text)
    assert (problem.code, problem.column) == (code, column)
    assert message is None or problem.message == message


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9",
        "lambda: 1",
        "(lambda: 1)()",
        "[x for x in y]",
        "{x for x in y}",
        "{1: 2}",
        "a[0]",
        "a[1:2]",
        "f'{a}'",
        "(a := 1)",
        "a.__class__",
        "a.__class__.__mro__",
        "__import__('os')",
        "_a",
        "a._b",
        "f(*a)",
        "f(**a)",
        "f()()",
        "a.b()",
        "a @ b",
        "a & b",
        "a << 999999999",
        "~a",
        "await a",
        "b'x'",
        "...",
        "1j",
        "print('x'); 1",
        "import os",
        "x if True",
        "a\nimport os",
    ],
)
def test_x6_only_the_language_itself_is_read(text):
    """X6: attribute walk, call, power bombs and loops are refused when the text is read."""
    problem = refused(text)
    assert problem.message
    assert 1 <= problem.column <= len(text) + 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1" + " + 1" * 600, "too-long"),
        ("a in (" + "1," * 600 + ")", "too-many-parts"),
        ("-" * 60 + "1", "too-deep"),
        ("not " * 60 + "a", "too-deep"),
        ("(" * 900 + "1" + ")" * 900, "too-deep"),
        ("f(" * 60 + "1" + ")" * 60, "too-deep"),
        ("a" * 2_001, "too-long"),
    ],
)
def test_x6_size_is_limited(text, code):
    assert refused(text).code == code


def test_limits_name_the_real_bounds():
    assert refused("a" * 2_001).message.startswith(
        "The expression has 2,001 characters; at most 2,000 are read."
    )


def test_line_ends_and_indents_are_blanks():
    expression = parse("  a == 1\n  and b\n")
    assert isinstance(expression.tree, ast.BoolOp)
    assert expression.source(expression.tree.values[0]) == "a == 1"


def test_places_are_counted_in_characters():
    expression = parse("客户 == '重点' and level")
    second = expression.tree.values[1]
    assert (expression.start(second), expression.source(second)) == (15, "level")


def test_quoted_text_keeps_backslashes_of_patterns():
    expression = parse(r"matches(a, '\d+\'\\')")
    assert expression.quoted(expression.tree.args[1]) == r"\d+'" + "\\"


def test_words_of_python_may_follow_a_dot():
    expression = parse("input.from == 'x.from' and input.class is not empty")
    names = [node.attr for node in ast.walk(expression.tree) if isinstance(node, ast.Attribute)]
    assert sorted(names) == ["class", "from"]


def problem_of(text: str) -> ExpressionProblem | None:
    try:
        parse(text)
    except ExpressionProblem as problem:
        return problem
    return None


@given(st.text(max_size=60))
@example("\ud800")
@example("a" + "\N{COMBINING ACUTE ACCENT}" * 5)
@settings(max_examples=300)
def test_any_text_is_read_or_refused_by_a_sentence(text):
    problem = problem_of(text)
    assert problem is None or problem.message.endswith((".", "`"))


@given(
    st.lists(
        st.sampled_from(
            [
                "a",
                "b.c",
                "1",
                "2.5",
                "'x'",
                "(",
                ")",
                ",",
                "+",
                "-",
                "*",
                "/",
                "%",
                "//",
                "==",
                "!=",
                "<",
                "in",
                "not",
                "is",
                "empty",
                "and",
                "or",
                "if",
                "else",
                "f(",
                "[",
                "]",
                ".",
                "=",
            ]
        ),
        max_size=15,
    )
)
@settings(max_examples=300)
def test_any_words_are_read_or_refused(words):
    text = " ".join(words)
    problem = problem_of(text)
    assert problem is None or 1 <= problem.column <= len(text) + 2
