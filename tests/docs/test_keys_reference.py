"""docs/reference/keys.md is what the schemas and field types say, and its examples are right."""

import pytest

from app.definitions import (
    app_file,
    field_schemas,
    lifecycles,
    options,
    schemas,
    screen_schemas,
)
from app.definitions.document import read_documents
from app.definitions.reference import PAGE, keys_page
from app.definitions.shape import Definition
from app.fields.base import FieldTypes
from app.fields.registry import builtin_types

TYPES = FieldTypes({one.name: one for one in builtin_types()})
MODULES = (app_file, schemas, field_schemas, lifecycles, options, screen_schemas)
SCHEMAS = sorted(
    {
        schema
        for module in MODULES
        for schema in vars(module).values()
        if isinstance(schema, type) and issubclass(schema, Definition) and schema is not Definition
    },
    key=lambda schema: schema.__name__,
)


def test_the_page_is_fresh():
    written = PAGE.read_text("utf-8")
    assert written == keys_page(TYPES), "run `python -m app.definitions.reference`"


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.__name__)
def test_every_schema_has_an_example_that_it_takes(schema):
    documents, problems = read_documents("example.yaml", schema.example)
    assert problems == []
    made = schemas.entity_schema(field_schemas.FieldSchemas(TYPES))
    reader = made if schema is schemas.EntitySchema else schema()
    values = reader.read(documents[0].data)
    assert set(values) == set(documents[0].data)


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.__name__)
def test_every_key_has_a_sentence(schema):
    for name, setting in schema().fields.items():
        assert setting.help.endswith((".", "`")), name
        assert setting.takes, name


@pytest.mark.parametrize("name", TYPES.names())
def test_every_field_type_is_explained(name):
    page = PAGE.read_text("utf-8")
    assert f"\n### `{name}`\n" in page
    assert TYPES[name].help
    assert TYPES[name].example
