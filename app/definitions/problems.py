"""What is wrong with a configuration: one located problem each, and how it is shown.

A problem says the value, then the rule, then what to do; its code is a stable word that
``docs/problems.md`` explains. This module prints problems, it finds none.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import orjson

from app.definitions.catalog import Place
from app.definitions.translated import translation


class Severity(StrEnum):
    """Whether a problem keeps the configuration from being used."""

    error = "error"
    warning = "warning"


class Code(StrEnum):
    """The stable words for what can be wrong, each with a heading in ``docs/problems.md``."""

    # Files.
    unreadable_file = "unreadable-file"
    wrong_encoding = "wrong-encoding"
    control_character = "control-character"
    too_big = "too-big"
    unexpected_file = "unexpected-file"
    file_name = "file-name"
    unknown_pack = "unknown-pack"
    bug = "bug"
    # YAML.
    syntax = "syntax"
    unfinished = "unfinished"
    tab = "tab"
    missing_quotes = "missing-quotes"
    too_deep = "too-deep"
    duplicate_key = "duplicate-key"
    key_not_a_word = "key-not-a-word"
    anchor = "anchor"
    tag = "tag"
    # Documents and keys.
    unknown_document = "unknown-document"
    misplaced_document = "misplaced-document"
    unknown_key = "unknown-key"
    misplaced_key = "misplaced-key"
    missing_key = "missing-key"
    conflicting_keys = "conflicting-keys"
    empty_value = "empty-value"
    wrong_shape = "wrong-shape"
    # Values.
    not_a_number = "not-a-number"
    out_of_range = "out-of-range"
    not_a_switch = "not-a-switch"
    not_a_duration = "not-a-duration"
    not_a_text = "not-a-text"
    not_a_date = "not-a-date"
    not_a_size = "not-a-size"
    not_a_table = "not-a-table"
    repeating_serial = "repeating-serial"
    bad_value = "bad-value"
    unknown_word = "unknown-word"
    bad_name = "bad-name"
    reserved_name = "reserved-name"
    bad_pattern = "bad-pattern"
    bad_format = "bad-format"
    unknown_country = "unknown-country"
    unsafe_file_type = "unsafe-file-type"
    bad_setting = "bad-setting"
    bad_default = "bad-default"
    bad_template = "bad-template"
    # Names that must exist.
    duplicate_name = "duplicate-name"
    unknown_entity = "unknown-entity"
    unknown_field = "unknown-field"
    unknown_field_type = "unknown-field-type"
    unknown_options = "unknown-options"
    unknown_option = "unknown-option"
    unknown_role = "unknown-role"
    unknown_view = "unknown-view"
    unknown_language = "unknown-language"
    unknown_template = "unknown-template"
    unknown_approval = "unknown-approval"
    unknown_pool = "unknown-pool"
    unknown_action = "unknown-action"
    unknown_rule = "unknown-rule"
    unknown_record = "unknown-record"
    unknown_dashboard = "unknown-dashboard"
    unknown_target = "unknown-target"
    wrong_field_type = "wrong-field-type"
    not_a_link = "not-a-link"
    cycle = "cycle"
    no_title = "no-title"
    # Expressions.
    bad_expression = "bad-expression"
    # Workflows, seen without running them.
    rule_loop = "rule-loop"
    same_field = "same-field"
    never_true = "never-true"
    unreachable_stage = "unreachable-stage"
    nobody = "nobody"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend, at one place."""

    code: str
    severity: Severity
    place: Place
    message: str
    hint: str = ""
    suggestions: tuple[str, ...] = ()
    #: The first column behind the place; the same line unless ``end_line`` says otherwise.
    end_column: int = 0
    end_line: int = 0
    #: The message in other languages, where whoever found the problem knows it.
    told: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def is_error(self) -> bool:
        """True where the configuration cannot be used before this is mended."""
        return self.severity is Severity.error

    def __str__(self) -> str:
        return self.line_in("")

    def line_in(self, prefix: str, language: str = "en") -> str:
        """Return the problem as one line, its path behind *prefix*."""
        place = self.place
        where = f"{prefix}{place.file}:{place.line}:{place.column}"
        return f"{where}: {self.severity}[{self.code}]: {self.text(language)}"

    def text(self, language: str = "en") -> str:
        """Return what is wrong and what to do, in a language of the product."""
        known = translation(language)
        if known is None:
            return f"{self.message} {self.hint}".strip()
        message = self.told.get(language) or known.named(self.code, self.message)
        hint = known.text(self.hint)
        return f"{message}{self.hint if hint is None else hint}"

    def as_json(self, prefix: str = "") -> dict[str, object]:
        """Return the problem for editors and other programs; lines and columns count from 1."""
        return {
            "file": prefix + self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "endLine": self.end_line or self.place.line,
            "endColumn": self.end_column or self.place.column + 1,
            "code": str(self.code),
            "severity": str(self.severity),
            "message": self.message,
            "hint": self.hint,
            "suggestions": list(self.suggestions),
        }


def sort_problems(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems by file and place, each one once."""
    return sorted(
        dict.fromkeys(problems),
        key=lambda p: (p.place.file, p.place.line, p.place.column, p.code, p.message),
    )


def has_errors(problems: Iterable[Problem]) -> bool:
    """Return whether any of the problems is more than a warning."""
    return any(problem.is_error for problem in problems)


def nearest(word: str, legal: Iterable[str]) -> tuple[str, ...]:
    """Return up to three of *legal* that look like *word*, the likeliest first."""
    by_lower = {name.lower(): name for name in legal}
    return tuple(
        by_lower[found]
        for found in difflib.get_close_matches(word.lower(), list(by_lower), n=3, cutoff=0.6)
    )


def quoted(words: Iterable[str], limit: int = 8) -> str:
    """Return *words* in backticks, separated by commas, at most *limit* of them."""
    listed = list(words)
    shown = ", ".join(f"`{word}`" for word in listed[:limit])
    return f"{shown} and {len(listed) - limit} more" if len(listed) > limit else shown


def did_you_mean(suggestions: Sequence[str], legal: Iterable[str] = (), what: str = "") -> str:
    """Return the sentence that leads on: what was probably meant, else what there is.

    *what* names the legal words, as in "Roles: `sales`, `admin`."
    """
    if suggestions:
        return f"Did you mean {' or '.join(f'`{word}`' for word in suggestions)}?"
    listed = sorted(legal)
    return f"{what or 'Possible'}: {quoted(listed)}." if listed else ""


def render_problems(
    problems: Iterable[Problem],
    files: Mapping[str, str],
    format: Literal["text", "json"] = "text",  # noqa: A002 - the name of the option people type.
    prefix: str = "",
    language: str = "en",
) -> str:
    """Return the problems as people or programs read them; programs in English alone.

    *prefix* stands before each path, for example ``config/``, so that terminals and editors can
    open it. *files* holds the text of the files, for the line with the caret.
    """
    ordered = sort_problems(problems)
    if format == "json":
        return orjson.dumps(
            [problem.as_json(prefix) for problem in ordered], option=orjson.OPT_INDENT_2
        ).decode()
    lines: list[str] = []
    split: dict[str, list[str]] = {}
    for problem in ordered:
        lines.append(problem.line_in(prefix, language))
        file = problem.place.file
        if file not in split:
            split[file] = files.get(file, "").split("\n")
        lines += _excerpt(problem, split[file])
    lines.append(_count(ordered, language))
    return "\n".join(lines)


def _excerpt(problem: Problem, lines: Sequence[str]) -> list[str]:
    number, column = problem.place.line, problem.place.column
    if not 0 < number <= len(lines) or not lines[number - 1].strip():
        return []
    # Control characters in a broken file must not reach a terminal.
    line = "".join(c if c.isprintable() else " " for c in lines[number - 1].rstrip())
    start = max(0, column - 60) if len(line) > 110 else 0
    shown = line[start : start + 110]
    end = problem.end_column if (problem.end_line or number) == number else len(line) + 1
    width = max(1, min(end, len(line) + 1) - column)
    before = _width(shown[: column - 1 - start])
    marked = _width(shown[column - 1 - start : column - 1 - start + width]) or 1
    return [f"{number:>5} | {shown}", f"      | {' ' * before}{'^' * marked}"]


def _width(text: str) -> int:
    """Return how many terminal cells the text takes: Chinese characters take two."""
    import unicodedata

    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _count(problems: Sequence[Problem], language: str) -> str:
    errors = sum(problem.is_error for problem in problems)
    warnings = len(problems) - errors
    if language == "zh":
        end = "没有做任何更改。" if errors else ""
        return f"{errors} 个错误，{warnings} 个警告。{end}" if problems else "没有问题。"
    if not problems:
        return "No problems."
    files = len({problem.place.file for problem in problems})
    parts = [_number(errors, "error")] if errors else []
    parts += [_number(warnings, "warning")] if warnings else []
    end = " Nothing was changed." if errors else ""
    verb = "file with problems" if files == 1 else "files with problems"
    return f"{files} {verb}: {', '.join(parts)}.{end}"


def _number(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
