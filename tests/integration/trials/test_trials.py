"""Tests of a configuration: what they show, and how they say what is not so."""

from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from app.definitions.load import load_configuration, load_files
from app.expressions.builtin import BUILTIN
from app.fields.registry import field_types
from app.trials.ground import PREFIX, throw_away_database
from app.trials.runner import Kit, open_runner, run_tests

SHIPPED = Path(__file__).resolve().parents[3] / "config"

FILES = {
    "app.yaml": """name: T
languages: [en, zh]
time_zone: Asia/Shanghai
calendar: {days: mon-fri, hours: ["09:00-12:00", "13:00-18:00"]}
""",
    "roles.yaml": """roles:
  sales: {scope: own, may: [create, read, update, transfer]}
  boss: {scope: all, may: [read]}
""",
    "entities/customer.yaml": """entity: customer
title: name
fields:
  name: {type: text, required: yes}
  level: {type: choice, options: [a, b], default: b}
  credit: {type: money}
  double: {type: formula, formula: credit * 2}
  parent: {type: link, to: customer, tree: yes}
  called_at: {type: datetime}
  silent_days: {type: formula, formula: "days_between(called_at, now())"}
  is_silent: {type: formula, formula: silent_days > 10}
  reason: {type: text, required: is_silent}
  code: {type: text, readonly: is_silent}
checks:
  - {if: is_silent, must: credit > 0, message: A silent one has credit.}
""",
    "entities/shop.yaml": """entity: shop
title: name
fields:
  name: {type: text}
  address: {type: address}
  turnover: {type: money}
  last_seen_by: {type: rollup, of: visit.about, latest: created_by, by: created_at}
  last_seen_as: {type: rollup, of: visit.about, latest: note, by: created_at}
""",
    "entities/stall.yaml": """entity: stall
title: name
fields:
  name: {type: text}
  address: {type: address}
  turnover: {type: money}
""",
    "entities/visit.yaml": """entity: visit
title: note
fields:
  note: {type: text}
  about: {type: any_link, to: [shop, stall]}
  same: {type: integer}
access:
  boss: {create: yes}
""",
    "workflows/visits.yaml": """rule: compare
entity: visit
when: {on: [create, update], changed: [about, note]}
if: about.address is not empty and about.address.city == 'Ulm' and about.turnover > 5
do:
  - set: {same: "=count(visit, about.address is not empty and about.address.city == record.about.address.city and about.turnover > 5)"}
---
rule: seen
entity: shop
when: {on: update, changed: name}
if: lower(last_seen_by.name) == 'bob'
do: [{set: {turnover: 99}}]
""",
    "workflows/rules.yaml": """rule: remind
entity: customer
when: {after: {by: level, a: 7 days, else: 14 days}, since: "max(called_at, owner_since)", at: 09:00 on working days}
if: owner is not empty
do:
  - notify: {to: owner, via: [inbox, email], say: "{{ record.name }}: silent."}
---
rule: check-name
entity: customer
when: {on: update, changed: name}
do:
  - {if: name == 'Nobody', stop: This name is taken.}
---
rule: tell-silence
entity: customer
when: {on: update, changed: level}
if: is_silent
do: [{set: {reason: "=join(' ', text(silent_days), text(parent.silent_days))"}}]
---
rule: raise
entity: customer
when: {button: Raise, ask: {by: {type: decimal, required: yes}}}
do: [{set: {credit: =credit + input.by}}]
---
rule: paid
when: {hook: erp/paid, secret: ERP}
do: [{update: {entity: customer, where: name == input.name, set: {credit: =input.sum}}}]
---
rule: daily
when: {every: working day, at: 08:00}
do: [{create: {entity: customer, set: {name: Made}}}]
""",
}

GIVEN = """now: 2026-03-02 09:00
given:
  acme: {customer: {name: Acme, level: a, credit: 100, owner: ann, parent: bolt}}
  bolt: {customer: {name: Bolt}}
  ann: {user: {roles: [sales], email: ann@t.example}}
  bob: {user: {roles: boss}}
steps:
"""


@pytest.fixture(scope="module")
def outcome_of(test_servers):
    """``outcome_of(steps)`` runs one test and returns its failures as texts."""
    loaded = load_files(
        {**FILES, "tests/t.yaml": f"test: T\n{GIVEN}  - {{at: 2026-03-03}}\n"}, field_types()
    )
    assert loaded.catalog is not None, [str(one) for one in loaded.problems]
    with open_runner(
        test_servers.database_url, loaded.catalog, Kit(field_types(), BUILTIN)
    ) as runner:

        def run(steps):
            text = f"test: T\n{GIVEN}" + "".join(f"  - {step}\n" for step in steps)
            read = load_files({**FILES, "tests/t.yaml": text}, field_types())
            assert read.catalog is not None, [str(one) for one in read.problems]
            (test,) = read.catalog.automation.tests
            return [one.line_in("config/") for one in runner.run(test).failures]

        yield run


def test_a_rule_is_shown_minute_by_minute(outcome_of):
    steps = [
        "{at: 2026-03-09 08:59, expect: {reminders: 0, quiet: remind}}",
        "{at: 2026-03-09 09:00, expect: {reminders: 1, emails: 1, to: ann, about: acme, says: silent, rule: remind}}",
        "{at: 2026-03-12 09:00, expect: {reminders: 0}}",
        "{as: ann, update: acme, set: {called_at: 2026-03-12 10:00}}",
        "{at: 2026-03-20 08:59, expect: {reminders: 0}}",
        "{after: 1 minute, expect: {fires: remind}}",
    ]
    assert outcome_of(steps) == []
    # Nothing is left of it: the same once more.
    assert outcome_of(steps) == []


def test_formulas_that_ask_for_now_hold_wherever_conditions_stand(outcome_of):
    assert (
        outcome_of(
            [
                "{update: bolt, set: {called_at: 2026-02-20 10:00}}",
                "{update: acme, set: {called_at: 2026-03-01 10:00}}",
                "{at: 2026-03-11 10:00, update: acme, set: {code: x}, expect: {acme: {silent_days: 10}}}",
                "{at: 2026-03-12 10:00, update: acme, set: {code: y, reason: z}, expect: {refused: cannot be changed while is_silent}}",
                "{update: acme, set: {name: Acne}, expect: {refused: Reason is needed}}",
                "{update: acme, set: {reason: Why, credit: 0}, expect: {refused: A silent one has credit}}",
                "{update: acme, set: {reason: Why, level: b}, expect: {fires: tell-silence, acme: {reason: 11 20}}}",
            ]
        )
        == []
    )


def test_what_lies_behind_links_is_the_same_in_rules_and_in_lists(outcome_of):
    assert (
        outcome_of(
            [
                "{create: {mall: {shop: {name: Mall, address: {city: Ulm}, turnover: 9}}}}",
                "{create: {cart: {stall: {name: Cart, address: {city: Ulm}, turnover: 9}}}}",
                "{as: bob, create: {one: {visit: {note: one, about: mall}}}, expect: {fires: compare, one: {same: 1}}}",
                "{as: bob, create: {two: {visit: {note: two, about: cart}}}, expect: {fires: compare, two: {same: 2}}}",
                "{update: mall, set: {address: =empty}}",
                "{update: one, set: {note: uno}, expect: {quiet: compare}}",
                "{update: two, set: {note: due}, expect: {two: {same: 1}}}",
                "{update: mall, set: {name: Hall}, expect: {fires: seen, mall: {turnover: 99}}}",
            ]
        )
        == []
    )


def test_people_programs_and_the_clock_do_things(outcome_of):
    assert (
        outcome_of(
            [
                "{as: ann, create: {dyne: {customer: {name: Dyne, owner: ann}}}, expect: {count: {customer: 3}}}",
                "{create: {gus: {user: {roles: [sales], active: no}}}, expect: {gus: {active: no}}}",
                "{as: ann, update: acme, set: {name: Nobody}, expect: {refused: is taken}}",
                "{as: bob, update: acme, set: {level: b}, expect: refused}",
                "{as: ann, read: bolt, expect: refused}",
                "{as: ann, press: raise, on: acme, with: {by: 20}, expect: {acme: {credit: 120, double: 240, parent: bolt}}}",
                "{as: ann, press: raise, on: acme, expect: {refused: needed}}",
                "{hook: erp/paid, with: {name: Acme, sum: 7}, expect: {fires: paid, acme: {credit: 7}}}",
                "{delete: dyne, expect: {count: {customer: 2}}}",
                "{restore: dyne, expect: {count: {customer: 3}, dyne: {owner: ann, called_at: =empty, pool: }}}",
                "{as: ann, transfer: acme, to: bob, expect: {acme: {owner: bob}}}",
                "{comment: acme, text: Hello}",
                "{at: 2026-03-04 08:00, expect: {count: {customer: 5}, fires: daily}}",
            ]
        )
        == []
    )


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (
            "{at: 2026-03-09 09:00, expect: {reminders: 2, to: ann}}",
            "Expected 2 reminders to ann; 1 came. In this step: inbox → ann (acme): “Acme: silent.”",
        ),
        ("{expect: {fires: remind}}", "Expected that remind fires; it did not."),
        ("{at: 2026-03-10, expect: {quiet: remind}}", "Expected that remind does not fire; it did."),
        ("{expect: {count: {customer: 3}}}", "Expected 3 records of customer; there are 2."),
        (
            "{expect: {acme: {level: b, credit: 99, parent: acme}}}",
            "Expected acme.level to be b; it is a.",
        ),
        ("{as: ann, read: acme, expect: refused}", "Expected to be refused; it was done."),
        ("{as: ann, read: bolt}", "It was refused: There is no such record, or you may not see it."),
        (
            "{as: ann, read: bolt, expect: {refused: never}}",
            "Expected to be refused with “never”; it was refused with",
        ),
        ("{as: ann, update: acme, set: {level: x}}", "There is no option “x”."),
    ],
)  # fmt: skip
def test_what_is_not_so_is_said_at_its_step(outcome_of, step, said):
    found = outcome_of(["{at: 2026-03-02 10:00}", step])
    assert found[0].startswith("config/tests/t.yaml:10:5: ")
    assert said in found[0]


def test_what_is_given_may_be_wrong(test_servers):
    text = "test: T\nnow: 2026-03-02 09:00\ngiven:\n  acme: {customer: {level: a, owner: nobody}}\nsteps:\n  - {at: 2026-03-03}\n"
    loaded = load_files({**FILES, "tests/t.yaml": text}, field_types())
    (outcome,) = run_tests(test_servers.database_url, loaded.catalog, Kit(field_types(), BUILTIN))
    assert [one.line_in("") for one in outcome.failures] == [
        "tests/t.yaml:1:1: Some values cannot be saved. owner: “nobody” is not given."
    ]


def test_the_database_is_thrown_away_whatever_happens(test_servers):
    def names():
        with psycopg.connect(test_servers.database_url) as connection:
            return {row[0] for row in connection.execute("SELECT datname FROM pg_database")}

    with suppress(ZeroDivisionError), throw_away_database(test_servers.database_url) as url:
        name = url.rpartition("/")[2].partition("?")[0]
        assert name.startswith(PREFIX)
        assert name in names()
        raise ZeroDivisionError
    assert name not in names()


def test_the_shipped_configuration_passes_its_own_tests(test_servers):
    loaded = load_configuration(SHIPPED, field_types())
    outcomes = run_tests(test_servers.database_url, loaded.catalog, Kit(field_types(), BUILTIN))
    failures = [line.line_in("config/") for one in outcomes for line in one.failures]
    assert failures == []
    shown = {name for one in outcomes for name in _rules_of(one.test)}
    assert set(loaded.catalog.automation.rules) - shown == set()


def _rules_of(test):
    for step in test.steps:
        expected = step.get("expect", {})
        yield from (*expected.get("fires", ()), *expected.get("quiet", ()))
        yield expected.get("rule", "")
        yield step.get("press", "")
