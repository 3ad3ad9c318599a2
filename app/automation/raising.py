"""What happens to the installation and to no record, told to the rules that wait for it.

Whoever finds out (a backup, an exchange with another system) calls `raise_event`; rules write
`when: {on: backup failed}` and read what happened in `input.text`. A worker does the rest.
"""

from __future__ import annotations

from uuid import uuid4

from app.access.principal import SYSTEM
from app.automation.firings import Ended, Later, add_firings, add_tasks
from app.automation.index import index_of
from app.automation.registry import RuleNumbers
from app.automation.running import Firing
from app.automation.waking import wake
from app.definitions.automation import HAPPENINGS
from app.records.door import Records
from app.records.work import Work
from app.texts import Label


def raise_event(
    records: Records, numbers: RuleNumbers, kind: str, words: Label, key: str | None = None
) -> int:
    """Set off the rules that wait for something to happen; return how many do.

    Args:
        kind: one of ``HAPPENINGS``.
        words: what happened, in the first language of the company for the rules.
        key: the same key a second time sets nothing off.

    Raises:
        ValueError: there is no such kind.
    """
    if kind not in HAPPENINGS:
        raise ValueError(f"There is no event `{kind}`. There are: {', '.join(HAPPENINGS)}.")

    def step(work: Work) -> int:
        known = index_of(work).raised.get(kind, ())
        language = work.release.catalog.app.languages[0]
        occurrence = f"{kind}:{key or uuid4().hex}"
        firings = [
            Firing(
                id=0,
                rule=numbers.number(one.rule.name),
                digest=one.rule.digest,
                cause="event",
                occurrence=occurrence,
                happened_at=work.now,
                input={"input": {"text": words.in_language(language)}, "origin": "system"},
            )
            for one in known
        ]
        new = add_firings(work, [Ended(one, "due") for one in firings])
        add_tasks(work, [Later(row.firing.id, "", work.now) for row, _ in new])
        if new:
            wake(work.connection)
        return len(new)

    return records.transact(SYSTEM, step, origin="system")
