"""What an action of a plugin is given, and how it is registered.

A rule's step ``run: {action: NAME, …}`` calls the plugin in the transaction of the rule. It writes
through `Acting`, as whoever the rule acts as; it opens no connection and sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.records.acting import Acting
from app.texts import Label


@dataclass(frozen=True, slots=True)
class Doing:
    """One step of a rule, as a plugin sees it."""

    #: the rule's name
    rule: str
    #: the entity and id of the record at hand; None for a rule about no record
    entity: str | None
    record_id: int | None
    #: the record's values by field, as they are now
    record: Mapping[str, Any]
    #: what stands beside ``action`` in the rule, as it was written
    settings: Mapping[str, Any]
    #: what a button asked, or a program sent
    input: Mapping[str, Any]
    #: the user who caused it; None for timed rules
    user_id: int | None
    now: datetime
    #: writes records within the transaction
    acting: Acting


@dataclass(frozen=True, slots=True)
class RuleAction:
    """An action that a plugin brings."""

    name: str
    #: does it; what it returns stands in the ledger. `Reject` refuses the write or button that set
    #: the rule off, with its sentence
    run: Callable[[Doing], Label | str | None]
    summary: str = ""
    #: names of settings it takes, for the checker of configurations
    settings: tuple[str, ...] = field(default=())
