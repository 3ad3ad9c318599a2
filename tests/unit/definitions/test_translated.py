"""Whatever is wrong with a configuration is said in Chinese as well."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.definitions.problems import Code, render_problems
from app.definitions.translated import translation
from tests.unit.definitions.test_broken import load_example

ROOT = Path(__file__).resolve().parents[3]
#: What is called with a sentence about a mistake.
CALLS = {"problem", "problem_at", "complain", "refuse", "unknown", "unknown_entity", "_problem"}
#: Sentences that are put together from others, each of which is known.
PUT_TOGETHER = {"name cannot be `name`.name", "`name` cannot be `name`.name", "name `name`: name",
                "`name` cannot hold `name`.name"}  # fmt: skip


def sentences(node: ast.AST) -> list[str]:
    """Return what an expression of the code may say; `name` stands for what it fills in."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.IfExp):
        return sentences(node.body) + sentences(node.orelse)
    if isinstance(node, ast.JoinedStr):
        said = [""]
        for part in node.values:
            inner = part.value if isinstance(part, ast.FormattedValue) else part
            known = sentences(inner) if isinstance(inner, ast.Constant | ast.IfExp) else []
            said = [before + more for before in said for more in known or ["name"]]
        return said
    return []


def said_in_the_code() -> Iterator[tuple[str, str]]:
    for room in ("definitions", "fields"):
        for path in sorted((ROOT / "app" / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                for argument in node.args if name in CALLS else ():
                    for said in sentences(argument):
                        if " " in said.strip() and said not in PUT_TOGETHER:
                            yield f"{path.name}:{node.lineno}", said.strip()


def test_every_sentence_about_a_mistake_is_known_in_chinese():
    known = translation("zh")
    assert known is not None
    found = list(said_in_the_code())
    assert len(found) > 200
    missing = [f"{where}: {said}" for where, said in found if known.text(said) is None]
    assert missing == [], "add them to app/definitions/translations/zh.po"


def test_every_kind_of_mistake_has_a_name_in_chinese():
    known = translation("zh")
    assert known is not None
    assert sorted(known.kinds) == sorted(Code)


@pytest.mark.parametrize("code", [str(code) for code in Code])
def test_the_problems_of_the_examples_are_told_in_chinese(code, tmp_path, types):
    loaded = load_example(code, tmp_path / "config", types)
    english = render_problems(loaded.problems, loaded.files)
    shown = render_problems(loaded.problems, loaded.files, language="zh")
    assert shown != english
    for problem in loaded.problems:
        told = problem.text("zh")
        # A plugin's own words are told as they are.
        assert f"（{problem.message}）" not in told or "foot" in told
        for written in (problem.hint, problem.message):
            assert not written or not written.endswith(".") or written not in told or "foot" in told
        for name in problem.suggestions:
            assert f"`{name}`" in told


def test_what_an_author_wrote_stays_as_it_is():
    known = translation("zh")
    assert known is not None
    assert known.text("`the form. Did you mean it?` is not a role. Did you mean `a text`?") == (
        "`the form. Did you mean it?` 不是角色。您是不是想写 `a text`？"
    )
    assert known.text("`max` is a list; it must be a number.") == "`max` 写成了列表，应为数字。"
    assert known.named("bad-value", "Nobody knows this sentence.") == (
        "值不可用（Nobody knows this sentence.）"
    )
    assert translation("en") is None
    assert translation("../zh") is None
