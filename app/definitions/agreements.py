"""Who must agree before an apply: `changes` of app.yaml.

Only people who are the same whatever the record can be named; who they are is asked elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.definitions.automation import Person
from app.definitions.document import Document, problem_at
from app.definitions.problems import Code, Problem, did_you_mean, nearest

_KINDS = ("role", "user", "department")


def confirmer(entry: str) -> Person | None:
    """Return whom an entry of `confirm` means; None where it names nobody."""
    kind, _, name = entry.strip().partition(" ")
    if kind not in _KINDS or not name.strip():
        return None
    return Person(kind, name.strip(), text=entry)  # type: ignore[arg-type]


def check_confirmers(
    document: Document | None, changes: Mapping[str, Any], roles: Mapping[str, object]
) -> list[Problem]:
    """Return the entries that name nobody."""
    problems: list[Problem] = []
    for index, entry in enumerate(changes.get("confirm", ()) if document else ()):
        assert document is not None
        where = document.spot.at_value(("changes", "confirm", index))
        person = confirmer(entry)
        if person is None:
            problems.append(
                problem_at(
                    Code.bad_value,
                    where,
                    f"`{entry}` names nobody.",
                    "Write `role NAME`, `user NAME` or `department NAME`.",
                )
            )
        elif person.kind == "role" and person.name not in roles:
            close = nearest(person.name, roles)
            problems.append(
                problem_at(
                    Code.unknown_role,
                    where,
                    f"`{person.name}` is not a role.",
                    did_you_mean(close, roles, "Roles"),
                    close,
                )
            )
    return problems
