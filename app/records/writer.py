"""The writing half of the one door: who may, on which row, in one transaction.

Each method is a transaction of its own. Rights hold before and after the write, history and events
are part of it, roll-ups are right when it commits, and a refusal changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Protocol

from psycopg import errors as pg

from app.access.policy import Policies
from app.access.principal import Principal
from app.access.visibility import bind_values
from app.clock import Clock
from app.database.release import Release
from app.definitions.catalog import Entity
from app.errors import Forbidden, InvalidInput, NotFound
from app.records import deleting, derived, merging, sharing, transferring
from app.records.batches import (
    Operation,
    Outcome,
    find_by_key,
    read_operations,
    run_all,
    run_each,
)
from app.records.checking import visible_ids
from app.records.chronicle import Line, history_statement, read_line
from app.records.conditions import Closures
from app.records.conflicts import raise_conflict
from app.records.drafts import Draft, Problems, parse_context, read_input
from app.records.files import FileStore, StoredFile, add_file, file_condition
from app.records.linesets import read_lines, touch_for_lines
from app.records.rows import RowStatements
from app.records.saving import Saving, Written
from app.records.violations import as_input_error
from app.records.work import Work, in_transaction
from app.texts import say

__all__ = ["Hooks", "Writer", "Written"]


class Hooks(Protocol):
    """The plugin hooks of a save; see ``hookspecs``."""

    def before_save(self, record: Draft, principal: Principal, is_new: bool) -> None: ...
    def after_save(self, record: Written, principal: Principal, is_new: bool) -> None: ...


class NoHooks:
    """Nobody listens."""

    def before_save(self, record: Draft, principal: Principal, is_new: bool) -> None:
        """Do nothing."""

    def after_save(self, record: Written, principal: Principal, is_new: bool) -> None:
        """Do nothing."""


class Prepared:
    """What is compiled once for a release: statements and conditions."""

    def __init__(self, release: Release) -> None:
        self.release = release
        self.rows = RowStatements(release)
        self.closures = Closures()
        self.policies = Policies(release.catalog)


class Writer:
    """Creates, changes, deletes and restores records."""

    def __init__(
        self,
        pools: Any,
        live: Any,
        organisation: Any,
        clock: Clock,
        hooks: Hooks | None = None,
        files: FileStore | None = None,
    ) -> None:
        self._files = files or FileStore(Path("var"))
        self._pools = pools
        self._live = live
        self._organisation = organisation
        self._clock = clock
        self._hooks = hooks or NoHooks()
        self._prepared: Prepared | None = None

    def _for(self, release: Release) -> Prepared:
        prepared = self._prepared
        if prepared is None or prepared.release is not release:
            prepared = self._prepared = Prepared(release)
        return prepared

    @contextmanager
    def _work(self, principal: Principal, **said: Any) -> Iterator[Work]:
        """Open a transaction on the current release; roll-ups are settled before it commits."""
        release = self._live.release
        prepared = self._for(release)
        with self._pools.write.connection() as connection, connection.transaction():
            work = Work(
                connection=connection,
                release=release,
                rows=prepared.rows,
                organisation=self._organisation,
                principal=principal,
                policy=prepared.policies.of(principal),
                now=self._clock.now(),
                **{name: value for name, value in said.items() if value is not None},
            )
            yield work
            derived.settle(work)
        for call in work.after:
            call()

    def _run(self, principal: Principal, step: Callable[[Work], Any], **said: Any) -> Any:
        """Run *step* in a transaction, again after a deadlock; broken constraints are sentences."""

        def once() -> Any:
            with self._work(principal, **said) as work:
                return step(work)

        try:
            return in_transaction(once)
        except pg.IntegrityError as error:
            raise as_input_error(error, self._live.release) from error

    def create(
        self,
        principal: Principal,
        entity: str,
        raw: Mapping[str, Any],
        *,
        origin: str = "api",
        cause: str | None = None,
        change_set: int | None = None,
        strict: bool = True,
        columns: Callable[[Work], Mapping[str, Any]] | None = None,
        receipt: Callable[[Work, Written], None] | None = None,
    ) -> Written:
        """Write a new record.

        Args:
            raw: values by field name, as JSON has them (``strict``) or as a form does.
            columns: called inside the transaction for columns only the caller knows, such as the
                number of a new user's account.
            receipt: called at the end of the transaction, to leave a trace that stands or falls
                with the record.

        Raises:
            Forbidden: the principal may not create records of this kind.
            InvalidInput: with sentences by field.
        """

        def step(work: Work) -> Written:
            written = self._create(work, entity, raw, columns, strict=strict)
            if receipt is not None:
                receipt(work, written)
            return written

        return self._run(
            principal,
            step,
            origin=origin,
            cause=cause,
            change_set=change_set,
        )

    def _create(self, work: Work, name: str, raw: Mapping[str, Any], *, strict: bool) -> Written:
        entity = _entity(work.release, name)
        if not work.policy.may("create", name):
            raise Forbidden(work.policy.why("create", name))
        draft, problems = Draft(entity), Problems()
        values = self._read_owner(work, draft, raw, problems)
        self._read(work, draft, values, problems, strict=strict)
        return self._finish(work, draft, None, problems, "create")

    def update(
        self,
        principal: Principal,
        entity: str,
        record_id: int,
        raw: Mapping[str, Any],
        *,
        version: int | None = None,
        origin: str = "api",
        cause: str | None = None,
        change_set: int | None = None,
        strict: bool = True,
    ) -> Written:
        """Change a record; fields that are not given stay.

        Args:
            version: the version the change was made from; None writes over whatever is there.

        Raises:
            NotFound: there is no such record for this principal.
            Forbidden: it may be read, but not changed.
            Conflict: somebody changed it since *version*; names the fields that differ.
            InvalidInput: with sentences by field.
        """
        return self._run(
            principal,
            lambda work: self._update(work, entity, record_id, raw, version, strict=strict),
            origin=origin,
            cause=cause,
            change_set=change_set,
        )

    def _update(
        self,
        work: Work,
        name: str,
        record_id: int,
        raw: Mapping[str, Any],
        version: int | None,
        *,
        strict: bool,
    ) -> Written:
        entity = _entity(work.release, name)
        row = self._locked(work, name, [record_id], "update")[record_id]
        rows = work.rows[name]
        draft, problems = Draft(entity, rows.values(row), record_id), Problems()
        values = self._read_owner(work, draft, raw, problems)
        self._read(work, draft, values, problems, strict=strict)
        if version is not None and version != row["version"]:
            raise_conflict(work, row, draft, version)
        return self._finish(work, draft, row, problems, "update")

    def _read(
        self,
        work: Work,
        draft: Draft,
        raw: Mapping[str, Any],
        problems: Problems,
        *,
        strict: bool,
    ) -> None:
        context = parse_context(work.release.catalog.app, work.principal, strict=strict)
        draft.given.update(raw)
        read_input(draft, raw, work.policy, context, problems)
        read_lines(work, draft, raw, work.policy, context, problems)

    def _read_owner(
        self, work: Work, draft: Draft, raw: Mapping[str, Any], problems: Problems
    ) -> Mapping[str, Any]:
        """Take ``owner`` out of the input: giving a record to somebody else is a transfer."""
        if "owner" not in raw or not draft.entity.owned:
            return raw
        rest = {name: value for name, value in raw.items() if name != "owner"}
        field = draft.entity.fields["owner"]
        context = parse_context(work.release.catalog.app, work.principal, strict=False)
        owner = field.type.parse(field, raw["owner"], context)
        if owner == (work.principal.user_id if draft.is_new else draft.old.get("owner")):
            return rest
        if not work.policy.may("transfer", draft.entity.name):
            problems.add("owner", work.policy.why("transfer", draft.entity.name))
            return rest
        try:
            transferring.check_new_owner(work, owner)
        except InvalidInput as error:
            problems.add("owner", error.fields["owner"][0])  # type: ignore[arg-type]
        draft.changes["owner"] = owner
        return rest

    def _finish(
        self,
        work: Work,
        draft: Draft,
        row: Mapping[str, Any] | None,
        problems: Problems,
        action: str,
    ) -> Written:
        """Write a draft whose input was read, and see that the principal may have done that."""
        is_new = row is None
        problems.raise_if_any()
        self._hooks.before_save(record=draft, principal=work.principal, is_new=is_new)
        if not is_new and draft.changed("owner"):
            draft.changes |= transferring.owner_columns(work, row or {}, draft.changes["owner"])
        written = Saving(work, self._for(work.release).closures).save(draft, row, problems, action)
        name = draft.entity.name
        moved = not is_new and "owner" in draft.changes
        right = "create" if is_new else "update"
        if written.changed and not moved and not visible_ids(work, name, [written.id], right):
            raise Forbidden(
                say(
                    "After this change the record would be outside of what you may write.",
                    "修改后这条记录将超出您可写的范围。",
                )
            )
        if name in ("user", "department"):
            work.people_changed()
        work.after.append(
            lambda: self._hooks.after_save(record=written, principal=work.principal, is_new=is_new)
        )
        return written

    def _locked(
        self,
        work: Work,
        name: str,
        ids: Iterable[int],
        right: str,
        *,
        deleted: bool = False,
    ) -> dict[int, dict[str, Any]]:
        """Lock records and return their rows, once it is sure that *right* holds for each.

        Raises:
            NotFound: one is not there, or may not be read.
            Forbidden: one may be read, but the right does not hold for it.
        """
        _entity(work.release, name)
        wanted = sorted(set(ids))
        rows = work.rows[name].lock(work.connection, wanted)
        present = {i for i, row in rows.items() if (row.get("deleted_at") is not None) == deleted}
        if deleted:
            readable = visible_ids(work, name, present, "read", deleted=True)
            allowed = visible_ids(work, name, present, right, deleted=True)
        else:
            readable = visible_ids(work, name, present)
            allowed = visible_ids(work, name, present, right)
        if set(wanted) - readable:
            raise NotFound
        if set(wanted) - allowed:
            raise Forbidden(work.policy.why(right, name))
        return rows

    def delete(
        self,
        principal: Principal,
        entity: str,
        ids: int | Iterable[int],
        *,
        version: int | None = None,
        origin: str = "api",
        cause: str | None = None,
    ) -> int:
        """Put records into the bin, with what their links say goes along; return how many.

        Raises:
            NotFound: one is not there, or may not be read.
            Forbidden: one of them, or of those that go along, may not be deleted.
            Conflict: *version* is given and is not the record's.
            InvalidInput: a record that stays needs one of them.
        """
        wanted = [ids] if isinstance(ids, int) else list(ids)

        def step(work: Work) -> int:
            locked = self._locked(work, entity, wanted, "delete")
            for row in locked.values():
                if version is not None and row["version"] != version:
                    raise_conflict(work, work.rows[entity], row, None, version)
            return self._delete(work, _entity(work.release, entity), wanted)

        return self._run(principal, step, origin=origin, cause=cause)

    def _delete(self, work: Work, entity: Entity, ids: list[int]) -> int:
        doomed = deleting.plan_deletion(work, entity, ids)
        if len(doomed) > 1 or len(ids) > 1:
            work.open_change_set()
        count = 0
        for name in work.release.catalog.entities:  # one order for all who lock
            found = doomed.get(name)
            if not found:
                continue
            if name != entity.name:
                refused = found - visible_ids(work, name, found, "delete")
                if refused:
                    raise Forbidden(work.policy.why("delete", name))
            each = work.release.catalog.entities[name]
            before = work.rows[name].lock(work.connection, found)
            deleting.put_into_bin(work, each, found)
            for row in before.values():
                derived.touch_parents(work, each, row, None)
            touch_for_lines(work, each, found)
            count += len(found)
            if name in ("user", "department"):
                work.people_changed()
        return count

    def restore(
        self, principal: Principal, entity: str, ids: int | Iterable[int], *, origin: str = "api"
    ) -> int:
        """Take records out of the bin, and what went with them; return how many.

        Raises:
            NotFound: one is not in the bin, or may not be read.
            Forbidden: the principal may not restore it.
            InvalidInput: its unique values are taken by now.
        """
        wanted = [ids] if isinstance(ids, int) else list(ids)

        def step(work: Work) -> int:
            self._locked(work, entity, wanted, "restore", deleted=True)
            kind = _entity(work.release, entity)
            together = deleting.deleted_together(work, kind, wanted)
            if sum(map(len, together.values())) > 1:
                work.open_change_set()
            return sum(
                self._bring_back(work, name, together[name])
                for name in work.release.catalog.entities
                if together.get(name)
            )

        return self._run(principal, step, origin=origin)

    def _bring_back(self, work: Work, name: str, ids: set[int]) -> int:
        from app.records.journal import write_search_row

        entity = work.release.catalog.entities[name]
        back = deleting.bring_back(work, entity, ids)
        for row in back:
            write_search_row(work, entity, row["id"], work.rows[name].values(row))
            derived.touch_parents(work, entity, None, row)
            work.touch(name, row["id"])
        touch_for_lines(work, entity, ids)
        if back and name in ("user", "department"):
            work.people_changed()
        return len(back)

    def transfer(
        self,
        principal: Principal,
        entity: str,
        ids: Iterable[int],
        owner: int | None,
        *,
        along: Iterable[str] = (),
        origin: str = "api",
        note: str | None = None,
    ) -> int:
        """Give records to another owner, and what hangs on them by the links in *along*."""
        wanted = list(ids)

        def step(work: Work) -> int:
            self._locked(work, entity, wanted, "transfer")
            work.open_change_set()
            kind = _entity(work.release, entity)
            return transferring.transfer_with_cascade(work, kind, wanted, owner, along)

        return self._run(principal, step, origin=origin, note=note)

    def share(
        self,
        principal: Principal,
        entity: str,
        record_id: int,
        users: Iterable[int],
        *,
        may_edit: bool = False,
        until: datetime | None = None,
    ) -> None:
        """Share a record with people, to read or to edit, until a day or for good."""
        people = list(users)

        def step(work: Work) -> None:
            self._locked(work, entity, [record_id], "share")
            for user in people:
                transferring.check_new_owner(work, user)
            kind = _entity(work.release, entity)
            sharing.share_with(work, kind, record_id, people, may_edit=may_edit, until=until)
            work.shares_changed()

        self._run(principal, step)

    def unshare(
        self, principal: Principal, entity: str, record_id: int, users: Iterable[int]
    ) -> None:
        """Take a record back from people it was shared with."""
        people = list(users)

        def step(work: Work) -> None:
            self._locked(work, entity, [record_id], "share")
            sharing.unshare_with(work, _entity(work.release, entity), record_id, people)
            work.shares_changed()

        self._run(principal, step)

    def merge(
        self,
        principal: Principal,
        entity: str,
        keep: int,
        gone: Sequence[int],
        raw: Mapping[str, Any] | None = None,
        *,
        origin: str = "api",
        strict: bool = True,
    ) -> Written:
        """Make several records one, in one change set.

        Args:
            raw: values the kept record takes over, by field.
        """

        def step(work: Work) -> Written:
            if keep in gone or not gone:
                raise InvalidInput(
                    message=say(
                        "Choose one record to keep and at least one other to merge into it.",
                        "请选择一条要保留的记录，以及至少一条要并入的其他记录。",
                    )
                )
            self._locked(work, entity, [keep, *gone], "merge")
            work.open_change_set()
            kind = _entity(work.release, entity)
            merging.repoint(work, kind, keep, gone)
            merging.bury(work, kind, keep, gone)
            work.touch(entity, keep)
            return self._update(work, entity, keep, raw or {}, None, strict=strict)

        return self._run(principal, step, origin=origin)

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
    ) -> list[Outcome]:
        """Do many writes to one entity in one transaction and one change set.

        Args:
            operations: ``{"action", "values", "id", "version"}`` each; ``upsert`` updates the
                record whose unique field *key* has the same value, or creates one.
            all_or_nothing: False lets the others stand when one fails.

        Raises:
            Malformed: the list cannot be read.
            InvalidInput: a write failed and *all_or_nothing* is set.
        """
        wanted = read_operations(list(operations))

        def step(work: Work) -> list[Outcome]:
            _entity(work.release, entity)
            work.open_change_set()

            def write(operation: Operation) -> Written | None:
                return self._one_of_batch(work, entity, operation, key, strict=strict)

            run = run_all if all_or_nothing else run_each
            return run(work, wanted, write)

        return self._run(principal, step, origin=origin, note=note)

    def _one_of_batch(
        self, work: Work, name: str, operation: Operation, key: str | None, *, strict: bool
    ) -> Written | None:
        action, record_id = operation.action, operation.id
        if action == "upsert":
            context = parse_context(work.release.catalog.app, work.principal, strict=strict)
            kind = _entity(work.release, name)
            record_id = find_by_key(work, kind, key or "", operation.values, context)
            action = "create" if record_id is None else "update"
        if action == "create":
            return self._create(work, name, operation.values, None, strict=strict)
        assert record_id is not None
        if action == "update":
            return self._update(
                work, name, record_id, operation.values, operation.version, strict=strict
            )
        self._locked(work, name, [record_id], "delete")
        self._delete(work, _entity(work.release, name), [record_id])
        return None

    def purge(
        self, principal: Principal, entity: str, ids: Iterable[int], *, origin: str = "screen"
    ) -> int:
        """Remove records from the bin for good, with their files, search rows and shares.

        Raises:
            NotFound: one is not in the bin.
            Forbidden: only administrators may.
        """
        wanted = list(ids)

        def step(work: Work) -> int:
            if not work.policy.is_admin:
                raise Forbidden(work.policy.why("delete", entity))
            self._locked(work, entity, wanted, "delete", deleted=True)
            return deleting.purge(work, _entity(work.release, entity), wanted)

        return self._run(principal, step, origin=origin)

    def team(self, principal: Principal, entity: str, record_id: int) -> list[dict[str, Any]]:
        """Return whom a record is shared with: ``user_id may_edit until shared_by``.

        Raises:
            NotFound: it may not be read.
        """

        def step(work: Work) -> list[dict[str, Any]]:
            if not visible_ids(work, entity, [record_id]):
                raise NotFound
            return sharing.team_of(work, _entity(work.release, entity), record_id)

        return self._run(principal, step)

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
        kind = _entity(release, entity)
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


def _entity(release: Release, name: str) -> Entity:
    """Return an entity whose records stand on their own.

    Raises:
        NotFound: there is none of that name.
    """
    entity = release.catalog.entities.get(name)
    if entity is None or entity.lines_of is not None:
        raise NotFound(say("There is no entity {name}.", "没有名为 {name} 的实体。", name=name))
    return entity
