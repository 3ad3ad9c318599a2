"""The setup page, for administrators: the files of the configuration, and what they would do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from flask import Response, redirect, request
from markupsafe import Markup, escape

from app.configuration_files import KINDS, ConfigurationFiles, fingerprint_of
from app.database.apply import ApplyOptions
from app.database.versions import AppliedVersion, files_of, find_live_version
from app.definitions.catalog import Catalog
from app.definitions.load import Loaded
from app.definitions.problems import Problem
from app.definitions.starters import STARTERS
from app.errors import Conflict, Forbidden, InvalidInput, PlanError, text_in
from app.screens.list_view import Tab
from app.screens.rule_pages import setup_tabs
from app.screens.setup_pane import Pane, ProblemItem, pane_of, problem_item
from app.screens.visit import Visit, leave_toast
from app.security.manager import require_admin

#: Longer files are shown in part while no editor runs.
_MOST_LINES = 5_000
_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}\Z")


@dataclass(frozen=True, slots=True)
class TreeItem:
    """A folder or a file."""

    name: str
    depth: int
    href: str = ""
    on: bool = False
    problems: int = 0
    changed: bool = False


@dataclass(frozen=True, slots=True)
class CodeLine:
    """One line of a file."""

    number: int
    html: str
    tone: str = ""
    problems: Sequence[ProblemItem] = ()


@dataclass(frozen=True, slots=True)
class FileView:
    """One file, saved or a draft of one."""

    name: str
    text: str
    #: of what is saved; empty for a file that is not there yet
    fingerprint: str
    lines: Sequence[CodeLine]
    errors: int = 0
    can_edit: bool = True
    can_delete: bool = False
    #: the draft is not what is saved
    is_draft: bool = False
    note: str = ""
    diagram_href: str = ""


@dataclass(slots=True)
class SetupView:
    """Everything `setup.html` shows."""

    tabs: Sequence[Tab]
    pane: Pane
    state: str = ""
    tree: Sequence[TreeItem] = ()
    file: FileView | None = None
    kinds: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Typed:
    """A file as it is typed, with the fingerprint of what was opened."""

    name: str
    text: str
    seen: str


def setup_page(visit: Visit, refused: str = "", typed: Typed | None = None) -> Response:
    """Return the page: a file with what is wrong, and what the files would do."""
    require_admin(visit.principal)
    loaded: Loaded = visit.screens.configuration.loaded()
    with visit.core.pools.engine.connect() as connection:
        live = find_live_version(connection)
        live_files = files_of(connection, live.number) if live else {}
        old = _asked_version(connection)
    changed = {
        name
        for name in {*loaded.files, *live_files}
        if loaded.files.get(name) != live_files.get(name)
    }
    if typed is not None:
        note = visit.wording.say("Not saved")
        file: FileView | None = _view(visit, loaded, typed.name, typed.text, typed.seen, note)
    else:
        file = _file(visit, loaded, old)
    if file is not None and file.is_draft:
        loaded = visit.screens.configuration.draft(file.name, file.text)
    view = SetupView(
        tabs=setup_tabs(visit, "files"),
        pane=pane_of(visit, loaded, refused),
        state=_state(visit, changed, live),
        tree=_tree(loaded, file.name if file else "", changed),
        file=file,
        kinds=[(name, visit.words(one.label)) for name, one in STARTERS.items()],
    )
    response = visit.render("setup.html", page=_page(visit), view=view)
    if refused:
        response.status_code = 409
    return response


def apply(visit: Visit) -> Response:
    """Apply the plan that was looked at, and save what was typed with it; refuse another plan."""
    require_admin(visit.principal)
    configuration, say = visit.screens.configuration, visit.wording.say
    name, text = request.form.get("file", ""), request.form.get("text")
    loaded: Loaded = configuration.loaded()
    typed = None
    if text is not None:
        typed = Typed(name, text.replace("\r\n", "\n"), request.form.get("seen", ""))
        loaded = configuration.draft(typed.name, typed.text)
    if loaded.catalog is None:
        return setup_page(visit, say("The files have problems; nothing was applied."), typed)
    if request.form.get("fingerprint") != loaded.catalog.fingerprint:
        refused = say("The files changed since you looked. Look at the plan again.")
        return setup_page(visit, refused, typed)
    try:
        # The file appears when its version is in force: whatever watches the folder finds nothing
        # to do, and the version is told by whoever applied it and why.
        with _saving(visit, typed):
            number = _applied(visit, loaded.catalog)
    except (PlanError, Conflict, InvalidInput, Forbidden) as problem:
        sentences = [each for many in problem.fields.values() for each in many]
        return setup_page(
            visit,
            " ".join(text_in(one, visit.language) for one in (problem.message, *sentences)),
            typed,
        )
    visit.core.live.reload()
    leave_toast(say("Version %(version)s is in force", version=number))
    known = name if typed or name in loaded.files else ""
    return redirect(f"/setup?file={known}" if known else "/setup", 303)  # type: ignore[return-value]


def _saving(visit: Visit, typed: Typed | None) -> AbstractContextManager[None]:
    if typed is None:
        return nullcontext()
    files: ConfigurationFiles = visit.screens.configuration.files
    return files.writing(typed.name, typed.text, typed.seen)


def _applied(visit: Visit, catalog: Catalog) -> int:
    """Apply what the form says, and return the number of the version."""
    said = {
        name.removeprefix("said."): text.strip()
        for name, text in request.form.items()
        if name.startswith("said.") and text.strip() and "\0" not in text
    }
    reason = request.form.get("reason", "").strip()[:500].replace("\0", "")
    version: AppliedVersion = visit.screens.configuration.installation.apply(
        catalog,
        visit.principal.name,
        reason or said.get("why") or None,
        options=ApplyOptions(allow=tuple(request.form.getlist("allow")), said=said),
        user_id=visit.principal.user_id,
    )
    return version.number


def _page(visit: Visit) -> Any:
    return visit.page(visit.wording.say("Setup"), "setup")


def _state(visit: Visit, changed: set[str], live: AppliedVersion | None) -> str:
    number = live.number if live else 0
    if not changed:
        return visit.wording.say("Version %(version)s is in force", version=number)
    return visit.wording.count(
        "%(number)s file differs from version %(version)s",
        "%(number)s files differ from version %(version)s",
        len(changed),
        version=number,
    )


def _asked_version(connection: Any) -> tuple[int, dict[str, str]] | None:
    """Return the files of the version whose text is to be taken up again."""
    number = request.args.get("version", "")
    if not number.isdecimal() or len(number) > 9:
        return None
    return int(number), files_of(connection, int(number))


def _tree(loaded: Loaded, chosen: str, changed: set[str]) -> list[TreeItem]:
    items: list[TreeItem] = []
    folder: list[str] = []
    for name in sorted({*loaded.files, chosen} - {""}, key=lambda one: ("/" in one, one)):
        parts = name.split("/")
        for depth, part in enumerate(parts[:-1]):
            if folder[: depth + 1] != parts[: depth + 1]:
                items.append(TreeItem(part, min(depth, 4)))
        folder = parts[:-1]
        errors = sum(one.is_error and one.place.file == name for one in loaded.problems)
        items.append(
            TreeItem(
                parts[-1],
                min(len(parts) - 1, 4),
                f"/setup?file={name}",
                name == chosen,
                errors,
                name in changed,
            )
        )
    return items


def _file(visit: Visit, loaded: Loaded, old: tuple[int, dict[str, str]] | None) -> FileView | None:
    """Return the file that is asked for: what is saved, a new one, or what it once was."""
    asked, kind = request.args.get("file", ""), request.args.get("new", "")
    name, say = request.args.get("name", ""), visit.wording.say
    if kind in STARTERS and _NAME.match(name):
        starter = STARTERS[kind]
        path = starter.path("user" if kind == "extend" else name)
        if path not in loaded.files:
            catalog = loaded.catalog or visit.catalog
            text, note = starter.written(name, catalog), say("A new file; nothing is saved yet.")
            return _view(visit, loaded, path, text, "", note)
        asked = path
    if old is not None and asked in old[1]:
        note = say("As in version %(version)s; nothing is saved yet.", version=old[0])
        saved, text = loaded.files.get(asked), old[1][asked]
        seen = fingerprint_of(saved) if saved is not None else ""
        return _view(visit, loaded, asked, text, seen, note if text != saved else "")
    if asked not in loaded.files:
        broken = (one.place.file for one in loaded.problems if one.place.file in loaded.files)
        asked = next(broken, next(iter(sorted(loaded.files)), ""))
    if asked not in loaded.files:
        return None
    text = loaded.files[asked]
    return _view(visit, loaded, asked, text, fingerprint_of(text), "")


def _view(visit: Visit, loaded: Loaded, name: str, text: str, seen: str, note: str) -> FileView:
    by_line: dict[int, list[Problem]] = {}
    own = [] if note else [one for one in loaded.problems if one.place.file == name]
    for one in own:
        by_line.setdefault(one.place.line, []).append(one)
    lines = []
    for number, line in enumerate(text.split("\n")[:_MOST_LINES], 1):
        problems = by_line.get(number, [])
        tone = "hot" if any(one.is_error for one in problems) else "warm" if problems else ""
        lines.append(
            CodeLine(number, colour(line), tone, [problem_item(visit, one) for one in problems])
        )
    entity = name.removeprefix("entities/").removesuffix(".yaml")
    return FileView(
        name,
        text,
        seen,
        lines,
        sum(one.is_error for one in own),
        can_edit=name.endswith(KINDS),
        can_delete=bool(seen) and name.endswith(KINDS),
        is_draft=bool(note),
        note=note,
        diagram_href=f"/setup/diagram?of={entity}" if entity in visit.catalog.entities else "",
    )


_TOKEN = re.compile(
    r"(?P<comment>(?:^|\s)#.*$)|(?P<key>[A-Za-z_][\w.-]*)(?=\s*:(?:\s|$))"
    r"|(?P<text>\"(?:[^\"\\]|\\.)*\"|'[^']*')"
)
_CLASSES: Mapping[str, str] = {"comment": "c", "key": "k", "text": "s"}


def colour(line: str) -> str:
    """Return a line of YAML with its keys, texts and comments set off."""
    html, position = [], 0
    for found in _TOKEN.finditer(line):
        html.append(escape(line[position : found.start()]))
        kind = _CLASSES[str(found.lastgroup)]
        html.append(Markup('<span class="{}">{}</span>').format(kind, found[0]))
        position = found.end()
    html.append(escape(line[position:]))
    return Markup("").join(html) or Markup(" ")
