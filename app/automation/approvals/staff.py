"""Who stands in for whom: deputies of absent people, managers, administrators."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from app.access.organisation import Snapshot
from app.automation.absences import away_now
from app.records.work import Work


@dataclass(frozen=True, slots=True)
class Asked:
    """A person who is to be asked, for whom, and why."""

    user_id: int
    for_user: int | None = None
    #: absent | inactive | submitter | admin
    reason: str | None = None
    #: away, and nobody stands in
    is_away: bool = False
    #: the submitter, who is not asked about the own record
    is_skipped: bool = False


class Staff:
    """The people as of now, asked as an approval asks them."""

    def __init__(self, work: Work) -> None:
        self._work = work

    @cached_property
    def _snapshot(self) -> Snapshot:
        return self._work.organisation.snapshot()

    @cached_property
    def _away(self) -> dict[int, int | None]:
        return dict(away_now(self._work))

    def is_active(self, user_id: int | None) -> bool:
        """Whether somebody works here."""
        person = self._snapshot.people.get(user_id) if user_id is not None else None
        return person is not None and person.active

    def is_away(self, user_id: int) -> bool:
        """Whether somebody is absent now."""
        return user_id in self._away

    def manager_of(self, user_id: int) -> int | None:
        """Return somebody's manager."""
        person = self._snapshot.people.get(user_id)
        return person.manager if person is not None else None

    def name_of(self, user_id: int | None) -> str:
        """Return what somebody is called."""
        person = self._snapshot.people.get(user_id) if user_id is not None else None
        return person.name if person is not None else ""

    def language_of(self, user_id: int) -> str:
        """Return the language somebody reads."""
        languages = self._work.release.catalog.app.languages
        person = self._snapshot.people.get(user_id)
        own = person.language if person is not None else None
        return own if own in languages else languages[0]

    def admins(self, *, but: int | None = None) -> list[int]:
        """Return the administrators; *but* only where there is no other."""
        roles = self._work.release.catalog.roles
        found = [
            person.id
            for person in self._snapshot.people.values()
            if person.active and any(roles[name].admin for name in person.roles if name in roles)
        ]
        return [one for one in found if one != but] or found

    def has_role(self, user_id: int, role: str) -> bool:
        """Whether somebody works here and has a role."""
        return self.is_active(user_id) and role in self._snapshot.people[user_id].roles

    def with_role(self, role: str) -> list[int]:
        """Return who has a role."""
        return [p.id for p in self._snapshot.people.values() if p.active and role in p.roles]

    def chain(self, user_id: int, levels: int) -> list[int]:
        """Return a person and the managers above, so many in all."""
        found = [user_id]
        while len(found) < levels:
            above = self.manager_of(found[-1])
            if above is None or above in found:
                break
            found.append(above)
        return found

    def stand_in(self, user_id: int, *, avoid: int | None = None) -> Asked | None:
        """Return who answers in somebody's place: often that very person.

        Who does not work here any more is answered for by the deputy or the manager, who is away
        by the deputy; *avoid*, the submitter, never answers. None where the line ends.
        """
        seen: set[int] = set()
        current: int | None = user_id
        reason: str | None = None
        while current is not None and current not in seen:
            seen.add(current)
            deputy = self._away.get(current)
            if deputy == avoid:
                deputy = None
            if not self.is_active(current):
                reason, current = reason or "inactive", deputy or self.manager_of(current)
            elif current == avoid:
                reason, current = reason or "submitter", self.manager_of(current)
            elif deputy is not None and deputy not in seen:
                reason, current = reason or "absent", deputy
            else:
                for_user = user_id if current != user_id else None
                return Asked(current, for_user, reason, is_away=current in self._away)
        return None
