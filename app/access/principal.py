"""Who is asking: a person with roles and a place in the organisation, or the system itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Principal:
    """One asker, as of one revision of the organisation.

    A principal without roles has no rows. ``user_ids`` in the sets below are ids of ``crm.user``
    (equal to FAB's user ids); they hold what a scope means for this person, worked out once.
    """

    user_id: int | None
    name: str = ""
    roles: frozenset[str] = frozenset()
    is_system: bool = False
    is_admin: bool = False
    language: str = "en"
    time_zone: str = "UTC"
    department: int | None = None
    #: this person and everybody below, at any depth
    subordinates: tuple[int, ...] = ()
    #: the departments of scope ``department`` and ``department_tree``
    departments: tuple[int, ...] = ()
    department_tree: tuple[int, ...] = ()
    #: the person's own record, for ``my.`` in expressions
    my: Mapping[str, Any] = field(default_factory=dict)
    #: numbers of the entities of which some record is shared with this person
    shared: frozenset[int] = frozenset()
    #: pools this person may look into, and those among them the person looks after
    pools: tuple[str, ...] = ()
    pools_kept: tuple[str, ...] = ()

    @property
    def role_key(self) -> tuple[str, ...]:
        """The roles in a fixed order: the part of a cache key that stands for what may be done."""
        return tuple(sorted(self.roles))


#: Jobs and migrations act as the system; it sees and may do everything, and history names it.
SYSTEM = Principal(user_id=None, name="system", is_system=True, is_admin=True)

#: Nobody: no rows, no rights.
NOBODY = Principal(user_id=None)
