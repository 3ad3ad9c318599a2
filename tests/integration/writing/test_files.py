"""Files: what is taken, who may read it, and what is swept away."""

import io
import os
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.database import system
from app.errors import InvalidInput, NotFound
from app.records.files import clean_name
from tests.integration.writing.world import NOW

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 50
PDF = b"%PDF-1.7 " + b"0" * 50


def upload(world, who="sam", name="plan.pdf", content=PDF):
    return world.records.add_file(world.who(who), io.BytesIO(content), name)


def sentence(error, field="file"):
    return str(error.value.fields[field][0])


def test_a_file_is_its_uploaders_until_a_record_takes_it(world):
    file = upload(world)
    assert world.records.get_file(world.who("sam"), file.id).path.read_bytes() == PDF
    for other in ("mia", "root", "tom"):
        with pytest.raises(NotFound):
            world.records.get_file(world.who(other), file.id)
    customer = world.customer(files=[file.id])
    for reader in ("sam", "mia", "aud"):
        assert world.records.get_file(world.who(reader), file.id).name == "plan.pdf"
    with pytest.raises(NotFound):
        world.records.get_file(world.who("tom"), file.id)
    world.records.delete(world.who("mia"), "customer", customer)
    with pytest.raises(NotFound):
        world.records.get_file(world.who("mia"), file.id)


def test_a15_a_file_of_somebody_else_is_like_none(world):
    theirs = upload(world, "tom")
    said = []
    for number in (theirs.id, 9_999):
        with pytest.raises(InvalidInput) as error:
            world.customer(files=[number])
        said.append(sentence(error, "files").replace(str(number), "N"))
    assert said == ["There is no file N; upload it first."] * 2


def test_a_file_of_another_record_cannot_be_taken_but_ones_own_stays(world):
    first, second = upload(world), upload(world, content=PDF + b"2")
    customer = world.customer(files=[first.id])
    with pytest.raises(InvalidInput):
        world.customer(files=[first.id])
    world.records.update(
        world.who("mia"), "customer", customer, {"files": [first.id], "name": "With the file"}
    )
    world.records.update(world.who("sam"), "customer", customer, {"files": [second.id, first.id]})
    assert world.row("customer", customer)["files"] == [second.id, first.id]


def test_a_field_takes_its_own_kind_of_files(world):
    document, picture = upload(world), upload(world, name="me.png", content=PNG)
    with pytest.raises(InvalidInput) as error:
        world.customer(picture=document.id)
    assert sentence(error, "picture") == (
        "Picture takes no .pdf files. It takes jpg, jpeg, png, gif, webp."
    )
    world.customer(picture=picture.id)


@pytest.mark.parametrize("name", ["page.html", "run.exe", "x.svg", "a.pHaR", "none", "a.pdf.php"])
def test_u1_what_a_browser_would_run_is_not_taken(world, name):
    with pytest.raises(InvalidInput) as error:
        upload(world, name=name)
    assert "are not taken" in sentence(error)


def test_content_must_be_what_the_name_says(world):
    with pytest.raises(InvalidInput) as error:
        upload(world, name="fake.png", content=b"<script>alert(1)</script>")
    assert "not what its name says" in sentence(error)
    with pytest.raises(InvalidInput) as error:
        upload(world, content=b"")
    assert "empty" in sentence(error)


def test_a_file_that_is_too_large_leaves_nothing_on_disk(world, monkeypatch, tmp_path):
    class Endless(io.RawIOBase):
        sent = 0

        def read(self, size=-1):
            self.sent += size
            return b"%PDF-" + b"0" * (size - 5)

    stream = Endless()
    with pytest.raises(InvalidInput) as error:
        world.records.add_file(world.who("sam"), stream, "big.pdf")
    assert sentence(error) == "The file is larger than 20 MB, the most that can be kept."
    assert stream.sent < 21 * 1024 * 1024
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\temp\\plan.pdf", "plan.pdf"),
        ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie: x.pdf"),
        ("evil\u202efdp.exe.pdf", "evilfdp.exe.pdf"),
        (" . plan.pdf . ", "plan.pdf"),
        ("n" * 300 + ".pdf", "n" * 150 + ".pdf"),
        ("计划书.pdf", "计划书.pdf"),
    ],
)
def test_names_of_files_hold_no_way_and_no_tricks(given, kept):
    assert clean_name(given) == kept


def test_equal_contents_are_kept_once_and_go_with_the_last(world, tmp_path):
    first, second = upload(world), upload(world)
    assert first.path == second.path
    customer = world.customer(files=[second.id])
    old = (NOW - timedelta(days=3)).timestamp()
    os.utime(first.path, (old, old))
    world.clock.moment = NOW + timedelta(hours=1)
    uploaded = sa.update(system.file).values(uploaded_at=NOW)
    with world.pools.engine.begin() as connection:
        connection.execute(uploaded)
    assert world.records.sweep_files() == 0
    world.clock.moment = NOW + timedelta(days=2)
    assert world.records.sweep_files() == 1
    assert second.path.exists()
    assert world.records.get_file(world.who("sam"), second.id)
    world.records.delete(world.who("mia"), "customer", customer)
    world.records.purge(world.who("root"), "customer", [customer])
    world.clock.moment = NOW + timedelta(days=4)
    assert world.records.sweep_files() == 1
    assert not second.path.exists()
    assert world.one(sa.select(sa.func.count()).select_from(system.file))[0] == 0


def test_a_merged_record_brings_its_files(world):
    file = upload(world)
    keep, gone = world.customer(), world.customer(files=[file.id])
    world.records.merge(world.who("mia"), "customer", keep, [gone])
    assert world.records.get_file(world.who("sam"), file.id)
    with pytest.raises(NotFound):
        world.records.get_file(world.who("tom"), file.id)
