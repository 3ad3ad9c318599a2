"""The logo of app.yaml, and what makes the screens installable: manifest, worker, offline page.

The logo is a file beside the YAML. It is served as a picture and nothing else: sandboxed, with no
scripts, under an address of its content. One that cannot be shown leaves the sign of Trellis.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from flask import Response
from flask_appbuilder import expose

from app.screens.frame import BRANDS, HTML_LANGUAGES
from app.screens.sign_in import screens
from app.screens.views import Screen, visit

#: A larger one is not shown: it stands on every page.
LARGEST = 256 * 1024
#: Seconds for which the file is not looked at again.
_PATIENCE = 5.0
_PNG = b"\x89PNG\r\n\x1a\n"
_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}
#: An SVG that is opened by itself runs nothing and loads nothing.
_PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
_KEYS = dict(
    zip(
        BRANDS,
        ("#0e6b5e", "#1b6e3c", "#1f5fae", "#4350af", "#7440a1", "#a8326f", "#b02a37", "#7d4a21",
         "#4a5568"),
        strict=True,
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Logo:
    """The picture as it is served."""

    content: bytes
    type: str
    digest: str

    @property
    def href(self) -> str:
        """Return its address; another picture has another."""
        return f"/brand/{self.digest}/logo"


class Logos:
    """The logo of the configuration folder, as this process knows it."""

    def __init__(self, folder: Path) -> None:
        """Take the configuration folder."""
        self._folder = folder
        self._known: dict[str, tuple[float, Logo | None]] = {}

    def find(self, name: object) -> Logo | None:
        """Return the picture of `look.logo`; None where there is none that can be shown."""
        if not isinstance(name, str) or not name:
            return None
        known = self._known.get(name)
        if known is not None and time.monotonic() < known[0]:
            return known[1]
        logo = read_logo(self._folder, name)
        self._known = {name: (time.monotonic() + _PATIENCE, logo)}
        return logo


def read_logo(folder: Path, name: str) -> Logo | None:
    """Return the picture of a file in *folder*, None where it is none."""
    path = folder / name
    kind = _TYPES.get(path.suffix)
    try:
        # A link may not lead out of the folder.
        if kind is None or path.resolve().parent != folder.resolve():
            return None
        if path.stat().st_size > LARGEST:
            return None
        content = path.read_bytes()
    except OSError:
        return None
    looks_right = content.startswith(_PNG) if kind == "image/png" else b"<svg" in content[:4096]
    if not looks_right:
        return None
    return Logo(content, kind, hashlib.sha256(content).hexdigest()[:16])


class BrandView(Screen):
    """The logo, the manifest, the worker, the offline page: for everybody, signed in or not."""

    @expose("/brand/<digest>/logo")
    def logo(self, digest: str) -> Any:
        """Return the logo; under an old address today's."""
        here = visit()
        found = here.screens.logos.find(here.catalog.app.look.get("logo"))
        if found is None:
            return Response("There is no logo.", 404, mimetype="text/plain")
        response = Response(found.content, content_type=found.type)
        response.headers["Content-Security-Policy"] = _PICTURE_POLICY
        response.headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if digest == found.digest else "no-cache"
        )
        return response

    @expose("/manifest.webmanifest")
    def manifest(self) -> Any:
        """Return what a device needs to know to keep Trellis beside its own programs."""
        here = visit()
        app = here.catalog.app
        address = here.screens.renderer.assets.address
        color = _KEYS.get(str(app.look.get("color", "teal")), _KEYS["teal"])
        told = {
            "name": app.name,
            "short_name": app.name[:12].rstrip(),
            "id": "/",
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "lang": HTML_LANGUAGES.get(here.language, here.language),
            "theme_color": color,
            "background_color": "#f4f6f5",
            "icons": [
                {"src": address("icon-192.png"), "sizes": "192x192", "type": "image/png"},
                {"src": address("icon-512.png"), "sizes": "512x512", "type": "image/png"},
                {"src": address("icon-512.png"), "sizes": "512x512", "type": "image/png",
                 "purpose": "maskable"},
            ],
        }  # fmt: skip
        logo = here.screens.logos.find(app.look.get("logo"))
        if logo is not None:
            own = {"src": logo.href, "sizes": "any", "type": logo.type}
            told["icons"] = [own, *told["icons"]]  # type: ignore[misc]
        return Response(orjson.dumps(told), content_type="application/manifest+json")

    @expose("/sw.js")
    def worker(self) -> Any:
        """Return the worker that shows the offline page; it must stand at the root."""
        response: Response = screens().renderer.assets.answer("sw.js")
        response.headers["Cache-Control"] = "no-cache"
        return response

    @expose("/offline")
    def offline(self) -> Any:
        """Return the page for when there is no connection: it holds nothing of anybody."""
        here = visit()
        page = here.bare_page(here.wording.say("No connection"))
        page.csrf = ""
        response = here.render("offline.html", page=page)
        response.headers["Cache-Control"] = "no-cache"
        return response
