"""The setup page, for administrators: files, what is wrong with them, what an apply would do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Response, redirect, request
from markupsafe import Markup, escape

from app.database.apply import ApplyOptions
from app.database.operations import Operation
from app.database.plan import Plan
from app.database.versions import AppliedVersion, files_of, versions
from app.definitions.load import Loaded
from app.definitions.problems import Problem
from app.errors import PlanError
from app.screens.list_view import Tab
from app.screens.moments import time_tag
from app.screens.rule_pages import setup_tabs
from app.screens.visit import Visit, leave_toast
from app.security.manager import require_admin
from app.texts import say as label

_TONES = {"+": ("plus", "ok"), "~": ("adjustments-horizontal", "info"), "-": ("trash", "bad")}


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
class ProblemItem:
    """One problem."""

    message: str
    where: str
    icon: str
    tone: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class CodeLine:
    """One line of a file."""

    number: int
    html: str
    tone: str = ""
    problems: Sequence[ProblemItem] = ()


@dataclass(frozen=True, slots=True)
class FileView:
    """One file, as it is read."""

    name: str
    hint: str
    problems: str
    lines: Sequence[CodeLine]


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One operation of a plan, or why it is refused."""

    text: str
    icon: str
    tone: str
    details: Sequence[str] = ()
    allow: str = ""


@dataclass(frozen=True, slots=True)
class PlanView:
    """What an apply would do."""

    fingerprint: str
    operations: Sequence[PlanItem]


@dataclass(frozen=True, slots=True)
class VersionItem:
    """One applied version."""

    number: int
    when: str
    by: str
    summary: str
    live: bool
    failed: bool


@dataclass(slots=True)
class SetupView:
    """Everything `setup.html` shows."""

    tabs: Sequence[Tab]
    state: str = ""
    problem_text: str = ""
    apply_href: str = ""
    apply_why: str = ""
    tree: Sequence[TreeItem] = ()
    file: FileView | None = None
    problems: Sequence[ProblemItem] = ()
    note: Any = None
    plan: PlanView | None = None
    versions: Sequence[VersionItem] = field(default_factory=list)


def setup_page(visit: Visit, part: str = "files", refused: str = "") -> Response:
    """Return the page: files with what is wrong, the plan that waits, the versions there were."""
    require_admin(visit.principal)
    say = visit.wording.say
    configuration = visit.screens.configuration
    loaded: Loaded = configuration.loaded()
    view = SetupView(
        tabs=setup_tabs(visit, part),
    )
    with visit.core.pools.engine.connect() as connection:
        known = versions(connection, 50)
        live = next((one for one in known if one.state == "live"), None)
        live_files = files_of(connection, live.number) if live else {}
    errors = sum(one.is_error for one in loaded.problems)
    if errors:
        view.problem_text = visit.wording.count("%(number)s problem", "%(number)s problems", errors)
    view.versions = [_version(visit, one, live) for one in known]
    view.problems = [_problem(visit, one) for one in loaded.problems]
    _plan(visit, loaded, view, refused)
    if visit.core.live.problem and view.note is None:
        view.note = {"kind": "bad", "text": _not_loaded(visit)}
    changed = {
        name
        for name in {*loaded.files, *live_files}
        if loaded.files.get(name) != live_files.get(name)
    }
    number = live.number if live else 0
    view.state = (
        visit.wording.count(
            "%(number)s file differs from version %(version)s",
            "%(number)s files differ from version %(version)s",
            len(changed),
            version=number,
        )
        if changed
        else say("Version %(version)s is in force", version=number)
    )
    if part == "files":
        asked = request.args.get("file", "")
        chosen = asked if asked in loaded.files else next(iter(sorted(loaded.files)), "")
        if not asked and view.problems:
            chosen = next(
                (p.place.file for p in loaded.problems if p.place.file in loaded.files), chosen
            )
        view.tree = _tree(loaded, chosen, changed)
        view.file = _file(visit, loaded, chosen)
    response = visit.render("setup.html", page=visit.page(say("Setup"), "setup"), view=view)
    if refused:
        response.status_code = 409
    return response


def apply(visit: Visit) -> Response:
    """Apply the plan that was looked at; refuse if the files changed since."""
    require_admin(visit.principal)
    configuration = visit.screens.configuration
    loaded: Loaded = configuration.loaded()
    say = visit.wording.say
    if loaded.catalog is None:
        return setup_page(visit, refused=say("The files have problems; nothing was applied."))
    if request.form.get("fingerprint") != loaded.catalog.fingerprint:
        return setup_page(
            visit, refused=say("The files changed since you looked. Look at the plan again.")
        )
    allow = tuple(request.form.getlist("allow"))
    try:
        version = configuration.installation.apply(
            loaded.catalog,
            visit.principal.name,
            options=ApplyOptions(allow=allow),
            user_id=visit.principal.user_id,
        )
    except PlanError as problem:
        return setup_page(visit, refused=visit.words(problem.message))  # type: ignore[arg-type]
    visit.core.live.reload()
    leave_toast(say("Version %(version)s is in force", version=version.number))
    return redirect("/setup", 303)  # type: ignore[return-value]


def _plan(visit: Visit, loaded: Loaded, view: SetupView, refused: str) -> None:
    say = visit.wording.say
    if refused:
        view.note = {"kind": "bad", "text": refused}
    if loaded.catalog is None:
        view.apply_why = say("Put the problems right first; the last version goes on serving.")
        if not refused:
            view.note = {"kind": "warn", "text": view.apply_why}
        return
    plan: Plan = visit.screens.configuration.installation.plan(loaded.catalog)
    view.plan = PlanView(plan.fingerprint, _operations(visit, plan))
    if not plan.is_empty:
        view.apply_href = "/setup/apply"


def _operations(visit: Visit, plan: Plan) -> list[PlanItem]:
    say = visit.wording.say
    items = [
        PlanItem(
            _line(visit, step.operation),
            "clock",
            "warn",
            [
                visit.words(step.problem)
                if step.problem
                else say("Begun by an apply that was interrupted; finished first.")
            ],
        )
        for step in plan.unfinished
    ]
    allowed = {one.subject: one for one in plan.refusals}
    for one in plan.operations:
        if not one.is_visible:
            continue
        icon, tone = _TONES.get(one.sign, _TONES["~"])
        refusal = allowed.pop(one.subject, None)
        details = [visit.words(refusal.sentence)] if refusal else []
        if one.is_destructive and not refusal:
            details.append(say("Values are lost for good."))
        items.append(
            PlanItem(
                _line(visit, one),
                "alert-triangle" if refusal else icon,
                "bad" if refusal else tone,
                details,
                (refusal.allow or "") if refusal else "",
            )
        )
    items += [
        PlanItem(one.subject, "alert-triangle", "bad", [visit.words(one.sentence)], one.allow or "")
        for one in allowed.values()
    ]
    items += [
        PlanItem(
            visit.words(
                label(
                    "{subject}: {words}", "{subject}：{words}", subject=one.subject, words=one.words
                )
            ),
            "bolt",
            "info",
            [visit.words(line) for line in one.details],
        )
        for one in plan.outlook
    ]
    return items


def _not_loaded(visit: Visit) -> str:
    """Return why the newest version does not serve here, though it was applied."""
    sentence = label(
        "The newest version cannot be loaded here; the one before goes on serving. {problem}",
        "这里无法载入最新版本，先前的版本继续提供服务。{problem}",
        problem=visit.core.live.problem,
    )
    return visit.words(sentence)


def _line(visit: Visit, one: Operation) -> str:
    line = label("{subject}: {words}", "{subject}：{words}", subject=one.subject, words=one.words())
    return visit.words(line)


def _version(visit: Visit, one: AppliedVersion, live: AppliedVersion | None) -> VersionItem:
    return VersionItem(
        one.number,
        time_tag(one.applied_at, visit.look.now, visit.wording, visit.look.zone),
        one.applied_by,
        one.reason or visit.wording.say("Version %(version)s", version=one.number),
        live is not None and one.number == live.number,
        one.state != "live",
    )


def _problem(visit: Visit, one: Problem) -> ProblemItem:
    place = one.place
    return ProblemItem(
        one.text(visit.wording.language),
        f"{place.file}:{place.line}:{place.column}",
        "alert-circle" if one.is_error else "alert-triangle",
        "bad" if one.is_error else "warn",
        f"/setup?file={place.file}#L{place.line}",
    )


def _tree(loaded: Loaded, chosen: str, changed: set[str]) -> list[TreeItem]:
    items: list[TreeItem] = []
    folder: list[str] = []
    for name in sorted(loaded.files, key=lambda one: ("/" in one, one)):
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


def _file(visit: Visit, loaded: Loaded, name: str) -> FileView | None:
    if name not in loaded.files:
        return None
    own = [one for one in loaded.problems if one.place.file == name]
    by_line: dict[int, list[Problem]] = {}
    for one in own:
        by_line.setdefault(one.place.line, []).append(one)
    lines = []
    for number, text in enumerate(loaded.files[name].split("\n")[:5000], 1):
        problems = by_line.get(number, [])
        tone = "hot" if any(one.is_error for one in problems) else "warm" if problems else ""
        lines.append(
            CodeLine(number, colour(text), tone, [_problem(visit, one) for one in problems])
        )
    errors = sum(one.is_error for one in own)
    words = visit.wording.count("%(number)s problem", "%(number)s problems", errors)
    hint = visit.wording.say("Edit the file with any editor; this page shows what Trellis reads.")
    return FileView(name, hint, words if errors else "", lines)


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
