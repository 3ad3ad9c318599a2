"""Buttons: rules that people set off on a record, from a page or over the API.

A button is offered to whoever its rule names, or else may update the record, and only while its
condition holds. Pressed twice under one key it does its work once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from app.access.principal import Principal
from app.automation.acting_for import acting_for, causer_of
from app.automation.context import Said
from app.automation.events import close_runs
from app.automation.firings import Ended, add_firings
from app.automation.guard import link
from app.automation.index import Known, index_of, known_rule
from app.automation.outgoing import Outbox
from app.automation.pieces import each_in_pieces
from app.automation.registry import RuleNumbers
from app.automation.running import Firing
from app.automation.steps import NOT_MET, Run, Steps, failure
from app.database.automation_tables import firing
from app.definitions.automation import Create, Input, RuleDefinition
from app.definitions.catalog import Catalog, Entity
from app.errors import Forbidden, InvalidInput, NotFound, Reject, TrellisError
from app.expressions import Checked
from app.fields.base import FieldError
from app.records.checking import allowed_ids, is_empty, targets_of, visible_ids
from app.records.door import Records
from app.records.giving import written_context
from app.records.statements import Statement
from app.records.transactions import entity_of
from app.records.work import Work
from app.texts import Label, say

_earlier = Statement(
    sa.select(firing.c.id, firing.c.made, firing.c.steps, firing.c.state).where(
        firing.c.rule == sa.bindparam("rule", type_=sa.Integer),
        firing.c.entity == sa.bindparam("entity", type_=sa.SmallInteger),
        firing.c.record_id == sa.bindparam("record_id", type_=sa.BigInteger),
        firing.c.occurrence == sa.bindparam("occurrence", type_=sa.Text),
    )
)


@dataclass(frozen=True, slots=True)
class Offered:
    """A button somebody may press now."""

    rule: str
    label: Label
    #: record | list
    place: str
    ask: tuple[Input, ...]


@dataclass(frozen=True, slots=True)
class Pressed:
    """What became of it."""

    firing: int
    #: the record to go on to: entity and id
    open: tuple[str, int] | None = None
    #: it was pressed before, under the same key
    repeated: bool = False
    #: what the steps had to say
    notes: tuple[Label, ...] = ()


class Buttons:
    """What a person may set off."""

    def __init__(self, records: Records, steps: Steps, numbers: RuleNumbers) -> None:
        self._records = records
        self._steps = steps
        self._numbers = numbers

    def on_list(self, principal: Principal, catalog: Catalog, entity: str) -> list[Offered]:
        """Return the buttons of a list; each record is asked when they are pressed."""
        policy = self._records.policy(principal)
        return [
            offered_of(rule, entity)
            for rule in buttons_of(catalog, entity)
            if rule.of(entity)[0].place == "list"
            and is_for(rule, entity, principal, may_update=policy.may("update", entity))
        ]

    def press(
        self,
        principal: Principal,
        entity: str,
        record_id: int,
        rule: str,
        raw: Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
        strict: bool = True,
        origin: str = "api",
    ) -> Pressed:
        """Set a rule off on a record.

        Args:
            raw: what the button asks, by name.
            key: the same key a second time does nothing and gives the same answer.

        Raises:
            NotFound: there is no such record, or no such button.
            Forbidden: it is not this principal's to press.
            Reject: the rule refuses, or its condition does not hold.
            InvalidInput: something that is asked for is missing or wrong.
        """

        def step(work: Work) -> Pressed:
            return self._press(work, entity, record_id, rule, raw or {}, key, strict=strict)

        return self._records.transact(principal, step, origin=origin)

    def press_all(
        self,
        principal: Principal,
        entity: str,
        ids: Iterable[int],
        rule: str,
        raw: Mapping[str, Any] | None = None,
        key: str | None = None,
        strict: bool = True,
        origin: str = "api",
    ) -> list[Pressed | TrellisError]:
        """Set a rule off on several records, each by itself, as one change set.

        A refusal stands in the place of the record.
        """
        wanted = list(ids)

        def one(work: Work, record_id: int) -> Pressed:
            return self._press(work, entity, record_id, rule, raw or {}, key, strict=strict)

        transact = self._records.transact
        found = each_in_pieces(transact, principal, wanted, one, kind="button", origin=origin)
        return [found[record_id] for record_id in wanted]

    def _press(
        self,
        work: Work,
        entity: str,
        record_id: int,
        rule: str,
        raw: Mapping[str, Any],
        key: str | None,
        *,
        strict: bool,
    ) -> Pressed:
        kind = entity_of(work.release, entity)
        row = work.writer.locked(work, entity, [record_id], "read")[record_id]
        known = next(
            (one for one in index_of(work).buttons.get(entity, []) if one.rule.name == rule), None
        )
        if known is None:
            raise no_button(kind, rule)
        if not self._is_allowed(work, known, kind, row):
            raise not_yours()
        occurrence = f"button:{key or uuid4().hex}"
        earlier = self._earlier(work, known, kind, record_id, occurrence)
        if earlier is not None:
            return earlier
        bare = self._run(work, known, kind, row, "", {})
        values = read_input(
            work, known.when.ask, raw, bare.evaluate, partial(_is_offered, bare), strict=strict
        )
        run = self._run(work, known, kind, row, occurrence, values)
        if not run.holds(known.if_):
            raise Reject(
                say(
                    "{button} is not possible for this record as it is now.",
                    "该记录目前无法执行“{button}”。",
                    button=known.when.label or known.rule.name,
                )
            )
        return self._fire(work, run, known)

    def _fire(self, work: Work, run: Run, known: Known) -> Pressed:
        chain = (*work.chain, link(known.rule.name, run.firing.entity, run.firing.record_id))
        try:
            run.work = acting_for(work, known.rule, run.causer, chain)
        except Forbidden as error:
            raise failure(run, known.do[0], error) from error
        if known.has_later:
            run.firing.input["chain"] = [list(each) for each in chain]
        if known.reaches_out:
            work.open_change_set("button")
        if not add_firings(work, [Ended(run.firing, "due")]):
            # Somebody else pressed under the same key, and has not come to an end yet.
            raise Reject(say("This is being done already.", "此操作正在执行中。"))
        self._steps.walk(run, known.do)

        def close() -> None:
            if run.outside:
                run.refresh()
            self._steps.tell(run)
            close_runs(work, [run])

        work.shared.closing.append(close)
        notes = [Label(entry["note"]) for entry in run.firing.steps.values() if entry.get("note")]
        # A step that was not for this record is no news to whoever pressed.
        notes = [note for note in notes if note != NOT_MET]
        return Pressed(run.firing.id, _opened(known, run.firing.steps), notes=tuple(notes))

    def _earlier(
        self, work: Work, known: Known, entity: Entity, record_id: int, occurrence: str
    ) -> Pressed | None:
        values = {
            "rule": self._numbers.number(known.rule.name),
            "entity": work.number(entity.name),
            "record_id": record_id,
            "occurrence": occurrence,
        }
        row = _earlier.run(work.connection, values).fetchone()
        if row is None:
            return None
        return Pressed(row[0], _opened(known, row[2] or {}), repeated=True)

    def _run(
        self,
        work: Work,
        known: Known,
        entity: Entity,
        row: Mapping[str, Any],
        occurrence: str,
        values: Mapping[str, Any],
    ) -> Run:
        causer = causer_of(work)
        one = Firing(
            id=0,
            rule=self._numbers.number(known.rule.name) if occurrence else 0,
            digest=known.rule.digest,
            cause="button",
            occurrence=occurrence,
            entity=entity.name,
            record_id=int(row["id"]),
            user_id=causer.user_id if causer is not None else None,
            happened_at=work.now,
        )
        asked = {each.name: each.field for each in known.when.ask}
        if values:
            one.input["input"] = input_as_json(known.when.ask, values)
        return Run(
            known=known,
            firing=one,
            work=work,
            seen=work,
            entity=entity,
            row=row,
            old_row=None,
            outbox=Outbox(),
            said=Said(input=values, asked=asked, made=one.made),
            causer=causer,
        )

    def _is_allowed(self, work: Work, known: Known, entity: Entity, row: Mapping[str, Any]) -> bool:
        name = entity.name
        may_update = bool(allowed_ids(work, name, {int(row["id"]): row}, "update"))
        return is_for(known.rule, name, work.principal, may_update=may_update)


def no_button(entity: Entity, rule: str) -> NotFound:
    """Return the refusal of a button that is not there."""
    return NotFound(
        say("{entity} has no button `{rule}`.", "{entity}没有按钮“{rule}”。",
            entity=entity.label, rule=rule[:100])
    )  # fmt: skip


def not_yours() -> Forbidden:
    """Return the refusal of a button that is for others."""
    return Forbidden(say("This button is not yours to press.", "您不能使用此按钮。"))


def buttons_of(catalog: Catalog, entity: str) -> list[RuleDefinition]:
    """Return the rules in force that have a button on records of an entity, in order."""
    return [
        rule
        for rule in catalog.automation.rules.values()
        if not rule.off and entity in rule.entities and rule.of(entity)[0].kind == "button"
    ]


def is_for(rule: RuleDefinition, entity: str, principal: Principal, *, may_update: bool) -> bool:
    """Return whether a principal is among those a button is for."""
    named = rule.of(entity)[0].for_
    if principal.is_admin:
        return True
    return bool(principal.roles & set(named)) if named else may_update


def offered_of(rule: RuleDefinition, entity: str) -> Offered:
    """Return a rule's button as it is offered on records of an entity."""
    when = rule.of(entity)[0]
    label = when.label or rule.label or Label({"en": rule.name})
    return Offered(rule.name, label, when.place, when.ask)


def _opened(known: Known, steps: Mapping[str, Any]) -> tuple[str, int] | None:
    """Return the record that the last `create` with `open: yes` made."""
    found = None
    for step in known_rule(known.rule, known.entity).do:
        entry = steps.get(step.path) or {}
        if isinstance(step.settings, Create) and step.settings.open and entry.get("made"):
            found = (str(entry["made"][0]), int(entry["made"][1]))
    return found


def read_input(
    work: Work,
    ask: Iterable[Input],
    raw: Mapping[str, Any],
    evaluate: Callable[[Checked], Any],
    is_offered: Callable[[Input, str, int], bool],
    *,
    strict: bool,
) -> dict[str, Any]:
    """Return what a button was told as Python values; what was not said has its default.

    Raises:
        InvalidInput: something is missing, wrong, or not asked for.
    """
    asked = {each.name: each for each in ask}
    problems: dict[str, list[Any]] = {
        name: [say("This button asks for no `{name}`.", "此按钮不需要“{name}”。", name=name[:100])]
        for name in raw
        if name not in asked
    }
    values: dict[str, Any] = {}
    context = work.reading(strict=strict)
    written = written_context(work.release.catalog.app)
    for name, one in asked.items():
        default = one.field.default
        try:
            if name not in raw and isinstance(default, Checked):
                values[name] = evaluate(default)
            elif name not in raw and default is not None:
                values[name] = one.field.type.parse(one.field, default, written)
            else:
                values[name] = one.field.type.parse(one.field, raw.get(name), context)
        except FieldError as error:
            problems[name] = [error.sentence]
            continue
        if one.required and is_empty(values[name]):
            problems[name] = [say("{label} is needed.", "请填写“{label}”。", label=one.label)]
        for entity, record_id in targets_of(one.field, values[name]):
            if not visible_ids(work, entity, [record_id]) or not is_offered(one, entity, record_id):
                problems[name] = [
                    say(
                        "There is no record {id} that you may choose here.",
                        "没有编号为 {id} 的可选记录。",
                        id=record_id,
                    )
                ]
    if problems:
        raise InvalidInput(problems)
    return values


def _is_offered(run: Run, asked: Input, entity: str, record_id: int) -> bool:
    """Return whether `where` lets a record through beside the one at hand."""
    condition = asked.field.conditions.get("where")
    if condition is None:
        return True
    row = run.work.rows[entity].read(run.work.connection, [record_id]).get(record_id)
    if row is None:
        return False
    context = run.context.at(run.work.release.catalog.entities[entity], row)
    return bool(run.seen.rows.closures.of(condition)(context))


def input_as_json(ask: Iterable[Input], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was asked as the ledger keeps it."""
    fields = {each.name: each.field for each in ask}
    return {
        name: None if value is None else fields[name].type.to_json(fields[name], value)
        for name, value in values.items()
    }
