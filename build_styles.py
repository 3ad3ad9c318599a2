"""Leave of a style sheet what given classes need.

A rule stays if every class its selector asks for is one of them; what asks for none stays as well.
Of the variables those stay that something asks for, of the animations those that are run. It reads
what minifiers write and no more of the language than that needs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

_CLASS = re.compile(r"\.(-?[_a-zA-Z](?:[\w-]|\\.)*)")
_TOKEN = re.compile(
    r"""/\*.*?\*/|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|url\([^)"']*\)|[{};]|[^"'/{};u]+|.""",
    re.DOTALL,
)
#: What holds rules again.
_GROUPS = ("@media", "@supports", "@layer", "@container")

#: What stands before the brace, and what in it: rules again, or as it is; None: a line of its own.
Rule = tuple[str, "list[Rule] | str | None"]


def cut_styles(css: str, classes: Collection[str], variables: Collection[str] = ()) -> str:
    """Return the rules of *css* for elements with no classes but these; *variables* stay."""
    rules = _kept(_read(_TOKEN.findall(css)), frozenset(classes))
    text = _written(rules)
    while True:
        asked = {*re.findall(r"var\(\s*(--[\w-]+)", text), *variables}
        runs = set(re.findall(r"[\w-]+", " ".join(re.findall(r"animation[\w-]*:([^;}]*)", text))))
        rules = _without(rules, asked, runs)
        before, text = text, _written(rules)
        if text == before:
            return text


def _read(pieces: list[str]) -> list[Rule]:
    """Return the rules, those of a group within it."""
    stack: list[list[Rule]] = [[]]
    heads: list[str] = []
    text, depth = "", 0
    for piece in pieces:
        if piece.startswith("/*"):
            continue
        if depth:
            depth += (piece == "{") - (piece == "}")
            if depth:
                text += piece
            else:
                stack[-1].append((heads.pop(), text))
                text = ""
        elif piece == "{":
            heads.append(text.strip())
            text = ""
            if heads[-1].startswith(_GROUPS):
                stack.append([])
            else:
                depth = 1
        elif piece == "}":
            group = stack.pop()
            stack[-1].append((heads.pop(), group))
        elif piece == ";":
            stack[-1].append((text.strip(), None))
            text = ""
        else:
            text += piece
    return stack[0]


def _kept(rules: list[Rule], classes: frozenset[str]) -> list[Rule]:
    kept: list[Rule] = []
    for head, body in rules:
        if isinstance(body, list):
            kept.append((head, _kept(body, classes)))
        elif body is None or head.startswith("@"):
            kept.append((head, body))
        elif chosen := [one for one in _parts(head, ",") if _fits(one, classes)]:
            kept.append((",".join(chosen), body))
    return kept


def _fits(selector: str, classes: frozenset[str]) -> bool:
    """Whether an element with these classes may be meant."""
    asked = re.sub(r":not\([^()]*\)", "", selector)
    return all(one.replace("\\", "") in classes for one in _CLASS.findall(asked))


def _without(rules: list[Rule], asked: Collection[str], runs: Collection[str]) -> list[Rule]:
    """Return the rules without variables and animations nobody asks for."""
    kept: list[Rule] = []
    for head, body in rules:
        if isinstance(body, list):
            if inner := _without(body, asked, runs):
                kept.append((head, inner))
        elif body is None:
            kept.append((head, None))
        elif head.startswith("@keyframes"):
            if head.split()[-1] in runs:
                kept.append((head, body))
        elif head.startswith("@") or "{" in body:
            kept.append((head, body))
        elif left := ";".join(_asked_for(body, asked)):
            kept.append((head, left))
    return kept


def _asked_for(body: str, asked: Collection[str]) -> Iterator[str]:
    for line in _parts(body, ";"):
        name = line.partition(":")[0].strip()
        if name and (not name.startswith("--") or name in asked):
            yield line


def _parts(text: str, mark: str) -> list[str]:
    """Return what stands between the marks, those within brackets and quotes left alone."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "([":
            depth += 1
        elif letter in ")]":
            depth -= 1
        elif letter == mark and not depth:
            parts.append("")
            continue
        parts[-1] += letter
    return parts


def _written(rules: list[Rule]) -> str:
    text = ""
    for head, body in rules:
        if body is None:
            text += f"{head};"
        else:
            text += f"{head}{{{body if isinstance(body, str) else _written(body)}}}"
    return text
