"""What an import is to do: the file's shape, which column goes where, and what becomes of rows.

A plan is kept as JSON with its run, so that whoever takes a run up reads the file just as before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from app.definitions.catalog import Catalog, Entity, Field
from app.definitions.connections import SyncIn
from app.definitions.import_words import MODES, RULES
from app.definitions.imports import BROUGHT, LEFT_OUT, ImportColumn, ImportMapping
from app.errors import InvalidInput, NotFound
from app.texts import Label, say
from app.transfer.tables import Shape
from app.transfer.ways import read_columns, with_way

#: What a column is cleaned with where nobody said, by the type of its field.
_USUAL: Mapping[str, tuple[str, ...]] = {
    "phone": ("blank", "phone"),
    "phones": ("trim", "blank"),
    "money": ("blank", "money"),
    "number": ("trim", "blank", "number"),
    "integer": ("trim", "blank", "number"),
    "percent": ("trim", "blank", "number"),
    "date": ("trim", "blank", "date"),
    "datetime": ("trim", "blank", "date"),
    "email": ("half_width", "trim", "blank"),
    "url": ("trim", "blank"),
}


#: Begins the name of a mapping that is an exchange's.
SYNC = "sync:"


@dataclass(frozen=True, slots=True)
class Plan:
    """One import, as it was chosen."""

    entity: str
    shape: Shape
    #: heading → path; headings that are not here are left out
    columns: Mapping[str, str]
    mapping: str | None = None
    match: tuple[tuple[str, ...], ...] = ()
    mode: str = "create"
    rules: str = "off"
    #: one row that cannot go in, and none does
    all_or_nothing: bool = False
    #: values for every row, by field, as a form has them
    always: Mapping[str, Any] = field(default_factory=dict)
    #: what was chosen for a column, over what its field usually has: see ``transfer.ways``
    ways: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return asdict(self)


def read_plan(kept: Mapping[str, Any]) -> Plan:
    """Return a plan that was kept."""
    return Plan(
        **{
            **kept,
            "shape": Shape(**kept["shape"]),
            "match": tuple(tuple(key) for key in kept["match"]),
        }
    )


def saved_mapping(catalog: Catalog, name: str) -> ImportMapping:
    """Return a saved mapping.

    Raises:
        NotFound: there is none of that name.
    """
    found = catalog.imports.get(name)
    if found is None:
        raise NotFound(
            say(
                "There is no saved import {name}. There are: {names}.",
                "没有名为 {name} 的导入映射，现有：{names}。",
                name=name,
                names=", ".join(catalog.imports) or "–",
            )
        )
    assert isinstance(found, ImportMapping)
    return found


def column_of(catalog: Catalog, plan: Plan, heading: str) -> ImportColumn:
    """Return how one column is read: as was chosen, as a saved mapping says, as is usual."""
    path = plan.columns.get(heading, LEFT_OUT)
    found = _saved_column(catalog, plan, heading, path)
    if found is None and path == LEFT_OUT:
        found = ImportColumn(heading, LEFT_OUT)
    elif found is None:
        _, goes_to, part = target_of(catalog, plan.entity, path)
        clean = ("trim",) if part else _USUAL.get(goes_to.type.name, ("trim",))
        found = ImportColumn(heading, path, clean)
    return with_way(found, plan.ways.get(heading, {}))


def mapping_of(catalog: Catalog, name: str) -> ImportMapping | None:
    """Return a saved mapping, or that of an exchange: ``sync:erp-product``."""
    if not name.startswith(SYNC):
        return catalog.imports.get(name)
    for connection in catalog.connections.values():
        for sync in connection.syncs:
            if sync.name == name.removeprefix(SYNC) and isinstance(sync, SyncIn):
                return sync.mapping
    return None


def _saved_column(catalog: Catalog, plan: Plan, heading: str, path: str) -> ImportColumn | None:
    mapping = mapping_of(catalog, plan.mapping or "")
    for one in mapping.columns if mapping is not None else ():
        if one.column == heading and one.path == path:
            assert isinstance(one, ImportColumn)
            return one
    return None


def passed_over(catalog: Catalog, plan: Plan, headings: Sequence[str]) -> list[ImportColumn]:
    """Return the columns by whose values rows are passed over, those that go nowhere too."""
    columns = [column_of(catalog, plan, heading) for heading in headings]
    return [one for one in columns if one.skip_if]


def target_of(catalog: Catalog, entity: str, path: str) -> tuple[Entity, Field, str]:
    """Return the entity, field and part a path leads to.

    Raises:
        InvalidInput: it leads nowhere, or to what no file can bring.
    """
    own = catalog.entities[entity]
    first, _, rest = path.partition(".")
    if rest and first in catalog.entities and not _has_part(own.fields.get(first), rest):
        if link_between(catalog, first, entity) is None:
            raise InvalidInput({path: [nowhere(path)]})
        own = catalog.entities[first]
        first, _, rest = rest.partition(".")
    found = own.fields.get(first)
    if found is None or found.removed or found.type.name == "lines" or not found.type.writable:
        raise InvalidInput({path: [nowhere(path)]})
    if (found.built_in and first not in BROUGHT) or (rest and not _has_part(found, rest)):
        raise InvalidInput({path: [nowhere(path)]})
    return own, found, rest


def made_of(catalog: Catalog, plan: Plan, path: str) -> Entity | None:
    """Return the entity whose records a column may bring along by their title, or None."""
    _, goes_to, _ = target_of(catalog, plan.entity, path)
    names = () if goes_to.type.name == "any_link" else goes_to.type.targets(goes_to)
    parent = catalog.entities.get(names[0]) if len(names) == 1 else None
    if parent is None or parent.lines_of or parent.name in ("user", "department"):
        return None
    title = parent.fields.get(parent.title or "")
    return parent if title is not None and title.type.writable else None


def _has_part(found: Field | None, part: str) -> bool:
    return found is not None and any(one.name == part for one in found.type.parts(found))


def nowhere(path: str) -> Label:
    """Return the sentence about a path that leads to nothing a file can bring."""
    return say("A file cannot bring {path}.", "文件不能导入 {path}。", path=path)


def link_between(catalog: Catalog, child: str, parent: str) -> Field | None:
    """Return the link by which a second record of a row hangs on the first; required ones first."""
    links = [
        one
        for one in catalog.entities[child].fields.values()
        if one.type.name == "link"
        and one.settings.get("to") == parent
        and not one.removed
        and not one.built_in
    ]
    return min(links, key=lambda one: one.required is not True, default=None)


def check_plan(catalog: Catalog, plan: Plan) -> Plan:
    """Return the plan, its columns checked and those left out taken out.

    Raises:
        InvalidInput: it names what is not there, or nothing at all.
    """
    columns = {
        heading: path for heading, path in plan.columns.items() if path not in ("", LEFT_OUT)
    }
    ways = {
        heading: way
        for heading, way in plan.ways.items()
        if heading in columns or way.get("skip_if")
    }
    if not columns:
        raise InvalidInput({"columns": [say("No column goes anywhere.", "没有任何列被对应。")]})
    for heading, path in columns.items():
        target_of(catalog, plan.entity, path)
        if list(columns.values()).count(path) > 1:
            sentence = say("{path} is given twice.", "{path} 被对应了两次。", path=path)
            raise InvalidInput({heading: [sentence]})
        if column_of(catalog, plan, heading).create and made_of(catalog, plan, path) is None:
            sentence = say(
                "What this column names cannot be made by its title alone.",
                "此列所指的内容不能仅凭标题新建。",
            )
            raise InvalidInput({heading: [sentence]})
    for key in plan.match:
        for path in key:
            if path not in columns.values():
                sentence = say(
                    "No column goes to {path}, so no record can be told by it.",
                    "没有列对应 {path}，无法据此识别记录。",
                    path=path,
                )
                raise InvalidInput({"match": [sentence]})
    for name, value, among in (("mode", plan.mode, MODES), ("rules", plan.rules, RULES)):
        if value not in among:
            raise InvalidInput({name: [one_of(among)]})
    if plan.mode != "create" and not plan.match:
        raise InvalidInput(
            {
                "match": [
                    say(
                        "Say by which fields a record that is there already is told.",
                        "请说明按哪些字段识别已有记录。",
                    )
                ]
            }
        )
    return replace(plan, columns=columns, ways=ways)


def one_of(words: Sequence[str]) -> Label:
    """Return the sentence that names the words there are."""
    return say("It is one of {words}.", "应为 {words} 之一。", words=", ".join(words))


#: What somebody chooses.
_SAID = ("columns", "mapping", "match", "mode", "rules", "always", "all_or_nothing")


def changed_plan(catalog: Catalog, plan: Plan, said: Mapping[str, Any]) -> Plan:
    """Return the plan with what somebody chose: what ``_SAID`` names.

    Raises:
        NotFound: there is no saved mapping of that name.
        InvalidInput: something is not of its kind.
    """
    unknown = set(said) - set(_SAID)
    if unknown:
        raise InvalidInput({min(unknown): [one_of(_SAID)]})
    if said.get("mapping"):
        mapping = saved_mapping(catalog, str(said["mapping"]))
        plan = replace(
            plan,
            columns={one.column: one.path for one in mapping.columns},
            mapping=mapping.name,
            match=mapping.match,
            mode=mapping.mode,
            rules=mapping.rules,
            ways={},
        )
    changes: dict[str, Any] = {
        name: said[name] for name in ("mode", "rules") if said.get(name) is not None
    }
    if said.get("all_or_nothing") is not None:
        if not isinstance(said["all_or_nothing"], bool):
            raise InvalidInput({"all_or_nothing": [say("True or false.", "应为 true 或 false。")]})
        changes["all_or_nothing"] = said["all_or_nothing"]
    for name in ("columns", "always"):
        if said.get(name) is not None:
            if not isinstance(said[name], Mapping):
                raise InvalidInput({name: [say("It is an object.", "应为对象。")]})
            changes[name] = {str(key): value for key, value in said[name].items()}
    if "columns" in changes:
        changes["columns"], changes["ways"] = read_columns(
            changes["columns"], plan.columns, plan.ways
        )
    if said.get("match") is not None:
        match = said["match"]
        if not isinstance(match, list):
            raise InvalidInput({"match": [say("It is a list of fields.", "应为字段列表。")]})
        keys = [each if isinstance(each, list) else [each] for each in match]
        changes["match"] = tuple(tuple(str(path) for path in key) for key in keys if key)
    return replace(plan, **changes)
