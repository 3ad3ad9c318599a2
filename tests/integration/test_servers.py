"""The embedded servers: they recover from any way of dying, and never outlive their owner."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import redis

from app.data_folder import DataFolder, DataFolderInUse
from app.database.binaries import find_postgresql, find_way
from app.database.embedded import embedded_servers, open_servers
from app.database.servers import PostgreSQLServer
from app.errors import TrellisError, Unavailable
from app.processes import is_alive


@contextmanager
def servers_in(settings):
    folder = DataFolder(settings.data)
    with folder.locked("test"), embedded_servers(settings, folder) as servers:
        yield servers


@pytest.fixture
def settings(make_settings):
    return make_settings()


def wait_until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_both_start_keep_their_data_and_stop_quickly(settings):
    with servers_in(settings) as servers:
        with psycopg.connect(servers.addresses.database_url) as connection:
            connection.execute("CREATE TABLE kept (id int)")
            assert connection.execute("SHOW jit").fetchone() == ("off",)
            assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        redis.Redis.from_url(servers.addresses.redis_url).set("kept", "yes")
        sockets = servers.sockets
        pids = [server.pid for server in servers.servers]
        began = time.monotonic()
    # Whoever does not go by itself is ended by force after ten seconds.
    assert time.monotonic() - began < 9
    assert not sockets.exists()
    assert not any(is_alive(pid) for pid in pids)
    with servers_in(settings) as servers:
        with psycopg.connect(servers.addresses.database_url) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
        assert redis.Redis.from_url(servers.addresses.redis_url).get("kept") == b"yes"


def test_nobody_else_may_enter_the_folder_of_the_sockets(settings):
    with servers_in(settings) as servers:
        assert servers.sockets.stat().st_mode & 0o777 == 0o700
        assert settings.data.stat().st_mode & 0o777 == 0o700


def test_f20_every_answered_commit_survives_a_killed_postgresql(settings):
    """F20: what was acknowledged before kill -9 is there after the restart."""
    with servers_in(settings) as servers:
        url = servers.addresses.database_url
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE ledger (n int)")
        acknowledged = []

        def write():
            with psycopg.connect(url, autocommit=True) as connection:
                for number in range(1_000_000):
                    connection.execute("INSERT INTO ledger VALUES (%s)", [number])
                    acknowledged.append(number)

        def write_until_killed():
            with pytest.raises(psycopg.OperationalError):
                write()

        writer = threading.Thread(target=write_until_killed)
        writer.start()
        wait_until(lambda: len(acknowledged) > 200)
        os.kill(servers.postgresql.pid, signal.SIGKILL)
        writer.join(10)
        # The kernel tells of the death when it gets to it.
        wait_until(lambda: servers.restart_dead() == ["PostgreSQL"])
        with psycopg.connect(url) as connection:
            kept = {row[0] for row in connection.execute("SELECT n FROM ledger")}
    assert set(acknowledged) <= kept
    assert len(kept) - len(acknowledged) <= 1


def test_a_killed_valkey_starts_again_with_what_it_had_on_disk(settings):
    with servers_in(settings) as servers:
        client = redis.Redis.from_url(servers.addresses.redis_url)
        client.set("job", "1")
        assert client.waitaof(1, 0, 5000)[0] == 1
        os.kill(servers.valkey.pid, signal.SIGKILL)
        wait_until(lambda: servers.valkey.pid is None)
        assert servers.restart_dead() == ["Valkey"]
        assert client.get("job") == b"1"


def test_nothing_is_restarted_that_runs(settings):
    with servers_in(settings) as servers:
        pids = [server.pid for server in servers.servers]
        assert servers.restart_dead() == []
        assert [server.pid for server in servers.servers] == pids


OWNER = """
import sys, time
from app.data_folder import DataFolder
from app.database.embedded import embedded_servers
from app.settings import read_settings
settings = read_settings({"TRELLIS_DATA": sys.argv[1]})
folder = DataFolder(settings.data)
with folder.locked("owner"), embedded_servers(settings, folder) as servers:
    print(*[server.pid for server in servers.servers], servers.sockets, flush=True)
    time.sleep(600)
"""


def test_a_killed_owner_leaves_no_server_and_no_lock(settings):
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(settings.data)], stdout=subprocess.PIPE, text=True
    )
    *pids, sockets = owner.stdout.readline().split()
    with pytest.raises(DataFolderInUse) as caught, DataFolder(settings.data).locked("second"):
        pass
    assert str(caught.value) == (
        f"The data folder {settings.data} is in use by `owner` (process {owner.pid}). "
        "Stop that one first, or name another folder with TRELLIS_DATA."
    )
    owner.kill()
    owner.wait()
    owner.stdout.close()
    wait_until(lambda: not any(is_alive(int(pid)) for pid in pids))
    with servers_in(settings) as servers:
        assert servers.postgresql.pid is not None
        assert not Path(sockets).exists()


def test_a_command_uses_the_servers_of_the_one_that_runs(settings):
    with servers_in(settings) as servers, open_servers(settings, "trellis plan") as addresses:
        assert addresses == servers.addresses


def test_a_command_starts_servers_for_itself_when_nothing_runs(settings):
    with open_servers(settings, "trellis plan") as addresses:
        with psycopg.connect(addresses.database_url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert DataFolder(settings.data).is_locked()
    assert not DataFolder(settings.data).is_locked()


def test_given_addresses_replace_the_embedded_servers(make_settings, test_servers, tmp_path):
    settings = make_settings(
        DATABASE_URL=test_servers.database_url, REDIS_URL=test_servers.redis_url
    )
    with open_servers(settings, "trellis plan") as addresses:
        assert addresses.database_url == settings.database_url
    assert not settings.data.exists()


@pytest.mark.parametrize("content", ["{foreign}\n{data}\n", "", "rubbish\n", "999999\n"])
def test_a_stale_pid_file_does_not_hinder_the_start(settings, content):
    """The number of the last postmaster may belong to anybody after a reboot."""
    with servers_in(settings):
        pass
    foreign = subprocess.Popen(["sleep", "600"])
    try:
        pid_file = settings.data / "postgresql" / "postmaster.pid"
        pid_file.write_text(
            content.format(foreign=foreign.pid, data=settings.data / "postgresql"),
        )
        with servers_in(settings) as servers:
            assert servers.postgresql.pid is not None
        assert foreign.poll() is None
    finally:
        foreign.kill()
        foreign.wait()


def test_an_interrupted_initdb_is_done_again(settings):
    half = settings.data / "postgresql.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with servers_in(settings) as servers:
        assert servers.postgresql.pid is not None
    assert not half.exists()


def test_data_of_another_major_version_is_refused_with_a_way_out(settings):
    with servers_in(settings):
        pass
    (settings.data / "postgresql" / "PG_VERSION").write_text("15\n")
    expected = r"written by PostgreSQL 15.*version 18.*pg_dump"
    with pytest.raises(TrellisError, match=expected), servers_in(settings):
        pass


def test_foreign_files_in_the_place_of_the_database_are_left_alone(settings):
    place = settings.data / "postgresql"
    place.mkdir(parents=True)
    (place / "precious.txt").write_text("mine")
    with pytest.raises(TrellisError, match="no PostgreSQL cluster"), servers_in(settings):
        pass
    assert (place / "precious.txt").read_text() == "mine"


def test_a_server_that_does_not_start_shows_the_end_of_its_log(tmp_path):
    sockets = tmp_path / "s"
    sockets.mkdir()
    server = PostgreSQLServer(
        tmp_path / "data" / "pg", tmp_path / "log", sockets, settings={"shared_buffers": "nonsense"}
    )
    with pytest.raises(Unavailable, match="nonsense"):
        server.start()


def test_a_folder_without_programs_is_refused_with_a_way_out(tmp_path):
    with pytest.raises(TrellisError, match="DATABASE_URL"):
        find_postgresql(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs a way around")
def test_root_gets_another_identity(tmp_path):
    _programs, identity = find_way(find_postgresql(), tmp_path)
    assert identity.prefix or identity.user
    answer = subprocess.run(
        [*identity.prefix, "id", "-u"],
        capture_output=True,
        text=True,
        check=True,
        user=identity.user,
    )
    assert answer.stdout.strip() != "0"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs a way around")
def test_root_without_user_namespaces_runs_as_nobody(monkeypatch):
    """The second way: what a container with closed namespaces leaves."""
    import shutil
    import tempfile

    from app.database import binaries

    monkeypatch.setattr(binaries, "_namespaces", lambda: iter(()))
    # pytest's own folder may only be entered by root.
    data = Path(tempfile.mkdtemp(prefix="trellis-test-", dir="/tmp"))
    sockets = Path(tempfile.mkdtemp(prefix="trellis-test-", dir="/tmp"))
    server = PostgreSQLServer(data / "postgresql", data / "log", sockets)
    try:
        assert server.identity.user is not None
        server.start()
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.stop()
        shutil.rmtree(data)
        shutil.rmtree(sockets)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs a way around")
def test_root_without_any_way_is_told_about_database_url(monkeypatch, tmp_path):
    from app.database import binaries

    monkeypatch.setattr(binaries, "_namespaces", lambda: iter(()))
    (tmp_path / "closed").mkdir(mode=0o700)
    data = tmp_path / "closed" / "var"
    data.mkdir()
    with pytest.raises(TrellisError, match=r"does not run as root.*DATABASE_URL"):
        find_way(find_postgresql(), data)
