"""What the editor of the setup page asks while somebody types, and how files are saved.

Answers are JSON, with the places of problems; only administrators are answered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import orjson
from flask import Response, request

from app.configuration_files import LONGEST, fingerprint_of
from app.database import audit
from app.definitions.completion import Names, complete
from app.definitions.load import Loaded
from app.definitions.problems import Problem
from app.errors import InvalidInput, TrellisError
from app.screens.setup_pane import pane_of
from app.screens.visit import Visit
from app.security.manager import require_admin
from app.texts import say

#: More problems of one file are of no help while it is being typed.
_MOST = 100


def _json(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, content_type="application/json")


def answered(function: Callable[[Visit], Any]) -> Callable[[Visit], Response]:
    """Answer an administrator in JSON; what is refused as a sentence."""

    @wraps(function)
    def answer(visit: Visit) -> Response:
        try:
            require_admin(visit.principal)
            return _json(function(visit))
        except TrellisError as error:
            return _json(error.as_json(visit.language), error.status)

    return answer


def _asked() -> tuple[str, str]:
    """Return the file that is being typed, and its text."""
    name, text = request.form.get("file", ""), request.form.get("text", "")
    if not 0 < len(name) <= 500 or "\0" in name:
        raise InvalidInput({"file": [say("Say which file.", "请指明文件。")]})
    if len(text) > LONGEST:
        raise InvalidInput({"text": [say("The text is too long.", "文本过长。")]})
    return name, text.replace("\r\n", "\n")


@answered
def check(visit: Visit) -> dict[str, Any]:
    """Return what is wrong with a file as it is typed, the other files as they are saved."""
    name, text = _asked()
    loaded: Loaded = visit.screens.configuration.draft(name, text)
    own = [one for one in loaded.problems if one.place.file == name]
    return {
        "problems": [_problem(visit, one) for one in own[:_MOST]],
        "elsewhere": sum(one.is_error for one in loaded.problems) - sum(o.is_error for o in own),
    }


@answered
def suggest(visit: Visit) -> dict[str, Any]:
    """Return what may be written at the cursor."""
    name, text = _asked()
    offset = request.form.get("offset", "")
    if not offset.isdecimal() or len(offset) > 8 or int(offset) > len(text):
        raise InvalidInput({"offset": [say("A place in the text.", "应为文本中的位置。")]})
    configuration = visit.screens.configuration
    names = Names.of(
        configuration.loaded().catalog or visit.catalog,
        visit.language,
        configuration.installation.folder.functions,
        _icons(visit),
    )
    begin, found = complete(text, int(offset), configuration.schema(name), names)
    return {"begin": begin, "found": [one.as_json() for one in found]}


@answered
def save(visit: Visit) -> dict[str, Any]:
    """Save a file, unless somebody else did meanwhile."""
    name, text = _asked()
    seen = request.form.get("fingerprint", "")
    save_file(visit, name, text, seen)
    return {"fingerprint": fingerprint_of(text), "said": visit.wording.say("Saved")}


@answered
def delete(visit: Visit) -> dict[str, Any]:
    """Remove a file, unless somebody changed it meanwhile."""
    name, _ = _asked()
    delete_file(visit, name, request.form.get("fingerprint", ""))
    return {"said": visit.wording.say("Removed. What it described goes with the next apply.")}


def pane(visit: Visit) -> Response:
    """Return what stands beside a file as it is typed: problems, plan, what it asks for."""
    require_admin(visit.principal)
    name, text = _asked()
    configuration = visit.screens.configuration
    saved = configuration.loaded().files.get(name)
    loaded = configuration.draft(name, text)
    view = pane_of(visit, loaded)
    is_draft = saved is None or fingerprint_of(saved) != fingerprint_of(text)
    return visit.render(
        "setup_pane_only.html", pane=view, csrf=visit.csrf, file=name, is_draft=is_draft
    )


def save_file(visit: Visit, name: str, text: str, seen: str) -> None:
    """Write a file of the configuration; without a line in the audit nothing is written."""
    with visit.screens.configuration.files.writing(name, text, seen), _noted(visit, "saved", name):
        pass


def delete_file(visit: Visit, name: str, seen: str) -> None:
    """Remove a file of the configuration; without a line in the audit nothing is removed."""
    with _noted(visit, "deleted", name):
        visit.screens.configuration.files.delete(name, seen)


@contextmanager
def _noted(visit: Visit, what: str, name: str) -> Iterator[None]:
    """Note what is done to a file, unless it fails."""
    with visit.core.pools.write.connection() as connection:
        audit.note(
            connection,
            f"configuration.file.{what}",
            user_id=visit.principal.user_id,
            address=request.remote_addr,
            details={"file": name},
        )
        yield


def _icons(visit: Visit) -> list[str]:
    """Return the names of the icons there are, from the sprite that holds them."""
    sprite = visit.screens.renderer.assets.files.get("vendor/icons.svg")
    found = re.findall(rb'<symbol id="([^"]+)"', sprite.content if sprite else b"")
    return [name.decode() for name in found]


def _problem(visit: Visit, one: Problem) -> dict[str, Any]:
    return {
        **{k: v for k, v in one.as_json().items() if k not in ("message", "hint", "file")},
        "text": one.text(visit.wording.language),
    }
