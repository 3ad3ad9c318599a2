"""What the workflows of a configuration say, checked and frozen: part of the catalog.

Rules, lifecycles, approvals, pools and quotas as values; who acts on them is in other rooms. A
duration, a moment or a condition is a ``Checked`` expression whatever its spelling was: ``7 days``
is ``days(7)``, a table ``{by: level, a: 7 days, else: 30 days}`` a chain of ``if … else``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from app.definitions.step_settings import (
    Assign,
    Call,
    Choose,
    Claim,
    Create,
    Delete,
    Fields,
    Given,
    Notify,
    Person,
    Release,
    SetFields,
    Sharing,
    Step,
    Stop,
    Update,
    Wait,
    Words,
)
from app.expressions.tree import Checked
from app.texts import Label

if TYPE_CHECKING:
    from app.definitions.catalog import Field, Place

__all__ = [
    "CHANNELS",
    "EVENTS",
    "HAPPENINGS",
    "ApprovalDefinition",
    "ApprovalStep",
    "Assign",
    "At",
    "Automation",
    "Call",
    "Choose",
    "Claim",
    "ConfigTest",
    "Create",
    "Cron",
    "Delete",
    "Every",
    "Fields",
    "Given",
    "Input",
    "Lifecycle",
    "Move",
    "Notify",
    "Person",
    "Pool",
    "Quota",
    "Recycle",
    "Release",
    "RuleDefinition",
    "SetFields",
    "Sharing",
    "Stage",
    "Step",
    "Stop",
    "Template",
    "Update",
    "Wait",
    "When",
    "Words",
]

EVENTS = (
    "create", "update", "delete", "restore", "transfer", "claim", "release", "comment", "email",
    "merge", "approved", "rejected",
)  # fmt: skip
#: What happens to the installation and not to a record; see ``automation.raising``.
HAPPENINGS = ("backup failed", "sync failed")
CHANNELS = ("inbox", "email", "wecom", "dingtalk", "feishu", "slack")
Every = Literal["minutes", "hours", "day", "working day", "week", "month", "quarter", "year"]


@dataclass(frozen=True, slots=True)
class Cron:
    """`every: 15 minutes | day | working day | monday | month | quarter`."""

    unit: Every
    count: int = 1
    #: of a week: 0 Monday … 6 Sunday
    weekday: int | None = None
    #: of a month or quarter: 1, "last", "last working day", "first working day"
    day: int | str | None = None


@dataclass(frozen=True, slots=True)
class At:
    """`at: 09:00 on working days`."""

    minute: int  #: minutes since midnight, the company's time
    working_days: bool = False


@dataclass(frozen=True, slots=True)
class Input:
    """What a button asks for: a field of the form it opens."""

    name: str
    label: Label
    field: Field
    required: bool = False


@dataclass(frozen=True, slots=True)
class When:
    """What sets a rule off; exactly one kind."""

    kind: Literal["on", "date", "dated", "every", "button", "hook"]
    #: on: the events, see EVENTS
    events: tuple[str, ...] = ()
    #: on: paths one of which must have changed; with from/to: options before and after
    changed: tuple[str, ...] = ()
    from_: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    #: date (`on: due_on`) and dated (`after … since`, `before … until`): when it comes, `at` not
    #: yet worked in; a Checked that gives a day or a moment of the record
    due: Checked | None = None
    #: dated: the `since` or `until` itself; what makes an occurrence another one
    base: Checked | None = None
    #: `before`: `at` takes the last such time instead of the next
    before: bool = False
    yearly: bool = False
    at: At | None = None
    every: Cron | None = None
    label: Label | None = None  #: button
    for_: tuple[str, ...] = ()  #: button: roles; empty is everybody who may update the record
    ask: tuple[Input, ...] = ()
    place: Literal["record", "list"] = "record"
    path: str = ""  #: hook
    secret: str = ""  #: hook: an environment variable's name

    @property
    def is_timed(self) -> bool:
        """Whether it keeps a row per record."""
        return self.kind in ("date", "dated")


@dataclass(frozen=True, slots=True)
class RuleDefinition:
    """One rule."""

    name: str
    #: empty for a rule about no record
    entities: tuple[str, ...]
    when: When
    do: tuple[Step, ...]
    if_: Mapping[str, Checked] = field(default_factory=dict)  #: by entity, "" for no record
    label: Label | None = None
    repeat_every: Checked | None = None
    #: firings after the first; 0 with ``repeat_every``: as long as it holds
    repeat_times: int = 0
    catch_up: bool = True
    backlog: bool = False
    once: bool = False
    #: system | user | the name of a user
    as_: str = "system"
    off: bool = False
    was: tuple[str, ...] = ()
    #: SHA-256 of what it means, in hex; another one is another version
    digest: str = ""
    #: what was written, for versions that outlive it
    source: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    file: str = ""
    place: Place | None = None
    #: ``when`` and ``do`` compiled for each entity, where a list was given
    by_entity: Mapping[str, tuple[When, tuple[Step, ...]]] = field(default_factory=dict)

    def of(self, entity: str) -> tuple[When, tuple[Step, ...]]:
        """Return what sets it off and what it does, as it reads for an entity."""
        return self.by_entity.get(entity, (self.when, self.do))


@dataclass(frozen=True, slots=True)
class Stage:
    name: str
    label: Label
    final: bool = False
    values: Mapping[str, Given] = field(default_factory=dict)  #: `set`
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    #: stages; ``any`` is spelled out
    from_: tuple[str, ...]
    to: tuple[str, ...]
    needs: tuple[str, ...] = ()
    if_: Checked | None = None
    for_: tuple[str, ...] = ()
    label: Label | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Lifecycle:
    name: str
    entity: str
    field: str
    stages: Mapping[str, Stage]
    #: None: any move
    moves: tuple[Move, ...] | None = None
    if_: Checked | None = None
    off: bool = False
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class ApprovalStep:
    approver: tuple[Person, ...]
    levels: int = 1
    #: 1, 2 … | "all" | "in_turn"
    need: int | str = 1
    if_: Checked | None = None
    edit: tuple[str, ...] = ()
    within: Checked | None = None  #: a duration
    late: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    label: Label | None = None


@dataclass(frozen=True, slots=True)
class ApprovalDefinition:
    name: str
    entity: str
    when: When
    steps: tuple[ApprovalStep, ...]
    label: Label | None = None
    if_: Checked | None = None
    nobody: Literal["skip", "admin", "refuse"] = "admin"
    submitter: Literal["skip", "manager", "ask"] = "skip"
    lock: bool = True
    edited: Literal["start_again", "refuse"] = "start_again"
    again: Literal["from_rejecting", "from_start"] = "from_start"
    comment: Literal["never", "when rejecting", "always"] = "when rejecting"
    approved: tuple[Step, ...] = ()
    rejected: tuple[Step, ...] = ()
    off: bool = False
    digest: str = ""
    source: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Recycle:
    due: Checked
    base: Checked
    if_: Checked | None = None


@dataclass(frozen=True, slots=True)
class Pool:
    name: str
    entity: str
    label: Label
    where: Checked | None = None
    admins: tuple[Person, ...] = ()
    members: tuple[Person, ...] = ()
    hide: tuple[str, ...] = ()
    per_day: int | None = None
    not_previous_owner: Checked | None = None
    new_after: Checked | None = None
    views_per_day: int | None = None
    recycle: tuple[Recycle, ...] = ()
    exempt: Checked | None = None
    warn: Checked | None = None
    with_: tuple[str, ...] = ()
    reasons: str | None = None  #: a shared list of options
    off: bool = False
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    name: str
    entity: str
    max: Checked
    where: Checked | None = None
    for_: tuple[str, ...] = ()
    label: Label | None = None
    off: bool = False
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A message or print template: Jinja text under a head."""

    name: str
    kind: Literal["message", "print"]
    entity: str | None
    subject: Label | None
    body: str
    is_html: bool = False
    paper: str = "A4"
    for_: tuple[str, ...] = ()
    file: str = ""


@dataclass(frozen=True, slots=True)
class ConfigTest:
    """One document of tests/*.yaml, checked for shape; its runner reads ``given`` and ``steps``.

    Each step has its ``place`` beside what was written; ``after`` is the moment it gives.
    """

    name: str
    now: str
    given: Mapping[str, Mapping[str, Mapping[str, Any]]]
    steps: tuple[Mapping[str, Any], ...]
    file: str = ""
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Automation:
    """All of it; by name, in the order of files and places."""

    rules: Mapping[str, RuleDefinition] = field(default_factory=dict)
    lifecycles: Mapping[str, Lifecycle] = field(default_factory=dict)
    approvals: Mapping[str, ApprovalDefinition] = field(default_factory=dict)
    pools: Mapping[str, Pool] = field(default_factory=dict)
    quotas: Mapping[str, Quota] = field(default_factory=dict)
    templates: Mapping[str, Template] = field(default_factory=dict)
    tests: tuple[ConfigTest, ...] = ()

    def rules_on(self, entity: str, event: str) -> tuple[RuleDefinition, ...]:
        """Return the rules that are in force and that an event of an entity sets off, in order."""
        return tuple(
            rule
            for rule in self.rules.values()
            if not rule.off
            and entity in rule.entities
            and rule.of(entity)[0].kind == "on"
            and event in rule.of(entity)[0].events
        )

    def timed_rules(self, entity: str) -> tuple[RuleDefinition, ...]:
        """Return the rules in force that keep a row per record of an entity, in order."""
        return tuple(
            rule
            for rule in self.rules.values()
            if not rule.off and entity in rule.entities and rule.of(entity)[0].is_timed
        )

    def pools_of(self, entity: str) -> tuple[Pool, ...]:
        """Return the pools of an entity, in order."""
        return tuple(one for one in self.pools.values() if one.entity == entity and not one.off)

    def approvals_of(self, entity: str) -> tuple[ApprovalDefinition, ...]:
        """Return the approvals of an entity, in order."""
        return tuple(one for one in self.approvals.values() if one.entity == entity and not one.off)

    def lifecycles_of(self, entity: str, field_name: str) -> tuple[Lifecycle, ...]:
        """Return the lifecycles of a stage field, in order."""
        return tuple(
            one
            for one in self.lifecycles.values()
            if one.entity == entity and one.field == field_name and not one.off
        )
