"""The form of a record: sections and fields as `screens.form` says, drawn from what is typed.

Whatever depends on other fields (what is shown, needed, offered, worked out) is asked of
``records.preview``, so a form and a save never disagree. Nothing here checks a value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.definitions.catalog import Entity, Field, Section
from app.errors import FieldMessages, Text
from app.records.previews import Preview
from app.records.results import Record
from app.screens.cells import EMPTY, show_value, shown_type
from app.screens.controls import Control, Typed
from app.screens.drawing import Drawing
from app.screens.form_lines import fill_lines
from app.screens.form_state import merged, typed_of
from app.screens.kinds import FormLook, kind_of
from app.screens.twins import compared_fields
from app.screens.visit import Visit

#: Twelve columns, shared by the fields of one row.
_SPANS = {1: 12, 2: 6, 3: 4, 4: 3}
#: Types that need the whole width even alone in a row of two.
_WIDE = frozenset({"lines", "longtext", "markdown", "address"})


@dataclass(frozen=True, slots=True)
class FormSection:
    """One section as it is drawn."""

    key: str
    label: str
    conditional: bool
    fields: Sequence[Control]


@dataclass(frozen=True, slots=True)
class ProblemLine:
    """One line of the sum of problems above a form."""

    sentence: str
    label: str = ""
    href: str = ""


def form_sections(entity: Entity) -> list[Section]:
    """Return the sections of a form; fields that none of them names come in a last one.

    So a field that was just added to the configuration can be filled in at once.
    """
    named = {name for section in entity.screens.form for row in section.fields for name in row}
    rest = [
        one.name
        for one in entity.fields.values()
        if not one.built_in and not one.removed and one.name not in named
    ]
    sections = list(entity.screens.form)
    if rest:
        pairs = tuple(tuple(rest[n : n + 2]) for n in range(0, len(rest), 2))
        sections.append(Section(None, pairs))
    return sections


def form_fields(entity: Entity, visit: Visit) -> list[str]:
    """Return the fields of the form the visitor may see."""
    readable = set(visit.policy.readable(entity.name))
    return [
        name
        for section in form_sections(entity)
        for row in section.fields
        for name in row
        if name in readable
    ]


def alive_fields(entity: Entity) -> frozenset[str]:
    """Return the fields others depend on: when one changes, the form is brought up to date."""
    asked: set[str] = set(compared_fields(entity))
    checked: list[Any] = [section.show for section in entity.screens.form]
    for one in entity.fields.values():
        checked += [one.show, one.required, one.readonly, one.default, one.expression]
        checked += [option.offer for option in one.options]
        # The sign beside an amount follows the field that holds the currency.
        named = one.settings.get("currency") if one.type.name == "money" else None
        asked |= {str(named)} if named in entity.fields else set()
        asked |= {one.name} if one.type.name == "lines" else set()
    for one in checked:
        for name in getattr(one, "names", ()):
            asked.add(name.removeprefix("record.").partition(".")[0])
    return frozenset(asked & entity.fields.keys())


def draw_sections(drawing: Drawing) -> list[FormSection]:
    """Return the sections as they look now."""
    shown: list[FormSection] = []
    wording = drawing.visit.wording
    sections = form_sections(drawing.entity)
    for number, section in enumerate(sections):
        is_own = number < len(drawing.entity.screens.form)
        answers = drawing.preview.sections
        if is_own and number < len(answers) and not answers[number]:
            continue
        controls = [control for row in section.fields for control in _draw_row(drawing, row)]
        if not controls:
            continue
        if section.label is not None:
            label = section.label.in_language(drawing.look.language)
        else:
            label = wording.say("Basics") if is_own else wording.say("More")
        shown.append(FormSection(str(number), label, section.show is not None, controls))
    return shown


def _draw_row(drawing: Drawing, row: Sequence[str]) -> list[Control]:
    names = [
        name
        for name in row
        if name in drawing.preview.shown
        and drawing.visit.policy.field_right(drawing.entity.name, name) != "hidden"
    ]
    span = _SPANS.get(max(len(row), 1), 3)
    controls: list[Control] = []
    for name in names:
        field_ = drawing.entity.fields[name]
        control = draw_field(drawing, field_)
        if control.control == "locked" and not control.html and drawing.record is None:
            # A number that is not given yet, a sum of nothing: nothing to look at.
            continue
        is_wide = field_.type.name in _WIDE or (len(row) == 1 and field_.type.name == "text")
        control.span = 12 if is_wide and len(row) < 3 else min(span, 6)
        control.first = not controls
        controls.append(control)
    return controls


def draw_field(drawing: Drawing, field_: Field) -> Control:
    """Return the control of one field: an input, or a locked one that says why."""
    look, language = drawing.look, drawing.look.language
    control = Control(
        "text",
        field_.name,
        field_.label.in_language(language),
        required=field_.name in drawing.preview.required,
        errors=drawing.errors.get(field_.name, ()),
        help=field_.help.in_language(language) if field_.help else "",
        placeholder=field_.placeholder.in_language(language) if field_.placeholder else "",
        alive=field_.name in drawing.alive,
    )
    why = why_locked(drawing.visit, drawing.entity, field_, drawing.preview)
    if why and field_.type.name != "lines":
        control.control, control.why = "locked", why
        control.end = shown_type(field_).align == "end"
        control.html = _locked_html(drawing, field_)
        control.required = False
        return control
    if field_.type.name == "lines":
        fill_lines(drawing, field_, control)
        return control
    kind_of(field_).fill(control, field_, drawing.typed, look)
    return control


def why_locked(visit: Visit, entity: Entity, field_: Field, preview: Preview) -> str:
    """Return why a field cannot be typed in, or nothing."""
    say, policy = visit.wording.say, visit.policy
    if field_.type.name == "serial":
        return say("Numbered by itself")
    if not field_.type.writable:
        return say("Worked out by itself")
    if policy.field_right(entity.name, field_.name) != "edit":
        return say("Your role may read this, not change it")
    if field_.readonly is True:
        return say("This cannot be changed")
    if field_.name in preview.locked:
        return say("This cannot be changed as the record stands now")
    if field_.name == "owner" and not policy.may("transfer", entity.name):
        return say("Handing over is not among your rights")
    return ""


def _locked_html(drawing: Drawing, field_: Field) -> str:
    masked = field_.name in drawing.visit.policy.masked(drawing.entity.name)
    if masked and drawing.record is None:
        return ""
    held = drawing.record
    if not masked and field_.name in drawing.preview.values:
        links = held.links if held else {}
        held = Record(drawing.entity.name, 0, drawing.preview.values, links)
    if held is None:
        return ""
    html = show_value(drawing.entity, field_.name, held, drawing.visit.look, masked=masked)
    return "" if html == EMPTY else html


def default_typed(
    visit: Visit, entity: Entity, names: Sequence[str], preview: Preview, look: FormLook
) -> dict[str, Sequence[str]]:
    """Return what a new form holds where nobody typed: the defaults, links with their titles."""
    links: dict[str, Any] = {}
    for name in names:
        one, value = entity.fields[name], preview.values.get(name)
        targets = one.type.targets(one)
        if not targets or value is None:
            continue
        links[name] = _linked(visit, one, targets[0], value)
    record = Record(entity.name, 0, preview.values, links)
    plain = [name for name in names if entity.fields[name].type.writable]
    return typed_of(visit.catalog, entity, plain, record, look)


def _linked(visit: Visit, one: Field, target: str, value: Any) -> Any:
    """Return a link's value as ``{"id", "title"}``, a list of them for many."""
    if isinstance(value, tuple) and one.type.name == "any_link":
        target, number = value
        titles = visit.records.titles(visit.principal, target, [number])
        return {"entity": target, "id": number, "title": titles.get(number)}
    several = list(value) if isinstance(value, list | tuple) else [value]
    titles = visit.records.titles(visit.principal, target, several)
    linked = [{"id": number, "title": titles.get(number)} for number in several]
    return linked if one.type.many else linked[0]


def overlay(
    entity: Entity, defaults: Mapping[str, Sequence[str]], typed: Typed, touched: set[str]
) -> dict[str, Sequence[str]]:
    """Return the defaults with what somebody typed over them."""
    kept = {
        key: values
        for key, values in typed.items()
        if key.partition(".")[0] in touched or key.partition(".")[0] not in entity.fields
    }
    return merged(defaults, kept)


def sentences(fields: FieldMessages, visit: Visit) -> dict[str, list[str]]:
    """Return the problems of a save in the language of the page."""
    return {name: [_words(visit, one) for one in said] for name, said in fields.items()}


def _words(visit: Visit, text: Text) -> str:
    return text if isinstance(text, str) else text.in_language(visit.language)


def problem_lines(
    entity: Entity, errors: Mapping[str, Sequence[str]], message: str, visit: Visit
) -> list[ProblemLine]:
    """Return the sum of what has to be put right, each with a way to its field."""
    lines = []
    in_form = set(form_fields(entity, visit))
    for name, said in errors.items():
        first_name = name.partition(".")[0]
        one = entity.fields.get(first_name)
        label = one.label.in_language(visit.language) if one else ""
        href = f"#f-{name.replace('.', '-')}" if one and first_name in in_form else ""
        if "." in name:
            href = f"#f-{first_name}" if href else ""
        lines += [ProblemLine(sentence, label, href) for sentence in said]
    if message and not errors:
        lines.append(ProblemLine(message))
    return lines
