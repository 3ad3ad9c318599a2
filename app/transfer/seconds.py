"""The second records of rows whose first ones were made at once: a customer's contact, say.

A row goes in as a whole or not at all, so one whose second record is in doubt is named, and the
caller takes everything back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from app.records.work import Work
from app.transfer.at_once import AtOnce
from app.transfer.plans import link_between
from app.transfer.rows import Incoming
from app.transfer.values import ValueReader


class Unmade(Exception):
    """Some rows' second records could not be made at once."""

    def __init__(self, numbers: Iterable[int]) -> None:
        super().__init__()
        #: of those rows
        self.numbers = frozenset(numbers)


class Seconds:
    """Makes the second records of a chunk's rows."""

    def __init__(self, work: Work, entity: str) -> None:
        self._work = work
        self._entity = entity
        self._makers: dict[str, AtOnce] = {}

    def make(self, first: Mapping[int, Incoming]) -> dict[str, int]:
        """Make them; return how many of each entity there are.

        Args:
            first: rows by the ids of the records that were made of them.

        Raises:
            Unmade: with all rows some of whose records are in doubt.
        """
        counts: dict[str, int] = {}
        left: set[int] = set()
        for name in dict.fromkeys(name for one in first.values() for name in one.others):
            link = link_between(self._work.release.catalog, name, self._entity)
            assert link is not None
            wanted = []
            for record_id, one in first.items():
                if name in one.others:
                    second = Incoming(one.row)
                    second.values = {**one.others[name], link.name: record_id}
                    second.is_sound = True
                    wanted.append(second)
            made = self._maker(name).create(wanted)
            counts[name] = len(made)
            done = {one.row.number for one in made.values()}
            left |= {one.row.number for one in wanted} - done
        if left:
            raise Unmade(left)
        return counts

    def _maker(self, name: str) -> AtOnce:
        if name not in self._makers:
            entity = self._work.release.catalog.entities[name]
            values = ValueReader(entity, self._work.reading(strict=False))
            self._makers[name] = AtOnce(self._work, entity, values, {})
        return self._makers[name]
