"""Bind the values of the workflows: durations, moments, what steps give to fields.

Every duration becomes one expression, whatever its spelling was; a problem in a part of it is told
at that part. How these values are written is read by `workflow_settings`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.definitions.automation import Given
from app.definitions.binding import refuse_field
from app.definitions.catalog import Field
from app.definitions.document import Document
from app.definitions.problems import Code
from app.definitions.scope import CatalogScope
from app.definitions.words import DURATION
from app.definitions.workshop import Path, Workshop
from app.expressions.problems import ExpressionProblem
from app.expressions.tree import Checked
from app.expressions.types import DATETIME, DAYS, NUMBER, Kind, Type
from app.expressions.types import DURATION as ANY_DURATION
from app.fields.base import FieldError, ParseContext
from app.fields.settings import written


@dataclass(frozen=True)
class RuleScope(CatalogScope):
    """The names at one place of a workflow; some that mean something elsewhere are refused."""

    #: by name, the sentence that says why it means nothing here
    refused: Mapping[str, str] = field(default_factory=dict)

    def find(self, name: str) -> Type | None:
        """Return the type of a name, or refuse it with its own sentence."""
        if name in self.refused:
            raise ExpressionProblem("unknown-name", self.refused[name])
        return super().find(name)


@dataclass(frozen=True)
class Site:
    """Where something is bound: the document it stands in, and the names that are known there."""

    shop: Workshop
    document: Document
    scope: CatalogScope

    @property
    def entity(self) -> str | None:
        """Whose fields the plain names are."""
        return self.scope.entity_name

    def within(self, scope: CatalogScope) -> Site:
        """Return the same place with other names."""
        return replace(self, scope=scope)

    def on(self, entity: str) -> Site:
        """Return the same place where the plain names are another entity's."""
        return self.within(replace(self.scope, entity_name=entity))

    def with_roots(self, **roots: Type) -> Site:
        """Return the same place with further words: `new`, `each`."""
        scope = replace(self.scope, roots={**self.scope.roots, **roots})
        if isinstance(scope, RuleScope):
            refused = {name: one for name, one in scope.refused.items() if name not in roots}
            scope = replace(scope, refused=refused)
        return self.within(scope)

    def problem(
        self, code: Code, path: Path, message: str, hint: str = "", *, key: bool = False
    ) -> None:
        """Note a problem here."""
        self.shop.problem(code, self.document, path, message, hint, key=key)

    def condition(self, path: Path, text: str, what: str = "The condition") -> Checked | None:
        """Return a checked condition; None where it has a problem."""
        return self.shop.condition(self.document, path, text, self.scope, what)

    def expression(
        self, path: Path, text: str, what: str, want: Type | None = None, *, skip: int = 0
    ) -> Checked | None:
        """Return a checked expression; None where it has a problem."""
        return self.shop.expression(self.document, path, text, self.scope, what, want, skip=skip)


def written_at(document: Document, path: Path) -> Any:
    """Return what stands at a place of a document."""
    data = document.data
    for step in path:
        data = data[step]
    return data


def item_path(site: Site, path: Path, index: int) -> Path:
    """Return where an item of a list stands; a list of one may be written without brackets."""
    return (*path, index) if isinstance(written_at(site.document, path), list) else path


def duration_text(text: str) -> str:
    """Return `8 working hours` as an expression: `working_hours(8)`."""
    found = DURATION.match(text)
    assert found is not None, text
    unit = f"working_{found[3]}s" if found[2] else f"{found[3]}s"
    return f"{unit}({int(found[1])})"


def bind_duration(site: Site, path: Path, wrote: Any, what: str) -> Checked | None:
    """Return a duration as one expression; what was written was read by `DurationValue`."""
    if not isinstance(wrote, dict):
        skip = 1 if wrote.startswith("=") else 0
        text = wrote[1:] if skip else duration_text(wrote)
        return site.expression(path, text, what, ANY_DURATION, skip=skip)
    text = _branches(site, path, wrote, what, lambda one: one)
    return None if text is None else site.expression(path, text, what, ANY_DURATION)


def bind_number(site: Site, path: Path, wrote: Any, what: str) -> Checked | None:
    """Return a number, a table of numbers, or what `=` works out, as one expression."""
    skip = 1 if isinstance(wrote, str) and wrote.startswith("=") else 0
    text: str | None = str(wrote)[skip:]
    if isinstance(wrote, dict):
        text = _branches(site, path, wrote, what, lambda one: one, _one_number)
    return None if text is None else site.expression(path, text, what, NUMBER, skip=skip)


def _one_number(site: Site, path: Path, text: str, what: str) -> str | None:
    if not text.startswith("="):
        return text
    checked = site.expression(path, text[1:], what, NUMBER, skip=1)
    return None if checked is None else f"({text[1:]})"


def bind_due(
    site: Site, path: Path, wrote: Any, base: str, what: str, *, before: bool
) -> Checked | None:
    """Return when something comes that a duration and a moment give, as one expression.

    *base* is the text of the moment, which was checked already. The moment is worked into each
    branch of a table, so that one may count working hours and another days.
    """
    sign = "-" if before else "+"
    text = _branches(site, path, wrote, what, lambda one: f"({base}) {sign} {one}")
    return None if text is None else site.expression(path, text, what)


def bind_moment(site: Site, path: Path, text: str, what: str) -> Checked | None:
    """Return an expression that gives a day or a moment."""
    checked = site.expression(path, text, what)
    if checked is not None and checked.type.kind not in (*DAYS, Kind.any):
        # The sentence of the checker says what is needed.
        site.expression(path, text, what, DATETIME)
        return None
    return checked


def _branches(
    site: Site,
    path: Path,
    wrote: Any,
    what: str,
    wrap: Callable[[str], str],
    read_one: Callable[[Site, Path, str, str], str | None] | None = None,
) -> str | None:
    """Return the text of a duration, or of a table of them, each wrapped; checks every part.

    *read_one* reads what is no duration.
    """
    read_one = read_one or _one_duration
    if not isinstance(wrote, dict):
        one = read_one(site, path, str(wrote), what)
        return None if one is None else wrap(one)
    by = str(wrote["by"])
    by_checked = site.expression((*path, "by"), by, "`by`")
    if by_checked is None:
        return None
    found = {}
    for name, inner in wrote.items():
        if name == "by":
            continue
        if name != "else" and not _is_choice(site, (*path, name), by, by_checked.type, name):
            return None
        one = read_one(site, (*path, name), str(inner), what)
        if one is None:
            return None
        found[name] = wrap(one)
    text = found.pop("else", "empty")
    for name in reversed(found):
        text = f"({found[name]}) if {_is_option(by, by_checked.type, name)} else ({text})"
    return text


def _is_option(by: str, type_: Type, name: str) -> str:
    if type_.kind is Kind.boolean:
        return f"({by})" if name in ("yes", "true") else f"not ({by})"
    if type_.is_number:
        return f"({by}) == {name}"
    return f"({by}) == '{name}'"


def _is_choice(site: Site, path: Path, by: str, type_: Type, name: str) -> bool:
    """Return whether a table may have a row of that name; report it if not."""
    if type_.kind is Kind.boolean:
        legal: tuple[str, ...] = ("yes", "no")
    elif type_.kind is Kind.choice:
        legal = type_.options
    elif _fits_freely(type_, name):
        return True
    else:
        site.problem(
            Code.wrong_field_type, path, f"`{by}` is {type_}; no row of a table is `{name}`.",
            "A table depends on a choice, a text, a number or yes and no.", key=True,
        )  # fmt: skip
        return False
    if name in legal:
        return True
    site.shop.unknown(
        Code.unknown_option, site.document, path, name, legal,
        f"`{name}` is no option of `{by}`.", key=True,
    )  # fmt: skip
    return False


def _fits_freely(type_: Type, name: str) -> bool:
    if type_.is_number:
        return re.fullmatch(r"-?\d+(\.\d+)?", name, re.ASCII) is not None
    return type_.kind in (Kind.text, Kind.any) and not {"'", "\\"} & set(name)


def _one_duration(site: Site, path: Path, text: str, what: str) -> str | None:
    if not text.startswith("="):
        return duration_text(text)
    checked = site.expression(path, text[1:], what, ANY_DURATION, skip=1)
    return None if checked is None else f"({text[1:]})"


def bind_given(
    site: Site, path: Path, wrote: Any, goes_to: Field | None, want: Type | None
) -> Given | None:
    """Return a value that a step gives; None where it has a problem.

    *goes_to* is the field that gets it, *want* the type of it: a fixed value is read by the field
    at once, so that a mistake shows here and not when the rule fires.
    """
    if isinstance(wrote, str) and wrote.startswith("="):
        wanted = None if want is None or want.kind is Kind.any else want
        checked = site.expression(path, wrote[1:], "The value", wanted, skip=1)
        return None if checked is None else Given(checked=checked)
    if isinstance(wrote, dict) and "by" in wrote:
        return _given_table(site, path, wrote, goes_to, want)
    if goes_to is not None and not _is_readable(site, path, wrote, goes_to):
        return None
    return Given(raw=wrote)


def _given_table(
    site: Site, path: Path, wrote: Mapping[str, Any], goes_to: Field | None, want: Type | None
) -> Given | None:
    by = site.expression((*path, "by"), str(wrote["by"]), "`by`")
    if by is None:
        return None
    table: dict[str, Given] = {}
    for name, inner in wrote.items():
        if name == "by":
            continue
        here = (*path, name)
        if name != "else" and not _is_choice(site, here, by.text, by.type, name):
            return None
        given = bind_given(site, here, inner, goes_to, want)
        if given is None:
            return None
        table[name] = given
    if "else" in table:
        table["else"] = table.pop("else")
    return Given(by=by, table=table)


def _is_readable(site: Site, path: Path, wrote: Any, goes_to: Field) -> bool:
    app = site.shop.app
    context = ParseContext(
        language=app.languages[0], time_zone=app.time_zone, currencies=app.currencies
    )
    try:
        goes_to.type.parse(goes_to, wrote, context)
    except FieldError as error:
        first = wrote.partition(".")[0].partition("(")[0] if isinstance(wrote, str) else ""
        names = (*site.scope.names, *site.shop.functions)
        hint = f"To work it out, write `={wrote}`." if first in names else ""
        message = f"`{goes_to.name}` cannot be {written(wrote)}: {error.sentence}"
        site.problem(Code.bad_value, path, message, hint)
        return False
    return True


def find_field(
    site: Site, path: Path, dotted: str, *, key: bool = True
) -> tuple[Field, Type] | None:
    """Return the field a dotted name leads to, through links, and its type; report it if none.

    `customer.status` is the field `status` of the customer linked here.
    """
    shop, entity = site.shop, site.entity or ""
    *links, last = dotted.split(".")
    for link in links:
        draft = shop.drafts[entity]
        found = draft.fields.get(link)
        if found is None or found.removed:
            refuse_field(shop, draft, site.document, path, link, key=key)
            return None
        targets = [one for one in found.type.targets(found) if one in shop.drafts]
        if len(targets) != 1 or shop.type_of(draft, link).kind is not Kind.record:
            message = f"`{entity}.{link}` is no link to one record, so `{last}` cannot follow."
            site.problem(Code.not_a_link, path, message, key=key)
            return None
        entity = targets[0]
    draft = shop.drafts[entity]
    found = draft.fields.get(last)
    if found is None or found.removed:
        refuse_field(shop, draft, site.document, path, last, key=key)
        return None
    return found, shop.type_of(draft, last)
