"""Sort documents into definitions: what kind each is, and how packs and one's own add up.

Yours wins over a pack, key by key; of the packs, a later one over an earlier one. The built-in
entities lie below all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files as package_files
from typing import Any

from app.definitions.document import Document, Spot, problem_at, read_documents
from app.definitions.names import BUILT_IN_ENTITIES, RESERVED_ENTITIES
from app.definitions.problems import Code, Problem, Severity, did_you_mean, nearest

#: Kinds of definitions by the folder they stand in; the first key of a document names its kind.
KINDS: Mapping[str, tuple[str, ...]] = {
    "entities": ("entity", "extend"),
    "workflows": ("rule", "lifecycle", "approval", "pool", "quota"),
    "dashboards": ("dashboard", "target"),
    "imports": ("import",),
    "integrations": ("integration",),
    "tests": ("test",),
}
SINGLE_FILES = {"app.yaml": "app", "roles.yaml": "roles", "options.yaml": "options"}
BUILT_IN = "(built-in)"
#: Lists to which `extend` adds instead of replacing them.
_ADDED = (("checks",), ("unique",), ("duplicates",), ("screens", "form"), ("screens", "related"))


@dataclass(slots=True)
class Gathered:
    """All definitions by kind and name, packs worked in."""

    singles: dict[str, Document] = field(default_factory=dict)
    entities: dict[str, Document] = field(default_factory=dict)
    #: of an entity: every file it comes from, for what is reused when nothing changed
    digests: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: kind → name → document
    others: dict[str, dict[str, Document]] = field(default_factory=dict)
    templates: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    #: problems that leave everything else to be checked
    later: list[Problem] = field(default_factory=list)


def gather(
    documents: Iterable[Document], templates: Mapping[str, str], packs: Sequence[str]
) -> Gathered:
    """Return the definitions of the documents; *packs* are those in use, in order."""
    gathered = Gathered(templates=dict(templates))
    layers: dict[str, list[Document]] = {
        BUILT_IN: built_in_documents(),
        **{pack: [] for pack in packs},
        "": [],
    }
    for document in documents:
        if document.pack in layers:
            layers[document.pack].append(document)
    extends: list[tuple[str, Document]] = []
    for layer, listed in layers.items():
        _Layer(gathered, layer, extends).take(listed)
    for name, document in extends:
        _extend(gathered, name, document)
    return gathered


def built_in_documents() -> list[Document]:
    """Return the entities that are always there."""
    found: list[Document] = []
    for name in BUILT_IN_ENTITIES:
        text = (package_files("app.definitions") / "built_in_entities" / f"{name}.yaml").read_text(
            "utf-8"
        )
        documents, problems = read_documents(f"{BUILT_IN}/{name}.yaml", text)
        assert not problems, problems
        found += documents
    return found


class _Layer:
    """The documents of one pack, or one's own."""

    def __init__(self, gathered: Gathered, layer: str, extends: list[tuple[str, Document]]) -> None:
        self.gathered = gathered
        self.layer = layer
        self.extends = extends
        self.seen: dict[tuple[str, str], Document] = {}

    def take(self, documents: list[Document]) -> None:
        for document in documents:
            name = document.file
            if document.pack:
                name = name.removeprefix(f"packs/{document.pack}/")
            if name in SINGLE_FILES:
                self._single(SINGLE_FILES[name], document)
            elif self.layer == BUILT_IN:
                self._entity(document, document.data["entity"])
            else:
                self._by_folder(name.split("/")[0], document)

    def _single(self, kind: str, document: Document) -> None:
        if document.index:
            self._problem(
                Code.misplaced_document,
                document,
                "This file holds one definition, so no second one may follow a `---`.",
            )
            return
        if not isinstance(document.data, dict):
            self._problem(Code.wrong_shape, document, "This file must hold `key: value` lines.")
            return
        below = self.gathered.singles.get(kind)
        self.gathered.singles[kind] = merge(below, document) if below else document

    def _by_folder(self, folder: str, document: Document) -> None:
        data = document.data
        kinds = KINDS.get(folder, ())
        if not isinstance(data, dict):
            self._problem(
                Code.wrong_shape,
                document,
                "A definition is written as `key: value` lines; this is "
                f"{'a list' if isinstance(data, list) else 'a text'}.",
            )
            return
        kind = next((one for one in kinds if one in data), None)
        if kind is None:
            self._no_kind(folder, kinds, document)
            return
        name = data[kind]
        if not isinstance(name, str):
            where = document.spot.at_key((kind,))
            self.gathered.problems.append(
                problem_at(
                    Code.empty_value, where, f"`{kind}` names nothing.", "Write its name behind it."
                )
            )
            return
        if kind == "entity":
            self._entity(document, name)
        elif kind == "extend":
            self.extends.append((name, document))
        else:
            self._other(kind, name, document)

    def _no_kind(self, folder: str, kinds: tuple[str, ...], document: Document) -> None:
        elsewhere = [
            (place, one) for place, ones in KINDS.items() for one in ones if one in document.data
        ]
        if elsewhere:
            place, one = elsewhere[0]
            where = document.spot.at_key((one,))
            message = f"`{one}:` does not belong into `{folder}/`."
            self.gathered.problems.append(
                problem_at(Code.misplaced_document, where, message, f"Move it to `{place}/`.")
            )
            return
        first = next(iter(document.data), "")
        close = nearest(first, kinds)
        begins = " or ".join(f"`{one}:`" for one in kinds)
        message = f"A definition in `{folder}/` has a key {begins}; this one has none."
        self._problem(Code.unknown_document, document, message, did_you_mean(close), close)

    def _entity(self, document: Document, name: str) -> None:
        if self.layer != BUILT_IN and name in BUILT_IN_ENTITIES:
            where = document.spot.at_value(("entity",))
            message = f"`{name}` is there already: it is built in."
            self.gathered.problems.append(
                problem_at(
                    Code.reserved_name, where, message, f"To add to it, write `extend: {name}`."
                )
            )
            return
        if name in RESERVED_ENTITIES:
            where = document.spot.at_value(("entity",))
            message = f"An entity cannot be called `{name}`: {RESERVED_ENTITIES[name]}"
            self.gathered.problems.append(
                problem_at(Code.reserved_name, where, message, "Pick another name.")
            )
            return
        if self._is_twice("entity", name, document):
            return
        self._check_file_name(name, document)
        below = self.gathered.entities.get(name)
        self.gathered.entities[name] = merge(below, document) if below else document
        self.gathered.digests[name] = (*self.gathered.digests.get(name, ()), document.digest)

    def _check_file_name(self, name: str, document: Document) -> None:
        stem = document.file.rsplit("/", 1)[-1].removesuffix(".yaml")
        if self.layer != BUILT_IN and stem != name:
            where = document.spot.at_value(("entity",))
            message = f"The entity `{name}` stands in `{document.file}`."
            hint = f"Call the file `{name}.yaml`, so that everybody finds it."
            self.gathered.problems.append(
                problem_at(Code.file_name, where, message, hint, severity=Severity.warning)
            )

    def _other(self, kind: str, name: str, document: Document) -> None:
        if self._is_twice(kind, name, document):
            return
        by_name = self.gathered.others.setdefault(kind, {})
        by_name[name] = merge(by_name[name], document) if name in by_name else document

    def _is_twice(self, kind: str, name: str, document: Document) -> bool:
        first = self.seen.setdefault((kind, name), document)
        if first is document:
            return False
        place = first.place((kind,))
        where = document.spot.at_value((kind,))
        first_at = f"{place.file}:{place.line}:{place.column}"
        message = f"The {kind} `{name}` is defined twice; first at {first_at}."
        self.gathered.problems.append(
            problem_at(Code.duplicate_name, where, message, "Rename or remove one of them.")
        )
        return True

    def _problem(
        self,
        code: Code,
        document: Document,
        message: str,
        hint: str = "",
        suggestions: Sequence[str] = (),
    ) -> None:
        where = document.spot.at_key(())
        self.gathered.problems.append(problem_at(code, where, message, hint, suggestions))


def _extend(gathered: Gathered, name: str, document: Document) -> None:
    below = gathered.entities.get(name)
    if below is None:
        close = nearest(name, gathered.entities)
        where = document.spot.at_value(("extend",))
        message = f"`{name}` is not an entity, so nothing can be added to it."
        hint = (
            did_you_mean(close, gathered.entities)
            if close
            else f"To make it, write `entity: {name}`."
        )
        gathered.later.append(problem_at(Code.unknown_entity, where, message, hint, close))
        return
    data = {key: value for key, value in document.data.items() if key != "extend"}
    shell = Spot(document.spot.file, document.spot.mark)
    shell.keys = {key: mark for key, mark in (document.spot.keys or {}).items() if key != "extend"}
    inside = document.spot.inside
    assert isinstance(inside, dict)
    shell.inside = {key: spot for key, spot in inside.items() if key != "extend"}
    added = Document(document.file, data, shell, document.index, document.pack, document.digest)
    gathered.entities[name] = merge(below, added, added_to=_ADDED)
    gathered.digests[name] = (*gathered.digests.get(name, ()), document.digest)


def merge(below: Document, above: Document, added_to: Sequence[tuple[str, ...]] = ()) -> Document:
    """Return one document of two: *above* wins key by key; lists in *added_to* grow."""
    data, spot = _merge(below.data, below.spot, above.data, above.spot, added_to, ())
    digest = f"{below.digest}#{below.index}+{above.digest}"
    return Document(above.file, data, spot, above.index, above.pack, digest)


def _merge(
    below: Any, below_spot: Spot, above: Any, above_spot: Spot,
    added_to: Sequence[tuple[str, ...]], path: tuple[str, ...],
) -> tuple[Any, Spot]:  # fmt: skip
    if isinstance(below, list) and isinstance(above, list) and path in added_to:
        spot = Spot(above_spot.file, above_spot.mark)
        spot.inside = [*below_spot.inside, *above_spot.inside]  # type: ignore[misc]
        return [*below, *above], spot
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above, above_spot
    data, spot = dict(below), Spot(above_spot.file, above_spot.mark)
    spot.keys = dict(below_spot.keys or {})
    below_inside: Any = below_spot.inside
    above_inside: Any = above_spot.inside
    inside: dict[Any, Spot] = dict(below_inside or {})
    for key, value in above.items():
        inner = above_inside[key]
        if key in data:
            value, inner = _merge(data[key], inside[key], value, inner, added_to, (*path, key))  # noqa: PLW2901
        data[key], inside[key] = value, inner
        spot.keys[key] = (above_spot.keys or {})[key]
    spot.inside = inside
    return data, spot
