"""What an editor offers while a file is being written."""

from __future__ import annotations

import pytest

from app.definitions.completion import LONGEST, Names, complete
from app.definitions.jsonschema import json_schemas
from app.definitions.where_in_text import keys_in, spot_at

NAMES = Names(
    fields={"customer": {"name": "Name", "level": "Level"}, "contact": {"customer": "Customer"}},
    entities={"customer": "Customer", "contact": "Contact"},
    roles={"sales": "Sales", "boss": "Boss"},
    options=("sources", "levels"),
    functions=("today", "count"),
    icons=("building", "users"),
)
HEAD = "entity: customer\ntitle: name\nfields:\n  name: {type: text}\n  level: {type: choice}\n"


@pytest.fixture(scope="module")
def schemas(types):
    return json_schemas(types)


def offered(schemas, text: str, kind: str = "entity") -> tuple[str, list[str]]:
    """Return the word that is being written at `|`, and what it may become."""
    offset = text.index("|")
    whole = text.replace("|", "", 1)
    begin, found = complete(whole, offset, schemas[kind], NAMES)
    return whole[begin:offset], [one.label for one in found]


@pytest.mark.parametrize(
    ("text", "word", "among", "not_among"),
    [
        ("entity: customer\nti|", "ti", {"title", "fields", "checks"}, {"entity", "type"}),
        (HEAD + "  f|", "f", set(), {"title"}),
        (HEAD + "  fax: {ty|", "ty", {"type"}, {"title"}),
        (HEAD + "  fax: {type: |", "", {"text", "money", "link"}, {"title"}),
        (HEAD + "  fax: {type: mo|}", "mo", {"money"}, set()),
        (HEAD + "  fax: {type: money, |", "", {"min", "currency", "required"}, {"type", "to"}),
        (HEAD + "  fax: {type: txt, |", "", {"label", "required"}, {"max", "to"}),
        (HEAD + "  fax: {type: link, to: c|", "c", {"customer", "contact"}, {"sales"}),
        (HEAD + "  fax: {type: choice, options: s|", "s", {"sources"}, {"customer"}),
        (HEAD + "  fax:\n    type: link\n    on_|", "on_", {"on_delete", "to"}, {"min"}),
        (HEAD + "  fax:\n    type: link\n    tree: |", "", {"yes", "no"}, set()),
        (HEAD + "  fax: {type: text, required: na|", "na", {"name", "level", "fax", "today"}, set()),
        (HEAD + '  fax: {type: formula, formula: "round(le|', "le", {"level"}, set()),
        (HEAD + "  due: {type: date, default: =to|", "to", {"today"}, set()),
        (HEAD + "access:\n  sa|", "sa", {"sales", "fields", "inherit"}, set()),
        (HEAD + "access:\n  sales: {scope: |", "", {"own", "subordinates"}, set()),
        (HEAD + "access:\n  fields:\n    le|", "le", {"level", "else"}, {"sales"}),
        (HEAD + "access:\n  fields:\n    level: {sales: read, |", "", {"boss"}, {"sales", "label"}),
        (HEAD + "screens:\n  list:\n    columns: [name, |", "", {"level", "fax"}, {"customer"}),
        (HEAD + "screens:\n  list: {columns: [name],\n    so|", "so", {"sort"}, {"columns"}),
        (HEAD + "checks:\n  - must: le|", "le", {"level"}, set()),
        (HEAD + "checks:\n  - must: level\n    |", "", {"message", "if"}, {"must", "title"}),
        (HEAD + "icon: bu|", "bu", {"building"}, set()),
        (HEAD + "# of the ti|", "", set(), {"title"}),
    ],
)  # fmt: skip
def test_what_fits_is_offered(schemas, text, word, among, not_among):
    written, found = offered(schemas, text + "\nscreens: {}\n" if "fax" in among else text)
    assert written == word
    assert among - {"fax"} <= set(found), found
    assert not not_among & set(found)


def test_a_workflow_knows_its_kinds(schemas):
    begin = "rule: a\n---\nrule: remind\nentity: customer\n"
    assert "when" in offered(schemas, f"{begin}wh|", "workflow")[1]
    found = offered(schemas, f"{begin}do:\n  - no|", "workflow")[1]
    assert {"notify", "create", "if"} <= set(found)
    found = offered(schemas, f"{begin}do:\n  - create: {{entity: contact, set: {{|", "workflow")[1]
    assert found == ["customer"]
    assert offered(schemas, f"{begin}when: {{on: |", "workflow")[0] == ""


def test_a_text_that_is_half_written_is_read_as_far_as_it_goes():
    spot = spot_at('a:\n  - b: {c: "x, {", d: [1, ', len('a:\n  - b: {c: "x, {", d: [1, '))
    assert spot.path == ("a", "-", "b", "d", "-")
    assert not spot.is_key
    assert keys_in("a:\n  b: {c: 1, d: {e: 2}}\nf: 3\n") == {
        (): ["a", "f"],
        ("a",): ["b"],
        ("a", "b"): ["c", "d"],
        ("a", "b", "d"): ["e"],
    }
    for text in ("}}]", "- - -", ": :", '"', "{a: {b: ", "a: 'b\nc: ]", "\t- x", "---\n---"):
        for offset in range(len(text) + 1):
            spot_at(text, offset)


def test_a_text_of_a_machine_is_not_read_at_every_key(schemas):
    assert complete("a: b\n" * LONGEST, 3, schemas["entity"], NAMES) == (3, [])
