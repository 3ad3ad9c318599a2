"""Say what a function call means."""

import ast
from typing import TYPE_CHECKING

from app.expressions import comparing, names
from app.expressions import types as t
from app.expressions.builtin import ADD_UP
from app.expressions.coercion import convert, fit, in_base, is_text_constant, read_as
from app.expressions.functions import ASKING, SPECIAL, Function, Parameter
from app.expressions.problems import hint, nearest
from app.expressions.scopes import Scope
from app.expressions.tree import (
    Ask,
    Call,
    Changed,
    Constant,
    InView,
    Node,
    OneOf,
    Path,
    Under,
)
from app.expressions.types import Kind, Type

if TYPE_CHECKING:
    from app.expressions.checking import Checker


def read_call(checker: "Checker", tree: ast.Call | ast.Attribute, start: int, end: int) -> Node:
    """Return what a call means."""
    rest: list[str] = []
    inner: ast.expr = tree
    while isinstance(inner, ast.Attribute):
        rest.insert(0, inner.attr)
        inner = inner.value
    assert isinstance(inner, ast.Call)
    assert isinstance(inner.func, ast.Name)
    name = inner.func.id
    if rest and name != "pick":
        raise checker.mistake(
            "no-parts", f"Only what `pick` found has fields; `{name}(…)` has none.", start, end
        )
    if name in ASKING and not (name == "sum" and _adds_own_values(checker, inner)):
        return _ask(checker, name, inner, rest, start, end)
    if name == "sum":
        return _add_up(checker, inner, start, end)
    if name in SPECIAL:
        _count(checker, inner, SPECIAL[name], 1 if name in ("in_view", "changed") else 2, 2)
        return _SPECIAL[name](checker, inner, start, end)
    function = checker.functions.get(name)
    if function is None:
        legal = [*checker.functions, *SPECIAL]
        near = nearest(name, legal)
        advice = hint(near, []) or " The functions are listed in the documentation."
        raise checker.mistake(
            "unknown-function",
            f"There is no function `{name}`.{advice}",
            start,
            start + len(name),
            near,
        )
    return _call(checker, function, inner, start, end)


def _count(
    checker: "Checker", tree: ast.Call, signature: str, least: int, most: int | None
) -> None:
    count = len(tree.args)
    if count < least or (most is not None and count > most):
        start, end = checker.place(tree)
        here = "is 1 argument" if count == 1 else f"are {count or 'no'} arguments"
        raise checker.mistake(
            "wrong-arguments",
            f"It is written `{signature}`; here {here}.",
            start,
            end,
        )


def _call(checker: "Checker", function: Function, tree: ast.Call, start: int, end: int) -> Node:
    parameters = list(function.parameters)
    is_repeated = bool(parameters) and parameters[-1].repeated
    least = sum(1 for parameter in parameters if not (parameter.optional or parameter.repeated))
    _count(checker, tree, function.signature, least, None if is_repeated else len(parameters))
    while len(parameters) < len(tree.args):
        parameters.append(parameters[-1])
    arguments = [
        _argument(checker, function, parameter, checker.read(argument))
        for parameter, argument in zip(parameters, tree.args, strict=False)
    ]
    return make_call(checker, function, arguments, start, end)


def make_call(
    checker: "Checker", function: Function, arguments: list[Node], start: int, end: int
) -> Node:
    """Return the call of a function with arguments that fit."""
    result = function.result
    if not isinstance(result, Type):
        found = result([argument.type for argument in arguments])
        if found is None:
            kinds = " and ".join(dict.fromkeys(str(a.type) for a in arguments))
            raise checker.mistake(
                "mixed-types", f"These are {kinds}; they must be alike.", start, end
            )
        result = found
        if function.alike:
            arguments = [convert(argument, result) for argument in arguments]
    checker.is_volatile |= function.is_volatile
    return Call(type=result, function=function, arguments=tuple(arguments), start=start, end=end)


def _argument(checker: "Checker", function: Function, parameter: Parameter, node: Node) -> Node:
    if parameter.read is not None:
        return _fixed(checker, parameter, node)
    kinds = parameter.kinds
    if is_text_constant(node) and kinds & t.DAYS and Kind.text not in kinds:
        node = read_as(checker, node, t.DATETIME)
    have = node.type
    if have.kind is Kind.many and Kind.many in kinds and comparing.lines_of(node):
        raise checker.mistake_at(
            "many-values",
            f"`{checker.source(node)}` are lines. Write `count({checker.source(node)})`.",
            node,
        )
    if have.kind is Kind.empty and not function.alike:
        return convert(node, Type(next(kind for kind in Kind if kind in kinds)))
    if have.kind in kinds or have.kind in (Kind.any, Kind.empty):
        return node
    source = checker.source(node)
    wanted = " or ".join(str(Type(kind)) for kind in sorted(kinds, key=list(Kind).index)[:4])
    advice = f" Write `text({source})`." if Kind.text in kinds and have.is_number else ""
    raise checker.mistake_at(
        "wrong-type",
        f"`{source}` is {have}; {parameter.name} of `{function.name}` is {wanted}.{advice}",
        node,
    )


def _fixed(checker: "Checker", parameter: Parameter, node: Node) -> Constant:
    assert parameter.read is not None
    source = checker.source(node)
    if not isinstance(node, Constant) or node.type.kind not in parameter.kinds:
        raise checker.mistake_at(
            "not-fixed",
            f"`{source}` is worked out; {parameter.name} must stand here itself, "
            f"as {Type(next(iter(parameter.kinds)))}.",
            node,
        )
    try:
        value = parameter.read(node.value)
    except ValueError as error:
        raise checker.mistake_at("wrong-value", str(error), node) from None
    return Constant(type=node.type, value=value, start=node.start, end=node.end)


# Functions whose arguments are no ordinary values.


def _has(checker: "Checker", tree: ast.Call, start: int, end: int) -> Node:
    many, item = checker.read(tree.args[0]), checker.read(tree.args[1])
    if many.type.kind not in (Kind.many, Kind.any):
        source = checker.source(many)
        raise checker.mistake_at(
            "not-many", f"`{source}` is {many.type}, not many values. Write `{source} == …`.", many
        )
    return comparing.among(checker, item, many, start, end)


def _under(checker: "Checker", tree: ast.Call, start: int, end: int) -> Node:
    item, top = checker.read(tree.args[0]), checker.read(tree.args[1])
    if item.type.kind is Kind.choice:
        top = read_as(checker, top, item.type, checker.source(item))
        if not isinstance(top, Constant) or top.type.kind is not Kind.choice:
            raise checker.mistake_at(
                "not-fixed", f"`{checker.source(top)}` must be one of the options itself.", top
            )
        below = [option for option in item.type.options if _is_under(item.type, option, top.value)]
        choices = tuple(
            Constant(type=item.type, value=option, start=top.start, end=top.end) for option in below
        )
        return OneOf(type=t.BOOLEAN, item=item, choices=choices, start=start, end=end)
    parent = item.type.tree or top.type.tree
    if item.type.kind is Kind.record and parent and not item.type.is_any_link:
        top = fit(checker, top, item.type)
        return Under(
            type=t.BOOLEAN,
            item=item,
            top=top,
            entity=item.type.entities[0],
            parent=parent,
            start=start,
            end=end,
        )
    raise checker.mistake_at(
        "not-a-tree",
        f"`{checker.source(item)}` is {item.type} that is in no tree, so nothing is below it.",
        item,
    )


def _is_under(type_: Type, option: str, top: str) -> bool:
    seen: set[str] = set()
    current: str | None = option
    while current is not None and current not in seen:
        if current == top:
            return True
        seen.add(current)
        current = type_.parents.get(current)
    return False


def _in_view(checker: "Checker", tree: ast.Call, start: int, end: int) -> Node:
    node = checker.read(tree.args[0])
    if not is_text_constant(node) or not isinstance(node, Constant):
        raise checker.mistake_at(
            "not-fixed", "`in_view` takes the name of a view in quotes: `in_view('silent')`.", node
        )
    view = checker.scope.view(node.value)
    if view is None:
        near = nearest(node.value, checker.scope.views)
        message = f"There is no view `{node.value}` here.{hint(near, checker.scope.views)}"
        raise checker.mistake_at("unknown-view", message, node, near)
    checker.used |= view.names
    for over, paths in view.asked.items():
        checker.asked.setdefault(over, set()).update(paths)
    checker.is_volatile |= view.is_volatile
    return InView(type=t.BOOLEAN, name=node.value, item=view.root, start=start, end=end)


def _changed(checker: "Checker", tree: ast.Call, start: int, end: int) -> Node:
    node = checker.read(tree.args[0])
    if not isinstance(node, Path) or node.root not in ("", "record") or node.hops or not node.name:
        raise checker.mistake_at(
            "not-a-field", "`changed` takes a field of this record: `changed(stage)`.", node
        )
    if not checker.knows_old:
        raise checker.mistake(
            "no-write", "`changed` asks about a write; it stands in rules and checks.", start, end
        )
    checker.uses_old = True
    return Changed(type=t.BOOLEAN, name=node.name, start=start, end=end)


_SPECIAL = {"has": _has, "under": _under, "in_view": _in_view, "changed": _changed}


# Questions to other records.


def _adds_own_values(checker: "Checker", tree: ast.Call) -> bool:
    if not tree.args:
        return False
    words = names.words_of(tree.args[0])
    return words is None or checker.scope.entity(words[0]) is None


def _add_up(checker: "Checker", tree: ast.Call, start: int, end: int) -> Node:
    return _call(checker, ADD_UP, tree, start, end)


def _ask(
    checker: "Checker", name: str, tree: ast.Call, rest: list[str], start: int, end: int
) -> Node:
    _count(checker, tree, SPECIAL[name], 1, 2)
    words = names.words_of(tree.args[0])
    over, scope, path = _rows_of(checker, name, words or [], tree.args[0])
    path += rest
    takes_value = name not in ("count", "exists", "pick")
    place = checker.place(tree.args[0])
    if takes_value and not path:
        first = ".".join(over)
        raise checker.mistake("which-field", f"Say which field: `{name}({first}.…)`.", *place)
    if path and name in ("count", "exists"):
        raise checker.mistake("no-field", f"`{name}` counts records, so it takes no field.", *place)
    conditions = checker.among(over, scope, tree.args[1:])
    condition = fit(checker, conditions[0], t.BOOLEAN) if conditions else None
    value = _asked_value(checker, name, over, scope, path, place) if path else None
    return Ask(
        type=_asked_type(name, over, value),
        function=name,
        over=over,
        value=value,
        condition=condition,
        start=start,
        end=end,
    )


def _rows_of(
    checker: "Checker", name: str, words: list[str], tree: ast.expr
) -> tuple[tuple[str, ...], Scope, list[str]]:
    start, end = checker.place(tree)
    scope = checker.scope.entity(words[0]) if words else None
    if scope is None:
        source = checker.expression.text[start:end]
        raise checker.mistake(
            "not-an-entity",
            f"`{words[0] if words else source}` is neither an entity nor lines of this record, "
            f"so `{name}` has no records to ask.",
            start,
            start + len(words[0]) if words else end,
        )
    over, path = (words[0],), words[1:]
    type_ = scope.find(path[0]) if path else None
    lines = scope.entity(path[0]) if type_ is not None and comparing.holds_lines(type_) else None
    if lines is not None:
        return (*over, path[0]), lines, path[1:]
    return over, scope, path


def _asked_value(
    checker: "Checker",
    name: str,
    over: tuple[str, ...],
    scope: Scope,
    path: list[str],
    place: tuple[int, int],
) -> Node:
    before = checker.scope, checker._over
    checker.scope, checker._over = scope, ".".join(over)
    start, end = place
    try:
        # What the path is of stands before it: a mistake is one of the path alone.
        value: Node = names.resolve(checker, path, max(start, end - len(".".join(path))), end)
    finally:
        checker.scope, checker._over = before
    if name == "pick":
        return value
    allowed = (
        {*t.NUMBERS, Kind.duration}
        if name in ("sum", "avg")
        else {*t.NUMBERS, *t.DAYS, Kind.duration, Kind.time}
    )
    # A field that is wrong itself was complained about where it stands.
    if value.type.kind not in allowed and value.type.kind is not Kind.any:
        raise checker.mistake(
            "wrong-type",
            f"`{checker.expression.text[start:end]}` is {value.type}; `{name}` needs numbers"
            f"{'' if name in ('sum', 'avg') else ' or dates'}.",
            start,
            end,
        )
    return in_base(value)


def _asked_type(name: str, over: tuple[str, ...], value: Node | None) -> Type:
    if name == "exists":
        return t.BOOLEAN
    if name == "count":
        return t.NUMBER
    if value is not None:
        return t.bare(value.type)
    return t.record_type(".".join(over))
