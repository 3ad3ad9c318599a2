"""How the installation stands is told in words; files have a quota that says so."""

import pytest

from app.database import system
from tests.integration.api.world import ApiWorld, assert_api_error, build


@pytest.fixture
def small(template_database, clone_database, tmp_path):
    """A world with room for one MB of files."""
    url = clone_database(template_database("api_world", build))
    made = ApiWorld(url, tmp_path / "var", TRELLIS_FILE_QUOTA="1")
    yield made
    made.close()


def test_u8_a_full_quota_says_so_and_keeps_nothing(small):
    sam = small.as_("sam")
    first = sam.uploaded("a.txt", b"a" * 700_000)
    assert first.status_code == 201
    refused = sam.uploaded("b.txt", b"b" * 700_000)
    error = assert_api_error(refused, 422, "invalid-input", "file")
    assert "0.3 MB of 1 MB are free" in error["fields"]["file"][0]
    assert sam.uploaded("c.txt", b"c" * 300_000).status_code == 201
    kept = [path for path in (small.services.settings.data / "files").rglob("*") if path.is_file()]
    assert sorted(path.stat().st_size for path in kept) == [300_000, 700_000]
    assert len(small.system_rows(system.file)) == 2
    # What was too large by itself says that still, not the quota.
    assert "0.0 MB of 1 MB" in sam.uploaded("d.txt", b"d" * 90_000).text

    root = small.browser("root")
    page = root.ask("GET", "/system/files").text
    assert "a.txt" in page
    assert "977 kB / 1.0 MB" in page
    assert page.index("a.txt") < page.index("c.txt")
    page = root.ask("GET", "/system").text
    for sentence in ("None is running: nothing that is due is sent", "TRELLIS_SMTP_HOST",
                     "with a password alone: 1 of 1", "Version 1 serves",
                     "connections open", "The first is made tonight", "are free where the data is kept",
                     "Something does not work."):  # fmt: skip
        assert sentence in page, sentence
    assert "没有运行中的调度器" in root.ask("GET", "/system?language=zh").text
    for path in ("/system", "/system/files", "/system/backups", "/system/integrations"):
        assert small.browser("mia").ask("GET", path).status_code == 403
    assert 'href="/system"' not in small.browser("sam").ask("GET", "/crm/customer/").text


def test_backups_are_listed_fetched_and_noted(small):
    root, mia = small.browser("root"), small.browser("mia")
    assert "No backup yet." in root.ask("GET", "/system/backups").text
    name = small.services.backups.make().path.name
    small.services.backups.try_newest()
    assert "Comes back: tried" in root.ask("GET", "/system/backups").text
    assert "演练恢复成功" in root.ask("GET", "/system/backups?language=zh").text
    assert "The newest is of" in root.ask("GET", "/system").text
    fetched = root.ask("GET", f"/system/backups/{name}")
    assert fetched.data.startswith(b"TRELLIS-BACKUP ")
    (noted,) = (row for row in small.system_rows(system.audit) if "backup" in row["kind"])
    assert noted["details"] == {"file": name}
    for other in ("..%2f..%2fsecrets%2fsecret_key", "trellis.backup", f"{name}.sha256"):
        assert root.ask("GET", f"/system/backups/{other}").status_code == 404
    for method, path in (("GET", f"/system/backups/{name}"), ("POST", "/system/backups/make")):
        assert mia.ask(method, path).status_code == 403
    assert root.ask("POST", "/system/backups/make").status_code == 303
