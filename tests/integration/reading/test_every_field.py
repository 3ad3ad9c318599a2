"""Every field of every entity in every way of asking: an answer or a refusal, never a crash."""

import pytest

from app.access.principal import SYSTEM
from app.errors import Forbidden, Malformed
from tests.integration.reading.world import load


def ways(entity, name):
    """What can be asked of one field, good or bad."""
    return [
        lambda r: r.query(SYSTEM, entity, fields=name, sort=name),
        lambda r: r.query_json(SYSTEM, entity, fields=name, sort=f"-{name}"),
        lambda r: r.query_json(SYSTEM, entity, fields=name, expand=name),
        lambda r: r.query_json(SYSTEM, entity, filter=f"{name} is not empty"),
        lambda r: r.query_json(SYSTEM, entity, filter=f"{name} == '1'"),
        lambda r: r.query_json(SYSTEM, entity, filter=f"has({name}, '1')"),
        lambda r: r.query_json(SYSTEM, entity, where={name: ""}),
        lambda r: r.query_json(SYSTEM, entity, where={name: "1"}, count="capped"),
        lambda r: r.query_json(SYSTEM, entity, where={name: ["1", "2"]}),
        lambda r: r.query_json(SYSTEM, entity, where={name: "2026-01-01"}),
        lambda r: r.aggregate(SYSTEM, entity, group_by=name, measures=f"count,max({name})"),
        lambda r: r.aggregate(SYSTEM, entity, group_by=f"month({name})", measures=f"sum({name})"),
        lambda r: r.pick(SYSTEM, entity, name, "abc", {"company": 1}),
    ]


CATALOG = load()
FIELDS = [
    (entity.name, path)
    for entity in CATALOG.entities.values()
    for field in entity.fields.values()
    for path in (field.name, *(f"{field.name}.{p.name}" for p in field.type.parts(field)))
]


@pytest.mark.parametrize(("entity", "field"), FIELDS)
def test_q10_a_field_is_answered_or_refused(shared_world, entity, field):
    refusals = []
    for way in ways(entity, field):
        try:
            assert way(shared_world.records) is not None
        except (Malformed, Forbidden) as refusal:
            refusals.append(str(refusal))
    assert all(refusals)


@pytest.mark.parametrize("entity", CATALOG.entities)
def test_every_entity_has_a_bin_or_an_empty_one(shared_world, entity):
    expected = 1 if entity == "company" else 0
    assert len(shared_world.records.bin(SYSTEM, entity)) == expected
