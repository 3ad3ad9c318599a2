"""The guide shows pictures that are there, small, all of them used, and has both languages."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted((DOCS / "guide").glob("*.md"))
ROLES = [page for page in PAGES if "." not in page.stem and page.stem != "README"]
PICTURES = {path.name: path.stat().st_size for path in (DOCS / "screenshots").iterdir()}
PICTURE = re.compile(r"!\[([^\]]*)\]\(\.\./screenshots/([^)]+)\)")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_links_to_is_there_and_every_picture_is_described(page: Path):
    text = page.read_text("utf-8")
    assert [to for to in LINK.findall(text) if not (page.parent / to).exists()] == []
    assert [name for words, name in PICTURE.findall(text) if len(words) < 4] == []


@pytest.mark.parametrize("page", ROLES, ids=lambda page: page.stem)
def test_every_task_is_told_in_both_languages(page: Path):
    twin = page.with_suffix(".zh.md")
    tasks = [len(re.findall("^## ", one.read_text("utf-8"), re.MULTILINE)) for one in (page, twin)]
    assert tasks[0] == tasks[1] >= 6


def test_pictures_are_few_small_and_shown():
    shown = {name for page in PAGES for _, name in PICTURE.findall(page.read_text("utf-8"))}
    assert shown == set(PICTURES)
    assert len(PICTURES) <= 40
    assert max(PICTURES.values()) <= 120_000
    assert sum(PICTURES.values()) <= 3_000_000
