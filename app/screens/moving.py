"""The stages of a record, as a path: which moves there are, what each asks for, why not.

A move that lacks something opens a small form with just that; one that is refused says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flask import Response, redirect, request

from app.definitions.catalog import Entity, Field, Option
from app.errors import InvalidInput, NotFound, RuleFailed
from app.records.moves import Possible
from app.records.results import Record
from app.screens.controls import Control
from app.screens.drawing import Drawing
from app.screens.form_state import as_typed, merged, raw_of, typed_of
from app.screens.forms import draw_field, sentences
from app.screens.kinds import FormLook
from app.screens.visit import Visit, leave_toast
from app.screens.why import Why, why_no_way, why_not_moved


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of the path."""

    name: str
    label: str
    #: on | done | lock (refused) | off (no move leads there) | nothing
    state: str
    days: str = ""
    #: the dialog it opens; without one a click moves
    opens: str = ""
    #: what the move is called, where it has words of its own
    title: str = ""
    #: the note that says why a click does not move
    why: str = ""


@dataclass(frozen=True, slots=True)
class Needed:
    """Something a move asks for, and whether it is there."""

    label: str
    there: bool


@dataclass(frozen=True, slots=True)
class MoveDialog:
    """What a move asks for, or why it cannot be made."""

    id: str
    title: str
    to: str
    why: str = ""
    needed: Sequence[Needed] = ()
    controls: Sequence[Control] = ()
    #: it is asked again, after a refusal
    shown: bool = False
    #: what is missing is filled in on the record's own form
    edit_href: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    """The stages of a record, as a path."""

    label: str
    href: str
    steps: Sequence[Step]
    dialogs: Sequence[MoveDialog] = ()
    whys: Sequence[Why] = ()
    #: where the record goes from here as a rule
    next: Step | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A move that was tried and refused: what was typed, and what was said about it."""

    to: str
    errors: Mapping[str, Sequence[str]]


def stage_path(
    visit: Visit, entity: Entity, record: Record, refused: Refused | None = None
) -> Path | None:
    """Return the stages of the first stage field the visitor may read; None without one."""
    field = next(
        (f for f in entity.fields.values() if f.type.name == "stage" and not f.removed), None
    )
    if field is None or field.name not in record.values or field.name in record.masked:
        return None
    moves = {
        one.to: one
        for one in visit.previews.moves(visit.principal, entity.name, record.id)
        if one.field == field.name
    }
    days: dict[str, int] = {}
    for stay in visit.previews.stays(visit.principal, entity.name, record.id):
        if stay.field == field.name:
            spent = (stay.left_at or visit.look.now) - stay.entered_at
            days[stay.stage] = days.get(stay.stage, 0) + spent.days
    return _PathMaker(visit, entity, record, field, moves, days, refused).make()


def move_dialog(
    visit: Visit, entity: Entity, record: Record, field: Field, to: str, refused: Refused | None
) -> MoveDialog | None:
    """Return what one move asks for, or why it cannot be made; None where it is simply made.

    A choice has no moves; of one there is a dialog once a change of it was refused.
    """
    option = next((one for one in field.options if one.name == to and not one.removed), None)
    if option is None:
        raise NotFound
    moves = {}
    if field.type.name == "stage":
        found = visit.previews.moves(visit.principal, entity.name, record.id)
        moves = {one.to: one for one in found if one.field == field.name}
    elif refused is not None:
        moves = {to: Possible(field.name, None, to, option.label, option.final, (), ())}
    return _PathMaker(visit, entity, record, field, moves, {}, refused).dialog(option)


@dataclass(frozen=True, slots=True)
class _PathMaker:
    visit: Visit
    entity: Entity
    record: Record
    field: Field
    moves: Mapping[str, Possible]
    #: spent in each stage
    days: Mapping[str, int]
    refused: Refused | None

    def make(self) -> Path:
        options = self._options()
        now = self.record.values[self.field.name]
        here = next((n for n, option in enumerate(options) if option.name == now), -1)
        ends = [n for n, option in enumerate(options) if option.final]
        # Of a record that has arrived, all that is no end lies behind it.
        done = min(ends) if here in ends else here
        steps, dialogs, whys = [], [], []
        for index, option in enumerate(options):
            why = self._why(option, options) if index != here else None
            dialog = self.dialog(option) if why is None else None
            whys += [why] if why is not None else []
            dialogs += [dialog] if dialog is not None else []
            step = self._step(option, index == here, index < done, dialog)
            steps.append(replace(step, why=why.id if why is not None else ""))
        return Path(
            self.field.label.in_language(self.visit.language),
            f"/crm/{self.entity.name}/{self.record.id}/move/{self.field.name}",
            steps,
            dialogs,
            whys,
            self._next(options, steps, here),
        )

    def _why(self, option: Option, options: Sequence[Option]) -> Why | None:
        """Return why the record cannot be moved to a stage; None where it can."""
        move, language = self.moves.get(option.name), self.visit.language
        label = option.label.in_language(language)
        if move is not None:
            if move.why is None:
                return None
            return why_not_moved(self.visit, self.entity, move, label)
        now = self.record.values[self.field.name]
        here = next((one for one in options if one.name == now), option)
        ways = [
            one.label.in_language(language)
            for one in options
            if one.name in self.moves and self.moves[one.name].is_open
        ]
        found = self.visit.catalog.automation.lifecycles_of(self.entity.name, self.field.name)
        name = found[0].name if len(found) == 1 else ""
        at = here.label.in_language(language)
        return why_no_way(self.visit, option.name, label, at, ways, name)

    def _next(self, options: Sequence[Option], steps: Sequence[Step], here: int) -> Step | None:
        """Return the stage that comes next: the first behind this one that a move leads to."""
        if here < 0 or options[here].final:
            return None
        behind = [
            (option, step)
            for option, step in list(zip(options, steps, strict=True))[here + 1 :]
            if option.name in self.moves
        ]
        usual = [step for option, step in behind if not option.final]
        return usual[0] if usual else behind[0][1] if behind else None

    def _options(self) -> list[Option]:
        """Return the stages of the lifecycle the record is in, and the one it has."""
        now = self.record.values[self.field.name]
        found = self.visit.catalog.automation.lifecycles_of(self.entity.name, self.field.name)
        if not found:
            return [one for one in self.field.options if one.name == now or not one.removed]
        named = [set(one.stages) for one in found]
        wanted = {now, *self.moves}
        fitting = next((one for one in named if wanted <= one), set().union(*named))
        return [
            option
            for option in self.field.options
            if option.name == now or (option.name in fitting and not option.removed)
        ]

    def _step(self, option: Option, here: bool, done: bool, dialog: MoveDialog | None) -> Step:
        move = self.moves.get(option.name)
        state = "on" if here else "done" if done else ""
        if not here and move is None:
            state = f"{state} off".strip()
        elif move is not None and not move.is_open:
            state = f"{state} lock".strip()
        days = ""
        if option.name in self.days and (here or done):
            days = self.visit.wording.say("%(days)s d", days=self.days[option.name])
        label = option.label.in_language(self.visit.language)
        title = move.label.in_language(self.visit.language) if move is not None else ""
        return Step(
            option.name, label, state, days, dialog.id if dialog else "",
            title if title != label else "",
        )  # fmt: skip

    def dialog(self, option: Option) -> MoveDialog | None:
        """Return what a click opens: what is asked, or why not; None where it simply moves."""
        move = self.moves.get(option.name)
        if move is None:
            return None
        tried = self.refused if self.refused and self.refused.to == option.name else None
        if move.why is None and not move.missing and tried is None:
            return None
        say, label = self.visit.wording.say, option.label.in_language(self.visit.language)
        if move.why is not None:
            why = move.why.in_language(self.visit.language)
            return MoveDialog(
                f"move-{option.name}", say("Not possible: %(stage)s", stage=label), option.name, why
            )
        asked = [*move.missing, *(tried.errors if tried else ())]
        names = [name for name in dict.fromkeys(asked) if self._can_be_asked(name)]
        return MoveDialog(
            f"move-{option.name}",
            say("Move to %(stage)s", stage=label),
            option.name,
            self._said(tried, names),
            [
                Needed(
                    self.entity.fields[name].label.in_language(self.visit.language),
                    name not in move.missing,
                )
                for name in move.needs
            ],
            self._controls(names, option.name, tried),
            shown=tried is not None,
            edit_href=""
            if set(move.missing) <= set(names)
            else f"/crm/{self.entity.name}/{self.record.id}/edit",
        )

    def _said(self, tried: Refused | None, names: Sequence[str]) -> str:
        """Return what was said that stands beside none of the fields asked for."""
        if tried is None:
            return ""
        # That something is missing is shown beside what is missing.
        skipped = {*names, self.field.name} if names else set(names)
        said = [one for name, all_ in tried.errors.items() if name not in skipped for one in all_]
        return " ".join(dict.fromkeys(said))

    def _can_be_asked(self, name: str) -> bool:
        one = self.entity.fields.get(name)
        return (
            one is not None
            and one.type.name != "lines"
            and name != self.field.name
            and name in self.visit.policy.writable(self.entity.name)
        )

    def _controls(self, names: Sequence[str], to: str, tried: Refused | None) -> list[Control]:
        if not names:
            return []
        visit = self.visit
        preview = visit.previews.ask(visit.principal, self.entity.name, {}, self.record.id)
        look = FormLook(
            visit.catalog, self.entity.name, visit.wording, visit.look.zone, preview.offered
        )
        typed = typed_of(visit.catalog, self.entity, names, self.record, look)
        if tried is not None:
            typed = merged(typed, as_typed(request.form))
        errors = tried.errors if tried is not None else {}
        drawing = Drawing(visit, self.entity, look, preview, typed, errors, self.record)
        controls = []
        for name in names:
            control = draw_field(drawing, self.entity.fields[name])
            control.id = f"m-{to}-{name}"
            control.span = 12
            control.required = True
            controls.append(control)
        return controls


def move(visit: Visit, name: str, number: str, field: str) -> Response:
    """Move a record to another stage, with what was filled in for it."""
    from app.screens.record_page import record_page

    entity = visit.entity(name)
    one = entity.fields.get(field)
    if one is None or one.type.name not in ("stage", "choice"):
        raise NotFound
    record = visit.records.get(visit.principal, name, number)
    before, to = record.get(field), request.form.get("to", "")
    version = request.form.get("version", "")
    writable = set(visit.policy.writable(name)) - {field}
    # Whatever else the form holds was asked for by the move.
    names = [each for each in entity.fields if each in writable and each in request.form]
    raw = raw_of(visit.catalog, entity, names, as_typed(request.form))
    try:
        visit.writer.update(
            visit.principal,
            name,
            record.id,
            {**raw, field: to},
            version=int(version) if version.isdigit() else None,
            origin="screen",
            strict=False,
        )
    except (InvalidInput, RuleFailed) as problem:
        errors = sentences(problem.fields, visit)
        said = [each for all_ in errors.values() for each in all_]
        told = " ".join(dict.fromkeys(said)) or visit.words(problem.message)  # type: ignore[arg-type]
        return record_page(visit, name, number, refused=told, moving=Refused(to, errors))
    _leave_toast(visit, entity, record.id, one, str(before or ""), to)
    return redirect(f"/crm/{name}/{record.id}", 303)  # type: ignore[return-value]


def _leave_toast(
    visit: Visit, entity: Entity, number: int, field: Field, before: str, to: str
) -> None:
    """Say where the record is now; offer to take it back where a move leads back."""
    labels = {option.name: option.label.in_language(visit.language) for option in field.options}
    back = before != ""
    if back and field.type.name == "stage":
        found = visit.previews.moves(visit.principal, entity.name, number)
        back = any(
            one.field == field.name and one.to == before and one.is_open and not one.missing
            for one in found
        )
    leave_toast(
        visit.wording.say("Moved to %(stage)s", stage=labels.get(to, to)),
        undo=f"/crm/{entity.name}/{number}/move/{field.name}" if back else "",
        fields=(("to", before),) if back else (),
    )
