"""Several records become one, at the door: who may, what is compared, and doing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.access.principal import Principal
from app.definitions.catalog import Entity
from app.errors import Conflict, InvalidInput
from app.records import merging
from app.records.comments import move_comments
from app.records.followers import move_followers
from app.records.reactions import tell
from app.records.saves import Saves
from app.records.saving import Written
from app.records.side_by_side import (
    MOST,
    SideBySide,
    Take,
    check_open,
    put_side_by_side,
    taken,
)
from app.records.transactions import entity_of
from app.records.undo_moved import note_merge
from app.records.work import Work
from app.texts import say


class Merges(Saves):
    """Makes several records one."""

    def side_by_side(
        self, principal: Principal, entity: str, ids: Sequence[int], keep: int | None = None
    ) -> SideBySide:
        """Return what records that are to become one hold, and which values are proposed.

        Args:
            keep: the record that stays; without it, the one most hangs on.

        Raises:
            NotFound: one is not there, or may not be read.
            Forbidden: one may not be merged.
            InvalidInput: there is but one, or too many to look at.
        """
        wanted = list(dict.fromkeys(ids))

        def step(work: Work) -> SideBySide:
            kind = _mergeable(entity_of(work.release, entity))
            if not 2 <= len(wanted) <= MOST or (keep is not None and keep not in wanted):
                raise InvalidInput(message=_HOW_MANY)
            rows = self.locked(work, entity, wanted, "merge")
            return put_side_by_side(work, kind, rows, keep)

        return self._run(principal, step)

    def merge(
        self,
        principal: Principal,
        entity: str,
        keep: int,
        gone: Sequence[int],
        raw: Mapping[str, Any] | None = None,
        *,
        take: Take | None = None,
        versions: Mapping[int, int] | None = None,
        origin: str = "api",
        strict: bool = True,
    ) -> Written:
        """Make several records one, in one change set.

        Args:
            raw: values the kept record takes over, by field.
            take: by field, the record whose value is taken over, or ``all``.
            versions: what was looked at, by record; refused where it changed since.

        Raises:
            Conflict: somebody changed one of them since.
        """
        away = list(dict.fromkeys(gone))

        def step(work: Work) -> Written:
            kind = _mergeable(entity_of(work.release, entity))
            if keep in away or not away:
                raise InvalidInput(message=_KEEP_ONE)
            rows = self.locked(work, entity, [keep, *away], "merge")
            check_open(work, kind, [keep, *away])
            for number, version in (versions or {}).items():
                if number in rows and rows[number]["version"] != version:
                    raise Conflict(_CHANGED)
            values = {**taken(work, kind, keep, rows, take or {}), **(raw or {})}
            work.open_change_set("merge")
            note_merge(work, kind, keep, away)
            merging.repoint(work, kind, keep, away)
            merging.bury(work, kind, keep, away)
            work.touch(entity, keep)
            move_comments(work, kind, keep, away)
            move_followers(work, kind, keep, away)
            written = self.update_in(
                work, entity, keep, values, None, strict=strict, also=("merge",)
            )
            row = work.rows[entity].read(work.connection, [keep])[keep]
            tell(work, kind, "merge", row, row, tuple(away))
            return written

        return self._run(principal, step, origin=origin)


def _mergeable(entity: Entity) -> Entity:
    """Return the entity, unless its records are what they are.

    Raises:
        InvalidInput: they are people, departments, or there is but one.
    """
    if entity.built_in or entity.single:
        raise InvalidInput(
            message=say(
                "{entity}: these records cannot be merged.",
                "{entity}：此类记录不能合并。",
                entity=entity.label,
            )
        )
    return entity


_HOW_MANY = say(
    "Choose 2 to {most} records to merge.", "请选择 2 到 {most} 条要合并的记录。", most=MOST
)
_KEEP_ONE = say(
    "Choose one record to keep and at least one other to merge into it.",
    "请选择一条要保留的记录，以及至少一条要并入的其他记录。",
)
_CHANGED = say(
    "Somebody changed one of these records after you opened this page. Nothing was merged; "
    "look at the values again.",
    "您打开此页之后，其中一条记录已被他人修改。本次没有合并，请重新核对各项内容。",
)
