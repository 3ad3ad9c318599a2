"""Every case of the reliability list is the name of a test, or says why it is not yet."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RANGES = (
    ("a", 1, 24), ("q", 1, 15), ("r", 1, 8), ("x", 1, 16), ("j", 1, 15), ("f", 6, 17), ("f", 23, 25), ("f", 35, 35), ("c", 1, 14), ("c", 16, 16),
    ("h", 1, 25), ("l", 1, 7), ("f", 1, 4), ("f", 18, 22), ("f", 27, 27), ("f", 31, 34), ("u", 1, 8),
    ("i", 3, 3), ("i", 5, 14), ("e", 1, 6), ("f", 5, 5), ("f", 26, 30), ("f", 36, 36),
)  # fmt: skip
CASES = {f"{letter}{n}" for letter, first, last in RANGES for n in range(first, last + 1)}


def covered() -> set[str]:
    found = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for name in re.findall(r"^ *def (test_\w+)", path.read_text("utf-8"), re.MULTILINE):
            found |= set(name.split("_")) & CASES
    return found


def waiting() -> set[str]:
    text = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    return {case.lower() for case in re.findall(r"^\| ([A-Z]\d+) \|", text, re.MULTILINE)}


def test_every_case_is_tested_or_says_why_not():
    missing = CASES - covered() - waiting()
    assert sorted(missing) == []


def test_what_is_tested_does_not_wait():
    assert sorted(covered() & waiting()) == []


def test_only_cases_wait():
    assert waiting() <= CASES
