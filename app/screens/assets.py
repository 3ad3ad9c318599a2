"""The files a browser loads: their addresses, and the answers that carry them.

All of them are read once at start. One fingerprint over everything stands in every address, so a
browser may keep what it has for a year and still gets the new files with the next version. The
table of files is the only thing an address is looked up in: no path reaches the disk.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from flask import Response, request

STATIC = Path(__file__).parent / "static"

#: Folders with what only some pages load.
PARTS = ("list", "record")
#: Kinds of files worth compressing; fonts and pictures are compressed already.
_TEXT = {".css", ".js", ".svg", ".json"}
#: Lists for the build, not for browsers.
_NOT_SERVED = {"icons.txt", "tabler.txt"}
#: The build offers them; no page asks for them, so no process keeps them.
_NOT_USED = {"vendor/alpine.js", "vendor/inter.css"}
_TYPES = {".js": "text/javascript", ".woff2": "font/woff2", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Asset:
    """One file, as it is sent."""

    content: bytes
    type: str
    is_text: bool

    @cached_property
    def zipped(self) -> bytes | None:
        """Return it compressed; done when first asked for, so that a start does not wait for it."""
        return gzip.compress(self.content, 9, mtime=0) if self.is_text else None


@dataclass(frozen=True, slots=True)
class Assets:
    """Every file by its path below ``static/``."""

    files: Mapping[str, Asset]
    fingerprint: str

    def address(self, name: str) -> str:
        """Return the address of a file.

        Raises:
            KeyError: there is no such file; the build of the assets is incomplete.
        """
        if name not in self.files:
            raise KeyError(f"static/{name} is missing; run `make setup` to build the assets.")
        return f"/assets/{self.fingerprint}/{name}"

    def answer(self, name: str) -> Response:
        """Return the file for the browser, compressed if it takes that."""
        asset = self.files.get(name)
        if asset is None:
            return Response("There is no such file.", 404, mimetype="text/plain")
        takes_gzip = bool(request.accept_encodings["gzip"])
        zipped = asset.zipped if takes_gzip else None
        response = Response(zipped or asset.content, content_type=asset.type)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        response.headers["Vary"] = "Accept-Encoding"
        if zipped:
            response.headers["Content-Encoding"] = "gzip"
        return response


def read_assets(folder: Path = STATIC) -> Assets:
    """Return our own files and the libraries the build put beside them.

    The build gives every library a hashed name and lists them in ``vendor/manifest.json``; here
    they go by their plain names again, since the fingerprint in the address does the same work.
    """
    paths = {path.name: path for path in sorted(folder.iterdir()) if path.suffix}
    for part in PARTS:
        # Loaded by the pages that need them, not by every page.
        paths |= {f"{part}/{path.name}": path for path in sorted((folder / part).iterdir())}
    manifest = folder / "vendor" / "manifest.json"
    if manifest.exists():
        for name, hashed in sorted(json.loads(manifest.read_text("utf-8")).items()):
            paths[f"vendor/{name}"] = manifest.parent / hashed
    files: dict[str, Asset] = {}
    paths |= {f"shapes/{path.name}": path for path in sorted((folder / "shapes").glob("*.*"))}
    digest = hashlib.sha256()
    for name, path in paths.items():
        if name in _NOT_SERVED or name in _NOT_USED:
            continue
        content = path.read_bytes()
        digest.update(name.encode() + b"\0" + content)
        files[name] = _asset(path.suffix, content)
    return Assets(files, digest.hexdigest()[:16])


def _asset(suffix: str, content: bytes) -> Asset:
    kind = _TYPES.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream")
    if suffix not in _TEXT:
        return Asset(content, kind, is_text=False)
    return Asset(content, f"{kind}; charset=utf-8", is_text=True)
