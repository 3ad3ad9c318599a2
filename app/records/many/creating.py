"""New records made many at a time, within one transaction of a work.

The order is that of `saving`: defaults, what links and numbers need, the rows, what depends on the
row, history and search, whoever listens. Records in doubt are left out on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.definitions.catalog import Entity
from app.records import derived, stages
from app.records.asking import parameters_of_app
from app.records.checking import allowed_ids
from app.records.conditions import Linked, WriteContext
from app.records.drafts import Draft, Problems
from app.records.following_columns import stage_columns
from app.records.many.beginning import Beginning
from app.records.many.links import rates_of, readable_only
from app.records.many.numbers import ids_for, number_all
from app.records.many.recipe import Recipe, recipe_of
from app.records.many.same import without_duplicates
from app.records.many.traces import leave_traces
from app.records.reactions import NewRecords, Refused
from app.records.work import Work

#: The records of one call: drafts, each with its row by column.
Pairs = list[tuple[Draft, dict[str, Any]]]


class Doubtful(Exception):
    """Some of the records turned out to need a closer look when all were written already."""

    def __init__(self, drafts: Iterable[Draft]) -> None:
        super().__init__()
        self.drafts = list(drafts)


def create_many(work: Work, entity: Entity, drafts: Sequence[Draft]) -> dict[int, Draft]:
    """Write the drafts that are sound; return them by the ids they got.

    The drafts' input was read, and `why_one_by_one` had nothing against them. Those that are left
    out are to be written by themselves. Whoever calls takes a savepoint.

    Raises:
        Doubtful: some can only be told by what was written: to be taken back, and left out.
        psycopg.IntegrityError: a link or check of the database is broken.
    """
    begun = Beginning(work, entity).begin(drafts)
    begun = without_duplicates(work, entity, readable_only(work, entity, begun))
    return _Making(work, entity).make(begun) if begun else {}


class _Making:
    """One call, once it is sure who takes part."""

    def __init__(self, work: Work, entity: Entity) -> None:
        self.work = work
        self.entity = entity
        self.rows = work.rows[entity.name]
        self._context = WriteContext(work, Linked(work), entity, {})
        self._has_stages = bool(self.rows.lists.stages)
        self._recipe: Recipe
        self._constants: dict[str, Any] = {}

    def make(self, drafts: Sequence[Draft]) -> dict[int, Draft]:
        """Write them and all that goes with them."""
        number_all(self.work, self.entity, drafts)
        pairs = self._as_rows(drafts)
        if not self._recipe.is_asked_late:
            pairs = self._passing(pairs)
        pairs = self._insert(pairs) if pairs else []
        if not pairs:
            return {}
        self._look_again(pairs)
        afters = leave_traces(self.work, self.entity, self._recipe, self._alike(), pairs)
        derived.touch_new(self.work, self.entity, (row for _, row in pairs))
        self._tell(pairs, afters)
        return {row["id"]: draft for draft, row in pairs}

    # -- rows --------------------------------------------------------------------------------------

    def _as_rows(self, drafts: Sequence[Draft]) -> Pairs:
        names = self._names(drafts)
        recipe = self._recipe = recipe_of(self.work, self.rows, names)
        self._constants = self._constant_columns(names)
        alike = {**recipe.empty, **self._constants}
        pairs: Pairs = []
        has_owner = "owner" in names
        of_owner: dict[Any, dict[str, Any]] = {}
        for draft in drafts:
            row = alike.copy()
            recipe.put(draft.changes, row)
            if has_owner:
                owner = draft.changes.get("owner", self.work.user_id)
                if owner not in of_owner:
                    of_owner[owner] = self._owner_columns(owner)
                row.update(of_owner[owner])
            if self._has_stages:
                row.update(stage_columns(self.rows, draft, draft.changes, self.work.now))
            if draft.columns:
                row.update(draft.columns)
            pairs.append((draft, row))
        self._fill_amounts([row for _, row in pairs])
        return pairs

    def _names(self, drafts: Sequence[Draft]) -> frozenset[str]:
        """Return the fields in which the records differ."""
        fixed = self.rows.lists.fixed_defaults
        names: set[str] = set()
        for draft in drafts:
            names.update(draft.changes)
            names.update(draft.columns)
        same = {
            name
            for name in names & fixed.keys()
            if all(draft.changes.get(name) is fixed[name] for draft in drafts)
        }
        return frozenset(names - same)

    def _constant_columns(self, names: frozenset[str]) -> dict[str, Any]:
        """Return the columns that are the same in all records, those that are filled."""
        work, rows = self.work, self.rows
        fixed = {
            name: value for name, value in rows.lists.fixed_defaults.items() if name not in names
        }
        found: dict[str, Any] = {
            "created_at": work.now, "created_by": work.user_id,
            "updated_at": work.now, "updated_by": work.user_id,
            **derived.initial_columns(rows),
        }  # fmt: skip
        for name, value in fixed.items():
            field = self.entity.fields[name]
            found |= field.type.to_columns(field, value)
        if self.entity.owned and "owner" not in names:
            found |= self._owner_columns(work.user_id)
        varying = self._recipe.varying if names else ()
        return {
            name: value
            for name, value in found.items()
            if value is not None and name in rows.columns and name not in varying
        }

    def _owner_columns(self, owner: int | None) -> dict[str, Any]:
        return {
            "owner": owner,
            "owner_department": self.work.department_of(owner),
            "owner_since": self.work.now if owner is not None else None,
        }

    def _fill_amounts(self, rows: Sequence[dict[str, Any]]) -> None:
        amounts = [(field.name, base, source) for field, base, source in self.rows.lists.amounts]
        if not amounts:
            return
        rates = rates_of(self.work, {row[source] for row in rows for _, _, source in amounts})
        for name, base, source in amounts:
            for row in rows:
                amount = row[name]
                row[base] = None if amount is None else amount * rates[row[source]]

    # -- checks and the statement ------------------------------------------------------------------

    def _passing(self, pairs: Pairs) -> Pairs:
        """Return those that nothing is to be said against."""
        context = self._context
        for check in self._recipe.checks:
            sound = []
            for pair in pairs:
                context.row = pair[1]
                if check(context):
                    sound.append(pair)
            pairs = sound
        return [pair for pair in pairs if self._may_stand(*pair)] if self._has_stages else pairs

    def _may_stand(self, draft: Draft, row: dict[str, Any]) -> bool:
        """Return whether a record may be at the stages it is at."""
        problems = Problems()
        self._context.row = row
        stages.check(self._context, draft, problems)
        return not problems

    def _insert(self, pairs: Pairs) -> Pairs:
        """Write the rows; return those that are new, with what the database worked out."""
        work, connection = self.work, self.work.connection
        for (_, row), number in zip(pairs, ids_for(work, self.rows, len(pairs)), strict=True):
            row["id"] = number
        staging = self._recipe.staging(frozenset(self._constants))
        cursor = connection.cursor()
        cursor.execute(staging.create)
        cursor.execute(staging.empty)
        staging.copy.write(connection, staging.copy.lines([row for _, row in pairs]))
        values = {
            **parameters_of_app(work),
            **{f"c_{name}": value for name, value in
               self.rows.as_columns(self._constants).items()},
        }  # fmt: skip
        written = {row["id"]: row for row in staging.insert.rows(connection, values)}
        made = [pair for pair in pairs if pair[1]["id"] in written]
        for _, row in made:
            row.update(written[row["id"]])
        self._work_out_rest({row["id"]: row for _, row in made})
        return made

    def _work_out_rest(self, rows: Mapping[int, dict[str, Any]]) -> None:
        """Work out the formulas that ask other records."""
        if not self.rows.formulas.afterwards or not rows:
            return
        for row in derived.work_out_formulas(self.work, self.rows, sorted(rows)):
            rows[row["id"]].update(row)

    def _look_again(self, pairs: Pairs) -> None:
        """See that what was written may be, and passes what asks for its formulas.

        Raises:
            Doubtful: some may not, or do not.
        """
        doubtful = []
        if self._recipe.is_asked_late:
            passing = {row["id"] for _, row in self._passing(pairs)}
            doubtful = [draft for draft, row in pairs if row["id"] not in passing]
        by_id = {row["id"]: row for _, row in pairs}
        allowed = allowed_ids(self.work, self.entity.name, by_id, "create")
        if len(allowed) < len(by_id):
            doubtful += [draft for draft, row in pairs if row["id"] not in allowed]
        if doubtful:
            raise Doubtful(doubtful)

    # -- what follows ------------------------------------------------------------------------------

    def _alike(self) -> dict[str, Any]:
        return {**self._recipe.empty, **self._constants}

    def _tell(self, pairs: Pairs, afters: Sequence[Mapping[str, Any]]) -> None:
        """Tell whoever listens of all of them at once.

        Raises:
            Doubtful: somebody refuses some.
        """
        work = self.work
        if not work.reactions.concerns(work, self.entity.name):
            return
        counted = frozenset(derived.initial_columns(self.rows))
        new = NewRecords(self.entity, [row for _, row in pairs], afters, counted)
        try:
            work.reactions.after_many(work, new)
        except Refused as refused:
            raise Doubtful(draft for draft, row in pairs if row["id"] in refused.ids) from refused
