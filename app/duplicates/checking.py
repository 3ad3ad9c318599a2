"""Asking by one word whether somebody or something is there already.

What is typed is taken for each of the fields by which the rules of `duplicates` compare, as if a
new record were saved with it. So it tells exactly what saving would: of a record the asker may not
see, only that there is one, and only where a rule would refuse. Each asking is noted in the audit,
and only so many an hour are heard: numbers cannot be tried one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.access.principal import Principal
from app.clock import Clock
from app.database import audit, system
from app.database.statements import Statement
from app.definitions.catalog import Entity, Field
from app.errors import Forbidden, Malformed, TooManyRequests
from app.records.checking import lock_for
from app.records.door import Records
from app.records.drafts import Draft, Problems, read_input
from app.records.duplicates import Duplicate, find_duplicates
from app.records.work import Work
from app.texts import say

#: How often one person is heard.
MOST, WINDOW = 60, timedelta(hours=1)
SHORTEST, LONGEST = 2, 200
KIND = "data.duplicates.checked"

_audit = system.audit
_asked = Statement(
    sa.select(sa.func.count(), sa.func.min(_audit.c.happened_at)).where(
        _audit.c.kind == KIND,
        _audit.c.user_id == sa.bindparam("user", type_=sa.BigInteger),
        _audit.c.happened_at > sa.bindparam("since", type_=sa.DateTime(timezone=True)),
    )
)


@dataclass(frozen=True, slots=True)
class Known:
    """A record that is there already; without ``id`` one the asker may not see."""

    #: whose rule it was found by, and that rule's field
    asked: str
    found: Duplicate

    def as_json(self) -> dict[str, Any]:
        """Return it as the API writes it."""
        one = self.found
        return {
            # Where a hidden one stands is not said: only what a save would say is.
            "entity": one.entity if one.id is not None else None,
            "id": one.id,
            "title": one.title,
            "asked": self.asked,
            "field": one.field,
            "same": one.same,
        }


class Checking:
    """Answers, notes and counts."""

    def __init__(self, records: Records, clock: Clock) -> None:
        """Take the door."""
        self._records, self._clock = records, clock

    def may_ask(self, principal: Principal) -> bool:
        """Return whether there is anything somebody may ask."""
        step = _askable
        return bool(self._records.transact(principal, step))

    def check(
        self, principal: Principal, text: str, *, origin: str = "api", address: str | None = None
    ) -> list[Known]:
        """Return what is there already that has what was typed, as far as the asker may know.

        Raises:
            Malformed: the text is too short or too long.
            Forbidden: the asker writes no records that are compared.
            TooManyRequests: the asker was heard often enough within the hour.
        """
        words = " ".join(text.replace("\x00", "").split())
        if not SHORTEST <= len(words) <= LONGEST:
            raise Malformed(
                say(
                    "Give a name, a telephone number or an e-mail address: at least {least} "
                    "characters, at most {most}.",
                    "请输入名称、电话或邮箱：至少 {least} 个字符，最多 {most} 个。",
                    least=SHORTEST,
                    most=LONGEST,
                )
            )

        def step(work: Work) -> list[Known]:
            entities = _askable(work)
            if not entities:
                raise Forbidden(
                    say(
                        "You write no records that are compared with others.",
                        "您没有可写入且需查重的记录。",
                    )
                )
            self._require_room(work)
            found = list(_known(work, entities, words))
            hidden = sum(one.found.id is None for one in found)
            audit.note(
                work.connection,
                KIND,
                user_id=work.user_id,
                address=address,
                details={"text": words, "found": len(found) - hidden, "hidden": hidden},
            )
            return found

        return self._records.transact(principal, step, origin=origin)

    def _require_room(self, work: Work) -> None:
        if work.user_id is None:
            return
        # Those who ask at the same moment are counted one after the other.
        lock_for(work, f"duplicates:{work.user_id}")
        now = self._clock.now()
        values = {"user": work.user_id, "since": now - WINDOW}
        number, first = next(iter(_asked.run(work.connection, values)))
        if number < MOST:
            return
        seconds = max(1, int((first + WINDOW - now).total_seconds()) + 1)
        raise TooManyRequests(
            say(
                "You have checked {most} times within an hour. Try again in {minutes} minutes.",
                "您一小时内已查重 {most} 次，请在 {minutes} 分钟后再试。",
                most=MOST,
                minutes=-(-seconds // 60),
            ),
            retry_after=seconds,
        )


def _askable(work: Work) -> list[Entity]:
    """Return the entities whose rules whoever asks would hear of on saving."""
    policy = work.policy
    return [
        one
        for one in work.release.catalog.entities.values()
        if one.duplicates and (policy.may("create", one.name) or policy.may("update", one.name))
    ]


def _known(work: Work, entities: list[Entity], words: str) -> Iterator[Known]:
    """Yield what is found, each once: by the first rule that found it."""
    seen: set[tuple[Any, ...]] = set()
    for entity in entities:
        values = dict(_typed(entity, words))
        draft = Draft(entity, work.reading(strict=False))
        # What is no telephone number is not looked for among them.
        read_input(draft, values, work.policy, work.reading(strict=False), Problems())
        for one in find_duplicates(work, entity, draft.changes, set(draft.changes)):
            # Of hidden ones there is one sentence for a field, however many rules say it.
            key = (one.entity, one.id) if one.id is not None else (None, entity.name, one.field)
            if key not in seen:
                seen.add(key)
                yield Known(entity.name, one)


def _typed(entity: Entity, words: str) -> Iterator[tuple[str, Any]]:
    """Yield what was typed as the value of each field that is compared."""
    for rule in entity.duplicates:
        for path in rule.same or (rule.similar or "",):
            name, _, part = path.partition(".")
            yield name, _as_value(entity.fields[name], part, words)


def _as_value(field: Field, part: str, words: str) -> Any:
    if part:
        return {part: words}
    key = getattr(field.type, "key", None)
    return [{key: words}] if key else words
