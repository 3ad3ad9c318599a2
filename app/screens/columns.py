"""The columns of a list: which, how they are headed, and how a row becomes text.

A list is worked out once for each catalog, entity, view, role set and language; a page of rows is
then a loop over ready-made functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from app.access.policy import Policy
from app.definitions.catalog import Entity, Field
from app.fields.base import FieldType
from app.records.results import Record
from app.screens.cells import Cell, Look, make_cell, shown_type
from app.screens.conditions import part_label

#: Columns of a list nobody described.
_USUAL = 6
#: Types that make no column worth having.
_UNLISTED = frozenset({"lines", "markdown", "signature", "files", "images"})


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a field, or a part of one."""

    path: str
    label: str
    end: bool
    css: str
    cell: Cell
    sortable: bool
    #: it may be given another value in its cell
    editable: bool = False


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one list, and which fields must be read for them."""

    entity: str
    columns: Sequence[Column]
    fields: tuple[str, ...]
    #: index of the column that opens the record
    title: int
    #: what the list may be grouped by: what an address says, and its words
    groups: Sequence[tuple[str, str]] = ()

    def rows(self, records: Iterable[Record], look: Look, *, ticked: bool) -> str:
        """Return the rows of a table.

        Args:
            ticked: with a box to select each.
        """
        prefix = f"/crm/{self.entity}/"
        heads = [
            f'<td class="{escape(column.css)}">' if column.css else "<td>"
            for column in self.columns
        ]
        cells = [(head, column.cell) for head, column in zip(heads, self.columns, strict=True)]
        cells[self.title] = (heads[self.title], _opening(cells[self.title][1], prefix))
        label = escape(look.wording.say("Select"))
        html: list[str] = []
        for record in records:
            number = record.id
            html.append(f'<tr data-href="{prefix}{number}" data-id="{number}">')
            if ticked:
                html.append(
                    f'<td class="c-check"><input type="checkbox" class="form-check-input" name="id"'
                    f' value="{number}" aria-label="{label}"></td>'
                )
            html += [f"{head}{cell(record, look)}</td>" for head, cell in cells]
            html.append("</tr>\n")
        return Markup("".join(html))  # noqa: S704 - every cell is escaped where it is made.


def _opening(cell: Cell, prefix: str) -> Cell:
    """Return the cell as a link to its record."""

    def opening(record: Record, look: Look) -> str:
        return f'<a href="{prefix}{record.id}">{_inner(cell(record, look))}</a>'

    return opening


def _inner(html: str) -> str:
    """Return what may stand inside a link: a title that is a link itself loses its own."""
    if html.startswith("<a "):
        return html[html.index(">") + 1 : html.rindex("</a>")]
    return html


def list_paths(entity: Entity, columns: Sequence[str], policy: Policy) -> list[str]:
    """Return the fields of a list somebody may see; the title is always among them."""
    paths = [path for path in columns if _is_shown(entity, path, policy)]
    if not paths:
        usual = [
            name
            for name, field in entity.fields.items()
            if not field.built_in and field.type.name not in _UNLISTED
        ]
        paths = [path for path in usual if _is_shown(entity, path, policy)][:_USUAL]
    title = entity.title
    if title and title not in paths and _is_shown(entity, title, policy):
        paths.insert(0, title)
    return paths or ["id"]


def _is_shown(entity: Entity, path: str, policy: Policy) -> bool:
    field = entity.fields.get(path.partition(".")[0])
    return (
        field is not None
        and not field.removed
        and policy.field_right(entity.name, field.name) != "hidden"
    )


def is_listable(field: Field) -> bool:
    """Whether a field fits into a cell."""
    return field.type.name not in _UNLISTED and not field.removed


def is_sortable(field: Field) -> bool:
    """Whether a list may be sorted by a field."""
    return not field.type.many and field.type.name not in {
        "lines", "through", "any_link", "tags", "address", "geo", "file", "image", "signature",
        "emails", "phones", "urls", "repeat",
    }  # fmt: skip


#: What needs the room of a form, or has a way of its own.
_WHOLE_FORM = frozenset({"lines", "files", "images", "file", "image", "signature", "stage"})


def is_edited_in_place(policy: Policy, entity: Entity, field: Field) -> bool:
    """Whether a field has a control of its own outside of a form, for who may change it."""
    return (
        field.type.name not in _WHOLE_FORM
        and field.type.writable
        and field.readonly is not True
        and field.name in policy.writable(entity.name)
    )


def make_columns(entity: Entity, paths: Sequence[str], policy: Policy, language: str) -> Columns:
    """Return the columns, ready to be filled."""
    masked = policy.masked(entity.name)
    title = paths.index(entity.title) if entity.title in paths else 0
    marks = _phone_marks(entity, paths, title)
    changes = policy.may("update", entity.name)
    columns = []
    for index, path in enumerate(paths):
        name = path.partition(".")[0]
        field = entity.fields[name]
        end = "." not in path and shown_type(field).align == "end"
        editable = changes and "." not in path and is_edited_in_place(policy, entity, field)
        classes = (
            "t" if index == title else "",
            "n" if end else "",
            marks.get(index, ""),
            "can-edit" if editable else "",
        )
        css = " ".join(part for part in classes if part)
        columns.append(
            Column(
                path,
                part_label(entity, path, language),
                end,
                css,
                make_cell(entity, path, language, masked=name in masked),
                sortable=is_sortable(field) and name not in masked,
                editable=editable,
            )
        )
    fields = tuple(dict.fromkeys([*paths, *_currencies(entity, paths)]))
    return Columns(entity.name, columns, fields, title)


def _currencies(entity: Entity, paths: Sequence[str]) -> list[str]:
    """Return the fields that hold the currencies of amounts: an amount is shown with its own."""
    found = []
    for path in paths:
        field = entity.fields.get(path)
        named = field.settings.get("currency") if field and field.type.name == "money" else None
        if named in entity.fields:
            found.append(str(named))
    return found


def _status_column(
    paths: Sequence[str], rest: Sequence[int], kinds: Mapping[int, FieldType]
) -> int | None:
    """Return the column that says how a record stands: its stage, its status, or any choice."""
    choices = [index for index in rest if kinds[index].name in ("stage", "choice")]
    for index in choices:
        if kinds[index].name == "stage" or paths[index] in ("status", "state"):
            return index
    return choices[0] if choices else None


def _phone_marks(entity: Entity, paths: Sequence[str], title: int) -> dict[int, str]:
    """Return which columns make the card of a small screen: title, figure, and two quiet ones."""
    marks = {title: "m1"}
    rest = [index for index in range(len(paths)) if index != title]
    kinds = {i: shown_type(entity.fields[paths[i].partition(".")[0]]) for i in rest}
    figure = next((i for i in rest if kinds[i].align == "end" and kinds[i].name != "integer"), None)
    if figure is None:
        figure = next((i for i in rest if kinds[i].align == "end"), None)
    status = _status_column(paths, rest, kinds)
    other = next((i for i in rest if kinds[i].name == "user"), None)
    if other is None:
        other = next((i for i in rest if i not in (figure, status)), None)
    for mark, index in (("m2", figure), ("m4", status), ("m3", other)):
        if index is not None and index not in marks:
            marks[index] = mark
    return marks
