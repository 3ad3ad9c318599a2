"""The automation put together: the door with everybody who listens to it, and the engine.

Web, worker, command line and tests all use this one function, so that a rule means the same
everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from app.access.organisation import Organisation
from app.automation import versions
from app.automation.actions.approve import Approve
from app.automation.actions.base import Actions
from app.automation.actions.call import CallAnswers
from app.automation.actions.registry import all_actions
from app.automation.approvals import versions as approval_versions
from app.automation.approvals.door import Approvals
from app.automation.approvals.outcomes import RuleOutcomes
from app.automation.engine import Engine
from app.automation.events import EventRules
from app.automation.failures import Failures
from app.automation.following import Following
from app.automation.news import News
from app.automation.pool_rules import PREFIX, PoolHandler
from app.automation.quotas import Quotas
from app.automation.registry import RuleNumbers
from app.automation.reminders import Reminders
from app.automation.steps import Steps
from app.automation.versions import Versions
from app.automation.wiring import Composed, Part
from app.clock import Clock
from app.database.live import Live
from app.database.pools import Pools
from app.expressions.builtin import BUILTIN
from app.expressions.functions import Functions
from app.notifications.telling import Teller
from app.records.doing import RuleAction
from app.records.door import Records
from app.records.files import FileStore
from app.records.transactions import Hooks


@dataclass(frozen=True, slots=True)
class Assembled:
    """What works together in one process."""

    records: Records
    engine: Engine
    approvals: Approvals
    numbers: RuleNumbers
    teller: Teller
    actions: Actions
    #: keeps what calls were answered
    answers: CallAnswers


def assemble(
    pools: Pools,
    live: Live,
    organisation: Organisation,
    clock: Clock,
    *,
    secret: bytes,
    files: FileStore,
    hooks: Hooks | None = None,
    functions: Functions = BUILTIN,
    actions: Iterable[RuleAction] = (),
    allowed_hosts: frozenset[str] = frozenset(),
    address: str | None = None,
    listeners: Iterable[Part] = (),
) -> Assembled:
    """Return the door and the engine over one database.

    Args:
        actions: those of plugins.
        allowed_hosts: of the inner network, which a `call` may reach.
        address: where people reach Trellis, for links in messages.
        listeners: of other rooms, called after those of the automation.
    """
    numbers, teller = RuleNumbers(pools), Teller(address)
    brought = list(actions)
    known = all_actions(teller, allowed_hosts, brought)
    steps = Steps(known)
    outcomes = RuleOutcomes(
        steps,
        numbers,
        approval_versions.Versions(partial(approval_versions.bind_kept, functions=functions)),
    )
    approvals = Approvals(pools, outcomes.versions, outcomes, teller)
    known.register(Approve(approvals.submitting))
    failures = Failures(pools, lambda: live.release, numbers, clock)
    listening: list[Part] = [
        approvals.lock,
        Quotas(),
        EventRules(steps, numbers, failures),
        Reminders(numbers),
        approvals.reactions,
        News(teller, numbers),
        Following(teller, numbers),
        *listeners,
    ]
    records = Records(
        pools,
        live,
        organisation,
        clock,
        secret=secret,
        hooks=hooks,
        files=files,
        reactions=Composed(listening),
    )
    approvals.attach(records)
    names = frozenset(one.name for one in brought)
    kept = Versions(partial(versions.bind_kept, functions=functions, actions=names))
    engine = Engine(records, steps, numbers, kept)
    engine.register(PREFIX, PoolHandler(numbers, teller))
    engine.follow("approval:", outcomes.rule_of)
    answers = CallAnswers(records.writer, numbers, {"approval:": outcomes.rule_of})
    return Assembled(records, engine, approvals, numbers, teller, known, answers)
