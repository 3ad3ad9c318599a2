"""The writing half of the one door: who may, on which row, in one transaction.

Each method is a transaction of its own. Rights hold before and after the write, history and events
are part of it, roll-ups are right when it commits, and a refusal changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any

from app.access.principal import Principal
from app.access.visibility import bind_values
from app.errors import Forbidden, NotFound
from app.records.attaching import Attaching
from app.records.batches import (
    Operation,
    Outcome,
    find_by_key,
    read_operations,
    run_all,
    run_each,
)
from app.records.chronicle import Line, history_statement, read_line
from app.records.drafts import Draft, Problems, read_input
from app.records.duplicates import Duplicate, duplicates_of, find_duplicates
from app.records.files import StoredFile, add_file, file_condition
from app.records.saving import Written
from app.records.sweeping import sweep_files
from app.records.transactions import Hooks, entity_of
from app.records.undoing import Undoing
from app.records.work import Work

__all__ = ["Hooks", "Writer", "Written"]


class Writer(Undoing, Attaching):
    """Everything that can be done to records."""

    def batch(
        self,
        principal: Principal,
        entity: str,
        operations: Sequence[Any],
        *,
        all_or_nothing: bool = True,
        key: str | None = None,
        origin: str = "api",
        note: str | None = None,
        strict: bool = True,
        receipt: Callable[[Work, list[Outcome]], None] | None = None,
    ) -> list[Outcome]:
        """Do many writes to one entity in one transaction and one change set.

        Args:
            operations: ``{"action", "values", "id", "version"}`` each; ``upsert`` updates the
                record whose unique field *key* has the same value, or creates one.
            all_or_nothing: False lets the others stand when one fails.
            receipt: called last, in the same transaction.

        Raises:
            Malformed: the list cannot be read.
            InvalidInput: a write failed and *all_or_nothing* is set.
        """
        wanted = read_operations(list(operations))

        def step(work: Work) -> list[Outcome]:
            entity_of(work.release, entity)
            work.open_change_set("batch")

            def write(operation: Operation) -> Written | None:
                return self._one_of_batch(work, entity, operation, key, strict=strict)

            run = run_all if all_or_nothing else run_each
            outcomes = run(work, wanted, write)
            if receipt is not None:
                receipt(work, outcomes)
            return outcomes

        return self._run(principal, step, origin=origin, note=note)

    def _one_of_batch(
        self, work: Work, name: str, operation: Operation, key: str | None, *, strict: bool
    ) -> Written | None:
        action, record_id = operation.action, operation.id
        if action == "upsert":
            context = work.reading(strict=strict)
            kind = entity_of(work.release, name)
            record_id = find_by_key(work, kind, key or "", operation.values, context)
            action = "create" if record_id is None else "update"
        if action == "create":
            return self.create_in(work, name, operation.values, None, strict=strict)
        assert record_id is not None
        if action == "update":
            return self.update_in(
                work, name, record_id, operation.values, operation.version, strict=strict
            )
        self.delete_in(work, name, [record_id])
        return None

    def find_duplicates(
        self,
        principal: Principal,
        entity: str,
        values: Mapping[str, Any],
        exclude: int | None = None,
        *,
        strict: bool = True,
    ) -> list[Duplicate]:
        """Return records that may be the same thing as one with *values*, for a form being typed.

        Values that cannot be read are passed over. Nothing is written.

        Args:
            values: by field, as for a create; only rules about these fields are asked.
            exclude: the record that is being edited.
        """

        def step(work: Work) -> list[Duplicate]:
            kind = entity_of(work.release, entity)
            if not (work.policy.may("create", entity) or work.policy.may("update", entity)):
                raise Forbidden(work.policy.why("create", entity))
            draft = Draft(kind, work.reading(strict=False))
            read_input(draft, values, work.policy, work.reading(strict=strict), Problems())
            found = find_duplicates(work, kind, draft.changes, set(draft.changes), exclude)
            return list(found)

        return self._run(principal, step)

    def duplicates_of(self, principal: Principal, entity: str, record_id: int) -> list[Duplicate]:
        """Return records that may be the same thing as one that is there.

        Raises:
            NotFound: it is not there, or may not be read.
        """
        return self._run(
            principal,
            lambda work: duplicates_of(work, entity_of(work.release, entity), record_id),
        )

    def history(
        self,
        principal: Principal,
        entity: str,
        record_id: int,
        *,
        limit: int = 50,
        before: int | None = None,
    ) -> list[Line]:
        """Return a record's history, the newest line first, with the fields the asker may see.

        Args:
            before: a line's id, to go on behind it.

        Raises:
            NotFound: there is no such record, or its history may not be read.
        """
        release = self._live.release
        kind = entity_of(release, entity)
        prepared = self._for(release)
        policy = prepared.policies.of(principal)
        if not policy.may("history", entity):
            raise Forbidden(policy.why("history", entity))
        statement = prepared.rows.cached(
            ("history", entity, policy.roles, policy.is_admin),
            lambda: history_statement(release, policy, entity),
        )
        values = {
            "record_id": record_id,
            "before": before,
            "limit": max(1, min(limit, 200)),
            **bind_values(principal, self._clock.now()),
        }
        with self._pools.read.connection() as connection:
            rows = statement.rows(connection, values)
        if not rows and before is None:
            raise NotFound
        return [read_line(row, kind, policy) for row in rows]

    def add_file(self, principal: Principal, stream: IO[bytes], name: str) -> StoredFile:
        """Keep an uploaded file for its uploader.

        Raises:
            InvalidInput: it is too large, empty, or of a type that is not taken.
        """
        with self._pools.write.connection() as connection:
            return add_file(connection, self._files, stream, name, principal.user_id)

    def sweep_files(self) -> int:
        """Remove files that no record took within a day, or that were purged; return how many."""
        with self._pools.write.connection() as connection:
            return sweep_files(connection, self._files, self._clock.now())

    def get_file(self, principal: Principal, file_id: int) -> StoredFile:
        """Return a file the asker may read.

        Raises:
            NotFound: there is no such file for this principal.
        """
        release = self._live.release
        prepared = self._for(release)
        policy = prepared.policies.of(principal)
        statement = prepared.rows.cached(
            ("file", policy.roles, policy.is_admin), lambda: file_condition(release, policy)
        )
        values = {"_id": file_id, **bind_values(principal, self._clock.now())}
        with self._pools.read.connection() as connection:
            row = next(iter(statement.rows(connection, values)), None)
        if row is None:
            raise NotFound
        path = self._files.path(row["sha256"])
        return StoredFile(row["id"], row["name"], row["type"], row["size"], path)
