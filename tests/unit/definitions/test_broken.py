"""Every problem code has a broken configuration whose problems are known word by word."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from app.definitions.load import Loaded, load_configuration
from app.definitions.problems import Code, render_problems
from app.fields.base import FieldTypes
from app.fields.settings import WholeNumber, refuse
from app.fields.text import Text
from app.texts import say

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "broken"


class Shoe(Text):
    """A plugin's type with a word for its problems that only it knows."""

    name = "shoe"
    label = say("Shoe", "鞋")

    def settings(self):
        return {"number": ShoeNumber("The size.")}


class ShoeNumber(WholeNumber):
    def _deserialize(self, value, *_, **__):
        raise refuse(f"`number` is `{value}`; no foot is that long.", "no-foot")


class Breaks(Text):
    """A type with a mistake in it."""

    name = "breaks"

    def settings(self):
        raise ZeroDivisionError


def a_folder_in_place_of_a_file(folder: Path) -> None:
    (folder / "entities" / "customer.yaml").mkdir(parents=True)


def too_many_characters(folder: Path) -> None:
    (folder / "entities").mkdir()
    text = "entity: customer\n" + "# nothing but comments\n" * 50_000
    (folder / "entities" / "customer.yaml").write_text(text)


#: What cannot stand in a repository, made when needed.
MADE: dict[str, Callable[[Path], None]] = {
    Code.unreadable_file: a_folder_in_place_of_a_file,
    Code.too_big: too_many_characters,
}


def load_example(code: str, folder: Path, types: FieldTypes) -> Loaded:
    shutil.copytree(EXAMPLES / code, folder)
    if code in MADE:
        MADE[code](folder)
    more = {one.name: one for one in (Shoe(), Breaks())}
    return load_configuration(folder, replace(types, by_name={**types.by_name, **more}))


@pytest.mark.parametrize("code", [str(code) for code in Code])
def test_example_shows_its_problems(code, tmp_path, types, update_expected):
    loaded = load_example(code, tmp_path / "config", types)
    shown = render_problems(loaded.problems, loaded.files, prefix="config/") + "\n"
    expected = EXAMPLES / code / "expected.txt"
    if update_expected:
        expected.write_text(shown, "utf-8")
    assert shown == expected.read_text("utf-8")
    assert code in {problem.code for problem in loaded.problems}


def test_every_code_has_an_example_and_every_example_a_code():
    assert {folder.name for folder in EXAMPLES.iterdir()} == {str(code) for code in Code}


@pytest.mark.parametrize("code", [str(code) for code in Code])
def test_json_says_the_same_as_the_text(code, tmp_path, types):
    loaded = load_example(code, tmp_path / "config", types)
    told = orjson.loads(render_problems(loaded.problems, loaded.files, "json", "config/"))
    lines = [
        f"{one['file']}:{one['line']}:{one['column']}: {one['severity']}[{one['code']}]: "
        + f"{one['message']} {one['hint']}".strip()
        for one in told
    ]
    text = render_problems(loaded.problems, loaded.files, prefix="config/").splitlines()
    assert [line for line in text if line.startswith("config/")] == lines
    for one in told:
        assert (one["endLine"], one["endColumn"]) > (one["line"], one["column"])


def test_a_bug_of_ours_is_not_the_authors_mistake(tmp_path, types):
    loaded = load_example("bug", tmp_path / "config", types)
    assert [problem.code for problem in loaded.problems] == ["bug"]
    assert loaded.problems[0].message.startswith("This is a bug in Trellis, not in your file")
