"""Exchanges with other systems, `sync` of an integration: what goes out and what comes in.

What goes out is a rule that calls, what comes in is an import from a list that another system
answers with: both are written out as such here, each part at the place where it was said, and
bound like any other. Who talks to the other system is in ``app.exchange``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import marshmallow as ma

from app.definitions.automation import At, Cron
from app.definitions.catalog import Place
from app.definitions.complaints import Complaint
from app.definitions.document import Document, Spot
from app.definitions.import_words import MODES, RULES
from app.definitions.imports import ColumnSchema, ImportMapping, MatchKeys
from app.definitions.problems import Code, quoted
from app.definitions.shape import Definition, Labels, Part, Value, add_keys
from app.definitions.words import Texts
from app.definitions.workflow_settings import AtValue, DayOfMonth, EveryValue, Givens
from app.fields.settings import ExpressionText, Name, Plain, Switch, Word
from app.texts import Label

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_REQUEST = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (\S.*)\Z")
#: Keys that only one of the two directions has.
_OF_OUT = ("to", "on", "changed", "if", "save")
_OF_IN = ("from", "every", "day", "at", "match", "mode", "rules", "rows", "next")


@dataclass(frozen=True, slots=True)
class SyncIn:
    """Records that are fetched from another system again and again."""

    #: the integration's name and its own: ``erp-product``
    name: str
    integration: str
    label: Label
    #: api: the path and query behind the URL; database: the statement
    source: str
    method: str
    #: None: only when somebody asks
    every: Cron | None
    at: At | None
    #: what becomes of the rows: its columns are the fields, under their own names
    mapping: ImportMapping
    #: by the column's name, where its value stands in a row: ``("price", "amount")``
    taken: Mapping[str, tuple[str, ...]]
    #: where the rows stand in the answer
    rows: tuple[str, ...] = ()
    #: where the address of the next page stands
    next: tuple[str, ...] = ()
    off: bool = False
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class SyncOut:
    """What is told to another system; the rule of that name does it."""

    #: the rule: ``erp-contract``
    name: str
    integration: str
    label: Label
    entity: str
    #: ``POST /orders``
    to: str
    off: bool = False
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """Another system that records are exchanged with."""

    name: str
    label: Label
    kind: str
    #: api: where it is, without a slash at the end
    url: str
    #: the environment variable with the secret; database: with the URL
    secret: str
    #: how the secret is shown, see ``workflow_settings.SecretAs``
    shown_as: str
    #: who brings the rows; empty: the system
    as_: str = ""
    syncs: tuple[SyncIn | SyncOut, ...] = ()
    place: Place | None = None


class SyncFieldSchema(Definition):
    """Where a field's value comes from, when more is to be said than the name over there."""

    noun = "The field"
    example = """
from: grade
map: {K: a, N: b}
else: c
"""


_declared: Mapping[str, Any] = ColumnSchema._declared_fields
add_keys(SyncFieldSchema, {
    "from": Plain("What it is called over there: `price`, `price.amount`, `phones.0`.",
                  required=True),
    **{key: _declared[key] for key in ("clean", "map", "else", "by", "default", "split", "take",
                                       "create", "skip_if")},
})  # fmt: skip


class SyncFields(Value):
    """Out: what is sent, by name. In: the fields, each with its name over there."""

    takes = "fields, each with a value"
    of = Part(SyncFieldSchema(), "A field that comes in.")

    def read(self, value: Any, key: str) -> dict[str, Any]:
        return Givens("").read(value, key)

    def json_schema(self) -> dict[str, Any]:
        """Return that each is a text, or settings."""
        either = {"anyOf": [{"type": ["string", "number", "boolean"]}, self.of.json_schema(),
                            {"type": "object", "required": ["by"]}]}  # fmt: skip
        return {"type": "object", "additionalProperties": either}


class SyncSchema(Definition):
    """One exchange: an entity that goes out, or one that comes in."""

    noun = "the exchange"
    example = """
in: product
from: GET /items
every: day
match: [code]
fields: {code: item_no, price: list_price}
"""

    out = Name("The entity whose records are told to the other system.")
    name = Name("Its name, where an entity is exchanged in several ways; the entity's without it.")
    label = Labels("What people read; without one it is made from the name.")
    to = Plain("Out: `POST /orders`, the method and the path behind the URL; `PUT =join('/', "
               "'orders', code)` where it depends on the record.")  # fmt: skip
    on = Texts("Out: the events, as of a rule; `create` and `update` without it.")
    changed = Texts("Out: fields one of which must have changed.")
    save = Givens("Out: fields that get something of the answer: `=answer.id`.")
    every = EveryValue("In: how often; without it when somebody asks.")
    day = DayOfMonth("In: every month or quarter: on which day.")
    at = AtValue("In: the time of day, in the company's time.")
    match = MatchKeys("In: what tells a record: fields, each alone; a list in the list goes "
                      "together.")  # fmt: skip
    mode = Word("In: what becomes of a row whose record is there, as of an import.", "upsert",
                among=MODES)  # fmt: skip
    rules = Word("In: whether rules fire: `run`, `silent` (fields are set, nothing is sent) or "
                 "`off`.", "silent", among=RULES)  # fmt: skip
    rows = Plain("In: where the rows stand in the answer: `data.items`; found without it.")
    next = Plain("In: where the answer has the address of the next page: `links.next`.")
    off = Switch("It is not in force.")

    def check(self, values: dict[str, Any], data: dict[str, Any]) -> None:
        """Ask for exactly one direction, with what belongs to it."""
        found = [key for key in ("out", "in") if key in data]
        if len(found) != 1:
            message = "An exchange says both `out` and `in`; it must be one." if found else (
                "An exchange says neither `out` nor `in`.")  # fmt: skip
            raise ma.ValidationError(
                {"in" if found else "out": [Complaint(message, Code.conflicting_keys, "Write one.",
                                                      on_key=bool(found))]}
            )  # fmt: skip
        way = found[0]
        for key in _OF_IN if way == "out" else _OF_OUT:
            if key in data:
                message = f"`{key}` does not go with `{way}`."
                raise ma.ValidationError(
                    {key: [Complaint(message, Code.conflicting_keys, "Remove it.", on_key=True)]}
                )
        needs = ("to",) if way == "out" else ("from", "match")
        if way == "in" and values.get("mode") == "create":
            needs = ("from",)
        for key in needs:
            if key not in data:
                hint = f"Add it: {self.fields[key].help}"  # type: ignore[attr-defined]
                message = f"`{way}` needs `{key}`."
                raise ma.ValidationError({key: [Complaint(message, Code.missing_key, hint)]})
        if way == "out":
            _check_request(values["to"], "to", METHODS)
        else:
            values["fields"] = _read_fields(values["fields"])
        every = values.get("every")
        if "at" in values and (every is None or every.unit in ("minutes", "hours")):
            raise ma.ValidationError(
                {"at": [Complaint("`at` goes with days, weeks, months.", Code.conflicting_keys,
                                  "Write `every: day`.", on_key=True)]}
            )  # fmt: skip
        if "day" in values and (every is None or every.unit not in ("month", "quarter")):
            raise ma.ValidationError(
                {"day": [Complaint("`day` goes with `every: month` or `every: quarter`.",
                                   Code.conflicting_keys, "Remove it.", on_key=True)]}
            )  # fmt: skip


add_keys(
    SyncSchema,
    {
        "in": Name("The entity whose records come from the other system."),
        "from": Plain("In: `GET /items`, the method and the path behind the URL; of a database a "
                      "`SELECT`."),
        "if": ExpressionText("Out: the condition under which it is told."),
        "fields": SyncFields("Out: what is sent, by name (`no: =code`). In: the fields, each with "
                             "its name over there.", required=True),
    },
)  # fmt: skip


def _check_request(text: str, key: str, methods: tuple[str, ...]) -> tuple[str, str]:
    """Return the method and path of a request, or refuse it."""
    found = _REQUEST.match(text)
    if found is None or found[1] not in methods or found[2][0] not in "/=":
        message = f"`{key}` is `{text}`; it must be a method and a path behind the URL."
        example = "POST /orders" if key == "to" else "GET /items"
        hint = f"For example `{example}`. Methods: {quoted(methods)}."
        raise ma.ValidationError({key: [Complaint(message, Code.bad_value, hint)]})
    return found[1], found[2]


def read_source(text: str) -> tuple[str, str]:
    """Return the method and path rows are fetched with; raises complaints."""
    return _check_request(text, "from", ("GET", "POST"))


def _read_fields(wrote: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return how each field of rows that come in is read."""
    found: dict[str, dict[str, Any]] = {}
    messages: dict[str, Any] = {}
    for name, one in wrote.items():
        if isinstance(one, dict):
            try:
                found[name] = SyncFieldSchema().read(one, f"The field `{name}`")
            except ma.ValidationError as error:
                messages[name] = error.messages
        elif not isinstance(one, str) or one.startswith("="):
            sentence = f"`{name}` takes the name of something over there, for example `{name}`."
            hint = "For a value of your own write `{from: NAME, default: VALUE}`."
            messages[name] = [Complaint(sentence, Code.wrong_shape, hint)]
        else:
            found[name] = {"from": one}
    if messages:
        raise ma.ValidationError({"fields": messages})
    return found


# -- written out -----------------------------------------------------------------------------------


class _Paper:
    """Writes a definition whose parts stand somewhere in another document."""

    def __init__(self, document: Document, index: int) -> None:
        self.document = document
        self.wrote: Mapping[str, Any] = document.data["sync"][index]
        spot = document.spot.find(("sync", index))
        assert spot is not None
        self.around = spot

    def spot(self, key: str) -> Spot:
        found = self.around.find((key,))
        return found if found is not None else self.around

    def key(self, key: str) -> tuple[str, Any]:
        return (self.around.keys or {}).get(key, (self.around.file, self.around.mark))

    def table(self, parts: Mapping[str, tuple[str, Any, Spot]]) -> tuple[dict[str, Any], Spot]:
        """Return a table and its spots; each part has the key it was said under."""
        made = Spot(self.around.file, self.around.mark)
        made.keys = {name: self.key(said) for name, (said, _, _) in parts.items()}
        made.inside = {name: spot for name, (_, _, spot) in parts.items()}
        return {name: value for name, (_, value, _) in parts.items()}, made

    def copied(self, *keys: str) -> dict[str, tuple[str, Any, Spot]]:
        """Return the parts that are taken over as they were said."""
        return {key: (key, self.wrote[key], self.spot(key)) for key in keys if key in self.wrote}

    def document_of(self, data: dict[str, Any], spot: Spot) -> Document:
        """Return the definition as a document of the same file."""
        whole = self.document
        return Document(whole.file, data, spot, whole.index, whole.pack, whole.digest)


def name_of(integration: str, values: Mapping[str, Any]) -> str:
    """Return the name of an exchange among all of them."""
    return f"{integration}-{values.get('name') or values.get('out') or values.get('in')}"


def rule_of(
    document: Document, index: int, integration: Mapping[str, Any], values: Mapping[str, Any]
) -> Document:
    """Return the rule by which something goes out."""
    paper = _Paper(document, index)
    wrote = paper.wrote
    method, path = _check_request(values["to"], "to", METHODS)
    base = str(integration["url"])
    url = f"{base}{path}" if path[0] == "/" else f"=join('/', '{base}', {path[1:]})"
    call = {
        "url": ("to", url, paper.spot("to")),
        "method": ("to", method, paper.spot("to")),
        "body": ("fields", wrote["fields"], paper.spot("fields")),
        **paper.copied("save"),
    }
    if "secret" in integration:
        called = integration.get("secret_as", "bearer")
        call["secret"] = ("out", integration["secret"], paper.around)
        call["secret_as"] = ("out", called, paper.around)
    step, step_spot = paper.table({"call": ("out", *paper.table(call))})
    steps = Spot(paper.around.file, paper.around.mark)
    steps.inside = [step_spot]
    events = wrote.get("on", ["create", "update"])
    when = {"on": ("on", events, paper.spot("on")), **paper.copied("changed")}
    name = name_of(integration["integration"], values)
    parts = {
        "rule": ("out", name, paper.spot("out")),
        "entity": ("out", wrote["out"], paper.spot("out")),
        "when": ("on", *paper.table(when)),
        "do": ("out", [step], steps),
        **paper.copied("if", "label", "off"),
    }
    return paper.document_of(*paper.table(parts))


def import_of(
    document: Document, index: int, integration: Mapping[str, Any], values: Mapping[str, Any]
) -> Document:
    """Return the import of what comes in: the columns are the fields, under their own names."""
    paper = _Paper(document, index)
    wrote = paper.wrote["fields"]
    columns: dict[str, Any] = {}
    around = paper.spot("fields")
    spots = Spot(around.file, around.mark)
    spots.keys, spots.inside = dict(around.keys or {}), {}
    for name, one in wrote.items():
        settings = {k: v for k, v in one.items() if k != "from"} if isinstance(one, dict) else {}
        columns[name] = {"field": name, **settings}
        here = around.find((name,))
        assert here is not None
        file, mark = spots.keys[name]
        inner = Spot(here.file, here.mark)
        inner.keys = {**(here.keys or {}), "field": (file, mark)}
        inside = here.inside if isinstance(here.inside, dict) else {}
        inner.inside = {**inside, "field": Spot(file, mark)}
        spots.inside[name] = inner
    parts = {
        "import": ("in", name_of(integration["integration"], values), paper.spot("in")),
        "into": ("in", values["in"], paper.spot("in")),
        "columns": ("fields", columns, spots),
        "rules": ("rules", values.get("rules", "silent"), paper.spot("rules")),
        **paper.copied("label", "match", "mode"),
    }
    return paper.document_of(*paper.table(parts))


def taken_from(values: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return where each field's value stands in a row of the other system."""
    return {name: tuple(one["from"].split(".")) for name, one in values["fields"].items()}
