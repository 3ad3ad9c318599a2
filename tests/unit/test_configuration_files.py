"""Files of the configuration are written whole, inside their folder, and never over somebody."""

from __future__ import annotations

import errno
import os

import pytest

from app.configuration_files import ConfigurationFiles, fingerprint_of
from app.errors import Conflict, Forbidden, InvalidInput, NotFound, TrellisError, Unavailable

NAME = "entities/project.yaml"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "config" / "entities").mkdir(parents=True)
    (tmp_path / "config" / "entities" / "project.yaml").write_text("entity: project\n")
    (tmp_path / "outside").mkdir()
    return tmp_path / "config"


def left(folder):
    """Return every file there is, drafts included."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_is_written_whole_and_keeps_its_permissions(folder):
    files, path = ConfigurationFiles(folder), folder / NAME
    path.chmod(0o640)
    seen = files.write(NAME, "entity: project\r\nicon: box\r\n", fingerprint_of(path.read_text()))
    assert path.read_text() == "entity: project\nicon: box\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert seen == fingerprint_of(path.read_text())
    with pytest.raises(Conflict, match="was changed since you opened it"):
        files.write(NAME, "mine", fingerprint_of("entity: project\n"))
    with pytest.raises(Conflict):
        files.write(NAME, "new, or so I thought", "")
    with pytest.raises(Conflict):
        files.delete(NAME, fingerprint_of("other"))
    assert path.read_text() == "entity: project\nicon: box\n"
    files.write("workflows/new.yaml", "rule: x\n", "")
    files.delete(NAME, seen)
    with pytest.raises(NotFound, match="not there any more"):
        files.write(NAME, "again", seen)
    assert left(folder) == ["workflows/new.yaml"]


@pytest.mark.parametrize(
    "name",
    ["../outside/x.yaml", "entities/../../outside/x.yaml", "/etc/x.yaml", "entities//x.yaml",
     "entities/.x.yaml", "entities/x.sh", "x.yaml", "entities", "", "entities/x\0.yaml",
     "entities/x.yaml\n", "other/x.yaml", "entities/x.py", "templates/a/b/c/d/e/f.html",
     "entities/...yaml", "entities\\x.yaml", "a" * 5000 + ".yaml"],
)  # fmt: skip
def test_nothing_else_can_be_written(folder, name):
    before = left(folder.parent)
    for act in (
        lambda: ConfigurationFiles(folder).write(name, "x: y\n", ""),
        lambda: ConfigurationFiles(folder).delete(name, ""),
    ):
        with pytest.raises(InvalidInput) as caught:
            act()
        assert "file" in caught.value.fields
    assert left(folder.parent) == before


@pytest.mark.parametrize("text", ["x" * 1_000_001, "a\0b", "\ud800"])
def test_what_is_no_text_is_refused(folder, text):
    with pytest.raises(InvalidInput) as caught:
        ConfigurationFiles(folder).write("entities/x.yaml", text, "")
    assert "text" in caught.value.fields
    assert left(folder) == [NAME]


def test_links_and_pipes_are_not_followed(folder):
    secret = folder.parent / "outside" / "secret.yaml"
    secret.write_text("secret: yes\n")
    (folder / "entities" / "link.yaml").symlink_to(secret)
    (folder / "workflows").symlink_to(secret.parent)
    os.mkfifo(folder / "entities" / "pipe.yaml")
    files, seen = ConfigurationFiles(folder), fingerprint_of("secret: yes\n")
    for name, error in (
        ("entities/link.yaml", InvalidInput),
        ("workflows/secret.yaml", InvalidInput),
        ("entities/pipe.yaml", Conflict),
    ):
        for act in (lambda n=name: files.write(n, "x", seen), lambda n=name: files.delete(n, seen)):
            with pytest.raises(error):
                act()
    assert secret.read_text() == "secret: yes\n"


@pytest.mark.parametrize(
    ("code", "error", "says"),
    [
        (errno.EROFS, Forbidden, "may not be written here"),
        (errno.EACCES, Forbidden, "may not be written here"),
        (errno.ENOSPC, Unavailable, "disk is full"),
    ],
)
def test_a_disk_that_will_not_is_told_and_nothing_is_left(folder, monkeypatch, code, error, says):
    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(TrellisError, match=says) as caught:
        ConfigurationFiles(folder).write("entities/x.yaml", "x", "")
    assert isinstance(caught.value, error)
    assert left(folder) == [NAME]
