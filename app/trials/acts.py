"""What people and programs do in a test: one act of a step, through the doors everybody uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.access.principal import Principal
from app.automation.approvals.door import Approvals
from app.automation.approvals.store import Run
from app.automation.approvals.submitting import Submission
from app.automation.buttons import Buttons
from app.automation.hooks import DELIVERIES, Hooks
from app.automation.mailboxes.receiving import email_came
from app.automation.pool_desk import PoolDesk
from app.automation.raising import raise_event
from app.automation.registry import RuleNumbers
from app.definitions.config_tests import ACTS
from app.errors import NotFound, TrellisError
from app.records.comments import add_comment
from app.records.door import Records
from app.records.work import Work
from app.texts import Label, say
from app.trials.cast import Cast, give

#: Acts come from a person at a screen.
ORIGIN = "screen"


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that somebody does."""

    principal: Principal
    step: Mapping[str, Any]
    entity: str = ""
    record_id: int = 0


@dataclass(frozen=True, slots=True)
class Doors:
    """Through what things are done."""

    records: Records
    approvals: Approvals
    buttons: Buttons
    hooks: Hooks
    pools: PoolDesk
    numbers: RuleNumbers


#: The secret of every webhook, in tests.
SIGNED_WITH = "of-the-test"


class Acts:
    """Does what a step says."""

    def __init__(self, cast: Cast, doors: Doors) -> None:
        """Take the doors, and who is who."""
        self._cast = cast
        self._doors = doors
        self._records = doors.records
        self._approvals = doors.approvals
        self._known: Mapping[str, Callable[[Act], object]] = {
            "create": self._create,
            "update": self._update,
            "delete": self._delete,
            "restore": self._restore,
            "read": self._read,
            "transfer": self._transfer,
            "comment": self._comment,
            "email": self._email,
            "press": self._press,
            "hook": self._hook,
            "happens": self._happens,
            "claim": self._claim,
            "release": self._release,
            "submit": self._submit,
            "approve": self._approve,
            "reject": self._reject,
            "send_back": self._send_back,
            "withdraw": self._withdraw,
        }

    def do(self, step: Mapping[str, Any]) -> None:
        """Do the act of a step, if it has one.

        Raises:
            TrellisError: it is refused.
        """
        word = next((one for one in ACTS if one in step), None)
        if word is None:
            return
        principal = self._cast.principal(step.get("as"))
        name = step[word]
        entity, number = self._cast.known.get(name, ("", 0)) if isinstance(name, str) else ("", 0)
        self._known[word](Act(principal, step, entity, number))
        # People may have changed: the next act sees them as they are.
        self._cast.organisation.expire()

    # -- records -----------------------------------------------------------------------------------

    def _create(self, act: Act) -> None:
        for name, (entity, values) in act.step["create"].items():
            if entity == "user":
                give(self._cast, self._records, {name: {entity: values}})
                continue
            made = self._records.create(
                act.principal, entity, self._cast.values(entity, values), origin=ORIGIN,
                strict=False,
            )  # fmt: skip
            self._cast.known[name] = (entity, int(made.id))

    def _update(self, act: Act) -> None:
        values = self._cast.values(act.entity, act.step["set"])
        self._records.update(
            act.principal, act.entity, act.record_id, values, origin=ORIGIN, strict=False
        )

    def _delete(self, act: Act) -> None:
        self._records.delete(act.principal, act.entity, act.record_id, origin=ORIGIN)

    def _restore(self, act: Act) -> None:
        self._records.restore(act.principal, act.entity, act.record_id, origin=ORIGIN)

    def _read(self, act: Act) -> None:
        self._records.get(act.principal, act.entity, act.record_id)

    def _transfer(self, act: Act) -> None:
        _, owner = self._cast.known[act.step["to"]]
        self._records.transfer(act.principal, act.entity, [act.record_id], owner, origin=ORIGIN)

    def _comment(self, act: Act) -> None:
        self._read(act)

        def step(work: Work) -> None:
            entity = work.release.catalog.entities[act.entity]
            add_comment(work, entity, act.record_id, str(act.step["text"]))

        self._records.transact(act.principal, step, origin=ORIGIN)

    def _email(self, act: Act) -> None:
        said = {name: str(value) for name, value in act.step.get("with", {}).items()}
        self._records.transact(
            act.principal,
            lambda work: email_came(work, act.entity, act.record_id, said),
            origin="email",
        )

    def _press(self, act: Act) -> None:
        entity, number = self._cast.known[act.step["on"]]
        rule = self._cast.catalog.automation.rules[act.step["press"]]
        asked = {one.name: one.field for one in rule.of(entity)[0].ask}
        raw = self._cast.values_of(asked, act.step.get("with", {}))
        self._doors.buttons.press(
            act.principal, entity, number, rule.name, raw, strict=False, origin=ORIGIN
        )

    def _hook(self, act: Act) -> None:
        body = orjson.dumps(act.step.get("with", {}))
        headers: Any = {
            "Authorization": f"Bearer {SIGNED_WITH}",
            # Each delivery of a test is another one, even if it says the same.
            DELIVERIES[0]: str(act.step["place"].line),
        }
        self._doors.hooks.take(act.step["hook"].strip("/"), body, headers)

    def _happens(self, act: Act) -> None:
        words = Label({"en": str(act.step.get("text", act.step["happens"]))})
        raise_event(self._records, self._doors.numbers, act.step["happens"], words)

    def _claim(self, act: Act) -> None:
        self._doors.pools.claim(act.principal, act.entity, [act.record_id], origin=ORIGIN)

    def _release(self, act: Act) -> None:
        self._doors.pools.release(
            act.principal, act.entity, [act.record_id], pool=act.step.get("to"),
            reason=act.step.get("reason"), origin=ORIGIN,
        )  # fmt: skip

    # -- approvals ---------------------------------------------------------------------------------

    def _submit(self, act: Act) -> None:
        said = Submission(act.entity, act.record_id, comment=act.step.get("text"))
        self._approvals.submit(act.principal, said, origin=ORIGIN)

    def _run_of(self, act: Act) -> Run:
        cases = self._approvals.of_record(act.principal, act.entity, act.record_id).cases
        if not cases:
            raise NotFound(say("It was never submitted for approval.", "该记录从未提交审批。"))
        return cases[0].run

    def _approve(self, act: Act) -> None:
        run, text = self._run_of(act), act.step.get("text")
        self._approvals.approve(act.principal, run.id, text, origin=ORIGIN)

    def _reject(self, act: Act) -> None:
        run, text = self._run_of(act), act.step.get("text")
        self._approvals.reject(act.principal, run.id, text, origin=ORIGIN)

    def _send_back(self, act: Act) -> None:
        run, to = self._run_of(act), str(act.step.get("to", "0"))
        if not to.isdigit():
            raise TrellisError(
                say("`to` is the number of a step, from 0.", "`to` 是步骤编号，从 0 开始。")
            )
        self._approvals.send_back(
            act.principal, run.id, int(to), act.step.get("text"), origin=ORIGIN
        )

    def _withdraw(self, act: Act) -> None:
        run, text = self._run_of(act), act.step.get("text")
        self._approvals.withdraw(act.principal, run.id, text, origin=ORIGIN)
