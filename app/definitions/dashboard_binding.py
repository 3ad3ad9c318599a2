"""Check dashboards and targets against the entities they speak of, and the homes of roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from app.definitions.binding import has_field, refuse_field
from app.definitions.dashboards import (
    BY_PEOPLE,
    KINDS,
    SHOWN,
    TIMES,
    Dashboard,
    Figure,
    Target,
    asks_of,
    reads,
    shown_as,
)
from app.definitions.document import Document
from app.definitions.names import label_from_name
from app.definitions.problems import Code
from app.definitions.rules import check_roles, is_name
from app.definitions.scope import USER, CatalogScope, my_type
from app.definitions.workflow_values import Site
from app.definitions.workshop import Draft, Path, Workshop
from app.expressions.tree import Ask, Checked
from app.expressions.tree import Path as NamePath
from app.expressions.types import NUMBERS, Kind, Type

#: Where everybody begins without a word about it.
BENCH = "bench"
Written = Iterable[tuple[Document, dict[str, Any]]]
#: Kinds of values that make groups.
_GROUPS = (Kind.choice, Kind.boolean, Kind.text, Kind.record)
_FREE_CHARTS = ("number", "line", "bar")


def bind_targets(shop: Workshop, written: Written) -> Mapping[str, Target]:
    """Return the targets by name; what is wrong with one is noted in the workshop."""
    made = (_target(_site(shop, document), values) for document, values in written)
    return MappingProxyType({one.name: one for one in made if one is not None})


def bind_dashboards(
    shop: Workshop, written: Written, targets: Mapping[str, Target], named: Iterable[str]
) -> Mapping[str, Dashboard]:
    """Return the dashboards by name; *named* are all targets, those with a problem included."""
    known = tuple(named)
    made = (
        _dashboard(_site(shop, document), values, targets, known) for document, values in written
    )
    return MappingProxyType({one.name: one for one in made if one is not None})


def check_homes(shop: Workshop, document: Document | None, dashboards: Iterable[str]) -> None:
    """Report homes of roles that are no page."""
    known = [*dashboards, *(one for one in shop.drafts if "." not in one), BENCH]
    for name, role in shop.roles.items():
        if document is None or role.home is None or role.home in known:
            continue
        message = f"`{role.home}` is neither a dashboard nor an entity, so nobody can begin there."
        path = ("roles", name, "home")
        shop.unknown(Code.unknown_dashboard, document, path, role.home, known, message)


def _site(shop: Workshop, document: Document) -> Site:
    roots = {"me": USER, "my": my_type(shop.roles)}
    roots["app"] = Type(Kind.parts, parts=shop.app_values)
    return Site(shop, document, CatalogScope(shop, None, roots))


def _target(site: Site, values: Mapping[str, Any]) -> Target | None:
    name = values["target"]
    if not is_name(site.shop, site.document, "target", name):
        return None
    value = _value(site, ("value",), values["value"])
    check_roles(site.shop, site.document, ("edit",), values.get("edit", ()))
    if value is None:
        return None
    asks = asks_of(value.root)
    _check_date(site, ("date",), values["date"], asks)
    of = _of(site, ("of",), values.get("of"), asks)
    per = values.get("per") or KINDS
    if not of and set(per) != {"company"}:
        message = "Nobody's own: the entity has no owner, so it can only be the company's."
        site.problem(Code.missing_key, ("target",), message, "Write `of:` or `per: company`.")
    return Target(
        name=name,
        label=values.get("label") or label_from_name(name),
        value=value,
        date=values["date"],
        of=of,
        per=tuple(one for one in KINDS if one in per),
        levels=values.get("levels") or ("base",),
        edit=values.get("edit", ()),
        was=values.get("was", ()),
        shown_as=values.get("as") or shown_as(value.root),
        place=site.document.place(),
    )


def _dashboard(
    site: Site, values: Mapping[str, Any], targets: Mapping[str, Target], named: Iterable[str]
) -> Dashboard | None:
    name = values["dashboard"]
    if not is_name(site.shop, site.document, "dashboard", name):
        return None
    check_roles(site.shop, site.document, ("for",), values.get("for", ()))
    filters = values.get("filters", {})
    figures = [
        _FigureBinding(site, ("figures", index), one, targets, tuple(named)).bind()
        for index, one in enumerate(values["figures"])
    ]
    return Dashboard(
        name=name,
        label=values.get("label") or label_from_name(name),
        figures=tuple(one for one in figures if one is not None),
        for_=values.get("for", ()),
        period=filters.get("period", "this month"),
        people=filters.get("people", "all"),
        place=site.document.place(),
    )


class _FigureBinding:
    """One figure, looked at beside the entities it asks."""

    def __init__(
        self,
        site: Site,
        path: Path,
        values: Mapping[str, Any],
        targets: Mapping[str, Target],
        named: tuple[str, ...],
    ) -> None:
        self.site = site
        self.path = path
        self.values = values
        self.targets = targets
        self.named = named

    def bind(self) -> Figure | None:
        """Return the figure; None where it has a problem."""
        if "view" in self.values:
            return self._view()
        if "target" in self.values:
            return self._of_target()
        return self._worked_out()

    def _view(self) -> Figure | None:
        shop, wrote = self.site.shop, self.values["view"]
        path = (*self.path, "view")
        entity, _, view = wrote.partition(".")
        draft = shop.drafts.get(entity)
        if draft is None or draft.lines_of:
            message = f"`{wrote}` is no view: `{entity}` is not an entity."
            shop.unknown_entity(self.site.document, path, entity, message)
            return None
        if view not in tuple(shop.views(entity)):
            message = f"`{entity}` has no view `{view}`."
            shop.unknown(
                Code.unknown_view, self.site.document, path, view, shop.views(entity), message
            )
            return None
        for index, name in enumerate(self.values.get("columns", ())):
            if not has_field(draft, shop, name):
                at = (*self.path, "columns", index)
                refuse_field(shop, draft, self.site.document, at, name.partition(".")[0])
        label = draft.values["screens"]["views"][view].get("label") or label_from_name(view)
        return self._made(label, chart="table", view=(entity, view))

    def _of_target(self) -> Figure | None:
        shop, name = self.site.shop, self.values["target"]
        target = self.targets.get(name)
        if target is None:
            if name not in self.named:
                message = f"`{name}` is not a target."
                path = (*self.path, "target")
                shop.unknown(
                    Code.unknown_target, self.site.document, path, name, self.named, message
                )
            return None
        by = self.values.get("by", "")
        if by and by not in (*TIMES, *BY_PEOPLE):
            message = f"A target is split by a unit of time, `user` or `department`, not by `{by}`."
            self.site.problem(Code.wrong_field_type, (*self.path, "by"), message)
            return None
        chart = self.values.get("chart") or ("progress" if not by else "table")
        return self._made(
            target.label, chart=chart, value=target.value, date=target.date, of=target.of, by=by,
            target=name, shown=target.shown_as,
        )  # fmt: skip

    def _worked_out(self) -> Figure | None:
        values, site = self.values, self.site
        value = _value(site, (*self.path, "value"), values["value"])
        also = None
        if "also" in values:
            also = _value(site, (*self.path, "also"), values["also"])
            if also is None:
                return None
        if value is None:
            return None
        asks = [*asks_of(value.root), *(asks_of(also.root) if also else ())]
        chart = values.get("chart", "number")
        date, by = values.get("date", ""), values.get("by", "")
        if chart == "line" and not by:
            by = "time"
        if date:
            _check_date(site, (*self.path, "date"), date, asks)
        for key in ("compare", "period"):
            if key in values and not date:
                message = f"`{key}` asks when, and the figure has no `date`."
                site.problem(Code.missing_key, (*self.path, key), message, "Add `date: FIELD`.")
        of = _of(site, (*self.path, "of"), values.get("of"), asks)
        if not self._check_by(by, date, of, asks):
            return None
        label = values.get("label") or label_from_name(asks[0].over[0])
        return self._made(
            label, chart=chart, value=value, also=also, date=date, of=of, by=by,
            shown=values.get("as") or shown_as(value.root),
        )  # fmt: skip

    def _check_by(self, by: str, date: str, of: str, asks: Iterable[Ask]) -> bool:
        """Return whether a figure can be split so."""
        site, path = self.site, (*self.path, "by" if "by" in self.values else "chart")
        if not by:
            return True
        if by in (*TIMES, "time"):
            if not date:
                site.problem(
                    Code.missing_key, path, "It is split by time, and has no `date`.",
                    "Add `date: FIELD`.",
                )  # fmt: skip
            return bool(date)
        if by in BY_PEOPLE:
            if not of:
                message = f"It is split by `{by}`, and nobody owns these records."
                site.problem(Code.missing_key, path, message, "Add `of: FIELD`.")
            return bool(of)
        return all(self._check_field(path, by, ask) for ask in asks)

    def _check_field(self, path: Path, by: str, ask: Ask) -> bool:
        shop = self.site.shop
        draft, text = grouped_over(shop, ask.over, by)
        first = text.partition(".")[0]
        if first not in draft.fields or draft.fields[first].removed:
            refuse_field(shop, draft, self.site.document, path, first)
            return False
        checked = shop.expression(self.site.document, path, text, shop.scope(draft), "`by`")
        if checked is None:
            return False
        root = checked.root
        # One that is of any type is wrong itself, and told where it stands.
        is_known = checked.type.kind is not Kind.any
        if is_known and (not isinstance(root, NamePath) or not _makes_groups(checked.type)):
            hint = "Write `by: month` with a `date`." if checked.type.kind in ("date", "datetime") \
                else "Group by a choice, a link, a person, a switch or a text."  # fmt: skip
            message = f"`{by}` is {checked.type}; it makes no groups."
            self.site.problem(Code.wrong_field_type, path, message, hint)
            return False
        return True

    def _made(
        self,
        label: Any,
        *,
        chart: str,
        value: Checked | None = None,
        also: Checked | None = None,
        date: str = "",
        of: str = "",
        by: str = "",
        view: tuple[str, str] | None = None,
        target: str = "",
        shown: str = "number",
    ) -> Figure:
        values = self.values
        return Figure(
            label=values.get("label") or label,
            chart=chart,
            value=value,
            also=also,
            also_label=values.get("also_label"),
            date=date,
            of=of,
            by=by,
            compare=values.get("compare", ""),
            period=values.get("period", ""),
            top=values.get("top", SHOWN),
            view=view,
            columns=values.get("columns", ()),
            target=target,
            less_is_better=values.get("better") == "less",
            width=values.get("width", 0),
            help=values.get("help"),
            shown_as=values.get("as") or shown,
            also_as=shown_as(also.root) if also is not None else "number",
            place=self.site.document.place(self.path),
        )


def grouped_over(shop: Workshop, over: tuple[str, ...], by: str) -> tuple[Draft, str]:
    """Return whose field a group is: that of the lines, where they have one of that name."""
    lines = shop.drafts.get(".".join(over)) if len(over) > 1 else None
    if lines is not None and by.partition(".")[0] in lines.fields:
        return lines, by
    return shop.drafts[over[0]], by


def _makes_groups(type_: Type) -> bool:
    return type_.kind in _GROUPS and not type_.is_any_link


def _value(site: Site, path: Path, text: str) -> Checked | None:
    """Return a checked value of a figure: numbers worked out from questions to records."""
    checked = site.expression(path, text, "The figure")
    if checked is None:
        return None
    asks = asks_of(checked.root)
    if not asks or reads(checked.root):
        message = f"`{text}` asks no records; a figure is made of `count`, `sum` and the like."
        site.problem(
            Code.bad_expression, path, message, "For example `count(customer, level == 'a')`."
        )
        return None
    for ask in asks:
        if ask.function in ("pick", "exists") or len(ask.over) > 2:
            message = f"`{ask.function}` gives no number; a figure is made of `count`, `sum`, `avg`, `lowest` and `highest`."  # noqa: E501
            site.problem(Code.bad_expression, path, message)
            return None
        if ask.type.kind not in NUMBERS:
            message = f"`{checked.source(ask)}` is {ask.type}; a figure is made of numbers."
            site.problem(Code.wrong_field_type, path, message)
            return None
    if checked.type.kind not in NUMBERS:
        message = f"`{text}` is {checked.type}; a figure is a number."
        site.problem(Code.wrong_field_type, path, message)
        return None
    return checked


def _check_date(site: Site, path: Path, name: str, asks: Iterable[Ask]) -> None:
    """Report a date that some entity of the figure has not."""
    shop = site.shop
    for entity in dict.fromkeys(ask.over[0] for ask in asks):
        draft = shop.drafts[entity]
        if not has_field(draft, shop, name):
            refuse_field(shop, draft, site.document, path, name)
            continue
        kind = shop.type_of(draft, name).kind
        if kind not in (Kind.date, Kind.datetime):
            message = f"`{entity}.{name}` is {shop.type_of(draft, name)}, not a date."
            site.problem(Code.wrong_field_type, path, message)


def _of(site: Site, path: Path, name: str | None, asks: Iterable[Ask]) -> str:
    """Return the field of the person whose the records are; empty where nobody's."""
    shop = site.shop
    drafts = [shop.drafts[one] for one in dict.fromkeys(ask.over[0] for ask in asks)]
    if name is None:
        return "owner" if all(draft.owned for draft in drafts) else ""
    for draft in drafts:
        if not has_field(draft, shop, name):
            refuse_field(shop, draft, site.document, path, name)
            continue
        type_ = shop.type_of(draft, name)
        if type_.kind is not Kind.record or type_.entities != ("user",):
            message = f"`{draft.name}.{name}` is {type_}, not one person."
            site.problem(Code.wrong_field_type, path, message)
    return name
