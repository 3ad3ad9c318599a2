"""What applying takes beside a plan: what must be said with it, and who must agree.

`changes` of app.yaml says so, and the version that serves decides: nobody takes the rule away and
applies that alone. Who somebody is, and so whom they may agree for, is known to whoever calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.database.agreement_tables import config_agreement, config_proposal
from app.database.system import config_version
from app.definitions.names import label_from_name
from app.errors import PlanError
from app.texts import Label, join, say

#: The name among what must be said that the reason of an apply answers as well.
WHY = "why"


@dataclass(frozen=True, slots=True)
class Agreement:
    """Somebody's word for one entry of `confirm`."""

    entry: str
    by: str
    at: datetime
    user_id: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as a version keeps it."""
        return {"entry": self.entry, "by": self.by, "at": self.at.isoformat()}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a configuration stands that is to follow the one that serves."""

    fingerprint: str = ""
    base: int = 0
    confirm: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    said: Mapping[str, str] = field(default_factory=dict)
    proposed_by: str = ""
    agreed: tuple[Agreement, ...] = ()

    @property
    def asks(self) -> bool:
        """Whether anything is asked for at all."""
        return bool(self.confirm or self.needs)

    def unsaid(self, said: Mapping[str, str] | None = None) -> tuple[str, ...]:
        """Return what is still to be said, *said* taken in."""
        known = {**(said or {}), **self.said}
        return tuple(name for name in self.needs if not known.get(name, "").strip())

    @property
    def open(self) -> tuple[str, ...]:
        """The entries nobody agreed for yet."""
        done = {one.entry for one in self.agreed}
        return tuple(entry for entry in self.confirm if entry not in done)

    def sentences(self, said: Mapping[str, str] | None = None) -> list[Label]:
        """Return why it may not be applied yet; nothing where it may."""
        found = []
        unsaid = self.unsaid(said)
        if unsaid:
            found.append(
                say(
                    "To be said first: {names}.",
                    "请先说明：{names}。",
                    names=join(", ", [label_from_name(name) for name in unsaid]),
                )
            )
        if self.open:
            found.append(
                say(
                    "To be agreed to first: {entries}.",
                    "须先征得同意：{entries}。",
                    entries=", ".join(self.open),
                )
            )
        return found

    def refuse(self, said: Mapping[str, str]) -> None:
        """Refuse an apply that is not agreed to.

        Raises:
            PlanError: something is unsaid, or somebody did not agree.
        """
        sentences = self.sentences(said)
        if sentences:
            nothing = say("Nothing was changed.", "没有做任何更改。")
            raise PlanError(join("\n", [nothing, *sentences]))


def standing_of(connection: sa.Connection, fingerprint: str, base: int | None) -> Standing:
    """Return where a configuration stands; nothing is asked before the first version."""
    if base is None:
        return Standing(fingerprint)
    asked = connection.execute(
        sa.select(config_version.c.changes).where(config_version.c.number == base)
    ).scalar_one_or_none()
    if not asked:
        return Standing(fingerprint, base)
    proposal, given = config_proposal.c, config_agreement.c
    said = connection.execute(
        sa.select(proposal.said, proposal.proposed_by).where(
            proposal.fingerprint == fingerprint, proposal.base == base
        )
    ).one_or_none()
    agreed = connection.execute(
        sa.select(given.entry, given.agreed_by, given.agreed_at, given.user_id)
        .where(given.fingerprint == fingerprint, given.base == base)
        .order_by(given.agreed_at, given.entry)
    )
    confirm = tuple(asked.get("confirm", ()))
    return Standing(
        fingerprint,
        base,
        confirm,
        tuple(asked.get("needs", ())),
        dict(said.said) if said else {},
        said.proposed_by if said else "",
        tuple(Agreement(*row) for row in agreed if row.entry in confirm),
    )


def propose(
    connection: sa.Connection,
    standing: Standing,
    said: Mapping[str, str],
    who: str,
    user_id: int | None = None,
) -> None:
    """Keep what is said with a configuration; other words than before ask everybody anew."""
    words = {name: said.get(name, "").strip() for name in standing.needs}
    if words == dict(standing.said) and standing.proposed_by:
        return
    values = {"said": words, "proposed_by": who, "user_id": user_id}
    put = insert(config_proposal).values(
        fingerprint=standing.fingerprint, base=standing.base, **values
    )
    connection.execute(
        put.on_conflict_do_update(index_elements=["fingerprint", "base"], set_=values)
    )
    connection.execute(_given(standing))


def agree(
    connection: sa.Connection, standing: Standing, entry: str, who: str, user_id: int
) -> None:
    """Keep that somebody agrees for an entry; the first to do so counts."""
    connection.execute(
        insert(config_agreement)
        .values(
            fingerprint=standing.fingerprint,
            base=standing.base,
            entry=entry,
            agreed_by=who,
            user_id=user_id,
        )
        .on_conflict_do_nothing()
    )


def withdraw(connection: sa.Connection, standing: Standing, user_id: int) -> None:
    """Take back what somebody agreed to."""
    connection.execute(_given(standing).where(config_agreement.c.user_id == user_id))


def _given(standing: Standing) -> sa.Delete:
    return sa.delete(config_agreement).where(
        config_agreement.c.fingerprint == standing.fingerprint,
        config_agreement.c.base == standing.base,
    )
