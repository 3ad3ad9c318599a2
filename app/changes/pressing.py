"""A button of a rule pressed for many records, as a run like any other change of many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from app.access.principal import Principal
from app.changes import statements
from app.changes.run import Chosen, Run
from app.changes.runs import Runs
from app.records.bulk import Tally
from app.records.statements import json_text
from app.records.work import Work

#: What such a run and its change set are called.
KIND = "button"
#: A button may make records and set off others, so fewer of them are one transaction.
CHUNK = 50
#: Up to so many are done while whoever pressed waits.
AT_ONCE = 100


class Press(Protocol):
    """Who presses buttons; see `automation.pressing`, which this room does not know."""

    def check_press(
        self, principal: Principal, entity: str, ids: Sequence[int], rule: str,
        raw: Mapping[str, Any], *, strict: bool,
    ) -> None: ...  # fmt: skip

    def press_in(
        self, work: Work, entity: str, ids: Sequence[int], rule: str, raw: Mapping[str, Any],
        *, key: str, strict: bool,
    ) -> Tally: ...  # fmt: skip


class Pressing(Runs):
    """Runs that press a button."""

    def __init__(self, *doors: Any, buttons: Press | None = None) -> None:
        super().__init__(*doors)
        self._buttons = buttons

    def press(
        self,
        principal: Principal,
        entity: str,
        chosen: Chosen,
        rule: str,
        raw: Mapping[str, Any],
        *,
        key: str | None = None,
        strict: bool = True,
        origin: str = "api",
        note: str | None = None,
        at_once: int = AT_ONCE,
    ) -> Run:
        """Press a button for the chosen records; return the run as `bulk` does.

        Args:
            raw: what the button asks, told to each.
            key: pressed twice under one key, the second run leaves everything as it is.

        Raises:
            NotFound: there is no such entity, or no such button.
            Forbidden: the button is for others.
            InvalidInput: something that is asked for is missing or wrong, or none is chosen.
            Malformed: the filter cannot be read.
        """
        assert self._buttons is not None
        ids = self._ids(principal, entity, chosen)
        self._buttons.check_press(principal, entity, ids, rule, raw, strict=strict)
        doing = {"rule": rule, "input": dict(raw), "key": key, "strict": strict}
        values = {
            "kind": KIND,
            "entity": entity,
            "user": principal.user_id,
            "origin": origin,
            "note": note,
            "doing": json_text(doing),
            "ids": ids,
            "entities": None,
            "total": len(ids),
        }
        return self.begin(principal, values, at_once)

    def size_of(self, run: Run) -> int:
        """Return how many records of a run are done in one transaction."""
        return CHUNK if run.kind == KIND else super().size_of(run)

    def do(self, work: Work, run: Run, ids: list[int], entities: list[int]) -> Tally:
        """Do the next records of a run within a transaction."""
        if run.kind != KIND:
            return super().do(work, run, ids, entities)
        assert self._buttons is not None
        assert run.entity is not None
        doing, begun = run.doing, work.change_set
        tally = self._buttons.press_in(
            work, run.entity, ids, doing["rule"], doing["input"],
            key=doing["key"] or f"run:{run.id}", strict=doing["strict"],
        )  # fmt: skip
        if begun is None:
            # A button that only tells people, or begins an approval, leaves nothing to take back.
            empty = statements.forget_empty.run(work.connection, {"change_set": work.change_set})
            if empty.rowcount:
                work.shared.change_set = None
        return tally
