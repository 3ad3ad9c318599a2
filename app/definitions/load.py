"""From a folder of YAML to a catalog: the one door of this room.

Reads, checks each definition by itself, then all of them against each other. Every problem of a
stage is told at once; a file that cannot be read hides nothing in the others.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.collector import without_collector
from app.definitions.catalog import Catalog
from app.definitions.compile import compile_catalog
from app.definitions.document import Document, problem_at, read_documents
from app.definitions.folder import BIGGEST_FOLDER, read_folder
from app.definitions.gather import SINGLE_FILES, gather
from app.definitions.problems import (
    Code,
    Problem,
    did_you_mean,
    has_errors,
    nearest,
    sort_problems,
)
from app.definitions.reuse import Memory
from app.expressions.builtin import BUILTIN
from app.expressions.functions import Functions
from app.fields.base import FieldTypes

_PACK = re.compile(r"packs/([^/]+)/")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of reading a configuration."""

    #: None where there is an error
    catalog: Catalog | None
    problems: list[Problem]
    #: the text of every file that was read, by path relative to the folder
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: what makes the next reading quick
    memory: Memory = field(default_factory=Memory, repr=False, compare=False)

    @property
    def has_errors(self) -> bool:
        """Whether it cannot be used."""
        return self.catalog is None


def load_configuration(
    folder: Path,
    types: FieldTypes,
    functions: Functions = BUILTIN,
    previous: Loaded | None = None,
    actions: Container[str] = (),
) -> Loaded:
    """Return the catalog of a folder, or what is wrong with it.

    *previous* is what the same folder gave before; what did not change is taken from there. Never
    raises because of what the files hold.
    """
    files, problems = read_folder(folder)
    return load_files(files, types, functions, previous, problems, actions)


def load_files(
    files: Mapping[str, str],
    types: FieldTypes,
    functions: Functions = BUILTIN,
    previous: Loaded | None = None,
    problems: Iterable[Problem] = (),
    actions: Container[str] = (),
) -> Loaded:
    """Return the catalog of files given as text, by path relative to the configuration folder.

    *problems* are those of reading the files; they are among the result's. *actions* are the names
    of plugins' actions.
    """
    before = previous.memory if previous is not None and previous.memory.types is types else None
    memory = Memory(types=types, before=before)
    with without_collector():
        return _load(files, types, functions, list(problems), memory, actions)


def _load(
    files: Mapping[str, str],
    types: FieldTypes,
    functions: Functions,
    found: list[Problem],
    memory: Memory,
    actions: Container[str],
) -> Loaded:
    catalog = None
    current = "app.yaml"
    try:
        if not files:
            message = "There is no configuration here: no app.yaml and no entities."
            found.append(_about(current, Code.unreadable_file, message, "Name the right folder."))
        if sum(map(len, files.values())) > BIGGEST_FOLDER:
            message = "The configuration has more than 20 million characters."
            found.append(_about(current, Code.too_big, message, "Is a data file among it?"))
            return Loaded(None, found, files)
        documents: list[Document] = []
        for current in sorted(files):
            documents += _read(current, files[current], found, memory)
        current = "app.yaml"
        packs = _packs(documents, files, found)
        templates = {name: text for name, text in files.items() if _is_template(name)}
        gathered = gather(documents, templates, packs)
        found += gathered.problems
        catalog, more = compile_catalog(
            gathered,
            files,
            types,
            functions,
            memory,
            may_finish=not has_errors(found),
            actions=actions,
        )
        found += gathered.later + more
    except Exception as error:  # noqa: BLE001 - whatever a file holds, its author gets a sentence.
        notes = getattr(error, "__notes__", [])
        found.append(_bug(notes[0] if notes else current, error))
    memory.forget_before()
    ordered = sort_problems(found)
    return Loaded(None if has_errors(ordered) else catalog, ordered, files, memory)


def _read(file: str, text: str, problems: list[Problem], memory: Memory) -> list[Document]:
    if not file.endswith(".yaml") or _is_template(file):
        return []
    known = memory.find_file(file, text)
    if known is None:
        known = _read_anew(file, text)
        memory.keep_file(file, text, *known)
    problems += known[1]
    return known[0]


def _read_anew(file: str, text: str) -> tuple[list[Document], list[Problem]]:
    documents, found = read_documents(file, text)
    if has_errors(found):
        return [], found
    pack = _PACK.match(file)
    filled = [one for one in documents if one.data is not None]
    if not filled:
        name = file.rsplit("/", 1)[-1]
        hint = (
            "Write at least one key." if name in SINGLE_FILES else "Remove it if it is not needed."
        )
        return [], [_about(file, Code.unfinished, "The file is empty.", hint)]
    if pack is not None:
        filled = [replace(one, pack=pack[1]) for one in filled]
    return filled, found


def _packs(
    documents: Iterable[Document], files: Mapping[str, str], problems: list[Problem]
) -> list[str]:
    """Return the packs app.yaml names, in order."""
    there = {found[1] for name in files if (found := _PACK.match(name))}
    app = next((one for one in documents if one.file == "app.yaml" and not one.pack), None)
    written = app.data.get("packs") if app is not None and isinstance(app.data, dict) else None
    listed = written if isinstance(written, list) else [written] if isinstance(written, str) else []
    packs = []
    for index, name in enumerate(listed):
        if not isinstance(name, str) or app is None:
            # That it is no name is told with the other shapes.
            continue
        if name in there:
            packs.append(name)
        else:
            close = nearest(name, there)
            where = app.spot.at_value(("packs", index))
            message = f"There is no pack `{name}` in packs/."
            problems.append(
                problem_at(Code.unknown_pack, where, message, did_you_mean(close, there), close)
            )
    return packs


def _is_template(name: str) -> bool:
    return "templates" in name.split("/")[:-1]


def _about(file: str, code: Code, message: str, hint: str = "") -> Problem:
    return problem_at(code, (file, (0, 0, 0, 1)), message, hint)


def _bug(file: str, error: Exception) -> Problem:
    """Return the problem for a mistake of ours; it must never look like the author's."""
    import traceback

    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name}:{frame.lineno}"
    return _about(
        file,
        Code.bug,
        f"This is a bug in Trellis, not in your file: {type(error).__name__} at {where}.",
        "Please report it with the file.",
    )
