"""The small part of Jinja that templates of a configuration may use.

A template is text with ``{{ … }}``, ``{% if %}``, ``{% for %}`` and ``{% set %}``; it reaches
values and nothing behind them: no attribute of a Python object, no call, no other template. What it
may cost is bounded in turns of loops, in signs and in time, since whoever writes a rule must not be
able to stop a worker.
"""

from __future__ import annotations

import operator
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import wraps
from typing import Any

from jinja2 import ChainableUndefined, TemplateSyntaxError, nodes
from jinja2.filters import FILTERS as OF_JINJA
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_context

from app.definitions.template_language import FILTERS, TESTS, refusals
from app.errors import TrellisError
from app.notifications.shown import Shown, date_text, in_words
from app.texts import Label, say

#: What one template may cost.
MOST_TURNS = 10_000
MOST_SIGNS = 200_000
MOST_SECONDS = 1.0

#: Where a rendering keeps what it may still cost; no template can name it.
BUDGET = "_budget_"

_LOOP = ("index", "index0", "first", "last", "length", "revindex", "revindex0")
_WORKED_OUT: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}


class TemplateFailed(TrellisError):
    """A template that cannot be rendered, with a sentence for the ledger."""

    def __init__(self, sentence: Label) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class Nothing(ChainableUndefined):
    """What is not there: an empty text, and so is everything behind it; it equals nothing."""

    __slots__ = ()

    def _is_not(self, _other: object) -> bool:
        return False

    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = _is_not  # type: ignore[assignment]

    def __ne__(self, _other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return id(type(self))


class Budget:
    """What one rendering may still cost."""

    __slots__ = ("_turns", "_until")

    def __init__(self) -> None:
        self._turns = MOST_TURNS
        self._until = time.monotonic() + MOST_SECONDS

    def turn(self) -> None:
        """Count one turn of a loop.

        Raises:
            TemplateFailed: there were too many, or they took too long.
        """
        self._turns -= 1
        if self._turns < 0:
            raise TemplateFailed(
                say(
                    "The template repeats something more than {most} times.",
                    "模板循环超过 {most} 次。",
                    most=MOST_TURNS,
                )
            )
        if not self._turns % 64 and time.monotonic() > self._until:
            raise TemplateFailed(
                say(
                    "The template takes longer than {most} s.",
                    "模板渲染超过 {most} 秒。",
                    most=MOST_SECONDS,
                )
            )


def check_length(length: int) -> None:
    """Refuse a text of so many signs if that is too much for a message.

    Raises:
        TemplateFailed: it is.
    """
    if length > MOST_SIGNS:
        raise TemplateFailed(
            say(
                "The template gives more than {most} signs.",
                "模板生成的内容超过 {most} 个字符。",
                most=MOST_SIGNS,
            )
        )


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment of all templates, plain or HTML."""

    intercepted_binops = frozenset(_WORKED_OUT)

    def __init__(self, *, is_html: bool) -> None:
        super().__init__(
            autoescape=is_html,
            undefined=Nothing,
            finalize=_finalize,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        filters = {name: _measured(OF_JINJA[name]) for name in FILTERS}
        self.filters = {
            **filters,
            "default": _default,
            "d": _default,
            "replace": _replace,
            "join": _join,
            "date": date_text,
            "_bounded": _bounded,
            "_joined": _joined,
        }
        self.tests = {name: self.tests[name] for name in TESTS}
        self.globals = {}

    # -- reaching values ---------------------------------------------------------------------------

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return what stands behind a dot: a value by name, nothing of Python's."""
        found = None
        if isinstance(obj, Mapping):
            found = obj.get(attribute)
        elif isinstance(obj, LoopContext):
            found = getattr(obj, attribute) if attribute in _LOOP else None
        elif (reach := getattr(type(obj), "template_value", None)) is not None:
            found = reach(obj, attribute)
        return self.undefined(name=attribute) if found is None else found

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return what stands in brackets: an item by number or name, or a part of a list."""
        if isinstance(argument, str):
            return self.getattr(obj, argument)
        if isinstance(obj, list | tuple | str) and isinstance(argument, int | slice):
            try:
                return obj[argument]
            except IndexError:
                return self.undefined()
        return self.undefined()

    def call(self, *_given: Any, **_named: Any) -> Any:
        """Refuse."""
        raise TemplateFailed(say("A template calls nothing.", "模板不能调用函数。"))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Work out numbers; anything else is empty. Texts are joined with ``~``."""
        del context
        one, other = bare(left), bare(right)
        if operator == "+" and isinstance(one, str) and isinstance(other, str):
            return _joined((one, other))
        if not all(isinstance(each, int | float | Decimal) for each in (one, other)):
            return self.undefined()
        if isinstance(one, float) != isinstance(other, float):
            one, other = Decimal(str(one)), Decimal(str(other))
        if operator in ("/", "//", "%") and not other:
            return self.undefined()
        if operator == "/":
            one = Decimal(str(one))
        return _WORKED_OUT[operator](one, other)

    # -- reading templates -------------------------------------------------------------------------

    def _parse(
        self, source: str, name: str | None = None, filename: str | None = None
    ) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        _check(tree)
        for loop in list(tree.find_all(nodes.For)):
            loop.iter = _filtered(loop.iter, "_bounded")
        for node in list(tree.find_all(nodes.Node)):
            _replace_joins(node)
        return tree


def bare(value: Any) -> Any:
    """Return the value itself of one that is shown."""
    return value.value if isinstance(value, Shown) else value


def _check(tree: nodes.Template) -> None:
    for line, sentence, _ in refusals(tree):
        raise TemplateSyntaxError(sentence, line)


def _filtered(node: Any, name: str) -> nodes.Filter:
    filtered = nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)
    filtered.environment = node.environment
    return filtered


def _replace_joins(node: nodes.Node) -> None:
    """Have texts joined by a filter that looks at their length."""
    for name, value in node.iter_fields():
        if isinstance(value, nodes.Concat):
            setattr(node, name, _as_join(value))
        elif isinstance(value, list):
            value[:] = [_as_join(one) if isinstance(one, nodes.Concat) else one for one in value]


def _as_join(node: nodes.Concat) -> nodes.Filter:
    parts = nodes.List(node.nodes, lineno=node.lineno)
    parts.environment = node.environment
    return _filtered(parts, "_joined")


@pass_context
def _finalize(context: Context, value: Any) -> Any:
    if type(value) is str:
        return value
    if type(value) is Shown:
        return value.text
    return in_words(value, context["language"])


# -- filters -----------------------------------------------------------------------------------


@pass_context
def _bounded(context: Context, items: Any) -> Iterator[Any]:
    """Give the items of a loop one by one, each at its price."""
    budget: Budget = context[BUDGET]
    for item in items if isinstance(items, Iterable) and not isinstance(items, str) else ():
        budget.turn()
        yield item


def _joined(parts: Iterable[Any]) -> str:
    texts = [str(part) for part in parts]
    check_length(sum(map(len, texts)))
    return "".join(texts)


def _join(items: Any, separator: str = "") -> str:
    texts = [str(item) for item in items] if isinstance(items, Iterable) else []
    check_length(sum(map(len, texts)) + len(texts) * len(str(separator)))
    return str(separator).join(texts)


def _replace(text: Any, old: Any, new: Any) -> str:
    whole, sought, given = str(text), str(old), str(new)
    check_length(len(whole) + whole.count(sought) * len(given))
    return whole.replace(sought, given)


def _default(value: Any, given: Any = "", _also_false: Any = None) -> Any:
    """Return what is given instead of something empty."""
    return given if value is None or isinstance(value, Nothing) or value == "" else value


def _measured(run: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a filter of Jinja so that what it gives has a bound."""

    @wraps(run)
    def checked(*given: Any, **named: Any) -> Any:
        found = run(*given, **named)
        if isinstance(found, str):
            check_length(len(found))
        return found

    return checked
