"""Pairs that hang together: what exists five times is one group, not ten pairs."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

#: Records of a group: so many are put side by side at once. What is beyond makes groups of its own.
LARGEST = 10


def grouped(pairs: Sequence[tuple[Hashable, Hashable]]) -> list[list[int]]:
    """Return the places of pairs by the group they belong to, in the order of the first of each.

    Pairs that come first are put together first.
    """
    members: dict[Hashable, set[Hashable]] = {}
    beyond: list[int] = []
    for place, (one, other) in enumerate(pairs):
        mine, theirs = members.setdefault(one, {one}), members.setdefault(other, {other})
        if mine is theirs:
            continue
        if len(mine) + len(theirs) > LARGEST:
            beyond.append(place)
            continue
        mine |= theirs
        members.update(dict.fromkeys(theirs, mine))
    found: dict[Hashable, list[int]] = {}
    alone = set(beyond)
    for place, (one, _) in enumerate(pairs):
        found.setdefault(("alone", place) if place in alone else id(members[one]), []).append(place)
    return list(found.values())
