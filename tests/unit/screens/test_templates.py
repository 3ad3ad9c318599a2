"""What the policy of the pages forbids must not stand in a template: it would simply not happen."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from app.screens.assets import read_assets

SCREENS = Path(__file__).parents[3] / "app" / "screens"
TEMPLATES = sorted((SCREENS / "templates").glob("*.html"))


def test_a_template_has_nothing_inline():
    for path in TEMPLATES:
        text = path.read_text("utf-8")
        assert re.findall(r"\sstyle=", text) == [], path.name
        assert re.findall(r"\son[a-z]+=", text) == [], path.name
        assert re.findall(r"<style|javascript:", text) == [], path.name
        for script in re.findall(r"<script[^>]*>", text):
            assert " src=" in script, (path.name, script)


def test_every_form_that_writes_carries_the_token():
    for path in TEMPLATES:
        text = path.read_text("utf-8")
        for form in re.findall(r'<form[^>]*method="post".*?</form>', text, re.DOTALL):
            assert "csrf" in form, (path.name, form[:120])


def test_every_icon_of_a_template_is_in_the_sprite():
    known = set((SCREENS / "static" / "icons.txt").read_text("utf-8").split())
    used = {
        name
        for path in TEMPLATES
        for name in re.findall(r"icon\(['\"]([a-z0-9-]+)['\"]", path.read_text("utf-8"))
    }
    assert sorted(used - known) == []


def test_what_a_first_list_page_loads_fits_into_its_budget():
    files = read_assets().files
    needed = {"vendor/icons.svg"}
    for page in ("frame.html", "list.html"):
        text = (SCREENS / "templates" / page).read_text("utf-8")
        needed |= set(re.findall(r"asset\('([^']+)'\)", text))
    waiting = [name for name in needed if name.endswith(".js") and "/" not in name]
    waiting.append("list/start.js")
    needed.add("list/start.js")
    while waiting:
        # What a module imports is loaded with it.
        module = waiting.pop()
        imported = re.findall(r'from "(\.[a-z0-9_/.-]+\.js)"', files[module].content.decode())
        paths = (posixpath.normpath(f"{posixpath.dirname(module)}/{one}") for one in imported)
        found = {path.lstrip("/") for path in paths} - needed
        needed |= found
        waiting += found
    needed = {name for name in needed if name in files}
    total = sum(len(files[name].zipped or files[name].content) for name in needed)
    # The page itself, compressed: about 50 kB become less than ten.
    assert total + 10_000 <= 250_000, total
