"""The numbers of rules, approvals and what pools do by themselves.

Rows of ``trellis.rule`` are written when a catalog becomes live; everything that happens names its
rule by number, so that a rename touches one row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.database.automation_tables import rule as rule_table


@dataclass(frozen=True, slots=True)
class Registered:
    """A rule as the database knows it."""

    number: int
    name: str
    #: the version in force; None for one that was removed
    digest: str | None


class RuleNumbers:
    """Which number a rule has, read once and again when somebody asks for one that is new."""

    def __init__(self, pools: Any) -> None:
        """Take the pools of the process."""
        self._pools = pools
        self._by_name: Mapping[str, Registered] = {}
        self._by_number: Mapping[int, Registered] = {}
        self._version = -1

    def number(self, name: str) -> int:
        """Return a rule's number.

        Raises:
            KeyError: no catalog with this rule has become live.
        """
        return self.registered(name).number

    def registered(self, name: str) -> Registered:
        """Return what the database knows of a rule, by its name."""
        found = self._by_name.get(name)
        if found is None:
            self.forget()
            self._read()
            found = self._by_name[name]
        return found

    def name(self, number: int) -> str | None:
        """Return the name of the rule with a number, also of one that was removed."""
        found = self._by_number.get(number)
        if found is None:
            self._read()
            found = self._by_number.get(number)
        return found.name if found is not None else None

    def for_version(self, version: int) -> RuleNumbers:
        """Return these numbers, read anew if they were read for another version of the catalog."""
        if version != self._version:
            self._read()
            self._version = version
        return self

    def forget(self) -> None:
        """Read anew with the next question: a catalog has become live."""
        self._by_name, self._by_number = {}, {}

    def _read(self) -> None:
        columns = (rule_table.c.number, rule_table.c.name, rule_table.c.digest)
        with self._pools.engine.connect() as connection:
            found = [Registered(*row) for row in connection.execute(sa.select(*columns))]
        # By value and not bit by bit: other threads read meanwhile.
        self._by_number = {each.number: each for each in found}
        self._by_name = {each.name: each for each in found}
