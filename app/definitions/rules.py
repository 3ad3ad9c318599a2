"""Bind rules: what sets each off, when it holds, what it does, checked for each of its entities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import marshmallow as ma

from app.definitions.ask_fields import bind_inputs
from app.definitions.automation import EVENTS, HAPPENINGS, RuleDefinition, Step, When
from app.definitions.complaints import LOOSE_NAME, check_name, shape_problems
from app.definitions.document import Document
from app.definitions.meaning import digest_of
from app.definitions.problems import Code, did_you_mean, nearest
from app.definitions.rule_actions import Known, StepBinder, item_path
from app.definitions.rule_schemas import KINDS
from app.definitions.rule_scopes import (
    button_scope,
    event_scope,
    happening_scope,
    hook_scope,
    timed_scope,
)
from app.definitions.workflow_values import (
    Site,
    bind_due,
    bind_duration,
    bind_moment,
    find_field,
)
from app.definitions.workshop import Path, Workshop
from app.expressions.tree import Checked
from app.expressions.types import ANY, DAYS, Kind
from app.texts import Label

_DATED = ("after", "before")
Documents = Mapping[str, Document]
#: Without `times` a rule repeats as long as it holds, which ends some day.
MOST_TIMES = 1000


def bind_rule(
    shop: Workshop, document: Document, values: Mapping[str, Any], known: Known
) -> RuleDefinition | None:
    """Return a rule; None where it is about nothing that exists."""
    name = values["rule"]
    if not is_name(shop, document, "rule", name):
        return None
    entities = _entities(shop, document, values)
    if entities is None:
        return None
    tried = {
        entity: _bind_for(shop, document, values, known, entity) for entity in entities or ("",)
    }
    bound = {entity: one for entity, one in tried.items() if one is not None}
    if len(bound) < len(tried):
        return None
    first = next(iter(bound.values()))
    site = Site(shop, document, first[3].scope)
    rule = RuleDefinition(
        name=name,
        entities=entities,
        when=first[0],
        do=first[1],
        if_={entity: one[2] for entity, one in bound.items() if one[2] is not None},
        label=values.get("label"),
        catch_up=values.get("missed", "catch_up") == "catch_up",
        backlog=values.get("backlog") == "fire",
        once=values.get("once", False),
        as_=_acts_as(site, values.get("as", "system")),
        off=values.get("off", False),
        was=values.get("was", ()),
        digest=digest_of(document.data),
        source=document.data,
        file=document.file,
        place=document.place(),
        by_entity={entity: (one[0], one[1]) for entity, one in bound.items()}
        if len(bound) > 1
        else {},
    )
    return _with_repeat(site, rule, values.get("repeat"))


def is_name(shop: Workshop, document: Document, kind: str, name: str) -> bool:
    """Report a name that no workflow may have; return whether it may."""
    try:
        check_name(name, f"a {kind}", LOOSE_NAME)
    except ma.ValidationError as error:
        # It stands behind its key, not as one.
        for problem in shape_problems(document, {kind: error.messages}):
            place = document.place((kind,))
            shop.problems.append(replace(problem, place=place, end_column=place.column + len(name)))
        return False
    return True


def check_hooks(shop: Workshop, rules: Iterable[RuleDefinition], documents: Documents) -> None:
    """Report two rules that listen at one address: a call would be for both."""
    first: dict[str, RuleDefinition] = {}
    for rule in rules:
        if rule.when.kind != "hook":
            continue
        other = first.setdefault(rule.when.path, rule)
        if other is not rule:
            shop.problem(
                Code.duplicate_name, documents[rule.name], ("when", "hook"),
                f"The rule `{other.name}` listens at `{rule.when.path}` already.",
                "Give one of them another path.",
            )  # fmt: skip


def _entities(
    shop: Workshop, document: Document, values: Mapping[str, Any]
) -> tuple[str, ...] | None:
    listed = values.get("entity", ())
    alone = not isinstance(document.data.get("entity"), list)
    found = True
    for index, entity in enumerate(listed):
        if entity not in shop.drafts or "." in entity:
            path = ("entity",) if alone else ("entity", index)
            shop.unknown_entity(document, path, entity, f"`{entity}` is not an entity.")
            found = False
    kind = kind_of(values["when"])
    happens = kind == "on" and set(values["when"]["on"]) <= set(HAPPENINGS)
    if not listed and kind not in ("every", "hook") and not happens:
        shop.problem(
            Code.missing_key, document, ("when", kind),
            f"`{kind}` is about a record, and the rule does not say of which entity.",
            "Add `entity: NAME`.", key=True,
        )  # fmt: skip
        return None
    if listed and happens:
        event = values["when"]["on"][0]
        shop.problem(
            Code.conflicting_keys, document, ("entity",),
            f"`{event}` is about no record.", "Remove `entity`.", key=True,
        )  # fmt: skip
        return None
    if listed and kind == "hook":
        shop.problem(
            Code.conflicting_keys, document, ("entity",),
            "A call from outside is about no record.",
            "Remove `entity`; find the record with `update: {entity: …, where: …}`.", key=True,
        )  # fmt: skip
        return None
    return tuple(listed) if found else None


def kind_of(when: Mapping[str, Any]) -> str:
    """Return the key of a `when` that says which kind it is."""
    return next(key for key in KINDS if key in when)


Bound = tuple[When, tuple[Step, ...], Checked | None, Site]


def _bind_for(
    shop: Workshop, document: Document, values: Mapping[str, Any], known: Known, entity: str
) -> Bound | None:
    """Return a rule as it reads for one entity."""
    found = bind_when(shop, document, ("when",), values["when"], entity)
    if found is None:
        return None
    when, site = found
    if_ = None
    if "if" in values:
        if_ = site.condition(("if",), values["if"])
    caused = when.kind in ("on", "button") and bool(entity)
    steps = StepBinder(site, known, has_causer=caused).bind(values["do"], ("do",))
    return when, steps, if_, site


def bind_when(
    shop: Workshop, document: Document, path: Path, wrote: Mapping[str, Any], entity: str
) -> tuple[When, Site] | None:
    """Return what sets a rule off, and the place with the names its conditions and steps know."""
    kind = kind_of(wrote)
    if kind == "hook":
        when = When("hook", path=wrote["hook"].strip("/"), secret=wrote["secret"])
        return when, Site(shop, document, hook_scope(shop))
    if kind == "every":
        when = When(
            "every", every=replace(wrote["every"], day=wrote.get("day")), at=wrote.get("at")
        )
        return when, Site(shop, document, timed_scope(shop, entity or None))
    if kind == "button":
        return _button(shop, document, path, wrote, entity)
    if kind in _DATED:
        return _dated(shop, document, path, wrote, entity)
    return _on(shop, document, path, wrote, entity)


def _button(
    shop: Workshop, document: Document, path: Path, wrote: Mapping[str, Any], entity: str
) -> tuple[When, Site]:
    check_roles(shop, document, (*path, "for"), wrote.get("for", ()))
    before = Site(shop, document, button_scope(shop, entity, {}))
    inputs = bind_inputs(before, (*path, "ask"), wrote.get("ask", {}))
    label: Label = wrote["button"]
    when = When(
        "button", label=label, for_=wrote.get("for", ()), ask=inputs,
        place=wrote.get("place", "record"),
    )  # fmt: skip
    types = {one.name: one.field.value or ANY for one in inputs}
    return when, Site(shop, document, button_scope(shop, entity, types))


def check_roles(shop: Workshop, document: Document, path: Path, names: tuple[str, ...]) -> None:
    """Report names that are no roles."""
    site = Site(shop, document, hook_scope(shop))
    for index, name in enumerate(names):
        if name not in shop.roles:
            shop.unknown(
                Code.unknown_role, document, item_path(site, path, index), name, shop.roles,
                f"`{name}` is not a role.",
            )  # fmt: skip


def _dated(
    shop: Workshop, document: Document, path: Path, wrote: Mapping[str, Any], entity: str
) -> tuple[When, Site] | None:
    site = Site(shop, document, timed_scope(shop, entity))
    before = "before" in wrote
    key, base_key = ("before", "until") if before else ("after", "since")
    text = wrote[base_key]
    base = bind_moment(site, (*path, base_key), text, f"`{base_key}`")
    if base is None:
        return None
    due = bind_due(site, (*path, key), wrote[key], text, f"`{key}`", before=before)
    if due is None:
        return None
    when = When(
        "dated", due=due, base=base, before=before, yearly=wrote.get("yearly", False),
        at=wrote.get("at"),
    )  # fmt: skip
    return when, site


def _on(
    shop: Workshop, document: Document, path: Path, wrote: Mapping[str, Any], entity: str
) -> tuple[When, Site] | None:
    listed = wrote["on"]
    if not entity:
        return When("on", events=listed), Site(shop, document, happening_scope(shop))
    if len(listed) == 1 and listed[0] not in EVENTS:
        return _on_date(shop, document, path, wrote, entity)
    site = Site(shop, document, event_scope(shop, entity, listed))
    for index, event in enumerate(listed):
        if event not in EVENTS:
            here = item_path(site, (*path, "on"), index)
            _unknown_event(shop, document, here, event, EVENTS)
    for key in ("yearly", "at"):
        if key in wrote:
            site.problem(Code.conflicting_keys, (*path, key), f"`{key}` goes with a date, not with "
                         "an event.", "Remove it.", key=True)  # fmt: skip
    when = When(
        "on", events=listed, changed=wrote.get("changed", ()), from_=wrote.get("from", ()),
        to=wrote.get("to", ()),
    )  # fmt: skip
    _check_changed(site, path, when)
    return when, site


def _unknown_event(
    shop: Workshop, document: Document, path: Path, name: str, legal: tuple[str, ...]
) -> None:
    close = nearest(name, legal)
    hint = did_you_mean(close) or f"Events: {', '.join(f'`{one}`' for one in EVENTS)}."
    message = f"`{name}` is neither an event nor a date or time field."
    shop.problem(Code.unknown_word, document, path, message, hint, close)


def _on_date(
    shop: Workshop, document: Document, path: Path, wrote: Mapping[str, Any], entity: str
) -> tuple[When, Site] | None:
    site = Site(shop, document, timed_scope(shop, entity))
    draft, name = shop.drafts[entity], wrote["on"][0]
    here = item_path(site, (*path, "on"), 0)
    first = name.partition(".")[0]
    if first not in draft.fields or draft.fields[first].removed:
        dates = tuple(
            one
            for one, field in draft.fields.items()
            if not field.built_in and field.type.name in ("date", "datetime")
        )
        _unknown_event(shop, document, here, name, (*EVENTS, *dates))
        return None
    due = site.expression(here, name, "`on`")
    if due is None:
        return None
    if due.type.kind not in (*DAYS, Kind.any):
        message = f"`{name}` is {due.type}; a rule comes on a date or a date with time."
        site.problem(Code.wrong_field_type, here, message)
        return None
    for key in ("changed", "from", "to"):
        if key in wrote:
            site.problem(Code.conflicting_keys, (*path, key), f"`{key}` goes with an event, not "
                         "with a date.", "Remove it.", key=True)  # fmt: skip
    when = When("date", due=due, base=due, yearly=wrote.get("yearly", False), at=wrote.get("at"))
    return when, site


def _check_changed(site: Site, path: Path, when: When) -> None:
    for index, dotted in enumerate(when.changed):
        here = item_path(site, (*path, "changed"), index)
        found = find_field(site, here, dotted, key=False)
        if found is None or not (when.from_ or when.to):
            continue
        _check_options(site, path, dotted, found[1].kind, found[1].options, when)
    if when.changed and not {"create", "update"} & set(when.events):
        site.problem(Code.conflicting_keys, (*path, "changed"), "`changed` narrows `create` and "
                     "`update`.", "Write `on: update`.", key=True)  # fmt: skip


def _check_options(
    site: Site, path: Path, dotted: str, kind: Kind, options: tuple[str, ...], when: When
) -> None:
    legal = ("yes", "no") if kind is Kind.boolean else options
    if not legal:
        return
    for key, listed in (("from", when.from_), ("to", when.to)):
        for index, option in enumerate(listed):
            if option not in legal:
                site.shop.unknown(
                    Code.unknown_option, site.document,
                    item_path(site, (*path, key), index), option, legal,
                    f"`{option}` is no option of `{dotted}`.",
                )  # fmt: skip


def _acts_as(site: Site, text: str) -> str:
    if text in ("system", "user"):
        return text
    word, _, name = text.partition(" ")
    if word == "user" and name.strip():
        return name.strip()
    site.problem(
        Code.bad_value, ("as",), f"`as` is `{text}`; it must be `system`, `user`, or `user NAME`."
    )
    return "system"


def _with_repeat(
    site: Site, rule: RuleDefinition, wrote: Mapping[str, Any] | None
) -> RuleDefinition:
    if wrote is None:
        return rule
    if not rule.when.is_timed:
        site.problem(Code.conflicting_keys, ("repeat",), "`repeat` belongs to a rule that a date "
                     "sets off.", "Remove it.", key=True)  # fmt: skip
        return rule
    every = bind_duration(site, ("repeat", "every"), wrote["every"], "`every`")
    return replace(rule, repeat_every=every, repeat_times=wrote.get("times", MOST_TIMES))
