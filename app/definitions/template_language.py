"""What a template may use of Jinja: text, values, `if`, `for`, `set`, some filters and tests.

Said once: the check of a configuration refuses the rest, and so does whoever fills templates in.
"""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import nodes

#: Everything else of Jinja is refused: macros, calls, includes, blocks, extensions.
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr,
    nodes.Getitem, nodes.If, nodes.For, nodes.Assign, nodes.Filter, nodes.Test, nodes.Compare,
    nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.CondExpr, nodes.List, nodes.Tuple,
    nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos,
    nodes.Concat, nodes.Slice, nodes.Keyword,
)  # fmt: skip
#: Filters of Jinja that may be used, beside ``date``.
FILTERS = (
    "abs", "capitalize", "count", "d", "default", "e", "escape", "first", "float", "int", "join",
    "last", "length", "list", "lower", "max", "min", "replace", "reverse", "round", "sort", "sum",
    "title", "trim", "truncate", "unique", "upper", "wordcount",
)  # fmt: skip
TESTS = (
    "defined", "undefined", "number", "string", "even", "odd", "divisibleby", "in", "eq", "ne",
    "lt", "le", "gt", "ge", "==", "!=", "<", "<=", ">", ">=",
)  # fmt: skip
#: Names by which Jinja reaches the template itself.
_NO_VALUES = ("self", "super", "caller", "varargs", "kwargs")


def refusals(tree: nodes.Template) -> Iterator[tuple[int, str, str]]:
    """Give what a template must not use: the line, what is wrong, what is allowed."""
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _ALLOWED):
            what = type(node).__name__.lower()
            yield (
                node.lineno,
                f"a template cannot use `{what}`",
                "There are `{{ … }}`, `{% if %}`, `{% for %}`, `{% set %}` and filters.",
            )
        elif isinstance(node, nodes.For) and node.recursive:
            yield node.lineno, "a loop cannot be recursive", ""
        elif isinstance(node, nodes.Filter) and node.name not in (*FILTERS, "date"):
            known = ", ".join(sorted((*FILTERS, "date")))
            yield node.lineno, f"there is no filter `{node.name}`", f"There are: {known}."
        elif isinstance(node, nodes.Test) and node.name not in TESTS:
            yield node.lineno, f"there is no test `{node.name}`", f"There are: {', '.join(TESTS)}."
        elif isinstance(node, nodes.Name) and (node.name[0] == "_" or node.name in _NO_VALUES):
            yield node.lineno, f"there is no value `{node.name}`", ""
