"""docs/expressions.md: every function is there, and every example is one."""

import re
from pathlib import Path

import pytest

from app.expressions import BUILTIN
from app.expressions.functions import SPECIAL
from tests.unit.expressions.sample import checked

PAGE = (Path(__file__).parents[3] / "docs" / "expressions.md").read_text(encoding="utf-8")
FUNCTIONS = PAGE.partition("## Functions")[2].partition("## What empty means")[0]
ROWS = [line.split("|")[1] for line in FUNCTIONS.splitlines() if line.startswith("| `")]
EXAMPLES = [example for row in ROWS for example in re.findall(r"`([^`]+)`", row)]


@pytest.mark.parametrize("name", sorted([*BUILTIN, *SPECIAL]))
def test_every_function_has_an_example(name):
    assert any(re.search(rf"\b{name}\(", example) for example in EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_an_expression(example):
    assert checked(example)


@pytest.mark.parametrize("function", BUILTIN.values(), ids=lambda function: function.name)
def test_every_function_has_a_sentence(function):
    assert re.fullmatch(r"[A-Z].*\.", function.summary)


def test_the_plugin_example_runs():
    code = PAGE.rpartition("```python")[2].partition("```")[0]
    names: dict = {}
    exec(code, names)
    assert BUILTIN.including([names["double"]])["double"].signature == "double(number)"
