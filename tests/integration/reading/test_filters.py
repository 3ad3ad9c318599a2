"""Filters and shortcuts: what they mean, and what is refused with a sentence."""

import time
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from app.errors import Forbidden, Malformed, NotFound
from tests.integration.reading.world import COMPANIES


def names(world, who="boss", entity="company", **asked):
    return {row["name"] for row in world.records.query(world.who(who), entity, **asked)}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"level": "c"}, {"Nobody Ltd"}),
        ({"level": ["a", "c"], "status": "active"},
         {"Mia Works", "Tom Tools", "Nobody Ltd", "信远科技有限公司"}),
        ({"level": []}, set()),
        ({"owner": 5}, {"Sue Silk"}),
        ({"owner": "5"}, {"Sue Silk"}),
        ({"owner": ""}, {"Nobody Ltd"}),
        ({"owner": None}, {"Nobody Ltd"}),
        ({"amount": "200"}, {"Sam Steel"}),
        ({"amount": Decimal("100.5")}, {"Mia Works"}),
        ({"amount": "2e2"}, {"Sam Steel"}),
        ({"name": "sam steel"}, set()),
        ({"name": "信远科技有限公司"}, {"信远科技有限公司"}),
        ({"last_at": "2026-03-09"}, {"Mia Works"}),
        ({"last_at": "2026-03-09T04:00:00Z"}, {"Mia Works"}),
        ({"last_at": datetime(2026, 3, 9, 4, tzinfo=UTC)}, {"Mia Works"}),
        ({"last_at": ""}, {"Sue Silk", "Nobody Ltd"}),
        ({"parent": 4}, {"Sam Steel"}),
        ({"partners": 2}, {"Mia Works"}),
        ({"partners": [4, 9]}, {"Mia Works"}),
        ({"phones": "+8613900000003"}, {"Sue Silk"}),
        ({"tags": ""}, {name for name in COMPANIES if name != "Sam Gone"}),
        ({"id": 3}, {"Sue Silk"}),
        ({"silent": 20}, {"信远科技有限公司"}),
        ({"founded": date(2026, 1, 1)}, set()),
    ],
)  # fmt: skip
def test_a_shortcut_finds_its_rows(shared_world, where, expected):
    assert names(shared_world, where=where) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("level == 'a' and amount > 100", {"Mia Works", "Tom Tools"}),
        ("owner == me", set()),
        ("owner in my.subordinates and level == 'c'", set()),
        ("parent.name == 'Tom Tools'", {"Sam Steel"}),
        ("parent.owner.name == 'Tom'", {"Sam Steel"}),
        ("silent > app.silent_days", {"信远科技有限公司"}),
        ("in_view('key') and amount > 500", {"Tom Tools"}),
        ("last_at in this('month')", {"Mia Works", "Sam Steel", "Tom Tools"}),
        ("contains(name, 'S')", {"Sam Steel", "Sue Silk", "Mia Works", "Tom Tools"}),
        ("size(partners) > 1", {"Mia Works"}),
        ("sum(items.price) > 3", {"Sam Steel"}),
        ("grade < 'big'", {"Nobody Ltd", "Sam Steel"}),
    ],
)
def test_a_filter_finds_its_rows(shared_world, text, expected):
    if "contains" in text:
        assert expected <= names(shared_world, filter=text)
    else:
        assert names(shared_world, filter=text) == expected


@pytest.mark.parametrize("part", ["%", "_", "\\", "50%", "a_b", "\\%", "%%"])
def test_q11_signs_of_patterns_are_meant_literally(world, part):
    literal = part.replace("\\", "\\\\")
    boss = world.who("boss")
    assert names(world, filter=f"contains(name, '{literal}')") == set()
    assert names(world, search=part) == set()
    company = world.live.release.tables["company"]
    with world.pools.engine.begin() as connection:
        connection.execute(company.insert().values(name=f"x{part}y"))
    assert names(world, filter=f"contains(name, '{literal}')") == {f"x{part}y"}
    assert names(world, where={"name": f"x{part}y"}) == {f"x{part}y"}
    assert world.records.count(boss, "company", filter=f"starts(name, 'x{literal}')").number == 1


@pytest.mark.parametrize(
    "asked",
    [
        {"filter": "nope == 1"},
        {"filter": "name ="},
        {"filter": "name == 1"},
        {"filter": "name"},
        {"filter": "level == 'x'"},
        {"filter": "(((((((((("},
        {"filter": "(" * 500 + "1" + ")" * 500},
        {"filter": "not " * 900 + "level == 'a'"},
        {"filter": " and ".join(["level == 'a'"] * 1000)},
        {"filter": "x" * 1_000_000},
        {"filter": "name == '" + "x" * 1_000_000 + "'"},
        {"filter": "1; DROP TABLE crm.company"},
        {"filter": "name == ''' OR 1=1"},
        {"filter": "__import__('os')"},
        {"filter": "name.__class__ == 'x'"},
        {"filter": "count(person, company == record) > 0"},
        {"filter": "exists(closed)"},
        {"filter": "9 ** 9 ** 9 > 1"},
        {"filter": "name == '\0'"},
        {"filter": "name == '\ud800'"},
        {"where": {"nope": 1}},
        {"where": {"name; drop": 1}},
        {"where": {"level": "x"}},
        {"where": {"level": ["a", "x"]}},
        {"where": {"amount": "x"}},
        {"where": {"amount": "NaN"}},
        {"where": {"amount": "Infinity"}},
        {"where": {"amount": "1e999999"}},
        {"where": {"owner": "x"}},
        {"where": {"owner": "1" * 40}},
        {"where": {"owner": True}},
        {"where": {"founded": "2026-02-30"}},
        {"where": {"last_at": "2026-02-30"}},
        {"where": {"last_at": "yesterday"}},
        {"where": {"last_at": "2026-03-09T04:00:00"}},
        {"where": {"name": "a\0b"}},
        {"where": {"name": "\ud800"}},
        {"where": {"name": {"a": 1}}},
        {"where": {"items": 1}},
        {"where": {"city": "x"}},
        {"where": {str(n): n for n in range(1000)}},
        {"where": {"level": ["a"] * 1000}},
        {"sort": "nope"},
        {"sort": "name;drop table x"},
        {"sort": "name,"},
        {"sort": "-"},
        {"sort": "partners"},
        {"sort": "items"},
        {"sort": "phones"},
        {"sort": "name,level,amount,status,owner"},
        {"sort": "name DESC"},
        {"fields": "nope"},
        {"fields": "name.nope"},
        {"fields": "name,*"},
        {"view": "nope"},
        {"search": "x" * 1000},
        {"search": "\0"},
        {"count": "many"},
    ],
    ids=lambda asked: str(asked)[:60],
)  # fmt: skip
@pytest.mark.parametrize("form", ["query", "query_json"])
def test_q10_what_cannot_be_read_is_refused_at_once(shared_world, form, asked):
    # The processor's time, not the clock's: other tests run beside this one.
    started = time.thread_time()
    with pytest.raises((Malformed, Forbidden)) as caught:
        getattr(shared_world.records, form)(shared_world.who("boss"), "company", **asked)
    assert time.thread_time() - started < 1
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("expand", ["nope", "name", "parent.nope", "about", "owner.manager.x.y.z"])
def test_q10_an_unknown_expansion_is_refused(shared_world, expand):
    with pytest.raises(Malformed):
        shared_world.records.query_json(shared_world.who("boss"), "company", expand=expand)


def test_an_any_link_is_expanded_without_further_fields(shared_world):
    boss = shared_world.who("boss")
    with pytest.raises(Malformed, match="one entity"):
        shared_world.records.query_json(boss, "ticket", expand="about.name")


@pytest.mark.parametrize(
    "record_id",
    [
        10**30,
        "1 or 1=1",
        "../",
        "",
        "0x1",
        "1.0",
        "-1",
        None,
        "٣",
        " 1",
        "1\0",
        True,
        999999,
        [],
        0,
    ],
)
@pytest.mark.parametrize("way", ["get", "get_json", "rights"])
def test_q15_a_number_that_is_none_is_not_found(shared_world, way, record_id):
    with pytest.raises(NotFound):
        getattr(shared_world.records, way)(shared_world.who("boss"), "company", record_id)


@pytest.mark.parametrize("entity", ["nope", "company; drop table x", "", "user--", "Company"])
def test_an_unknown_entity_is_not_found(shared_world, entity):
    with pytest.raises(NotFound):
        shared_world.records.query(shared_world.who("boss"), entity)
    with pytest.raises(NotFound):
        shared_world.records.get_json(shared_world.who("boss"), entity, 1)


def test_an_unknown_entity_gets_a_suggestion(shared_world):
    with pytest.raises(NotFound, match="Did you mean `company`"):
        shared_world.records.count(shared_world.who("boss"), "compny")


def test_a1_a_row_of_others_is_told_like_a_missing_one(shared_world):
    sentences = set()
    for number in (4, 999_999):
        with pytest.raises(NotFound) as caught:
            shared_world.records.get_json(shared_world.who("sam"), "company", number)
        sentences.add(str(caught.value))
    assert len(sentences) == 1


def test_an_unknown_field_gets_a_suggestion(shared_world):
    with pytest.raises(Malformed, match="Did you mean `amount`"):
        shared_world.records.query(shared_world.who("boss"), "company", sort="amout")
    with pytest.raises(Malformed, match="column 1"):
        shared_world.records.query(shared_world.who("boss"), "company", filter="amout > 1")


def test_a_view_the_role_may_not_ask_is_unknown_in_filters_too(shared_world):
    with pytest.raises(Malformed):
        names(shared_world, "sam", filter="in_view('secret_ones')")
    with pytest.raises(Malformed):
        names(shared_world, "sam", filter="in_view('for_boss')")
    assert names(shared_world, "boss", filter="in_view('for_boss')")


def test_a_hidden_default_sort_is_not_used(shared_world):
    """A list whose own sort is hidden for the asker is sorted by number."""
    page = shared_world.records.query(shared_world.who("boss"), "person", sort="-id", limit=2)
    assert [row.id for row in page] == [4, 3]
