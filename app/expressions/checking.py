"""Check that an expression makes sense and say what it means.

``check`` turns what was parsed into a tree of typed parts; every mistake an author can make beyond
the grammar is found here, with its place, the value and what was probably meant.
"""

import ast
from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise
from typing import NoReturn

from app.expressions import calls, comparing, moving, names
from app.expressions import types as t
from app.expressions.builtin import BUILTIN
from app.expressions.coercion import convert, fit, in_base, unify
from app.expressions.functions import Functions
from app.expressions.problems import ExpressionProblem
from app.expressions.scopes import ROOTS, Scope
from app.expressions.syntax import Expression
from app.expressions.tree import (
    And,
    Arithmetic,
    Checked,
    Conditional,
    Constant,
    FirstFilled,
    Negative,
    Node,
    Not,
    Or,
    Path,
    Series,
)
from app.expressions.types import Kind, Type

_SIGNS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
}


def check(
    expression: Expression,
    scope: Scope,
    *,
    want: Type | None = None,
    functions: Functions = BUILTIN,
) -> Checked:
    """Return the expression with its types, fit for a place that asks for *want*.

    Raises:
        ExpressionProblem: a name is unknown, types do not go together, a value is none.
    """
    checker = Checker(expression, scope, functions)
    root = checker.read(expression.tree)
    if want is not None:
        root = fit(checker, root, want)
    elif root.type.kind is Kind.period:
        raise checker.mistake_at("period-alone", "A period stands after `in`: `day in …`.", root)
    return Checked(
        text=expression.text,
        root=root,
        names=frozenset(checker.used),
        asked={over: frozenset(paths) for over, paths in checker.asked.items()},
        is_volatile=checker.is_volatile,
        uses_old=checker.uses_old,
    )


class Checker:
    """The state of checking one expression."""

    def __init__(self, expression: Expression, scope: Scope, functions: Functions) -> None:
        self.expression = expression
        self.scope = scope
        self.functions = functions
        self.used: set[str] = set()
        self.asked: dict[str, set[str]] = {}
        self.is_volatile = False
        self.uses_old = False
        self._outermost = scope
        self._over: str = ""

    @property
    def knows_old(self) -> bool:
        """Whether the expression is asked while a record is written."""
        return self._outermost.find("old") is not None

    # What happens to names.

    def find(self, name: str, start: int) -> Type:
        """Return the type of a name, or refuse it."""
        # Inside a question to other records the words of the house still mean the record at hand.
        scope = self._outermost if name in ROOTS else self.scope
        try:
            type_ = scope.find(name)
        except ExpressionProblem as problem:
            raise self.mistake(
                problem.code, problem.message, start, start + len(name), problem.suggestions
            ) from None
        if type_ is None:
            message, near = names.unknown_name(name, self.scope.names)
            if name in ROOTS:
                message = f"`{name}` means nothing in this place."
            raise self.mistake("unknown-name", message, start, start + len(name), near)
        return type_

    def note(self, path: Path) -> None:
        """Remember that a path is read."""
        if path.root in ("me", "my"):
            self.is_volatile = True
        if path.root in ("old", "origin"):
            self.uses_old = True
        if self._over and not path.root:
            self.asked[self._over].add(path.dotted)
        else:
            self.used.add(path.dotted)

    def among(self, over: tuple[str, ...], scope: Scope, trees: Iterable[ast.expr]) -> list[Node]:
        """Read trees in the scope of other records."""
        before = self.scope, self._over
        self.scope, self._over = scope, ".".join(over)
        self.asked.setdefault(self._over, set())
        try:
            return [self.read(tree) for tree in trees]
        finally:
            self.scope, self._over = before

    # What is said about mistakes.

    def place(self, tree: ast.expr) -> tuple[int, int]:
        """Return where a tree begins and ends, counted from 0."""
        return self.expression.start(tree), self.expression.end(tree)

    def source(self, node: Node) -> str:
        """Return a node as it was written."""
        return self.expression.text[node.start : node.end]

    def mistake(
        self, code: str, message: str, start: int, end: int, suggestions: Iterable[str] = ()
    ) -> ExpressionProblem:
        """Return the problem at a place counted from 0."""
        found = self.expression.text[start:end]
        return ExpressionProblem(code, message, start + 1, end + 1, suggestions, found)

    def mistake_at(
        self, code: str, message: str, node: Node, suggestions: Iterable[str] = ()
    ) -> ExpressionProblem:
        """Return the problem at a node."""
        return self.mistake(code, message, node.start, node.end, suggestions)

    # Reading, by construct.

    def read(self, tree: ast.expr) -> Node:
        """Return what a tree means."""
        words = names.words_of(tree)
        if words:
            return names.read_name(self, tree, words)
        start, end = self.place(tree)
        if isinstance(tree, ast.Constant):
            return self._constant(tree, start, end)
        if isinstance(tree, ast.BoolOp):
            return self._either(tree, start, end)
        if isinstance(tree, ast.UnaryOp):
            return self._unary(tree, start, end)
        if isinstance(tree, ast.BinOp):
            return self._calculated(tree, start, end)
        if isinstance(tree, ast.Compare):
            return self._compared(tree, start, end)
        if isinstance(tree, ast.IfExp):
            (yes, no), type_ = unify(self, [self.read(tree.body), self.read(tree.orelse)])
            test = self.condition(tree.test)
            return Conditional(type=type_, test=test, yes=yes, no=no, start=start, end=end)
        if isinstance(tree, (ast.Tuple, ast.List)):
            return self._series(tree, start, end)
        assert isinstance(tree, (ast.Call, ast.Attribute))
        return calls.read_call(self, tree, start, end)

    def condition(self, tree: ast.expr) -> Node:
        """Return what a tree means where yes or no is asked."""
        return fit(self, self.read(tree), t.BOOLEAN)

    def _constant(self, tree: ast.Constant, start: int, end: int) -> Constant:
        if isinstance(tree.value, bool):
            return Constant(type=t.BOOLEAN, value=tree.value, start=start, end=end)
        if isinstance(tree.value, str):
            return Constant(type=t.TEXT, value=self.expression.quoted(tree), start=start, end=end)
        # Python would read 0.1 as a binary fraction; the digits themselves are exact.
        value = Decimal(self.expression.text[start:end].replace("_", ""))
        return Constant(type=t.NUMBER, value=value, start=start, end=end)

    def _either(self, tree: ast.BoolOp, start: int, end: int) -> Node:
        items = [self.read(value) for value in tree.values]
        if isinstance(tree.op, ast.And):
            met = tuple(fit(self, item, t.BOOLEAN) for item in items)
            return And(type=t.BOOLEAN, items=met, start=start, end=end)
        if any(item.type.kind is Kind.boolean for item in items):
            met = tuple(fit(self, item, t.BOOLEAN) for item in items)
            return Or(type=t.BOOLEAN, items=met, start=start, end=end)
        filled, type_ = unify(self, items)
        return FirstFilled(type=type_, items=tuple(filled), start=start, end=end)

    def _unary(self, tree: ast.UnaryOp, start: int, end: int) -> Node:
        if isinstance(tree.op, ast.Not):
            item = self.condition(tree.operand)
            return Not(type=t.BOOLEAN, item=item, start=start, end=end)
        item = self.read(tree.operand)
        if not item.type.is_number and item.type.kind not in (Kind.duration, Kind.any):
            raise self.mistake_at(
                "not-a-number", f"`{self.source(item)}` is {item.type}; it has no sign.", item
            )
        if isinstance(tree.op, ast.UAdd):
            return item
        if isinstance(item, Constant):
            return Constant(type=item.type, value=-item.value, start=start, end=end)
        return Negative(type=t.bare(item.type), item=item, start=start, end=end)

    def _series(self, tree: ast.Tuple | ast.List, start: int, end: int) -> Series:
        if not tree.elts:
            raise self.mistake("empty-series", "There is nothing between the brackets.", start, end)
        items, type_ = unify(self, [self.read(item) for item in tree.elts])
        return Series(type=t.many(type_), items=tuple(items), start=start, end=end)

    def _compared(self, tree: ast.Compare, start: int, end: int) -> Node:
        sides = [self.read(side) for side in (tree.left, *tree.comparators)]
        pairs = zip(tree.ops, pairwise(sides), strict=True)
        parts = [comparing.compare(self, op, left, right) for op, (left, right) in pairs]
        if len(parts) == 1:
            return parts[0]
        return And(type=t.BOOLEAN, items=tuple(parts), start=start, end=end)

    def _calculated(self, tree: ast.BinOp, start: int, end: int) -> Node:
        sign = _SIGNS[type(tree.op)]
        left, right = self.read(tree.left), self.read(tree.right)
        days = moving.move_in_time(self, sign, left, right, start, end)
        if days is not None:
            return days
        for side in (left, right):
            if not side.type.is_number and side.type.kind not in (Kind.any, Kind.empty):
                self._refuse_calculating(sign, side)
        left, right, type_ = _as_numbers(sign, left, right)
        return Arithmetic(type=type_, operator=sign, left=left, right=right, start=start, end=end)

    def _refuse_calculating(self, sign: str, side: Node) -> NoReturn:
        source = self.source(side)
        if side.type.kind in (Kind.text, Kind.choice):
            raise self.mistake_at(
                "not-a-number",
                f"`{source}` is {side.type}; `{sign}` calculates with numbers. "
                "To put texts together, write `join(' ', a, b)`.",
                side,
            )
        if side.type.kind in t.DAYS:
            raise self.mistake_at(
                "not-a-number",
                f"`{source}` is {side.type}. Add a duration to it (`{source} + days(2)`), "
                "or count with `days_between(a, b)`.",
                side,
            )
        raise self.mistake_at(
            "not-a-number", f"`{source}` is {side.type}; `{sign}` calculates with numbers.", side
        )


def _as_numbers(sign: str, left: Node, right: Node) -> tuple[Node, Node, Type]:
    """Return both sides as what is calculated with, and the type of the result."""
    kinds = [left.type.kind, right.type.kind]
    if kinds == [Kind.percent, Kind.percent] and sign in "+-":
        return left, right, t.PERCENT
    if kinds == [Kind.money, Kind.money]:
        if _in_different_records(left, right):
            left, right = in_base(left), in_base(right)
        # Money divided by money is a relation, no longer an amount.
        return left, right, t.NUMBER if sign in ("/", "//", "*") else t.MONEY
    # In arithmetic 13 % is 0.13, whatever it meets.
    left, right = convert(left, t.NUMBER), convert(right, t.NUMBER)
    if kinds == [Kind.number, Kind.money] and sign in ("/", "//"):
        return left, right, t.NUMBER
    return left, right, t.MONEY if Kind.money in kinds else t.NUMBER


def _in_different_records(left: Node, right: Node) -> bool:
    if not isinstance(left, Path) or not isinstance(right, Path):
        return False
    return (left.root, left.hops) != (right.root, right.hops)
