"""Every kind of operation there is, and how one is read back from the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from app.database.access_operations import (
    ChangeAccess,
    ChangeAdministrator,
    ChangeInheritance,
    RenameRole,
)
from app.database.constraint_operations import (
    AddCheck,
    AddForeignKey,
    AddForeignKeyLater,
    BreakCheck,
    BuildIndex,
    BuildUnique,
    DropConstraint,
    DropIndexes,
    DropLeftover,
    DropUnique,
    Publish,
    Recompute,
    RenameConstraints,
    RenameIndexes,
    Validate,
)
from app.database.field_operations import (
    AddField,
    ChangeType,
    ConvertInPlace,
    CreateEntity,
    DropEntity,
    DropField,
    DropOptions,
    MakeOptional,
    RenameEntity,
    RenameField,
    RenameOptions,
    Require,
    SetDefault,
)
from app.database.operation import (
    CHANGE,
    PHASES,
    PROBLEM,
    Operation,
    Phase,
    amount,
    sample_words,
)
from app.database.restrict_operations import AddRule, Narrow

#: Every kind, in the order of the reference.
KINDS: tuple[type[Operation], ...] = (
    CreateEntity,
    RenameEntity,
    DropEntity,
    AddField,
    RenameField,
    ChangeType,
    ConvertInPlace,
    DropField,
    Require,
    MakeOptional,
    SetDefault,
    RenameOptions,
    DropOptions,
    BuildIndex,
    BuildUnique,
    RenameIndexes,
    RenameConstraints,
    DropIndexes,
    DropUnique,
    AddForeignKey,
    AddForeignKeyLater,
    AddCheck,
    Validate,
    DropConstraint,
    Recompute,
    DropLeftover,
    BreakCheck,
    Narrow,
    AddRule,
    RenameRole,
    ChangeAdministrator,
    ChangeInheritance,
    ChangeAccess,
    Publish,
)
_KINDS = {kind.__name__: kind for kind in KINDS}

__all__ = [
    "CHANGE",
    "KINDS",
    "PHASES",
    "PROBLEM",
    "AddCheck",
    "AddField",
    "AddForeignKey",
    "AddForeignKeyLater",
    "AddRule",
    "BreakCheck",
    "BuildIndex",
    "BuildUnique",
    "ChangeAccess",
    "ChangeAdministrator",
    "ChangeInheritance",
    "ChangeType",
    "ConvertInPlace",
    "CreateEntity",
    "DropConstraint",
    "DropEntity",
    "DropField",
    "DropIndexes",
    "DropLeftover",
    "DropOptions",
    "DropUnique",
    "MakeOptional",
    "Narrow",
    "Operation",
    "Phase",
    "Publish",
    "Recompute",
    "RenameConstraints",
    "RenameEntity",
    "RenameField",
    "RenameIndexes",
    "RenameOptions",
    "RenameRole",
    "Require",
    "SetDefault",
    "Validate",
    "amount",
    "operation_from_json",
    "sample_words",
]


def operation_from_json(data: Mapping[str, Any]) -> Operation:
    """Return the operation *data* was made from."""
    kind = _KINDS[data["kind"]]
    names = {each.name for each in fields(kind)}
    return kind(**{name: _frozen(value) for name, value in data.items() if name in names})


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value
