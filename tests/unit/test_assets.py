"""The front-end libraries as `make setup` leaves them, and what a wrong icon name says."""

import hashlib
import json
import re
from pathlib import Path

import pytest

import build_assets
from build_styles import cut_styles
from tests.missing import missing

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / build_assets.STATIC / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text("utf-8"))


def test_a_second_build_does_nothing():
    assert build_assets.build() is False


@pytest.mark.parametrize("name", [*build_assets.FILES, "tabler.css", "inter.css", "icons.svg"])
def test_every_file_carries_the_hash_of_its_content(name):
    content = (VENDOR / MANIFEST[name]).read_bytes()
    assert hashlib.sha256(content).hexdigest()[:12] in MANIFEST[name]


def test_nothing_asks_for_another_host_or_a_missing_map():
    for name in MANIFEST.values():
        content = (VENDOR / name).read_bytes()
        assert b"sourceMappingURL=" not in content
        assert not re.search(rb"@import|url\(['\"]?(https?:)?//", content), name


def test_the_modules_of_the_editor_import_nothing_but_each_other():
    files = [build_assets._module_file(name) for name in build_assets.MODULES]
    asked = set()
    for file in files:
        text = (VENDOR / MANIFEST[file]).read_text("utf-8")
        asked |= set(
            re.findall(r"""^(?:import|export)[^;'"()]*from ['"]([^'"]+)""", text, re.MULTILINE)
        )
    assert {f"./{file}" for file in files} >= asked
    assert len(asked) > 10


def test_the_style_of_the_font_names_the_font():
    assert MANIFEST["inter.woff2"] in (VENDOR / MANIFEST["inter.css"]).read_text("utf-8")


def test_the_sprite_holds_every_icon_of_the_list():
    names = build_assets._lines(ROOT / build_assets.STATIC / "icons.txt")
    sprite = (VENDOR / MANIFEST["icons.svg"]).read_text("utf-8")
    assert re.findall(r'<symbol id="([^"]+)" viewBox="0 0 24 24"><', sprite) == names
    assert "<script" not in sprite


def test_an_unknown_icon_names_the_nearest_one(tmp_path):
    for name in ("check", "chart-bar", "checks"):
        (tmp_path / f"{name}.svg").write_text("<svg><path/></svg>")
    with pytest.raises(SystemExit) as caught:
        build_assets._sprite(["chck", "check", "zzz"], tmp_path)
    assert str(caught.value).splitlines() == [
        "app/screens/static/icons.txt: there is no icon `chck`. Did you mean check or checks?",
        "app/screens/static/icons.txt: there is no icon `zzz`. See https://tabler.io/icons.",
    ]


def test_the_lock_names_no_registry_and_every_hash():
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))
    packages = {name: part for name, part in lock["packages"].items() if name}
    assert not [name for name, part in packages.items() if "resolved" in part]
    assert not [name for name, part in packages.items() if "integrity" not in part]


def test_a_style_sheet_is_cut_to_the_classes_that_are_used():
    css = (
        '@charset "UTF-8";:root{--a:1px;--b:2px;--c:var(--b)}/* no */.x,.y b{top:var(--c)}'
        '.z{top:var(--a)}a:not(.z),.x:hover>.z{left:0}@media (a){.x{b:url("}{.x;")}.z{top:0}}'
        "@media (b){.z{top:0}}@keyframes go{to{top:0}}@keyframes stay{to{top:0}}.y{animation:go 1s}"
    )
    assert cut_styles(css, ["x", "y"]) == (
        '@charset "UTF-8";:root{--b:2px;--c:var(--b)}.x,.y b{top:var(--c)}a:not(.z){left:0}'
        '@media (a){.x{b:url("}{.x;")}}@keyframes go{to{top:0}}.y{animation:go 1s}'
    )


def test_every_class_of_tabler_that_a_template_uses_is_kept():
    path = ROOT / "node_modules" / build_assets.TABLER
    if not path.exists():
        missing("no node_modules: run `make setup`")
    theirs = set(re.findall(r"\.([a-z][\w-]*)", path.read_text("utf-8")))
    kept = build_assets._lines(ROOT / build_assets.STATIC / "tabler.txt")
    used = set()
    for template in sorted((ROOT / "app" / "screens" / "templates").glob("*.html")):
        for said in re.findall(r'class="([^"]*)"', template.read_text("utf-8")):
            plain = re.sub(r"{[{%](.*?)[%}]}", _quoted, said)
            used |= set(re.findall(r"[a-z][\w-]*", plain))
    assert used & theirs - set(kept) == set(), "add them to app/screens/static/tabler.txt"
    assert set(kept) <= theirs


def _quoted(expression):
    return " ".join(re.findall(r"'([^']*)'", expression[1]))
