"""Fill templates in: compiled once, with what each receiver may read, in his language.

A template that fails costs no message: whoever renders gets `TemplateFailed` with a sentence for
the ledger and says what can be said without it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Template as JinjaTemplate
from jinja2 import TemplateError, TemplateSyntaxError

from app.notifications.naming import Tree, needs_of
from app.notifications.sandbox import BUDGET, Budget, Sandbox, TemplateFailed, check_length
from app.texts import say

__all__ = ["Compiled", "Renderer", "TemplateFailed"]

#: Templates kept at a time; a configuration has a few hundred.
_MOST_KEPT = 2_000


@dataclass(frozen=True, slots=True)
class Compiled:
    """A template that was read."""

    template: JinjaTemplate | None
    #: by variable: what it names of it
    needs: Tree
    #: a text without anything to fill in
    fixed: str | None = None


class Renderer:
    """Templates of a process, compiled with their first use and kept."""

    def __init__(self) -> None:
        self._sandboxes = {is_html: Sandbox(is_html=is_html) for is_html in (False, True)}
        self._kept: dict[tuple[str, bool], Compiled] = {}
        self._lock = threading.Lock()

    def compile(self, text: str, *, is_html: bool = False) -> Compiled:
        """Return a template read.

        Raises:
            TemplateFailed: it cannot be read.
        """
        found = self._kept.get((text, is_html))
        if found is None:
            found = self._compile(text, is_html)
            with self._lock:
                if len(self._kept) >= _MOST_KEPT:
                    self._kept.clear()
                self._kept[(text, is_html)] = found
        return found

    def _compile(self, text: str, is_html: bool) -> Compiled:
        if "{" not in text:
            return Compiled(None, {}, text)
        sandbox = self._sandboxes[is_html]
        try:
            tree = sandbox.parse(text)
            return Compiled(sandbox.from_string(text), needs_of(tree))
        except TemplateSyntaxError as error:
            raise TemplateFailed(
                say(
                    "Line {line} of the template cannot be read: {why}.",
                    "模板第 {line} 行无法解析：{why}。",
                    line=error.lineno,
                    why=str(error.message or "").rstrip("."),
                )
            ) from error
        except RecursionError as error:
            raise TemplateFailed(
                say("The template is nested too deeply.", "模板嵌套过深。")
            ) from error

    def render(self, compiled: Compiled, variables: Mapping[str, Any], language: str) -> str:
        """Return a template filled in.

        Raises:
            TemplateFailed: it cannot be filled in, or gives too much.
        """
        if compiled.template is None:
            return compiled.fixed or ""
        given = {**variables, "language": language, BUDGET: Budget()}
        try:
            parts, length = [], 0
            for part in compiled.template.generate(given):
                length += len(part)
                check_length(length)
                parts.append(part)
        except TemplateFailed:
            raise
        except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError) as error:
            raise TemplateFailed(
                say(
                    "The template cannot be filled in: {why}.",
                    "模板无法渲染：{why}。",
                    why=str(error).rstrip("."),
                )
            ) from error
        except RecursionError as error:
            raise TemplateFailed(
                say("The template is nested too deeply.", "模板嵌套过深。")
            ) from error
        return "".join(parts)

    def render_text(
        self, text: str, variables: Mapping[str, Any], language: str, *, is_html: bool = False
    ) -> str:
        """Return a text with ``{{ … }}`` filled in; see `render`."""
        return self.render(self.compile(text, is_html=is_html), variables, language)
