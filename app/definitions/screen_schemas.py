"""The schemas of an entity's screens: lists, views, the board, the form."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from app.definitions.complaints import Complaint
from app.definitions.problems import Code
from app.definitions.shape import Definition, Items, Labels, Part, Table, Value, add_keys
from app.definitions.words import SortKeys, Texts
from app.fields.settings import ExpressionText, Name, Names, Plain, refuse, written


class ListSchema(Definition):
    """The list of records."""

    noun = "`list`"
    example = """
columns: [name, level, owner]
sort: -created_at
filters: [level, address.city]
"""

    columns = Texts("The fields shown, in order; a part as `address.city`.")
    sort = SortKeys("By which field, `-` before it for downwards.")
    filters = Texts("The fields offered as filters.")


class BenchSchema(Definition):
    """A view that stands on the work bench, the page somebody arrives at."""

    noun = "`bench`"
    example = """
of: owner
log: follow_up
later: next_contact_at
"""

    of = Name("The person whose work it is: a field of one person.", required=True)
    log = Name("The entity of which a record is written in place, about the one in the row.")
    later = Name("The date that is moved when it is put off.")
    done = Table(Plain("The value."), "What a record becomes when it is ticked.", noun="a field")


class ViewSchema(Definition):
    """A list with a condition of its own."""

    noun = "a view"
    example = """
label: {en: Silent customers, zh: 久未联系}
where: silent_days > app.silent_days
sort: -silent_days
for: [sales, sales_manager]
"""

    label = Labels("Its name in the list of views.")
    where = ExpressionText("The records in it.")
    columns = Texts("The fields shown; without them those of the list.")
    sort = SortKeys("By which field; without it as the list.")
    bench = Part(BenchSchema(), "Its place on the work bench: whose work it is, and what is done.")


add_keys(ViewSchema, {"for": Names("The roles that see it; without it all.")})


class BoardSchema(Definition):
    """Cards in columns."""

    noun = "`board`"
    example = """
by: level
cards: [owner, open_amount]
"""

    by = Name("The choice or stage whose options are the columns.", required=True)
    cards = Texts("The fields on a card below the title.")


class CalendarSchema(Definition):
    """Records on a calendar."""

    noun = "`calendar`"
    example = """
from: starts_at
to: ends_at
all_day: whole_day
"""

    to = Name("The field in which it ends.")
    all_day = Name("The switch for whole days; `yes` where every one is.")


add_keys(CalendarSchema, {"from": Name("The field in which it begins.", required=True)})


class FormRows(Value):
    """Rows of a form: a field alone, or up to four side by side."""

    takes = "a list of fields; `[a, b]` puts two side by side"

    def read(self, value: Any, key: str) -> tuple[tuple[str, ...], ...]:
        if not isinstance(value, list):
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.wrong_shape)
        rows: list[tuple[str, ...]] = []
        for index, row in enumerate(value):
            names = row if isinstance(row, list) else [row]
            if not names or len(names) > 4 or not all(isinstance(name, str) for name in names):
                raise ma.ValidationError(
                    {
                        index: [
                            Complaint(
                                f"A row is {written(row)}; it must be one to four fields.",
                                Code.wrong_shape,
                            )
                        ]
                    }
                )
            rows.append(tuple(names))
        return tuple(rows)

    def json_schema(self) -> dict[str, Any]:
        """Return a list of names and of short lists of names."""
        row = {"type": "array", "items": {"type": "string"}, "maxItems": 4}
        return {"type": "array", "items": {"anyOf": [{"type": "string"}, row]}}


class SectionSchema(Definition):
    """A part of the form."""

    noun = "a section"
    example = """
section: {en: Basics, zh: 基本信息}
fields: [[name, level], [status, source], address]
"""

    section = Labels("Its heading.")
    show = ExpressionText("The condition under which it is shown.")


add_keys(SectionSchema, {"fields": FormRows("Its fields, row by row.", required=True)})


class ScreensSchema(Definition):
    """How the records look."""

    noun = "`screens`"
    example = """
list: {columns: [name, level, owner]}
views:
  mine: {label: Mine, where: owner == me}
board: {by: level}
form:
  - {section: Basics, fields: [[name, level], address]}
related: [contact.customer]
"""

    list = Part(ListSchema(), "The list.")
    views = Table(
        Part(ViewSchema(), "A view."), "Saved lists for everybody, by name.", noun="the view"
    )
    board = Part(BoardSchema(), "Cards in columns.")
    form = Items(
        Part(SectionSchema(), "A section."), "The form, section by section.", noun="A section"
    )
    related = Texts("The lists below a record: the entity and its link, `contact.customer`.")
    calendar = Part(CalendarSchema(), "The records on a calendar.")
    tree = Name("The link to the record above; shows the list as a tree.")
