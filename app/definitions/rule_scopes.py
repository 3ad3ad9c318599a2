"""The names that mean something in a rule: which depends on what sets the rule off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from app.definitions.scope import my_type, record_scope
from app.definitions.workflow_values import RuleScope
from app.definitions.workshop import Workshop
from app.expressions.types import ANY, TEXT, Kind, Type

#: Events that bring words of somebody along, and which.
_WORDS: Mapping[str, tuple[str, ...]] = {
    "comment": ("from", "subject", "text"),
    "email": ("from", "to", "subject", "text"),
}
_NOBODY = (
    "`{name}` is whoever caused the rule; {what} is caused by nobody. "
    "Go through the record: `owner`, `owner.manager`."
)
_NEW = {"new": "`new` is what an earlier step made under a `name`; none did."}
_NO_WRITE = "`{name}` asks about a write; {what} is set off by none."


def event_scope(
    shop: Workshop, entity: str, events: Iterable[str] = (), *, writes: bool = True
) -> RuleScope:
    """Return the names of a rule on events of an entity's records.

    With *writes*, what the record was before is known as `old`, and so is `origin`.
    """
    roots = dict(_record_roots(shop, entity, writes=writes))
    words: Mapping[str, Type] = {}
    for event in events:
        words = {**words, **dict.fromkeys(_WORDS.get(event, ()), TEXT)}
    return RuleScope(shop, entity, {**roots, **_input(words)}, dict(_NEW))


def button_scope(shop: Workshop, entity: str, asked: Mapping[str, Type]) -> RuleScope:
    """Return the names of a rule with a button, which may have asked something."""
    roots = _record_roots(shop, entity, writes=False)
    refused = _refuse(_NO_WRITE, ("old", "origin"), "a button")
    return RuleScope(shop, entity, {**roots, **_input(asked)}, {**refused, **_NEW})


def timed_scope(shop: Workshop, entity: str | None, what: str = "a timed rule") -> RuleScope:
    """Return the names of a rule that time sets off, about a record or about none."""
    roots = _without_people(_record_roots(shop, entity, writes=False))
    refused = {
        **_NEW,
        **_refuse(_NOBODY, ("me", "my"), what),
        **_refuse(_NO_WRITE, ("old", "origin"), what),
        "input": f"`input` is what a button asked or another program sent; {what} has none.",
    }
    return RuleScope(shop, entity, roots, refused)


def hook_scope(shop: Workshop) -> RuleScope:
    """Return the names of a rule that another program calls: `input` is what it sent."""
    found = timed_scope(shop, None, "a call from outside")
    kept = {name: one for name, one in found.refused.items() if name != "input"}
    return replace(found, roots={**found.roots, "input": ANY}, refused=kept)


def happening_scope(shop: Workshop) -> RuleScope:
    """Return the names of a rule about the installation itself: `input.text` says what happened."""
    found = timed_scope(shop, None, "what happens to the installation")
    kept = {name: one for name, one in found.refused.items() if name != "input"}
    return replace(found, roots={**found.roots, **_input({"text": TEXT})}, refused=kept)


def _record_roots(shop: Workshop, entity: str | None, *, writes: bool) -> Mapping[str, Type]:
    if entity is not None:
        return record_scope(shop, entity, roles=shop.roles, on_write=writes).roots
    return {"my": my_type(shop.roles), "app": Type(Kind.parts, parts=shop.app_values)}


def _without_people(roots: Mapping[str, Type]) -> dict[str, Type]:
    return {name: type_ for name, type_ in roots.items() if name not in ("me", "my")}


def _input(asked: Mapping[str, Type]) -> dict[str, Type]:
    return {"input": Type(Kind.parts, parts=asked)} if asked else {}


def _refuse(sentence: str, names: Iterable[str], what: str) -> dict[str, str]:
    return {name: sentence.format(name=name, what=what) for name in names}
