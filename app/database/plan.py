"""The plan: what an apply would do, what it would touch, and why it may be refused.

A plan is a value. Making one reads and counts; it changes nothing. `apply` carries out the very
operations listed here, or refuses because the database is not the one the plan was made for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import orjson
import sqlalchemy as sa

from app.collector import without_collector
from app.database.access_operations import ChangeRights
from app.database.basis import Basis, find_basis
from app.database.checking import Holds, broken_checks
from app.database.counting import count_operations
from app.database.diff import find_operations
from app.database.diff_access import access_operations
from app.database.migrate import current
from app.database.operations import (
    CHANGE,
    PROBLEM,
    AddRule,
    BreakCheck,
    BuildUnique,
    DropOptions,
    Operation,
    Publish,
    Recompute,
    RenameEntity,
    Require,
    amount,
    sample_words,
)
from app.database.outline import EMPTY, Outline, outline_of
from app.database.outlook import Outlook
from app.database.pairing import Pairs, pair
from app.database.shape import Shape
from app.database.versions import (
    AppliedVersion,
    UnfinishedStep,
    find_live_version,
    unfinished_steps,
)
from app.definitions.catalog import Catalog
from app.texts import Label, say

#: What a program may read from the exit code of ``trellis plan``.
NOTHING_TO_DO, REFUSED, CHANGES = 0, 1, 4


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a plan may not be applied; ``allow`` is what somebody would have to allow."""

    subject: str
    sentence: Label
    allow: str | None = None
    #: a stable word for programs
    code: str = "lost"


@dataclass(frozen=True, slots=True)
class Plan:
    """What lies between the version that serves and a catalog."""

    base: AppliedVersion | None
    fingerprint: str
    database: str
    operations: tuple[Operation, ...]
    refusals: tuple[Refusal, ...] = ()
    #: what the version that serves still owes; done first
    unfinished: tuple[UnfinishedStep, ...] = ()
    catalog: Catalog | None = None
    outline: Outline | None = None
    #: what follows from it beside the operations, such as whom a rule would remind
    outlook: tuple[Outlook, ...] = field(default=(), compare=False)
    basis: Basis | None = field(default=None, repr=False, compare=False)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do at all."""
        return not self.operations and not self.unfinished and not self.is_new_version

    @property
    def is_new_version(self) -> bool:
        return self.base is None or self.base.fingerprint != self.fingerprint

    @property
    def is_adding_only(self) -> bool:
        """Whether it may be applied when a file is saved, without anybody's looking at it."""
        if self.refusals or any(each.waits for each in self.outlook):
            return False
        return all(each.is_adding_only for each in self.operations)

    @property
    def exit_code(self) -> int:
        if self.refusals:
            return REFUSED
        return NOTHING_TO_DO if self.is_empty else CHANGES

    @property
    def base_number(self) -> int | None:
        return self.base.number if self.base else None

    def as_json(self) -> dict[str, Any]:
        """Return the plan as data, as ``--format json`` gives it and versions keep it.

        Words in it are English; programs go by ``kind`` and ``code``.
        """
        return {
            "base": self.base_number,
            "base_fingerprint": self.base.fingerprint if self.base else None,
            "fingerprint": self.fingerprint,
            "database": self.database,
            "operations": [
                {**each.as_json(), "sign": each.sign, "words": str(each.words()),
                 "phase": each.phase, "destructive": each.is_destructive,
                 "adding_only": each.is_adding_only,
                 "visible": each.is_visible, "seconds": round(each.seconds(), 1)}
                for each in self.operations
            ],
            "unfinished": [
                {"subject": step.operation.subject, "words": str(step.operation.words()),
                 "problem": None if step.problem is None else str(step.problem)}
                for step in self.unfinished
            ],
            "refusals": [
                {"code": each.code, "subject": each.subject, "message": str(each.sentence),
                 "allow": each.allow}
                for each in self.refusals
            ],
            "outlook": [each.as_json() for each in self.outlook],
            "exit_code": self.exit_code,
        }  # fmt: skip

    def render(self, form: Literal["text", "json"] = "text", language: str = "en") -> str:
        """Return the plan for a person at a terminal, or as JSON for a program.

        *language* is the person's; JSON is the same for everybody.
        """
        if form == "json":
            return orjson.dumps(self.as_json(), option=orjson.OPT_INDENT_2).decode()
        return "\n".join(self._lines(language))

    def _lines(self, language: str) -> Iterator[str]:
        yield self._head().in_language(language)
        if self.is_empty:
            yield f"  {say('Nothing to do.', '没有需要执行的更改。').in_language(language)}"
            return
        for step in self.unfinished:
            yield f"  … {step.operation.subject}   {step.words().in_language(language)}"
        shown = [each for each in self.operations if each.is_visible]
        width = max((len(each.subject) for each in shown), default=0)
        destructive = say("DESTRUCTIVE", "会丢失数据").in_language(language)
        for each in shown:
            mark = f"   {destructive}" if each.is_destructive else ""
            words = each.words().in_language(language)
            yield f"  {each.sign} {each.subject:<{width}}   {words}{mark}"
        yield self._summary(shown).in_language(language)
        for one in self.outlook:
            yield f"  > {one.subject}: {one.words.in_language(language)}"
            yield from (f"      {line.in_language(language)}" for line in one.details)
        if self.refusals:
            refused = say(
                "Refusing: {problems}. Nothing was changed.",
                "已拒绝：{problems}。没有做任何更改。",
                problems=amount(len(self.refusals), PROBLEM),
            )
            yield refused.in_language(language)
            for refusal in self.refusals:
                yield f"  {refusal.sentence.in_language(language)}"

    def _head(self) -> Label:
        last = say("never applied", "从未应用")
        if self.base:
            last = say(
                "last applied {day} by {who}",
                "上次由 {who} 于 {day} 应用",
                day=f"{self.base.applied_at:%Y-%m-%d}",
                who=self.base.applied_by,
            )
        return say(
            "Plan {before} -> {after}   (database: {database}, {last})",
            "计划 {before} -> {after}   （数据库：{database}，{last}）",
            before=self.base.fingerprint[:6] if self.base else say("empty", "空"),
            after=self.fingerprint[:6],
            database=self.database,
            last=last,
        )

    def _summary(self, shown: Sequence[Operation]) -> Label:
        seconds = sum(each.seconds() for each in self.operations)
        time = say("under a second", "不到一秒")
        if seconds >= 1:
            number = f"{seconds:,.0f}".replace(",", " ")
            time = say("about {number} s", "约 {number} 秒", number=number)
        return say(
            "{changes}, {time}. People go on working: no statement waits longer than 0.1 s for a "
            "lock.",
            "{changes}，{time}。大家可以照常工作：任何语句等待锁的时间都不超过 0.1 秒。",
            changes=amount(len(shown), CHANGE),
            time=time,
        )


@without_collector()
def make_plan(
    connection: sa.Connection,
    catalog: Catalog,
    allow: Sequence[str] = (),
    previous: Plan | None = None,
    holds: Holds | None = None,
) -> Plan:
    """Return what applying *catalog* would do.

    Args:
        connection: to the database; only read from.
        catalog: the checked configuration.
        allow: what may be lost, by name: ``contact.fax``, ``invoice``.
        previous: a plan made before; what did not change since is taken from there.
        holds: how a condition is asked; without it, new checks are not tried on existing records.
    """
    database = str(connection.execute(sa.select(sa.func.current_database())).scalar_one())
    if current(connection) is None:
        return _first_plan(database, catalog)
    base = find_live_version(connection)
    basis = find_basis(connection, base, previous)
    old, shape = basis.outline, basis.shape
    new = _outline(catalog, previous)
    pairs = pair(old, catalog)
    unfinished = unfinished_steps(connection, base.number) if base else []
    found = find_operations(old, new, catalog, shape, pairs)
    if base is not None and base.fingerprint != catalog.fingerprint:
        found += _taken_over(unfinished, found, pairs, catalog)
    found = _counted(connection, found, shape)
    if holds is not None:
        found = _with_broken(found, list(broken_checks(connection, catalog, old, pairs, holds)))
    found += _counted(connection, list(access_operations(old, new, pairs)), shape)
    found += _published(base, basis.files, catalog, found)
    found, refusals = _refuse(found, allow)
    return Plan(
        base=base,
        fingerprint=catalog.fingerprint,
        database=database,
        operations=tuple(found),
        refusals=tuple(refusals),
        unfinished=tuple(unfinished),
        catalog=catalog,
        outline=new,
        basis=basis,
    )


def _outline(catalog: Catalog, previous: Plan | None) -> Outline:
    if previous is None or previous.catalog is None or previous.outline is None:
        return outline_of(catalog)
    if previous.catalog is catalog:
        return previous.outline
    return outline_of(catalog, (previous.catalog, previous.outline))


def _first_plan(database: str, catalog: Catalog) -> Plan:
    outline = outline_of(catalog)
    pairs = pair(EMPTY, catalog)
    operations = tuple(find_operations(EMPTY, outline, catalog, {}, pairs))
    return Plan(None, catalog.fingerprint, database, operations, catalog=catalog, outline=outline)


def _taken_over(
    unfinished: Sequence[UnfinishedStep],
    found: Sequence[Operation],
    pairs: Pairs,
    catalog: Catalog,
) -> Iterator[Operation]:
    """Yield what the version before has not worked out yet and the new one has to."""
    again = {each.entity for each in found if isinstance(each, Recompute)}
    for step in unfinished:
        if not isinstance(step.operation, Recompute):
            continue
        name = pairs.new_entity(step.operation.entity)
        if name is None or name in again:
            continue
        again.add(name)
        fields = tuple(n for n in step.operation.fields if n in catalog.entities[name].fields)
        table = catalog.entities[name].table
        yield Recompute(subject=name, entity=name, table=table, fields=fields)


def _counted(
    connection: sa.Connection, found: Sequence[Operation], shape: Shape
) -> list[Operation]:
    counted = count_operations(connection, found, shape)
    return [each for each in counted if not _is_idle(each)]


def _is_idle(operation: Operation) -> bool:
    """Return whether nothing is left to do, now that the rows were counted."""
    return isinstance(operation, Recompute) and operation.rows == 0


def _with_broken(found: Sequence[Operation], broken: Sequence[BreakCheck]) -> list[Operation]:
    """Return both; a new rule that records break is told once, with the records."""
    told = {(each.subject, each.rule) for each in broken}
    kept = [
        each
        for each in found
        if not (isinstance(each, AddRule) and (each.subject, each.rule) in told)
    ]
    return [*kept, *broken]


def _published(
    base: AppliedVersion | None,
    before: Mapping[str, str],
    catalog: Catalog,
    found: Sequence[Operation],
) -> Iterator[Operation]:
    """Yield the files that changed without any line of the plan saying so."""
    if base is None or base.fingerprint == catalog.fingerprint:
        return
    said = {each.subject.partition(".")[0] for each in found if each.is_visible}
    said |= {each.old for each in found if isinstance(each, RenameEntity)}
    if any(isinstance(each, ChangeRights) for each in found):
        said.add("roles")
    changed = sorted(
        path for path in {*before, *catalog.files} if before.get(path) != catalog.files.get(path)
    )
    quiet = [path for path in changed if path.rpartition("/")[2].partition(".")[0] not in said]
    for path in quiet or (["configuration"] if not said else []):
        yield Publish(subject=path)


def _refuse(
    found: Sequence[Operation], allow: Sequence[str]
) -> tuple[list[Operation], list[Refusal]]:
    kept: list[Operation] = []
    refusals: list[Refusal] = []
    for each in found:
        operation, refusal = _judge(each, allow)
        kept.append(operation)
        if refusal is not None and refusal not in refusals:
            refusals.append(refusal)
    known = {each.subject for each in found}
    for name in allow:
        # Run again after it was done, a script's `--allow` is no mistake.
        if found and name not in known:
            sentence = say(
                "`--allow {name}` names nothing this plan would touch. Leave it out.",
                "本计划不涉及 `--allow {name}` 所指的内容，请去掉它。",
                name=name,
            )
            refusals.append(Refusal(name, sentence, code="unknown-allow"))
    return kept, refusals


def _judge(operation: Operation, allow: Sequence[str]) -> tuple[Operation, Refusal | None]:
    name = operation.subject
    if isinstance(operation, BuildUnique) and operation.clashes:
        sentence = _about(
            "{name}: {words}. Change or merge those records first.",
            "{name}：{words}。请先修改或合并这些记录。",
            operation,
        )
        return operation, Refusal(name, sentence, code="clash")
    if isinstance(operation, Require) and operation.empty and operation.fill is None:
        if name in allow:
            return replace(operation, is_waived=True), None
        sentence = _about(
            "{name}: {words}. Give it a `default`, fill them in, or re-run with `--allow {name}` "
            "to ask for it at their next save.",
            "{name}：{words}。请设置 `default`、先把这些记录补全，"
            "或使用 `--allow {name}` 重新运行，在下次保存时要求填写。",
            operation,
        )
        return operation, Refusal(name, sentence, name, code="empty")
    if name in allow or not operation.needs_allowing:
        return operation, None
    if isinstance(operation, DropOptions):
        sentence = _about(
            "{name}: {words}. Write `becomes: OTHER` or `removed: yes` at the option, or re-run "
            "with `--allow {name}` to leave the values as they are.",
            "{name}：{words}。请在选项处写上 `becomes: OTHER` 或 `removed: yes`，"
            "或使用 `--allow {name}` 重新运行，保留原值。",
            operation,
        )
        return operation, Refusal(name, sentence, name, code="option-in-use")
    code = "lost" if operation.is_destructive else "dropped"
    return operation, Refusal(name, _loss(operation), name, code)


def _about(english: str, chinese: str, operation: Operation) -> Label:
    return say(english, chinese, name=operation.subject, words=operation.words())


def _loss(operation: Operation) -> Label:
    is_drop = operation.sign == "-"
    hint = say("", "")
    if "." in operation.subject and is_drop:
        hint = say(
            ", or write `removed: yes` to hide the field and keep the data",
            "，或写上 `removed: yes` 以隐藏该字段并保留数据",
        )
    return say(
        "{name}: {words}{lost}. Re-run with `--allow {name}`{hint}.",
        "{name}：{words}{lost}。请使用 `--allow {name}` 重新运行{hint}。",
        name=operation.subject,
        words=operation.words(),
        lost=sample_words(operation.samples) if is_drop else "",
        hint=hint,
    )
