"""Reading YAML: what the author sees, with its place, or a problem; nothing else. C1 to C4."""

import time
import tracemalloc

import pytest

from app.definitions.catalog import Place
from app.definitions.document import read_documents
from app.definitions.problems import Code, render_problems

FILE = "entities/customer.yaml"


def data_of(text):
    documents, problems = read_documents(FILE, text)
    assert problems == []
    return [document.data for document in documents]


def problems_of(text):
    documents, problems = read_documents(FILE, text)
    assert documents == []
    return [(problem.code, problem.place.line, problem.place.column) for problem in problems]


@pytest.mark.parametrize(
    "written",
    ["no", "NO", "on", "Off", "yes", "true", "null", "~", "08:30", "12:30", "1.10", "017", "0o17",
     "0x1F", "1_000", "1e3", ".inf", "2024-02-30", "2024-02-29", "=", "=today()", "-5", "-x"],
)  # fmt: skip
def test_c2_a_scalar_stays_what_the_writer_sees(written):
    assert data_of(f"a: {written}\n") == [{"a": written}]
    assert data_of(f"[{written}]\n") == [[written]]


def test_c2_words_of_yaml_are_ordinary_keys():
    assert data_of("on: create\nno: x\n12:30: y\nnull: z\n") == [
        {"on": "create", "no": "x", "12:30": "y", "null": "z"}
    ]


def test_a_key_with_nothing_behind_it_is_none_and_an_empty_text_is_not():
    assert data_of('a:\nb: ""\nc: []\n') == [{"a": None, "b": "", "c": []}]


def test_documents_are_separated_by_three_dashes():
    documents, _ = read_documents(FILE, "a: 1\n---\nb: 2\n---\nc: 3\n")
    assert [(one.data, one.index) for one in documents] == [
        ({"a": "1"}, 0), ({"b": "2"}, 1), ({"c": "3"}, 2)
    ]  # fmt: skip


def test_every_value_and_key_has_its_place():
    text = "entity: customer\nfields:\n  name: {type: text, options: [a, 'b']}\n"
    (document,), _ = read_documents(FILE, text)
    assert document.place(()) == Place(FILE, 1, 1)
    assert document.place(("entity",)) == Place(FILE, 1, 9)
    assert document.place(("entity",), key=True) == Place(FILE, 1, 1)
    assert document.place(("fields", "name"), key=True) == Place(FILE, 3, 3)
    assert document.place(("fields", "name", "options", 1)) == Place(FILE, 3, 35)
    assert document.spot.find(("fields", "name", "options", 1)).quoted
    assert not document.spot.find(("fields", "name", "options", 0)).quoted


def test_the_place_of_what_is_not_there_is_what_is_around_it():
    (document,), _ = read_documents(FILE, "fields:\n  name: {type: text}\n")
    assert document.place(("fields", "name", "label", "en")) == Place(FILE, 2, 9)
    assert document.place(("fields", "name", "label"), key=True) == Place(FILE, 2, 3)


def test_c1_duplicate_keys_are_all_told():
    assert problems_of("a: 1\nb: {c: 1, c: 2}\na: 2\n") == [
        (Code.duplicate_key, 2, 11), (Code.duplicate_key, 3, 1)
    ]  # fmt: skip


def test_c1_a_tab_is_named():
    assert problems_of("a:\n\tb: c\n") == [(Code.tab, 2, 1)]
    assert problems_of("a: b\n\tc: d\n") == [(Code.tab, 2, 1)]


def test_c1_wrong_indentation_is_placed():
    assert problems_of("a: x\n b: y\n") == [(Code.syntax, 2, 2)]
    assert problems_of("a:\n  - x\n - y\n") == [(Code.syntax, 3, 2)]


@pytest.mark.parametrize(
    "tag", ["!!python/object:os.system x", "!!python/name:os.system", "!own x", "!!int 3", "! x",
            "!!python/object/apply:os.system [ls]", "!!map {a: b}"],
)  # fmt: skip
def test_c3_tags_are_refused(tag):
    assert (Code.tag, 1, 4) in problems_of(f"a: {tag}\n")


def test_c4_a_bomb_of_aliases_is_refused_at_once():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert_refused_cheaply("\n".join(lines), Code.anchor)


def test_c4_a_bomb_of_merge_keys_is_refused_at_once():
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 12)]
    assert_refused_cheaply("\n".join(lines), Code.anchor)


def test_c4_an_alias_of_itself_is_refused_at_once():
    assert_refused_cheaply("a: &a [*a]\n", Code.anchor)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_c4_five_thousand_levels_are_refused_at_once(opening):
    assert_refused_cheaply("a:\n  " + opening * 5_000, Code.too_deep)


def test_c4_five_thousand_keys_of_keys_are_refused_at_once():
    assert_refused_cheaply("? " * 5_000, Code.key_not_a_word)


def test_c4_fifty_megabytes_are_refused_at_once():
    assert_refused_cheaply("a: b # " + "x" * 50_000_000, Code.too_big, memory=250_000_000)


def assert_refused_cheaply(text, code, memory=100_000_000):
    tracemalloc.start()
    started = time.process_time()
    documents, problems = read_documents(FILE, text)
    seconds = time.process_time() - started
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert documents == []
    assert code in {problem.code for problem in problems}
    assert seconds < 3
    assert peak < memory


@pytest.mark.parametrize("bad", ["\x00", "\x07", "\x1b", "\ufffe", "\ud800"])
def test_what_is_no_text_is_refused_and_shown_harmlessly(bad):
    text = f"a: x{bad}y\n"
    _, problems = read_documents(FILE, text)
    assert [(one.code, one.place.column) for one in problems] == [(Code.control_character, 5)]
    assert bad not in render_problems(problems, {FILE: text})


def test_a_byte_order_mark_and_windows_lines_do_no_harm():
    assert data_of("\ufeffa: b\r\nc: d\r\n") == [{"a": "b", "c": "d"}]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a: {formula: max(a, b)}", '"max(a, b)"'),
        ("a: {formula: max(a, b), label: x}", '"max(a, b)"'),
        ("a: {formula: days_between(max(a, b), now())}", '"days_between(max(a, b), now())"'),
        ("a: {message: Hello, dear customer}", '"Hello, dear customer"'),
        ("a: {where: level in ['a', 'b']}", "\"level in ['a', 'b']\""),
        ("a: {where: level in ['a']}", "\"level in ['a']\""),
        ("a: Note: this", '"Note: this"'),
        ("a: @home", '"@home"'),
        ("a: %d", '"%d"'),
        ("a: `x`", '"`x`"'),
        ("- {must: x, message: 请填写, 谢谢}", '"请填写, 谢谢"'),
        ("a: {label: Time: 5}", '"Time: 5"'),
    ],
)
def test_missing_quotes_are_shown_as_they_should_be(text, written):
    documents, problems = read_documents(FILE, text + "\n")
    assert documents == []
    assert [problem.code for problem in problems] == [Code.missing_quotes]
    assert problems[0].suggestions == (written,)
    assert written in problems[0].hint


def test_what_the_hint_for_quotes_says_can_be_read():
    text = "a: {formula: max(a, b), label: x}\n"
    _, (problem,) = read_documents(FILE, text)
    column, end = problem.place.column - 1, problem.end_column - 1
    mended = text[:column] + problem.suggestions[0] + text[end:]
    assert data_of(mended) == [{"a": {"formula": "max(a, b)", "label": "x"}}]


@pytest.mark.parametrize(
    "text", ["a: {b: c", "a: [x, {y: 'z", 'a: "x\nb: y\n', "a: 'it''s\n", "entity: customer\nfields: {"]
)  # fmt: skip
def test_f31_a_half_written_file_is_unfinished(text):
    assert [code for code, _, _ in problems_of(text)] == [Code.unfinished]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("label: Order #5\n", '"Order #5"'),
        ("a: {label: Order #5\n  }\n", '"Order #5"'),
        ("a:\n  - x #y\n", '"x #y"'),
    ],
)
def test_a_text_cut_off_by_a_number_sign_is_told(text, written):
    documents, problems = read_documents(FILE, text)
    assert documents
    assert [(one.code, one.severity) for one in problems] == [(Code.missing_quotes, "warning")]
    assert problems[0].suggestions == (written,)


@pytest.mark.parametrize(
    "text",
    ['a: "Order #5"\n', "a: b # a comment\n", "#a comment\na: b\n", "a: |\n  Order #5\n", "a: b#5\n",
     "a: b ## x\n", "a: b\n  #x\n", "# yaml-language-server: $schema=x\na: b\n"],
)  # fmt: skip
def test_a_comment_is_a_comment(text):
    documents, problems = read_documents(FILE, text)
    assert len(documents) == 1
    assert problems == []
