"""Which rows a principal may see or change, as one condition of the statement.

A `RowRule` of the policy becomes SQL over the entity's table. What differs from person to person
(who is asking, who reports to them, their departments) is bound under fixed names, so everybody
with the same roles shares one statement. Nothing here decides about fields; see ``policy``.

A record that lies in a pool has no owner, so no scope of owners holds for it: its pool's members
read it and its admins may change it. Some of its fields stay closed to members; see `veils`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.access.policy import Part, Policy, RowRule
from app.access.principal import Principal
from app.access.sources import Release, TableSource, is_any_link
from app.database.system import share

_NUMBERS = sa.ARRAY(sa.BigInteger)
_NAMES = sa.ARRAY(sa.Text)

#: Rights on a pool's records that its members have, and those that only its admins have. The roles
#: still have to give the right for some records of the entity.
POOL_TO_READ = frozenset({"read"})
POOL_TO_KEEP = frozenset({"update", "transfer", "history"})

ME = sa.bindparam("me", type_=sa.BigInteger)
NOW = sa.bindparam("now", type_=sa.DateTime(timezone=True))

#: Each scope that names owners or departments: the column and the parameter it must be one of.
_SCOPES: Mapping[str, tuple[str, str]] = {
    "own": ("owner", "me"),
    "team": ("owner", "me"),
    "subordinates": ("owner", "subordinates"),
    "department": ("owner_department", "departments"),
    "department_tree": ("owner_department", "department_tree"),
}


def bind_values(principal: Principal, now: datetime | None = None) -> dict[str, Any]:
    """Return the values of every parameter that stands for the asker."""
    return {
        "me": principal.user_id,
        "subordinates": list(principal.subordinates),
        "departments": list(principal.departments),
        "department_tree": list(principal.department_tree),
        "pools": list(principal.pools),
        "pools_kept": list(principal.pools_kept),
        "pools_veiled": veiled_pools(principal),
        "now": now,
    }


def veiled_pools(principal: Principal) -> list[str]:
    """Return the pools whose hidden fields are hidden from a person."""
    return [name for name in principal.pools if name not in principal.pools_kept]


def one_of(column: sa.ColumnElement[Any], parameter: str) -> sa.ColumnElement[bool]:
    """Return the condition that a column is one of the values bound as *parameter*."""
    if parameter == "me":
        return column == ME
    if parameter.startswith("pools"):
        return column == sa.func.any(sa.bindparam(parameter, type_=_NAMES))
    return column == sa.func.any(sa.bindparam(parameter, type_=_NUMBERS))


@dataclass(frozen=True, slots=True)
class Keys:
    """A row rule made of nothing but keys: owners, departments, shared records.

    Such a rule can be walked key by key, whatever the number of rows (docs/decisions).
    """

    #: (column, parameter), the widest for each column
    columns: tuple[tuple[str, str], ...]
    shared: bool = False
    #: and the records of the asker's pools
    pools: bool = False


class Visibility:
    """The row rules of one policy, for the tables of one release."""

    def __init__(self, release: Release, policy: Policy, *, has_pools: bool = True) -> None:
        """Take the release and the policy; without *has_pools* the asker is in no pool."""
        self.release = release
        self.policy = policy
        self._has_pools = has_pools

    def rows(
        self,
        entity: str,
        table: sa.FromClause,
        right: str = "read",
        *,
        has_shares: bool = True,
    ) -> sa.ColumnElement[bool]:
        """Return the condition that is true for the rows the right holds for.

        It says nothing of the bin. *has_shares* is False where nothing of the entity is shared
        with the asker; the statement is the cheaper for it.
        """
        found = self._rule(self.policy.rule(right, entity), entity, table, has_shares, frozenset())
        return sa.or_(found, in_pool(table, right)) if self._pools_give(right, entity) else found

    def _pools_give(self, right: str, entity: str) -> bool:
        """Whether the records of the asker's pools have to be added to those of the rule."""
        rule = self.policy.rule(right, entity)
        return (
            self._has_pools
            and right in POOL_TO_READ | POOL_TO_KEEP
            and not (rule.is_all or rule.is_none)
            and bool(self.release.catalog.automation.pools_of(entity))
        )

    def veils(
        self, entity: str, table: sa.FromClause, *, has_shares: bool = True
    ) -> dict[str, sa.ColumnElement[bool]]:
        """Return, by field, the condition under which it is closed to the asker.

        It is closed while the record lies in a pool that hides it, the asker is not one of those
        who look after the pool, and sees the record for no other reason.
        """
        if not self._pools_give("read", entity):
            return {}
        hiding: dict[str, list[str]] = {}
        pools = self.release.catalog.automation.pools_of(entity)
        for pool in pools:
            for name in pool.hide:
                hiding.setdefault(name, []).append(pool.name)
        return {
            name: self._veil(entity, table, names if len(names) < len(pools) else (), has_shares)
            for name, names in hiding.items()
        }

    def closed(
        self, entity: str, table: sa.FromClause, *, has_shares: bool = True
    ) -> sa.ColumnElement[bool] | None:
        """Return the condition under which the asker sees of a record its open fields alone.

        What was written, said and kept about it may tell what its pool hides, so comments, files
        and approvals are closed along with the hidden fields. None: nothing is ever closed.
        """
        if not self._pools_give("read", entity):
            return None
        pools = self.release.catalog.automation.pools_of(entity)
        hiding = [pool.name for pool in pools if pool.hide]
        if not hiding:
            return None
        return self._veil(entity, table, hiding if len(hiding) < len(pools) else (), has_shares)

    def _veil(
        self, entity: str, table: sa.FromClause, pools: Sequence[str], has_shares: bool
    ) -> sa.ColumnElement[bool]:
        conditions = [table.c.owner.is_(None), one_of(table.c.pool, "pools_veiled")]
        if pools:
            conditions.append(table.c.pool.in_(list(pools)))
        keys = self.keys(entity, has_shares=has_shares)
        if keys is None or keys.shared:
            # By owners nobody sees a record without one; by a condition or a share somebody may.
            rule = self.policy.rule("read", entity)
            sees = self._rule(rule, entity, table, has_shares, frozenset())
            conditions.append(sa.not_(sa.func.coalesce(sees, sa.false())))
        return sa.func.coalesce(sa.and_(*conditions), sa.false())

    def keys(self, entity: str, right: str = "read", *, has_shares: bool = True) -> Keys | None:
        """Return the rule as keys where it is made of nothing else; None for any other."""
        columns: dict[str, set[str]] = {}
        shared = False
        rule = self.policy.rule(right, entity)
        pools = self._pools_give(right, entity)
        if pools and right not in POOL_TO_READ:
            return None
        if rule.is_all or rule.is_none or not self.release.catalog.entities[entity].owned:
            return None
        for alternative in rule.alternatives:
            if len(alternative) != 1:
                return None
            (part,) = alternative
            if part.conditions or part.inherited is not None or not part.scopes <= _SCOPES.keys():
                return None
            shared = shared or (part.shared is not None or "team" in part.scopes)
            for column, parameter in _owners(part):
                columns.setdefault(column, set()).add(parameter)
        widest = tuple((column, _widest(found)) for column, found in sorted(columns.items()))
        return Keys(widest, shared and has_shares, pools)

    def shared_ids(self, entity: str, kind: str = "read") -> sa.ColumnElement[Any]:
        """Return the array of ids of the entity's records that are shared with the asker."""
        conditions = [
            share.c.user_id == ME,
            share.c.entity == self.release.numbers.get(entity, 0),
            sa.or_(share.c.until.is_(None), share.c.until > NOW),
        ]
        if kind == "edit":
            conditions.append(share.c.may_edit)
        return sa.func.array(
            sa.select(share.c.record_id).where(*conditions).correlate(None).scalar_subquery(),
            type_=_NUMBERS,
        )

    def _rule(
        self,
        rule: RowRule,
        entity: str,
        table: sa.FromClause,
        has_shares: bool,
        seen: frozenset[str],
    ) -> sa.ColumnElement[bool]:
        if rule.is_all:
            return sa.true()
        if rule.is_none:
            return sa.false()
        return sa.or_(
            *(
                sa.and_(
                    *(
                        self._part(part, entity, table, has_shares, seen)
                        for part in sorted(alternative, key=_in_order)
                    )
                )
                for alternative in sorted(
                    rule.alternatives, key=lambda a: sorted(map(_in_order, a))
                )
            )
        )

    def _part(
        self,
        part: Part,
        entity: str,
        table: sa.FromClause,
        has_shares: bool,
        seen: frozenset[str],
    ) -> sa.ColumnElement[bool]:
        found: list[sa.ColumnElement[bool]] = []
        one = self.release.catalog.entities[entity]
        if one.owned:
            found.extend(one_of(table.c[column], name) for column, name in _owners(part))
        kind = part.shared or ("read" if "team" in part.scopes else None)
        if kind is not None and has_shares and one.lines_of is None:
            found.append(table.c.id == sa.func.any(self.shared_ids(entity, kind)))
        source = TableSource(self.release, entity, table)
        found.extend(source.holds(condition) for condition in part.conditions)
        if part.inherited is not None and entity not in seen:
            found.extend(self._parents(entity, table, part.inherited, seen | {entity}))
        return sa.or_(*found) if found else sa.false()

    def _parents(
        self, entity: str, table: sa.FromClause, right: str, seen: frozenset[str]
    ) -> Sequence[sa.ColumnElement[bool]]:
        """Return, for every way up, that the parent is there and the right holds for it."""
        one = self.release.catalog.entities[entity]
        source = TableSource(self.release, entity, table)
        ways = [("parent", one.lines_of[0])] if one.lines_of else list(one.inherit)
        found = []
        for link, target in ways:
            rule = self.policy.rule(right, target)
            if rule.is_none:
                continue
            is_any = link in one.fields and is_any_link(one.fields[link])
            _, parent, joined = source.follow(link, target if is_any else None)
            conditions = [joined, self._rule(rule, target, parent, True, seen)]
            if "deleted_at" in parent.c:
                conditions.append(parent.c.deleted_at.is_(None))
            found.append(
                sa.exists(sa.select(1).select_from(parent).where(*conditions).correlate(table))
            )
        return found


def in_pool(table: sa.FromClause, right: str = "read") -> sa.ColumnElement[bool]:
    """Return the condition that a row lies in a pool which gives the asker the right."""
    parameter = "pools" if right in POOL_TO_READ else "pools_kept"
    return sa.and_(table.c.owner.is_(None), one_of(table.c.pool, parameter))


def visible(
    release: Release, entity: str, table: sa.FromClause, policy: Policy, right: str = "read"
) -> sa.ColumnElement[bool]:
    """Return the condition that is true for the rows of *table* the right holds for."""
    return Visibility(release, policy).rows(entity, table, right)


def _owners(part: Part) -> list[tuple[str, str]]:
    """Return the columns and parameters of a part's scopes, those that others hold left out."""
    found = {_SCOPES[scope] for scope in part.scopes if scope in _SCOPES}
    if found:
        # Whatever the scope, one's own records are within it.
        found.add(("owner", "me"))
    by_column: dict[str, set[str]] = {}
    for column, parameter in found:
        by_column.setdefault(column, set()).add(parameter)
    return [(column, _widest(names)) for column, names in sorted(by_column.items())]


def _widest(parameters: set[str]) -> str:
    order = ("me", "subordinates", "departments", "department_tree")
    return max(parameters, key=order.index)


def _in_order(part: Part) -> tuple[Any, ...]:
    return (tuple(sorted(part.scopes)), part.texts, part.shared or "", part.inherited or "")


def _parts_in_order(alternative: frozenset[Part]) -> list[tuple[Any, ...]]:
    return sorted(map(_in_order, alternative))
