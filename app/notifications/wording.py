"""The words of one message for one receiver, and what is said when they cannot be made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.notifications.html import text_of_html
from app.notifications.readers import Needs
from app.notifications.reading import View
from app.notifications.rendering import Compiled, Renderer, TemplateFailed
from app.notifications.shown import Shown, in_words
from app.records.results import Record
from app.texts import Label, say

if TYPE_CHECKING:
    from app.notifications.telling import Notice

#: An inbox shows this much of a text; the rest stands in the e-mail.
_SHORT = 1_000
_SUBJECT = 150

_FAILED = say(
    "{about}: {record}. The text of this message could not be made.",
    "{about}：{record}。这条消息的内容无法生成。",
)
_NO_RULE = say("A message", "一条消息")


@dataclass(frozen=True, slots=True)
class Words:
    """What is said to one receiver."""

    subject: str
    text: str
    html: str | None = None
    #: of the record, to be opened
    path: str | None = None
    language: str = "en"
    files: tuple[tuple[str, str], ...] = ()

    @property
    def short(self) -> str:
        """The text of the inbox."""
        return self.text if len(self.text) <= _SHORT else self.text[: _SHORT - 1] + "…"

    def as_mail(self) -> dict[str, Any]:
        """Return the content of an e-mail."""
        found: dict[str, Any] = {
            "subject": self.subject,
            "text": self.text,
            "language": self.language,
        }
        if self.html is not None:
            found["html"] = self.html
        if self.path is not None:
            found["path"] = self.path
        if self.files:
            found["files"] = [{"name": name, "html": html} for name, html in self.files]
        return found


def words_of(
    renderer: Renderer, view: View, notice: Notice, shared: dict[Any, Record] | None
) -> Words | None:
    """Return what a notice says to one receiver; None where he may not read the record.

    Raises:
        TemplateFailed: a template cannot be filled in.
    """
    subject, body, is_html = _texts(renderer, view, notice)
    files = [(one, renderer.compile(one.body, is_html=True)) for one in notice.attach]
    needs: dict[str, Any] = {}
    for compiled in (subject, body, *(compiled for _, compiled in files)):
        if compiled is not None:
            _merge(needs, compiled.needs)
    record = _record(view, notice, needs.get("record", {}), shared)
    if record is None and notice.record_id is not None:
        return None
    variables = variables_of(view, notice, record, needs)
    said = renderer.render(body, variables, view.language).strip()
    text = text_of_html(said) if is_html else said
    head = renderer.render(subject, variables, view.language) if subject is not None else text
    return Words(
        subject=one_line(head) or _about(notice).in_language(view.language),
        text=text,
        html=said if is_html else None,
        path=_path(notice),
        language=view.language,
        files=tuple(
            (f"{one.name}.html", renderer.render(compiled, variables, view.language))
            for one, compiled in files
        ),
    )


def fallback(view: View, notice: Notice, shared: dict[Any, Record] | None) -> Words | None:
    """Return what is said where a template failed: the rule and the record."""
    record = _record(view, notice, {}, shared)
    if record is None and notice.record_id is not None:
        return None
    title = record.text if record is not None else "–"
    said = _FAILED.format(about=_about(notice), record=title).in_language(view.language)
    return Words(one_line(said), said, path=_path(notice), language=view.language)


def variables_of(
    view: View, notice: Notice, record: Shown | None, needs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a template may name; what it does not name is not made."""
    found: dict[str, Any] = {
        name: make(view, notice, needs[name]) for name, make in _MAKERS.items() if name in needs
    }
    if record is not None:
        found["record"] = record
    return found


def _app(view: View, notice: Notice, needs: Needs) -> Any:
    del notice, needs
    app = view.work.release.catalog.app
    values = {
        name: Shown(value, in_words(value, view.language)) for name, value in app.values.items()
    }
    return {"name": app.name, **values}


def _rule(view: View, notice: Notice, needs: Needs) -> Any:
    del needs
    return Shown(notice.rule, name := _about(notice).in_language(view.language), {"name": name}.get)


def _receiver(view: View, notice: Notice, needs: Needs) -> Any:
    del notice, needs
    person = view.person
    known = {"name": "" if person.is_system else person.name, "email": person.my.get("email")}
    return Shown(person.user_id, str(known["name"]), known.get)


def _causer(view: View, notice: Notice, needs: Needs) -> Any:
    del needs
    person = view.work.organisation.principal(notice.causer)
    if person is None:
        return None
    known = {"name": person.name, "email": person.my.get("email")}
    return Shown(person.user_id, person.name, known.get)


def _old(view: View, notice: Notice, needs: Needs) -> Any:
    if notice.old_row is None or notice.entity is None:
        return None
    return view.before(notice.entity, notice.old_row, needs)


def _made(view: View, notice: Notice, needs: Needs) -> Any:
    return {
        name: view.record(*notice.made[name], inner)
        for name, inner in needs.items()
        if name in notice.made
    }


def _input(view: View, notice: Notice, needs: Needs) -> Any:
    del view, needs
    return notice.input


def _facts(view: View, notice: Notice, needs: Needs) -> Any:
    del view, needs
    return notice.facts


def _today(view: View, notice: Notice, needs: Needs) -> Any:
    del notice, needs
    return Shown(view.work.today, view.work.today.isoformat())


#: Beside ``record``, ``language`` and ``loop``.
_MAKERS: Mapping[str, Callable[[View, Notice, Needs], Any]] = {
    "app": _app,
    "rule": _rule,
    "user": _receiver,
    "me": _causer,
    "old": _old,
    "new": _made,
    "input": _input,
    "facts": _facts,
    "today": _today,
}


def one_line(text: str) -> str:
    """Return a text as one short line: a subject."""
    line = " ".join(text.split())
    return line if len(line) <= _SUBJECT else line[: _SUBJECT - 1] + "…"


def _texts(
    renderer: Renderer, view: View, notice: Notice
) -> tuple[Compiled | None, Compiled, bool]:
    template = notice.template
    if template is None:
        if notice.text is None:
            # A rule that waited may name one that was removed meanwhile.
            raise TemplateFailed(say("There is no such template any more.", "模板已不存在。"))
        return None, renderer.compile(notice.text.in_language(view.language)), False
    subject = template.subject
    head = renderer.compile(subject.in_language(view.language)) if subject is not None else None
    return head, renderer.compile(template.body, is_html=template.is_html), template.is_html


def _record(
    view: View, notice: Notice, needs: Needs, shared: dict[Any, Record] | None
) -> Shown | None:
    if notice.entity is None or notice.record_id is None:
        return None
    return view.record(notice.entity, notice.record_id, needs, shared)


def _about(notice: Notice) -> Label:
    return notice.about or _NO_RULE


def _path(notice: Notice) -> str | None:
    if notice.entity is None or notice.record_id is None:
        return None
    return f"/crm/{notice.entity}/{notice.record_id}"


def _merge(tree: dict[str, Any], other: Mapping[str, Any]) -> None:
    for name, inner in other.items():
        _merge(tree.setdefault(name, {}), inner)
