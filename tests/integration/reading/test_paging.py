"""Walking a list page by page: every row once, forward and backward, whatever it is sorted by."""

import random
from datetime import timedelta
from decimal import Decimal

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import Malformed
from app.records.planning import Question, continued, narrowed_first
from tests.integration.reading.oracle import below
from tests.integration.reading.world import NOW, PEOPLE, build, open_world

OWNERS = ["mia", "sam", "sue", "tom", None]
#: What is sorted by, and the same in Python; None is empty.
KEYS = {
    "last_at": lambda row: row["last_at"],
    "amount": lambda row: row["amount"],
    "name": lambda row: row["name"],
    "level": lambda row: row["level"],
    "grade": lambda row: ("small", "big", "huge").index(row["grade"]) if row["grade"] else None,
    "owner": lambda row: row["owner"] and row["owner"].title(),
    "founded": lambda row: row["founded"],
    "created_at": lambda row: row["created_at"],
}


def invent_rows():
    """90 rows with many ties and many empty values; the same in every run."""
    dice = random.Random(7)
    for number in range(1, 91):
        yield {
            "id": number,
            "name": f"Name {dice.randint(1, 12)}",
            "owner": dice.choice(OWNERS),
            "level": dice.choice(["a", "b", "c", None]),
            "grade": dice.choice(["small", "big", "huge", None]),
            "amount": dice.choice([None, None, Decimal(1), Decimal(2), Decimal("2.5")]),
            "last_at": dice.choice([None, *(NOW - timedelta(hours=n) for n in (1, 2, 3))]),
            "founded": dice.choice([None, NOW.date(), NOW.date() - timedelta(days=400)]),
            "created_at": NOW - timedelta(days=dice.randint(0, 3)),
        }


ROWS = list(invent_rows())


@pytest.fixture(scope="module")
def crowd(template_database, databases):
    name = databases.create(template_database("reading_world", build))
    world = open_world(databases.url(name))
    table = world.live.release.tables["company"]
    with world.pools.engine.begin() as connection:
        connection.execute(sa.text("TRUNCATE crm.company, crm.company__items CASCADE"))
        for row in ROWS:
            owner = PEOPLE[row["owner"]] if row["owner"] else None
            values = {**row, "owner": owner and owner[0], "owner_department": owner and owner[3]}
            connection.execute(sa.insert(table).values(values))
    # Some rows of other owners are shared with the seller, to walk that way as well.
    for number in (3, 9, 27, 33, 61, 77):
        world.share("company", number, "sam")
    yield world
    world.close()
    databases.drop(name)


def expected(who, sort):
    shared = {3, 9, 27, 33, 61, 77}
    seen = {
        "boss": ROWS,
        "mia": [row for row in ROWS if row["owner"] in below("mia")],
        "sam": [row for row in ROWS if row["owner"] == "sam" or row["id"] in shared],
        "dora": [row for row in ROWS if row["owner"] in ("mia", "sam", "sue")],
    }[who]
    rows = sorted(seen, key=lambda row: row["id"], reverse=sort[-1][1])
    for name, descending in reversed(sort):
        key = KEYS[name]
        filled = [row for row in rows if key(row) is not None]
        filled.sort(key=key, reverse=descending)
        rows = filled + [row for row in rows if key(row) is None]
    return [row["id"] for row in rows]


def walk(ask):
    """Return the ids of every page forward, then of every page back from the end."""
    pages, after = [], None
    while True:
        page = ask(after=after)
        pages.append(page)
        if page.next is None:
            break
        after = page.next
    forward = [number for page in pages for number in ids(page)]
    back = [ids(pages[-1])]
    before = pages[-1].previous
    while before is not None:
        page = ask(before=before)
        back.insert(0, ids(page))
        before = page.previous
    return forward, [number for numbers in back for number in numbers]


def ids(page):
    rows = getattr(page, "rows", ())
    return (
        [r["id"] for r in orjson.loads(rows)] if isinstance(rows, bytes) else [r.id for r in rows]
    )


sorts = st.lists(
    st.tuples(st.sampled_from(sorted(KEYS)), st.booleans()),
    min_size=1,
    max_size=3,
    unique_by=lambda pair: pair[0],
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    sort=sorts,
    who=st.sampled_from(["boss", "mia", "sam", "dora"]),
    limit=st.sampled_from([1, 2, 7, 25, 100]),
    form=st.sampled_from(["query", "query_json"]),
    narrow=st.booleans(),
)
def test_q13_every_row_comes_once_in_order(crowd, sort, who, limit, form, narrow):
    if limit == 1 and who == "boss":
        limit = 7
    text = ",".join(f"-{name}" if descending else name for name, descending in sort)
    ask = getattr(crowd.records, form)
    asked = {"filter": "id > 0"} if narrow else {}
    forward, backward = walk(
        lambda **place: ask(
            crowd.who(who), "company", fields="name", sort=text, limit=limit, **asked, **place
        )
    )
    assert forward == expected(who, sort)
    assert backward == forward


@pytest.mark.parametrize("limit", [1, 4, 100])
@pytest.mark.parametrize("who", ["boss", "mia", "sam", "dora"])
def test_q13_the_lists_own_sort_is_walked_whole(crowd, who, limit):
    """Without a filter the rows are merged owner by owner; that way is walked, too."""
    forward, backward = walk(
        lambda **place: crowd.records.query_json(
            crowd.who(who), "company", fields="name", limit=limit, **place
        )
    )
    assert forward == backward == expected(who, [("last_at", True)])


@pytest.mark.parametrize("empties", [None, (True,), (False,)])
def test_rows_narrowed_first_are_the_same(crowd, empties):
    """The form for filters that turn out slow gives the same rows as the usual one."""
    principal = crowd.who("mia")
    desk = crowd.records.reader.desk(principal)
    question = Question("company", "json", "name", "level != 'a'", sort="-amount")
    shape = desk.plan(question).shape
    given = {"limit": 11}
    if empties is not None:
        shape = continued(shape, empties, backward=False)
        given |= {"after_0_is": None if empties[0] else "2", "after_id": 40}
    answers = []
    for one in (shape, narrowed_first(shape)):
        statement = desk.listing(one).statement
        runner = crowd.records.reader.runner
        values = runner.values(statement, principal, crowd.live.release.catalog) | given
        result = runner.run_prepared(statement, values)
        answers.append([result.get_value(row, 0) for row in range(result.ntuples)])
    assert answers[0] == answers[1]
    assert answers[0]


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "AAAA",
        "é",
        "a" * 5000,
        "eyJpZCI6MX0",
        "W251bGwsMV0",
        "' OR 1=1 --",
        "\0",
    ],
)
@pytest.mark.parametrize("place", ["after", "before"])
def test_an_invented_cursor_is_refused(crowd, place, cursor):
    with pytest.raises(Malformed, match="not a place in this list"):
        crowd.records.query_json(crowd.who("boss"), "company", **{place: cursor})


def test_a_cursor_of_another_list_is_refused(crowd):
    boss = crowd.who("boss")
    cursor = crowd.records.query_json(boss, "company", sort="name", limit=2).next
    assert crowd.records.query_json(boss, "company", sort="name", after=cursor)
    with pytest.raises(Malformed):
        crowd.records.query_json(boss, "company", sort="-name", after=cursor)
    with pytest.raises(Malformed):
        crowd.records.query_json(boss, "person", sort="name", after=cursor)


def test_a_cursor_cannot_be_changed(crowd):
    boss = crowd.who("boss")
    cursor = crowd.records.query_json(boss, "company", sort="name", limit=2).next
    for place in range(len(cursor)):
        changed = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
        try:
            page = crowd.records.query_json(boss, "company", sort="name", after=changed)
        except Malformed:
            continue
        # The last character may carry bits that stand for nothing.
        assert place == len(cursor) - 1
        assert page is not None


def test_both_directions_at_once_are_refused(crowd):
    boss = crowd.who("boss")
    cursor = crowd.records.query_json(boss, "company", limit=2).next
    with pytest.raises(Malformed, match="together"):
        crowd.records.query_json(boss, "company", after=cursor, before=cursor)


@pytest.mark.parametrize("limit", [0, -1, 101, 10**9, "x", "1e3", "", "٣", None, 2.5, "1 or 1=1"])
def test_q12_a_page_has_1_to_100_rows(crowd, limit):
    with pytest.raises(Malformed, match="whole number from 1 to 100"):
        crowd.records.query_json(crowd.who("boss"), "company", limit=limit)


def test_a19_a_page_cannot_be_made_an_export(crowd):
    with pytest.raises(Malformed):
        crowd.records.query(crowd.who("boss"), "company", limit=1000)
    assert len(crowd.records.query(crowd.who("boss"), "company", limit="100")) == 90


def test_the_first_part_of_a_list_is_asked_alone_while_it_fills_pages(crowd):
    boss = crowd.who("boss")
    ask = {"fields": "name", "sort": "-last_at", "filter": "id > 0"}
    first = ids(crowd.records.query(boss, "company", limit=5, **ask))
    desk = crowd.records.reader.desk(boss)
    shape = crowd.records.reader.plan(desk, boss, Question("company", "values", **ask)).shape
    ahead = desk.listing(shape).ahead
    assert ahead.is_likely
    # It answers in the place of the whole, and gives way where it is not enough.
    assert ids(crowd.records.query(boss, "company", limit=5, **ask)) == first
    for _ in range(2):
        assert len(ids(crowd.records.query(boss, "company", limit=89, **ask))) == 89
    assert ids(crowd.records.query(boss, "company", limit=5, **ask)) == first
    while ahead.is_likely:
        ahead.note(filled=False)
    ahead.note(filled=True)
    ahead.note(filled=False)
    assert not ahead.is_likely
