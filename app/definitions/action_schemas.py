"""How the steps of workflows are written: one schema for the settings of every action."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from app.definitions.automation import CHANNELS
from app.definitions.complaints import Complaint, one_of
from app.definitions.problems import Code
from app.definitions.record_schemas import CreateSchema, DeleteSchema, UpdateSchema
from app.definitions.shape import Definition, Items, Labels, Part, Value, add_keys
from app.definitions.words import Texts
from app.definitions.workflow_settings import DurationValue, Givens, People, SecretAs
from app.fields.settings import (
    ExpressionText,
    Names,
    Plain,
    Word,
    Written,
    refuse,
    written,
)

MOST_STEPS = 100


class NotifySchema(Definition):
    """A message to people."""

    noun = "`notify`"
    example = """
to: [owner, owner.manager]
via: [inbox, email]
say: {en: "{{ record.name }} has been silent.", zh: "{{ record.name }} 久未联系。"}
"""

    to = People("Who gets it.")
    cc = People("Who gets a copy.")
    via = Names("How it reaches them.", ("inbox",), among=CHANNELS)
    say = Labels("The text; `{{ record.name }}` is filled in.")
    template = Plain("A message template instead of a text.")
    attach = Texts("Print templates, or `dashboard NAME`, that go along.")

    def check(self, values: dict[str, Any], data: dict[str, Any]) -> None:
        """Ask for a text and for somebody to read it."""
        one_of(data, ("say", "template"), "`notify`")
        via = values.get("via", ("inbox",))
        if "to" not in values and not {"wecom", "dingtalk", "feishu", "slack"} >= set(via):
            raise ma.ValidationError(
                {"to": [Complaint("`notify` has no `to`.", Code.missing_key,
                                  "Say who gets it: `to: owner`.")]}
            )  # fmt: skip


class Previous(Value):
    """What the former owner may go on doing, and how long."""

    takes = "`read for` and a duration: `read for 30 days`"

    def read(self, value: Any, key: str) -> str:
        if not isinstance(value, str) or not value.startswith("read for "):
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.bad_value)
        return str(DurationValue("").read(value.removeprefix("read for "), key))

    def json_schema(self) -> dict[str, Any]:
        """Return its form."""
        return {"type": "string", "pattern": "^read for "}


class AssignSchema(Definition):
    """A new owner."""

    noun = "`assign`"
    example = """
to: [role sales]
how: in_turn
where: department == record.owner_department
with: [contact.customer]
previous: read for 30 days
"""

    to = People("Whom it may be given to.", required=True)
    how = Word("Who of them.", "in_turn", among=("in_turn", "least_busy", "random"))
    where = ExpressionText("Which of these people; plain names are the person's.")
    previous = Previous("The former owner may go on reading.")


add_keys(
    AssignSchema,
    {"with": Texts("Records that link here and get the same owner: `[contact.customer]`.")},
)


class ReleaseSchema(Definition):
    """Back to a pool."""

    noun = "`release`"
    example = """
to: east
reason: silent
"""

    to = Plain("The pool; without it, the first that fits.")
    reason = Written("Why, one of the pool's reasons.", takes="a reason, or `=` and an expression")


class OrYes(Part):
    """A definition all of whose keys may be left out: then `yes` stands in its place."""

    takes = "`yes`, or `key: value` lines"

    def read(self, value: Any, key: str) -> Any:
        return {} if value in ("yes", "true", True) else super().read(value, key)

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a switch or an object."""
        return {"anyOf": [{"enum": [True, "yes"]}, super().json_schema()]}


class ClaimSchema(Definition):
    """Out of the pool, to whoever caused the rule."""

    noun = "`claim`"
    example = """
{}
"""


class SharingSchema(Definition):
    """Who else works on the record, or is told of it."""

    noun = "this step"
    example = """
to: [owner.manager, role legal]
may: read
until: =today() + days(30)
"""

    to = People("With whom.", required=True)
    may = Word("What they may do.", "read", among=("read", "edit"))
    until = Written("Until when.", takes="a date, or `=` and an expression")


class WaitValue(Value):
    """A pause: so long, or until something holds."""

    takes = "a duration, or `{until: …, at_most: 30 days}`"

    def read(self, value: Any, key: str) -> Any:
        if isinstance(value, dict) and "by" not in value:
            return {"until": WaitSchema().read(value, "`wait`")}
        return {"for": DurationValue("").read(value, key)}

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a duration or a condition."""
        return {"anyOf": [{"type": "string"}, {"type": "object"}]}


class WaitSchema(Definition):
    """A pause until something holds."""

    noun = "`wait`"
    example = """
until: new.call.status == 'done'
at_most: 30 days
"""

    until = ExpressionText("What is waited for.", required=True)
    at_most = DurationValue("How long, at most; the rule goes on then.")


class CallSchema(Definition):
    """A call of another program over HTTP."""

    noun = "`call`"
    example = """
url: https://erp.example.com/orders
body: {no: =code, amount: =amount}
secret: ERP_TOKEN
save: {erp_no: =answer.id}
"""

    url = Written("The address.", required=True, takes="an address, or `=` and an expression")
    method = Word("The HTTP method.", "POST", among=("GET", "POST", "PUT", "PATCH", "DELETE"))
    body = Givens("What is sent, as JSON.")
    secret = Plain("The environment variable with the secret that signs the call.")
    secret_as = SecretAs("How the secret is shown: `signature` (without it), `bearer`, `basic "
                         "NAME`, or `header NAME`.")  # fmt: skip
    save = Givens("Fields of the record that get something of the answer: `=answer.id`.")


class RunValue(Value):
    """A plugin's action: its name, or its name with settings."""

    takes = "the name of an action, or `{action: NAME, …}`"

    def read(self, value: Any, key: str) -> dict[str, Any]:
        if isinstance(value, str):
            return {"action": value}
        if isinstance(value, dict) and isinstance(value.get("action"), str):
            return value
        raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.wrong_shape)


class Steps(Value):
    """Steps, one after the other."""

    takes = "a list of steps, one action each"

    def __init__(self, help: str, *, required: bool = False) -> None:  # noqa: A002
        super().__init__(help, required=required)

    def read(self, value: Any, key: str) -> list[dict[str, Any]]:
        listed = value if isinstance(value, list) else [value]
        if len(listed) > MOST_STEPS:
            raise refuse(f"`{key}` has {len(listed)} steps; at most {MOST_STEPS} may be.",
                         Code.out_of_range)  # fmt: skip
        schema, messages, steps = StepSchema(), {}, []
        for index, one in enumerate(listed):
            try:
                steps.append(schema.read(one, "A step"))
            except ma.ValidationError as error:
                messages[index] = error.messages
        if messages and not isinstance(value, list):
            raise ma.ValidationError(messages[0])
        if messages:
            raise ma.ValidationError(messages)
        return steps

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a list of steps, which may hold steps."""
        return {"type": "array", "items": {"$ref": "#/$defs/step"}}


class BranchSchema(Definition):
    """One way of a `choose`."""

    noun = "a branch"
    example = """
if: amount > 100000
do:
  - notify: {to: role finance, say: A large one.}
"""

    do = Steps("What is done.", required=True)


add_keys(BranchSchema, {"if": ExpressionText("When it is taken; the last may do without.")})


class StepSchema(Definition):
    """One step of a rule: one action, perhaps with `if` and `after`."""

    noun = "A step"
    example = """
if: amount > 1000
after: 2 working days
notify: {to: owner.manager, say: Still nothing.}
"""

    after = DurationValue("So long after the rule fired.")
    notify = Part(NotifySchema(), "Send a message.")
    set = Givens("Give fields of the record values, also through a link.")
    create = Part(CreateSchema(), "Make a record.")
    update = Part(UpdateSchema(), "Change other records.")
    delete = Part(DeleteSchema(), "Put other records into the bin.")
    assign = Part(AssignSchema(), "Give the record to somebody.")
    release = OrYes(ReleaseSchema(), "Put the record into a pool.")
    claim = OrYes(ClaimSchema(), "Give the record to whoever caused the rule.")
    share = Part(SharingSchema(), "Share the record.")
    unshare = Part(SharingSchema(), "No longer share it.")
    follow = Part(SharingSchema(), "Let people follow it.")
    unfollow = Part(SharingSchema(), "No longer let them follow it.")
    choose = Items(Part(BranchSchema(), "A branch."), "The first branch that fits is done.",
                   noun="A branch")  # fmt: skip
    wait = WaitValue("Go on later, counted from the step before.")
    stop = Labels("End the rule; before a write, refuse it with this sentence.")
    approve = Plain("Begin an approval.")
    call = Part(CallSchema(), "Call another program.")
    print = Plain("Make a file of a print template and attach it.")
    comment = Labels("Write a comment on the record.")
    anonymise = Names("Take their value from these fields, in the history too.")
    run = RunValue("An action of a plugin.")

    def check(self, values: dict[str, Any], data: dict[str, Any]) -> None:
        """Ask for exactly one action."""
        one_of(data, ACTIONS, "A step")
        branches = values.get("choose")
        if branches is not None:
            self._check_branches(branches)

    def _check_branches(self, branches: list[dict[str, Any]]) -> None:
        for index, branch in enumerate(branches[:-1]):
            if "if" not in branch:
                sentence = "Only the last branch may do without `if`: none behind it is reached."
                raise ma.ValidationError(
                    {"choose": {index: [Complaint(sentence, Code.wrong_shape)]}}
                )


add_keys(StepSchema, {"if": ExpressionText("Asked just before; otherwise the step is skipped.")})

ACTIONS = (
    "notify", "set", "create", "update", "delete", "assign", "release", "claim", "share",
    "unshare", "follow", "unfollow", "choose", "wait", "stop", "approve", "call", "print",
    "comment", "anonymise", "run",
)  # fmt: skip
