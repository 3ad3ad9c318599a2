"""A saved view as somebody may open it: in today's names, without what it asks in vain.

A field may have been renamed, or thrown away, or be none of the asker's business. What is left of
the view still opens; what was left out is said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from app.access.principal import Principal
from app.errors import Forbidden, Malformed, Text
from app.expressions.joints import Joint, read_joints
from app.expressions.problems import ExpressionProblem
from app.records.arrangements import Arrangement
from app.records.former import FormerNames
from app.records.listing import Narrowed, Narrowing
from app.records.planning import Desk, Plan, Question
from app.records.refusals import field_of
from app.records.saved_views import ALL, SavedViews
from app.records.sorting import parse_sort, sort_columns
from app.records.view_drafts import SavedView
from app.texts import say


@dataclass(frozen=True, slots=True)
class OpenedView:
    """What of a view holds for somebody."""

    settings: Arrangement
    #: what it asks in vain, and why
    left_out: tuple[Text, ...] = ()


def open_view(desk: Desk, entity: str, settings: Arrangement) -> OpenedView:
    """Return what of an arrangement holds for the asker's roles under today's catalog."""
    names = FormerNames(desk.release.catalog, desk.policy)
    left: list[Text] = []
    columns = []
    for path in (names.path(entity, one) for one in settings.columns):
        if _refused(desk, entity, path) is None or path.partition(".")[0] in desk.policy.masked(
            entity
        ):
            columns.append(path)
        else:
            left.append(say("the column `{name}`", "列“{name}”", name=path))
    opened = Arrangement(
        _filter(desk, entity, names.expression(entity, settings.filter) or "", left),
        _sort(desk, entity, names.names(entity, settings.sort) or "", left),
        _group(desk, entity, names.names(entity, settings.group) or "", left),
        settings.density,
        tuple(columns),
        {names.path(entity, path): width for path, width in settings.widths.items()},
    )
    return OpenedView(opened, tuple(left))


def _refused(desk: Desk, entity: str, path: str) -> Text | None:
    try:
        field_of(desk.context, entity, path)
    except (Malformed, Forbidden) as problem:
        return problem.message
    return None


def _filter(desk: Desk, entity: str, text: str, left: list[Text]) -> str:
    """Return the conditions that can be asked, of those that all must hold."""
    if not text or why_not_filter(desk, entity, text) is None:
        return text
    try:
        joint = read_joints(text)
    except ExpressionProblem:
        joint = Joint("and", (text,))
    parts = joint.parts if joint.word == "and" else (joint,)
    kept: list[Joint | str] = []
    for part in parts:
        one = part if isinstance(part, str) else part.written()
        if why_not_filter(desk, entity, one) is None:
            kept.append(part)
        else:
            left.append(say("the condition `{text}`", "条件“{text}”", text=one[:200]))
    return Joint("and", tuple(kept)).written()


def why_not_filter(desk: Desk, entity: str, text: str) -> Text | None:
    """Return why the asker may not filter by a condition; None if they may."""
    try:
        Narrowed(desk.context, Narrowing(entity, filters=(text,))).filters()
    except (Malformed, Forbidden) as problem:
        return problem.message
    return None


def why_not_sort(desk: Desk, entity: str, text: str) -> Text | None:
    """Return why the asker may not sort so; None if they may."""
    try:
        sort_columns(
            desk.context,
            Narrowed(desk.context, Narrowing(entity)).source,
            parse_sort(text),
        )
    except (Malformed, Forbidden) as problem:
        return problem.message
    return None


def _sort(desk: Desk, entity: str, text: str, left: list[Text]) -> str:
    if not text or why_not_sort(desk, entity, text) is None:
        return text
    kept = []
    for one in text.split(","):
        if why_not_sort(desk, entity, one) is None:
            kept.append(one.strip())
        else:
            left.append(say("the order by `{name}`", "按“{name}”排序", name=one.strip(" -+")))
    return ",".join(kept)


def _group(desk: Desk, entity: str, text: str, left: list[Text]) -> str:
    path = text.partition("(")[2].rstrip(")") or text
    if not text or _refused(desk, entity, path) is None:
        return text
    left.append(say("the groups by `{name}`", "按“{name}”分组", name=path))
    return ""


@dataclass(frozen=True, slots=True)
class _Same:
    """A version of a view, equal to itself only."""

    id: int
    version: int
    settings: Arrangement

    def __hash__(self) -> int:
        return hash((self.id, self.version))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and (self.id, self.version) == (other.id, other.version)


class OpenedViews:
    """What saved views come to for the role sets in use."""

    def __init__(self, views: SavedViews) -> None:
        self.views = views
        self._opened = lru_cache(1_000)(_open_version)

    def open(self, desk: Desk, entity: str, view: SavedView) -> OpenedView:
        """Return what of a saved view holds for the asker; worked out once for each version."""
        return self._opened(desk, entity, _Same(view.id, view.version, view.settings))

    def planned(self, desk: Desk, principal: Principal, question: Question) -> Plan:
        """Return the plan of a question, whose view may be one that people saved.

        Raises:
            Malformed: there is no such view.
        """
        name = question.view
        if name is None or (name != ALL and not name[:1].isdigit()):
            return desk.plan(question)
        if name == ALL:
            return desk.plan(replace(question, view=None))
        number = int(name) if name.isascii() and name.isdigit() and len(name) < 19 else 0
        view = self.views.find(principal, question.entity, number)
        if view is None:
            raise Malformed(
                say("There is no view `{name}`.", "没有名为“{name}”的视图。", name=name[:40])
            )
        settings = self.open(desk, question.entity, view).settings
        return desk.plan(
            replace(
                question,
                view=None,
                kept=settings.filter or None,
                sort=question.sort or settings.sort or None,
            )
        )


def _open_version(desk: Desk, entity: str, view: _Same) -> OpenedView:
    return open_view(desk, entity, view.settings)
