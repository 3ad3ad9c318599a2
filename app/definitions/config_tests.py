"""Tests of a configuration, as they are written: what is given, and what happens step by step.

Here only their shape is checked, and that the entities, fields, rules and names they use exist;
what comes of them is found out by running them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import marshmallow as ma

from app.definitions.automation import HAPPENINGS, ConfigTest
from app.definitions.binding import refuse_field
from app.definitions.complaints import Complaint
from app.definitions.document import Document
from app.definitions.problems import Code, did_you_mean, nearest
from app.definitions.scope import CatalogScope
from app.definitions.shape import Definition, Items, Part, Table, Value, add_keys
from app.definitions.words import Duration, Texts
from app.definitions.workflow_settings import Givens
from app.definitions.workflow_values import Site, duration_text
from app.definitions.workshop import Path, Workshop
from app.fields.settings import Plain, WholeNumber, Word, refuse, written

_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})(?: (\d{2}:\d{2}))?\Z", re.ASCII)
#: Acts that name one record.
OF_RECORD = (
    "update", "delete", "restore", "read", "claim", "release", "transfer", "comment", "email",
    "submit",
    "approve", "reject", "send_back", "withdraw",
)  # fmt: skip
#: Everything a step may do, at most one thing each.
ACTS = ("create", *OF_RECORD, "press", "hook", "happens")
#: Keys beside an act, each with the acts it goes with.
BESIDE: Mapping[str, tuple[str, ...]] = {
    "set": ("update",),
    "on": ("press",),
    "with": ("press", "hook", "email"),
    "to": ("transfer", "release", "send_back"),
    "reason": ("release",),
    "text": ("comment", "submit", "approve", "reject", "send_back", "withdraw", "happens"),
}
#: What counts messages, narrowed by the keys of `NARROWED`.
COUNTED = ("reminders", "messages", "emails", "calls")
NARROWED = ("to", "about", "says", "rule")


class Moment(Value):
    """A day, or a minute of it, in the company's time."""

    takes = "a moment such as `2026-03-02 09:00`"

    def read(self, value: Any, key: str) -> str:
        if not isinstance(value, str) or not _MOMENT.match(value):
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.not_a_date)
        return value

    def json_schema(self) -> dict[str, Any]:
        """Return its form."""
        return {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d( \d\d:\d\d)?$"}


class GivenRecord(Value):
    """A record: its entity, and the values of its fields."""

    takes = "an entity with values: `{customer: {name: Acme, owner: ann}}`"

    def read(self, value: Any, key: str) -> tuple[str, dict[str, Any]]:
        if isinstance(value, dict) and len(value) == 1:
            ((entity, values),) = value.items()
            if values is None or isinstance(values, dict):
                return entity, values or {}
        raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.wrong_shape)

    def json_schema(self) -> dict[str, Any]:
        """Return that it is an object with one key."""
        return {"type": "object", "minProperties": 1, "maxProperties": 1}


class Expected(Value):
    """What must be so: `refused`, or values by name."""

    takes = "`refused`, or what is expected: `{reminders: 1, to: ann, acme: {status: active}}`"

    def read(self, value: Any, key: str) -> dict[str, Any]:
        if value == "refused":
            return {"refused": ""}
        if not isinstance(value, dict) or not value:
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.wrong_shape)
        found, records, messages = {}, {}, {}
        schema = ExpectSchema()
        for name, one in value.items():
            if name in schema.fields:
                found[name] = one
            elif isinstance(one, dict):
                records[name] = one
            else:
                close = nearest(name, schema.fields)
                messages[name] = [
                    Complaint(
                        f"`{name}` is nothing that can be expected.",
                        Code.unknown_key,
                        did_you_mean(close, schema.fields, "Possible"),
                        close,
                        on_key=True,
                    )
                ]
        if messages:
            raise ma.ValidationError(messages)
        return {**schema.read(found, "`expect`"), "records": records}

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a word or an object."""
        return {"anyOf": [{"const": "refused"}, {"type": "object"}]}


class Counts(Value):
    """How many records there are, by entity."""

    takes = "numbers by entity: `{task: 1}`"

    def read(self, value: Any, key: str) -> dict[str, int]:
        if not isinstance(value, dict) or not all(
            isinstance(one, str) and re.fullmatch(r"\d{1,6}", one, re.ASCII)
            for one in value.values()
        ):
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.wrong_shape)
        return {entity: int(one) for entity, one in value.items()}

    def json_schema(self) -> dict[str, Any]:
        """Return that it is numbers by name."""
        return {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}


class ExpectSchema(Definition):
    """What is expected of a step; names of records stand beside these words, with their fields."""

    noun = "`expect`"
    example = """
reminders: 1
to: ann
about: acme
says: no contact
"""

    refused = Plain("The act is refused, and the sentence holds this.")
    reminders = WholeNumber(
        "So many messages of dated rules in the inboxes, in this step.", least=0
    )
    messages = WholeNumber("So many messages in the inboxes in this step.", least=0)
    emails = WholeNumber("So many e-mails on their way, in this step.", least=0)
    calls = WholeNumber("So many calls of other programs, in this step.", least=0)
    to = Texts("Of the messages: only those to these people count.")
    about = Plain("Of the messages: only those about this record count.")
    says = Plain("Of the messages: only those whose text holds this count.")
    rule = Plain("Of the messages: only those of this rule count.")
    fires = Texts("Rules that fire in this step.")
    quiet = Texts("Rules that do not fire in this step.")
    count = Counts("So many records there are, by entity.")

    def check(self, values: dict[str, Any], data: dict[str, Any]) -> None:
        """Refuse what narrows nothing."""
        if any(key in data for key in COUNTED):
            return
        for key in NARROWED:
            if key in values:
                sentence = f"`{key}` narrows messages, and none are counted."
                hint = "Add `reminders: 1`, or `messages`, `emails`, `calls`."
                raise ma.ValidationError(
                    {key: [Complaint(sentence, Code.conflicting_keys, hint, on_key=True)]}
                )


class TestStepSchema(Definition):
    """One step: time passes, somebody does something, something is expected."""

    __test__ = False
    noun = "A step"
    example = """
as: ann
update: acme
set: {status: dormant}
expect: {reminders: 0}
"""

    at = Moment("Time passes until then.")
    after = Duration("Time passes for so long.")
    create = Table(
        GivenRecord("The record."), "New records, by the name they have in this test.",
        noun="a record", loose=True,
    )  # fmt: skip
    update = Plain("The record that is changed; `set` says how.")
    set = Givens("Of `update`: the fields with their new values.")
    delete = Plain("The record that goes to the bin.")
    restore = Plain("The record that comes back.")
    claim = Plain("The record that is taken out of its pool.")
    release = Plain("The record that goes to a pool.")
    transfer = Plain("The record that is given to somebody; `to` says whom.")
    comment = Plain("The record that is commented on; `text` says how.")
    email = Plain("The record an e-mail comes about; `with` holds `from to subject text`.")
    submit = Plain("The record that is submitted for approval.")
    approve = Plain("The record whose approval is granted.")
    reject = Plain("The record whose approval is denied.")
    send_back = Plain("The record that is sent back for changes.")
    withdraw = Plain("The record whose approval is withdrawn.")
    press = Plain("The rule whose button is pressed.")
    on = Plain("Of `press`: the record.")
    hook = Plain("The path another program calls.")
    happens = Word("What happens to the installation; `text` is what is said of it.",
                   among=HAPPENINGS)  # fmt: skip
    to = Plain("Whom, or to which pool.")
    reason = Plain("Of `release`: why.")
    text = Plain("What is said with it.")
    expect = Expected("What must be so afterwards.")

    def check(self, values: dict[str, Any], data: dict[str, Any]) -> None:
        """Ask for something to happen or to be expected, one act at most."""
        acts = [key for key in data if key in ACTS]
        if len(acts) > 1:
            sentence = f"A step does one thing; this one does `{acts[0]}` and `{acts[1]}`."
            raise ma.ValidationError(
                {acts[1]: [Complaint(sentence, Code.conflicting_keys, "Write two.", on_key=True)]}
            )
        if not values.keys() - {"as"}:
            sentence, hint = "The step does nothing.", "Add `at`, an act, or `expect`."
            raise ma.ValidationError({"expect": [Complaint(sentence, Code.missing_key, hint)]})
        act = acts[0] if acts else ""
        for key, owners in BESIDE.items():
            if key in data and act not in owners:
                sentence = f"`{key}` goes with {' or '.join(f'`{one}`' for one in owners)}."
                raise ma.ValidationError(
                    {key: [Complaint(sentence, Code.conflicting_keys, "Remove it.", on_key=True)]}
                )
        for needed, by in (("set", "update"), ("to", "transfer"), ("text", "comment")):
            if act == by and needed not in data:
                raise ma.ValidationError(
                    {needed: [Complaint(f"`{by}` needs `{needed}`.", Code.missing_key)]}
                )


add_keys(
    TestStepSchema,
    {
        "as": Plain("Who does it: a user given above. Without it, an administrator."),
        "read": Plain("The record that is looked at."),
        "with": Givens("Of `press`: what is filled in; of `hook` and `email`: what is sent."),
    },
)


class TestSchema(Definition):
    """A test of the configuration."""

    __test__ = False
    noun = "the test"
    example = """
test: A silent customer is reminded of on the seventh day
now: 2026-03-02 09:00
given:
  ann: {user: {roles: [sales]}}
  acme: {customer: {name: Acme, level: a, owner: ann}}
steps:
  - {at: 2026-03-09 08:59, expect: {reminders: 0}}
  - {at: 2026-03-09 09:00, expect: {reminders: 1, to: ann, about: acme}}
"""

    test = Plain("What it shows, as a sentence.", required=True)
    now = Moment("When it begins.", required=True)
    given = Table(
        GivenRecord("A record."), "Users, departments and records, by their name in this test.",
        noun="a record", loose=True,
    )  # fmt: skip
    steps = Items(Part(TestStepSchema(), "A step."), "What happens.", noun="A step", required=True)


def bind_tests(
    shop: Workshop,
    written_tests: Iterable[tuple[Document, Mapping[str, Any]]],
    rules: Iterable[str],
) -> tuple[ConfigTest, ...]:
    """Return the tests; names in them that lead nowhere are noted."""
    known = tuple(rules)
    return tuple(
        _Binding(shop, document, values, known).bind() for document, values in written_tests
    )


class _Binding:
    """One test, looked at beside the entities."""

    def __init__(
        self, shop: Workshop, document: Document, values: Mapping[str, Any], rules: tuple[str, ...]
    ) -> None:
        self.shop = shop
        self.document = document
        self.values = values
        self.rules = rules
        #: by name in this test, the entity
        self.records: dict[str, str] = {}

    def bind(self) -> ConfigTest:
        values = self.values
        self._records(("given",), values.get("given", {}))
        for index, step in enumerate(values["steps"]):
            self._step(("steps", index), step)
        return ConfigTest(
            name=values["test"],
            now=values["now"],
            given={
                name: {entity: fields} for name, (entity, fields) in values.get("given", {}).items()
            },
            steps=tuple(
                self._placed(("steps", index), step) for index, step in enumerate(values["steps"])
            ),
            file=self.document.file,
            place=self.document.place(),
        )

    def _placed(self, path: Path, step: Mapping[str, Any]) -> Mapping[str, Any]:
        found = {**step, "place": self.document.place(path)}
        if "after" in step:
            site = Site(self.shop, self.document, CatalogScope(self.shop, None))
            text = f"now() + {duration_text(step['after'])}"
            found["after"] = site.expression((*path, "after"), text, "`after`")
        return found

    def _records(self, path: Path, written_: Mapping[str, tuple[str, Mapping[str, Any]]]) -> None:
        for name, (entity, fields) in written_.items():
            here = (*path, name, entity)
            if entity not in self.shop.drafts or "." in entity:
                self.shop.unknown_entity(
                    self.document, (*path, name), entity, f"`{entity}` is not an entity."
                )
                continue
            self.records[name] = entity
            self._fields(here, entity, fields)

    def _roles(self, path: Path, written_: Any) -> None:
        for role in written_ if isinstance(written_, list) else [written_]:
            if role not in self.shop.roles:
                message = f"`{role}` is not a role."
                roles = self.shop.roles
                self.shop.unknown(Code.unknown_role, self.document, path, str(role), roles, message)

    def _fields(self, path: Path, entity: str, names: Mapping[str, Any]) -> None:
        draft = self.shop.drafts[entity]
        for name, value in names.items():
            first = name.partition(".")[0]
            if first == "roles" and entity == "user":
                self._roles((*path, name), value)
                continue
            if first not in draft.fields or draft.fields[first].removed:
                refuse_field(self.shop, draft, self.document, (*path, name), first, key=True)

    def _step(self, path: Path, step: Mapping[str, Any]) -> None:
        self._records((*path, "create"), step.get("create", {}))
        for key in ("as", *OF_RECORD, "on"):
            if key in step:
                self._named((*path, key), step[key])
        if "update" in step and step["update"] in self.records:
            self._fields((*path, "set"), self.records[step["update"]], step["set"])
        if "press" in step:
            self._rule((*path, "press"), step["press"])
        expected = step.get("expect", {})
        here = (*path, "expect")
        for name, fields in expected.get("records", {}).items():
            if self._named((*here, name), name, key=True):
                self._fields((*here, name), self.records[name], fields)
        for key in ("fires", "quiet", "rule"):
            listed = expected.get(key, ())
            for name in (listed,) if isinstance(listed, str) else listed:
                self._rule((*here, key), name)
        for entity in expected.get("count", {}):
            if entity not in self.shop.drafts:
                message = f"`{entity}` is not an entity."
                self.shop.unknown_entity(self.document, (*here, "count", entity), entity, message)

    def _named(self, path: Path, name: str, *, key: bool = False) -> bool:
        if name in self.records:
            return True
        message = f"`{name}` is not given in this test."
        self.shop.unknown(
            Code.unknown_record, self.document, path, name, self.records, message, key=key
        )
        return False

    def _rule(self, path: Path, name: str) -> None:
        if name not in self.rules:
            message = f"There is no rule `{name}`."
            self.shop.unknown(Code.unknown_rule, self.document, path, name, self.rules, message)
