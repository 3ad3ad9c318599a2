"""What is seen of workflows without running them, and what is better not said."""

from __future__ import annotations

import pytest

from app.definitions.load import load_files
from tests.unit.definitions.test_agreed_workflows import APP, OPTIONS, ROLES

DEAL = """
entity: deal
title: name
fields:
  name: {type: text}
  stage: {type: stage}
  kind: {type: choice, options: [small, big, "yes"]}
  hot: {type: boolean}
  amount: {type: decimal}
  note: {type: text}
  open_tasks: {type: rollup, of: task.deal, count: yes}
"""
TASK = """
entity: task
title: name
fields: {name: {type: text}, deal: {type: link, to: deal}, status: {type: choice, options: [open, done]}}
"""
STAGES = """
lifecycle: deals
entity: deal
field: stage
stages: {new: {}, offer: {}, won: {final: yes}}
moves: [{from: new, to: offer}, {from: offer, to: won}]
"""


def warnings(types, *rules: str, stages: str = STAGES) -> list[str]:
    files = {
        "app.yaml": APP,
        "roles.yaml": ROLES,
        "options.yaml": OPTIONS,
        "entities/deal.yaml": DEAL,
        "entities/task.yaml": TASK,
        "workflows/stages.yaml": stages,
    }
    if rules:
        files["workflows/rules.yaml"] = "---".join(rules)
    loaded = load_files(files, types)
    assert loaded.catalog is not None, [str(one) for one in loaded.problems]
    return [str(one) for one in loaded.problems]


def rule(name: str, when: str, do: str, if_: str = "", entity: str = "deal") -> str:
    condition = f"if: {if_}\n" if if_ else ""
    return f"\nrule: {name}\nentity: {entity}\nwhen: {when}\n{condition}do:\n  - {do}\n"


def test_rules_that_set_each_other_off_are_named_in_their_circle(types):
    one = rule("one", "{on: update, changed: kind}", "set: {hot: yes}")
    two = rule(
        "two",
        "{on: update, changed: hot}",
        "update: {entity: task, where: deal == record, set: {status: done}}",
    )
    three = rule(
        "three", "{on: update, changed: status, to: done}", "set: {deal.kind: big}", entity="task"
    )
    [said] = warnings(types, one, two, three)
    assert said == (
        "workflows/rules.yaml:4:1: warning[rule-loop]: These rules set each other off: "
        "`one` → `two` → `three` → `one`. Narrow one with `if`, or `from` and `to`; a chain is "
        "broken off after 8 rules."
    )
    # What the third sets is not what the first waits for.
    other = one.replace("changed: kind", "changed: kind, to: small")
    assert warnings(types, other, two, three) == []
    held = one.replace("do:", "if: kind == 'small'\ndo:")
    assert warnings(types, held, two, three) == []
    off = two.replace("when:", "off: yes\nwhen:")
    assert warnings(types, one, off, three) == []


def test_a_rule_that_makes_what_sets_it_off_is_told(types):
    again = rule(
        "again", "{on: create}", "create: {entity: task, set: {name: Next}}", entity="task"
    )
    [said] = warnings(types, again)
    assert "warning[rule-loop]: This rule sets itself off: `again` → `again`." in said
    assert warnings(types, again.replace("do:", "if: status == 'done'\ndo:")) == []
    # No rule meets a record twice, so setting its own field is no circle.
    assert warnings(types, rule("own", "{on: update}", "set: {note: x}")) == []


@pytest.mark.parametrize(
    ("first", "second", "is_said"),
    [
        (("{on: update, changed: kind}", ""), ("{on: update, changed: kind}", ""), True),
        (("{on: create}", ""), ("{on: [create, update]}", ""), True),
        (("{on: create}", ""), ("{on: update}", ""), False),
        (("{on: update, changed: kind}", ""), ("{on: update, changed: amount}", ""), False),
        (("{on: update, changed: kind, to: big}", ""), ("{on: update, changed: kind, to: small}", ""), False),
        (("{on: update, changed: kind, to: big}", ""), ("{on: update, changed: kind}", "kind == 'small'"), False),
        (("{on: create}", "kind == 'big'"), ("{on: create}", "kind == 'small'"), False),
        (("{on: create}", "kind == 'big'"), ("{on: create}", "hot"), True),
        (("{on: create}", "amount > 5"), ("{on: create}", "amount <= 5"), False),
        (("{on: create}", "amount > 5"), ("{on: create}", "amount > 50"), True),
        # Whether both can hold is not known, so nothing is said.
        (("{on: create}", "open_tasks > amount"), ("{on: create}", "amount > 3"), False),
    ],
)  # fmt: skip
def test_two_rules_that_set_one_field_on_the_same_event(types, first, second, is_said):
    said = warnings(
        types,
        rule("first", first[0], "set: {note: a}", first[1]),
        rule("second", second[0], "set: {note: b}", second[1]),
    )
    assert bool(said) == is_said, said
    if is_said:
        assert (
            "warning[same-field]: `second` and `first` (workflows/rules.yaml:2) both set `note`"
            in said[0]
        )


def test_the_same_value_twice_is_no_clash(types):
    both = [rule(name, "{on: create}", "set: {note: a}") for name in ("first", "second")]
    assert warnings(types, *both) == []
    perhaps = rule("second", "{on: create}", "{if: hot, set: {note: b}}")
    assert warnings(types, both[0], perhaps) == []


@pytest.mark.parametrize(
    ("condition", "is_said"),
    [
        ("kind == 'big' and kind == 'small'", True),
        ("kind == 'big' and kind not in ('big', 'small')", True),
        ("kind in ('big', 'small') and kind != 'big'", False),
        ("kind == 'big' and (kind == 'small' or hot)", False),
        ("kind == 'big' and (kind == 'small' or kind is empty)", True),
        ("amount > 5 and amount < 3", True),
        ("amount >= 5 and amount <= 5", False),
        ("amount > 5 and amount <= 5", True),
        ("amount is empty and amount > 0", True),
        ("note is empty and note == 'a'", True),
        ("note == 'A' and note == 'a'", False),
        ("hot and not hot", True),
        ("not (amount > 5) and amount > 3", False),
        ("kind == 'yes' and stage == 'new'", False),
        ("amount > open_tasks and amount < open_tasks", False),
        ("count(task, deal == record and status == 'open') > 0 and kind == 'big'", False),
    ],
)
def test_conditions_that_can_never_hold(types, condition, is_said):
    said = warnings(types, rule("one", "{on: create}", "set: {note: a}", condition))
    assert bool(said) == is_said, said
    if is_said:
        assert f"warning[never-true]: The condition `{condition}` never holds" in said[0]


@pytest.mark.parametrize(
    ("when", "condition", "step", "is_said"),
    [
        ("{on: update, changed: stage, to: won}", "stage == 'offer'", "set: {note: a}", True),
        ("{on: update, changed: stage, to: won}", "old.stage == 'offer'", "set: {note: a}", False),
        ("{on: update, changed: stage, from: new, to: won}", "old.stage == 'offer'", "set: {note: a}", True),
        ('{on: update, changed: kind, to: "yes"}', "kind == 'yes'", "set: {note: a}", False),
        ("{on: update, changed: hot, to: yes}", "hot", "set: {note: a}", False),
        ("{on: update, changed: hot, to: yes}", "not hot", "set: {note: a}", True),
        ("{on: update, changed: amount, to: 5}", "amount == 5", "set: {note: a}", False),
        ("{on: update, changed: stage, from: new, to: new}", "", "set: {note: a}", True),
        ("{on: update}", "kind == 'big'", "{if: kind == 'small', set: {note: a}}", True),
        ("{on: update}", "kind == 'big'", "{if: hot, set: {note: a}}", False),
    ],
)  # fmt: skip
def test_conditions_against_what_sets_the_rule_off(types, when, condition, step, is_said):
    said = warnings(types, rule("one", when, step, condition))
    assert ["warning[never-true]" in one for one in said] == [True] * is_said, said


def test_stages_and_moves_that_nobody_reaches(types):
    said = warnings(
        types, stages=STAGES.replace("won: {final: yes}", "won: {final: yes}, lost: {final: yes}")
    )
    assert said[0] == (
        "workflows/stages.yaml:5:49: warning[unreachable-stage]: No move leads to the stage `lost`. "
        "Add one: `{from: any, to: lost}`, or write `removed: yes`."
    )
    said = warnings(
        types,
        stages=STAGES.replace(
            "{from: new, to: offer}", "{from: new, to: offer, if: stage == 'new'}"
        ),
    )
    assert "never holds on the way to `offer`" in said[0]
    said = warnings(
        types,
        stages=STAGES.replace(
            "{from: new, to: offer}", "{from: new, to: offer}, {from: new, to: new}"
        ),
    )
    assert "This move leads from `new` to itself" in said[0]
    said = warnings(
        types, stages=STAGES + "---" + STAGES.replace("lifecycle: deals", "lifecycle: others")
    )
    assert (
        "No record comes to `others`: `deals` stands before it and takes every record." in said[0]
    )
    # Without moves any stage is reached.
    assert warnings(types, stages=STAGES.partition("moves:")[0]) == []


@pytest.mark.parametrize(
    ("when", "condition", "to", "is_said"),
    [
        ("{on: create}", "owner is empty", "owner", True),
        ("{on: create}", "owner is empty", "owner.manager", True),
        ("{on: create}", "owner is empty", "[owner, role sales]", False),
        ("{on: create}", "owner is empty or hot", "owner", False),
        ("{on: create}", "owner is not empty", "owner", False),
        ("{on: release}", "", "owner", True),
        ("{on: release}", "", "previous_owner", False),
        ("{on: [release, update]}", "", "owner", False),
    ],
)
def test_messages_that_nobody_gets(types, when, condition, to, is_said):
    said = warnings(types, rule("one", when, f"notify: {{to: {to}, say: Hello}}", condition))
    assert ["warning[nobody]" in one for one in said] == [True] * is_said, said


def test_the_configuration_that_ships_has_nothing_doubtful(types, shipped):
    assert load_files(shipped, types).problems == []
