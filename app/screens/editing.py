"""Making and changing records: the form, its refresh while somebody types, the save."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, redirect, request

from app.definitions.catalog import Entity
from app.errors import Forbidden, InvalidInput, NotFound, RuleFailed
from app.records.conflicts import RecordConflict
from app.records.results import Record
from app.screens.change_undo import way_back
from app.screens.conflicts import conflict_page, without_theirs
from app.screens.controls import Typed, first
from app.screens.drawing import Drawing
from app.screens.form_state import (
    MARKS,
    TOUCHED,
    VERSION,
    as_typed,
    changed_fields,
    marks_of,
    merged,
    raw_of,
    typed_of,
)
from app.screens.forms import (
    FormSection,
    ProblemLine,
    alive_fields,
    default_typed,
    draw_sections,
    form_fields,
    overlay,
    problem_lines,
    sentences,
)
from app.screens.kinds import FormLook
from app.screens.navigation import in_sentence, plural
from app.screens.record_blocks import title_of
from app.screens.twins import Twin, find_twins, signature
from app.screens.visit import Visit, leave_toast


@dataclass(slots=True)
class FormView:
    """Everything `form.html` shows."""

    title: str
    action: str
    refresh: str
    list_href: str
    list_label: str
    back_href: str
    save_label: str
    sections: Sequence[FormSection]
    twins: Sequence[Twin] = ()
    twins_sig: str = ""
    version: str = ""
    kept: Sequence[tuple[str, str]] = ()
    touched: Sequence[str] = ()
    problems: Sequence[ProblemLine] = ()
    problems_title: str = ""
    warnings: Sequence[str] = ()
    has_lines: bool = False
    #: under which what is typed is kept in the browser, and where it is taken up again
    draft: str = ""
    again: str = ""
    is_taken: bool = False
    #: where those who edit a record say so
    here_href: str = ""


class Editing:
    """One form of one visit."""

    def __init__(self, visit: Visit, name: str, number: str | None = None) -> None:
        self.visit = visit
        #: it shows what was typed before already
        self.is_taken = False
        self.entity: Entity = visit.entity(name)
        self.record: Record | None = None
        if number is not None:
            self.record = visit.records.get(visit.principal, name, number)
            rights = visit.records.rights(visit.principal, name, self.record.id)
            if "update" not in rights:
                raise Forbidden(visit.policy.why("update", name))
        elif not visit.policy.may("create", name):
            raise Forbidden(visit.policy.why("create", name))
        self.names = form_fields(self.entity, visit)
        writable = set(visit.policy.writable(name)) | {"owner"}
        self.writable = [one for one in self.names if one in writable]

    @property
    def base(self) -> str:
        if self.record is None:
            return f"/crm/{self.entity.name}/new"
        return f"/crm/{self.entity.name}/{self.record.id}/edit"

    @property
    def back(self) -> str:
        return f"/crm/{self.entity.name}/{self.record.id if self.record else ''}"

    def _look(self, offered: Mapping[str, frozenset[str]] | None = None) -> FormLook:
        visit = self.visit
        return FormLook(
            visit.catalog, self.entity.name, visit.wording, visit.look.zone, offered or {}
        )

    def _opened(self) -> dict[str, Sequence[str]]:
        """Return what the form holds for the record as it is in the database."""
        assert self.record is not None
        return typed_of(self.visit.catalog, self.entity, self.writable, self.record, self._look())

    def drawing(
        self,
        typed: Typed,
        touched: set[str],
        errors: Mapping[str, Sequence[str]] | None = None,
    ) -> Drawing:
        """Work out how the form looks with what is typed so far."""
        visit, entity = self.visit, self.entity
        is_new = self.record is None
        given = [one for one in self.writable if not is_new or one in touched]
        raw = raw_of(visit.catalog, entity, given, typed)
        number = None if self.record is None else self.record.id
        preview = visit.previews.ask(visit.principal, entity.name, raw, number)
        look = self._look(preview.offered)
        if is_new:
            defaults = default_typed(visit, entity, self.writable, preview, look)
            typed = overlay(entity, defaults, typed, touched)
        return Drawing(
            visit, entity, look, preview, typed, errors or {}, self.record, alive_fields(entity)
        )

    def show(
        self,
        drawing: Drawing,
        touched: set[str],
        marks: str,
        version: str,
        message: str = "",
    ) -> Response:
        """Return the page with the form."""
        visit, entity = self.visit, self.entity
        label = in_sentence(entity.label.in_language(visit.language), visit.language)
        if self.record is None:
            title = visit.wording.say("New %(thing)s", thing=label)
        else:
            title = title_of(entity, self.record, visit)
        problems = problem_lines(entity, drawing.errors, message, visit)
        twins = self._twins(drawing.typed, touched)
        view = FormView(
            title=title,
            action=self.base,
            refresh=f"{self.base}/refresh",
            list_href=f"/crm/{entity.name}/",
            list_label=plural(entity, visit.language),
            back_href=self.back,
            save_label=visit.wording.say("Save"),
            sections=draw_sections(drawing),
            twins=twins,
            twins_sig=signature(twins),
            version=version,
            kept=[(MARKS, marks)] if marks else [],
            touched=sorted(touched),
            problems=problems,
            problems_title=visit.wording.count(
                "%(number)s thing to put right:", "%(number)s things to put right:", len(problems)
            ),
            draft=f"{visit.principal.user_id}:{self.base}",
            again=f"{self.base}/again",
            is_taken=self.is_taken or bool(problems),
            here_href=f"{self.back}/here" if self.record is not None else "",
            has_lines=any(entity.fields[one].type.name == "lines" for one in self.names),
        )
        response = visit.render("form.html", page=visit.page(title, entity.name), view=view)
        if problems:
            response.status_code = 422
        return response

    # -- the four things one can do with a form ----------------------------------------------------

    def open(self) -> Response:
        """Show the form the first time: presets of the address, or the record's values."""
        if self.record is None:
            presets = {name: request.args.getlist(name) for name in request.args}
            touched = {key.partition(".")[0] for key in presets} & set(self.writable)
            return self.show(self.drawing(presets, touched), touched, "", "")
        typed = self._opened()
        marks = marks_of(self.writable, typed)
        return self.show(self.drawing(typed, set()), set(), marks, str(self.record.version or ""))

    def refresh(self) -> Response:
        """Return the body of the form as it ought to look with what is typed now."""
        typed, touched = self._posted()
        drawing = self.drawing(typed, touched)
        twins = self._twins(typed, touched)
        view = {
            "sections": draw_sections(drawing),
            "twins": twins,
            "twins_sig": signature(twins),
        }
        return self.visit.render("form_refresh.html", view=view)

    def _twins(self, typed: Typed, touched: set[str]) -> list[Twin]:
        number = None if self.record is None else self.record.id
        asked = touched & set(self.writable)
        return find_twins(self.visit, self.entity, asked, typed, number)

    def _posted(self) -> tuple[dict[str, Sequence[str]], set[str]]:
        typed = as_typed(request.form)
        touched = set(request.form.getlist(TOUCHED)) & set(self.writable)
        # Rows of lines cannot be touched without their field having been seen.
        touched |= {
            one
            for one in self.writable
            if self.entity.fields[one].type.name == "lines" and f"{one}.rows" in typed
        }
        return typed, touched

    def save(self) -> Response:
        """Write what was typed; on a problem show the form again, with nothing lost."""
        typed, touched = self._posted()
        typed = without_theirs(typed)
        try:
            written = self._write(typed)
        except (InvalidInput, RuleFailed) as problem:
            return self._again(typed, touched, problem)
        except RecordConflict as conflict:
            assert self.record is not None
            return conflict_page(self.visit, self.entity, self.record, conflict, typed)
        visit = self.visit
        title = title_of(self.entity, self._read(written.id), visit)
        if self.record is None:
            leave_toast(visit.wording.say("%(title)s was created", title=title))
        elif written.changed:
            way = way_back(visit, self.entity.name, written.id)
            leave_toast(visit.wording.say("Saved"), **way)
        if written.warnings:
            leave_toast(" ".join(visit.words(one) for one in written.warnings))
        return redirect(f"/crm/{self.entity.name}/{written.id}", 303)  # type: ignore[return-value]

    def _read(self, number: int) -> Record:
        """Return the record after a save; it may be out of sight by then."""
        names = (self.entity.title,) if self.entity.title else ("id",)
        try:
            record: Record = self.visit.records.get(
                self.visit.principal, self.entity.name, number, fields=names
            )
        except NotFound:
            return Record(self.entity.name, number, {})
        return record

    def _write(self, typed: Typed) -> Any:
        visit, entity = self.visit, self.entity
        if self.record is None:
            raw = raw_of(visit.catalog, entity, self.writable, typed)
            return visit.writer.create(
                visit.principal, entity.name, raw, origin="screen", strict=False
            )
        names = changed_fields(self.writable, typed)
        raw = raw_of(visit.catalog, entity, names, typed)
        version = first(typed, VERSION)
        return visit.writer.update(
            visit.principal,
            entity.name,
            self.record.id,
            raw,
            version=int(version) if version.isdigit() else None,
            origin="screen",
            strict=False,
        )

    def _again(
        self, typed: Typed, touched: set[str], problem: InvalidInput | RuleFailed
    ) -> Response:
        visit = self.visit
        errors = sentences(problem.fields, visit)
        everything = touched | {key.partition(".")[0] for key in typed} & set(self.writable)
        drawing = self.drawing(typed, everything, errors)
        said = visit.words(problem.message) if problem.message else ""  # type: ignore[arg-type]
        return self.show(drawing, everything, first(typed, MARKS), first(typed, VERSION), said)

    def take_up(self) -> Response:
        """Show the form of a new record with what was typed before: a draft, or the short form."""
        typed, touched = self._posted()
        self.is_taken = True
        return self.show(self.drawing(typed, touched), touched, "", "")

    def keep_editing(self) -> Response:
        """Show the form again after a conflict, on top of what is in the database now."""
        assert self.record is not None
        self.is_taken = True
        typed, touched = self._posted()
        opened = self._opened()
        shown = merged(opened, typed)
        marks = marks_of(self.writable, opened)
        drawing = self.drawing(shown, touched)
        return self.show(drawing, touched, marks, str(self.record.version or ""))
