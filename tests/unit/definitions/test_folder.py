"""Which files of a folder are read, and what happens with those that cannot be. F31."""

import os

import pytest

from app.definitions.folder import read_folder
from app.definitions.load import load_configuration
from app.definitions.problems import Code


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "entities").mkdir()
    (tmp_path / "app.yaml").write_text("name: Acme\n")
    (tmp_path / "entities" / "customer.yaml").write_text(
        "entity: customer\nfields:\n  name: {type: text}\n"
    )
    return tmp_path


def codes(loaded):
    return [(problem.code, problem.place.file) for problem in loaded.problems]


def test_files_of_the_configuration_are_read_and_others_left_alone(folder):
    for name in ("README.md", ".hidden.yaml", "entities/.customer.yaml.swp", "entities/notes.txt",
                 "entities/customer.yaml~", "#x.yaml"):  # fmt: skip
        (folder / name).write_text("nothing: [")
    (folder / ".git" / "entities").mkdir(parents=True)
    (folder / ".git" / "entities" / "x.yaml").write_text("nothing: [")
    (folder / "templates").mkdir()
    (folder / "templates" / "mail.txt").write_text("Hello")
    (folder / "regions.csv").write_text("name\neast\n")
    files, problems = read_folder(folder)
    assert sorted(files) == [
        "app.yaml", "entities/customer.yaml", "regions.csv", "templates/mail.txt"
    ]  # fmt: skip
    assert problems == []


def test_a_folder_that_is_not_there_is_a_problem(tmp_path, types):
    loaded = load_configuration(tmp_path / "nowhere", types)
    assert loaded.catalog is None
    assert Code.unreadable_file in {problem.code for problem in loaded.problems}


def test_an_empty_folder_is_a_problem(tmp_path, types):
    loaded = load_configuration(tmp_path, types)
    assert loaded.catalog is None
    assert [problem.code for problem in loaded.problems] == [Code.unreadable_file]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", Code.unfinished),
        (b"# only a comment\n", Code.unfinished),
        (b"entity: customer\nfields: {", Code.unfinished),
        ("label: 客户\n".encode("gb18030"), Code.wrong_encoding),
        ("entity: customer\n".encode("utf-16"), Code.wrong_encoding),
        (b"\xff\xfe\x00\x00", Code.wrong_encoding),
        (b"entity: customer\x00", Code.control_character),
        (b"x" * 5_000_000, Code.too_big),
        (bytes(range(256)), Code.wrong_encoding),
    ],
)
def test_f31_a_file_that_cannot_be_read_is_one_located_problem(folder, types, content, code):
    (folder / "entities" / "customer.yaml").write_bytes(content)
    loaded = load_configuration(folder, types)
    assert loaded.catalog is None
    assert codes(loaded) == [(code, "entities/customer.yaml")]


def test_f31_a_folder_in_a_files_place_is_a_problem(folder, types):
    (folder / "entities" / "contact.yaml").mkdir()
    (folder / "entities" / "contact.yaml" / "inside.yaml").write_text("entity: inside\n")
    assert codes(load_configuration(folder, types)) == [
        (Code.unreadable_file, "entities/contact.yaml")
    ]


def test_f31_a_link_to_nowhere_and_a_pipe_are_problems_and_do_not_hang(folder, types):
    (folder / "entities" / "gone.yaml").symlink_to(folder / "nowhere.yaml")
    os.mkfifo(folder / "entities" / "pipe.yaml")
    assert codes(load_configuration(folder, types)) == [
        (Code.unreadable_file, "entities/gone.yaml"),
        (Code.unreadable_file, "entities/pipe.yaml"),
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_f31_a_file_without_rights_is_a_problem(folder, types):
    (folder / "entities" / "customer.yaml").chmod(0)
    assert codes(load_configuration(folder, types)) == [
        (Code.unreadable_file, "entities/customer.yaml")
    ]


def test_a_broken_file_hides_nothing_in_the_others(folder, types):
    (folder / "entities" / "contact.yaml").write_text("entity: contact\nfields:\n\tname: x\n")
    (folder / "entities" / "lead.yaml").write_text(
        "entity: lead\nfields:\n  name: {type: txt}\n  mail: {typ: email}\n"
    )
    assert codes(load_configuration(folder, types)) == [
        (Code.tab, "entities/contact.yaml"),
        (Code.unknown_field_type, "entities/lead.yaml"),
        (Code.missing_key, "entities/lead.yaml"),
    ]
