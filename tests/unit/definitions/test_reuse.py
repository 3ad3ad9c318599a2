"""Reading again gives what reading anew gives, only faster."""

import gc
import random
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.definitions.load import load_files
from bench.big_config import write_big_configuration

EDITS = [
    ("customer", "\nfields:\n", "\nfields:\n  added: {type: text}\n"),
    ("customer", "type: customer_types", "type: customer_types"),
    ("opportunity", "amount: {type: money", "amount: {type: decimal"),
    ("opportunity", "label: {en: Amount", "label: {en: Sum"),
    ("product", "price: {type: money", "price: {type: decimal"),
    ("contract", "  planned_amount:", "  extra: {type: link, to: contact}\n  planned_amount:"),
    ("contact", "required: yes, on_delete: cascade", "on_delete: cascade"),
    ("follow_up", "followed_at: {type: datetime", "followed_at: {type: date"),
    ("customer", "options: customer_levels", "options: customer_types"),
    ("customer", "title: name", "title: short_name"),
    ("customer", "tree: yes", "tree: no"),
    ("task", "label: {en: Task", "label: {en: Job"),
    ("customer", "silent_days > app.silent_days", "silent_days > 3"),
    ("quote", "where: customer == record.customer", "where: name is not empty"),
    ("opportunity", "price * quantity", "price"),
    ("lead", "name: {type: text", "name: {type: longtext"),
    ("customer", "followed: {type: formula, formula: last_contacted_at >= owner_since", "followed: {type: formula, formula: last_contacted_at >= now()"),
]  # fmt: skip


def edited(files, edits):
    changed = dict(files)
    for entity, old, new in edits:
        file = f"entities/{entity}.yaml"
        changed[file] = changed[file].replace(old, new)
    return changed


def assert_same(one, other):
    assert [str(problem) for problem in one.problems] == [
        str(problem) for problem in other.problems
    ]
    if one.catalog is None or other.catalog is None:
        assert one.catalog is other.catalog
        return
    assert one.catalog.fingerprint == other.catalog.fingerprint
    assert list(one.catalog.entities) == list(other.catalog.entities)
    for name, entity in one.catalog.entities.items():
        assert entity == other.catalog.entities[name], name
        values = {key: (one.value, one.value.parts) for key, one in entity.fields.items()}
        others = other.catalog.entities[name].fields
        assert values == {key: (one.value, one.value.parts) for key, one in others.items()}
    assert dict(one.catalog.options) == dict(other.catalog.options)
    assert one.catalog.automation == other.catalog.automation
    assert one.catalog.rollups_of == other.catalog.rollups_of
    assert one.catalog.formulas_through == other.catalog.formulas_through


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.lists(st.sampled_from(EDITS), max_size=3), min_size=1, max_size=4))
def test_reading_again_is_reading_anew(steps, types, shipped, good):
    before = good
    for edits in steps:
        files = edited(shipped, edits)
        again = load_files(files, types, previous=before)
        assert_same(again, load_files(files, types))
        before = again


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: f"{edit[0]}: {edit[1][:30].strip()}")
def test_one_edit_at_a_time(edit, types, shipped, good):
    files = edited(shipped, [edit])
    assert_same(load_files(files, types, previous=good), load_files(files, types))


def test_entities_nothing_of_which_changed_are_the_very_same(types, shipped):
    before = load_files(shipped, types)
    after = load_files(edited(shipped, EDITS[:1]), types, previous=before)
    different = {
        name
        for name, entity in after.catalog.entities.items()
        if entity is not before.catalog.entities[name]
    }
    assert different == {"customer", "customer.invoice_titles"}


def test_a_broken_reading_between_does_not_lose_what_was_known(types, shipped, good):
    broken = load_files(shipped | {"entities/task.yaml": "entity: {"}, types, previous=good)
    assert broken.catalog is None
    mended = load_files(shipped, types, previous=broken)
    assert mended.catalog.entities["customer"] is good.catalog.entities["customer"]
    assert_same(mended, good)


def test_what_concerns_everybody_is_compiled_anew(types, shipped, good):
    for file, old, new in [
        ("roles.yaml", "scope: own", "scope: team"),
        ("options.yaml", "Cold visit", "Visit"),
        ("app.yaml", "silent_days: 14", "silent_days: x14"),
        ("workflows/opportunity.yaml", "Negotiation", "Talks"),
    ]:
        files = shipped | {file: shipped[file].replace(old, new)}
        assert files != shipped
        assert_same(load_files(files, types, previous=good), load_files(files, types))


def test_entities_may_come_and_go(types, shipped, good):
    more = shipped | {"entities/extra.yaml": "entity: extra\nfields:\n  customer: {type: link, to: customer}\n  name: {type: text}\n"}  # fmt: skip
    with_more = load_files(more, types, previous=good)
    assert_same(with_more, load_files(more, types))
    assert_same(load_files(shipped, types, previous=with_more), good)
    less = {name: text for name, text in shipped.items() if name != "entities/customer_group.yaml"}
    assert_same(load_files(less, types, previous=good), load_files(less, types))


def test_memory_does_not_grow_with_every_reading(types, shipped):
    loaded = load_files(shipped, types)
    for number in range(5):
        changed = shipped | {"entities/task.yaml": shipped["entities/task.yaml"] + f"# {number}\n"}
        loaded = load_files(changed, types, previous=loaded)
        assert loaded.memory.before is None
        assert len(loaded.memory.files) == len(
            [name for name in changed if name.endswith(".yaml") and "templates/" not in name]
        )


def test_five_hundred_entities_are_read_in_two_seconds_and_again_in_a_fifth(types, tmp_path):
    write_big_configuration(tmp_path)
    from app.definitions.folder import read_folder

    files, _ = read_folder(tmp_path)
    started = time.process_time()
    big = load_files(files, types)
    first = time.process_time() - started
    assert big.problems == []
    name = f"entities/thing_{random.Random(1).randrange(500)}.yaml"
    changed = files | {
        name: files[name].replace("fields:\n", "fields:\n  added: {type: text}\n", 1)
    }
    # What the first reading left behind is swept up some time; not now.
    gc.collect()
    started = time.process_time()
    again = load_files(changed, types, previous=big)
    second = time.process_time() - started
    assert again.problems == []
    # The whole `trellis check` may take two seconds, see `make bench`.
    assert second < first / 3
