"""Say in an author's words why YAML could not be read.

The parser's own sentences speak of tokens and flow sequences; here they become what to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from app.definitions.catalog import Place
from app.definitions.events import Parser
from app.definitions.problems import Code, Problem, Severity

_NEEDS_QUOTES = frozenset("`@%?")
_NEXT_KEY = re.compile(r"\s*[a-z_][\w.-]*\s*:(\s|$)", re.IGNORECASE)
_KEY = re.compile(r"[{,\s-]*\"?([\w.\- ]+?)\"?:\s+(?=\S)")


def unquoted_value(text: str, start: int) -> str:
    """Return the text from *start* to where the author meant the value to end.

    That is the bracket or the end of the line that closes what is around it, or a comma before the
    next key; brackets within the value are passed over in pairs.
    """
    depth = 0
    end = text.find("\n", start)
    line_end = len(text) if end < 0 else end
    for index in range(start, line_end):
        char = text[index]
        if char in "([{":
            depth += 1
        elif char in ")]}":
            if depth == 0:
                return text[start:index].rstrip()
            depth -= 1
        elif char == "," and depth == 0 and _NEXT_KEY.match(text, index + 1):
            return text[start:index].rstrip()
    return text[start:line_end].rstrip()


def explain_syntax(file: str, text: str, error: yaml.MarkedYAMLError) -> Problem:
    """Return the problem for an error of the YAML parser."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = text.split("\n")
    found = _Found(file, lines, line, column, error)
    for explain in (_tab, _unfinished, _quotes, _colon, _indentation):
        if problem := explain(found):
            return problem
    if "nesting depth" in (error.problem or ""):
        # The parser looks ahead and may give up before we have seen that many levels.
        return found.problem(Code.too_deep, "This is nested too many levels deep.")
    return found.problem(
        Code.syntax, f"This cannot be read as YAML: {error.problem or 'the text is broken'}."
    )


class _Found:
    """Where the parser stopped, and what stands there."""

    def __init__(
        self, file: str, lines: list[str], line: int, column: int, error: yaml.MarkedYAMLError
    ) -> None:
        self.file = file
        self.lines = lines
        self.line = line
        self.column = column
        self.reason = error.problem or ""
        self.context = error.context or ""
        self.context_line = error.context_mark.line if error.context_mark else line
        self.context_column = error.context_mark.column if error.context_mark else column

    @property
    def text(self) -> str:
        return self.lines[self.line] if self.line < len(self.lines) else ""

    @property
    def char(self) -> str:
        return self.text[self.column : self.column + 1]

    def problem(
        self,
        code: Code,
        message: str,
        hint: str = "",
        line: int | None = None,
        column: int | None = None,
        width: int = 1,
        suggestions: tuple[str, ...] = (),
    ) -> Problem:
        line = self.line if line is None else line
        column = self.column if column is None else column
        return Problem(
            code=code,
            severity=Severity.error,
            place=Place(self.file, line + 1, column + 1),
            message=message,
            hint=hint,
            suggestions=suggestions,
            end_line=line + 1,
            end_column=column + 1 + width,
        )


def _tab(found: _Found) -> Problem | None:
    """A tab where YAML wants spaces; the parser stops at it or just behind."""
    for line in (found.line, found.line - 1):
        if 0 <= line < len(found.lines):
            indent = re.match(r"\s*", found.lines[line]).group()  # type: ignore[union-attr]
            if "\t" in indent:
                return found.problem(
                    Code.tab,
                    "A tab stands where YAML wants spaces.",
                    "Indent with spaces, two for each level.",
                    line=line,
                    column=indent.index("\t"),
                )
    return None


def _unfinished(found: _Found) -> Problem | None:
    """The file ends within quotes or brackets: often one that is still being written."""
    at_end = not any(line.strip() for line in found.lines[found.line :])
    opened = {"quoted scalar": "quote", "flow mapping": "`{`", "flow sequence": "`[`"}
    what = next((word for key, word in opened.items() if key in found.context), None)
    if "flow node" in found.context and at_end:
        return _open_bracket(found)
    if what is None or not (at_end or "end of stream" in found.reason):
        return None
    return found.problem(
        Code.unfinished,
        f"The file ends before the {what} that opens here is closed.",
        "Close it, or finish the file.",
        line=found.context_line,
        column=found.context_column,
    )


def _open_bracket(found: _Found) -> Problem:
    """The bracket that was opened last and never closed; the parser only knows the end."""
    opened: list[tuple[int, int]] = []
    for line, text in enumerate(found.lines):
        for column, char in enumerate(text.split(" #")[0]):
            if char in "{[":
                opened.append((line, column))
            elif char in "}]" and opened:
                opened.pop()
    line, column = opened[-1] if opened else (found.line, found.column)
    return found.problem(
        Code.unfinished,
        "The file ends before the bracket that opens here is closed.",
        "Close it, or finish the file.",
        line=line,
        column=column,
    )


def _quotes(found: _Found) -> Problem | None:
    """A value that only quotes can hold together."""
    starts_badly = found.char in _NEEDS_QUOTES and (
        "cannot start any token" in found.reason or "expected node content" in found.reason
    )
    in_flow = "flow" in found.context
    behind_quotes = re.search(r":\s+(['\"]).*\1\s+$", found.text[: found.column])
    if starts_badly:
        start = found.column
    elif in_flow and (key := _last_key(found.text, found.column)):
        start = key.end()
    elif behind_quotes:
        start = behind_quotes.start(1)
    else:
        return None
    value = unquoted_value(found.text, start)
    if not value:
        return None
    quote = "'" if '"' in value else '"'
    written = f"{quote}{value}{quote}"
    reason = (
        f"A value cannot begin with `{found.char}`."
        if starts_badly
        else f"The value `{value}` holds characters that mean something in YAML."
    )
    return found.problem(
        Code.missing_quotes,
        reason,
        f"Put quotes around it: `{written}`.",
        column=start,
        width=len(value),
        suggestions=(written,),
    )


def _last_key(text: str, column: int) -> re.Match[str] | None:
    """Return the last ``key: `` before the column, whose value the trouble is in."""
    last = None
    for last in _KEY.finditer(text, 0, max(column, 1)):  # noqa: B007 - the last one is wanted.
        pass
    return last


def _colon(found: _Found) -> Problem | None:
    """A second ``: `` on one line, or a key that stands deeper than its neighbours."""
    if "mapping values are not allowed" not in found.reason:
        return None
    key = re.match(r"[\s-]*([\w.\-]+):\s+(?=\S)", found.text)
    if key and found.column >= key.end():
        value = found.text[key.end() :].split(" #")[0].rstrip()
        return found.problem(
            Code.missing_quotes,
            f"The value of `{key.group(1)}` holds `: `, which means something in YAML.",
            f'Put quotes around it: `"{value}"`.',
            column=key.end(),
            width=len(value),
            suggestions=(f'"{value}"',),
        )
    if problem := _no_colon(found):
        return problem
    word = found.text[: found.column].strip(" -") or found.text.strip()
    before = found.lines[found.line - 1].strip() if found.line else ""
    indent = len(found.text) - len(found.text.lstrip())
    hint = "Give lines of one level the same indentation"
    hint += (
        f"; `{before[:40]}` already has a value, so nothing may stand below it." if before else "."
    )
    return found.problem(
        Code.syntax,
        f"`{word}:` stands where no key can stand.",
        hint,
        column=indent,
        width=max(1, len(word)),
    )


def _no_colon(found: _Found) -> Problem | None:
    """A line above that is a word alone: its colon is missing."""
    line = found.line - 1
    above = found.lines[line] if line >= 0 else ""
    if not re.fullmatch(r"\s*(- )?[\w.-]+\s*", above):
        return None
    word = above.strip(" -")
    return found.problem(
        Code.syntax,
        f"`{word}` is neither a `key: value` nor a list item.",
        f"Write `{word}:` and what belongs to it.",
        line=line,
        column=len(above) - len(above.lstrip()),
        width=len(above.strip()),
    )


def _indentation(found: _Found) -> Problem | None:
    if "did not find expected" not in found.reason and "could not find" not in found.reason:
        return None
    if "could not find expected ':'" in found.reason:
        line = found.context_line
        text = found.lines[line].strip() if line < len(found.lines) else ""
        return found.problem(
            Code.syntax,
            f"`{text[:40]}` is neither a `key: value` nor a list item.",
            "Is a `:` missing, or does it belong to the text above and want more indentation?",
            line=line,
            column=found.context_column,
            width=max(1, len(text)),
        )
    text = found.text.strip()
    return found.problem(
        Code.syntax,
        f"`{text[:40]}` does not fit its place: it belongs neither to the lines above nor below.",
        "Give lines of one level the same indentation; a list item begins with `- `.",
        width=max(1, len(found.text.rstrip()) - found.column),
    )


#: ` #` with a word right behind it: `Order #5` without quotes is `Order`.
_TIGHT_COMMENT = re.compile(r"(?<=\S)[ \t]+#(?=[^\s#!])")


def comments_in_texts(file: str, text: str) -> Iterator[Problem]:
    """Warn of values that end at a `#` which looks like a part of them."""
    if not _TIGHT_COMMENT.search(text):
        return
    tight = {found.start() for found in _TIGHT_COMMENT.finditer(text)}
    next_event = Parser(text).get_event
    while (event := next_event()) is not None:
        if type(event) is not yaml.ScalarEvent or event.style or event.end_mark.index not in tight:
            continue
        start, end = event.start_mark, event.end_mark
        value = text[start.index :].split("\n", 1)[0].rstrip()
        yield Problem(
            code=Code.missing_quotes,
            severity=Severity.warning,
            place=Place(file, start.line + 1, start.column + 1),
            message=f"`{value[end.index - start.index :].strip()}` is taken for a comment.",
            hint=f'If it belongs to the text, write `"{value}"`; else put a space behind the `#`.',
            suggestions=(f'"{value}"',),
            end_line=end.line + 1,
            end_column=start.column + 1 + len(value),
        )
