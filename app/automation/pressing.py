"""Buttons over many records: each pressed or left out by itself, with the reason.

Nothing is kept here; `app.changes.pressing` has the runs, their marks and their change set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import errors as pg

from app.access.principal import Principal
from app.automation.buttons import is_for, no_button, not_yours, read_input
from app.automation.index import index_of
from app.automation.refused_buttons import ButtonsOfRecords
from app.errors import Forbidden, NotFound, TrellisError
from app.records.bulk import Reason, Skipped, Tally, as_label
from app.records.checking import visible_ids
from app.records.savepoints import savepoint
from app.records.transactions import entity_of
from app.records.work import Work


class ButtonsOfLists(ButtonsOfRecords):
    """Buttons, pressed for many records at once."""

    def check_press(
        self,
        principal: Principal,
        entity: str,
        ids: Sequence[int],
        rule: str,
        raw: Mapping[str, Any],
        *,
        strict: bool,
    ) -> None:
        """Refuse before the first record what could be done for none of them.

        Whether a record is among those a picker offers depends on the one at hand; that is asked
        for each.

        Raises:
            NotFound: there is no such button.
            Forbidden: it is for others.
            InvalidInput: something that is asked for is missing or wrong.
        """

        def step(work: Work) -> None:
            kind = entity_of(work.release, entity)
            known = next(
                (one for one in index_of(work).buttons.get(entity, []) if one.rule.name == rule),
                None,
            )
            if known is None:
                raise no_button(kind, rule)
            may_update = work.policy.may("update", entity)
            if not is_for(known.rule, entity, principal, may_update=may_update):
                raise not_yours()
            first = next(iter(visible_ids(work, entity, ids)), None)
            if first is None:
                return
            row = work.rows[entity].read(work.connection, [first])[first]
            bare = self._run(work, known, kind, row, "", {})
            read_input(work, known.when.ask, raw, bare.evaluate, lambda *_: True, strict=strict)

        self._records.transact(principal, step)

    def press_in(
        self,
        work: Work,
        entity: str,
        ids: Sequence[int],
        rule: str,
        raw: Mapping[str, Any],
        *,
        key: str,
        strict: bool,
    ) -> Tally:
        """Press a button for each of some records within a transaction; say what became of them.

        Args:
            key: records it was pressed for under this key already are left as they are.
        """
        tally = Tally(change_set=work.open_change_set("button"))
        for number in ids:
            try:
                with savepoint(work):
                    pressed = self._press(work, entity, number, rule, raw, key, strict=strict)
            except (TrellisError, pg.IntegrityError) as error:
                tally.skipped.append(_left_out(work, entity, number, error))
                continue
            tally.changed += not pressed.repeated
            tally.unchanged += pressed.repeated
        return tally


def _left_out(
    work: Work, entity: str, number: int, error: TrellisError | pg.IntegrityError
) -> Skipped:
    if isinstance(error, NotFound):
        return Skipped(entity, number, "gone", (Reason(as_label(error.message)),))
    if isinstance(error, Forbidden):
        return Skipped(entity, number, "right", (Reason(as_label(error.message)),))
    found: Skipped = work.writer.refused(work, entity, number, error)
    return found
