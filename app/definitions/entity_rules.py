"""What holds for whole records: checks, what may not repeat, how to find the same thing twice."""

from __future__ import annotations

from app.definitions.binding import has_field, require_field
from app.definitions.catalog import Check, DuplicateRule
from app.definitions.problems import Code
from app.definitions.workshop import Draft, Path, Workshop
from app.expressions import Checked
from app.texts import Label


def check_former_names(shop: Workshop, draft: Draft) -> None:
    """Report fields that were another field which is still there, and options likewise."""
    for name, field in draft.fields.items():
        if field.built_in:
            continue
        for index, was in enumerate(field.was):
            if was in draft.fields:
                shop.problem(
                    Code.duplicate_name,
                    draft.document,
                    draft.field_path(name, "was", index),
                    f"`{name}` was `{was}`, yet there is a field `{was}` as well.",
                    "Remove one of the two; a name that is used anew needs no `was`.",
                )
        names = {option.name for option in field.options}
        for option in field.options if field.type.writable else ():
            for was in names.intersection(option.was):
                shop.problem(
                    Code.duplicate_name,
                    draft.document,
                    draft.field_path(name, "options"),
                    f"The option `{option.name}` was `{was}`, yet there is an option `{was}`.",
                    "Remove one of the two.",
                )


def bind_checks(shop: Workshop, draft: Draft) -> tuple[Check, ...]:
    """Return the entity's checks, their conditions checked."""
    found = []
    scope = shop.scope(draft, on_write=True)
    for index, wrote in enumerate(draft.values.get("checks", ())):
        path = (*draft.path, "checks", index)
        if_ = None
        if "if" in wrote:
            if_ = shop.condition(draft.document, (*path, "if"), wrote["if"], scope, "The condition")
        must = shop.condition(draft.document, (*path, "must"), wrote["must"], scope, "The check")
        if must is None or ("if" in wrote and if_ is None):
            continue
        message = wrote.get("message") or Label(
            {"en": f"This must hold: {must.text}", "zh": f"必须满足：{must.text}"}
        )
        place = draft.document.place(path)
        found.append(Check(must, message, if_, wrote.get("then") == "warn", place))
    return tuple(found)


def bind_unique(shop: Workshop, draft: Draft) -> tuple[tuple[str, ...], ...]:
    """Return the groups of fields that together do not repeat."""
    groups = []
    for index, group in enumerate(draft.values.get("unique", ())):
        path = (*draft.path, "unique", index)
        known = [
            require_field(shop, draft, (*path, place), name) for place, name in enumerate(group)
        ]
        if all(known):
            groups.append(tuple(group))
    return tuple(groups)


def bind_keep(shop: Workshop, draft: Draft) -> Checked | None:
    """Return the condition under which a record may not go for good."""
    if "keep" not in draft.values:
        return None
    path, scope = (*draft.path, "keep"), shop.scope(draft)
    return shop.condition(draft.document, path, draft.values["keep"], scope, "The condition")


def bind_duplicates(shop: Workshop, draft: Draft) -> tuple[DuplicateRule, ...]:
    """Return the rules that look for the same thing twice."""
    rules = []
    for index, wrote in enumerate(draft.values.get("duplicates", ())):
        path = (*draft.path, "duplicates", index)
        for place, name in enumerate(wrote.get("same", ())):
            require_field(shop, draft, (*path, "same", place), name)
        if "similar" in wrote:
            require_field(shop, draft, (*path, "similar"), wrote["similar"])
        also = []
        for place, dotted in enumerate(wrote.get("also_in", ())):
            if pair := _other_field(shop, draft, (*path, "also_in", place), dotted):
                also.append(pair)
        rules.append(
            DuplicateRule(
                same=wrote.get("same", ()),
                similar=wrote.get("similar"),
                at_least=float(wrote.get("at_least", 0.85)),
                also_in=tuple(also),
                refuse=wrote.get("then") == "refuse",
            )
        )
    return tuple(rules)


def _other_field(shop: Workshop, draft: Draft, path: Path, dotted: str) -> tuple[str, str] | None:
    entity, _, name = dotted.partition(".")
    other = shop.drafts.get(entity)
    if other is None:
        message = f"`{entity}` is not an entity; write the entity and its field: `lead.mobile`."
        shop.unknown_entity(draft.document, path, entity, message)
        return None
    if not has_field(other, shop, name):
        message = f"`{entity}` has no field `{name}`."
        shop.unknown(Code.unknown_field, draft.document, path, name, other.fields, message)
        return None
    shop.type_of(other, name.partition(".")[0])
    return entity, name
