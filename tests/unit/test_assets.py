"""The front-end libraries as `make setup` leaves them, and what a wrong icon name says."""

import hashlib
import json
import re
from pathlib import Path

import pytest

import build_assets

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / build_assets.STATIC / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text("utf-8"))


def test_a_second_build_does_nothing():
    assert build_assets.build() is False


@pytest.mark.parametrize("name", [*build_assets.FILES, "inter.css", "icons.svg"])
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
    names = build_assets._icon_names(ROOT / build_assets.STATIC / "icons.txt")
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
