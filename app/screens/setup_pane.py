"""What stands beside the files of the setup page: problems, the plan, what it asks for, versions.

The same for what is saved and for a draft that is being typed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.agreeing import entries_of
from app.database.agreements import Standing
from app.database.operations import Operation
from app.database.plan import Plan
from app.database.versions import AppliedVersion, versions
from app.definitions.load import Loaded
from app.definitions.names import label_from_name
from app.definitions.problems import Problem
from app.screens.moments import time_tag
from app.screens.visit import Visit
from app.texts import say as label

_TONES = {"+": ("plus", "ok"), "~": ("adjustments-horizontal", "info"), "-": ("trash", "bad")}
#: The sum of seconds under which an apply is called quick.
_QUICK = 1.0


@dataclass(frozen=True, slots=True)
class ProblemItem:
    """One problem."""

    message: str
    where: str
    icon: str
    tone: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One operation of a plan, or why it is refused."""

    text: str
    icon: str
    tone: str
    details: Sequence[str] = ()
    allow: str = ""


@dataclass(frozen=True, slots=True)
class Need:
    """Something that must be said with a change."""

    name: str
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody who must agree, and whether they did."""

    entry: str
    by: str = ""
    when: str = ""


@dataclass(frozen=True, slots=True)
class StandingView:
    """What a change asks for beside the plan."""

    needs: Sequence[Need]
    asked: Sequence[Asked]
    #: why it may not be applied yet
    missing: Sequence[str]
    may_agree: bool
    has_agreed: bool


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
class Pane:
    """Everything `setup_pane.html` shows."""

    note: Any = None
    problems: Sequence[ProblemItem] = ()
    errors: int = 0
    fingerprint: str = ""
    operations: Sequence[PlanItem] | None = None
    seconds: str = ""
    standing: StandingView | None = None
    can_apply: bool = False
    apply_why: str = ""
    versions: Sequence[VersionItem] = ()


def pane_of(visit: Visit, loaded: Loaded, refused: str = "") -> Pane:
    """Return the pane of files as they are, saved or not."""
    say = visit.wording.say
    pane = Pane(
        problems=[problem_item(visit, one) for one in loaded.problems],
        errors=sum(one.is_error for one in loaded.problems),
    )
    if refused:
        pane.note = {"kind": "bad", "text": refused}
    with visit.core.pools.engine.connect() as connection:
        known = versions(connection, 5)
    pane.versions = version_items(visit, known)
    if loaded.catalog is None:
        pane.apply_why = say("Put the problems right first; the last version goes on serving.")
        pane.note = pane.note or {"kind": "warn", "text": pane.apply_why}
        return pane
    plan = visit.screens.configuration.installation.plan(loaded.catalog)
    pane.fingerprint = plan.fingerprint
    pane.operations = _operations(visit, plan)
    if visit.core.live.problem and pane.note is None:
        pane.note = {"kind": "bad", "text": _not_loaded(visit)}
    if plan.is_empty:
        return pane
    pane.can_apply = True
    pane.seconds = _seconds(visit, plan)
    standing = visit.screens.configuration.installation.standing(plan)
    if standing.asks:
        pane.standing = standing_view(visit, standing)
        if standing.open:
            pane.can_apply = False
            pane.apply_why = visit.words(standing.sentences()[-1])
    return pane


def standing_view(visit: Visit, standing: Standing) -> StandingView:
    """Return what a change asks for, for whoever looks."""
    wording, look = visit.wording, visit.look
    agreed = {one.entry: one for one in standing.agreed}
    asked = [
        Asked(
            entry,
            agreed[entry].by if entry in agreed else "",
            time_tag(agreed[entry].at, look.now, wording, look.zone) if entry in agreed else "",
        )
        for entry in standing.confirm
    ]
    user_id = visit.principal.user_id
    snapshot = visit.core.organisation.snapshot()
    mine = entries_of(snapshot, standing, user_id)
    return StandingView(
        [
            Need(name, visit.words(label_from_name(name)), standing.said.get(name, ""))
            for name in standing.needs
        ],
        asked,
        [visit.words(one) for one in standing.sentences()],
        may_agree=bool(set(mine) & set(standing.open)) and not standing.unsaid(),
        has_agreed=any(one.user_id == user_id for one in standing.agreed),
    )


def version_items(visit: Visit, known: Sequence[AppliedVersion]) -> list[VersionItem]:
    """Return versions as lists show them, the newest first."""
    live = next((one for one in known if one.state == "live"), None)
    return [
        VersionItem(
            one.number,
            time_tag(one.applied_at, visit.look.now, visit.wording, visit.look.zone),
            one.applied_by,
            one.reason or visit.wording.say("Version %(version)s", version=one.number),
            live is not None and one.number == live.number,
            one.state != "live",
        )
        for one in known
    ]


def problem_item(visit: Visit, one: Problem) -> ProblemItem:
    """Return a problem as lists show it."""
    place = one.place
    return ProblemItem(
        one.text(visit.wording.language),
        f"{place.file}:{place.line}:{place.column}",
        "alert-circle" if one.is_error else "alert-triangle",
        "bad" if one.is_error else "warn",
        f"/setup?file={place.file}#L{place.line}",
    )


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
    return items + [_outlook(visit, one) for one in plan.outlook]


def _outlook(visit: Visit, one: Any) -> PlanItem:
    line = label("{subject}: {words}", "{subject}：{words}", subject=one.subject, words=one.words)
    return PlanItem(visit.words(line), "bolt", "info", [visit.words(each) for each in one.details])


def _seconds(visit: Visit, plan: Plan) -> str:
    """Return how long the plan takes, as far as its operations know."""
    seconds = sum(each.seconds() for each in plan.operations)
    if seconds < _QUICK:
        return visit.wording.say("about a second")
    return visit.wording.say("about %(seconds)s seconds", seconds=round(seconds))


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
