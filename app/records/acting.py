"""Writing records within a transaction that is open already: the hands of whoever acts in it.

A rule's step writes through `Acting`, as the principal of its `Work`. What it does shares the
transaction with everything else: one change set, one settling of roll-ups, one commit. The system
writes what no person may (read-only fields); a user writes what the user may.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.definitions.catalog import Entity, Field
from app.errors import Forbidden, InvalidInput, NotFound
from app.fields.base import FieldError
from app.records import transferring
from app.records.checking import require_room, visible_ids
from app.records.drafts import Draft, Problems, no_such_field
from app.records.linesets import read_lines
from app.records.reactions import Happening
from app.records.saving import Written
from app.records.transactions import entity_of
from app.records.work import Work


@dataclass(frozen=True, slots=True)
class Acting:
    """Writes as the principal of *work*; every value is a Python value, by field.

    Each method raises what the writing half of the door raises: Forbidden, NotFound, InvalidInput.
    """

    work: Work

    def create(self, name: str, values: Mapping[str, Any]) -> Written:
        """Write a new record."""
        entity = entity_of(self.work.release, name)
        if not self.work.principal.is_system:
            raw = self._as_json(entity, values)
            return self._written(
                self.work.writer.create_in(self.work, name, raw, None, strict=True)
            )
        if name == "user":
            raise Forbidden(self.work.policy.why("create", name))
        require_room(self.work, entity)
        draft, problems = Draft(entity, self.work.reading(strict=False)), Problems()
        self._fill(draft, values, problems)
        return self._written(self.work.writer.finish_in(self.work, draft, None, problems, "create"))

    def update(self, name: str, record_id: int, values: Mapping[str, Any]) -> Written:
        """Change a record; fields that are not given stay."""
        entity = entity_of(self.work.release, name)
        if not self.work.principal.is_system:
            raw = self._as_json(entity, values)
            return self._written(
                self.work.writer.update_in(self.work, name, record_id, raw, None, strict=True)
            )
        row = self.work.writer.locked(self.work, name, [record_id], "update")[record_id]
        old = self.work.rows[name].values(row)
        draft = Draft(entity, self.work.reading(strict=False), old, record_id)
        problems = Problems()
        self._fill(draft, values, problems)
        return self._written(self.work.writer.finish_in(self.work, draft, row, problems, "update"))

    def delete(self, name: str, ids: Iterable[int]) -> int:
        """Put records into the bin, with what goes along; return how many."""
        return int(self.work.writer.delete_in(self.work, name, list(ids)))

    def restore(self, name: str, ids: Iterable[int]) -> int:
        """Take records out of the bin; return how many."""
        return int(self.work.writer.restore_in(self.work, name, list(ids)))

    def transfer(
        self,
        name: str,
        ids: Iterable[int],
        owner: int | None,
        *,
        along: Iterable[str] = (),
        action: Happening = "transfer",
        columns: Mapping[str, Any] | None = None,
    ) -> int:
        """Give records to another owner, or to nobody; return how many changed hands.

        Args:
            along: links by which others go along, as in `Writer.transfer`.
            action: ``claim`` and ``release`` are said by who keeps the pools.
            columns: built-in fields that change with it: ``pool``.
        """
        wanted = list(ids)
        if action == "transfer" and columns is None:
            return int(self.work.writer.transfer_in(self.work, name, wanted, owner, along))
        entity = entity_of(self.work.release, name)
        transferring.check_new_owner(self.work, owner)
        return transferring.give_to(
            self.work, entity, wanted, owner, action=action, columns=columns
        )

    def share(
        self,
        name: str,
        record_id: int,
        users: Iterable[int],
        *,
        may_edit: bool = False,
        until: datetime | None = None,
    ) -> None:
        """Share a record with people."""
        self.work.writer.share_in(
            self.work, name, record_id, list(users), may_edit=may_edit, until=until
        )

    def unshare(self, name: str, record_id: int, users: Iterable[int]) -> None:
        """Take a record back from people."""
        self.work.writer.unshare_in(self.work, name, record_id, list(users))

    def may_read(self, name: str, record_id: int) -> bool:
        """Return whether the principal may read a record."""
        return bool(visible_ids(self.work, name, [record_id]))

    def row(self, name: str, record_id: int, *, lock: bool = False) -> dict[str, Any]:
        """Return a record's row as it is now.

        Raises:
            NotFound: there is none, or it is in the bin.
        """
        rows = self.work.rows[name]
        found = (rows.lock if lock else rows.read)(self.work.connection, [record_id])
        row = found.get(record_id)
        if row is None or row.get("deleted_at") is not None:
            raise NotFound
        return row

    def _written(self, written: Any) -> Written:
        assert isinstance(written, Written)
        return written

    def _as_json(self, entity: Entity, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values as the API has them, for those who write with a person's rights."""
        raw: dict[str, Any] = {}
        for name, value in values.items():
            field = entity.fields.get(name)
            if field is None:
                raise InvalidInput({name: [no_such_field(entity, name)]})
            is_rows = field.type.name == "lines" or value is None
            raw[name] = value if is_rows else field.type.to_json(field, value)
        return raw

    def _fill(self, draft: Draft, values: Mapping[str, Any], problems: Problems) -> None:
        """Put values into a draft as the system does, read-only fields included."""
        work, lines = self.work, {}
        strict = work.reading(strict=True)
        for name, value in values.items():
            field = draft.entity.fields.get(name)
            if field is None or field.removed:
                problems.add(name, no_such_field(draft.entity, name))
            elif field.type.name == "lines":
                lines[name] = value
            else:
                try:
                    draft.changes[name] = checked_value(field, value, strict)
                except FieldError as error:
                    problems.add(name, error.sentence)
        draft.given.update(values)
        if lines:
            draft.given.update(lines)
            read_lines(work, draft, lines, work.policy, strict, problems)
        if draft.entity.owned and draft.changes.get("owner") is not None:
            try:
                transferring.check_new_owner(work, draft.changes["owner"])
            except InvalidInput as error:
                problems.add("owner", error.fields["owner"][0])  # type: ignore[arg-type]


def checked_value(field: Field, value: Any, context: Any) -> Any:
    """Return a Python value as the field keeps it, once its own rules hold.

    Raises:
        FieldError: it is nothing the field can take.
    """
    if value is None:
        return None
    return field.type.parse(field, field.type.to_json(field, value), context)
