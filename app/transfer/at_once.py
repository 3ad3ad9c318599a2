"""Rows that make new records, written many at a time where that comes to the same.

Values are read here as the door reads a form's, field by field over the whole chunk. Whatever is in
doubt is left to `writing`, which does one row after the other and says what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import errors as pg

from app.definitions.catalog import Entity, Field
from app.errors import TrellisError
from app.fields.base import FieldError, ParseContext
from app.records.drafts import Draft
from app.records.many import Doubtful
from app.records.savepoints import savepoint
from app.records.transferring import check_new_owner
from app.records.work import Work
from app.transfer.rows import Incoming

#: Fewer rows are not worth the statements.
LEAST = 10
#: Values of one field that are kept with what they were read as.
_KNOWN = 20_000
_REFUSED = object()


class FieldReader:
    """Reads one field's values; what comes again and again is read once."""

    def __init__(self, field: Field, context: ParseContext) -> None:
        self._field = field
        self._context = context
        self._known: dict[str, Any] = {}

    def read(self, raw: Any) -> Any:
        """Return the value, or `_REFUSED`."""
        is_text = raw.__class__ is str
        if is_text:
            found = self._known.get(raw)
            if found is not None:
                return found
        try:
            value = self._field.type.parse(self._field, raw, self._context)
        except FieldError:
            value = _REFUSED
        if is_text and value is not None and not isinstance(value, list | dict):
            if len(self._known) >= _KNOWN:
                self._known.clear()
            self._known[raw] = value
        return value


class AtOnce:
    """Makes records of one entity out of the rows of a chunk."""

    def __init__(self, work: Work, entity: Entity, always: Mapping[str, Any]) -> None:
        self._work = work
        self._entity = entity
        self._context = work.reading(strict=False)
        self._plain = work.reading(strict=False)
        self._readers: dict[str, FieldReader] = {}
        self._always = dict(always)
        self._owners: dict[Any, bool] = {}
        self._why: dict[frozenset[str], str | None] = {}

    def create(self, incoming: Sequence[Incoming]) -> dict[int, Incoming]:
        """Write what can be written at once; return those rows by the records' ids."""
        drafts = {}
        for one in incoming:
            draft = self._draft(one)
            if draft is not None:
                drafts[draft] = one
        if len(drafts) < LEAST or self._why_not(drafts) is not None:
            return {}
        left = list(drafts)
        while left:
            try:
                with savepoint(self._work):
                    made = self._work.writer.create_many_in(self._work, self._entity.name, left)
                return {number: drafts[draft] for number, draft in made.items()}
            except Doubtful as doubtful:
                out = set(map(id, doubtful.drafts))
                left = [draft for draft in left if id(draft) not in out]
            except (TrellisError, pg.IntegrityError, psycopg.DataError):
                # One of them, and nobody knows which.
                return {}
        return {}

    def _why_not(self, drafts: Iterable[Draft]) -> str | None:
        names = frozenset(name for draft in drafts for name in draft.changes)
        if names not in self._why:
            self._why[names] = self._work.writer.why_one_by_one(
                self._work, self._entity.name, names
            )
        return self._why[names]

    def _draft(self, one: Incoming) -> Draft | None:
        """Return a row as a draft; None where something in it cannot be taken as it is."""
        raw = {**self._always, **one.values} if self._always else one.values
        changes = {}
        for name, value in raw.items():
            reader = self._readers.get(name) or self._reader(name)
            read = reader.read(value)
            if read is _REFUSED or read is None:
                return None
            changes[name] = read
        draft = Draft(self._entity, self._plain)
        if one.authored:
            if not self._work.policy.is_admin:
                return None
            draft.columns.update(one.authored)
        if "owner" in changes and not self._may_own(changes["owner"]):
            return None
        draft.changes = changes
        draft.given.update(raw)
        return draft

    def _reader(self, name: str) -> FieldReader:
        reader = FieldReader(self._entity.fields[name], self._context)
        self._readers[name] = reader
        return reader

    def _may_own(self, owner: Any) -> bool:
        found = self._owners.get(owner)
        if found is None:
            found = self._owners[owner] = self._asked_owner(owner)
        return found

    def _asked_owner(self, owner: Any) -> bool:
        work = self._work
        if owner == work.principal.user_id:
            return True
        if not work.policy.may("transfer", self._entity.name):
            return False
        try:
            check_new_owner(work, owner)
        except TrellisError:
            return False
        return True
