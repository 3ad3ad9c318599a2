"""What a record would be if a form were saved now: defaults, formulas, what is shown and needed.

Nothing is written and nothing is refused: a form is incomplete most of the time, so what cannot be
read counts as empty. The answers are those a save would use, worked out by the same expressions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from app.access.policy import Policies
from app.access.principal import Principal
from app.clock import Clock
from app.definitions.catalog import Entity, Field
from app.expressions import Ask, Checked, to_python
from app.records import stages
from app.records.checking import allowed_ids, truth
from app.records.closures import Closures
from app.records.conditions import Linked, WriteContext
from app.records.defaults import fill_computed_defaults, fill_fixed_defaults
from app.records.drafts import Draft, Problems, read_input
from app.records.linesets import lines_fields, read_lines
from app.records.moves import Possible, offered_stages, possible_moves
from app.records.rows import RowStatements
from app.records.stages import Stay
from app.records.work import Work


@dataclass(frozen=True, slots=True)
class Preview:
    """A record, or a row of lines, as it would be."""

    #: by field: what was given, defaults, formulas
    values: Mapping[str, Any]
    shown: frozenset[str]
    required: frozenset[str]
    #: fields a condition locks now
    locked: frozenset[str] = frozenset()
    #: options that may be chosen, for fields whose options depend on something
    offered: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: for each section of the form whether it is shown
    sections: tuple[bool, ...] = ()
    #: rows of lines fields in the order they were given
    lines: Mapping[str, Sequence[Preview]] = field(default_factory=dict)
    #: a row of lines that holds nothing but its defaults, by lines field
    blank_lines: Mapping[str, Preview] = field(default_factory=dict)


class FormContext(WriteContext):
    """A record that is only typed so far: formulas are worked out from what is there."""

    closures: Closures
    line_contexts: Mapping[str, Sequence[FormContext]]

    @classmethod
    def over(
        cls, around: WriteContext, closures: Closures, lines: Mapping[str, Sequence[FormContext]]
    ) -> FormContext:
        """Return the same record with its formulas worked out on demand."""
        made = cls(
            around.work, around.linked, around.entity, around.row, around.old_row, around.parent
        )
        made.closures, made.line_contexts = closures, lines
        made._working = set()
        return made

    _working: set[str]

    def _walk(self, entity: Entity, row: Mapping[str, Any], path: str) -> Any:
        name, _, rest = path.partition(".")
        one = entity.fields.get(name)
        if entity is self.entity and row is self.row and not rest and one is not None:
            found = self.formula(one)
            if found is not None:
                return found[0]
        return super()._walk(entity, row, path)

    def formula(self, one: Field) -> tuple[Any] | None:
        """Return the value of a formula as it would be; None for what is no formula."""
        if one.type.name != "formula" or one.expression is None or one.name in self._working:
            return None
        self._working.add(one.name)
        try:
            return (self.closures.of(one.expression)(self),)
        finally:
            self._working.discard(one.name)

    def ask(self, question: Ask) -> Any:
        """Ask the rows that are typed, or other records in SQL."""
        lines = self.line_contexts.get(question.over[-1]) if len(question.over) == 1 else None
        return super().ask(question) if lines is None else _ask_lines(question, lines)


def _ask_lines(question: Ask, lines: Sequence[FormContext]) -> Any:
    chosen = list(lines)
    if question.condition is not None:
        holds = to_python(Checked("", question.condition))
        chosen = [line for line in chosen if holds(line)]
    if question.function in ("count", "exists"):
        return Decimal(len(chosen)) if question.function == "count" else bool(chosen)
    assert question.value is not None
    value = to_python(Checked("", question.value))
    values = [found for line in chosen if (found := value(line)) is not None]
    return _TOGETHER[question.function](values)


_TOGETHER: Mapping[str, Callable[[list[Any]], Any]] = {
    "sum": lambda values: sum(values, Decimal(0)),
    "avg": lambda values: sum(values, Decimal(0)) / len(values) if values else None,
    "lowest": lambda values: min(values, default=None),
    "highest": lambda values: max(values, default=None),
    "pick": lambda values: values[-1] if values else None,
}


def preview(
    work: Work,
    closures: Closures,
    entity: Entity,
    raw: Mapping[str, Any],
    record_id: int | None = None,
) -> Preview:
    """Return what a record would be.

    Args:
        raw: what was typed, by field; fields nobody touched are left out and get their defaults.
        record_id: the record that is edited, which the caller may see; None for a new one.
    """
    row = (
        work.rows[entity.name].read(work.connection, [record_id]).get(record_id)
        if record_id
        else None
    )
    old = work.rows[entity.name].values(row) if row else None
    context, ignored = work.reading(strict=False), Problems()
    draft = Draft(entity, context, old, record_id if row else None)
    read_input(draft, raw, work.policy, context, ignored)
    read_lines(work, draft, raw, work.policy, context, ignored)
    return _Previewing(work, closures).record(draft, row, set(raw))


def _columns(entity: Entity, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as a row of the table has them once it is read."""
    columns: dict[str, Any] = {}
    for name, value in values.items():
        one = entity.fields.get(name)
        if one is None or (one.built_in and value is not None) or not one.type.writable:
            columns[name] = value
        elif one.type.name != "lines":
            columns.update(one.type.to_columns(one, value))
    return columns


class _Previewing:
    def __init__(self, work: Work, closures: Closures) -> None:
        self.work = work
        self.closures = closures
        self.linked = Linked(work)

    def record(self, draft: Draft, row: Mapping[str, Any] | None, given: set[str]) -> Preview:
        self._fill(draft, row, given, None)
        before = self._context(draft, row, None)
        around = (draft.entity, before.row)
        contexts: dict[str, list[FormContext]] = {}
        for each in lines_fields(draft.entity):
            rows = draft.lines.get(each.name, [])
            for line in rows:
                self._fill(line, None, set(line.changes), around)
            contexts[each.name] = [self._context(line, None, around) for line in rows]
        context = self._context(draft, row, None, contexts)
        found = self._preview(draft, context)
        sections = tuple(
            truth(context, self.closures, section.show) for section in draft.entity.screens.form
        )
        lines = {
            name: [
                self._preview(line, one)
                for line, one in zip(draft.lines.get(name, []), each, strict=True)
            ]
            for name, each in contexts.items()
        }
        return Preview(
            found.values,
            found.shown,
            found.required,
            found.locked,
            found.offered,
            sections,
            lines,
            {each.name: self._blank(draft, each, around) for each in lines_fields(draft.entity)},
        )

    def _blank(
        self, draft: Draft, lines: Field, around: tuple[Entity, Mapping[str, Any]]
    ) -> Preview:
        entity = self.work.release.catalog.entities[f"{draft.entity.name}.{lines.name}"]
        line = Draft(entity, draft.context)
        self._fill(line, None, set(), around)
        return self._preview(line, self._context(line, None, around))

    def _fill(
        self,
        draft: Draft,
        row: Mapping[str, Any] | None,
        given: set[str],
        parent: tuple[Entity, Mapping[str, Any]] | None,
    ) -> None:
        """Give a new record, or a new row, the defaults of what nobody touched, in order."""
        if not draft.is_new:
            return
        if draft.entity.owned and parent is None and "owner" not in given:
            draft.changes["owner"] = self.work.principal.user_id
        lists = self.work.rows[draft.entity.name].lists
        draft.given |= given
        fill_fixed_defaults(draft, lists)
        fill_computed_defaults(
            draft,
            lists,
            lambda each: self.closures.of(each.default)(self._context(draft, row, parent)),
        )
        stages.begin(self.work, draft, lambda: self._context(draft, row, parent))

    def _context(
        self,
        draft: Draft,
        row: Mapping[str, Any] | None,
        parent: tuple[Entity, Mapping[str, Any]] | None,
        lines: Mapping[str, Sequence[FormContext]] | None = None,
    ) -> FormContext:
        columns = dict(row) if row else _columns(draft.entity, draft.old)
        columns |= _columns(draft.entity, draft.changes)
        around = WriteContext(self.work, self.linked, draft.entity, columns, row, parent)
        return FormContext.over(around, self.closures, lines or {})

    def _preview(self, draft: Draft, context: FormContext) -> Preview:
        values = draft.after()
        shown, required, locked = set(), set(), set()
        offered: dict[str, frozenset[str]] = {}
        for each in draft.entity.fields.values():
            if each.removed:
                continue
            worked_out = context.formula(each)
            if worked_out is not None:
                values[each.name] = worked_out[0]
            if not truth(context, self.closures, each.show):
                continue
            shown.add(each.name)
            if each.required is not False and truth(context, self.closures, each.required):
                required.add(each.name)
            is_locked = not draft.is_new and isinstance(each.readonly, Checked)
            if is_locked and truth(context, self.closures, each.readonly):
                locked.add(each.name)
            if each.type.name == "stage":
                stages_now = offered_stages(context, each.name, draft.old.get(each.name))
                if stages_now is not None:
                    offered[each.name] = stages_now
            if any(option.offer is not None for option in each.options):
                offered[each.name] = frozenset(
                    option.name
                    for option in each.options
                    if not option.removed and truth(context, self.closures, option.offer)
                )
        return Preview(values, frozenset(shown), frozenset(required), frozenset(locked), offered)


class Previews:
    """Answers previews for whoever asks; what is compiled is kept until another release serves."""

    def __init__(self, pools: Any, live: Any, organisation: Any, clock: Clock) -> None:
        self._pools = pools
        self._live = live
        self._organisation = organisation
        self._clock = clock
        self._kept: tuple[RowStatements, Policies] | None = None

    def ask(
        self,
        principal: Principal,
        entity: str,
        raw: Mapping[str, Any],
        record_id: int | None = None,
    ) -> Preview:
        """Return what a record would be; the caller has seen to it that it may be read."""
        with self.work(principal) as work:
            entities = work.release.catalog.entities
            return preview(work, work.rows.closures, entities[entity], raw, record_id)

    def moves(self, principal: Principal, entity: str, record_id: int) -> list[Possible]:
        """Return where a record may move to; the caller has seen to it that it may be read."""
        with self.work(principal) as work:
            definition = work.release.catalog.entities[entity]
            row = work.rows[entity].read(work.connection, [record_id]).get(record_id)
            if row is None:
                return []
            linked = Linked(work)

            def context_of(field: str, stage: str | None) -> WriteContext:
                return WriteContext(work, linked, definition, {**row, field: stage}, row)

            found = possible_moves(work, context_of, definition, row)
            if not found or allowed_ids(work, entity, {record_id: row}, "update"):
                return found
            why = work.policy.why("update", entity)
            return [replace(one, why=why) for one in found]

    def stays(self, principal: Principal, entity: str, record_id: int) -> list[Stay]:
        """Return how long a record was in which stage; the caller has seen to it as above."""
        with self.work(principal) as work:
            definition = work.release.catalog.entities[entity]
            row = work.rows[entity].read(work.connection, [record_id]).get(record_id)
            found = stages.stays(work, definition, row) if row is not None else []
            return [one for one in found if work.policy.is_readable(entity, one.field)]

    @contextmanager
    def work(self, principal: Principal) -> Iterator[Work]:
        """Yield what expressions are worked out with, on a connection that only reads."""
        release = self._live.release
        kept = self._kept
        if kept is None or kept[0].release is not release:
            kept = self._kept = (RowStatements(release), Policies(release.catalog))
        rows, policies = kept
        with self._pools.read.connection() as connection:
            yield Work(
                connection=connection,
                release=release,
                rows=rows,
                organisation=self._organisation,
                principal=principal,
                policy=policies.of(principal),
                now=self._clock.now(),
                origin="screen",
                policies=policies,
            )
