"""Read the text of an expression.

Python's own parser reads it; only a small list of its constructs is let through, and nothing is
ever evaluated by Python. What names mean is not known here: see ``checking``.
"""

import ast
import keyword
import re
from dataclasses import dataclass
from itertools import pairwise

from app.expressions.problems import ExpressionProblem

LONGEST = 2_000
DEEPEST = 50
MOST_PARTS = 500

_ALLOWED = frozenset(
    {
        ast.BoolOp,
        ast.UnaryOp,
        ast.BinOp,
        ast.Compare,
        ast.IfExp,
        ast.Call,
        ast.Name,
        ast.Attribute,
        ast.Constant,
        ast.Tuple,
        ast.List,
        ast.keyword,
    }
)
#: Signs between the parts: allowed, and nothing more is to be said about them.
_SIGNS = frozenset(
    {
        ast.And,
        ast.Or,
        ast.Not,
        ast.USub,
        ast.UAdd,
        ast.Add,
        ast.Sub,
        ast.Mult,
        ast.Div,
        ast.FloorDiv,
        ast.Mod,
        ast.Eq,
        ast.NotEq,
        ast.Lt,
        ast.LtE,
        ast.Gt,
        ast.GtE,
        ast.In,
        ast.NotIn,
        ast.Is,
        ast.IsNot,
        ast.Load,
    }
)

#: What people write that Python has and this language has not, in their words.
_FOREIGN = {
    ast.Lambda: "a function of its own (`lambda`)",
    ast.ListComp: "a loop",
    ast.SetComp: "a loop",
    ast.DictComp: "a loop",
    ast.GeneratorExp: "a loop",
    ast.Pow: "a power (`**`)",
    ast.NamedExpr: "an assignment (`:=`)",
    ast.Subscript: "an index (`[ ]`)",
    ast.Dict: "a table (`{ }`)",
    ast.Set: "a set (`{ }`)",
    ast.JoinedStr: "a text with places to fill in (`f'…'`)",
    ast.Starred: "a star",
    ast.MatMult: "the operator `@`",
    ast.BitAnd: "the operator `&`",
    ast.BitOr: "the operator `|`",
    ast.BitXor: "the operator `^`",
    ast.LShift: "the operator `<<`",
    ast.RShift: "the operator `>>`",
    ast.Invert: "the operator `~`",
    ast.Await: "`await`",
    ast.Yield: "`yield`",
    ast.YieldFrom: "`yield`",
}

#: Signs of other languages, and what this one writes. Searched outside quoted text.
_OTHER_SIGNS = (
    (re.compile(r"&&"), "and"),
    (re.compile(r"\|\|"), "or"),
    (re.compile(r"<>"), "!="),
    (re.compile(r"===?=?"), "=="),
    (re.compile(r"!(?!=)"), "not"),
    (re.compile(r"(?<![=<>!:])=(?!=)"), "=="),
)
_FULL_WIDTH = {
    "，": ",",
    "（": "(",
    "）": ")",
    "＝": "=",
    "＜": "<",
    "＞": ">",
    "！": "!",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "。": ".",
    "＋": "+",
    "－": "-",
    "；": ";",
    "：": ":",
}
_QUOTED = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
_NUMBER = re.compile(r"(\d[\d_]*)?\.?(\d[\d_]*)?")
_KEYWORD_AFTER_DOT = re.compile(r"(?P<dot>\.\s*)(?P<word>[a-z]+)\b")


@dataclass(frozen=True)
class Expression:
    """An expression that can be read; whether it makes sense is for ``check`` to say."""

    text: str
    tree: ast.expr
    #: What Python read: quoted text masked, line ends and reserved words after a dot made harmless.
    #: It has the same number of characters, so places in it are places in the text.
    read: str

    def start(self, node: ast.expr) -> int:
        """Return the place of the node's first character, counted from 0."""
        return self._place(node.col_offset)

    def end(self, node: ast.expr) -> int:
        """Return the place behind the node's last character, counted from 0."""
        return self._place(node.end_col_offset or node.col_offset)

    def source(self, node: ast.expr) -> str:
        """Return the node as it was written."""
        return self.text[self.start(node) : self.end(node)]

    def quoted(self, node: ast.Constant) -> str:
        """Return the text that stands between the quotes.

        Only quotes and the backslash itself are written with a backslash before them; any other
        backslash is one, so that patterns read as people know them.
        """
        return re.sub(r"\\([\\'\"])", r"\1", self.source(node)[1:-1])

    def _place(self, offset: int) -> int:
        # Python counts bytes of UTF-8, people and editors count characters.
        if self.read.isascii():
            return offset
        return len(self.read.encode()[:offset].decode())


def parse(text: str) -> Expression:
    """Return the expression that *text* is.

    Raises:
        ExpressionProblem: it is too long, too deep, or no expression of this language.
    """
    try:
        return _parse(text)
    except ExpressionProblem as problem:
        problem.found = text[problem.column - 1 : problem.end_column - 1]
        raise


def _parse(text: str) -> Expression:
    if not text.strip():
        raise ExpressionProblem("empty-expression", "There is no expression here. Write one.")
    if len(text) > LONGEST:
        raise ExpressionProblem(
            "too-long",
            f"The expression has {len(text):,} characters; at most {LONGEST:,} are read. "
            "Put a part of it into a formula field and use that.",
        )
    # Masking leaves Python nothing to interpret in quoted text, and no sign in it misleads us.
    bare = _QUOTED.sub(lambda found: _masked(found.group()), text)
    read = _with_harmless_keywords(re.sub(r"[\r\n\t\f]", " ", bare))
    _refuse_other_scripts(bare)
    # A leading blank would be an indentation to Python.
    indent = len(read) - len(read.lstrip(" "))
    try:
        tree = ast.parse(read[indent:], mode="eval").body
    except SyntaxError as error:
        raise _syntax_problem(text, read, indent, error) from None
    except (ValueError, MemoryError, RecursionError):
        raise _too_deep() from None
    if indent:
        for node in ast.walk(tree):
            if isinstance(node, ast.expr):
                node.col_offset += indent
                node.end_col_offset = (node.end_col_offset or 0) + indent
    expression = Expression(text=text, tree=tree, read=read)
    _refuse_foreign(expression)
    return expression


def _masked(quoted: str) -> str:
    return quoted[0] + "x" * (len(quoted) - 2) + quoted[-1]


def _refuse_other_scripts(bare: str) -> None:
    if bare.isascii() and bare.isprintable():
        return
    for place, sign in enumerate(bare):
        if sign in _FULL_WIDTH:
            raise ExpressionProblem(
                "full-width-sign",
                f"`{sign}` is a full-width sign. Write `{_FULL_WIDTH[sign]}`.",
                place + 1,
                suggestions=[_FULL_WIDTH[sign]],
            )
        if sign == "\0" or (sign < " " and sign not in "\r\n\t\f"):
            raise ExpressionProblem(
                "not-an-expression",
                f"There is a control character (number {ord(sign)}) here. Take it out.",
                place + 1,
            )


def _with_harmless_keywords(text: str) -> str:
    """Let a part of a record be called like a word of Python: ``input.from``.

    Python looks for its words before it turns letters of other widths into plain ones, so a first
    letter of full width gets the name past it, and arrives as the plain name in the tree.
    """

    def widen(found: re.Match[str]) -> str:
        word = found["word"]
        if not keyword.iskeyword(word):
            return found.group()
        return found["dot"] + chr(ord(word[0]) + 0xFEE0) + word[1:]

    return _KEYWORD_AFTER_DOT.sub(widen, text)


def _syntax_problem(text: str, read: str, indent: int, error: SyntaxError) -> ExpressionProblem:
    for pattern, right in _OTHER_SIGNS:
        found = pattern.search(read)
        if found and found.group() != "==":
            return ExpressionProblem(
                "foreign-sign",
                f"`{found.group()}` is not known here. Write `{right}`.",
                found.start() + 1,
                found.end() + 1,
                [right],
            )
    said = error.msg or ""
    if "too many nested" in said or "too complex" in said:
        return _too_deep()
    column = min((error.offset or len(read)) + indent, len(read) + 1)
    if not error.offset:
        column = len(text.rstrip()) + 1
    if "expected 'else'" in said:
        message = "After `if` and its condition comes `else`: `'big' if amount > 9 else 'small'`."
    elif "never closed" in said:
        message = f"The bracket `{read[column - 1 : column]}` is never closed."
    elif "unterminated string" in said:
        message = "The quoted text that begins here has no closing quote."
    elif "unmatched" in said:
        message = f"The bracket `{read[column - 1 : column]}` closes nothing."
    else:
        near = text[column - 1 :].strip()[:20]
        message = (
            f"The expression cannot be read from `{near}` on."
            if near
            else "The expression ends too early; something is missing."
        )
    return ExpressionProblem("not-an-expression", message, column)


def _too_deep() -> ExpressionProblem:
    return ExpressionProblem(
        "too-deep",
        f"The expression is nested too deeply; {DEEPEST} levels are read. "
        "Put a part of it into a formula field and use that.",
    )


def _refuse_foreign(expression: Expression) -> None:
    count = 0
    waiting: list[tuple[ast.AST, int, ast.expr]] = [(expression.tree, 1, expression.tree)]
    while waiting:
        node, depth, nearest_expression = waiting.pop()
        count += isinstance(node, ast.expr)
        if count > MOST_PARTS:
            raise ExpressionProblem(
                "too-many-parts",
                f"The expression has more than {MOST_PARTS} parts. "
                "Put some of them into a formula field and use that.",
            )
        if depth > DEEPEST:
            raise _too_deep()
        place = node if isinstance(node, ast.expr) else nearest_expression
        _refuse_node(expression, node, place)
        parts = [child for child in ast.iter_child_nodes(node) if type(child) not in _SIGNS]
        waiting.extend((part, depth + 1, place) for part in parts)


def _refuse_node(expression: Expression, node: ast.AST, place: ast.expr) -> None:
    def refuse(code: str, message: str) -> None:
        start, end = expression.start(place), expression.end(place)
        raise ExpressionProblem(code, message, start + 1, end + 1)

    if type(node) not in _ALLOWED:
        what = _FOREIGN.get(type(node), f"`{expression.source(place)}`")
        refuse("foreign-construct", f"This language has no room for {what}. Say it without.")
    name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
    if "_" in name and (name[0] == "_" or "__" in name):
        refuse("forbidden-name", f"`{name}` is no name: names do not begin with `_` or hold `__`.")
    if isinstance(node, ast.Call):
        if node.keywords:
            refuse(
                "named-argument",
                "Functions take their arguments by place; write them without a name and `=`.",
            )
        if not isinstance(node.func, ast.Name):
            refuse(
                "not-a-function",
                f"`{expression.source(node.func)}` is not a function. "
                "A function is called by its plain name: `lower(name)`, not `name.lower()`.",
            )
    if isinstance(node, ast.Attribute) and not isinstance(
        node.value, (ast.Name, ast.Attribute, ast.Call)
    ):
        refuse("no-parts", f"`{expression.source(node.value)}` has no parts to name after a dot.")
    if isinstance(node, ast.Constant) and not _is_value(expression.source(node)):
        refuse("foreign-construct", f"`{expression.source(node)}` is no value of this language.")
    if isinstance(node, ast.Compare):
        _refuse_other_is(expression, node)


def _is_value(source: str) -> bool:
    if source[:1] in ("'", '"'):
        return bool(_QUOTED.fullmatch(source))
    return source in ("True", "False") or bool(_NUMBER.fullmatch(source))


def _refuse_other_is(expression: Expression, node: ast.Compare) -> None:
    sides = [node.left, *node.comparators]
    for operator, (left, right) in zip(node.ops, pairwise(sides), strict=True):
        is_empty = isinstance(right, ast.Name) and right.id == "empty"
        if isinstance(operator, (ast.Is, ast.IsNot)) and not is_empty:
            sign = "==" if isinstance(operator, ast.Is) else "!="
            start, end = expression.start(left), expression.end(right)
            raise ExpressionProblem(
                "is-what",
                f"After `is` comes `empty` or `not empty`. To compare, write `{sign}`.",
                start + 1,
                end + 1,
                [f"{expression.source(left)} {sign} {expression.source(right)}"],
            )
