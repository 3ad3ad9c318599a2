"""The versions that were applied: who, when, why, and what changed in which file."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask import Response, redirect

from app.configuration_files import KINDS, fingerprint_of
from app.database.versions import AppliedVersion, files_of, find_version, versions
from app.definitions.names import label_from_name
from app.errors import Conflict
from app.screens.list_view import Tab
from app.screens.rule_pages import setup_tabs
from app.screens.setup_editing import delete_file, save_file
from app.screens.setup_pane import VersionItem, version_items
from app.screens.visit import Visit, leave_toast
from app.security.manager import require_admin
from app.texts import say as label

_MOST = 200
#: Lines of a file beyond which its difference is not drawn.
_LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a difference."""

    sign: str
    text: str
    before: int | None
    after: int | None
    tone: str = ""


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What changed in one file."""

    name: str
    #: new | changed | removed
    kind: str
    added: int
    gone: int
    lines: Sequence[DiffLine]
    take_up_href: str = ""


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version."""

    tabs: Sequence[Tab]
    item: VersionItem
    said: Sequence[tuple[str, str]]
    agreed: Sequence[tuple[str, str]]
    files: Sequence[FileDiff]
    base: int | None
    fingerprint: str
    can_restore: bool
    restore_href: str


def versions_page(visit: Visit) -> Response:
    """Return the versions, the newest first."""
    require_admin(visit.principal)
    with visit.core.pools.engine.connect() as connection:
        known = versions(connection, _MOST)
    view = {"tabs": setup_tabs(visit, "versions"), "versions": version_items(visit, known)}
    title = visit.wording.say("Versions")
    return visit.render("setup_versions.html", page=visit.page(title, "setup"), view=view)


def version_page(visit: Visit, number: int) -> Response:
    """Return one version: what was said with it, and what changed file by file."""
    require_admin(visit.principal)
    with visit.core.pools.engine.connect() as connection:
        one, before, after, newest = _read(connection, number)
    [item] = version_items(visit, [one])
    loaded = visit.screens.configuration.loaded()
    view = VersionView(
        setup_tabs(visit, "versions"),
        item if newest == number else _replaced(item),
        [(visit.words(label_from_name(name)), text) for name, text in one.said.items()],
        [(each["entry"], each["by"]) for each in one.agreed],
        differences(before, after, number),
        one.base,
        one.fingerprint[:12],
        dict(loaded.files) != after,
        f"/setup/versions/{number}/restore",
    )
    title = visit.wording.say("Version %(version)s", version=number)
    return visit.render("setup_version.html", page=visit.page(title, "setup"), view=view)


def restore(visit: Visit, number: int) -> Response:
    """Write the files of a version into the folder; applying them is another act.

    Raises:
        Conflict: some file cannot be put back from here.
    """
    require_admin(visit.principal)
    with visit.core.pools.engine.connect() as connection:
        _, _, wanted, _ = _read(connection, number)
    configuration = visit.screens.configuration
    there = dict(configuration.loaded().files)
    touched = [name for name in {*there, *wanted} if there.get(name) != wanted.get(name)]
    closed = [name for name in touched if not name.endswith(KINDS)]
    if closed:
        raise Conflict(
            label(
                "`{name}` cannot be written from here; put it back by hand first.",
                "无法在这里写入 `{name}`，请先手工恢复。",
                name=closed[0],
            )
        )
    for name in sorted(touched):
        seen = fingerprint_of(there[name]) if name in there else ""
        if name in wanted:
            save_file(visit, name, wanted[name], seen)
        else:
            delete_file(visit, name, seen)
    say = visit.wording.say
    leave_toast(say("The files are as in version %(version)s; look at the plan.", version=number))
    return redirect("/setup", 303)  # type: ignore[return-value]


def differences(
    before: Mapping[str, str], after: Mapping[str, str], version: int | None = None
) -> list[FileDiff]:
    """Return what changed between two states of a folder, file by file."""
    found = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        kind = "new" if old is None else "removed" if new is None else "changed"
        lines = _lines(old or "", new or "")
        href = f"/setup?file={name}&version={version}" if version and new is not None else ""
        found.append(
            FileDiff(
                name,
                kind,
                sum(one.sign == "+" for one in lines),
                sum(one.sign == "-" for one in lines),
                lines,
                href if name.endswith(KINDS) else "",
            )
        )
    return found


def _lines(old: str, new: str) -> list[DiffLine]:
    olds, news = old.splitlines(), new.splitlines()
    if max(len(olds), len(news)) > _LONGEST:
        return []
    found: list[DiffLine] = []
    matcher = difflib.SequenceMatcher(None, olds, news, autojunk=False)
    for group in matcher.get_grouped_opcodes(3):
        if found:
            found.append(DiffLine("", "⋯", None, None, "gap"))
        for tag, a, b, c, d in group:
            if tag == "equal":
                found += [DiffLine("", olds[a + at], a + at + 1, c + at + 1) for at in range(b - a)]
                continue
            found += [DiffLine("-", olds[at], at + 1, None, "gone") for at in range(a, b)]
            found += [DiffLine("+", news[at], None, at + 1, "add") for at in range(c, d)]
    return found


def _read(
    connection: sa.Connection, number: int
) -> tuple[AppliedVersion, dict[str, str], dict[str, str], int | None]:
    """Return a version, the files before and with it, and which one is live."""
    one = find_version(connection, number)
    before = files_of(connection, one.base) if one.base is not None else {}
    newest = next((each.number for each in versions(connection) if each.state == "live"), None)
    return one, before, files_of(connection, number), newest


def _replaced(item: VersionItem) -> VersionItem:
    return VersionItem(item.number, item.when, item.by, item.summary, False, item.failed)
