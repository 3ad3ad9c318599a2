"""The examples of docs/language.md, put together, are a configuration without a problem."""

import re
from pathlib import Path

import pytest

from app.definitions.catalog import Catalog
from app.definitions.load import load_files
from app.fields.base import FieldTypes
from app.fields.registry import builtin_types

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "language.md"
BLOCK = re.compile(
    r"^```(yaml|text)\n# (config/|fields of |conditions of |values of )(\S+)\n(.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def examples() -> list[tuple[str, str, str]]:
    """Return each example of the guide: what it is, of which file or entity, its text."""
    return [(kind.strip(), name, text) for _, kind, name, text in BLOCK.findall(GUIDE.read_text())]


def lines_of(kind: str) -> list[tuple[str, str]]:
    """Return the entity and the expression of each line of the blocks of a kind."""
    found = [(name, text) for what, name, text in examples() if what == kind]
    return [
        (name, line.partition(" #")[0].rstrip())
        for name, text in found
        for line in text.splitlines()
        if line.strip()
    ]


def the_configuration() -> dict[str, str]:
    """Return the guide's files, the fields written elsewhere in it put into their entities."""
    files = {name: text for what, name, text in examples() if what == "config/"}
    for what, name, text in examples():
        if what == "fields of":
            path = f"entities/{name}.yaml"
            indented = re.sub(r"^(?=.)", "  ", text, flags=re.MULTILINE)
            files[path] = files[path].replace("\nfields:\n", f"\nfields:\n{indented}", 1)
    return files


def load(files: dict[str, str]) -> Catalog:
    loaded = load_files(files, FieldTypes({one.name: one for one in builtin_types()}))
    assert [str(problem) for problem in loaded.problems] == []
    assert loaded.catalog is not None
    return loaded.catalog


def test_every_yaml_example_is_of_a_file_or_of_fields():
    blocks = re.findall(r"^```yaml\n(.*)$", GUIDE.read_text(), re.MULTILINE)
    assert len(blocks) > 10
    assert [one for one in blocks if not one.startswith(("# config/", "# fields of "))] == []


def test_the_examples_are_one_configuration_without_problems():
    catalog = load(the_configuration())
    assert set(catalog.entities) >= {"company", "person", "part", "job", "job.lines", "visit"}
    assert catalog.entities["job"].fields["amount"].expression is not None
    assert catalog.entities["user"].fields["grade"].options


@pytest.mark.parametrize(("entity", "condition"), lines_of("conditions of"))
def test_each_condition_is_one(entity, condition):
    files = the_configuration()
    view = f'    tried: {{where: "{condition}"}}\n'
    path = f"entities/{entity}.yaml"
    files[path] = files[path].replace("  views:\n", f"  views:\n{view}", 1)
    catalog = load(files)
    assert catalog.entities[entity].screens.views["tried"].where is not None


@pytest.mark.parametrize(("entity", "expression"), lines_of("values of"))
def test_each_value_is_one(entity, expression):
    files = the_configuration()
    field = f'  tried: {{type: formula, formula: "{expression}"}}\n'
    path = f"entities/{entity}.yaml"
    files[path] = files[path].replace("\nfields:\n", f"\nfields:\n{field}", 1)
    catalog = load(files)
    assert catalog.entities[entity].fields["tried"].expression is not None
