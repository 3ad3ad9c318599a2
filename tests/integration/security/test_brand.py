"""The logo is a picture and nothing else; the app can be installed and keeps no data."""

import json
import re

from app.screens.brand import LARGEST, read_logo
from tests.integration.api.world import APP, FILES, ApiWorld, build

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def test_a_logo_is_a_small_picture_of_the_folder(tmp_path):
    folder = tmp_path / "config"
    folder.mkdir()
    (tmp_path / "secret.svg").write_bytes(SVG)
    (folder / "a.svg").write_bytes(SVG)
    (folder / "a.png").write_bytes(PNG)
    (folder / "html.svg").write_bytes(b"<html></html>")
    (folder / "svg.png").write_bytes(SVG)
    (folder / "big.png").write_bytes(PNG + b"\0" * LARGEST)
    (folder / "link.svg").symlink_to(tmp_path / "secret.svg")
    assert read_logo(folder, "a.svg").type == "image/svg+xml"
    assert read_logo(folder, "a.png").type == "image/png"
    for name in ("html.svg", "svg.png", "big.png", "link.svg", "none.svg", "app.yaml",
                 "../secret.svg"):  # fmt: skip
        assert read_logo(folder, name) is None, name


def test_logo_manifest_and_offline_page_hold_nothing_of_anybody(
    template_database, clone_database, tmp_path
):
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "our.svg").write_bytes(SVG)
    url = clone_database(template_database("api_world", build))
    world = ApiWorld(url, tmp_path / "var", TRELLIS_CONFIG=str(folder))
    try:
        world.apply({**FILES, "app.yaml": APP + "look: {logo: our.svg, color: blue}\n"})
        stranger = world.anybody()
        page = stranger.ask("GET", "/sign-in").text
        (href,) = set(re.findall(r'src="(/brand/\w+/logo)"', page))
        logo = stranger.ask("GET", href)
        assert logo.mimetype == "image/svg+xml"
        policy = logo.headers["Content-Security-Policy"]
        assert "sandbox" in policy
        assert "script-src" not in policy
        assert policy.startswith("default-src 'none'")
        assert logo.headers["X-Content-Type-Options"] == "nosniff"
        assert "immutable" in logo.headers["Cache-Control"]
        assert "immutable" not in stranger.ask("GET", "/brand/old/logo").headers["Cache-Control"]
        manifest = stranger.ask("GET", "/manifest.webmanifest")
        told = json.loads(manifest.data)
        assert (told["name"], told["theme_color"]) == ("Test", "#1f5fae")
        assert told["icons"][0]["src"] == href
        for icon in told["icons"]:
            assert stranger.ask("GET", icon["src"]).status_code == 200
        # What a device keeps is the same for everybody, and no page but this one.
        offline = stranger.ask("GET", "/offline")
        assert offline.status_code == 200
        browser = world.browser("sam")
        assert "Sam" not in browser.ask("GET", "/offline?language=en").text
        worker = stranger.ask("GET", "/sw.js?v=1")
        assert worker.headers["Cache-Control"] == "no-cache"
        assert worker.mimetype == "text/javascript"
        assert set(re.findall(r'startsWith\("(/\w+/)', worker.text)) == {"/assets/"}
        assert href in browser.ask("GET", "/").text
    finally:
        world.close()
