"""The database fixtures themselves: copies are separate, templates are built once."""

from pathlib import Path

import psycopg
import pytest
import redis


def build_small(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE thing (id int)")
        connection.execute("INSERT INTO thing VALUES (1)")


@pytest.mark.parametrize("time", [1, 2, 3])
def test_a_copy_of_a_template_starts_afresh(template_database, clone_database, time):
    url = clone_database(template_database("fixtures_small", build_small))
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO thing VALUES (2)")
        assert connection.execute("SELECT count(*) FROM thing").fetchone() == (2,)


def test_a_template_is_built_once(template_database, tmp_path: Path):
    def build(url: str) -> None:
        with (tmp_path / "built").open("a") as file:
            file.write("x")

    names = {template_database(f"once_{id(tmp_path)}", build) for _ in range(3)}
    assert len(names) == 1
    assert (tmp_path / "built").read_text() == "x"


def test_a_template_that_failed_is_built_again(template_database, tmp_path: Path):
    name = f"again_{id(tmp_path)}"

    def fail(url: str) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        template_database(name, fail)
    assert template_database(name, build_small)


@pytest.mark.parametrize("time", [1, 2])
def test_redis_is_empty(redis_url, time):
    with redis.Redis.from_url(redis_url) as client:
        # One name, since a worker of the test before may still be saying that it ends.
        assert not client.exists("a")
        client.set("a", "b")


def test_settings_name_the_servers_of_the_test(settings):
    with psycopg.connect(settings.database_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
