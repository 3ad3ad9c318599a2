"""A record made from anywhere: the first fields of its form, in a dialog over the page.

What must be filled in is there, and what was given along (the link to the record at hand, the name
that was looked for). The rest is the form's, one click away, with nothing typed twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, jsonify, redirect, request

from app.errors import InvalidInput, RuleFailed
from app.screens.controls import Control
from app.screens.drawing import Drawing
from app.screens.editing import Editing
from app.screens.forms import FormSection, ProblemLine, draw_field, problem_lines, sentences
from app.screens.navigation import in_sentence
from app.screens.record_blocks import title_of
from app.screens.twins import Twin, signature
from app.screens.visit import Visit

#: Fields beside those that must be there.
_FIRST = 6
_WIDE = frozenset({"longtext", "markdown", "address", "links", "any_link", "tags", "choices"})
_NOT_HERE = frozenset({"lines", "files", "images", "file", "image", "signature"})


@dataclass(slots=True)
class QuickView:
    """Everything `quick.html` shows."""

    title: str
    action: str
    refresh: str
    again: str
    sections: Sequence[FormSection]
    touched: Sequence[str]
    twins: Sequence[Twin] = ()
    twins_sig: str = ""
    problems: Sequence[ProblemLine] = ()


class QuickEditing(Editing):
    """The short form of a new record."""

    @property
    def base(self) -> str:
        return f"/crm/{self.entity.name}/new"

    def fits(self) -> bool:
        """Return whether the short form can hold what must be there."""
        return not any(
            one.type.name in _NOT_HERE and one.required is True
            for one in self.entity.fields.values()
            if not one.removed
        )

    def open(self) -> Response:
        """Show the form with what was given along."""
        if not self.fits():
            query = request.query_string.decode()
            return redirect(f"{self.base}?{query}" if query else self.base, 302)  # type: ignore[return-value]
        presets = {name: request.args.getlist(name) for name in request.args}
        touched = {key.partition(".")[0] for key in presets} & set(self.writable)
        return self._quick(self.drawing(presets, touched), touched)

    def refresh(self) -> Response:
        """Return the fields as they ought to look with what is typed now."""
        typed, touched = self._posted()
        drawing = self.drawing(typed, touched)
        return self.visit.render("form_refresh.html", view=self._view(drawing, touched))

    def save(self) -> Response:
        """Write the record and say what it is called; on a problem give the form again."""
        typed, touched = self._posted()
        try:
            written = self._write(typed)
        except (InvalidInput, RuleFailed) as problem:
            errors = sentences(problem.fields, self.visit)
            said = self.visit.words(problem.message) if problem.message else ""  # type: ignore[arg-type]
            answer = self._quick(self.drawing(typed, touched, errors), touched, said)
            answer.status_code = 422
            return answer
        title = title_of(self.entity, self._read(written.id), self.visit)
        say = self.visit.wording.say
        told = [say("%(title)s was created", title=title)]
        told += [self.visit.words(one) for one in written.warnings]
        return jsonify(
            {
                "entity": self.entity.name,
                "id": written.id,
                "title": title,
                "href": f"/crm/{self.entity.name}/{written.id}",
                "told": " ".join(told),
                "open": say("Open"),
            }
        )

    def _quick(self, drawing: Drawing, touched: set[str], message: str = "") -> Response:
        view = self._view(drawing, touched)
        view.problems = problem_lines(self.entity, drawing.errors, message, self.visit)
        shown = {control.name for section in view.sections for control in section.fields}
        # What stands beside its field need not be said twice.
        view.problems = [one for one in view.problems if one.href.removeprefix("#f-") not in shown]
        return self.visit.render("quick.html", view=view, csrf=self.visit.csrf)

    def _view(self, drawing: Drawing, touched: set[str]) -> QuickView:
        label = in_sentence(self.entity.label.in_language(self.visit.language), self.visit.language)
        twins = self._twins(drawing.typed, touched)
        controls = self._controls(drawing, touched)
        title = self.visit.wording.say("New %(thing)s", thing=label)
        return QuickView(
            title,
            f"{self.base}/quick",
            f"{self.base}/quick/refresh",
            f"{self.base}/again",
            [FormSection("quick", title, conditional=False, fields=controls)],
            sorted(touched),
            twins,
            signature(twins),
        )

    def _controls(self, drawing: Drawing, touched: set[str]) -> list[Control]:
        """Return what must be filled in, what was given along, and the first of the rest."""
        wanted = {self.entity.title, *drawing.preview.required, *touched, *drawing.errors}
        controls: list[Control] = []
        more = _FIRST
        for name in self.writable:
            field = self.entity.fields[name]
            if name not in drawing.preview.shown or field.type.name in _NOT_HERE:
                continue
            if name not in wanted:
                if more <= 0 or name == "owner":
                    continue
                more -= 1
            control = draw_field(drawing, field)
            if control.control == "locked":
                continue
            is_wide = field.type.name in _WIDE or name == self.entity.title
            control.span = 12 if is_wide else 6
            control.id = f"q-{name}"
            controls.append(control)
        return controls


def again(visit: Visit, name: str) -> Response:
    """Show the whole form of a new record with what was typed elsewhere."""
    form = Editing(visit, name)
    return form.take_up()
