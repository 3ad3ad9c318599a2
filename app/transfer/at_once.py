"""Rows that make or change records, written many at a time where that comes to the same.

Whatever is in doubt is left to `writing`, which does one row after the other and says what is
wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import errors as pg

from app.definitions.catalog import Entity
from app.errors import TrellisError
from app.records.drafts import Draft
from app.records.many import Doubtful
from app.records.savepoints import savepoint
from app.records.transferring import check_new_owner
from app.records.work import Work
from app.transfer.rows import Incoming
from app.transfer.values import REFUSED, ValueReader

#: Fewer rows are not worth the statements.
LEAST = 10


class AtOnce:
    """Makes and changes records of one entity out of the rows of a chunk."""

    def __init__(
        self, work: Work, entity: Entity, values: ValueReader, always: Mapping[str, Any]
    ) -> None:
        self._work = work
        self._entity = entity
        self._values = values
        self._context = work.reading(strict=False)
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

    def change(
        self, raws: Mapping[int, Callable[[Mapping[str, Any]], Any]]
    ) -> dict[int, frozenset[str]]:
        """Change what can be changed at once; return by id which fields are others now.

        Args:
            raws: by id, what gives the input from the values that are there.
        """
        if len(raws) < LEAST:
            return {}
        work, name = self._work, self._entity.name
        try:
            with savepoint(work):
                found: dict[int, frozenset[str]] = work.writer.change_many_in(work, name, raws)
                return found
        except Doubtful as doubtful:
            out = {draft.id for draft in doubtful.drafts}
            return self.change({each: raw for each, raw in raws.items() if each not in out})
        except (TrellisError, pg.IntegrityError, psycopg.DataError):
            # One of them: those in the other half can be written.
            half, each = len(raws) // 2, list(raws.items())
            return self.change(dict(each[:half])) | self.change(dict(each[half:]))

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
        if not one.is_sound:
            return None
        changes = one.read.copy()
        for name, value in raw.items():
            if name in changes:
                continue
            read = self._values.read(name, value)
            if read is REFUSED or read is None:
                return None
            changes[name] = read
        draft = Draft(self._entity, self._context)
        if one.authored:
            if not self._work.policy.is_admin:
                return None
            draft.columns.update(one.authored)
        if "owner" in changes and not self._may_own(changes["owner"]):
            return None
        draft.changes = changes
        draft.given.update(raw)
        return draft

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
