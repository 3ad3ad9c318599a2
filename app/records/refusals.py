"""Sentences that refuse a reader: unknown names, and fields that may not be read.

A hidden field is refused like one that does not exist wherever its very existence would be news.
"""

from __future__ import annotations

import difflib

from app.access.policy import Policy
from app.definitions.catalog import Catalog, Entity, Field
from app.errors import Forbidden, Malformed, NotFound
from app.records.context import ReadContext
from app.texts import say


def entity_of(catalog: Catalog, name: str) -> Entity:
    """Return an entity.

    Raises:
        NotFound: there is none of that name.
    """
    entity = catalog.entities.get(name)
    if entity is None:
        near = difflib.get_close_matches(name, catalog.entities, n=1, cutoff=0.6)
        raise NotFound(
            say(
                "There is no entity `{name}`. Did you mean `{near}`?",
                "没有名为“{name}”的实体。是否指“{near}”？",
                name=name,
                near=near[0],
            )
            if near
            else say("There is no entity `{name}`.", "没有名为“{name}”的实体。", name=name)
        )
    return entity


def require(policy: Policy, right: str, entity: str) -> None:
    """Refuse who has a right for no row at all.

    Raises:
        Forbidden: with the roles and the rule that decides.
    """
    if not policy.may(right, entity):
        raise Forbidden(policy.why(right, entity))


def field_of(context: ReadContext, entity: str, path: str) -> Field:
    """Return the field a path begins with, if the asker may read its own value.

    Raises:
        Malformed: there is no such field, or it is hidden from the asker.
        Forbidden: it is masked for the asker, so nothing may be found out by it.
    """
    one = context.entity(entity)
    first, _, part = path.partition(".")
    field = one.fields.get(first)
    if field is None or field.removed:
        raise unknown_field(context, entity, first)
    right = context.policy.field_right(entity, first)
    if right == "hidden":
        raise unknown_field(context, entity, first)
    if right == "masked":
        raise Forbidden(
            say(
                "`{name}` is masked for you: it can be neither filtered nor sorted by.",
                "“{name}”对您是脱敏的：不能用于筛选或排序。",
                name=first,
            )
        )
    if part and part not in {each.name for each in field.type.parts(field)}:
        raise Malformed(
            say(
                "`{name}` has no part `{part}`.",
                "“{name}”没有“{part}”部分。",
                name=first,
                part=part,
            )
        )
    return field


def unknown_field(context: ReadContext, entity: str, name: str) -> Malformed:
    """Return the sentence for a name that is no field, as far as the asker may know."""
    near = difflib.get_close_matches(name, context.policy.readable(entity), n=1, cutoff=0.6)
    if near:
        return Malformed(
            say(
                "`{entity}` has no field `{name}`. Did you mean `{near}`?",
                "“{entity}”没有字段“{name}”。是否指“{near}”？",
                entity=entity,
                name=name,
                near=near[0],
            )
        )
    return Malformed(
        say(
            "`{entity}` has no field `{name}`.",
            "“{entity}”没有字段“{name}”。",
            entity=entity,
            name=name,
        )
    )
