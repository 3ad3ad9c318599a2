"""What can be seen of workflows without running them, told as warnings.

Rules in a circle, two rules for one field, conditions that never hold, stages no move leads to,
messages nobody gets. Where something is not certain, nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator

from app.definitions import automation as made
from app.definitions.automation import Automation, Lifecycle, Move, RuleDefinition, Step
from app.definitions.facts import Fact, can_hold
from app.definitions.gather import Gathered
from app.definitions.problems import Code, Problem, Severity
from app.definitions.rule_effects import (
    acting_rules,
    circles,
    clashes,
    surely_empty,
    trigger_facts,
)
from app.definitions.workshop import Path, Workshop
from app.expressions.tree import Checked


def analyse(shop: Workshop, automation: Automation, gathered: Gathered) -> None:
    """Add what is doubtful about the workflows to the problems, as warnings."""
    look = _Analysis(shop, automation, gathered)
    look.circles()
    look.clashes()
    for rule in automation.rules.values():
        look.rule(rule)
    for lifecycle in automation.lifecycles.values():
        look.lifecycle(lifecycle)
    look.shadowed()
    look.conditions()


class _Analysis:
    def __init__(self, shop: Workshop, automation: Automation, gathered: Gathered) -> None:
        self.shop = shop
        self.automation = automation
        self.others = gathered.others
        self.acting = acting_rules(shop, automation)

    def _warn(
        self, code: Code, kind: str, name: str, path: Path, message: str, hint: str, *,
        key: bool = False,
    ) -> None:  # fmt: skip
        document = self.others[kind][name]
        self.shop.problem(code, document, path, message, hint, key=key, severity=Severity.warning)

    # Rules among each other.

    def circles(self) -> None:
        """Report rules that set each other off."""
        for circle in circles(self.acting):
            names = [one.rule.name for one in circle]
            walk = " → ".join(f"`{name}`" for name in (*names, names[0]))
            what = "sets itself off" if len(names) == 1 else "set each other off"
            self._warn(
                Code.rule_loop,
                "rule",
                names[0],
                ("when",),
                f"These rules {what}: {walk}." if len(names) > 1 else f"This rule {what}: {walk}.",
                "Narrow one with `if`, or `from` and `to`; a chain is broken off after 8 rules.",
                key=True,
            )

    def clashes(self) -> None:
        """Report fields that two rules set on the same event."""
        for clash in clashes(self.acting):
            first, second = clash.first.rule, clash.second.rule
            place = first.place
            where = f" ({place.file}:{place.line})" if place is not None else ""
            message = (
                f"`{second.name}` and `{first.name}`{where} both set `{clash.field}` on the same "
                "event; the later one wins."
            )
            hint = "Let their conditions exclude each other, or make one rule of both."
            if clash.place is not None:
                self.shop.problems.append(
                    Problem(Code.same_field, Severity.warning, clash.place, message, hint)
                )

    # One rule.

    def rule(self, rule: RuleDefinition) -> None:
        """Report what can never be about one rule, as it reads for its first entity."""
        entity = rule.entities[0] if rule.entities else ""
        when, steps = rule.of(entity)
        if when.from_ and when.to and len({*when.from_, *when.to}) == 1:
            self._warn(
                Code.never_true, "rule", rule.name, ("when", "to"),
                f"`from` and `to` are both `{when.to[0]}`, which is no change.",
                "Name two options.",
            )  # fmt: skip
            return
        condition = rule.if_.get(entity)
        if not can_hold(condition):
            self._never("rule", rule.name, ("if",), condition)
            return
        facts = trigger_facts(when)
        if condition is not None and not can_hold(condition, besides=facts):
            self._never("rule", rule.name, ("if",), condition, " when this rule is set off")
            return
        self._nobody(rule, entity)
        self._steps(rule.name, condition, steps)

    def _steps(self, name: str, condition: Checked | None, steps: tuple[Step, ...]) -> None:
        """Report steps whose condition cannot hold together with the rule's."""
        for step in _all_steps(steps):
            if step.if_ is None or step.place is None or can_hold(condition, step.if_):
                continue
            beside = "" if condition is None else f" while the rule holds (`{condition.text}`)"
            message = (
                f"The condition `{step.if_.text}` of this step of `{name}` never holds{beside}."
            )
            hint = "Correct one of the two, or remove the step."
            self.shop.problems.append(
                Problem(Code.never_true, Severity.warning, step.place, message, hint)
            )

    def _nobody(self, rule: RuleDefinition, entity: str) -> None:
        """Report recipients that are nobody whenever the rule fires."""
        empty = set(surely_empty(rule, entity))
        when, steps = rule.of(entity)
        if when.kind == "on" and when.events == ("release",):
            empty.add("owner")
        for step in steps:
            people = getattr(step.settings, "to", ())
            if not isinstance(people, tuple) or not people or step.place is None:
                continue
            names = [one.text for one in people if one.kind == "path"]
            gone = [name for name in names if name.partition(".")[0] in empty]
            if len(gone) == len(people):
                message = (
                    f"`to` of this step of `{rule.name}` is nobody: `{gone[0].partition('.')[0]}` "
                    "is empty whenever the rule fires."
                )
                hint = "Name somebody else, for example `previous_owner` or `role NAME`."
                self.shop.problems.append(
                    Problem(Code.nobody, Severity.warning, step.place, message, hint)
                )
            if isinstance(step.settings, made.SetFields | made.Assign | made.Claim | made.Wait):
                break  # What was empty may be filled from here on.

    # Lifecycles.

    def lifecycle(self, lifecycle: Lifecycle) -> None:
        """Report stages that no move leads to, and moves that cannot be made."""
        if lifecycle.moves is None or not lifecycle.stages:
            return
        entered = {to for move in lifecycle.moves for to in move.to if set(move.from_) - {to}}
        first = next((one.name for one in lifecycle.stages.values() if not one.removed), None)
        for stage in lifecycle.stages.values():
            if stage.removed or stage.name == first or stage.name in entered:
                continue
            self._warn(
                Code.unreachable_stage, "lifecycle", lifecycle.name, ("stages", stage.name),
                f"No move leads to the stage `{stage.name}`.",
                f"Add one: `{{from: any, to: {stage.name}}}`, or write `removed: yes`.", key=True,
            )  # fmt: skip
        for index, move in enumerate(lifecycle.moves):
            self._move(lifecycle, index, move)

    def _move(self, lifecycle: Lifecycle, index: int, move: Move) -> None:
        path: Path = ("moves", index)
        if move.from_ and move.to and set(move.from_) == set(move.to) and len(move.to) == 1:
            self._warn(
                Code.never_true, "lifecycle", lifecycle.name, path,
                f"This move leads from `{move.to[0]}` to itself, which is no move.",
                "Name another stage.",
            )  # fmt: skip
            return
        facts = [
            Fact(lifecycle.field, "in", frozenset(move.to)),
            Fact(f"old.{lifecycle.field}", "in", frozenset(move.from_)),
        ]
        if move.if_ is not None and not can_hold(move.if_, lifecycle.if_, besides=facts):
            text = f" on the way to {', '.join(f'`{one}`' for one in move.to)}"
            self._never("lifecycle", lifecycle.name, (*path, "if"), move.if_, text)

    def shadowed(self) -> None:
        """Report lifecycles and pools that stand behind one which takes every record."""
        taken: dict[tuple[str, str], str] = {}
        for one in self.automation.lifecycles.values():
            place = (one.entity, one.field)
            if one.off:
                continue
            if place in taken:
                self._behind("lifecycle", one.name, taken[place], "if")
            elif one.if_ is None:
                taken[place] = one.name
        pools: dict[str, str] = {}
        for pool in self.automation.pools.values():
            if pool.off:
                continue
            if pool.entity in pools:
                self._behind("pool", pool.name, pools[pool.entity], "where")
            elif pool.where is None:
                pools[pool.entity] = pool.name

    def _behind(self, kind: str, name: str, before: str, key: str) -> None:
        self._warn(
            Code.never_true, kind, name, (kind,),
            f"No record comes to `{name}`: `{before}` stands before it and takes every record.",
            f"Give `{before}` an `{key}`, or let it stand behind.",
        )  # fmt: skip

    # Other conditions.

    def conditions(self) -> None:
        """Report conditions of lifecycles, approvals, pools and quotas that never hold."""
        for kind, name, path, condition, besides in self._conditions():
            if condition is not None and not can_hold(condition, besides):
                self._never(kind, name, path, condition)

    def _conditions(
        self,
    ) -> Iterator[tuple[str, str, Path, Checked | None, Checked | None]]:
        for lifecycle in self.automation.lifecycles.values():
            yield "lifecycle", lifecycle.name, ("if",), lifecycle.if_, None
        for approval in self.automation.approvals.values():
            yield "approval", approval.name, ("if",), approval.if_, None
            for index, step in enumerate(approval.steps):
                yield "approval", approval.name, ("steps", index, "if"), step.if_, approval.if_
        for pool in self.automation.pools.values():
            yield "pool", pool.name, ("where",), pool.where, None
            yield "pool", pool.name, ("exempt",), pool.exempt, None
        for quota in self.automation.quotas.values():
            yield "quota", quota.name, ("where",), quota.where, None

    def _never(
        self, kind: str, name: str, path: Path, condition: Checked | None, when: str = ""
    ) -> None:
        assert condition is not None
        text = " ".join(condition.text.split())
        shown = f"{text[:77]}…" if len(text) > 78 else text
        message = f"The condition `{shown}` never holds{when}: it asks for what excludes itself."
        if when:
            message = f"The condition `{shown}` never holds{when}."
        self._warn(Code.never_true, kind, name, path, message, "Correct it, or remove it.")


def _all_steps(steps: tuple[Step, ...]) -> Iterator[Step]:
    for step in steps:
        yield step
        if isinstance(step.settings, made.Choose):
            for _, inner in step.settings.branches:
                yield from _all_steps(inner)
