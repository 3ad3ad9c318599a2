"""The plan: what an apply would do, what it would touch, and why it may be refused.

A plan is a value. Making one reads and counts; it changes nothing. `apply` carries out the very
operations listed here, or refuses because the database is not the one the plan was made for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson
import sqlalchemy as sa

from app.collector import without_collector
from app.database.checking import Holds, broken_checks
from app.database.counting import count_operations
from app.database.diff import find_operations
from app.database.diff_access import access_operations
from app.database.migrate import current
from app.database.operations import (
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
from app.database.pairing import Pairs, pair
from app.database.shape import Shape, read_shape
from app.database.versions import (
    AppliedVersion,
    UnfinishedStep,
    files_of,
    find_live_version,
    outline_of_version,
    unfinished_steps,
)
from app.definitions.catalog import Catalog

#: What a program may read from the exit code of ``trellis plan``.
NOTHING_TO_DO, CHANGES, REFUSED = 0, 2, 3


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a plan may not be applied; ``allow`` is what somebody would have to allow."""

    subject: str
    sentence: str
    allow: str | None = None


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
        return not self.refusals and all(each.is_adding_only for each in self.operations)

    @property
    def exit_code(self) -> int:
        if self.refusals:
            return REFUSED
        return NOTHING_TO_DO if self.is_empty else CHANGES

    @property
    def base_number(self) -> int | None:
        return self.base.number if self.base else None

    def as_json(self) -> dict[str, Any]:
        """Return the plan as data, as the API and ``--format json`` give it."""
        return {
            "base": self.base_number,
            "base_fingerprint": self.base.fingerprint if self.base else None,
            "fingerprint": self.fingerprint,
            "database": self.database,
            "operations": [
                {**each.as_json(), "sign": each.sign, "words": each.words(), "phase": each.phase,
                 "destructive": each.is_destructive, "adding_only": each.is_adding_only,
                 "visible": each.is_visible, "seconds": round(each.seconds(), 1)}
                for each in self.operations
            ],
            "unfinished": [
                {"subject": step.operation.subject, "words": step.operation.words(),
                 "problem": step.problem}
                for step in self.unfinished
            ],
            "refusals": [
                {"subject": each.subject, "message": each.sentence, "allow": each.allow}
                for each in self.refusals
            ],
            "exit_code": self.exit_code,
        }  # fmt: skip

    def render(self, form: Literal["text", "json"] = "text") -> str:
        """Return the plan for a person at a terminal, or as JSON for a program."""
        if form == "json":
            return orjson.dumps(self.as_json(), option=orjson.OPT_INDENT_2).decode()
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        before = self.base.fingerprint[:6] if self.base else "empty"
        last = "never applied"
        if self.base:
            last = f"last applied {self.base.applied_at:%Y-%m-%d} by {self.base.applied_by}"
        head = f"Plan {before} -> {self.fingerprint[:6]}   (database: {self.database}, {last})"
        if self.is_empty:
            yield f"{head}\n  Nothing to do."
            return
        yield head
        for step in self.unfinished:
            why = f": {step.problem}" if step.problem else ""
            yield f"  … {step.operation.subject}   to be finished: {step.operation.words()}{why}"
        shown = [each for each in self.operations if each.is_visible]
        width = max((len(each.subject) for each in shown), default=0)
        for each in shown:
            mark = "   DESTRUCTIVE" if each.is_destructive else ""
            yield f"  {each.sign} {each.subject:<{width}}   {each.words()}{mark}"
        yield self._summary(shown)
        if self.refusals:
            yield f"Refusing: {amount(len(self.refusals), 'problem')}. Nothing was changed."
            for refusal in self.refusals:
                yield f"  {refusal.sentence}"

    def _summary(self, shown: Sequence[Operation]) -> str:
        seconds = sum(each.seconds() for each in self.operations)
        time = "under a second" if seconds < 1 else f"about {seconds:,.0f} s".replace(",", " ")
        return (
            f"{amount(len(shown), 'change')}, {time}. People go on working: "
            "no statement waits longer than 0.1 s for a lock."
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
    old = outline_of_version(connection, base.number if base else None)
    new = _outline(catalog, previous)
    shape = read_shape(connection)
    pairs = pair(old, catalog)
    unfinished = unfinished_steps(connection, base.number) if base else []
    found = find_operations(old, new, catalog, shape)
    if base is not None and base.fingerprint != catalog.fingerprint:
        found += _taken_over(unfinished, found, pairs, catalog)
    found = _counted(connection, found, shape)
    if holds is not None:
        found += broken_checks(connection, catalog, old, pairs, holds)
    found += access_operations(old, new, pairs)
    found += _published(connection, base, catalog, found)
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
    )


def _outline(catalog: Catalog, previous: Plan | None) -> Outline:
    if previous is None or previous.catalog is None or previous.outline is None:
        return outline_of(catalog)
    if previous.catalog is catalog:
        return previous.outline
    return outline_of(catalog, (previous.catalog, previous.outline))


def _first_plan(database: str, catalog: Catalog) -> Plan:
    outline = outline_of(catalog)
    operations = tuple(find_operations(EMPTY, outline, catalog, {}))
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


def _published(
    connection: sa.Connection,
    base: AppliedVersion | None,
    catalog: Catalog,
    found: Sequence[Operation],
) -> Iterator[Operation]:
    """Yield the files that changed without any line of the plan saying so."""
    if base is None or base.fingerprint == catalog.fingerprint:
        return
    said = {each.subject.partition(".")[0] for each in found if each.is_visible}
    said |= {each.old for each in found if isinstance(each, RenameEntity)}
    before: Mapping[str, str] = files_of(connection, base.number)
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
        if name not in known:
            sentence = f"`--allow {name}` names nothing this plan would touch. Leave it out."
            refusals.append(Refusal(name, sentence))
    return kept, refusals


def _judge(operation: Operation, allow: Sequence[str]) -> tuple[Operation, Refusal | None]:
    name = operation.subject
    if isinstance(operation, BuildUnique) and operation.clashes:
        return operation, Refusal(
            name,
            f"{name}: {operation.words()}. Change or merge those records first.",
        )
    if isinstance(operation, Require) and operation.empty and operation.fill is None:
        if name in allow:
            return replace(operation, is_waived=True), None
        return operation, Refusal(
            name,
            f"{name}: {operation.words()}. Give it a `default`, fill them in, or re-run with "
            f"`--allow {name}` to ask for it at their next save.",
            name,
        )
    if name in allow or not operation.is_destructive:
        return operation, None
    if isinstance(operation, DropOptions):
        return operation, Refusal(
            name,
            f"{name}: {operation.words()}. Write `becomes: OTHER` or `removed: yes` at the option, "
            f"or re-run with `--allow {name}` to leave the values as they are.",
            name,
        )
    hint = ""
    if "." in name and operation.sign == "-":
        hint = ", or write `removed: yes` to hide the field and keep the data"
    lost = sample_words(operation.samples) if operation.sign == "-" else ""
    sentence = f"{name}: {operation.words()}{lost}. Re-run with `--allow {name}`{hint}."
    return operation, Refusal(name, sentence, name)
