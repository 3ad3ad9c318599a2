"""Saved mappings of imports: what they mean, and what is said about a wrong one."""

from app.definitions.imports import CLEANING
from app.definitions.load import load_files
from app.fields.registry import field_types
from app.transfer.cleaning import STEPS

ENTITIES = {
    "app.yaml": "name: Test\nlanguages: [en, zh]\n",
    "entities/customer.yaml": """
entity: customer
title: name
fields:
  name: {type: text, required: yes}
  level: {type: choice, options: {a: Key, b: Normal}}
  address: {type: address}
  size: {type: formula, formula: "1 + 1"}
  area: {type: link, to: region}
""",
    "entities/contact.yaml": """
entity: contact
title: name
fields:
  name: {type: text, required: yes}
  customer: {type: link, to: customer, required: yes}
""",
    "entities/region.yaml": "entity: region\ntitle: name\nfields: {name: {type: text}}\n",
}
MAPPING = """
import: old-crm
into: customer
match: [name, [level, address.city]]
rules: silent
columns:
  客户名称: name
  级别: {field: level, clean: [half_width], map: {重点: a}, else: b}
  City: {field: address.city, split: /, take: -1, default: none}
  负责人: {field: owner, by: email, else: =me}
  联系人: contact.name
  Fax: {field: "-", skip_if: [old, empty]}
  Region: {field: area, create: yes}
"""


def load(text):
    return load_files({**ENTITIES, "imports/old_crm.yaml": text}, field_types())


def test_the_steps_named_are_those_there_are():
    assert set(CLEANING) == set(STEPS)


def test_a_mapping_is_bound():
    loaded = load(MAPPING)
    assert not loaded.problems
    mapping = loaded.catalog.imports["old-crm"]
    assert (mapping.entity, mapping.mode, mapping.rules) == ("customer", "upsert", "silent")
    assert mapping.match == (("name",), ("level", "address.city"))
    columns = {one.column: one for one in mapping.columns}
    assert [one.path for one in mapping.columns] == [
        "name", "level", "address.city", "owner", "contact.name", "-", "area",
    ]  # fmt: skip
    assert (columns["级别"].clean, columns["级别"].map) == (("half_width",), {"重点": "a"})
    assert columns["级别"].otherwise.raw == "b"
    assert (columns["City"].split, columns["City"].take) == ("/", -1)
    assert (columns["Fax"].skip_if, columns["Region"].create) == (("old", "empty"), True)
    assert columns["负责人"].otherwise.checked.text == "me"


def test_what_is_wrong_is_said_at_its_place():
    loaded = load("""
import: old-crm
into: customer
match: [level]
mode: upset
columns: {Name: name}
""")
    assert [str(problem) for problem in loaded.problems] == [
        (
            "imports/old_crm.yaml:5:7: error[unknown-word]: `mode` cannot be `upset`. "
            "Did you mean `upsert`?"
        )
    ]
    loaded = load("""
import: old-crm
into: customer
match: [level]
columns:
  Name: nam
  Size: size
  Region: region.name
  Number: id
  Level: {field: level, else: huge}
  City: {field: address.city, clean: [trimm]}
  Tel: {field: name, take: 2}
""")
    assert [str(problem) for problem in loaded.problems] == [
        (
            "imports/old_crm.yaml:11:38: error[unknown-word]: `clean` cannot be `trimm`. "
            "Did you mean `trim`?"
        ),
        "imports/old_crm.yaml:12:3: error[missing-key]: `take` says nothing without `split`.",
    ]
    loaded = load("""
import: old-crm
into: customer
match: [level, namee]
columns:
  Name: nam
  Size: size
  Region: region.name
  Number: id
  Level: {field: level, else: huge}
  City: {field: address, create: yes}
""")
    assert [str(problem).partition(".yaml:")[2] for problem in loaded.problems] == [
        "4:8: error[unknown-field]: `customer` has no field `namee`. Did you mean `name`?",
        "6:9: error[unknown-field]: `customer` has no field `nam`. Did you mean `name`?",
        "7:9: error[wrong-field-type]: `customer.size` cannot be brought by a file.",
        "8:11: error[not-a-link]: `region` has no link to `customer`, so a row cannot bring one.",
        "9:11: error[wrong-field-type]: `id` is kept by the system.",
        (
            "10:31: error[bad-value]: `level` cannot be `huge`: There is no option “huge”. There is: "
            "a, b."
        ),
        ("11:34: error[wrong-field-type]: What `address` names cannot be made by its title alone."),
    ]
    loaded = load("import: a\ninto: customer\nmatch: [level]\ncolumns: {Name: name}\n")
    assert [str(problem) for problem in loaded.problems] == [
        (
            "imports/old_crm.yaml:3:8: error[conflicting-keys]: No column goes to `level`, so no "
            "record can be told by it. Add the column, or match by another field."
        )
    ]
