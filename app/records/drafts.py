"""A record about to be written: what was there, what is asked for, and what is wrong with it.

Reading input happens here, once for every way in: unknown names, fields nobody may write, rights
and the values themselves. Nothing here touches the database.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from app.access.policy import Policy
from app.access.principal import Principal
from app.definitions.business_calendar import country_of
from app.definitions.catalog import App, Entity, Field
from app.errors import InvalidInput, RuleFailed
from app.fields.base import FieldError, ParseContext
from app.texts import Label, say

#: What the system keeps itself; a person may neither give nor change it.
KEPT_BY_THE_SYSTEM = frozenset(
    {
        "id", "version", "created_at", "created_by", "updated_at", "updated_by", "deleted_at",
        "deleted_by", "owner_department", "owner_since", "previous_owner", "pool",
    }
)  # fmt: skip


class Problems:
    """Sentences about fields, collected so that a person is told everything at once."""

    def __init__(self) -> None:
        self.fields: dict[str, list[Label]] = {}
        self.general: list[Label] = []

    def add(self, field: str | None, sentence: Label) -> None:
        """Put a sentence beside a field, or above the form."""
        if field is None:
            self.general.append(sentence)
        elif sentence not in self.fields.setdefault(field, []):
            self.fields[field].append(sentence)

    def __bool__(self) -> bool:
        return bool(self.fields or self.general)

    def raise_if_any(self) -> None:
        """Raise what was collected.

        Raises:
            InvalidInput: there is something.
        """
        if not self:
            return
        first = self.general[0] if self.general else None
        raise InvalidInput(self.fields, first or "")


def blame_rules(changed_by: Mapping[str, str], problems: Problems) -> None:
    """Refuse in the name of a rule what a rule gave, since nobody could mend it in the form.

    Raises:
        RuleFailed: a field that a rule changed is among the problems.
    """
    for name, sentences in problems.fields.items():
        if rule := changed_by.get(name):
            raise RuleFailed(
                say(
                    "The rule “{rule}” gave {field} a value that cannot be saved: {why} This is "
                    "no mistake of yours; tell an administrator.",
                    "规则“{rule}”给“{field}”设置了无法保存的值：{why}这不是您的错误，请告知管理员。",
                    rule=rule,
                    field=name,
                    why=sentences[0],
                ),
                rule=rule,
            )


class Draft:
    """One record on its way into the database.

    ``old`` holds its values before (empty for a new one), ``changes`` those to be written; both by
    field name, as Python values.
    """

    def __init__(
        self,
        entity: Entity,
        context: ParseContext,
        old: Mapping[str, Any] | None = None,
        record_id: int | None = None,
    ) -> None:
        self.entity = entity
        #: how a value that a hook sets is read
        self.context = context
        self.old: Mapping[str, Any] = old or {}
        self.id = record_id
        self.changes: dict[str, Any] = {}
        #: rows of lines fields, by field name, each with ``id`` where it exists already
        self.lines: dict[str, list[LineDraft]] = {}
        #: columns that are no fields, such as the number of a user's account
        self.columns: dict[str, Any] = {}
        #: names that were given: they get no default
        self.given: set[str] = set()
        #: whether files are put on the record or taken off it, and nothing else
        self.is_about_files = False
        #: stages whose `set` was done, by field
        self.entered: dict[str, str] = {}
        #: the moves of this write where a rule went on: from, to, and whether a rule made it
        self.legs: dict[str, list[tuple[str | None, str, bool]]] = {}
        #: records that may be the same thing, see ``pairs.Met``
        self.met: list[Any] = []

    @property
    def is_new(self) -> bool:
        return self.id is None

    @property
    def prefix(self) -> str:
        """Return what stands before a field's name in messages about it."""
        return ""

    @property
    def rows(self) -> Iterator[LineDraft]:
        """Return the rows of every lines field that is written."""
        return (line for lines in self.lines.values() for line in lines)

    def get(self, name: str) -> Any:
        """Return the value the record will have."""
        return self.changes[name] if name in self.changes else self.old.get(name)

    def __contains__(self, name: object) -> bool:
        return name in self.entity.fields

    def __iter__(self) -> Iterator[str]:
        return iter(self.entity.fields)

    def set(self, name: str, value: Any) -> None:
        """Change a field; the value is checked like a person's input.

        Raises:
            InvalidInput: there is no such field, or the value cannot be taken.
        """
        field = self.entity.fields.get(name)
        if field is None or not field.type.writable:
            raise InvalidInput({name: [no_such_field(self.entity, name)]})
        try:
            self.changes[name] = field.type.parse(field, value, self.context)
        except FieldError as error:
            raise InvalidInput({name: [error.sentence]}) from error

    def changed(self, name: str) -> bool:
        """Return whether the write changes the field; on create every filled one counts."""
        if name in self.lines:
            return True
        return name in self.changes and self.changes[name] != self.old.get(name)

    def after(self) -> dict[str, Any]:
        """Return all values the record will have."""
        return {**self.old, **self.changes}


class LineDraft(Draft):
    """One row of a lines field."""

    #: what the row was called in the input, for error messages: ``lines.2``
    where: str = ""

    @property
    def prefix(self) -> str:
        """Return the row, before the field."""
        return f"{self.where}."


def no_such_field(entity: Entity, name: str, policy: Policy | None = None) -> Label:
    """Return the sentence about a field that does not exist for this person, with the nearest."""
    seen = entity.fields if policy is None else policy.readable(entity.name)
    legal = [each for each in seen if not entity.fields[each].removed]
    near = difflib.get_close_matches(name, legal, n=3, cutoff=0.6)
    if near:
        return say(
            "There is no field {name}. Did you mean {near}?",
            "没有字段 {name}。您是不是想写 {near}？",
            name=name,
            near=", ".join(near),
        )
    return say("There is no field {name}.", "没有字段 {name}。", name=name)


def why_refused(field: Field, policy: Policy, entity: Entity) -> Label | None:
    """Return why this person may not write the field; None: they may."""
    right = policy.field_right(entity.name, field.name)
    if right == "hidden":
        return no_such_field(entity, field.name, policy)
    if field.name in KEPT_BY_THE_SYSTEM:
        return say(
            "{label} is kept by the system and cannot be set.",
            "“{label}”由系统维护，不能填写。",
            label=field.label,
        )
    if not field.type.writable:
        return say(
            "{label} is worked out and cannot be set.",
            "“{label}”由系统计算得出，不能填写。",
            label=field.label,
        )
    if field.readonly is True:
        return say("{label} cannot be changed.", "“{label}”不能修改。", label=field.label)
    if right != "edit":
        return say(
            "Your role may read {label}, but not change it.",
            "您的角色可以查看“{label}”，但不能修改。",
            label=field.label,
        )
    return None


def read_input(
    draft: Draft,
    raw: Mapping[str, Any],
    policy: Policy,
    context: ParseContext,
    problems: Problems,
    prefix: str = "",
) -> None:
    """Read what somebody wrote into *draft*; what cannot be taken becomes a problem.

    A value equal to the present one needs no right, so that a whole record may be sent back.
    """
    entity = draft.entity
    for name, value in raw.items():
        field = entity.fields.get(name)
        if field is None or field.removed:
            problems.add(prefix + name, no_such_field(entity, name, policy))
            continue
        refusal = why_refused(field, policy, entity)
        if refusal is not None:
            if not _is_unchanged(draft, field, value, policy, context):
                problems.add(prefix + name, refusal)
            continue
        if field.type.name == "lines":
            continue  # read by linesets, which knows the rows that are there
        try:
            draft.changes[name] = field.type.parse(field, value, context)
        except FieldError as error:
            problems.add(prefix + name, error.sentence)


def _is_unchanged(
    draft: Draft, field: Field, raw: object, policy: Policy, context: ParseContext
) -> bool:
    """Return whether *raw* is what the record holds already and the person may see that."""
    right = policy.field_right(draft.entity.name, field.name)
    if draft.is_new or right in ("hidden", "masked") or field.name in ("id", "version"):
        return False
    if not field.type.writable and field.name not in draft.old:
        # Worked out when it is read, so it may differ from one moment to the next.
        return True
    if context.strict:
        old = draft.old.get(field.name)
        return raw == (field.type.to_json(field, old) if old is not None else None)
    return False


def parse_context(app: App, principal: Principal, today: date, *, strict: bool) -> ParseContext:
    """Return how this person's input is to be read."""
    return ParseContext(
        language=principal.language,
        time_zone=principal.time_zone or app.time_zone,
        country=country_of(app.calendar),
        currencies=app.currencies,
        strict=strict,
        today=today,
        for_people=not strict,
    )
