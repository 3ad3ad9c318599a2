"""What editors are told agrees with what the checker takes."""

from pathlib import Path

import jsonschema
import pytest

from app.definitions.document import read_documents
from app.definitions.folder import read_folder
from app.definitions.jsonschema import FILES, json_schema, json_schemas

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
KINDS = {"app.yaml": "app", "roles.yaml": "roles", "options.yaml": "options"}


def as_an_editor_sees_it(data, spot):
    """Return the data with numbers and switches, as YAML 1.2 reads them."""
    if isinstance(data, dict):
        return {key: as_an_editor_sees_it(one, spot.inside[key]) for key, one in data.items()}
    if isinstance(data, list):
        return [as_an_editor_sees_it(one, spot.inside[index]) for index, one in enumerate(data)]
    if data is None or spot.quoted:
        return data
    if data in ("true", "false"):
        return data == "true"
    try:
        return int(data)
    except ValueError:
        try:
            return float(data)
        except ValueError:
            return data


def kind_of(file):
    if file in KINDS:
        return KINDS[file]
    return {"entities": "entity", "workflows": "workflow", "tests": "test"}.get(file.split("/")[0])


@pytest.mark.parametrize("kind", FILES)
def test_the_schemas_are_schemas(kind, types):
    jsonschema.Draft202012Validator.check_schema(json_schema(kind, types))


@pytest.mark.parametrize(
    "folder", [EXAMPLES / "sales", EXAMPLES / "minimal", EXAMPLES.parents[1] / "config"]
)
def test_what_the_checker_takes_editors_take(folder, types):
    schemas = json_schemas(types)
    files, _ = read_folder(folder)
    tried = 0
    for file, text in files.items():
        kind = kind_of(file)
        if kind is None or not file.endswith(".yaml") or file == "entities/course.yaml":
            continue
        for document in read_documents(file, text)[0]:
            validator = jsonschema.Draft202012Validator(schemas[kind])
            data = as_an_editor_sees_it(document.data, document.spot)
            errors = [
                f"{file}: {one.json_path}: {one.message}" for one in validator.iter_errors(data)
            ]
            assert errors == []
            tried += 1
    assert tried >= 3


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("entity: a\nfields:\n  name: {type: text, requird: yes}\n", "requird"),
        ("entity: a\nfields:\n  name: {type: txt}\n", "txt"),
        ("entity: a\nfields:\n  name: {label: x}\n", "type"),
        ("entity: a\ntitel: name\n", "titel"),
        ("fields:\n  name: {type: text}\n", "entity"),
        ("entity: a\nfields:\n  name: {type: text, max: -1}\n", "-1"),
    ],
)
def test_editors_see_mistakes_too(text, word, types):
    (document,), _ = read_documents("a.yaml", text)
    validator = jsonschema.Draft202012Validator(json_schema("entity", types))
    data = as_an_editor_sees_it(document.data, document.spot)
    assert any(
        word in one.message or word in str(one.schema) for one in validator.iter_errors(data)
    )


def test_every_key_and_type_has_its_help(types):
    schema = json_schema("entity", types)
    assert schema["properties"]["title"]["description"]
    for name in types.names():
        field = schema["$defs"][f"field_{name}"]
        assert field["description"]
        for key, one in field["properties"].items():
            assert key == "type" or one["description"]
