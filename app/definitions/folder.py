"""Find and read the files of a configuration folder.

Only reads: what a file means is for `document` and `load`. A file that cannot be read is a problem
with its name, never an exception.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from app.definitions.document import BIGGEST, problem_at
from app.definitions.problems import Code, Problem, Severity, did_you_mean, nearest

ROOT_FILES = ("app.yaml", "roles.yaml", "options.yaml")
FOLDERS = ("entities", "workflows", "dashboards", "imports", "integrations", "templates", "tests")
BIGGEST_FOLDER = 20_000_000
_PACK = re.compile(r"packs/([^/]+)/(.+)\Z")
#: What editors and systems leave behind.
_IGNORED = re.compile(r"(^|/)(\.|~|#)|(~|\.swp|\.tmp|\.bak|\.orig)\Z|(^|/)__")


def read_folder(folder: Path) -> tuple[dict[str, str], list[Problem]]:
    """Return the text of each file that belongs to the configuration, by path relative to it."""
    files: dict[str, str] = {}
    problems: list[Problem] = []
    if not folder.is_dir():
        where = folder.name or str(folder)
        sentence = f"There is no folder `{folder}`."
        return {}, [
            _problem(Code.unreadable_file, where, sentence, "Name a folder that holds app.yaml.")
        ]
    total = 0
    for path, name in _walk(folder):
        if not belongs(name):
            if problem := _stray(name):
                problems.append(problem)
            continue
        text, problem = _read(path, name)
        if problem is not None:
            problems.append(problem)
            continue
        total += len(text)
        if total > BIGGEST_FOLDER:
            problems.append(
                _problem(
                    Code.too_big,
                    name,
                    "The configuration has more than 20 million characters.",
                    "Is a data file among it?",
                )
            )
            break
        files[name] = text
    return files, problems


def belongs(name: str) -> bool:
    """Return whether a file of that path is part of a configuration."""
    if found := _PACK.match(name):
        name = found[2]
    top, _, rest = name.partition("/")
    if not rest:
        return name in ROOT_FILES or name.endswith(".csv")
    if top == "templates":
        return True
    return top in FOLDERS and name.endswith((".yaml", ".csv"))


def _walk(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield every file in a stable order, with its path relative to the folder."""
    for around, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _IGNORED.search(name))
        relative = Path(around).relative_to(folder).as_posix()
        prefix = "" if relative == "." else f"{relative}/"
        # A folder in a file's place is met here once and reported, not entered.
        for name in [name for name in folders if name.endswith(".yaml")]:
            folders.remove(name)
            names.append(name)
        for name in sorted(names):
            if not _IGNORED.search(name):
                yield Path(around) / name, prefix + name


def _read(path: Path, name: str) -> tuple[str, Problem | None]:
    try:
        if path.is_dir():
            return "", _problem(
                Code.unreadable_file, name, "This is a folder; a file should be here.", "Rename it."
            )
        if not path.is_file():
            return "", _problem(
                Code.unreadable_file, name, "This is neither a file nor a link to one."
            )
        size = path.stat().st_size
        # A character has at most four bytes; what is bigger cannot be short enough.
        if size > BIGGEST * 4:
            return "", _problem(
                Code.too_big,
                name,
                f"The file has {size:,} bytes; a configuration file may have 1,000,000 characters.",
            )
        data = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        return "", _problem(
            Code.unreadable_file,
            name,
            f"The file cannot be read: {reason}.",
            "Check its permissions.",
        )
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n"), None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start)
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1)
        where = (name, (line, column, line, column + 1))
        return "", problem_at(
            Code.wrong_encoding, where, "The file is not in UTF-8.", "Save it as UTF-8."
        )


def _stray(name: str) -> Problem | None:
    """Return a warning about a file that looks like configuration and is none."""
    if not name.endswith((".yaml", ".yml")):
        return None
    if name.endswith(".yml"):
        right = f"{name[:-4]}.yaml"
        return _problem(
            Code.unexpected_file,
            name,
            "The file is not read: its name ends in `.yml`.",
            f"Rename it to `{right}`.",
            Severity.warning,
        )
    known = (*ROOT_FILES, *(f"{folder}/" for folder in FOLDERS))
    close = nearest(name.split("/", maxsplit=1)[0], [one.rstrip("/") for one in known])
    return _problem(
        Code.unexpected_file,
        name,
        "The file is not read: it belongs to no part of the configuration.",
        did_you_mean(close, known, "Parts"),
        Severity.warning,
    )


def _problem(
    code: Code, name: str, message: str, hint: str = "", severity: Severity = Severity.error
) -> Problem:
    return problem_at(code, (name, (0, 0, 0, 1)), message, hint, severity=severity)
