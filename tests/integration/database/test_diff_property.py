"""Whatever configuration follows whatever other: after the apply there is nothing left to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app.database.pools import Pools
from app.definitions.load import load_files
from tests.integration.database.installations import Installation, field_types, files_from

TYPES = [
    "text", "longtext", "email", "integer", "decimal", "money", "boolean", "date", "datetime",
    "choice, options: [a, b, c]", "choice, options: [b, c, d]", "choices, options: [a, b]", "tags",
    "address", "phones", "duration", "rating", "user", "geo",
    "link, to: a", "link, to: b", "links, to: a",
    "lines, fields: {text: {type: text}, size: {type: integer}}",
    "lines, fields: {text: {type: longtext}}",
    "formula, formula: record is not empty",
    "formula, formula: \"'x'\"",
]  # fmt: skip
UNIQUE = {"text", "email", "integer", "date"}
NAMES = ("f", "g", "h")


@st.composite
def fields(draw: st.DrawFn) -> list[str]:
    """Return the lines of an entity's own fields."""
    lines = []
    chosen = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=2))
    for name in chosen:
        kind = draw(st.sampled_from(TYPES))
        extra = ""
        if kind in UNIQUE and draw(st.booleans()):
            extra += ", unique: yes"
        is_plain = kind.partition(",")[0] not in {"lines", "formula"}
        if is_plain and draw(st.integers(0, 3)) == 0:
            extra += ", required: yes"
        if is_plain and draw(st.integers(0, 3)) == 0:
            extra += ", index: yes"
        if kind == "integer" and draw(st.booleans()):
            extra += ", default: 3"
        free = [other for other in NAMES if other not in chosen]
        if free and draw(st.booleans()):
            extra += f", was: {draw(st.sampled_from(free))}"
        lines.append(f"{name}: {{type: {kind}{extra}}}")
    return lines


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, str]:
    """Return entities ``a``, ``b`` and perhaps ``c`` or ``d``, one renamed to the other."""
    entities = {}
    third = draw(st.sampled_from(["", "c", "d"]))
    for name in ("a", "b", *third):
        lines = "\n".join(f"  {line}" for line in ["name: {type: text}", *draw(fields())])
        owned = draw(st.sampled_from(["", "owned: no\n"]))
        was = {"c": "was: d\n", "d": "was: c\n"}.get(name, "") if draw(st.booleans()) else ""
        sort = draw(st.sampled_from(["", "screens: {list: {sort: name, filters: [owner]}}\n"]))
        if owned:
            sort = sort.replace("[owner]", "[created_by]")
        entities[name] = f"title: name\n{owned}{was}fields:\n{lines}\n{sort}"
    return entities


@pytest.fixture(scope="module")
def lasting(databases) -> Iterator[Installation]:
    """One database that goes through all of them, so that each follows the one before."""
    name = databases.create("template0")
    pools = Pools(databases.url(name))
    yield Installation(pools)
    pools.close()
    databases.drop(name)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(configuration=configurations())
def test_after_an_apply_the_plan_is_empty(lasting: Installation, configuration: dict[str, str]):
    loaded = load_files(files_from(configuration), field_types())
    # Links that are required in a circle are no configuration.
    assume(loaded.catalog is not None)
    catalog = loaded.catalog
    refused = lasting.plan(catalog).refusals
    assert all(each.allow for each in refused), refused
    version = lasting.apply(catalog, allow=[each.allow for each in refused])
    assert version.problems == ()
    again = lasting.plan(catalog)
    assert again.is_empty, again.render()
    # Rows that the next change has to deal with; everything but the name may be empty.
    for name in configuration:
        lasting.sql(f"INSERT INTO crm.{name} (name) SELECT 'n' WHERE NOT EXISTS "
                    "(SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnotnull "
                    "AND attname IN ('f', 'g', 'h'))", f"crm.{name}")  # fmt: skip
