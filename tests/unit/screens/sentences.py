"""Find every sentence the screens say: in templates ``_("…")``, in code ``say("…")``, ``count(…)``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment
from jinja2.ext import extract_from_ast

SCREENS = Path(__file__).parents[3] / "app" / "screens"


def sentences() -> tuple[set[str], set[tuple[str, str]]]:
    """Return the singular sentences, and the pairs of one and many."""
    singular: set[str] = set()
    plural: set[tuple[str, str]] = set()
    for found in (*_of_templates(), *_of_code()):
        if isinstance(found, tuple):
            plural.add(found)
        else:
            singular.add(found)
    return singular, plural


def _of_templates() -> Iterator[str | tuple[str, str]]:
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    for path in sorted((SCREENS / "templates").glob("*.html")):
        tree = environment.parse(path.read_text("utf-8"))
        for _line, function, message in extract_from_ast(tree, ("_", "_n")):
            if function == "_n":
                yield (message[0], message[1])
            else:
                yield message if isinstance(message, str) else message[0]


def _of_code() -> Iterator[str | tuple[str, str]]:
    for path in sorted(SCREENS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )
            texts = [one.value for one in node.args if isinstance(one, ast.Constant)]
            texts = [one for one in texts if isinstance(one, str)]
            if name == "say" and len(texts) == 1 and len(node.args) == 1:
                yield texts[0]
            elif name == "count" and len(texts) == 2:
                yield (texts[0], texts[1])
