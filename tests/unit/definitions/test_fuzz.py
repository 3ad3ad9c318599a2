"""Garbage in any file gives problems, never a traceback and never Trellis's own fault."""

import os
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.definitions.load import load_configuration, load_files
from app.definitions.problems import Code, render_problems

WORDS = [
    "", "yes", "no", "0", "-1", "999999999999999999999", "1e9", "x", "[]", "{}", "[a, b]", "{a: b}",
    "null", "~", "''", '"', "'", "*x", "&x", "!!int 3", "<<", "{{ x }}", "a: b: c", "=", "=today()",
    "=record", "parent.name", "in_view('x')", "sum(lines.x)", "record.record.record", "客户", "\t",
    "- - -", "? x", "|\n  x", "text", "link", "rollup", "formula", "lines", "customer", "user", "own",
    "not", "(" * 60, "'" * 3, "name.name", "else", "by", "\u2028", "\x85", "#", ": ", "---", "...",
]  # fmt: skip
#: FUZZ=20 tries twenty times as much.
MUCH = int(os.environ.get("FUZZ", "1"))


def tries(count: int) -> settings:
    return settings(
        max_examples=count * MUCH, deadline=None, suppress_health_check=list(HealthCheck)
    )


def assert_told(loaded):
    """Everything that is wrong is told with a place, and nothing is our fault."""
    assert loaded.catalog is not None or loaded.problems
    for problem in loaded.problems:
        assert problem.code != Code.bug, problem
        assert isinstance(problem.code, Code)
        assert problem.place.line >= 1
        assert problem.place.column >= 1
        assert problem.message
        if text := loaded.files.get(problem.place.file):
            # PyYAML counts two more characters as line ends than editors do.
            lines = text.replace("\u2028", "\n").replace("\x85", "\n").replace("\u2029", "\n")
            assert problem.place.line <= lines.count("\n") + 2
    render_problems(loaded.problems, loaded.files)
    render_problems(loaded.problems, loaded.files, "json")


def mutate(text, chance):
    """Return the text with a line or a token deleted, doubled, moved or replaced."""
    lines = text.split("\n")
    where = chance.randrange(len(lines))
    kind = chance.randrange(9)
    if kind == 0:
        del lines[where]
    elif kind == 1:
        lines.insert(where, lines[where])
    elif kind == 2:
        lines[where] = " " * chance.randrange(6) + lines[where].strip()
    elif kind == 3:
        other = chance.randrange(len(lines))
        lines[where], lines[other] = lines[other], lines[where]
    elif kind == 4:
        lines[where] = lines[where][: chance.randrange(len(lines[where]) + 1)]
    elif kind == 5:
        lines = lines[: where + 1]
    else:
        separators = [": ", ", ", "{", "}", "[", "]", " "]
        line = lines[where]
        separator = chance.choice([one for one in separators if one in line] or [" "])
        parts = line.split(separator)
        parts[chance.randrange(len(parts))] = chance.choice(WORDS)
        if kind == 7:
            parts.append(chance.choice(WORDS))
        lines[where] = (chance.choice(separators) if kind == 8 else separator).join(parts)
    return "\n".join(lines)


@tries(15)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 4))
def test_the_shipped_files_with_anything_changed(seed, count, types, shipped):
    chance = random.Random(seed)
    files = dict(shipped)
    for _ in range(count):
        name = chance.choice(sorted(files))
        files[name] = mutate(files[name], chance)
    assert_told(load_files(files, types))


@tries(15)
@given(seed=st.integers(0, 2**32))
def test_the_same_read_again_after_a_good_time(seed, types, shipped, good):
    chance = random.Random(seed)
    name = chance.choice(sorted(shipped))
    files = shipped | {name: mutate(shipped[name], chance)}
    again = load_files(files, types, previous=good)
    assert_told(again)
    anew = load_files(files, types)
    assert [str(one) for one in again.problems] == [str(one) for one in anew.problems]


@tries(15)
@given(name=st.sampled_from(["app.yaml", "roles.yaml", "options.yaml", "entities/task.yaml", "workflows/lead.yaml"]), text=st.text(max_size=200))  # fmt: skip
def test_any_text_in_any_file(name, text, types):
    assert_told(load_files({"app.yaml": "name: A\n", name: text}, types))


@tries(15)
@given(content=st.binary(max_size=300))
def test_any_bytes_in_a_file(content, types, tmp_path_factory):
    folder = tmp_path_factory.mktemp("config")
    (folder / "entities").mkdir()
    (folder / "app.yaml").write_text("name: A\n")
    (folder / "entities" / "task.yaml").write_bytes(content)
    assert_told(load_configuration(folder, types))


VALUE = st.recursive(
    st.sampled_from([one for one in WORDS if "\n" not in one and one.strip() == one]).map(
        lambda word: '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]"),
        st.dictionaries(
            st.sampled_from(
                ["name", "type", "to", "of", "fields", "label", "en", "by", "else", "a"]
            ),
            inner,
            max_size=3,
        ).map(lambda items: "{" + ", ".join(f"{key}: {one}" for key, one in items.items()) + "}"),
    ),
    max_leaves=5,
)
KEYS = [
    "label", "plural", "icon", "title", "owned", "single", "was", "fields", "checks", "unique",
    "duplicates", "access", "screens",
]  # fmt: skip


@tries(40)
@given(key=st.sampled_from(KEYS), value=VALUE)
def test_any_value_under_any_key_of_an_entity(key, value, types):
    text = f"entity: task\nfields:\n  name: {{type: text}}\n{key}: {value}\n"
    if key == "fields":
        text = f"entity: task\nfields: {value}\n"
    assert_told(load_files({"entities/task.yaml": text}, types))


@pytest.mark.parametrize("name", ["text", "choice", "link", "links", "any_link", "lines", "rollup", "formula", "through", "serial", "clock", "money", "stage", "repeat", "date", "file"])  # fmt: skip
@tries(8)
@given(data=st.data())
def test_any_value_under_any_key_of_a_field(name, data, types):
    from app.definitions.field_schemas import FieldSchemas

    keys = sorted(FieldSchemas(types).schema(name).fields)
    wrote = data.draw(st.dictionaries(st.sampled_from(keys), VALUE, min_size=1, max_size=4))
    settings_ = ", ".join(f"{key}: {one}" for key, one in wrote.items())
    text = f"entity: task\nfields:\n  name: {{type: text}}\n  x: {{type: {name}, {settings_}}}\n"
    assert_told(load_files({"entities/task.yaml": text}, types))


@tries(40)
@given(file=st.sampled_from(["app", "roles", "options"]), key=st.sampled_from(["name", "languages", "time_zone", "currencies", "calendar", "values", "modules", "look", "changes", "keep", "packs", "roles", "options"]), value=VALUE)  # fmt: skip
def test_any_value_under_any_key_of_the_other_files(file, key, value, types):
    assert_told(load_files({f"{file}.yaml": f"{key}: {value}\n"}, types))


@tries(30)
@given(
    value=st.dictionaries(
        st.sampled_from(["entity", "field", "if", "stages", "moves", "was"]), VALUE
    )
)
def test_any_value_in_a_lifecycle(value, types):
    text = "lifecycle: x\n" + "".join(f"{key}: {one}\n" for key, one in value.items())
    entity = "entity: task\nfields:\n  name: {type: text}\n  stage: {type: stage}\n"
    assert_told(load_files({"workflows/x.yaml": text, "entities/task.yaml": entity}, types))
