"""The description of the API: valid, complete, and no more than the reader may know."""

import json
import re

import jsonschema
import pytest
import schemathesis
from flask import Flask

from app.definitions.names import RESERVED_ENTITIES
from tests.integration.api.world import PEOPLE, Caller, assert_api_error

#: Addresses that are everybody's, whatever the roles.
OF_EVERYBODY = {
    "dashboards",
    "targets",
    "security",
    "files",
    "inbox",
    "absences",
    "handovers",
    "imports",
    "exports",
    "changes",
    "duplicates",
}


def document(world, name):
    response = world.as_(name).get("/openapi.json")
    assert response.status_code == 200, response.text
    return response.json


def schemas_in(node):
    """Every schema that stands in the document."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "schema":
                yield value
            yield from schemas_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from schemas_in(value)


def test_everybodys_document_is_openapi_3_1(shared):
    # Most of it is the same for all, and looked at once.
    seen = set()

    def is_new(value):
        text = json.dumps(value, sort_keys=True)
        return text not in seen and not seen.add(text)

    for name in ("root", *PEOPLE):
        told = document(shared, name)
        assert told["openapi"].startswith("3.1")
        operations = [one for path in told["paths"].values() for one in path.values()]
        ids = [one["operationId"] for one in operations]
        assert len(ids) == len(set(ids))
        assert all(one["summary"] and one["responses"] for one in operations)
        schemas = told["components"]["schemas"]
        for schema in filter(is_new, [*schemas.values(), *schemas_in(told["paths"])]):
            jsonschema.Draft202012Validator.check_schema(schema)
        told["paths"] = {key: one for key, one in told["paths"].items() if is_new([key, one])}
        told["components"]["schemas"] = {key: one for key, one in schemas.items() if is_new(key)}
        schemathesis.openapi.from_dict(told).validate()


def routes(app: Flask, entity: str) -> set[tuple[str, str]]:
    """Every address below /api, as the document would write it for an entity."""
    found = set()
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/"):
            path = rule.rule.replace("<entity>", entity).replace("<number>", "{id}")
            path = re.sub(r"<(\w+)>", r"{\1}", path)
            found |= {(path, method) for method in rule.methods - {"HEAD", "OPTIONS"}}
    return found


def test_every_address_is_described_and_none_besides(shared):
    told = document(shared, "root")["paths"]
    described = {(path, method.upper()) for path, one in told.items() for method in one}
    entities = [e for e, one in shared.catalog.entities.items() if one.lines_of is None]
    expected = set().union(*(routes(shared.app, entity) for entity in entities))
    # People are added with their account, on a page of its own.
    expected -= {("/api/v1/user/", "POST")}
    # Nothing is approved here.
    expected -= {(path, method) for path, method in expected if "/approvals" in path}
    # Nor is there a public sea.
    seas = ("/pool", "/claim", "/release", "/assign")
    expected -= {
        (path, method)
        for path, method in expected
        if path.endswith(seas) and "/personal/" not in path
    }
    assert described == expected


def test_words_of_the_api_are_no_names_of_entities(shared):
    words = {
        rule.rule.split("/")[3].partition(".")[0]
        for rule in shared.app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and not rule.rule.startswith("/api/v1/<")
    }
    assert words <= set(RESERVED_ENTITIES)


@pytest.mark.parametrize(("name", "knows"), [("sam", False), ("aud", True), ("root", True)])
def test_a9_hidden_fields_and_closed_entities_are_not_described(shared, name, knows):
    text = shared.as_(name).get("/openapi.json").text
    assert ('"secret"' in text) is knows
    assert ("/api/v1/closed/" in text) is (name == "root")


def test_what_one_may_not_do_is_not_described(shared):
    seller, auditor = (document(shared, name)["paths"] for name in ("sam", "aud"))
    assert set(seller["/api/v1/customer/{id}"]) == {"get", "patch"}
    assert set(auditor["/api/v1/customer/{id}"]) == {"get"}
    assert set(auditor["/api/v1/customer/"]) == {"get"}
    assert set(document(shared, "nora")["paths"]) == {
        path for path in auditor if path.count("/") < 4 or path.split("/")[3] in OF_EVERYBODY
    } - {p for p in auditor if p.split("/")[3] in shared.catalog.entities}


def test_writes_say_what_is_needed_and_what_is_only_read(shared):
    schemas = document(shared, "sam")["components"]["schemas"]
    assert schemas["customer.write"]["required"] == ["name"]
    assert "credit" not in schemas["customer.write"]["properties"]
    assert schemas["customer"]["properties"]["credit"]["readOnly"] is True
    assert schemas["customer"]["properties"]["id"]["readOnly"] is True
    assert "readOnly" not in schemas["customer"]["properties"]["name"]
    line = schemas["order.write"]["properties"]["lines"]["items"]
    assert line["required"] == ["product"]
    assert "subtotal" not in line["properties"]
    assert schemas["order"]["properties"]["lines"]["items"]["properties"]["subtotal"]


def test_the_document_follows_the_catalog(world):
    from tests.integration.api.world import FILES

    changed = FILES["entities/note.yaml"].replace("fields:\n", "fields:\n  added: {type: date}\n")
    world.apply({**FILES, "entities/note.yaml": changed})
    told = document(world, "sam")
    assert told["components"]["schemas"]["note"]["properties"]["added"]["format"] == "date"


def test_titles_are_in_the_language_asked_for(shared):
    told = (
        shared.as_("sam").ask("GET", "/api/v1/openapi.json", headers={"Accept-Language": "zh"}).json
    )
    assert told["components"]["schemas"]["customer"]["title"] == "客户"


def test_a_stranger_reads_neither_document_nor_page(shared):
    assert_api_error(shared.anybody().get("/openapi.json"), 401, "not-signed-in")
    assert Caller(shared, None).ask("GET", "/swagger/v1").status_code == 302
