"""What a configuration becomes: entities, fields, options, packs, defaults, fingerprint."""

from pathlib import Path

import pytest

from app.definitions.load import load_configuration, load_files
from app.definitions.problems import Code
from app.texts import Label

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CUSTOMER = "entity: customer\nfields:\n  name: {type: text}\n"


@pytest.fixture(scope="module")
def sales(types):
    loaded = load_configuration(EXAMPLES / "sales", types)
    assert [str(problem) for problem in loaded.problems] == []
    return loaded.catalog


def catalog_of(types, **files):
    named = {f"entities/{name}.yaml": text for name, text in files.items() if name.islower()}
    loaded = load_files({"app.yaml": "name: Acme\n"} | named, types)
    assert [str(problem) for problem in loaded.problems] == []
    return loaded.catalog


def problems_of(types, text, **files):
    named = {f"entities/{name}.yaml": one for name, one in files.items()}
    loaded = load_files({"app.yaml": "name: Acme\n", "entities/customer.yaml": text} | named, types)
    return [(one.code, one.place.line, one.place.column) for one in loaded.problems]


def test_the_minimal_example_has_sensible_defaults(types):
    catalog = load_configuration(EXAMPLES / "minimal", types).catalog
    customer = catalog.entities["customer"]
    assert str(customer.label) == "Customer"
    assert str(customer.fields["created_at"].label) == "Created at"
    assert customer.title == "name"
    assert customer.owned
    assert customer.table == "customer"
    assert customer.screens.columns == ("name", "owner")
    assert customer.screens.sort == (("created_at", True),)
    assert [section.fields for section in customer.screens.form] == [(("name",),)]
    assert catalog.app.languages == ("en", "zh")


def test_user_and_department_are_always_there(types):
    catalog = catalog_of(types, customer=CUSTOMER)
    assert list(catalog.entities) == ["user", "department", "customer"]
    user = catalog.entities["user"]
    assert user.built_in
    assert not user.owned
    assert user.fields["manager"].settings["to"] == "user"
    assert user.fields["manager"].settings["target_tree"] == "manager"
    assert catalog.entities["customer"].fields["owner"].settings["target_tree"] == "manager"


def test_labels_are_made_from_names(types):
    catalog = catalog_of(types, lead="entity: sales_lead\nfields:\n  signed_on: {type: date}\n  name: {type: text}\n".replace("sales_lead", "lead"))  # fmt: skip
    assert catalog.entities["lead"].fields["signed_on"].label == Label({"en": "Signed on"})


def test_owned_no_has_no_owner(types):
    catalog = catalog_of(types, customer=CUSTOMER + "owned: no\n")
    assert "owner" not in catalog.entities["customer"].fields
    assert "tags" in catalog.entities["customer"].fields


def test_built_in_fields_are_the_same_objects_everywhere(sales):
    assert sales.entities["customer"].fields["id"] is sales.entities["contact"].fields["id"]


def test_lines_are_an_entity_of_their_own(sales):
    lines = sales.entities["order.lines"]
    assert lines.lines_of == ("order", "lines")
    assert lines.table == "order__lines"
    assert list(lines.fields) == [
        "id", "position", "version", "product", "price", "quantity", "subtotal", "share"
    ]  # fmt: skip
    assert [check.must.text for check in lines.checks] == ["quantity > 0"]
    assert lines.unique == (("product",),)
    field = sales.entities["order"].fields["lines"]
    assert field.settings["entity"] == "order.lines"
    assert field.settings["totals"] == ("quantity", "subtotal")


def test_options_may_be_shared_inline_a_tree_or_a_file(sales):
    fields = sales.entities["customer"].fields
    assert fields["source"].settings["options"] == "sources"
    assert fields["status"].settings["options"] == "customer.status"
    assert sales.options["customer.status"].names() == ("active", "dormant")
    assert [(one.name, one.parent) for one in fields["industry"].options] == [
        ("production", None), ("cars", "production"), ("food", "production"), ("trade", None)
    ]  # fmt: skip
    assert [(one.name, one.label.in_language("zh"), one.parent) for one in fields["region"].options] == [
        ("east", "华东", None), ("zhejiang", "浙江", "east"), ("north", "华北", None)
    ]  # fmt: skip
    assert fields["level"].options[2].was == ("d",)


def test_an_option_may_be_offered_under_a_condition_of_the_record(sales):
    hotline, website = sales.entities["customer"].fields["detail"].options
    assert hotline.offer is None
    assert website.offer.text == "record.source == 'online'"


def test_stages_come_from_the_lifecycles(sales):
    stage = sales.entities["order"].fields["stage"]
    assert [(one.name, one.final) for one in stage.options] == [
        ("new", False), ("sent", False), ("paid", True)
    ]  # fmt: skip
    assert "stage.final" in sales.entities["customer"].fields["open_amount"].rollup.where.text


def test_other_documents_are_kept_with_their_places(sales):
    rule = sales.others["rule"]["thank-you"]
    assert rule.data["when"]["changed"] == "stage"
    assert rule.place(("when", "to")).line == 14
    assert set(sales.others["rule"]) == {"thank-you", "remind-teacher"}
    assert list(sales.others["dashboard"]) == ["sales"]
    assert list(sales.others["template"]) == ["templates/thanks.txt"]


def test_values_of_app_yaml_are_what_they_look_like_and_text_in_quotes(sales):
    values = dict(sales.app.values)
    assert values["silent_days"] == 14
    assert str(values["factor"]) == "1.5"
    assert values["motto"] == "10"
    assert values["strict"] is True


def test_yours_wins_over_a_pack_key_by_key(sales):
    assert sales.app.values["silent_days"] == 14
    assert sales.app.values["lesson_minutes"] == 45
    course = sales.entities["course"]
    assert course.fields["name"].settings["max"] == 80
    assert course.fields["name"].required is True
    assert str(course.fields["name"].label) == "Course name"
    assert list(course.fields)[-3:] == ["name", "minutes", "room"]


def test_extend_adds_to_lists_instead_of_replacing_them(sales):
    assert [check.must.text for check in sales.entities["course"].checks] == [
        "minutes > 0", "room is not empty"
    ]  # fmt: skip
    assert sales.entities["user"].fields["grade"].options[0].name == "junior"
    assert len(sales.entities["user"].checks) == 1


def test_a_pack_that_is_not_named_is_not_read(types):
    files = {
        "app.yaml": "name: A\n",
        "packs/x/entities/a.yaml": "entity: a\nfields: {name: {type: text}}\n",
    }
    assert "a" not in load_files(files, types).catalog.entities
    files["app.yaml"] = "packs: [x]\n"
    assert "a" in load_files(files, types).catalog.entities


def test_the_place_of_a_merged_key_is_the_file_it_stands_in(types):
    files = {
        "app.yaml": "packs: [x]\n",
        "packs/x/entities/a.yaml": "entity: a\nfields:\n  name: {type: text, max: many}\n",
        "entities/a.yaml": "extend: a\nfields:\n  name: {min: none}\n",
    }
    problems = load_files(files, types).problems
    assert [(one.place.file, one.place.line) for one in problems] == [
        ("entities/a.yaml", 3), ("packs/x/entities/a.yaml", 3)
    ]  # fmt: skip


def test_x7_names_that_would_break_something_are_refused_with_their_place(types):
    names = ['a\\";drop table', "Имя", "id", "xmin", "record", "select-x", "n" * 64, "_x", "a__b", "ａ"]  # fmt: skip
    fields = "".join(f'  "{name}": {{type: text}}\n' for name in names)
    problems = problems_of(types, "entity: customer\nfields:\n" + fields)
    assert [line for _, line, _ in problems] == list(range(3, 3 + len(names)))
    assert {code for code, _, _ in problems} == {Code.bad_name, Code.reserved_name}


@pytest.mark.parametrize(
    "name", ["select", "table", "group", "metadata", "query", "user_id", "desc"]
)
def test_x7_words_of_sql_and_python_do_no_harm_as_names(types, name):
    text = f"entity: customer\ntitle: {name}\nfields:\n  {name}: {{type: text}}\n"
    text += f"checks:\n  - {{must: {name} is not empty, message: Fill it}}\n"
    assert problems_of(types, text) == []


@pytest.mark.parametrize("name", ["a;b", "Customer", "x" * 51, "search", "meta", "class", "a__b"])
def test_x7_entities_with_such_names_are_refused(types, name):
    text = CUSTOMER.replace("customer", f'"{name}"')
    found = [code for code, _, _ in problems_of(types, text)]
    assert {Code.bad_name, Code.reserved_name} & set(found)


@pytest.mark.parametrize(
    "attack",
    ["name.__class__", "(1).__class__", "lambda: 1", "[x for x in name]", "name ** 999999",
     "open('/etc/passwd')", "9" * 3000, "(" * 500 + "1" + ")" * 500, "__import__('os')",
     "name.format(name)", "f'{name}'", "while True: 1", "x := 1", "'a' * 999999999"],
)  # fmt: skip
def test_x6_an_expression_cannot_attack(types, attack):
    quoted = attack.replace("\\", "\\\\").replace('"', '\\"')
    text = CUSTOMER + f'  bad: {{type: formula, formula: "{quoted}"}}\n'
    problems = problems_of(types, text)
    assert problems
    assert {line for _, line, _ in problems} == {4}
    assert {code for code, _, _ in problems} <= {Code.bad_expression, Code.unknown_field}


def test_c5_all_mistakes_between_definitions_are_told_in_one_run(types):
    text = """entity: customer
fields:
  name: {type: text}
  company: {type: link, to: compny}
  contact: {type: link, to: contact, required: yes}
access:
  saels: {scope: own}
checks:
  - {must: amuont > 3, message: No}
screens:
  related: [contact.custmer]
"""
    contact = "entity: contact\nfields:\n  customer: {type: link, to: customer, required: yes}\n  name: {type: text}\n"  # fmt: skip
    assert problems_of(types, text, contact=contact) == [
        (Code.cycle, 3, 50),
        (Code.unknown_entity, 4, 29),
        (Code.unknown_role, 7, 3),
        (Code.unknown_field, 9, 12),
        (Code.not_a_link, 11, 13),
    ]


def test_what_depends_on_a_mistake_is_not_a_mistake(types):
    text = (
        CUSTOMER
        + "  company: {type: link, to: compny}\n  x: {type: formula, formula: company.name}\n"
    )
    assert problems_of(types, text) == [(Code.unknown_entity, 4, 29)]
    text = (
        CUSTOMER
        + "  level: {type: choice, options: lvels}\n  x: {type: formula, formula: level == 'a'}\n"
    )
    assert problems_of(types, text) == [(Code.unknown_options, 4, 34)]


def test_the_catalog_does_not_change_after_it_was_built(sales):
    with pytest.raises(TypeError):
        sales.entities["x"] = None
    with pytest.raises(TypeError):
        sales.entities["customer"].fields["x"] = None
    with pytest.raises(AttributeError):
        sales.entities["customer"].title = "x"
    with pytest.raises(AttributeError):
        sales.entities["customer"].fields["name"].label = None


def test_comments_order_of_files_and_spelling_do_not_change_the_fingerprint(types):
    one = {
        "app.yaml": "name: Acme\nlanguages: [en, zh]\n",
        "entities/a.yaml": "entity: a\nlabel: A\nfields:\n  name: {type: text, required: yes, max: 10}\n",
        "entities/b.yaml": "entity: b\nfields:\n  name: {type: text}\n",
    }
    other = {
        "entities/b.yaml": "# A comment.\nfields:\n  name:\n    type: 'text'\nentity: \"b\"\n",
        "entities/a.yaml": "fields:\n  name: {max: 10, required: true, type: text} # here\nentity: a\nlabel: {en: A}\n",
        "app.yaml": "languages:\n  - en\n  - zh\nname: Acme\n",
    }
    assert (
        load_files(one, types).catalog.fingerprint == load_files(other, types).catalog.fingerprint
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [("max: 10", "max: 11"), ("[a, b]", "[b, a]"), ("label: A", "label: B"), ("3 days", "4 days")],
)
def test_what_means_something_changes_the_fingerprint(types, old, new):
    files = {
        "app.yaml": "name: Acme\nkeep: {bin: 3 days}\n",
        "entities/a.yaml": "entity: a\nlabel: A\nfields:\n  name: {type: text, max: 10}\n  level: {type: choice, options: [a, b]}\n",
    }
    changed = {name: text.replace(old, new) for name, text in files.items()}
    assert changed != files
    assert (
        load_files(files, types).catalog.fingerprint
        != load_files(changed, types).catalog.fingerprint
    )


def test_rules_and_templates_are_part_of_the_fingerprint(types):
    rules = [
        f"rule: {name}\nentity: user\nwhen: {{on: create}}\ndo: [{{comment: Hello}}]\n"
        for name in "xy"
    ]
    files = {"app.yaml": "name: A\n", "workflows/a.yaml": "---\n".join(rules)}
    prints = {load_files(files, types).catalog.fingerprint}
    # Rules of one event run in the order they stand in.
    files["workflows/a.yaml"] = "---\n".join(reversed(rules))
    prints.add(load_files(files, types).catalog.fingerprint)
    files["workflows/a.yaml"] += "once: yes\n"
    prints.add(load_files(files, types).catalog.fingerprint)
    files["templates/t.txt"] = "---\nmessage: t\n---\nHello"
    prints.add(load_files(files, types).catalog.fingerprint)
    assert len(prints) == 4


def test_the_shipped_configuration_has_no_problems(types, shipped):
    loaded = load_files(shipped, types)
    assert [str(problem) for problem in loaded.problems] == []


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (CUSTOMER + "  fax: {type: text, was: name}\n", Code.duplicate_name, 4),
        (
            CUSTOMER + "  x: {type: choice, options: {a: A, b: {was: a}}}\n",
            Code.duplicate_name,
            4,
        ),
        (CUSTOMER + "was: user\n", Code.duplicate_name, 4),
        (CUSTOMER + "  phones: {type: phones, unique: yes}\n", Code.wrong_field_type, 4),
        ("entity: customer\n", Code.missing_key, 1),
        ("entity: customer\nfields: {}\n", Code.missing_key, 1),
        ("entity: customer\nfields:\n", Code.empty_value, 2),
    ],
)
def test_contradictions_are_placed(types, text, code, line):
    assert [(one, place) for one, place, _ in problems_of(types, text)] == [(code, line)]


def test_a_list_of_languages_is_not_empty(types):
    problems = load_files({"app.yaml": "languages: []\n"}, types).problems
    assert [(one.code, one.place.line) for one in problems] == [(Code.empty_value, 1)]
