"""The stages of lifecycles, which are the options of a `stage` field.

Lifecycles are workflows and compiled elsewhere; here only their stages, in order, are read, since
without them a stage field has no options.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from app.definitions.catalog import Option
from app.definitions.complaints import check_name
from app.definitions.document import Document
from app.definitions.names import RESERVED_OPTIONS, label_from_name
from app.definitions.options import COLORS, OPTION_NAME
from app.definitions.problems import Code
from app.definitions.shape import Definition, Items, Labels, Part, Table, Value, add_keys
from app.fields.settings import (
    ExpressionText,
    Name,
    Names,
    Plain,
    Switch,
    Word,
    Written,
    refuse,
    written,
)


class StageSchema(Definition):
    """One stage."""

    noun = "a stage"
    example = """
label: {en: Won, zh: 赢单}
color: green
final: yes
set: {probability: 100}
"""

    label = Labels("What people read; without one it is made from the name.")
    color = Word("The colour of its dot.", among=COLORS)
    final = Switch("A record that got here has arrived.")
    set = Written("Fields that get a value on the way in.", takes="fields with values")
    was = Names("Its former name: records move along.")
    becomes = Plain("The stage that records get which still have this one.")
    removed = Switch("It stays on old records and is offered no more.")


class StageTable(Table):
    """Stages by name; they have the names of options."""

    def check_name(self, name: str) -> None:
        """Refuse what no option may be called."""
        check_name(name, "a stage", OPTION_NAME, RESERVED_OPTIONS)


class StageNames(Value):
    """A stage, several, or `any`."""

    takes = "a stage, a list of stages, or `any`"

    def read(self, value: Any, key: str) -> tuple[str, ...]:
        listed = value if isinstance(value, list) else [value]
        if not listed or not all(isinstance(one, str) for one in listed):
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.wrong_shape)
        return tuple(listed)

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a name or several."""
        return {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}


class MoveSchema(Definition):
    """A move from stage to stage."""

    noun = "a move"
    example = """
from: [won, lost]
to: proposal
for: [sales_manager]
label: Reopen
"""

    to = StageNames("Where to.", required=True)
    needs = Names("Fields that must be filled.")
    label = Labels("What the button says.")


add_keys(
    MoveSchema,
    {
        "from": StageNames("Where from; `any` is every stage that is not final.", required=True),
        "if": ExpressionText("The condition under which it is possible."),
        "for": Names("The roles that may do it."),
    },
)


class LifecycleSchema(Definition):
    """The stages of a field and the moves between them."""

    noun = "the lifecycle"
    example = """
lifecycle: opportunity-stages
entity: opportunity
field: stage
stages:
  new: {label: New}
  won: {final: yes}
  lost: {final: yes}
moves:
  - {from: new, to: won, needs: [amount]}
  - {from: any, to: lost, needs: [lost_reason]}
"""

    lifecycle = Plain("Its name.", required=True)
    entity = Name("The entity.", required=True)
    field = Name("Its field of type `stage`.", required=True)
    stages = StageTable(
        Part(StageSchema(), "A stage."), "The stages, in order.", noun="the stage", required=True
    )
    moves = Items(
        Part(MoveSchema(), "A move."), "The moves there are; without them any.", noun="A move"
    )
    was = Names("Its former name.")
    off = Switch("It is not in force.")


add_keys(
    LifecycleSchema,
    {"if": ExpressionText("The records it is for; of several the first that fits counts.")},
)


@dataclass(frozen=True, slots=True)
class WrittenLifecycle:
    """A lifecycle's values and where they stand."""

    document: Document
    values: dict[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """The lifecycle's name."""
        return str(self.values["lifecycle"])


def stage_options(lifecycles: list[WrittenLifecycle]) -> tuple[Option, ...]:
    """Return the stages of all lifecycles of one field, in order, each once.

    Several lifecycles may share a field and stages; the first that names a stage describes it.
    """
    found: dict[str, Option] = {}
    for lifecycle in lifecycles:
        for name, stage in lifecycle.values["stages"].items():
            if name in found:
                continue
            found[name] = Option(
                name=name,
                label=stage.get("label") or label_from_name(name),
                color=stage.get("color"),
                was=stage.get("was", ()),
                becomes=stage.get("becomes"),
                removed=stage.get("removed", False),
                final=stage.get("final", False),
                probability=_probability(stage.get("set")),
            )
    return tuple(found.values())


def _probability(set_: Any) -> int | None:
    value = set_.get("probability") if isinstance(set_, dict) else None
    return (
        int(value)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 4
        else None
    )
