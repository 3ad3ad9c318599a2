"""Lines in a form: rows of small controls, what is worked out in them, and their totals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.definitions.catalog import Entity, Field
from app.records.previews import Preview
from app.records.results import Record
from app.screens.cells import show_value, shown_type
from app.screens.controls import Control, LineColumn, LineRow, Total
from app.screens.drawing import Drawing
from app.screens.form_state import line_fields, row_keys
from app.screens.kinds import FormLook, kind_of


def fill_lines(drawing: Drawing, field_: Field, control: Control) -> None:
    """Give the control of a lines field its columns, rows, blank row and totals."""
    inner = drawing.visit.catalog.entities[f"{drawing.entity.name}.{field_.name}"]
    cells = _line_cells(drawing, inner)
    previews = drawing.preview.lines.get(field_.name, ())
    keys = row_keys(field_.name, drawing.typed)
    control.control = "lines"
    control.columns = [
        LineColumn(
            one.label.in_language(drawing.look.language),
            shown_type(one).align == "end",
            one.required is True,
        )
        for one in cells
    ]
    control.rows = [
        _line_row(
            drawing,
            inner,
            field_,
            cells,
            key,
            previews[n] if n < len(previews) else None,
            _line_errors(drawing.errors, field_.name, n),
        )
        for n, key in enumerate(keys)
    ]
    control.order = ",".join(keys)
    control.template = _blank_row(drawing, inner, field_, cells)
    control.totals = _totals(drawing, inner, field_)
    control.errors = [
        *control.errors,
        *(
            sentence
            for n in range(len(keys))
            for sentence in drawing.errors.get(f"{field_.name}.{n}", ())
        ),
    ]


def _line_cells(drawing: Drawing, inner: Entity) -> list[Field]:
    policy = drawing.visit.policy
    return [
        one for one in line_fields(inner) if policy.field_right(inner.name, one.name) != "hidden"
    ]


def _line_errors(
    errors: Mapping[str, Sequence[str]], name: str, number: int
) -> dict[str, Sequence[str]]:
    prefix = f"{name}.{number}."
    return {
        key.removeprefix(prefix): value for key, value in errors.items() if key.startswith(prefix)
    }


def _blank_row(drawing: Drawing, inner: Entity, field_: Field, cells: Sequence[Field]) -> LineRow:
    """Return the row the browser copies when a line is added, defaults and all."""
    blank = drawing.preview.blank_lines.get(field_.name)
    values = blank.values if blank else {}
    record = Record(inner.name, 0, values)
    look = _inner_look(drawing.look, inner)
    prefix = f"{field_.name}.__row__."
    typed: dict[str, Sequence[str]] = {}
    for one in cells:
        for name, held in kind_of(one).typed(one, record, look).items():
            typed[prefix + name] = held
    return _line_row(
        Drawing(drawing.visit, drawing.entity, drawing.look, drawing.preview, typed),
        inner,
        field_,
        cells,
        "__row__",
        blank,
        {},
    )


def _inner_look(look: FormLook, inner: Entity) -> FormLook:
    return FormLook(look.catalog, inner.name, look.wording, look.zone, {})


def _line_row(
    drawing: Drawing,
    inner: Entity,
    field_: Field,
    cells: Sequence[Field],
    key: str,
    preview: Preview | None,
    errors: Mapping[str, Sequence[str]],
) -> LineRow:
    prefix = f"{field_.name}.{key}."
    look = FormLook(
        drawing.look.catalog,
        inner.name,
        drawing.look.wording,
        drawing.look.zone,
        preview.offered if preview else {},
    )
    values = preview.values if preview else {}
    controls = []
    for one in cells:
        control = Control(
            "text",
            one.name,
            one.label.in_language(look.language),
            input_name=prefix + one.name,
            bare=True,
            end=shown_type(one).align == "end",
            required=preview is not None and one.name in preview.required,
            errors=errors.get(one.name, ()),
        )
        if not one.type.writable or one.readonly is True:
            control.control = "locked"
            held = Record(inner.name, 0, values)
            control.html = show_value(inner, one.name, held, drawing.visit.look)
        else:
            kind_of(one).fill(control, one, drawing.typed, look)
        controls.append(control)
    line_id = (drawing.typed.get(f"{prefix}id") or [""])[0]
    return LineRow(key, controls, line_id)


def _totals(drawing: Drawing, inner: Entity, field_: Field) -> list[Total]:
    totals = []
    rows = drawing.preview.lines.get(field_.name, ())
    for name in field_.settings.get("totals") or ():
        one = inner.fields[name]
        values = [value for row in rows if (value := row.values.get(name)) is not None]
        total = sum(values[1:], values[0]) if values else None
        shown = "–" if total is None else one.type.display(one, total, drawing.look.language)
        totals.append(Total(one.label.in_language(drawing.look.language), shown))
    return totals
