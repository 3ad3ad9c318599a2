"""The guard against rules that set each other off for ever.

A chain is at most eight rules deep, across transactions too; within it no rule meets a record
twice. A rule that meets one record again and again within a minute is stopped as well: that is how
a loop through another system looks from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from app.errors import RuleFailed
from app.texts import Label, say

#: So many rules may set each other off.
DEEPEST = 8
#: How often a rule may meet one record within a minute.
MOST_A_MINUTE = 60

#: One link of a chain: rule, entity (or none), record.
Link = tuple[str, str, int]


def link(rule: str, entity: str | None, record_id: int | None) -> Link:
    """Return the link of a rule that meets a record."""
    return (rule, entity or "", record_id or 0)


def as_links(stored: Iterable[Sequence[Any]]) -> tuple[Link, ...]:
    """Return a chain as the ledger keeps it."""
    return tuple((str(rule), str(entity), int(record)) for rule, entity, record in stored)


def met_before(chain: Sequence[Link], coming: Link) -> Label | None:
    """Return why a rule must not meet a record again, None where it may.

    Raises:
        RuleFailed: the chain is too deep.
    """
    if coming in chain:
        return say(
            "It has met this record already in this chain: {loop}.",
            "在这条链中它已经处理过这条记录：{loop}。",
            loop=loop_text([*chain[chain.index(coming) :], coming]),
        )
    if len(chain) >= DEEPEST:
        raise RuleFailed(
            say(
                "Rules set each other off more than {deepest} deep: {loop}. Nothing was saved; "
                "an administrator has to mend one of them.",
                "规则相互触发超过 {deepest} 层：{loop}。未保存任何内容，请管理员修正其中一条规则。",
                deepest=DEEPEST,
                loop=loop_text([*chain, coming]),
            ),
            rule=coming[0],
        )
    return None


def loop_text(chain: Sequence[Link]) -> str:
    """Return a chain for people: ``rule (customer 7) → other-rule (order 3)``."""
    return " → ".join(
        f"{rule} ({entity} {record})" if entity else rule for rule, entity, record in chain
    )


def too_often() -> Label:
    """Return why a rule that keeps meeting a record is stopped."""
    return say(
        "It met this record more than {most} times within a minute, as in a loop; it goes on after "
        "that.",
        "它在一分钟内处理这条记录超过 {most} 次，疑似循环；之后会继续。",
        most=MOST_A_MINUTE,
    )
