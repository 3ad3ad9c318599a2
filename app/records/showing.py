"""A record as the API writes it: the answer of a statement, alone or with the COMMIT of a write."""

from __future__ import annotations

from typing import Any

from psycopg.pq.abc import PGresult

from app.records.prepared import PreparedStatement
from app.records.results import JSONRecord
from app.records.work import Work


class Showing:
    """A record as whoever writes it may read it, asked for in the write's own transaction.

    A question by itself afterwards would cost both sides as much as the insert.
    """

    def __init__(self, statement: PreparedStatement, values: dict[str, Any]) -> None:
        self._statement = statement
        self._values = values
        #: None: not asked for, or not to be read
        self.record: JSONRecord | None = None

    def ask(self, work: Work, record_id: int) -> None:
        """Have the record be read when *work* commits."""
        values = {**self._values, "id": record_id}
        self._statement.part(work.connection, values, self._take)

    def _take(self, result: PGresult) -> None:
        self.record = json_record(result)


def json_record(result: PGresult) -> JSONRecord | None:
    """Return the record of an answer; None where there is none."""
    if result.ntuples == 0:
        return None
    row, version = result.get_value(0, 0), result.get_value(0, 1)
    assert row is not None
    return JSONRecord(row, None if version is None else int(version))
