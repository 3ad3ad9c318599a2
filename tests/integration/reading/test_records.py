"""Single records, links, lines, pickers, search, figures, the bin; and how many statements each is."""

import orjson
import pytest
import sqlalchemy as sa

from app.access.principal import NOBODY, SYSTEM
from app.errors import Forbidden, Malformed, NotFound
from app.records import everywhere, reading
from app.records.running import Runner
from tests.integration.reading.world import NOW, PEOPLE


class CountingRunner(Runner):
    """The runner itself, keeping a tally."""

    statements = 0

    def run(self, *args, **kwargs):
        self.statements += 1
        return super().run(*args, **kwargs)

    def run_prepared(self, *args, **kwargs):
        self.statements += 1
        return super().run_prepared(*args, **kwargs)

    def rows_prepared(self, *args, **kwargs):
        self.statements += 1
        return super().rows_prepared(*args, **kwargs)


@pytest.fixture
def counted(shared_world):
    """``counted(ask)`` asks once to warm up and returns how many statements the second time took."""
    reader, usual = shared_world.records.reader, shared_world.records.reader.runner

    def count(ask):
        reader.runner = CountingRunner(shared_world.pools, shared_world.clock)
        try:
            ask()
            before = reader.runner.statements
            ask()
            return reader.runner.statements - before
        finally:
            reader.runner = usual

    return count


def of_json(answer):
    return orjson.loads(answer)


# -- one record --------------------------------------------------------------------------------------


def test_a_record_has_values_links_and_lines(shared_world):
    record = shared_world.records.get(shared_world.who("sam"), "company", "2")
    assert (record.id, record.version, record["name"]) == (2, 1, "Sam Steel")
    assert record.links["owner"] == {"id": 4, "title": "Sam"}
    # The parent is Tom's: that there is one is seen, which one is not.
    assert record.links["parent"] == {"id": 4, "title": None}
    assert [line["label"] for line in record.lines["items"]] == ["Nut", "Bolt"]
    assert str(record.lines["items"][1]["price"]) == "1.5"


def test_json_holds_the_same(shared_world):
    answer = shared_world.records.get_json(shared_world.who("boss"), "company", 2)
    row = of_json(answer.row)
    assert answer.version == row["version"] == 1
    assert row["amount"] == "200.00"
    assert row["parent"] == 4
    assert row["phones"] == [{"number": "+8613900000002", "kind": "mobile"}]
    assert row["last_at"] == "2026-03-08T04:00:00+00:00"
    assert [line["label"] for line in row["items"]] == ["Nut", "Bolt"]


def test_fields_may_be_chosen(shared_world):
    answer = shared_world.records.get_json(
        shared_world.who("boss"), "company", 2, fields="name,city.city,silent"
    )
    assert of_json(answer.row) == {
        "id": 2, "name": "Sam Steel", "city.city": None, "silent": "2",
    }  # fmt: skip
    assert answer.version == 1
    page = shared_world.records.query_json(
        shared_world.who("boss"), "company", fields=["name"], limit=1
    )
    assert of_json(page.rows) == [{"id": 1, "name": "Mia Works"}]


def test_expand_opens_links_as_deep_as_asked(shared_world):
    boss, records = shared_world.who("boss"), shared_world.records
    answer = records.get_json(
        boss, "company", 2, fields="name", expand="parent.owner.manager,partners,items"
    )
    assert "parent" not in of_json(answer.row)
    answer = records.get_json(
        boss,
        "company",
        2,
        fields="parent,partners,owner",
        expand="parent.name,parent.owner.manager,partners,owner.department",
    )
    assert of_json(answer.row) == {
        "id": 2,
        "parent": {
            "id": 4,
            "title": "Tom Tools",
            "name": "Tom Tools",
            "owner": {"id": 6, "title": "Tom", "manager": {"id": 2, "title": "Boss"}},
        },
        "partners": [],
        "owner": {"id": 4, "title": "Sam", "department": {"id": 2, "title": "Department 2"}},
    }
    page = records.query_json(
        boss, "company", where={"id": 1}, fields="partners", expand="partners"
    )
    assert of_json(page.rows)[0]["partners"] == [
        {"id": 2, "title": "Sam Steel"},
        {"id": 4, "title": "Tom Tools"},
    ]


def test_a7_an_expanded_link_gives_nothing_of_a_closed_target(shared_world):
    page = shared_world.records.query_json(
        shared_world.who("mia"), "company", where={"id": [1, 2]}, sort="id",
        fields="parent,partners", expand="parent.name,parent.amount,partners",
    )  # fmt: skip
    first, second = of_json(page.rows)
    assert first["partners"] == [{"id": 2, "title": "Sam Steel"}, {"id": 4, "title": None}]
    assert second["parent"] == {"id": 4, "title": None}


def test_a_link_to_the_bin_is_struck_out(world):
    company = world.live.release.tables["company"]
    with world.pools.engine.begin() as connection:
        connection.execute(sa.update(company).where(company.c.id == 3).values(parent=6))
    page = world.records.query_json(
        world.who("boss"), "company", where={"id": 3}, fields="parent", expand="parent"
    )
    assert of_json(page.rows)[0]["parent"] == {"id": 6, "title": "Sam Gone", "deleted": True}
    record = world.records.get(world.who("sue"), "company", 3)
    assert record.links["parent"] == {"id": 6, "title": None}
    # What is in the bin counts nowhere else.
    assert len(world.records.query(world.who("boss"), "company", filter="parent.level == 'a'")) == 1


def test_an_any_link_says_which_entity(shared_world):
    page = shared_world.records.query_json(
        shared_world.who("boss"), "ticket", fields="about", sort="id", expand="about"
    )
    assert [row["about"] for row in of_json(page.rows)] == [
        {"entity": "company", "id": 2, "title": "Sam Steel"},
        {"entity": "person", "id": 1, "title": "Ann"},
    ]
    plain = shared_world.records.query_json(
        shared_world.who("boss"), "ticket", fields="about", sort="id"
    )
    assert of_json(plain.rows)[0]["about"] == {"entity": "company", "id": 2}
    found = shared_world.records.query(
        shared_world.who("boss"), "ticket", where={"about": "company:2"}
    )
    assert [row["title"] for row in found] == ["About Sam Steel"]


@pytest.mark.parametrize("value", ["company", "nope:1", "company:x", ":", {"entity": "company"}])
def test_a_value_of_an_any_link_names_entity_and_number(shared_world, value):
    with pytest.raises(Malformed):
        shared_world.records.query(shared_world.who("boss"), "ticket", where={"about": value})


# -- inherited rows ----------------------------------------------------------------------------------


def rows(world, who, entity):
    try:
        return {row.id for row in world.records.query(world.who(who), entity)}
    except Forbidden:
        return set()


@pytest.mark.parametrize(
    ("who", "people", "tickets"),
    [
        ("boss", {1, 2, 3, 4}, {1, 2}),
        ("mia", {1, 2, 4}, {1}),  # Ben is Sam's own
        ("sam", {1, 2}, {1}),
        ("tom", {1, 2, 3}, {1, 2}),  # Ann and the tickets are his own
        ("sue", set(), set()),
        ("nora", set(), set()),
        ("vera", {1, 2, 3, 4}, {1, 2}),
    ],
)
def test_a7_inherited_rows_come_with_a_parent_or_as_ones_own(shared_world, who, people, tickets):
    assert rows(shared_world, who, "person") == people
    assert rows(shared_world, who, "ticket") == tickets


def test_a7_the_related_list_of_a_visible_parent_holds_only_visible_rows(shared_world):
    page = shared_world.records.query(shared_world.who("tom"), "person", where={"company": 4})
    assert {row["name"] for row in page} == {"Ben", "Cid"}
    # Ann works for a company Tom may not read; she is there because she is his.
    page = shared_world.records.query(shared_world.who("tom"), "person", where={"company": 2})
    assert {row["name"] for row in page} == {"Ann"}
    sam = shared_world.records.query(shared_world.who("sam"), "person", where={"company": 4})
    assert {row["name"] for row in sam} == {"Ben"}


def test_lines_are_read_with_their_record(shared_world):
    def labels(who):
        page = shared_world.records.query_json(shared_world.who(who), "company.items")
        return {row["label"] for row in of_json(page.rows)}

    assert labels("sam") == {"Nut", "Bolt"}
    assert labels("tom") == set()
    page = shared_world.records.query_json(
        shared_world.who("sam"), "company.items", where={"parent": 2}, sort="position"
    )
    assert [row["label"] for row in of_json(page.rows)] == ["Nut", "Bolt"]


# -- rights on one record ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "number", "rights"),
    [
        ("sam", 2, {"create", "read", "update", "transfer", "history"}),
        ("mia", 2, {"create", "read", "transfer", "history", "delete", "restore", "share", "export"}),
        ("mia", 1, {"create", "read", "update", "transfer", "history", "delete", "restore", "share",
                    "export"}),
        ("vera", 2, {"read"}),
        ("aud", 2, {"read", "history"}),
    ],
)  # fmt: skip
def test_rights_are_those_of_the_row(shared_world, who, number, rights):
    assert shared_world.records.rights(shared_world.who(who), "company", number) == rights


# -- pickers -----------------------------------------------------------------------------------------


def test_a14_a_picker_offers_what_its_where_lets_through(shared_world):
    records, boss = shared_world.records, shared_world.who("boss")
    offered = records.pick(boss, "person", "boss", values={"company": 4})
    assert offered == [{"id": 3, "title": "Cid"}, {"id": 2, "title": "Ben"}]
    assert records.pick(boss, "person", "boss", values={"company": "4"}) == offered
    assert records.pick(boss, "person", "boss", "ci", {"company": 4}) == [{"id": 3, "title": "Cid"}]
    assert records.pick(boss, "person", "boss", values={}) == []
    assert records.pick(boss, "person", "boss", values={"company": "x"}) == []


def test_a14_a_picker_of_users_offers_no_closed_account(world):
    everybody = world.records.pick(world.who("sam"), "company", "owner", limit=50)
    assert {one["title"] for one in everybody} == {name.title() for name in PEOPLE}
    user = world.live.release.tables["user"]
    with world.pools.engine.begin() as connection:
        connection.execute(sa.update(user).where(user.c.id == 6).values(active=False))
    offered = world.records.pick(world.who("sam"), "company", "owner", limit=50)
    assert "Tom" not in {one["title"] for one in offered}


def test_a14_a_picker_of_a_closed_entity_is_empty(shared_world):
    assert shared_world.records.pick(shared_world.who("oto"), "person", "company") == []


@pytest.mark.parametrize("field", ["nope", "name", "secret"])
def test_a_picker_needs_a_link(shared_world, field):
    with pytest.raises(Malformed):
        shared_world.records.pick(shared_world.who("sam"), "company", field)


def test_a_picker_of_an_any_link_offers_one_entity(shared_world):
    boss, records = shared_world.who("boss"), shared_world.records
    assert {"id": 1, "title": "Ann"} in records.pick(boss, "ticket", "about", target="person")
    with pytest.raises(Malformed):
        records.pick(boss, "ticket", "about", target="product")


# -- search ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("信远", "信远科技有限公司"),
        ("信远科技", "信远科技有限公司"),
        ("信", "信远科技有限公司"),
        ("xinyuan", "信远科技有限公司"),
        ("xykj", "信远科技有限公司"),
        ("SAM STEEL", "Sam Steel"),
        ("steel sam", "Sam Steel"),
        ("sam", "Sam Steel"),
        ("ste", "Sam Steel"),
        ("ＳＡＭ", "Sam Steel"),
        ("13900000003", "Sue Silk"),
        ("Sam Stele", "Sam Steel"),
        ("Tm Tools", "Tom Tools"),
    ],
)
@pytest.mark.parametrize("size", ["small", "large", "common in a large one"])
def test_words_find_a_record(shared_world, monkeypatch, typed, first, size):
    if size != "small":
        monkeypatch.setattr(reading, "FENCED_FROM", 0)
    if size.startswith("common"):
        monkeypatch.setattr(everywhere, "COMMON", 1)
    hits = shared_world.records.search(shared_world.who("boss"), typed, ["company"])
    assert hits[0].title == first


def test_search_ranks_equal_before_beginning_before_holding(world):
    from tests.integration.reading.world import index

    company = world.live.release.tables["company"]
    with world.pools.engine.begin() as connection:
        for number, title in ((21, "Old Acme Trading"), (22, "Acme"), (23, "Acme Silver")):
            connection.execute(sa.insert(company).values(id=number, name=title))
            kind = world.live.release.numbers["company"]
            index(connection, kind, number, title, None, None, None)
    hits = world.records.search(world.who("boss"), "acme")
    assert [hit.title for hit in hits] == ["Acme", "Acme Silver", "Old Acme Trading"]


@pytest.mark.parametrize("typed", ["", "   ", "zzzzqqq", "不存在的公司"])
def test_nothing_found_is_nothing(shared_world, typed):
    assert shared_world.records.search(shared_world.who("boss"), typed) == []


def test_a_shared_title_is_not_shown_where_it_is_hidden(shared_world):
    assert shared_world.records.search(shared_world.who("oto"), "Sam Steel") == []


# -- figures -----------------------------------------------------------------------------------------


def test_a4_figures_are_of_ones_own_rows(shared_world):
    def figures(who, **asked):
        return of_json(shared_world.records.aggregate(shared_world.who(who), "company", **asked))

    assert figures("boss", measures="count,sum(amount)") == [{"count": 6, "sum(amount)": "1420.49"}]
    assert figures("sam", measures="count,sum(amount)") == [{"count": 2, "sum(amount)": "270.00"}]
    assert figures("sue", group_by="level", measures="count,avg(amount),min(amount),max(amount)") == [
        {"level": "b", "count": 1, "avg(amount)": "50", "min(amount)": "50.00", "max(amount)": "50.00"}
    ]  # fmt: skip
    assert figures("tea", measures="count,sum(amount)") == [{"count": 0, "sum(amount)": "0"}]
    assert figures("boss", group_by="owner,level", measures="count", filter="amount > 60") == [
        {"owner": {"id": 3, "title": "Mia"}, "level": "a", "count": 1},
        {"owner": {"id": 4, "title": "Sam"}, "level": "a", "count": 1},
        {"owner": {"id": 4, "title": "Sam"}, "level": "b", "count": 1},
        {"owner": {"id": 6, "title": "Tom"}, "level": "a", "count": 1},
    ]
    assert figures("boss", group_by="month(last_at)", measures="count") == [
        {"month(last_at)": "2026-02", "count": 1},
        {"month(last_at)": "2026-03", "count": 3},
        {"month(last_at)": None, "count": 2},
    ]


@pytest.mark.parametrize(
    "asked",
    [
        {"group_by": "nope"},
        {"group_by": "partners"},
        {"group_by": "month(name)"},
        {"group_by": "century(last_at)"},
        {"group_by": "name;drop"},
        {"group_by": "level,status,name,owner"},
        {"measures": "sum(name)"},
        {"measures": "sum(nope)"},
        {"measures": "median(amount)"},
        {"measures": "count(*)"},
        {"measures": ""},
        {"measures": "max(partners)"},
    ],
)
def test_figures_that_make_no_sense_are_refused(shared_world, asked):
    with pytest.raises(Malformed):
        shared_world.records.aggregate(shared_world.who("boss"), "company", **asked)


# -- the bin -----------------------------------------------------------------------------------------


def test_the_bin_holds_what_one_may_restore(shared_world):
    def bin_of(who):
        return [row["name"] for row in shared_world.records.bin(shared_world.who(who), "company")]

    assert bin_of("boss") == ["Sam Gone"]
    assert bin_of("mia") == ["Sam Gone"]
    with pytest.raises(Forbidden):
        bin_of("sam")
    record = shared_world.records.get(shared_world.who("mia"), "company", 6, in_bin=True)
    assert record["deleted_at"] == NOW
    with pytest.raises(NotFound):
        shared_world.records.get(shared_world.who("mia"), "company", 6)
    with pytest.raises(NotFound):
        shared_world.records.get(shared_world.who("mia"), "company", 2, in_bin=True)


# -- who asks ----------------------------------------------------------------------------------------


def test_nobody_gets_nothing_and_the_system_everything(shared_world):
    with pytest.raises(Forbidden):
        shared_world.records.query(NOBODY, "company")
    assert len(shared_world.records.query(SYSTEM, "closed")) == 1
    assert len(shared_world.records.query(SYSTEM, "company")) == 6


def test_a24_a_closed_entity_is_refused_with_the_reason(shared_world):
    with pytest.raises(Forbidden, match="Closed"):
        shared_world.records.query(shared_world.who("sam"), "closed")


# -- how many statements -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "number"),
    [
        (lambda r, p: r.query_json(p, "company"), 1),
        (lambda r, p: r.query_json(p, "company", expand="owner,parent,partners"), 1),
        (lambda r, p: r.query_json(p, "company", filter="level == 'a'", count="capped"), 2),
        (lambda r, p: r.query(p, "company"), 1),
        (lambda r, p: r.query(p, "company", count="exact"), 2),
        (lambda r, p: r.query(p, "person", where={"company": 2}), 1),
        (lambda r, p: r.query(p, "ticket"), 1),
        (lambda r, p: r.get_json(p, "company", 2, expand="owner"), 1),
        (lambda r, p: r.get(p, "company", 2), 2),
        (lambda r, p: r.count(p, "company"), 1),
        (lambda r, p: r.pick(p, "person", "company", "sam"), 1),
        (lambda r, p: r.aggregate(p, "company", group_by="level"), 1),
        (lambda r, p: r.titles(p, "company", [1, 2, 3]), 1),
        (lambda r, p: r.rights(p, "company", 2), 1),
        (lambda r, p: r.bin(p, "company"), 1),
    ],
)
def test_q14_the_number_of_statements_does_not_grow(shared_world, counted, ask, number):
    assert counted(lambda: ask(shared_world.records, shared_world.who("mia"))) == number
