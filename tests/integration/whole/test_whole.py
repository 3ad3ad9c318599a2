"""Everything out of an installation and into an empty one: what comes back is what was there."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from datetime import UTC, datetime

import psycopg
import pytest

from app.access.principal import SYSTEM
from app.automation.registry import register
from app.backups.tables import prove
from app.database.pools import Pools
from app.installation import Installation
from app.records.files import add_file
from app.whole.contents import LEFT_OUT
from app.whole.faults import WholeFault
from app.whole.places import FolderTarget, open_source, zip_into
from app.whole.reading import Bringing, files_in, look_through
from app.whole.writing import write_whole
from tests.integration.api.world import FILES, PASSWORD, ApiWorld, build
from tests.integration.settling import catalog_from

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def world(template_database, clone_database, tmp_path):
    made = ApiWorld(clone_database(template_database("api_world", build)), tmp_path / "var")
    with made.services.pools.engine.begin() as connection:
        register(connection, made.catalog, NOW)
    root = made.as_("root")
    sent = root.post(
        "/customer/", {"founded": "2020-02-29", "name": 'Zoë 张 \\ "q" \x7f', "credit": "999.01"}
    )
    assert sent.status_code == 201, sent.text
    made.services.records.comment(SYSTEM, "customer", sent.json["id"], "Call back = 1\\2")
    with made.services.pools.write.connection() as connection:
        add_file(connection, made.services.files, io.BytesIO(b"an offer"), "offer.txt", 1)
        # What JSON has two words for.
        connection.execute("UPDATE trellis.history SET before = 'null' WHERE id = 1")
    yield made
    made.close()


def written(world, target, **more):
    what = (world.url, world.services.settings.data, world.catalog)
    return write_whole(*what, target, NOW, **more)


def cut_off(_bringing, *_about, **_more):
    raise KeyboardInterrupt


def test_e1_everything_comes_back_as_it_was(world, clone_database, tmp_path, monkeypatch):
    with (tmp_path / "all.zip").open("wb") as file, zip_into(file) as archive:
        manifest = written(world, archive, passwords=True)
    url = clone_database("template0")
    pools = Pools(url, max_size=2)
    with open_source(tmp_path / "all.zip") as source:
        told = look_through(source)
        catalog = catalog_from(files_in(source, told))
        bringing = Bringing(pools, tmp_path / "new", source, told, NOW)
        # Killed, it takes nothing away: what is there in part is served by nobody, and begun again.
        with monkeypatch.context() as killed:
            killed.setattr(Bringing, "_take_away", lambda _self: None)
            killed.setattr(Bringing, "_work_out", cut_off)
            with pytest.raises(KeyboardInterrupt):
                bringing.run(catalog)
        with pytest.raises(WholeFault, match="Run it again"):
            Installation(world.services.settings, pools).find_live()
        brought = bringing.run(catalog)
        with pytest.raises(WholeFault, match="not empty"):
            bringing.run(catalog)
    pools.close()
    assert (brought.rows, brought.without_password) == (manifest["rows"], 0)
    with psycopg.connect(world.url) as before, psycopg.connect(url) as after:
        expected, found = prove(before), prove(after)
    for name in LEFT_OUT:
        expected.pop(name, None), found.pop(name, None)
    assert {n: one for n, one in found.items() if one != expected[n]} == {}
    assert found.keys() == expected.keys()
    stored = [p for p in (tmp_path / "new" / "files").rglob("*") if p.is_file()]
    assert any(path.read_bytes() == b"an offer" for path in stored)
    # It goes on where it stood: numbers of records, serial numbers, who may sign in.
    here = ApiWorld(url, tmp_path / "new")
    for one in (world, here):
        sent = one.as_("root").post("/order/", {"customer": 1})
        assert sent.status_code == 201, sent.text
    assert here.as_("root").get(f"/order/{sent.json['id']}").json == {
        **world.as_("root").get(f"/order/{sent.json['id']}").json,
        **{n: sent.json[n] for n in ("created_at", "updated_at", "owner_since") if n in sent.json},
    }
    here.close()


def test_it_is_read_under_former_names_and_only_when_it_is_whole(world, clone_database, tmp_path):
    folder = tmp_path / "all"
    written(world, FolderTarget(folder))
    accounts = (folder / "accounts/ab_user.jsonl").read_text("utf-8")
    assert '"password"' not in accounts
    assert '"username":"sam"' in accounts
    with pytest.raises(WholeFault, match="not empty"):
        FolderTarget(folder)

    # Somebody changed a byte; a part is gone; it is something else.
    records = folder / "records/customer.jsonl"
    good = records.read_bytes()
    with open_source(folder) as source:
        for content, told in ((good.replace(b"Sam", b"Tim"), "checksum"), (None, "is missing")):
            records.unlink()
            if content is not None:
                records.write_bytes(content)
            with pytest.raises(WholeFault, match=told):
                look_through(source)
        records.write_bytes(good)
        manifest = look_through(source)
    with open_source(tmp_path) as source, pytest.raises(WholeFault, match="no manifest"):
        look_through(source)
    # Whoever made it may have made it up: what leads out of it, and what is no manifest at all.
    passwd = {**manifest["tables"][0], "path": "../../etc/passwd"}
    made_up = [
        {**manifest, name: value}
        for name, value in (
            ("format", "1"), ("parts", []), ("parts", {"a": 1}), ("tables", [1]), ("tables", []),
            ("tables", [passwd]), ("entities", {"customer": None}), ("sequences", {"a": 1}),
        )
    ]  # fmt: skip
    for told in (*made_up, [], None, 1):
        with zipfile.ZipFile(tmp_path / "up.zip", "w") as archive:
            archive.writestr("manifest.json", json.dumps(told))
        with (
            open_source(tmp_path / "up.zip") as source,
            pytest.raises(WholeFault, match="no manifest"),
        ):
            look_through(source)
    shutil.make_archive(str(tmp_path / "torn"), "zip", folder)
    torn = bytearray((tmp_path / "torn.zip").read_bytes())
    with zipfile.ZipFile(tmp_path / "torn.zip") as archive:
        at = archive.getinfo("records/customer.jsonl").header_offset
    torn[at + 80 : at + 90] = b"\xff" * 10
    (tmp_path / "torn.zip").write_bytes(torn)
    with open_source(tmp_path / "torn.zip") as source, pytest.raises(WholeFault, match="checksum"):
        look_through(source)
    (tmp_path / "no.zip").write_bytes(b"PK")
    with pytest.raises(WholeFault, match="neither"), open_source(tmp_path / "no.zip"):
        pass

    # Into a configuration in which things are called otherwise; what has no place is told.
    customer = FILES["entities/customer.yaml"]
    url = clone_database("template0")
    pools = Pools(url, max_size=2)
    with open_source(folder) as source:
        bringing = Bringing(pools, tmp_path / "new", source, manifest, NOW)
        paged = customer.replace("  site:", "  page:").replace("[site]", "[page]")
        lost = {**FILES, "entities/customer.yaml": paged}
        with pytest.raises(WholeFault, match=r"crm\.customer\.site"):
            bringing.run(catalog_from(lost))
        now = customer.replace("  founded: {", "  since: {was: founded, ")
        brought = bringing.run(catalog_from({**FILES, "entities/customer.yaml": now}))
    pools.close()
    assert brought.without_password == 8
    with psycopg.connect(world.url) as before, psycopg.connect(url) as after:
        query = "SELECT id, name, deleted_at, {} FROM crm.customer ORDER BY id"
        rows = before.execute(query.format("founded")).fetchall()
        assert after.execute(query.format("since")).fetchall() == rows
        states = "SELECT number, state FROM trellis.config_version ORDER BY 1"
        assert after.execute(states).fetchall() == [(1, "live"), (2, "live")]
    here = ApiWorld(url, tmp_path / "new")
    refused = here.anybody().post("/security/login", {"username": "sam", "password": PASSWORD})
    assert refused.status_code == 401
    here.close()
