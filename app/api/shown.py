"""The answer to a write: the record as it stands now, read with the COMMIT of the write."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from app.access.principal import Principal
from app.api import repeats
from app.api.requests import services
from app.errors import NotFound
from app.records.results import JSONRecord
from app.records.saving import Written
from app.records.showing import Showing
from app.records.work import Work


class Shown:
    """The record that is being written, read with the COMMIT of the write."""

    def __init__(self, principal: Principal, entity: str) -> None:
        self._principal, self._entity = principal, entity
        self._showing: Showing | None = None

    def by(self, receipt: repeats.Receipt) -> Callable[[Work, Written], None]:
        """Return what leaves the receipt, if one is wanted, and has the record read."""

        def leave(work: Work, written: Written) -> None:
            if receipt is not None:
                receipt(work, written)
            # Who may write, but not read, is told the number alone.
            with suppress(NotFound):
                self._showing = services().records.showing(self._principal, self._entity)
                self._showing.ask(work, written.id)

        return leave

    @property
    def record(self) -> JSONRecord | None:
        """What was read; None where nothing was written."""
        return self._showing.record if self._showing else None
