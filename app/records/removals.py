"""Into the recycle bin, out of it again, and gone for good."""

from __future__ import annotations

from collections.abc import Iterable

from app.access.principal import SYSTEM, Principal
from app.definitions.catalog import Entity
from app.errors import Forbidden
from app.records import deleting, derived
from app.records.checking import require_room, visible_ids
from app.records.conflicts import raise_conflict
from app.records.journal import write_search_row
from app.records.linesets import touch_for_lines
from app.records.reactions import tell
from app.records.transactions import Transactions, entity_of
from app.records.work import Work


class Removals(Transactions):
    """Deletes, restores and purges records."""

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
            return self.delete_in(work, entity, wanted, version)

        return self._run(principal, step, origin=origin, cause=cause)

    def delete_in(self, work: Work, name: str, ids: list[int], version: int | None = None) -> int:
        """Delete within a transaction; see `delete`."""
        locked = self.locked(work, name, ids, "delete", whole=True)
        for row in locked.values():
            if version is not None and row["version"] != version:
                raise_conflict(work, work.rows[name], row, None, version)
        return self._delete(work, entity_of(work.release, name), ids)

    def _delete(self, work: Work, entity: Entity, ids: list[int]) -> int:
        doomed = self._hold(work, entity, ids)
        if len(doomed) > 1 or len(ids) > 1:
            work.open_change_set("delete")
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
            count += len(deleting.put_into_bin(work, each, found))
        return count

    def _hold(self, work: Work, entity: Entity, ids: list[int]) -> dict[str, set[int]]:
        """Return what goes into the bin, locked so that nobody can link to any of it meanwhile."""
        doomed: dict[str, set[int]] = {}
        while True:
            found = deleting.plan_deletion(work, entity, ids)
            if found == doomed:
                return doomed
            doomed = found
            for name in work.release.catalog.entities:  # one order for all who lock
                if doomed.get(name):
                    work.rows[name].lock(work.connection, doomed[name], whole=True)

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
            return self.restore_in(work, entity, wanted)

        return self._run(principal, step, origin=origin)

    def restore_in(self, work: Work, entity: str, ids: list[int]) -> int:
        """Restore within a transaction; see `restore`."""
        self.locked(work, entity, ids, "restore", deleted=True)
        kind = entity_of(work.release, entity)
        return self._restore(work, deleting.deleted_together(work, kind, ids))

    def _restore(self, work: Work, together: dict[str, set[int]]) -> int:
        for name, found in together.items():
            if found - visible_ids(work, name, found, "restore", deleted=True):
                raise Forbidden(work.policy.why("restore", name))
        if sum(map(len, together.values())) > 1:
            work.open_change_set("restore")
        return sum(
            self._bring_back(work, name, together[name])
            for name in work.release.catalog.entities
            if together.get(name)
        )

    def _bring_back(self, work: Work, name: str, ids: set[int]) -> int:
        entity = work.release.catalog.entities[name]
        require_room(work, entity, len(ids))
        back = deleting.bring_back(work, entity, ids)
        for row in back:
            write_search_row(work, entity, row["id"], work.rows[name].values(row))
            derived.touch_parents(work, entity, None, row)
            work.touch(name, row["id"])
        touch_for_lines(work, entity, ids)
        for row in back:
            tell(work, entity, "restore", {**row, "deleted_at": work.now}, row)
        if back and name in ("user", "department"):
            work.people_changed()
        return len(back)

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
            self.locked(work, entity, wanted, "delete", deleted=True)
            return deleting.purge(work, entity_of(work.release, entity), wanted)

        return self._run(principal, step, origin=origin)

    def purge_old(self, entity: str, ids: Iterable[int]) -> int:
        """Remove those of these records for good that may go, as the system; return how many.

        What was taken out of the bin meanwhile, is held, or is needed by what stays, stays.
        """
        wanted = list(ids)

        def step(work: Work) -> int:
            rows = work.rows[entity].lock(work.connection, wanted)
            binned = [number for number, row in rows.items() if row["deleted_at"] is not None]
            kind = entity_of(work.release, entity)
            return deleting.purge(work, kind, deleting.removable(work, kind, binned))

        return self._run(SYSTEM, step, origin="system")
