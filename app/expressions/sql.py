"""The SQL back end: a checked expression becomes a SQLAlchemy element.

It must answer exactly as ``python`` does. SQL knows true, false and NULL, this language only yes
and no, so a condition is written in one of two strengths: where only "true" counts (``WHERE`` and
below ``and``/``or``), a plain comparison that an index can serve; where "false" counts as well,
one that is never NULL.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from app.expressions import sql_comparing, sql_functions, sql_values
from app.expressions.comparing import holds_lines
from app.expressions.problems import ExpressionProblem
from app.expressions.sources import SQLEnvironment, SQLSource
from app.expressions.tree import (
    Among,
    And,
    Ask,
    Call,
    Changed,
    Checked,
    Compare,
    Conditional,
    Constant,
    Convert,
    Filled,
    Hop,
    InView,
    Node,
    Not,
    OneOf,
    Or,
    Path,
    Under,
    Within,
)
from app.expressions.types import Kind

Column = sa.ColumnElement[Any]
Condition = sa.ColumnElement[bool]


def to_sql(checked: Checked | Node, source: SQLSource, environment: SQLEnvironment) -> Column:
    """Return the expression as a value or, if it is a condition, as one that is never NULL.

    Raises:
        ExpressionProblem: it asks something that a statement cannot know.
    """
    root = checked.root if isinstance(checked, Checked) else checked
    return Writer(environment, source, source).value(root)


def to_where(checked: Checked | Node, source: SQLSource, environment: SQLEnvironment) -> Condition:
    """Return the condition for ``WHERE``: a row counts when it is true; indexes stay usable."""
    root = checked.root if isinstance(checked, Checked) else checked
    return Writer(environment, source, source).truth(root)


@dataclass(frozen=True)
class Writer:
    """Writes nodes for one row of a statement."""

    environment: SQLEnvironment
    #: The row plain names belong to.
    source: SQLSource
    #: The row of the whole expression, which ``record`` means where nothing else is said.
    outermost: SQLSource
    #: Rows of links that are joined already, by their way.
    joined: Mapping[tuple[str, tuple[str, ...]], SQLSource] = field(default_factory=dict)

    def unknown_to_sql(self, message: str, node: Node) -> ExpressionProblem:
        """Return the problem that a statement cannot know something."""
        return ExpressionProblem("not-in-sql", message, node.start + 1, node.end + 1)

    # Conditions.

    def truth(self, node: Node, *, wanted: bool = True, exact: bool = False) -> Condition:
        """Return the condition that *node* is as *wanted*; never NULL if *exact*."""
        if isinstance(node, Not):
            return self.truth(node.item, wanted=not wanted, exact=exact)
        if isinstance(node, InView):
            return self.truth(node.item, wanted=wanted, exact=exact)
        if isinstance(node, (And, Or)):
            parts = [self.truth(item, wanted=wanted, exact=exact) for item in node.items]
            # The opposite of "all" is "one is not".
            return sa.and_(*parts) if isinstance(node, And) is wanted else sa.or_(*parts)
        if isinstance(node, Conditional):
            yes = self.truth(node.yes, wanted=wanted, exact=exact)
            no = self.truth(node.no, wanted=wanted, exact=exact)
            return sa.case((self.truth(node.test), yes), else_=no)
        if isinstance(node, Constant):
            return sa.true() if bool(node.value) is wanted else sa.false()
        return self._atom(node, wanted=wanted, exact=exact)

    def _atom(self, node: Node, *, wanted: bool, exact: bool) -> Condition:
        ways = {(path.root, path.hops) for path in strict_links(node)}
        ways = {way for way in ways if not self._is_joined(way)}
        if ways:
            found = self._exists(ways, node)
            return found if wanted else sa.not_(found)
        condition = self._plain(node)
        if not may_be_empty(node):
            return condition if wanted else sa.not_(condition)
        if not wanted:
            return condition.is_not(sa.true())
        return condition.is_(sa.true()) if exact else condition

    def _plain(self, node: Node) -> Condition:
        """Return the condition of a node that is neither ``and``, ``or`` nor ``not``."""
        if isinstance(node, Filled):
            return sql_comparing.filled(self, node.item)
        if isinstance(node, (Compare, OneOf, Among, Within)):
            return sql_comparing.WRITERS[type(node)](self, node)
        if isinstance(node, Under):
            return self._under(node)
        if isinstance(node, Ask):
            return self.ask(node)
        if isinstance(node, Call):
            return self.call(node)
        if isinstance(node, Path):
            return self.path(node)
        if isinstance(node, Convert):
            return sql_values.WRITERS[Convert](self, node)
        if isinstance(node, Changed):
            raise self.unknown_to_sql("`changed()` is known only while a record is written.", node)
        raise AssertionError(node)

    def _is_joined(self, way: tuple[str, tuple[Hop, ...]]) -> bool:
        return (way[0], tuple(hop.name for hop in way[1])) in self.joined

    def _exists(self, ways: set[tuple[str, tuple[Hop, ...]]], node: Node) -> Condition:
        """Return that linked records exist for which the condition holds."""
        joined, tables, joins = dict(self.joined), [], []
        for root, hops in sorted(ways, key=lambda way: [hop.name for hop in way[1]]):
            for length in range(1, len(hops) + 1):
                key = (root, tuple(hop.name for hop in hops[:length]))
                if key in joined:
                    continue
                before = joined.get((root, key[1][:-1])) or self.row(root, node)
                joined[key], table, join = before.follow(hops[length - 1].name)
                tables.append(table)
                joins.append(join)
        inner = Writer(self.environment, self.source, self.outermost, joined)
        query: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(*tables)
        query = query.where(*joins, inner.truth(node)).correlate_except(*tables)
        return sa.exists(query)

    # Values.

    def value(self, node: Node) -> Column:
        """Return a node as a value; a condition is never NULL then."""
        if node.type.kind is Kind.boolean and not isinstance(node, Constant):
            return self.truth(node, exact=True)
        if isinstance(node, Path):
            return self.path(node)
        if isinstance(node, Call):
            return self.call(node)
        if isinstance(node, Ask):
            return self.ask(node)
        return sql_values.WRITERS[type(node)](self, node)

    def call(self, node: Call) -> Column:
        """Return a function with its arguments."""
        made: Column = self._made(node)
        return made

    def bounds(self, node: Call) -> tuple[Column, Column]:
        """Return a period as its first day and the day after it."""
        first, after = self._made(node)
        return first, after

    def _made(self, node: Call) -> Any:
        if node.function.sql is None:
            raise self.unknown_to_sql(
                f"`{node.function.name}` cannot be asked of the database. Use it in rules.", node
            )
        arguments = [
            argument.value
            if isinstance(argument, Constant) and parameter_reads(node, place)
            else self.value(argument)
            for place, argument in enumerate(node.arguments)
        ]
        return node.function.sql(self.environment, *arguments)

    def row(self, root: str, node: Node) -> SQLSource:
        """Return the row that a root means."""
        if not root:
            return self.source
        found = self.environment.root(root)
        if found is None and root == "record":
            return self.outermost
        if found is None:
            raise self.unknown_to_sql(f"`{root}` is not known to the database here.", node)
        return found

    def path(self, node: Path) -> Column:
        """Return the value a path leads to."""
        environment = self.environment
        if node.root == "me":
            return environment.me
        if node.root in ("my", "app"):
            name = node.dotted.split(".", 1)[1]
            ask = environment.my if node.root == "my" else environment.app
            return ask(name, node.type)
        if not node.name and node.root == "origin":
            raise self.unknown_to_sql("`origin` is known only while a record is written.", node)
        way = (node.root, tuple(hop.name for hop in node.hops))
        if way in self.joined:
            return self._field(self.joined[way], node)
        return self._linked(self.row(node.root, node), node, node.hops)

    def _field(self, row: SQLSource, node: Path) -> Column:
        if node.type.kind is Kind.parts:
            message = f"`{node.dotted}` has several parts; ask the database for one of them."
            raise self.unknown_to_sql(message, node)
        if holds_lines(node.type):
            message = f"`{node.dotted}` are lines; ask `count`, `sum` and their like about them."
            raise self.unknown_to_sql(message, node)
        value = row.value(node.name or "id")
        if node.type.kind is Kind.duration:
            return sql_functions.elapsed(value)
        return value

    def _linked(self, row: SQLSource, node: Path, hops: tuple[Hop, ...]) -> Column:
        """Return a value through links as scalar subqueries, one for each entity at the end."""
        if not hops:
            return self._field(row, node)
        hop, rest = hops[0], hops[1:]
        if not hop.type.is_any_link:
            return self._one_row(row.follow(hop.name), node, rest)
        branches = {
            entity: self._one_row(row.follow(hop.name, entity), node, rest)
            for entity in hop.entities
        }
        return sa.case(branches, value=row.value(f"{hop.name}.entity"))

    def _one_row(
        self,
        found: tuple[SQLSource, sa.FromClause, Condition],
        node: Path,
        hops: tuple[Hop, ...],
    ) -> Column:
        row, table, join = found
        value = self._linked(row, node, hops)
        query: sa.Select[Any] = (
            sa.select(value).select_from(table).where(join).correlate_except(table)
        )
        return query.scalar_subquery()

    def among_rows(self, over: tuple[str, ...]) -> tuple["Writer", list[Any], list[Condition]]:
        """Return the writer for other records, their tables and what selects them."""
        source, table, condition = self.source.rows(over[0])
        tables, conditions = [table], [condition]
        for lines in over[1:]:
            source, table, condition = source.rows(lines)
            tables.append(table)
            conditions.append(condition)
        return Writer(self.environment, source, self.outermost), tables, conditions

    def ask(self, node: Ask) -> Column:
        """Return the answer of other records."""
        if node.function == "under" and node.value is not None:
            return self._plain(node.value)
        inner, tables, conditions = self.among_rows(node.over)
        if node.condition is not None:
            conditions.append(inner.truth(node.condition))
        value = inner.value(node.value) if node.value is not None else inner.source.value("id")
        if node.function == "exists":
            found: sa.Select[Any] = (
                sa.select(sa.literal_column("1")).select_from(*tables).where(*conditions)
            )
            return sa.exists(found.correlate_except(*tables))
        chosen = sql_values.AGGREGATES[node.function](value)
        query: sa.Select[Any] = sa.select(chosen).select_from(*tables).where(*conditions)
        if node.function == "pick":
            query = query.order_by(inner.source.value("id").desc()).limit(1)
        return query.correlate_except(*tables).scalar_subquery()

    def _under(self, node: Under) -> Condition:
        """Return that a record is among another and all below it.

        The walk goes down from the top, which often is the same for all rows and then done once.
        """
        low, high = self.value(node.item), self.value(node.top)
        top, table, _ = self.source.rows(node.entity)
        first = sa.select(top.value("id").label("id")).select_from(table)
        first = first.where(top.value("id") == high).correlate_except(table)
        below = first.cte(recursive=True, nesting=True)
        child, table, _ = self.source.rows(node.entity)
        step = sa.select(child.value("id")).select_from(table)
        below = below.union(step.join(below, child.value(node.parent) == below.c.id))
        query: sa.Select[Any] = (
            sa.select(sa.literal_column("1")).select_from(below).where(below.c.id == low)
        )
        return sa.exists(query.correlate_except(below))


def parameter_reads(node: Call, place: int) -> bool:
    """Tell whether the function reads this argument itself, as it stands in the expression."""
    parameters = node.function.parameters
    return parameters[min(place, len(parameters) - 1)].read is not None


def strict_links(node: Node) -> Iterator[Path]:
    """Yield the paths through links without which a condition cannot be true.

    Only for them may the linked record be joined: ``(customer.name or 'x') == 'x'`` is true
    without a customer.
    """
    if isinstance(node, Path):
        single = all(not hop.type.is_any_link for hop in node.hops)
        if node.hops and single and node.root not in ("my", "me", "app"):
            yield node
    elif isinstance(node, Call) and node.function.sees_empty:
        return
    elif isinstance(node, _STRICT):
        for child in node.children:
            # A boolean through no link is no, not empty.
            if child.type.kind is not Kind.boolean:
                yield from strict_links(child)


def may_be_empty(node: Node) -> bool:
    """Tell whether SQL may find NULL for the node."""
    if isinstance(node, Constant):
        return node.value is None
    if isinstance(node, Path):
        # Only of a stored row is it known that a field is filled: the system is no user, and a
        # record that is being created has no id yet.
        return bool(node.hops or node.root) or not node.type.filled
    if isinstance(node, Filled):
        return node.item.type.kind is Kind.many
    if isinstance(node, Ask):
        return node.function not in ("exists", "count", "sum", "under")
    if isinstance(node, Under):
        return False
    if isinstance(node, Call):
        never = node.function.name in ("now", "today", "this", "previous", "next")
        return not never
    if isinstance(node, Compare) and any(_ranked(child) for child in node.children):
        return True
    if isinstance(node, (Compare, OneOf, Within)):
        return any(may_be_empty(child) for child in node.children)
    return True


def _ranked(node: Node) -> bool:
    return node.type.kind in (Kind.choice, Kind.record, Kind.any)


_STRICT = (Compare, OneOf, Among, Within, Filled, Call, *sql_values.STRICT)
