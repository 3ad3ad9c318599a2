"""Pages of docs/ say what the code says."""

from pathlib import Path

import pytest

from app.errors import TrellisError
from app.reference import PARTS, rewritten
from app.settings import SETTINGS

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_generated_parts_are_fresh(page: Path):
    text = page.read_text(encoding="utf-8")
    assert text == rewritten(text), "run `make docs`"


@pytest.mark.parametrize("name", PARTS)
def test_every_generated_part_has_a_page(name: str):
    assert any(f"<!-- generated: {name} -->" in page.read_text("utf-8") for page in PAGES)


def test_a_marker_that_nothing_writes_is_an_error():
    with pytest.raises(TrellisError, match="Nothing writes the part `nonsense`"):
        rewritten("<!-- generated: nonsense -->\n<!-- end of generated -->")


def test_an_outdated_part_is_noticed():
    page = (DOCS / "settings.md").read_text("utf-8")
    assert rewritten(page.replace(f"`{SETTINGS[0].name}`", "`OTHER`")) == page
