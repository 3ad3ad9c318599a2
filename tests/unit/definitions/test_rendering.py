"""How problems look: one line each, the line of the file with a caret, a count."""

from app.definitions.catalog import Place
from app.definitions.problems import (
    Code,
    Problem,
    Severity,
    did_you_mean,
    nearest,
    render_problems,
)


def a_problem(line=1, column=1, end=2, file="app.yaml", severity=Severity.error):
    return Problem(
        Code.unknown_key, severity, Place(file, line, column), "Wrong.", "Mend it.", end_column=end
    )


def test_chinese_before_the_caret_takes_two_cells():
    text = "label: {en: A, zh: 客户}, b: c\n"
    shown = render_problems([a_problem(1, 24, 25)], {"app.yaml": text})
    assert shown.splitlines()[1:3] == [
        "    1 | label: {en: A, zh: 客户}, b: c",
        "      |                          ^",
    ]


def test_a_long_line_is_cut_around_the_caret():
    text = "a: " + "x" * 300 + "HERE" + "y" * 300
    shown = render_problems([a_problem(1, 304, 308)], {"app.yaml": text}).splitlines()
    assert "HERE" in shown[1]
    assert len(shown[1]) < 125
    assert shown[1].index("HERE") == shown[2].index("^^^^")


def test_problems_are_sorted_counted_and_told_once():
    problems = [
        a_problem(3),
        a_problem(1, file="b.yaml"),
        a_problem(3),
        a_problem(2, severity=Severity.warning),
    ]
    lines = render_problems(problems, {}, prefix="config/").splitlines()
    assert [line.split(": ")[0] for line in lines[:3]] == [
        "config/app.yaml:2:1", "config/app.yaml:3:1", "config/b.yaml:1:1"
    ]  # fmt: skip
    assert lines[3:] == ["2 files with problems: 2 errors, 1 warning. Nothing was changed."]


def test_no_problems_are_no_problems():
    assert render_problems([], {}) == "No problems."
    assert render_problems([], {}, "json") == "[]"


def test_warnings_alone_do_not_say_that_nothing_was_changed():
    shown = render_problems([a_problem(severity=Severity.warning)], {})
    assert shown.endswith("1 file with problems: 1 warning.")


def test_did_you_mean_gives_up_to_three_and_else_the_legal_words():
    assert nearest("amout", ["amount", "account", "name"]) == ("amount", "account")
    assert did_you_mean(("amount",)) == "Did you mean `amount`?"
    assert did_you_mean((), ["b", "a"], "Types") == "Types: `a`, `b`."
    assert did_you_mean((), list("abcdefghij")).endswith("`h` and 2 more.")
