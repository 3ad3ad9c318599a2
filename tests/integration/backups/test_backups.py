"""Backups of a real installation: made, tried, damaged, kept, and brought back."""

from __future__ import annotations

import json
import resource
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from app.access.principal import SYSTEM
from app.backups import tables
from app.backups.archive import head_of, unpack, writing
from app.backups.faults import BackupFault
from app.backups.making import make, place_of
from app.backups.restoring import restore
from app.clock import FrozenClock
from app.database import migrate
from app.database.binaries import find_postgresql
from app.database.pools import Pools
from app.factory import create_app
from app.preparation import prepare
from app.records.files import add_file
from app.services import Services, open_services
from app.settings import Settings, read_settings
from tests.running import call_command

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PASSWORD = "correct-horse-battery"
OFFER = b"What we offer. " * 100_000
KEY = "a-key-of-the-company"
CONFIG = {
    "app.yaml": "name: Acme\nlanguages: [en, zh]\ntime_zone: Asia/Shanghai\ncurrencies: [CNY]\n"
    "keep: {backups: 90 days}\n",
    "roles.yaml": "roles:\n  admin: {label: Administrator, admin: yes}\n",
    "entities/thing.yaml": (
        "entity: thing\nlabel: Thing\ntitle: name\nfields:\n  name: {type: text}\n"
        "  amount: {type: money}\n  papers: {type: files}\n"
    ),
}


class Place:
    """An installation of a test: settings, services, a clock that is moved by hand."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = FrozenClock(NOW)
        self.services: Services = open_services(settings, self.clock)

    def inbox(self) -> list[str]:
        with psycopg.connect(self.settings.database_url) as connection:
            return [row[0] for row in connection.execute("SELECT text FROM trellis.message")]


def write_config(folder: Path) -> Path:
    for name, text in CONFIG.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def settings_for(url: str, folder: Path, **more: str) -> Settings:
    return read_settings(
        {
            "DATABASE_URL": url,
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "TRELLIS_DATA": str(folder / "var"),
            "TRELLIS_CONFIG": str(folder / "config"),
            "TRELLIS_ADMIN_PASSWORD": PASSWORD,
            "TRELLIS_DEMO": "no",
            **more,
        }
    )


@pytest.fixture
def place(template_database, clone_database, tmp_path: Path) -> Iterator[Place]:
    write_config(tmp_path / "config")

    def build(url: str) -> None:
        prepare(settings_for(url, tmp_path))

    url = clone_database(template_database("backed_up", build))
    found = Place(settings_for(url, tmp_path, TRELLIS_BACKUP_KEY=KEY))
    with found.services.pools.write.connection() as connection:
        file = add_file(connection, found.services.files, BytesIO(OFFER), "offer.txt", None)
    for number in range(5):
        found.services.records.create(
            SYSTEM, "thing", {"name": f"Thing {number}", "amount": f"{number}.50"}
        )
    found.services.records.create(SYSTEM, "thing", {"name": "With papers", "papers": [file.id]})
    yield found
    found.services.close()


def restored(place: Place, clone_database, folder: Path, path: Path) -> Settings:
    """Restore a backup into an empty place; return its settings."""
    settings = settings_for(clone_database("template0"), folder, TRELLIS_BACKUP_KEY=KEY)
    found = restore(settings, settings.database_url, path)
    assert found.config_beside is None
    assert found.files == 1
    return settings


def test_f29_a_backup_comes_back_whole_and_people_sign_in(place, clone_database, tmp_path):
    made = place.services.backups.make()
    assert head_of(made.path).is_sealed
    assert b"Thing 3" not in made.path.read_bytes()
    assert made.path.stat().st_mode & 0o077 == 0

    tried = place.services.backups.try_newest()
    assert (tried.rows, tried.files) == (made.rows, 1)
    (line,) = place.services.backups.entries()
    assert (line.name, line.is_there, line.tried_problem) == (made.path.name, True, None)
    assert place.services.backups.trouble() is None

    settings = restored(place, clone_database, tmp_path / "new", made.path)
    services = open_services(settings)
    try:
        rows = services.records.query(SYSTEM, "thing", fields="name,amount", sort="name").rows
        assert [row["name"] for row in rows] == [*(f"Thing {n}" for n in range(5)), "With papers"]
        (content,) = (path for path in (settings.data / "files").rglob("*") if path.is_file())
        assert content.read_bytes() == OFFER
        assert (settings.config / "entities" / "thing.yaml").read_text("utf-8") == CONFIG[
            "entities/thing.yaml"
        ]
        client = create_app(settings, services).test_client()
        signed = client.post(
            "/api/v1/security/login",
            json={"username": "admin", "password": PASSWORD, "provider": "db"},
        )
        assert signed.status_code == 200
    finally:
        services.close()
    with pytest.raises(BackupFault, match="not empty"):
        restore(settings, settings.database_url, made.path)


def damage(path: Path, target: Path, what: str) -> Path:
    data = bytearray(path.read_bytes())
    if what == "a flipped bit":
        data[len(data) // 2] ^= 1
    elif what == "a missing end":
        del data[len(data) // 3 * 2 :]
    elif what == "another head":
        data = data.replace(b'"version": "', b'"version": "9', 1)
    target.write_bytes(data)
    return target


@pytest.mark.parametrize("key", [KEY, ""])
def test_f28_what_is_damaged_is_noticed(place, tmp_path, key):
    settings = replace(place.settings, backup_key=key or None, backups=tmp_path / key)
    place.services.backups._settings = settings
    made = place.services.backups.make()
    for what in ("a flipped bit", "a missing end", *(["another head"] if key else [])):
        broken = damage(made.path, tmp_path / "broken.backup", what)
        folder = tmp_path / what
        folder.mkdir()
        with pytest.raises(BackupFault):
            unpack(broken, folder, key or None)
    (tmp_path / "whole").mkdir()
    assert unpack(made.path, tmp_path / "whole", key or None)["tables"]
    if key:
        (tmp_path / "wrong").mkdir()
        with pytest.raises(BackupFault, match="TRELLIS_BACKUP_KEY"):
            unpack(made.path, tmp_path / "wrong", "another-key-123")


def programs_but(folder: Path, name: str, script: str) -> Path:
    """Return a folder with PostgreSQL's programs, one of which is cut off."""
    folder.mkdir()
    real = find_postgresql()
    for path in real.iterdir():
        if path.name != name:
            (folder / path.name).symlink_to(path)
    (folder / name).write_text(f"#!/bin/sh\n{script.format(real=real / name)}\n", "utf-8")
    (folder / name).chmod(0o755)
    return folder


def test_f28_a_dump_that_is_killed_is_no_backup(place, tmp_path):
    good = place.services.backups.make()
    # It writes its whole file, and is killed before it says that it is done.
    place.services.backups._settings = replace(
        place.settings,
        postgresql=programs_but(tmp_path / "bin", "pg_dump", '"{real}" "$@"; kill -9 $$'),
    )
    with pytest.raises(BackupFault, match="pg_dump"):
        place.services.backups.make()
    assert [one.path for one in place.services.backups.place.all()] == [good.path]
    assert {path.name for path in good.path.parent.iterdir()} == {
        good.path.name,
        f"{good.path.name}.sha256",
    }
    assert place.services.backups.entries()[0].problem["zh"].startswith("pg_dump 失败")
    (told,) = place.inbox()
    assert told.startswith("The backup failed: pg_dump")


def test_f26_a_full_disk_is_told_and_leaves_nothing(place):
    before = {path: path.read_bytes() for path in (place.settings.data / "files").rglob("*.*")}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # As a full disk does: what was written so far is there, and then no more goes in.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_200_000, hard))
    try:
        with pytest.raises(BackupFault, match="no room"):
            place.services.backups.make()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(place.services.backups.place.folder.iterdir()) == []
    assert place.inbox()[0].startswith("The backup failed: There is no room")
    assert before == {path: path.read_bytes() for path in before}
    assert place.services.backups.make().rows > 0


def test_a_restore_that_was_cut_off_is_run_again(place, clone_database, tmp_path):
    made = place.services.backups.make()
    settings = settings_for(clone_database("template0"), tmp_path / "new", TRELLIS_BACKUP_KEY=KEY)
    # Killed while the rows come in.
    cut_off = programs_but(
        tmp_path / "bin",
        "pg_restore",
        'for file; do :; done; head -c 60000 "$file" > "$file.cut"; set -- "$@" "$file.cut"; '
        '"{real}" $(printf "%s\\n" "$@" | grep -v "dump$"); kill -9 $$',
    )
    with pytest.raises(BackupFault, match="pg_restore"):
        restore(replace(settings, postgresql=cut_off), settings.database_url, made.path)
    assert tables.is_empty(settings.database_url)
    shutil.rmtree(settings.config)
    assert restore(settings, settings.database_url, made.path).rows == made.rows


def test_f30_a_backup_of_an_older_trellis_is_brought_up_to_date(place, clone_database, tmp_path):
    url = clone_database("template0")
    pools = Pools(url)
    engine = pools.maintenance("tests")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE SCHEMA trellis; CREATE SCHEMA crm"))
        connection.execute(sa.text("CREATE EXTENSION pg_trgm"))
        config = Config()
        config.set_main_option("script_location", str(migrate._folder))
        config.attributes["connection"] = connection
        command.upgrade(config, "0015")
    engine.dispose()
    pools.close()
    made = make(place.settings, url, NOW)
    settings = restored(place, clone_database, tmp_path / "new", made.path)
    assert prepare(settings)
    with psycopg.connect(settings.database_url) as connection:
        (now,) = connection.execute("SELECT version_num FROM trellis.migration").fetchone()
        assert connection.execute("SELECT count(*) FROM trellis.backup").fetchone() == (0,)
    assert now == migrate.newest()


def test_f30_a_backup_of_a_newer_trellis_says_which(place, clone_database, tmp_path):
    path = tmp_path / "newer.backup"
    with writing(path, {"made_at": NOW.isoformat(), "version": "9.1"}, None) as archive:
        archive.finish({"made_at": "", "version": "9.1", "revision": "9999", "tables": {}})
    settings = settings_for(clone_database("template0"), tmp_path / "new")
    with pytest.raises(BackupFault, match=r"Trellis 9\.1, which is newer"):
        restore(settings, settings.database_url, path)
    with pytest.raises(BackupFault, match="no backup of Trellis"):
        head_of(place.settings.config / "app.yaml")


def test_a_backup_is_made_each_night_tried_each_week_and_kept_ninety_days(place):
    backups, clock = place.services.backups, place.clock
    with psycopg.connect(place.settings.database_url, autocommit=True) as connection:
        connection.execute("UPDATE trellis.config_version SET applied_at = %s", [NOW])
    backups.daily()
    assert backups.entries() == []  # Set up today: its first one comes tonight.
    assert backups.trouble() is None

    # Two in the morning in Shanghai.
    clock.moment = datetime(2026, 11, 24, 17, 59, tzinfo=UTC)
    assert not backups.is_due()
    clock.moment += timedelta(minutes=1)
    backups.daily()
    clock.moment += timedelta(hours=5)
    backups.daily()
    assert [line.kind for line in backups.entries()] == ["daily"]

    clock.moment += timedelta(days=7)
    backups.daily()
    newest, first = backups.entries()
    assert (newest.tried_at, newest.tried_problem) == (clock.moment, None)

    clock.moment = first.made_at + timedelta(days=90)
    backups.daily()
    assert first.name in {one.path.name for one in backups.place.all()}
    clock.moment += timedelta(days=1)
    backups.daily()
    assert first.name not in {one.path.name for one in backups.place.all()}
    assert backups.entries()[-1].removed_at == clock.moment

    clock.moment += timedelta(days=400)
    assert "newest backup is of" in str(backups.trouble())
    # Whatever happens, the newest stays.
    assert len(backups.place.all()) == 3
    backups.prune()
    assert len(backups.place.all()) == 1


def test_fewer_days_have_to_be_said_twice(place):
    backups = place.services.backups
    assert backups.kept_days == 90
    backups._settings = replace(place.settings, backup_days=7)
    assert backups.kept_days == 90


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """A server that speaks S3, on this machine."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_f26_f29_backups_in_a_store_come_back_from_there(place, store, clone_database, tmp_path):
    from minio import Minio

    client = Minio(store.removeprefix("http://"), "key", "secret-key", secure=False)
    client.make_bucket("crm")
    place.services.close()
    said = {
        "TRELLIS_BACKUP_STORE": "s3://crm/acme",
        "TRELLIS_S3_ADDRESS": store,
        "TRELLIS_S3_KEY": "key",
        "TRELLIS_S3_SECRET": "secret-key",
        "TRELLIS_BACKUP_KEY": KEY,
    }
    place = Place(settings_for(place.settings.database_url, tmp_path, **said))
    folder = place.settings.data / "backups"
    folder.mkdir(parents=True)
    (folder / "anonymised.jsonl").write_text("{}\n")

    # The store is away: it is told, and the backup stays here until it can be carried.
    away = Place(settings_for(place.settings.database_url, tmp_path,
                              **{**said, "TRELLIS_S3_ADDRESS": "http://127.0.0.1:1"}))  # fmt: skip
    with pytest.raises(BackupFault, match="s3://crm/acme does not take or give"):
        away.services.backups.make()
    away.services.close()
    (waiting,) = folder.glob("*.backup")
    assert any("s3://crm/acme" in text for text in place.inbox())

    place.clock.moment += timedelta(minutes=1)
    made = place.services.backups.make()
    assert [path.name for path in folder.iterdir()] == ["anonymised.jsonl"]
    objects = {one.object_name: one.size for one in client.list_objects("crm", "acme/")}
    assert objects[f"acme/{made.path.name}"] == made.size
    assert {f"acme/{waiting.name}", "acme/anonymised.jsonl"} <= objects.keys()
    assert client.get_object("crm", f"acme/{made.path.name}.sha256").data.startswith(
        made.sha256.encode()
    )
    there = [one.path.name for one in place.services.backups.place.all()]
    assert there == [made.path.name, waiting.name]
    line = place.services.backups.entries()[0]
    assert (line.name, line.is_there) == (made.path.name, True)
    assert place.services.backups.try_newest().rows == made.rows
    assert [path.name for path in folder.iterdir()] == ["anonymised.jsonl"]

    # A new machine knows nothing but the store.
    new = settings_for(clone_database("template0"), tmp_path / "new", **said)
    found = place_of(new)
    named = found.named(made.path.name)
    assert named is not None
    with found.opened(named) as path:
        assert restore(new, new.database_url, path).rows == made.rows
        assert (path.parent / "anonymised.jsonl").read_text() == "{}\n"
    assert found.named("trellis-19700101T000000Z.backup") is None

    place.clock.moment += timedelta(days=91)
    assert place.services.backups.prune() == [waiting.name]
    left = {one.object_name for one in client.list_objects("crm", "acme/")}
    assert left == {f"acme/{made.path.name}", f"acme/{made.path.name}.sha256",
                    "acme/anonymised.jsonl"}  # fmt: skip
    place.services.close()


def test_everything_is_taken_away_for_good_and_what_is_left_is_said(place, redis_url, tmp_path):
    place.services.backups.make("by_hand", None)
    environment = {
        "DATABASE_URL": place.settings.database_url,
        "REDIS_URL": redis_url,
        "TRELLIS_DATA": str(tmp_path / "var"),
        "TRELLIS_CONFIG": str(tmp_path / "config"),
    }
    report = tmp_path / "purged.json"

    def purge(*more: str):
        return call_command(["purge", "--report", str(report), *more], environment)

    told = purge("--confirm", "Something else")
    assert (told.returncode, report.exists()) == (1, False)
    # Who still works there keeps it from going; nor does a wrong name touch anything.
    assert "connected" in told.stderr
    place.services.close()
    told = purge("--confirm", "Something else")
    assert told.returncode == 1
    assert "Nothing was touched" in told.stderr
    kept = [path.name for path in (tmp_path / "var" / "backups").iterdir()]
    told = purge("--confirm", "Acme", "--why", "end of contract")
    assert told.returncode == 0, told.stderr
    said = json.loads(report.read_text("utf-8"))
    assert (said["left"], said["why"], said["tables"]["crm.thing"]) == ([], "end of contract", 6)
    assert said["files"] >= 1
    assert tables.is_empty(place.settings.database_url)
    assert {path.name for path in (tmp_path / "var").iterdir()} == {"lock", "backups"}
    assert [path.name for path in (tmp_path / "var" / "backups").iterdir()] == kept
    # Nothing is there any more; with the backups nothing comes back.
    told = purge("--confirm", "Trellis", "--with-backups")
    assert told.returncode == 0, told.stderr
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["lock"]
