"""One firing of a rule while its steps run: what a step sees and may ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.definitions.automation import Given, Person, RuleDefinition, Step
from app.definitions.catalog import Entity, Field
from app.expressions import Checked

if TYPE_CHECKING:
    from app.access.principal import Principal
    from app.automation.context import RuleContext
    from app.automation.outgoing import Outbox
    from app.automation.people import Recipient
    from app.records.acting import Acting
    from app.records.work import Work


@dataclass(slots=True)
class Firing:
    """A row of the ledger, as it is while it runs."""

    id: int
    #: the rule's number
    rule: int
    digest: str
    #: event | timed | every | button | hook
    cause: str
    occurrence: str
    entity: str | None = None
    record_id: int | None = None
    #: who caused it
    user_id: int | None = None
    due_at: datetime | None = None
    happened_at: datetime | None = None
    #: ``input`` what a button asked or a hook's body, ``old`` the event's fields before,
    #: ``chain`` the rules that led here, ``origin`` of the write
    input: dict[str, Any] = field(default_factory=dict)
    #: records the steps made, by the name a step gave: entity and id
    made: dict[str, tuple[str, int]] = field(default_factory=dict)
    #: outcomes by step
    steps: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Running:
    """What a step sees.

    ``work`` acts as the rule says (``as:``), in the transaction that is open.
    """

    work: Work
    rule: RuleDefinition
    step: Step
    firing: Firing
    entity: Entity | None
    row: Mapping[str, Any] | None
    old_row: Mapping[str, Any] | None
    #: writes records as the rule
    acting: Acting
    #: what goes out, written in one go at the end
    outbox: Outbox
    #: works expressions out
    context: RuleContext
    #: who caused it; None for timed rules
    causer: Principal | None = None

    def evaluate(self, checked: Checked) -> Any:
        """Work an expression out: plain names are the record's."""
        return self.work.rows.closures.of(checked)(self.context)

    def value(self, given: Given, field: Field | None = None) -> Any:
        """Return a given value as a Python value; raw ones are read by *field*, as a form's are."""
        from app.automation.values import value_of

        return value_of(self.context, given, field)

    def people(self, persons: Sequence[Person]) -> list[Recipient]:
        """Return whom *persons* mean now; absent people are passed over."""
        from app.automation.people import resolve

        at_hand = (self.entity, self.row) if self.entity and self.row is not None else None
        return resolve(self.work, persons, self.evaluate, record=at_hand)
