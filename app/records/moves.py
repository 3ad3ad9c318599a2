"""The moves that a record may make from stage to stage, and why it may not.

A record that begins somewhere else than in its first stage, or whose stage its lifecycle does not
have, may enter any stage that some move leads to, with what that move asks for. Nothing here
writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from app.access.policy import Policy
from app.definitions.automation import Lifecycle, Move, Stage
from app.definitions.catalog import Entity, Field, Place
from app.expressions import Checked
from app.expressions.why import Part, why
from app.records.checking import is_empty, truth
from app.records.conditions import WriteContext
from app.records.drafts import Problems
from app.records.statements import Statement
from app.records.work import Work
from app.texts import Label, say


@dataclass(frozen=True, slots=True)
class Possible:
    """A stage that a record may move to from where it is, and what stands in the way."""

    field: str
    from_: str | None
    to: str
    #: what the button says: the move's own words, or the stage's name
    label: Label
    final: bool
    #: fields that must be filled, and those of them that are empty
    needs: tuple[str, ...]
    missing: tuple[str, ...]
    #: why it cannot be made now, missing fields left out; None: it can
    why: Label | None = None
    #: what its condition asks for, where that is why, as far as the asker may read it
    parts: tuple[Part, ...] = ()
    #: the lifecycle that says so, and where it is written
    lifecycle: str = ""
    place: Place | None = None

    @property
    def is_open(self) -> bool:
        """Whether this person may make it, once what is missing is filled in."""
        return self.why is None


def lifecycles_of(work: Work, entity: Entity) -> Mapping[str, tuple[Lifecycle, ...]]:
    """Return the lifecycles in force by stage field."""
    return work.rows.cached(("lifecycles", entity.name), lambda: _lifecycles_of(work, entity))


def _lifecycles_of(work: Work, entity: Entity) -> dict[str, tuple[Lifecycle, ...]]:
    automation = work.release.catalog.automation
    return {
        name: automation.lifecycles_of(entity.name, name)
        for name in work.rows[entity.name].lists.stages
    }


def lifecycle_for(context: WriteContext, name: str) -> Lifecycle | None:
    """Return the first lifecycle of a stage field whose ``if`` fits; None: any stage goes."""
    for lifecycle in lifecycles_of(context.work, context.entity).get(name, ()):
        if truth(context, context.work.rows.closures, lifecycle.if_):
            return lifecycle
    return None


def first_stage(lifecycle: Lifecycle) -> str | None:
    """Return the stage that records begin in."""
    return next((one.name for one in lifecycle.stages.values() if not one.removed), None)


def possible_moves(
    work: Work,
    context_of: Callable[[str, str], WriteContext],
    entity: Entity,
    row: Mapping[str, Any],
) -> list[Possible]:
    """Return the stages this person may move a record to, and those refused with the reason.

    Args:
        context_of: what conditions would see with a stage field at a stage.
        row: the record's columns as they are.
    """
    found: list[Possible] = []
    for name in work.rows[entity.name].lists.stages:
        right = work.policy.field_right(entity.name, name)
        if name not in row or right not in ("read", "edit"):
            continue
        before, field = row[name], entity.fields[name]
        lifecycle = lifecycle_for(context_of(name, before), name)
        for to in lifecycle.stages.values() if lifecycle is not None else ():
            if to.name == before or to.removed:
                continue
            assert lifecycle is not None
            one = Asked(context_of(name, to.name), lifecycle, field).best(before, to.name)
            if one is not None and right == "read":
                one = replace(one, why=_only_to_read(field))
            found += [one] if one is not None else []
    return found


def offered_stages(context: WriteContext, name: str, before: str | None) -> frozenset[str] | None:
    """Return the stages a form may offer: the present one and those moves lead to; None: any.

    Moves for others are left out; what a move needs or asks for may still be filled in.
    """
    lifecycle = lifecycle_for(context, name)
    if lifecycle is None:
        return None
    asked = Asked(context, lifecycle, context.entity.fields[name])
    found = {to for to in lifecycle.stages if asked.is_offered(before, to)}
    return frozenset(found | ({before} if before is not None else {first_stage(lifecycle) or ""}))


def _only_to_read(field: Field) -> Label:
    return say(
        "Your role may read {label}, but not change it.",
        "您的角色可以查看“{label}”，但不能修改。",
        label=field.label,
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """A lifecycle, asked for moves of one record."""

    context: WriteContext
    lifecycle: Lifecycle
    field: Field
    #: a rule moves it: it need not be anybody whom the move is for
    by_rule: bool = False

    def check(self, before: str | None, to: str, problems: Problems) -> None:
        """Refuse a move that there is not, or that lacks something."""
        name = self.field.name
        if to not in self.lifecycle.stages:
            problems.add(name, self._no_such_stage(before, to))
            return
        found = self.best(before, to)
        if found is None:
            problems.add(name, self._no_such_move(before, to))
        elif found.why is not None:
            problems.add(name, found.why)
        elif found.missing:
            self._ask_for(found.missing, to, problems)

    def best(self, before: str | None, to: str) -> Possible | None:
        """Return the move that has the least in its way; None: there is no such move."""
        stage = self.lifecycle.stages[to]
        if self.lifecycle.moves is None or (
            before not in self.lifecycle.stages and to == first_stage(self.lifecycle)
        ):
            return Possible(
                self.field.name, before, to, stage.label, stage.final, (), (),
                lifecycle=self.lifecycle.name, place=self.lifecycle.place,
            )  # fmt: skip
        tried = [self._possible(before, stage, move) for move in self._ways(before, to)]
        return min(tried, key=lambda one: (one.why is not None, len(one.missing)), default=None)

    def is_offered(self, before: str | None, to: str) -> bool:
        """Return whether some move that this person may make leads to a stage."""
        if self.lifecycle.stages[to].removed:
            return False
        if self.lifecycle.moves is None:
            return True
        policy = self.context.work.policy
        return any(not move.for_ or _is_for(policy, move) for move in self._ways(before, to))

    def _ways(self, before: str | None, to: str) -> list[Move]:
        """Return the moves from stage to stage; from one it does not have, those from anywhere."""
        is_new = before not in self.lifecycle.stages
        return [
            move
            for move in self.lifecycle.moves or ()
            if to in move.to and (is_new or before in move.from_)
        ]

    def _possible(self, before: str | None, stage: Stage, move: Move) -> Possible:
        missing = tuple(name for name in move.needs if self._is_empty(name))
        found = self._why_not(before, stage, move, missing)
        return Possible(
            self.field.name,
            before,
            stage.name,
            move.label or stage.label,
            stage.final,
            move.needs,
            missing,
            found,
            self._parts(move) if found is not None else (),
            self.lifecycle.name,
            move.place or self.lifecycle.place,
        )

    def _parts(self, move: Move) -> tuple[Part, ...]:
        """Return what the condition of a move asks for, without what the asker may not read."""
        condition, policy = move.if_, self.context.work.policy
        entity = self.context.entity
        hidden = {name for name in entity.fields if not policy.is_readable(entity.name, name)}
        if condition is None or _first_names(condition) & hidden:
            return ()
        return tuple(why(condition, self.context))

    def _is_empty(self, name: str) -> bool:
        """Return whether a field has no value; rows of lines stand in a table of their own."""
        context = self.context
        field = context.entity.fields.get(name)
        if field is not None and field.type.name == "lines":
            record_id = context.row.get("id")
            return record_id is None or not _has_lines(context.work, field, int(record_id))
        if field is not None and field.expression is not None and name not in context.row:
            return is_empty(context.work.rows.closures.of(field.expression)(context))
        return is_empty(context.value(name))

    def _why_not(
        self, before: str | None, stage: Stage, move: Move, missing: Sequence[str]
    ) -> Label | None:
        work = self.context.work
        if move.for_ and not self.by_rule and not _is_for(work.policy, move):
            return say(
                "Only {roles} may move from {before} to {to}.",
                "只有{roles}可以从“{before}”移至“{to}”。",
                roles=self._roles(move.for_),
                before=self._label(before),
                to=stage.label,
            )
        if move.if_ is None or self._read_by(missing) & _first_names(move.if_):
            # What is missing is asked for first, the condition with what is filled in then.
            return None
        if not truth(self.context, work.rows.closures, move.if_):
            return say(
                "The move from {before} to {to} is possible only while {condition}.",
                "仅当满足条件 {condition} 时才能从“{before}”移至“{to}”。",
                condition=move.if_.text,
                before=self._label(before),
                to=stage.label,
            )
        return None

    def _read_by(self, names: Iterable[str]) -> set[str]:
        """Return fields, and those that the worked-out ones among them are worked out from."""
        found = set(names)
        for name in names:
            expression = self.context.entity.fields[name].expression
            found |= _first_names(expression) if expression is not None else set()
        return found

    def _ask_for(self, missing: Sequence[str], to: str, problems: Problems) -> None:
        fields, stage = self.context.entity.fields, self.lifecycle.stages[to].label
        problems.add(
            self.field.name,
            say(
                "To move to {stage}, fill in {fields}.",
                "移至“{stage}”前请填写：{fields}。",
                stage=stage,
                fields=listed(fields[name].label for name in missing),
            ),
        )
        for name in missing:
            problems.add(
                name,
                say(
                    "{label} is needed to move to {stage}.",
                    "移至“{stage}”需要填写“{label}”。",
                    label=fields[name].label,
                    stage=stage,
                ),
            )

    def _label(self, name: str | None) -> Label:
        if name is None:
            return say("the beginning", "起点")
        if name in self.lifecycle.stages:
            return self.lifecycle.stages[name].label
        option = next((one for one in self.field.options if one.name == name), None)
        return option.label if option else Label({"en": name, "zh": name})

    def _roles(self, names: Iterable[str]) -> Label:
        roles = self.context.work.release.catalog.roles
        return listed(roles[name].label for name in names if name in roles)

    def _no_such_stage(self, before: str | None, to: str) -> Label:
        return say(
            "{to} is no stage of the lifecycle {lifecycle}. {moves}",
            "“{to}”不是生命周期 {lifecycle} 的阶段。{moves}",
            to=self._label(to),
            lifecycle=self.lifecycle.name,
            moves=self._there_are(before),
        )

    def _no_such_move(self, before: str | None, to: str) -> Label:
        return say(
            "No move leads from {before} to {to}. {moves}",
            "无法从“{before}”移至“{to}”。{moves}",
            before=self._label(before),
            to=self._label(to),
            moves=self._there_are(before),
        )

    def _there_are(self, before: str | None) -> Label:
        """Say where a record can go from here, and for whom what is not for everybody."""
        ways = [
            way
            for stage in self.lifecycle.stages.values()
            if not stage.removed and stage.name != before
            if (way := self._way(before, stage)) is not None
        ]
        if not ways:
            return say(
                "{before} is an end: no move leads out of it.",
                "“{before}”已是终点，不能再移动。",
                before=self._label(before),
            )
        return say(
            "From {before} there are moves to {ways}.",
            "从“{before}”可以移至：{ways}。",
            before=self._label(before),
            ways=listed(ways),
        )

    def _way(self, before: str | None, stage: Stage) -> Label | None:
        if self.lifecycle.moves is None:
            return stage.label
        moves = self._ways(before, stage.name)
        if not moves:
            return None
        if not all(move.for_ for move in moves):
            return stage.label
        return say(
            "{stage} (for {roles})",
            "{stage}（限{roles}）",
            stage=stage.label,
            roles=self._roles(dict.fromkeys(one for move in moves for one in move.for_)),
        )


def _first_names(expression: Checked) -> set[str]:
    return {name.partition(".")[0] for name in expression.names}


def _has_lines(work: Work, field: Field, record_id: int) -> bool:
    name = str(field.settings["entity"])
    table = work.rows[name].table
    chosen = sa.select(table.c.id).where(table.c.parent == sa.bindparam("_id")).limit(1)
    statement = work.rows.cached(("has-lines", name), lambda: Statement(chosen))
    return statement.run(work.connection, {"_id": record_id}).fetchone() is not None


def _is_for(policy: Policy, move: Move) -> bool:
    return policy.is_admin or bool(set(policy.roles) & set(move.for_))


def listed(labels: Iterable[Label]) -> Label:
    """Return several labels as one, with commas between them."""
    found = list(labels)
    return Label(
        {
            "en": ", ".join(one.in_language("en") for one in found),
            "zh": "、".join(one.in_language("zh") for one in found),
        }
    )
