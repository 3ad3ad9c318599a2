"""What of a plan somebody may do, asked before the first row."""

from __future__ import annotations

from typing import Any

from app.definitions.catalog import Catalog
from app.errors import InvalidInput
from app.texts import Label, say
from app.transfer.plans import Plan, column_of, made_of, nowhere, target_of

#: A file brings these only for those who administer, since history would name another.
AUTHORED = ("created_at", "created_by")


def may_bring(policy: Any, entity: str, field: str) -> bool:
    """Return whether somebody may write a field by an import."""
    if field in AUTHORED:
        return bool(policy.is_admin)
    return bool(policy.field_right(entity, field) == "edit")


def check_permitted(catalog: Catalog, policy: Any, plan: Plan) -> None:
    """Refuse a plan of whoever may not do all of it.

    Raises:
        InvalidInput: by heading, what they may not.
    """
    found: dict[str, list[Label]] = {}
    for heading, path in plan.columns.items():
        entity, field, _ = target_of(catalog, plan.entity, path)
        sentence = None
        if policy.field_right(entity.name, field.name) == "hidden":
            # As if it were not there.
            found[path] = [nowhere(path)]
        elif entity.name != plan.entity and not policy.may("create", entity.name):
            sentence = say(
                "You may not make records of {entity}.",
                "您无权新建{entity}。",
                entity=entity.label,
            )
        elif not may_bring(policy, entity.name, field.name):
            sentence = (
                say(
                    "Only administrators may bring the original author and time.",
                    "只有管理员可以导入原始的创建人和创建时间。",
                )
                if field.name in AUTHORED
                else say(
                    "You may not write {field}. Leave the column out.",
                    "您无权填写{field}，请不要导入此列。",
                    field=field.label,
                )
            )
        elif column_of(catalog, plan, heading).create:
            parent = made_of(catalog, plan, path)
            if parent is not None and not policy.may("create", parent.name):
                sentence = say(
                    "You may not make records of {entity}; those that are missing cannot be made.",
                    "您无权新建{entity}，缺少的记录无法自动新建。",
                    entity=parent.label,
                )
        if sentence is not None:
            found[heading] = [sentence]
    for name in plan.always:
        one = catalog.entities[plan.entity].fields.get(name)
        if one is None or not may_bring(policy, plan.entity, name):
            found[name] = [say("You may not write {name}.", "您无权填写 {name}。", name=name[:60])]
    if found:
        raise InvalidInput(found)
