"""Lists stay flat: the index that is meant is used, slow filters are caught, plans are reused."""

import orjson
import pytest
import sqlalchemy as sa

from app.database import pools as pools_module
from app.database import together
from app.database.pools import Pools
from app.database.statements import Statement
from app.errors import Unavailable
from app.records.prepared import PreparedStatement, encode
from app.records.questions import question_of
from app.records.running import Runner
from tests.integration.reading.world import build, open_world

ROWS = 60_000


@pytest.fixture(scope="module")
def crowd(template_database, databases):
    def build_crowd(url):
        build(url)
        engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.begin() as connection:
            # A third of the rows are Mia's people's; very few are Sue's, all of them old.
            connection.execute(
                sa.text(
                    "INSERT INTO crm.company (name, owner, owner_department, level, status,"
                    " amount, last_at, email) SELECT 'Crowd ' || n,"
                    " CASE WHEN n % 20000 = 0 THEN 5 WHEN n % 3 = 0 THEN 3 + n % 2 ELSE 6 + n % 8 END,"
                    " 2, (ARRAY['a','b','c'])[1 + n % 3],"
                    " CASE WHEN n % 2 = 0 THEN 'active' ELSE 'dormant' END, n,"
                    " CASE WHEN n % 5 > 0 THEN timestamptz '2026-03-01' - n * interval '1 minute' END,"
                    " 'crowd' || n || '@test.example'"
                    " FROM generate_series(1, :rows) n"
                ),
                {"rows": ROWS},
            )
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE crm.company"))
        engine.dispose()

    name = databases.create(template_database("reading_crowd", build_crowd))
    world = open_world(databases.url(name))
    yield world
    world.close()
    databases.drop(name)


def plan_of(world, who, **asked):
    """Return the plan of a list as PostgreSQL carries it out, and the buffers it reads."""
    principal, reader = world.who(who), world.records.reader
    question, _ = question_of(
        "company", "json", "name,amount", asked.get("filter"), None, asked.get("sort"),
        None, None, None,
    )  # fmt: skip
    desk = reader.desk(principal)
    statement = desk.listing(desk.plan(question).shape).statement
    values = reader.runner.values(statement, principal, world.live.release.catalog) | {"limit": 26}
    parameters = [encode(values[name]) for name in statement.names]
    with world.pools.read.connection() as connection:
        result = connection.pgconn.exec_params(
            b"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement.text, parameters, statement.oids
        )
        (told,) = orjson.loads(result.get_value(0, 0))
    found = []

    def walk(node):
        found.append(node)
        for child in node.get("Plans", ()):
            walk(child)

    walk(told["Plan"])
    buffers = told["Plan"]["Shared Hit Blocks"] + told["Plan"]["Shared Read Blocks"]
    return found, buffers


def indexes(nodes):
    return {node["Index Name"].rpartition("_index")[0] for node in nodes if "Index Name" in node}


@pytest.mark.parametrize("who", ["sue", "sam", "mia"])
def test_q14_without_a_filter_owners_are_walked_one_by_one(crowd, who):
    nodes, buffers = plan_of(crowd, who)
    assert "company_owner_last_at_id" in indexes(nodes)
    assert not [node for node in nodes if node["Node Type"] == "Seq Scan"]
    # Few pages whatever the asker owns: Sue has three old rows of sixty thousand.
    assert buffers < 400


@pytest.mark.parametrize("who", ["boss", "root"])
def test_q14_who_sees_everything_walks_the_sort(crowd, who):
    nodes, buffers = plan_of(crowd, who)
    assert "company_last_at_id" in indexes(nodes)
    assert buffers < 300


@pytest.mark.parametrize("who", ["boss", "mia"])
def test_q14_a_filter_reads_no_more_than_it_must(crowd, who):
    nodes, buffers = plan_of(crowd, who, filter="level == 'a'")
    assert not [node for node in nodes if node["Node Type"] == "Seq Scan"]
    assert buffers < 2_000


@pytest.mark.parametrize("text", ["silent <= 3", "3 > silent", "silent < 9.5 and level == 'a'"])
def test_days_since_are_compared_by_the_day_itself(crowd, text):
    nodes, buffers = plan_of(crowd, "boss", filter=text)
    # The sort's own index is walked to that day and no farther.
    assert any("last_at >=" in node.get("Index Cond", "") for node in nodes)
    assert buffers < 400


def test_empty_values_are_looked_for_only_when_the_page_is_not_full(crowd):
    def reads_of_empty_values(text):
        nodes, _ = plan_of(crowd, "mia", filter=text)
        return sum(
            node["Actual Loops"]
            for node in nodes
            if "last_at IS NULL" in node.get("Index Cond", "") + node.get("Filter", "")
        )

    assert reads_of_empty_values("amount > 50000") == 0
    assert reads_of_empty_values("amount == 50000") == 1


def test_q14_deep_pages_cost_what_the_first_does(crowd):
    boss, after = crowd.who("boss"), None
    for _ in range(30):
        page = crowd.records.query_json(boss, "company", fields="name", limit=100, after=after)
        after = page.next
    assert page.previous
    with crowd.pools.read.connection() as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
    assert after


def test_q14_counts_are_capped(crowd):
    count = crowd.records.count(crowd.who("boss"), "company", mode="capped")
    assert (count.number, count.capped) == (10_000, True)
    exact = crowd.records.count(crowd.who("boss"), "company", mode="exact")
    assert (exact.number, exact.capped) == (ROWS + 6, False)
    assert count.as_json() == {"count": 10_000, "capped": True}


@pytest.fixture
def impatient(crowd, monkeypatch):
    """The same database behind a fence that every filtered list runs into."""
    monkeypatch.setitem(pools_module._FENCED, "statement_timeout", "1ms")
    url = crowd.pools.url
    world = open_world(url)
    yield world
    world.close()


SLOW = "contains(email, 'crowd5999') and contains(name, '9')"


def test_a_list_that_reaches_the_fence_is_asked_in_another_form(crowd, impatient):
    usual = crowd.records.query_json(crowd.who("boss"), "company", fields="name", filter=SLOW)
    other = impatient.records.query_json(
        impatient.who("boss"), "company", fields="name", filter=SLOW, count="capped"
    )
    assert other.rows == usual.rows
    assert len(orjson.loads(other.rows)) > 5
    assert other.count.estimated


@pytest.mark.parametrize("kind", [PreparedStatement, Statement])
def test_a_statement_that_takes_too_long_says_so(crowd, monkeypatch, kind):
    monkeypatch.setitem(pools_module._READING, "statement_timeout", "100ms")
    pools = Pools(crowd.pools.url)
    runner, statement = Runner(pools, crowd.clock), kind(sa.select(sa.func.pg_sleep(30)))
    run = runner.run_prepared if kind is PreparedStatement else runner.run
    try:
        with pytest.raises(Unavailable, match="takes too long"):
            run(statement, statement.fixed)
    finally:
        pools.close()


def test_statements_that_differ_in_values_share_their_plan(crowd):
    reader = crowd.records.reader
    desk = reader.desk(crowd.who("mia"))

    def statement(text):
        question, _ = question_of("company", "json", "name", text, None, None, None, None, None)
        return desk.listing(desk.plan(question).shape).statement

    assert statement("level == 'a'").name == statement("level == 'b'").name
    assert statement("level == 'a'").fixed != statement("level == 'b'").fixed
    assert statement("level == 'a'").name != statement("status == 'active'").name


def test_a_shortcut_is_compiled_once_for_all_values(crowd):
    mia = crowd.who("mia")
    desk = crowd.records.reader.desk(mia)
    crowd.records.query_json(mia, "person", where={"name": "Ann"})
    before = desk.listing.cache_info().misses
    crowd.records.query_json(mia, "person", where={"name": "Ben"})
    assert desk.listing.cache_info().misses == before


def test_a_connection_keeps_a_bounded_number_of_statements(crowd, monkeypatch):
    monkeypatch.setattr(together, "MOST_PREPARED", 3)
    statements = [PreparedStatement(sa.select(sa.literal_column(str(n)))) for n in range(5)]
    with crowd.pools.read.connection() as connection:
        statements[0].run(connection, {})
        # Whoever deallocates behind its back is forgiven.
        connection.execute("DEALLOCATE ALL")
        for _ in range(2):
            for number, one in enumerate(statements):
                assert one.run(connection, {}).get_value(0, 0) == str(number).encode()
        rows = connection.execute(
            "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 't\\_%'"
        ).fetchone()
    assert rows == (3,)


def test_the_caches_of_a_role_set_are_bounded(crowd):
    desk = crowd.records.reader.desk(crowd.who("mia"))
    for number in range(600):
        crowd.records.reader.desk(crowd.who("mia")).plan(
            question_of(
                "company", "json", "id", f"amount > {number}", None, None, None, None, None
            )[0]
        )
    assert desk.plan.cache_info().currsize <= 256


def test_a_statement_that_is_there_already_is_taken(world):
    with world.pools.read.connection() as connection:
        statement = PreparedStatement(sa.select(sa.literal(7)))
        statement.run(connection, statement.fixed)
        # As after a limit of time that struck between preparing it and saying so.
        together.known_statements(connection).clear()
        assert statement.run(connection, statement.fixed).get_value(0, 0) == b"7"
        # In a transaction a name that is taken would fail all of it, and every one after it.
        together.known_statements(connection).clear()
        with connection.transaction():
            assert statement.run(connection, statement.fixed).get_value(0, 0) == b"7"
