"""What is being compiled: drafts of entities, and the problems found with them.

The workshop is the `Model` expressions are checked against while types are still being found: the
type of a formula is worked out when somebody asks for it, so the order of files does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from app.definitions.catalog import App, Check, Field, OptionList, Role, View
from app.definitions.document import Document, problem_at
from app.definitions.field_schemas import FieldSchemas
from app.definitions.problems import Code, Problem, Severity, did_you_mean, nearest
from app.definitions.scope import (
    CatalogScope,
    LazyTypes,
    Model,
    app_value_type,
    record_scope,
)
from app.definitions.translated import translation
from app.expressions.checking import check
from app.expressions.functions import Functions
from app.expressions.problems import ExpressionProblem
from app.expressions.scopes import Scope
from app.expressions.syntax import Expression, parse
from app.expressions.tree import Checked
from app.expressions.types import ANY, BOOLEAN, Type, record_type
from app.fields.base import FieldTypes
from app.texts import Label

Path = tuple[Any, ...]


@dataclass(slots=True)
class Draft:
    """An entity in the making."""

    name: str
    document: Document
    #: Where its definition begins in the document; lines begin at their field.
    path: Path
    values: Mapping[str, Any]
    label: Label
    owned: bool = True
    lines_of: tuple[str, str] | None = None
    built_in: bool = False
    fields: dict[str, Field] = field(default_factory=dict)
    #: What was written for each own field.
    written: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()

    def field_path(self, name: str, *more: Any) -> Path:
        """Return where a field, or something in it, stands in the document."""
        return (*self.path, "fields", name, *more)


class Workshop(Model):
    """All drafts, with everything a check needs to know about the others."""

    def __init__(self, types: FieldTypes, functions: Functions) -> None:
        self.field_types = types
        self.functions = functions
        self.schemas = FieldSchemas(types)
        self.problems: list[Problem] = []
        #: So many of the problems were found before there was any draft.
        self.sound = 0
        self.app = App()
        self.roles: dict[str, Role] = {}
        self.options: dict[str, OptionList] = {}
        self.drafts: dict[str, Draft] = {}
        self.files: Mapping[str, str] = {}
        #: By list of options: the conditions under which options are offered, and where they stand.
        self.offers: dict[str, dict[str, tuple[Document, Path, str]]] = {}
        self._types: dict[str, LazyTypes] = {}
        #: Conditions repeat; what a text says is found out once, what it means per place.
        self._parsed: dict[str, Expression] = {}
        self._scopes: dict[tuple[str, str | None, bool], CatalogScope] = {}
        #: The entities that have an approval.
        self.approved: frozenset[str] = frozenset()
        #: The fields every record has, one object for all entities: by whether there is an owner,
        #: and whether there is an approval.
        self.built_in: dict[tuple[bool, bool], dict[str, Field]] = {}
        self._links: dict[str, list[tuple[str, str]]] | None = None
        #: By entity: the fields it was compiled from, others' and its own.
        self.reads: dict[str, set[tuple[str, str]]] = {}
        self._reader: set[tuple[str, str]] | None = None
        self._found: dict[tuple[str, str], Type] = {}
        self._in_work: list[tuple[str, str]] = []
        self._cycles: set[frozenset[tuple[str, str]]] = set()
        #: Works out a field that has no type of its own; set by the module that knows how.
        self.work_out: Callable[[Draft, Field], Type] = lambda _draft, _field: ANY
        #: Checks a view's condition when another expression asks for it.
        self.work_out_view: Callable[[Draft, str], Checked | None] = lambda _draft, _name: None

    # Problems.

    def problem(
        self,
        code: Code | str,
        document: Document,
        path: Path,
        message: str,
        hint: str = "",
        suggestions: Sequence[str] = (),
        *,
        key: bool = False,
        severity: Severity = Severity.error,
        told: Mapping[str, str] | None = None,
    ) -> None:
        """Note a problem at a value, or at its key."""
        where = document.spot.at_key(path) if key else document.spot.at_value(path)
        self.problems.append(problem_at(code, where, message, hint, suggestions, severity, told))

    def unknown(
        self,
        code: Code,
        document: Document,
        path: Path,
        name: str,
        legal: Iterable[str],
        message: str,
        *,
        key: bool = False,
    ) -> None:
        """Note that a name is not known, with what was probably meant."""
        listed = list(legal)
        close = nearest(name, listed)
        self.problem(code, document, path, message, did_you_mean(close, listed), close, key=key)

    def unknown_entity(self, document: Document, path: Path, name: str, message: str) -> None:
        """Note that there is no such entity, with the one probably meant and its place."""
        listed = [one for one in self.drafts if "." not in one]
        close = nearest(name, listed)
        hint = did_you_mean(close, listed, "Entities")
        if close and not self.drafts[close[0]].built_in:
            place = self.drafts[close[0]].document.place()
            hint = hint.replace(f"`{close[0]}`", f"`{close[0]}` ({place.file}:{place.line})", 1)
        self.problem(Code.unknown_entity, document, path, message, hint, close)

    # The model.

    @property
    def app_values(self) -> Mapping[str, Type]:
        """The types of `app.NAME`."""
        return {name: app_value_type(value) for name, value in self.app.values.items()}

    def is_entity(self, name: str) -> bool:
        """Whether there is such an entity; lines entities count."""
        return name in self.drafts

    def types(self, entity: str) -> Mapping[str, Type]:
        """Return the types of an entity's fields."""
        known = self._types.get(entity)
        if known is None:
            draft = self.drafts[entity]
            names = [name for name, one in draft.fields.items() if not one.removed]
            if draft.lines_of:
                names.append("parent")
            known = LazyTypes(names, lambda name: self.type_of(draft, name))
            self._types[entity] = known
        return known

    def views(self, entity: str) -> Iterable[str]:
        """Return the names of an entity's views."""
        screens = self.drafts[entity].values.get("screens")
        return tuple(screens.get("views") or ()) if isinstance(screens, dict) else ()

    def view(self, entity: str, name: str) -> Checked | None:
        """Return the checked condition of a view, which may be checked only now."""
        return self.work_out_view(self.drafts[entity], name)

    def type_of(self, draft: Draft, name: str) -> Type:
        """Return what expressions take a field for; a formula is checked if need be."""
        key = (draft.name, name)
        if self._reader is not None:
            self._reader.add(key)
        known = self._found.get(key)
        if known is not None:
            return known
        if draft.lines_of and name == "parent":
            return self._keep(key, record_type(draft.lines_of[0]))
        if key in self._in_work:
            self.note_circle(self._in_work[self._in_work.index(key) :])
            return ANY
        if (value := draft.fields[name].value) is not None:
            # Kept from the time before.
            return self._keep(key, value)
        self._in_work.append(key)
        try:
            with self.reading(draft.name.partition(".")[0]):
                return self._keep(key, self.work_out(draft, draft.fields[name]))
        finally:
            self._in_work.pop()

    @contextmanager
    def reading(self, unit: str) -> Iterator[None]:
        """Note all fields looked at meanwhile as read by *unit*, an entity with its lines."""
        before = self._reader
        self._reader = self.reads.setdefault(unit, set())
        try:
            yield
        finally:
            self._reader = before

    def forget_units(self, units: Container[str]) -> None:
        """Forget what was found out about entities and their lines; they are drafted anew."""
        for found in (self._found, self._types):
            for key in list(found):
                name = key if isinstance(key, str) else key[0]
                if name.partition(".")[0] in units:
                    del found[key]  # type: ignore[arg-type]
        self._links = None
        self._cycles.clear()
        del self.problems[self.sound :]

    def forget_drafts(self) -> None:
        """Begin anew, after drafts of the time before turned out to be of no use."""
        self.drafts.clear()
        for lists in (self.options, self.offers):
            for name in [name for name in lists if "." in name]:
                del lists[name]
        self.built_in = {}
        self._links = None
        self._found.clear()
        self._types.clear()
        del self.problems[self.sound :]

    def mark_broken(self, entity: str, name: str) -> None:
        """Let a field be anything, so that what reads it is not called wrong as well."""
        self._found[entity, name] = ANY

    def _keep(self, key: tuple[str, str], type_: Type) -> Type:
        self._found[key] = type_
        return type_

    def links_here(self, entity: str) -> list[tuple[str, str]]:
        """Return every link that leads to an entity: (entity, field), lines left out."""
        if self._links is None:
            self._links = {}
            for draft in self.drafts.values():
                for name, one in draft.fields.items() if draft.lines_of is None else ():
                    for target in () if one.built_in or one.removed else one.type.targets(one):
                        self._links.setdefault(target, []).append((draft.name, name))
        return self._links.get(entity, [])

    def drafts_of_lines(self, draft: Draft, name: str) -> Draft | None:
        """Return the draft of an entity's own lines; None where there are none of that name."""
        return self.drafts.get(f"{draft.name}.{name}")

    def note_circle(self, circle: list[tuple[str, str]]) -> None:
        """Note, once, that fields are worked out from each other."""
        if frozenset(circle) in self._cycles:
            return
        self._cycles.add(frozenset(circle))
        entity, name = min(circle)
        draft = self.drafts[entity]
        start = circle.index((entity, name))
        walk = [*circle[start:], *circle[:start], (entity, name)]
        words = " → ".join(f"`{one}.{field_}`" for one, field_ in walk)
        self.problem(
            Code.cycle,
            draft.document,
            draft.field_path(name),
            f"These fields are worked out from each other in a circle: {words}.",
            "Break it: one of them must do without the others.",
            key=True,
        )

    # Expressions.

    def scope(
        self, draft: Draft, *, record: str | None = None, on_write: bool = False
    ) -> CatalogScope:
        """Return the names of an entity's record."""
        key = (draft.name, record, on_write)
        if key not in self._scopes:
            self._scopes[key] = record_scope(
                self, draft.name, roles=self.roles, record=record, on_write=on_write
            )
        return self._scopes[key]

    def condition(
        self, document: Document, path: Path, text: str, scope: Scope, what: str
    ) -> Checked | None:
        """Return a checked condition; a problem is noted and gives None."""
        return self.expression(document, path, text, scope, what, BOOLEAN)

    def expression(
        self,
        document: Document,
        path: Path,
        text: str,
        scope: Scope,
        what: str,
        want: Type | None = None,
        *,
        skip: int = 0,
    ) -> Checked | None:
        """Return a checked expression; *skip* is how many characters stand before it (`=`)."""
        try:
            parsed = self._parsed.get(text)
            if parsed is None:
                parsed = self._parsed[text] = parse(text)
            return check(parsed, scope, want=want, functions=self.functions)
        except ExpressionProblem as found:
            self._place(document, path, text, what, found, skip)
            return None

    def _place(
        self,
        document: Document,
        path: Path,
        text: str,
        what: str,
        found: ExpressionProblem,
        skip: int,
    ) -> None:
        file, mark = document.spot.at_value(path)
        spot = document.spot.find(path)
        line, column, end_line, end_column = mark
        if spot is not None and line == end_line:
            begin = column + (1 if spot.quoted else 0) + skip + found.column - 1
            # In quotes an escaped quote takes two characters; never point beyond the value.
            end = begin + max(1, found.end_column - found.column)
            column, end_column = min(begin, end_column - 1), min(end, max(end_column, begin + 1))
        shown = " ".join(text.split())
        shown = f"{shown[:77]}…" if len(shown) > 78 else shown
        self.problems.append(
            problem_at(
                EXPRESSION_CODES.get(found.code, Code.bad_expression),
                (file, (line, column, end_line, end_column)),
                f"{what} `{shown}`: {found.message}",
                "",
                found.suggestions,
                told=_told(what, shown, found),
            )
        )


def _told(what: str, shown: str, found: ExpressionProblem) -> dict[str, str]:
    """Return what is wrong with an expression in the languages that the expression room knows."""
    told = {}
    for language, sentence in found.label.texts.items():
        known = translation(language)
        if known is not None:
            told[language] = f"{known.phrase(what)} `{shown}`：{sentence}"
    return told


#: What the expression room calls by words of its own and this one has a code for.
EXPRESSION_CODES: Mapping[str, Code] = {
    "unknown-name": Code.unknown_field,
    "unknown-field": Code.unknown_field,
    "unknown-part": Code.unknown_field,
    "unknown-option": Code.unknown_option,
    "unknown-view": Code.unknown_view,
    "unknown-entity": Code.unknown_entity,
}


def settle(field_: Field, **found: Any) -> None:
    """Fill in what was found out about a field.

    A field is frozen for everybody else; until its draft is an entity nobody else has seen it, and
    ten thousand copies would take half a second.
    """
    for name, value in found.items():
        object.__setattr__(field_, name, value)
