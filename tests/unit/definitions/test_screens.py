"""Lists, views, forms: as written, and by default."""

import pytest

from app.definitions.load import load_files
from app.definitions.problems import Code

FIELDS = """entity: deal
fields:
  name: {type: text}
  level: {type: choice, options: [a, b]}
  remark: {type: longtext}
  amount: {type: money}
  due_on: {type: date}
  gone: {type: text, removed: yes}
  address: {type: address}
  parent: {type: link, to: deal}
"""


def load(types, screens="", files=()):
    text = FIELDS + (f"screens:\n{screens}" if screens else "")
    return load_files({"entities/deal.yaml": text, **dict(files)}, types)


def screens_of(types, screens="", files=()):
    loaded = load(types, screens, files)
    assert [str(problem) for problem in loaded.problems] == []
    return loaded.catalog.entities["deal"].screens


def test_by_default_there_is_everything(types):
    note = (
        "entities/note.yaml",
        "entity: note\nfields:\n  deal: {type: link, to: deal}\n  name: {type: text}\n",
    )
    screens = screens_of(types, files=[note])
    assert screens.columns == ("name", "level", "amount", "due_on", "address", "parent", "owner")
    assert screens.filters == ("level", "due_on", "parent", "owner")
    assert [section.fields for section in screens.form] == [
        (("name",), ("level",), ("remark",), ("amount",), ("due_on",), ("address",), ("parent",))
    ]
    assert screens.related == (("deal", "parent"), ("note", "deal"))


def test_as_written(types):
    screens = screens_of(
        types,
        "  list: {columns: [name, address.city], sort: [-due_on, name], filters: address.city}\n"
        "  views:\n"
        "    big: {label: Big, where: amount > 10, sort: -amount, columns: [name]}\n"
        "    big_a: {where: in_view('big') and level == 'a'}\n"
        "  board: {by: level, cards: [amount]}\n"
        "  calendar: {from: due_on}\n"
        "  form:\n"
        "    - {section: One, fields: [[name, level], amount], show: level == 'a'}\n"
        "  related: [deal.parent]\n"
        "  tree: parent\n",
    )
    assert screens.columns == ("name", "address.city")
    assert screens.sort == (("due_on", True), ("name", False))
    assert screens.filters == ("address.city",)
    assert screens.views["big"].where.text == "amount > 10"
    assert screens.views["big"].sort == (("amount", True),)
    assert str(screens.views["big_a"].label) == "Big a"
    assert screens.board == {"by": "level", "cards": ("amount",)}
    assert screens.calendar == {"from": "due_on"}
    assert screens.form[0].fields == (("name", "level"), ("amount",))
    assert screens.form[0].show.text == "level == 'a'"
    assert screens.related == (("deal", "parent"),)
    assert screens.tree == "parent"


def test_views_that_name_each_other_in_a_circle_do_not_hang(types):
    loaded = load(
        types,
        "  views:\n    a: {where: in_view('b')}\n    b: {where: in_view('a')}\n",
    )
    assert {problem.code for problem in loaded.problems} <= {Code.cycle, Code.bad_expression}
    assert loaded.problems


@pytest.mark.parametrize(
    ("screens", "code"),
    [
        ("  list: {columns: [nam]}\n", Code.unknown_field),
        ("  list: {columns: [gone]}\n", Code.unknown_field),
        ("  list: {columns: [address.town]}\n", Code.unknown_field),
        ("  list: {sort: -nam}\n", Code.unknown_field),
        ("  list: {filters: {level: yes}}\n", Code.wrong_shape),
        ("  views: {x: {where: level == 'z'}}\n", Code.unknown_option),
        ("  views: {x: {for: [nobody]}}\n", Code.unknown_role),
        ("  board: {cards: [name]}\n", Code.missing_key),
        ("  board: {by: name}\n", Code.wrong_field_type),
        ("  calendar: {from: name}\n", Code.wrong_field_type),
        ("  form: [{section: A, fields: [[name, name]]}]\n", Code.duplicate_name),
        ("  form: [{section: A, fields: [address.city]}]\n", Code.unknown_field),
        ("  form: [{section: A, fields: [[a, b, c, d, e]]}]\n", Code.wrong_shape),
        ("  form: [{section: A}]\n", Code.missing_key),
        ("  related: [deal]\n", Code.not_a_link),
        ("  related: [deel.parent]\n", Code.unknown_entity),
        ("  tree: name\n", Code.not_a_link),
        ("  kanban: level\n", Code.unknown_key),
    ],
)
def test_mistakes_in_screens_are_placed(types, screens, code):
    assert [(one.code, one.place.line) for one in load(types, screens).problems] == [(code, 12)]


BENCH = "  views:\n    mine: {where: amount > 1, bench: {%s}}\n"
CALL = (
    "entities/call.yaml",
    "entity: call\nfields:\n  text: {type: text}\n  deal: {type: link, to: deal}\n",
)
APART = ("entities/apart.yaml", "entity: apart\nfields:\n  text: {type: text}\n")


def test_a_view_stands_on_the_work_bench(types):
    written = BENCH % "of: owner, log: call, later: due_on, done: {level: b}"
    bench = screens_of(types, written, files=[CALL]).views["mine"].bench
    assert (bench.of, bench.log, bench.log_link) == ("owner", "call", "deal")
    assert (bench.later, bench.done) == ("due_on", (("level", "b"),))
    assert screens_of(types, "  views: {all: {}}\n").views["all"].bench is None


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("log: call", "`bench` has no `of`"),
        ("of: name", "`name` is of type `text`; it must be one person."),
        ("of: ownr", "`deal` has no field `ownr`. Did you mean `owner`?"),
        ("of: owner, log: cal", "`cal` is not an entity. Did you mean `call`"),
        ("of: owner, log: apart", "none of its fields links to `deal`"),
        ("of: owner, later: level", "it must be a date or a date with time."),
        ("of: owner, done: {levl: b}", "`deal` has no field `levl`. Did you mean `level`?"),
        ("of: owner, done: {level: c}", "`c` is no option of `level`."),
        ("of: owner, don: {level: b}", "Did you mean `done`?"),
    ],
)
def test_what_is_wrong_with_a_bench_is_said(types, written, said):
    problems = [str(one) for one in load(types, BENCH % written, files=[CALL, APART]).problems]
    assert len(problems) == 1
    assert said in problems[0]
