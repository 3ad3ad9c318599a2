"""Tests of a configuration: their shape, and that what they name is there."""

import pytest

from app.definitions.load import load_files
from tests.unit.definitions.test_rules import FILES, SAY

RULE = f"rule: greet\nentity: customer\nwhen: {{on: create}}\ndo:\n{SAY}"
HEAD = """test: It greets
now: 2026-03-02 09:00
given:
  ann: {user: {roles: [sales]}}
  acme: {customer: {name: Acme, owner: ann}}
steps:
"""


def told(types, text):
    files = {**FILES, "workflows/r.yaml": RULE, "tests/t.yaml": text}
    return [
        (one.place.line, one.place.column, str(one.code))
        for one in load_files(files, types).problems
        if one.place.file == "tests/t.yaml"
    ]


def test_a_test_is_kept_with_the_places_of_its_steps(types):
    text = (
        HEAD
        + "  - {at: 2026-03-03, expect: {fires: greet, acme: {level: a}}}\n  - {after: 2 days}\n"
    )
    files = {**FILES, "workflows/r.yaml": RULE, "tests/t.yaml": text}
    loaded = load_files(files, types)
    assert [str(one) for one in loaded.problems] == []
    (test,) = loaded.catalog.automation.tests
    assert (test.name, test.now, test.place.line) == ("It greets", "2026-03-02 09:00", 1)
    assert dict(test.given["acme"]) == {"customer": {"name": "Acme", "owner": "ann"}}
    assert [step["place"].line for step in test.steps] == [7, 8]
    assert test.steps[0]["expect"]["records"] == {"acme": {"level": "a"}}
    assert test.steps[1]["after"].text == "now() + days(2)"


@pytest.mark.parametrize(
    ("text", "line", "column", "code"),
    [
        ("test: x\nnow: 2026-03-02 09:00\n", 1, 1, "missing-key"),
        ("test: x\nnow: monday\nsteps: [{at: 2026-03-03}]\n", 2, 6, "not-a-date"),
        (HEAD.replace("roles: [sales]", "roles: [saels]") + "  - {at: 2026-03-03}\n", 4, 23, "unknown-role"),
        (HEAD.replace("customer:", "custmer:") + "  - {at: 2026-03-03}\n", 5, 9, "unknown-entity"),
        (HEAD.replace("{name:", "{nam:") + "  - {at: 2026-03-03}\n", 5, 21, "unknown-field"),
        (HEAD + "  - {as: ann}\n", 7, 5, "missing-key"),
        (HEAD + "  - {as: bob, read: acme}\n", 7, 10, "unknown-record"),
        (HEAD + "  - {read: acme, delete: acme}\n", 7, 18, "conflicting-keys"),
        (HEAD + "  - {read: acme, set: {level: a}}\n", 7, 18, "conflicting-keys"),
        (HEAD + "  - {update: acme}\n", 7, 5, "missing-key"),
        (HEAD + "  - {update: acme, set: {levl: a}}\n", 7, 26, "unknown-field"),
        (HEAD + "  - {press: gret, on: acme}\n", 7, 13, "unknown-rule"),
        (HEAD + "  - {expect: {remindrs: 1}}\n", 7, 15, "unknown-key"),
        (HEAD + "  - {expect: {to: ann}}\n", 7, 15, "conflicting-keys"),
        (HEAD + "  - {expect: {acme: {levl: a}}}\n", 7, 22, "unknown-field"),
        (HEAD + "  - {expect: {count: {custmer: 1}}}\n", 7, 32, "unknown-entity"),
        (HEAD + "  - {after: soon}\n", 7, 13, "not-a-duration"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_test_is_told_at_its_place(types, text, line, column, code):
    assert told(types, text) == [(line, column, code)]
