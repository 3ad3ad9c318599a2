"""Templates of messages and of pages to print: a head, and a text with places to fill in.

Between two lines of `---` the head says what it is (`message: NAME` or `print: NAME`) and for which
entity; the text behind it is Jinja, in a small part that the notifications room knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import marshmallow as ma

from app.definitions.automation import Template
from app.definitions.complaints import Complaint, check_name, shape_problems
from app.definitions.document import Document, problem_at, read_documents
from app.definitions.problems import Code, Problem, has_errors
from app.definitions.rule_scopes import event_scope, hook_scope
from app.definitions.shape import Definition, Labels, add_keys
from app.definitions.template_text import check_template
from app.definitions.workflow_values import Site
from app.definitions.workshop import Workshop
from app.expressions.types import ANY
from app.fields.settings import Name, Names, Plain, Word

PAPERS = ("A3", "A4", "A5", "A6", "letter", "legal", "A4 landscape", "A5 landscape")
_HEAD = re.compile(r"---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)


class TemplateSchema(Definition):
    """The head of a template."""

    noun = "the head"
    example = """
print: quote
entity: quote
paper: A4
for: [sales]
"""

    message = Plain("It is a message, and this is its name.")
    print = Plain("It is printed, and this is its name.")
    entity = Name("The entity whose record it shows.")
    subject = Labels("Of a message: the subject of the e-mail; `{{ … }}` is filled in.")
    label = Labels("What people read; without one it is made from the name.")
    paper = Word("Of a printed page: its size.", "A4", among=PAPERS)

    def check(self, values: dict[str, Any], data: dict[str, Any]) -> None:
        """Ask for one kind."""
        found = [key for key in ("message", "print") if key in data]
        if len(found) == 2:
            sentence = "A template is a message or it is printed, not both."
            raise ma.ValidationError(
                {"print": [Complaint(sentence, Code.conflicting_keys, "Remove one.", on_key=True)]}
            )
        if not found:
            sentence = "The head does not say what it is."
            hint = "Write `message: NAME` or `print: NAME`."
            raise ma.ValidationError({"message": [Complaint(sentence, Code.missing_key, hint)]})
        check_name(values[found[0]], "a template", _LOOSE)
        wrong = "paper" if found[0] == "message" else "subject"
        if wrong in data:
            sentence = f"`{wrong}` does not go with `{found[0]}`."
            raise ma.ValidationError(
                {wrong: [Complaint(sentence, Code.conflicting_keys, "Remove it.", on_key=True)]}
            )


_LOOSE = re.compile(r"[a-z][a-z0-9_-]*\Z")
add_keys(TemplateSchema, {"for": Names("Of a printed page: the roles that may print it.")})


@dataclass(frozen=True, slots=True)
class WrittenTemplate:
    """A template as it was read: its head checked by itself, its text not yet."""

    document: Document
    values: Mapping[str, Any]
    body: str
    #: lines of the file before the text
    lines: int

    @property
    def kind(self) -> str:
        """`message` or `print`."""
        return "message" if "message" in self.values else "print"

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.values[self.kind])


def read_template(file: str, text: str) -> tuple[WrittenTemplate | None, list[Problem]]:
    """Return a template of a file, or what is wrong with its head."""
    found = _HEAD.match(text.removeprefix("\ufeff"))
    if found is None:
        where = (file, (0, 0, 0, 1))
        message = "A template begins with a head between two lines of `---`."
        hint = "For example `---`, `message: quote_sent`, `entity: quote`, `---`."
        return None, [problem_at(Code.missing_key, where, message, hint)]
    # An empty first line keeps the numbers of the lines.
    documents, problems = read_documents(file, f"\n{found[1]}")
    if has_errors(problems) or not documents:
        return None, problems
    document = documents[0]
    try:
        values = TemplateSchema().read(document.data, "The head")
    except ma.ValidationError as error:
        return None, problems + shape_problems(document, error.messages)
    lines = found[0].count("\n")
    return WrittenTemplate(document, values, text[found.end() :], lines), problems


def bind_templates(
    shop: Workshop, written: list[WrittenTemplate], texts: Mapping[str, str]
) -> dict[str, Template]:
    """Return the templates by name, the names in them checked against their entities."""
    found: dict[str, Template] = {}
    for one in written:
        path = (one.kind,)
        if one.name in found:
            message = (
                f"The template `{one.name}` is defined twice; first in {found[one.name].file}."
            )
            shop.problem(Code.duplicate_name, one.document, path, message, "Rename one of them.")
            continue
        entity = one.values.get("entity")
        if entity is not None and (entity not in shop.drafts or "." in entity):
            message = f"`{entity}` is not an entity."
            shop.unknown_entity(one.document, ("entity",), entity, message)
            entity = None
        _check_roles(shop, one)
        _check_names(shop, one, entity, texts[one.document.file])
        found[one.name] = Template(
            name=one.name,
            kind=one.kind,  # type: ignore[arg-type]
            entity=entity,
            subject=one.values.get("subject"),
            body=one.body,
            is_html=one.document.file.endswith((".html", ".htm")) or one.kind == "print",
            paper=one.values.get("paper", "A4"),
            for_=one.values.get("for", ()),
            file=one.document.file,
        )
    return found


def _check_roles(shop: Workshop, one: WrittenTemplate) -> None:
    for role in one.values.get("for", ()):
        if role not in shop.roles:
            shop.unknown(
                Code.unknown_role, one.document, ("for",), role, shop.roles,
                f"`{role}` is not a role.",
            )  # fmt: skip


def _check_names(shop: Workshop, one: WrittenTemplate, entity: str | None, text: str) -> None:
    """Check what a template names; which rule uses it is not known, so its words may be any."""
    scope = event_scope(shop, entity) if entity is not None else hook_scope(shop)
    loose = dict.fromkeys(("input", "new", "old", "each", "me", "my", "answer"), ANY)
    if entity is None:
        loose["record"] = ANY
    site = Site(shop, one.document, type(scope)(shop, None, {**scope.roots, **loose}))
    lines = text.split("\n")

    def tell(code: Code, line: int, found: str, sentence: str, hint: str) -> None:
        number = one.lines + line - 1
        shown = lines[number] if number < len(lines) else ""
        column = max(shown.find(found), 0) if found else 0
        mark = (number, column, number, column + max(1, len(found)))
        shop.problems.append(problem_at(code, (one.document.file, mark), sentence, hint))

    check_template(site, one.body, tell)
    subject = one.values.get("subject")
    for each in subject.texts.values() if subject is not None else ():

        def tell_subject(code: Code, line: int, found: str, sentence: str, hint: str) -> None:
            del line, found
            shop.problem(code, one.document, ("subject",), sentence, hint)

        check_template(site, each, tell_subject)
