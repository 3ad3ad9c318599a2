"""docs/problems.md explains every code, and its examples do what it says."""

import re
from pathlib import Path

import pytest

from app.definitions.load import load_files
from app.definitions.problems import Code
from app.fields.base import FieldTypes
from app.fields.registry import builtin_types

PAGE = Path(__file__).resolve().parents[2] / "docs" / "problems.md"
SECTION = re.compile(
    r"^### (?P<code>[a-z-]+)\n\n(?P<text>[^\n]+)\n\nWrong:\n\n```(?P<kind>yaml|text)\n(?P<wrong>.*?)^```\n"
    r"\nRight:\n\n```(?:yaml|text)\n(?P<right>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
#: Shown as commands or without the rest of a file, since no text alone can show them.
NOT_TRIED = {
    Code.unreadable_file,
    Code.wrong_encoding,
    Code.control_character,
    Code.too_big,
    Code.unexpected_file,
    Code.bug,
    Code.bad_setting,
}
SECTIONS = {found["code"]: found for found in SECTION.finditer(PAGE.read_text("utf-8"))}
TRIED = [str(code) for code in Code if code not in NOT_TRIED]


def files_of(example: str) -> dict[str, str]:
    """Return the files an example shows, each under a comment with its path."""
    parts = re.split(r"^# config/(\S+)\n", example, flags=re.MULTILINE)
    assert parts[0] == ""
    return {"app.yaml": "name: Acme\n"} | dict(zip(parts[1::2], parts[2::2], strict=True))


def codes_of(example: str) -> set[str]:
    types = FieldTypes({one.name: one for one in builtin_types()})
    return {problem.code for problem in load_files(files_of(example), types).problems}


def test_every_code_has_a_heading_and_every_heading_a_code():
    headings = re.findall(r"^### (.+)$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert sorted(headings) == sorted(str(code) for code in Code)
    assert set(SECTIONS) == set(headings)


@pytest.mark.parametrize("code", TRIED)
def test_the_wrong_example_has_the_problem(code):
    assert SECTIONS[code]["kind"] == "yaml"
    assert code in codes_of(SECTIONS[code]["wrong"])


@pytest.mark.parametrize("code", TRIED)
def test_the_right_example_has_no_problem(code):
    assert codes_of(SECTIONS[code]["right"]) == set()


def test_only_what_no_text_can_show_is_not_tried():
    assert {code for code, found in SECTIONS.items() if found["kind"] == "text"} == NOT_TRIED
