"""Rules: what they say is kept, and every mistake is told at its place."""

from decimal import Decimal

import pytest

from app.definitions.automation import At, Cron, Notify, Person
from app.definitions.load import load_files
from app.definitions.meaning import meant_by
from app.expressions.tree import Checked

FILES = {
    "app.yaml": "name: Acme\nlanguages: [en, zh]\nvalues: {remind_days: 5}\n",
    "roles.yaml": "roles:\n  sales: {scope: own, may: [create, read, update]}\n  legal: {scope: all}\n",
    "entities/customer.yaml": """entity: customer
title: name
fields:
  name: {type: text, required: yes}
  email: {type: email}
  phones: {type: phones}
  level: {type: choice, options: [a, b, c]}
  status: {type: choice, options: [active, dormant]}
  amount: {type: money}
  born_on: {type: date}
  contact: {type: link, to: contact}
  last_contacted_at: {type: datetime}
  silent_days: {type: formula, formula: "days_between(last_contacted_at, now())"}
  deadline: {type: formula, formula: "last_contacted_at + days(app.remind_days)"}
  lines:
    type: lines
    fields:
      product: {type: text}
      buyer: {type: user}
screens:
  views:
    silent: {where: silent_days > 7}
""",
    "entities/contact.yaml": """entity: contact
title: name
fields:
  name: {type: text}
  phones: {type: phones}
  email: {type: email}
  customer: {type: link, to: customer}
""",
    "entities/task.yaml": """entity: task
title: title
owned: no
fields:
  title: {type: text}
  about: {type: any_link, to: [customer, contact]}
  share: {type: decimal}
  due_on: {type: date}
""",
}


def load(types, rule, **more):
    return load_files({**FILES, "workflows/r.yaml": rule, **more}, types)


def rule_of(types, text, **more):
    loaded = load(types, f"rule: r\n{text}", **more)
    assert [str(one) for one in loaded.problems] == []
    return loaded.catalog.automation.rules["r"]


def told(types, text, **more):
    return [
        (one.place.line, one.place.column, str(one.code), one.message)
        for one in load(types, f"rule: r\n{text}", **more).problems
        if one.place.file == "workflows/r.yaml"
    ]


ON = "entity: customer\nwhen: {on: update}\ndo:\n"
SAY = "  - notify: {to: owner, say: Call.}\n"


def test_a_table_of_durations_is_one_expression(types):
    rule = rule_of(
        types,
        "entity: customer\nwhen:\n  after: {by: level, a: 7 days, b: 8 working hours, else: =days(app.remind_days)}\n"
        "  since: last_contacted_at\n  at: 09:00 on working days\nrepeat: {every: 1 month, times: 3}\n"
        f"missed: skip\nbacklog: fire\nonce: yes\nas: user erp_bot\ndo:\n{SAY}",
    )
    assert rule.when.due.text == (
        "((last_contacted_at) + days(7)) if (level) == 'a' else ("
        "((last_contacted_at) + working_hours(8)) if (level) == 'b' else ("
        "(last_contacted_at) + (days(app.remind_days))))"
    )
    assert (rule.when.kind, rule.when.at, rule.when.base.text) == (
        "dated",
        At(540, working_days=True),
        "last_contacted_at",
    )
    assert (rule.repeat_every.text, rule.repeat_times) == ("months(1)", 3)
    assert (rule.catch_up, rule.backlog, rule.once, rule.as_) == (False, True, True, "erp_bot")


@pytest.mark.parametrize(
    ("written", "every"),
    [
        ("15 minutes", Cron("minutes", 15)),
        ("working day", Cron("working day")),
        ("monday", Cron("week", weekday=0)),
        ("quarter, day: last working day", Cron("quarter", day="last working day")),
        ("2 weeks", Cron("week", 2)),
    ],
)
def test_a_rhythm_is_read(types, written, every):
    rule = rule_of(
        types, f"when: {{every: {written}}}\ndo:\n  - create: {{entity: task, set: {{title: x}}}}\n"
    )
    assert (rule.when.every, rule.entities) == (every, ())


def test_what_a_rule_for_several_entities_says_is_bound_for_each(types):
    rule = rule_of(
        types, f"entity: [customer, contact]\nwhen: {{on: create}}\nif: phones is empty\ndo:\n{SAY}"
    )
    assert rule.entities == ("customer", "contact")
    assert set(rule.if_) == set(rule.by_entity) == {"customer", "contact"}
    assert rule.of("contact")[0].events == ("create",)


def test_steps_keep_their_number_and_know_what_earlier_ones_made(types):
    rule = rule_of(
        types,
        "entity: customer\nwhen: {button: Go, for: [sales], ask: {until: {type: date, required: yes}, "
        "who: {type: link, to: contact, where: customer == record}}}\ndo:\n"
        "  - create: {entity: task, name: call, set: {title: =record.name, about: =record, due_on: =input.until}}\n"
        "  - choose:\n"
        "      - {if: amount > 10, do: [{wait: {until: new.call.due_on < today(), at_most: 3 days}}]}\n"
        "      - do:\n          - set: {contact: =input.who, contact.name: =new.call.title, amount: =empty}\n"
        "          - create: {entity: task, each: [{share: 30}, {share: 70}], set: {share: =each.share, title: x}}\n",
    )
    assert [step.path for step in rule.do] == ["0", "1"]
    branches = rule.do[1].settings.branches
    assert [[step.path for step in steps] for _, steps in branches] == [
        ["1.0.0"],
        ["1.1.0", "1.1.1"],
    ]
    assert branches[1][0] is None
    assert branches[1][1][0].settings.values["amount"].checked.root.value is None
    assert branches[1][1][1].settings.each == ({"share": Decimal(30)}, {"share": Decimal(70)})
    assert [(one.name, one.required, one.field.type.name) for one in rule.when.ask] == [
        ("until", True, "date"),
        ("who", False, "link"),
    ]
    assert isinstance(rule.when.ask[1].field.conditions["where"], Checked)


def test_people_are_of_several_kinds(types):
    rule = rule_of(
        types,
        ON
        + "  - notify:\n      to: [owner.manager, role legal, user bob, department sales, head of owner_department, "
        "contact, contact.email, lines.buyer, boss@acme.example]\n      via: [inbox, email]\n      say: {en: Hi, zh: 你好}\n",
    )
    settings = rule.do[0].settings
    assert isinstance(settings, Notify)
    assert [(one.kind, one.name, one.over) for one in settings.to] == [
        ("path", "", ""),
        ("role", "legal", ""),
        ("user", "bob", ""),
        ("department", "sales", ""),
        ("head", "", ""),
        ("path", "", ""),
        ("path", "", ""),
        ("path", "", "lines"),
        ("address", "boss@acme.example", ""),
    ]
    assert isinstance(settings.to[0], Person)


def test_a_hook_and_an_answer_hold_anything(types):
    rule = rule_of(
        types,
        "when: {hook: erp/paid, secret: ERP}\ndo:\n"
        "  - update: {entity: customer, where: name == input.customer.name, set: {amount: =input.sum}}\n",
    )
    assert (rule.when.path, rule.when.secret) == ("erp/paid", "ERP")
    rule = rule_of(
        types,
        ON
        + "  - call: {url: https://erp.example/x, body: {no: =name}, secret: ERP, save: {name: =answer.id}}\n",
    )
    assert rule.do[0].settings.save["name"].names == {"answer.id"}


@pytest.mark.parametrize(
    ("text", "line", "column", "code", "words"),
    [
        # The trigger.
        (f"entity: custmer\nwhen: {{on: create}}\ndo:\n{SAY}", 2, 9, "unknown-entity", "custmer"),
        (f"entity: customer\nwhen: {{on: updat}}\ndo:\n{SAY}", 3, 12, "unknown-word", "updat"),
        (f"entity: customer\nwhen: {{on: born}}\ndo:\n{SAY}", 3, 12, "unknown-word", "born"),
        (f"entity: customer\nwhen: {{on: level}}\ndo:\n{SAY}", 3, 12, "wrong-field-type", "level"),
        (f"when: {{on: create}}\ndo:\n{SAY}", 2, 8, "missing-key", "about a record"),
        (f"entity: customer\nwhen: {{hook: x, secret: S}}\ndo:\n{SAY}", 2, 1, "conflicting-keys", "no record"),
        (f"when: {{hook: x}}\ndo:\n{SAY}", 2, 1, "missing-key", "`secret`"),
        (f"entity: customer\nwhen: {{on: create, every: day}}\ndo:\n{SAY}", 3, 20, "conflicting-keys", "both"),
        (f"entity: customer\nwhen: {{after: 7 days}}\ndo:\n{SAY}", 3, 1, "missing-key", "`since`"),
        (f"entity: customer\nwhen: {{after: 7 dayz, since: born_on}}\ndo:\n{SAY}", 3, 15, "not-a-duration", "dayz"),
        (f"entity: customer\nwhen: {{after: 7 days, since: name}}\ndo:\n{SAY}", 3, 30, "bad-expression", "a text"),
        (
            f"entity: customer\nwhen: {{after: {{by: level, x: 7 days}}, since: born_on}}\ndo:\n{SAY}",
            3, 27, "unknown-option", "`x`",
        ),
        (
            f"entity: customer\nwhen: {{after: {{by: level, a: =days(amont)}}, since: born_on}}\ndo:\n{SAY}",
            3, 36, "unknown-field", "amont",
        ),
        (f"entity: customer\nwhen: {{on: update, to: a}}\ndo:\n{SAY}", 3, 20, "conflicting-keys", "changed"),
        (
            f"entity: customer\nwhen: {{on: update, changed: level, to: x}}\ndo:\n{SAY}",
            3, 40, "unknown-option", "level",
        ),
        (
            f"entity: customer\nwhen: {{on: update, changed: contact.nam}}\ndo:\n{SAY}",
            3, 29, "unknown-field", "contact",
        ),
        (f"entity: customer\nwhen: {{button: Go, for: [saels]}}\ndo:\n{SAY}", 3, 26, "unknown-role", "saels"),
        (
            f"entity: customer\nwhen: {{button: Go, ask: {{x: {{type: lines, fields: {{}}}}}}}}\ndo:\n{SAY}",
            3, 36, "wrong-field-type", "lines",
        ),
        (f"when: {{every: mondai}}\ndo:\n{SAY}", 2, 15, "unknown-word", "monday"),
        (f"entity: customer\nwhen: {{on: create}}\nrepeat: {{every: 1 day}}\ndo:\n{SAY}", 4, 1, "conflicting-keys", "date"),
        (f"entity: customer\nwhen: {{on: create}}\nas: bob\ndo:\n{SAY}", 4, 5, "bad-value", "user NAME"),
        # Conditions.
        (f"entity: customer\nwhen: {{on: born_on}}\nif: me == owner\ndo:\n{SAY}", 4, 5, "unknown-field", "nobody"),
        (f"entity: customer\nwhen: {{on: born_on}}\nif: changed(level)\ndo:\n{SAY}", 4, 5, "unknown-field", "write"),
        (
            f"when: {{every: day}}\nif: not exists(customr, amount > 3)\ndo:\n{SAY.replace('owner', 'role legal')}",
            3, 16, "bad-expression", "customr",
        ),
        # Steps.
        (ON + "  - {notify: {to: owner, say: x}, stop: y}\n", 5, 35, "conflicting-keys", "both"),
        (ON + "  - {if: amount > 3}\n", 5, 5, "missing-key", "says nothing"),
        (ON + "  - notfy: {to: owner}\n", 5, 5, "unknown-key", "notfy"),
        (ON + "  - notify: {to: ownr, say: x}\n", 5, 18, "unknown-field", "ownr"),
        (ON + "  - notify: {to: amount, say: x}\n", 5, 18, "wrong-field-type", "nobody"),
        (ON + "  - notify: {to: [owner, role lega], say: x}\n", 5, 26, "unknown-role", "lega"),
        (ON + "  - notify: {to: owner, via: [inbox, fax], say: x}\n", 5, 30, "unknown-word", "fax"),
        (ON + '  - notify: {to: owner, say: "{{ record.nam }}"}\n', 5, 30, "unknown-field", "nam"),
        (ON + '  - notify: {to: owner, say: "{{ name }}"}\n', 5, 30, "unknown-field", "means nothing"),
        (ON + "  - set: {levl: a}\n", 5, 11, "unknown-field", "levl"),
        (ON + "  - set: {level: x}\n", 5, 18, "bad-value", "level"),
        (ON + "  - set: {born_on: today()}\n", 5, 20, "bad-value", "born_on"),
        (ON + "  - set: {born_on: =name}\n", 5, 21, "bad-expression", "a text"),
        (ON + "  - set: {silent_days: 3}\n", 5, 11, "bad-value", "Nobody writes"),
        (ON + "  - set: {id: 3}\n", 5, 11, "bad-value", "Nobody writes"),
        (ON + "  - create: {entity: tsk, set: {title: x}}\n", 5, 22, "unknown-entity", "tsk"),
        (ON + "  - create: {entity: task, copy: [amount]}\n", 5, 35, "unknown-field", "`task`"),
        (ON + "  - create: {entity: task, set: {due_on: =new.call.due_on}}\n", 5, 43, "unknown-field", "earlier step"),
        (ON + "  - update: {entity: task, set: {title: x}}\n", 5, 5, "missing-key", "where"),
        (ON + "  - delete: {each: rows}\n", 5, 20, "unknown-field", "rows"),
        (ON + "  - assign: {to: role sales, with: [contact.custmer]}\n", 5, 37, "not-a-link", "custmer"),
        (ON + "  - release: yes\n", 5, 5, "unknown-pool", "no pool"),
        (ON + "  - wait: 3 dayz\n", 5, 11, "not-a-duration", "dayz"),
        (ON + "  - choose: [{do: [{stop: x}]}, {if: amount > 1, do: [{stop: y}]}]\n", 5, 14, "wrong-shape", "last"),
        (ON + "  - call: {url: erp}\n", 5, 17, "bad-value", "address"),
        (ON + "  - anonymise: [nam]\n", 5, 17, "unknown-field", "nam"),
        (
            "when: {every: day}\ndo:\n  - comment: Hello\n", 4, 5, "conflicting-keys", "about none",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_told_at_its_place(types, text, line, column, code, words):
    found = told(types, text)
    assert [(one[0], one[1], one[2]) for one in found] == [(line, column, code)], found
    assert words in found[0][3]


def test_two_rules_cannot_listen_at_one_address(types):
    rule = "when: {hook: erp/paid, secret: ERP}\ndo: [{notify: {to: role legal, say: Paid}}]\n"
    found = told(types, f"{rule}---\nrule: s\n{rule}")
    assert [(one[0], one[1], one[2]) for one in found] == [(6, 14, "duplicate-name")]


def test_the_version_follows_what_is_done_and_not_what_is_said_about_it(types):
    text = f"entity: customer\nwhen: {{on: create}}\ndo:\n{SAY}"
    digest = rule_of(types, text).digest
    assert rule_of(types, f"label: Hello # a comment\noff: yes\n{text}").digest == digest
    assert rule_of(types, text.replace("Call.", "Write.")).digest != digest


@pytest.mark.parametrize(
    ("file", "old", "new", "differs"),
    [
        ("workflows/r.yaml", "Call.", "Write.", False),
        ("workflows/r.yaml", "since: deadline", "since:   (deadline)", False),
        ("workflows/r.yaml", "7 days", "8 days", True),
        ("workflows/r.yaml", "level == 'a'", "level == 'b'", True),
        ("app.yaml", "remind_days: 5", "remind_days: 6", True),
        ("entities/customer.yaml", "days(app.remind_days)", "days(9)", True),
        ("entities/customer.yaml", "silent_days > 7", "silent_days > 8", True),
        ("entities/customer.yaml", "born_on: {type: date}", "born_on: {type: datetime}", False),
    ],
)
def test_what_expressions_mean_includes_what_is_behind_their_names(types, file, old, new, differs):
    rule = (
        "rule: r\nentity: customer\nwhen: {after: 7 days, since: deadline}\n"
        f"if: level == 'a' and in_view('silent')\ndo:\n{SAY}"
    )
    files = {**FILES, "workflows/r.yaml": rule}
    changed = {**files, file: files[file].replace(old, new)}
    assert changed != files
    before, after = (meant(load_files(one, types).catalog) for one in (files, changed))
    assert (before != after) is differs


def meant(catalog):
    rule = catalog.automation.rules["r"]
    return meant_by(catalog, "customer", rule.when.due, rule.if_["customer"])
