"""What a set of roles may do: rights per entity and per field.

Of several roles the widest wins, for each right and each field by itself. A policy is worked out
once per (catalog, role set) and kept; it says *which rule* decides about rows, ``visibility`` turns
that rule into SQL.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, cached_property
from threading import Lock

from app.access.principal import Principal
from app.definitions.catalog import Catalog, Entity, EntityAccess, Field, FieldRight, Rule
from app.expressions.tree import Checked, Path
from app.texts import Label, say

_WIDTH: dict[FieldRight, int] = {"hidden": 0, "masked": 1, "read": 2, "edit": 3}

#: Kept by the application alone; ``owner`` changes by a transfer.
SYSTEM_FIELDS = frozenset(
    {
        "id",
        "owner",
        "owner_department",
        "owner_since",
        "previous_owner",
        "pool",
        "created_at",
        "created_by",
        "updated_at",
        "updated_by",
        "deleted_at",
        "deleted_by",
        "version",
    }
)
#: Whoever may read a record at all may read these: without them it cannot be addressed.
_ALWAYS_READABLE = frozenset({"id", "version"})

#: Rights that a share widens when it is to read, and those it widens when it is to edit.
SHARED_TO_READ = frozenset({"read", "history", "export"})
SHARED_TO_EDIT = frozenset({"update"})

#: Kinds of shares, by how many of them let a row pass.
_SHARED = (None, "edit", "read")

_LABELS: dict[str, Label] = {
    "create": say("create", "新建"),
    "read": say("read", "查看"),
    "update": say("change", "修改"),
    "delete": say("delete", "删除"),
    "restore": say("restore", "恢复"),
    "transfer": say("transfer", "转移"),
    "share": say("share", "共享"),
    "merge": say("merge", "合并"),
    "import": say("import", "导入"),
    "export": say("export", "导出"),
    "history": say("read the history of", "查看历史"),
    "publish": say("share views of", "发布视图："),
    "anonymise": say("anonymise", "匿名化"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One condition on a row: a rule of a role, any of it is enough, and what else lets it pass.

    ``shared`` is ``read`` or ``edit`` where a share of that kind passes too; ``inherited`` is the
    right somebody needs on a parent record where the entity inherits from its parents.
    """

    scopes: frozenset[str]
    #: compared by their text: within one entity the same text means the same
    texts: tuple[str, ...] = ()
    shared: str | None = None
    inherited: str | None = None
    conditions: tuple[Checked, ...] = field(default=(), compare=False)

    @classmethod
    def of(cls, rule: Rule, shared: str | None = None, inherited: str | None = None) -> Part:
        by_text = {condition.text: condition for condition in rule.conditions}
        texts = tuple(sorted(by_text))
        conditions = tuple(by_text[text] for text in texts)
        return cls(rule.scopes, texts, shared, inherited, conditions)

    def implies(self, other: Part) -> bool:
        """Whether every row that passes this part passes *other* as well."""
        return (
            self.scopes <= other.scopes
            and set(self.texts) <= set(other.texts)
            and _SHARED.index(self.shared) <= _SHARED.index(other.shared)
            and self.inherited in (None, other.inherited)
        )

    @property
    def is_all(self) -> bool:
        return "all" in self.scopes

    @property
    def is_none(self) -> bool:
        return not self.scopes and not self.conditions and self.inherited is None


@dataclass(frozen=True, slots=True)
class RowRule:
    """Which rows: those for which one of the alternatives holds, each with all its parts.

    No alternative means no row; an alternative without parts means every row.
    """

    alternatives: frozenset[frozenset[Part]]

    @property
    def is_none(self) -> bool:
        return not self.alternatives

    @property
    def is_all(self) -> bool:
        return frozenset() in self.alternatives

    def __and__(self, other: RowRule) -> RowRule:
        return _absorbed(one | two for one in self.alternatives for two in other.alternatives)


EVERY_ROW = RowRule(frozenset({frozenset()}))
NO_ROW = RowRule(frozenset())


def _absorbed(alternatives: Iterable[frozenset[Part]]) -> RowRule:
    """Drop parts that a narrower one implies, and alternatives that a wider one holds."""
    found = {
        frozenset(
            part
            for part in alternative
            if not any(other != part and other.implies(part) for other in alternative)
        )
        for alternative in alternatives
    }
    return RowRule(frozenset(one for one in found if not any(other < one for other in found)))


class Policy:
    """What one set of roles may do with everything in one catalog."""

    def __init__(
        self, catalog: Catalog, roles: Iterable[str] = (), *, is_system: bool = False
    ) -> None:
        """Take the roles' names; those the catalog does not know give nothing."""
        self.catalog = catalog
        self.roles: tuple[str, ...] = tuple(sorted(set(roles) & catalog.roles.keys()))
        self.is_admin: bool = is_system or any(catalog.roles[name].admin for name in self.roles)
        self._rules: dict[tuple[str, str], RowRule] = {}
        self._rights: dict[tuple[str, str], FieldRight] = {}
        # A page asks for these for each of its columns, and they never change.
        self.readable = cache(self._readable)
        self.masked = cache(self._masked)
        self.writable = cache(self._writable)

    def may(self, right: str, entity: str) -> bool:
        """Whether the right holds for any row at all; which rows, `rule` says."""
        return not self.rule(right, entity).is_none

    def rule(self, right: str, entity: str) -> RowRule:
        """Return which rows of *entity* the right holds for.

        Every right but ``create`` also needs the right to read: what one may not see one cannot
        change.
        """
        key = (right, entity)
        if key not in self._rules:
            self._rules[key] = self._work_out(right, self.catalog.entities[entity])
        return self._rules[key]

    def field_right(self, entity: str, field: str) -> FieldRight:
        """Return what may be done with a field: ``hidden``, ``masked``, ``read`` or ``edit``."""
        key = (entity, field)
        if key not in self._rights:
            self._rights[key] = self._field_right(self.catalog.entities[entity], field)
        return self._rights[key]

    def is_readable(self, entity: str, field: str) -> bool:
        """Whether the field's own value may be read, filtered and sorted by."""
        return self.field_right(entity, field) in ("read", "edit")

    def _readable(self, entity: str) -> tuple[str, ...]:
        """Return the fields that are shown, masked ones included, in the catalog's order."""
        return tuple(
            name
            for name, one in self.catalog.entities[entity].fields.items()
            if not one.removed and self.field_right(entity, name) != "hidden"
        )

    def _masked(self, entity: str) -> frozenset[str]:
        """Return the fields of which only a mask is shown."""
        return frozenset(
            name for name in self.readable(entity) if self.field_right(entity, name) == "masked"
        )

    def _writable(self, entity: str) -> tuple[str, ...]:
        """Return the fields whose value may be given on create and update."""
        fields = self.catalog.entities[entity].fields
        return tuple(
            name
            for name in self.readable(entity)
            if self.field_right(entity, name) == "edit" and _can_be_written(fields[name])
        )

    def why(self, right: str, entity: str) -> Label:
        """Return the sentence that refuses a right, with the roles and the rule that decides."""
        label = self.catalog.entities[entity].plural or self.catalog.entities[entity].label
        what = _LABELS.get(right, Label({"en": right, "zh": right}))
        if not self.roles:
            return say(
                "You may not {what} {entity}: you have no role. An administrator can give you one.",
                "您无权{what}{entity}：您没有任何角色。请联系管理员分配角色。",
                what=what,
                entity=label,
            )
        if self.may(right, entity):
            return say(
                "You may {what} only some records of {entity}, and this is none of them: "
                "so it is set for {roles}.",
                "您只能{what}部分{entity}，不包括这一条：这是角色{roles}的设置。",
                what=what,
                entity=label,
                roles=self._role_names,
            )
        return say(
            "You may not {what} {entity}: that right (`{right}`) is not given to {roles}.",
            "您无权{what}{entity}：角色{roles}没有这项权限（{right}）。",
            what=what,
            entity=label,
            right=right,
            roles=self._role_names,
        )

    @cached_property
    def _role_names(self) -> Label:
        labels = [self.catalog.roles[name].label for name in self.roles]
        return Label(
            {
                "en": ", ".join(label.in_language("en") for label in labels),
                "zh": "、".join(label.in_language("zh") for label in labels),
            }
        )

    def _work_out(self, right: str, entity: Entity) -> RowRule:
        if self.is_admin:
            return EVERY_ROW
        if entity.lines_of is not None:
            # Lines are a part of their record: who may read or change it may do so with them.
            parent, _ = entity.lines_of
            wanted = "read" if right in SHARED_TO_READ else "update"
            if self.rule(wanted, parent).is_none:
                return NO_ROW
            return _absorbed([_lines_part(wanted)])
        found = _absorbed(
            alternative
            for access in self._entries(entity)
            if (alternative := _alternative(right, access, entity)) is not None
        )
        if right in ("create", "read"):
            return found
        return found & self.rule("read", entity.name)

    def _entries(self, entity: Entity) -> list[EntityAccess]:
        return [entity.access[name] for name in self.roles if name in entity.access]

    def _field_right(self, entity: Entity, field: str) -> FieldRight:
        if self.is_admin:
            return "edit"
        own = self._own_right(entity, field)
        one = entity.fields.get(field)
        if one is None or one.type.name != "through" or one.expression is None:
            return own
        return min(own, self._right_behind(entity, one.expression), key=_WIDTH.__getitem__)

    def _right_behind(self, entity: Entity, expression: Checked) -> FieldRight:
        """Return the right to what is read through links: the narrowest on the way."""
        path = expression.root
        if not isinstance(path, Path):
            return "hidden"
        rights: list[FieldRight] = []
        here: tuple[str, ...] = (entity.name,)
        for hop in path.hops:
            rights += [self.field_right(name, hop.name) for name in here]
            here = hop.entities
        rights += [self.field_right(name, path.name.partition(".")[0]) for name in here]
        return min(rights, key=_WIDTH.__getitem__)

    def _own_right(self, entity: Entity, field: str) -> FieldRight:
        if entity.lines_of is not None:
            parent, lines = entity.lines_of
            outer = self.field_right(parent, lines)
            own = self._widest(self._entries(entity), field, "edit")
            return min(outer, own, key=_WIDTH.__getitem__)
        entries = [
            access
            for access in self._entries(entity)
            # A role that may do nothing here must not widen what the others may see.
            if any(not rule.is_none for rule in access.rights.values())
        ]
        widest = self._widest(entries, field, "hidden")
        if field in _ALWAYS_READABLE and entries:
            return max(widest, "read", key=_WIDTH.__getitem__)
        return widest

    @staticmethod
    def _widest(entries: list[EntityAccess], field: str, otherwise: FieldRight) -> FieldRight:
        rights = [access.fields.get(field, access.other_fields) for access in entries]
        return max(rights, key=_WIDTH.__getitem__, default=otherwise)


def _lines_part(right: str) -> frozenset[Part]:
    return frozenset({Part.of(Rule(), None, right)})


def _alternative(right: str, access: EntityAccess, entity: Entity) -> frozenset[Part] | None:
    """Return what one role asks of a row for one right; None where it gives no row at all."""
    own_rule = access.rights.get(right, Rule())
    if own_rule.is_none:
        return None
    shared = "read" if right in SHARED_TO_READ else "edit" if right in SHARED_TO_EDIT else None
    inherited = None
    if entity.inherit:
        inherited = "read" if right in {*SHARED_TO_READ, "create"} else "update"
    scope = Part.of(access.scope, shared if access.scope.scopes else None, inherited)
    own_part = Part.of(own_rule, shared if own_rule.scopes else None)
    if scope.is_none:
        return None
    return frozenset(part for part in (scope, own_part) if not part.is_all)


def _can_be_written(field: Field) -> bool:
    return field.type.writable and field.name not in SYSTEM_FIELDS and field.readonly is not True


class Policies:
    """The policies of one catalog, worked out when first asked for."""

    #: Role sets in use at a time; more than that are worked out anew.
    most = 1_000

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._by_roles: dict[frozenset[str] | None, Policy] = {}
        self._lock = Lock()

    def of(self, principal: Principal) -> Policy:
        """Return what *principal* may do under this catalog."""
        key = None if principal.is_system else principal.roles
        policy = self._by_roles.get(key)
        if policy is None:
            policy = Policy(self.catalog, principal.roles, is_system=principal.is_system)
            with self._lock:
                if len(self._by_roles) >= self.most:
                    self._by_roles.clear()
                self._by_roles[key] = policy
        return policy
