"""The cards of boards: the title, and below it the fields the configuration names.

Each has its place by what it is: what the record is about in a line of its own, the amount at the
foot, dates and people at the end of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from html import escape

from markupsafe import Markup

from app.definitions.catalog import Entity, Field
from app.fields.money import Money, with_sign
from app.records.results import Record
from app.screens.cells import EMPTY, Cell, Look, make_cell, shown_type
from app.screens.columns import is_listable
from app.screens.marks import avatar, mark_of
from app.screens.record_blocks import title_of
from app.screens.visit import Visit

#: Fields of a board nobody described.
_USUAL = 4
_PEOPLE = ("user", "users")
_DATES = ("date", "datetime")
_SHORT = ("choice", "stage", "rating", "boolean")


@dataclass(frozen=True, slots=True)
class _Spot:
    name: str
    label: str
    cell: Cell


class Cards:
    """Makes the cards of one board."""

    def __init__(self, visit: Visit, entity: Entity, by: Field) -> None:
        self._visit, self._entity, self._by = visit, entity, by
        policy = visit.policy
        written = (entity.screens.board or {}).get("cards") or _usual(entity)
        named = [one for one in written if one.partition(".")[0] in entity.fields]
        self._shown = [
            one
            for one in dict.fromkeys(named)
            if one not in (entity.title, by.name)
            and policy.field_right(entity.name, one.partition(".")[0]) != "hidden"
        ]
        masked = policy.masked(entity.name)
        self._lines: list[_Spot] = []
        self._figures: list[_Spot] = []
        self._ends: list[_Spot] = []
        self._people: list[str] = []
        for name in self._shown:
            self._place(name, is_masked=name.partition(".")[0] in masked)
        self.is_movable = policy.may("update", entity.name) and by.name in policy.writable(
            entity.name
        )

    @property
    def money(self) -> str | None:
        """The amount that is added up for each column: the first of the card."""
        masked = self._visit.policy.masked(self._entity.name)
        for name in self._shown:
            one = self._entity.fields.get(name)
            if one is not None and one.type.name == "money" and name not in masked:
                return name
        return None

    @property
    def fields(self) -> tuple[str, ...]:
        """What must be read for a card."""
        entity = self._entity
        readable = self._visit.policy.readable(entity.name)
        title = [entity.title] if entity.title in readable else []
        since = [f"{self._by.name}.since"] if self._by.type.name == "stage" else []
        currencies = [
            str(one.settings["currency"])
            for name in self._shown
            if (one := entity.fields.get(name)) is not None and one.settings.get("currency")
        ]
        asked = [*title, *self._shown, *since]
        asked += [one for one in currencies if one in readable]
        return tuple(dict.fromkeys(asked)) or ("id",)

    def _place(self, name: str, *, is_masked: bool) -> None:
        entity, language = self._entity, self._visit.language
        field = entity.fields[name.partition(".")[0]]
        kind = shown_type(field)
        cell = make_cell(entity, name, language, masked=is_masked)
        if kind.name == "money" and not is_masked and "." not in name:
            cell = _round_amount(field)
        spot = _Spot(name, field.label.in_language(language), cell)
        if "." in name or is_masked:
            self._lines.append(spot)
        elif kind.name in _PEOPLE:
            self._people.append(name)
        elif kind.name in _DATES or kind.name in _SHORT:
            self._ends.append(spot)
        elif kind.align == "end":
            self._figures.append(spot)
        else:
            self._lines.append(spot)

    def html(self, records: Sequence[Record], lane: str) -> Markup:
        """Return the cards of a column."""
        return Markup("").join(self.card(record, lane) for record in records)

    def card(self, record: Record, lane: str) -> Markup:
        """Return one card."""
        title = title_of(self._entity, record, self._visit)
        grip = self._grip(title) if self.is_movable else Markup("")
        return Markup(
            '<li class="kc" tabindex="-1" data-card="{id}" data-lane="{lane}" data-version="{v}"'
            ' data-title="{title}"{drag}><div class="row-x"><a class="t cut grow" draggable="false"'
            ' href="/crm/{entity}/{id}">{title}</a>{grip}</div>{lines}{foot}</li>\n'
        ).format(
            id=record.id,
            lane=lane,
            v="" if record.version is None else record.version,
            title=title,
            drag=Markup(' draggable="true"') if self.is_movable else "",
            entity=self._entity.name,
            grip=grip,
            lines=self._line_html(record),
            foot=self._foot(record),
        )

    def _grip(self, title: str) -> Markup:
        return Markup(
            '<button type="button" class="kc-move" data-move-card tabindex="-1" aria-label="{}">'
            "{}</button>"
        ).format(
            self._visit.wording.say("Move %(title)s", title=title),
            self._visit.screens.renderer.icon("dots", "s"),
        )

    def _line_html(self, record: Record) -> Markup:
        shown = [
            Markup('<div class="mut xs cut" title="{}">{}</div>').format(spot.label, html)
            for spot in self._lines
            if (html := self._cell(spot, record))
        ]
        return Markup("").join(shown)

    def _foot(self, record: Record) -> Markup:
        figures = [
            Markup('<span class="num{}" title="{}">{}</span>').format(
                Markup(" b") if number == 0 else "", spot.label, html
            )
            for number, spot in enumerate(self._figures)
            if (html := self._cell(spot, record))
        ]
        ends = [self._days(record)] if self._by.type.name == "stage" else []
        ends += [
            Markup('<span class="mut" title="{}">{}</span>').format(spot.label, html)
            for spot in self._ends
            if (html := self._cell(spot, record))
        ]
        ends = [one for one in ends if one]
        faces = self._faces(record)
        if not figures and not ends and not faces:
            return Markup("")
        dot = Markup('<span class="mut" aria-hidden="true">·</span>')
        return Markup(
            '<div class="row-x wrap kc-foot">{}<span class="end row-x gap4 xs">{}</span></div>'
        ).format(Markup("").join(figures), dot.join(ends) + Markup("").join(faces))

    def _days(self, record: Record) -> Markup:
        since = record.values.get(f"{self._by.name}.since")
        if not isinstance(since, datetime):
            return Markup("")
        say = self._visit.wording.say
        days = max((self._visit.look.now - since).days, 0)
        return Markup('<span class="mut" title="{}">{}</span>').format(
            say("Days in this stage"), say("%(days)s d", days=days)
        )

    def _faces(self, record: Record) -> list[Markup]:
        found = []
        for name in self._people:
            linked = record.links.get(name)
            people = linked if isinstance(linked, list) else [linked] if linked else []
            for one in people[:3]:
                said = one["title"] or "?"
                face = avatar(mark_of(said))
                found.append(
                    Markup('<span title="{}">{}<span class="sr">{}</span></span>').format(
                        said,
                        Markup(face),  # noqa: S704 - escaped where it is made.
                        said,
                    )
                )
        return found

    def _cell(self, spot: _Spot, record: Record) -> Markup | None:
        html = spot.cell(record, self._visit.look)
        if html == EMPTY:
            return None
        # A card is dragged by what stands on it: nothing on it but its title is a link.
        if html.startswith("<a "):
            html = html[html.index(">") + 1 : html.rindex("</a>")]
        return Markup(html)  # noqa: S704 - cells are escaped where they are made.


def _round_amount(field: Field) -> Cell:
    """Return an amount without its cents: a card is for looking over."""
    money = field.type

    def cell(record: Record, look: Look) -> str:
        value = record.values.get(field.name)
        if not isinstance(value, Decimal):
            return EMPTY
        currency = look.currency
        if isinstance(money, Money):
            currency = money.currency_of(field, record.values, look.currency)
        return escape(with_sign(value.quantize(Decimal(1)), currency))

    return cell


def _usual(entity: Entity) -> list[str]:
    columns = [one for one in entity.screens.columns if one.partition(".")[0] in entity.fields]
    return [
        one
        for one in columns
        if is_listable(entity.fields[one.partition(".")[0]]) and one != entity.title
    ][:_USUAL]


def lane_label(by: Field, name: str | None, visit: Visit) -> str:
    """Return what a column is called."""
    if name is None:
        return visit.wording.say("Without %(field)s", field=by.label.in_language(visit.language))
    option = next((one for one in by.options if one.name == name), None)
    return option.label.in_language(visit.language) if option is not None else name
