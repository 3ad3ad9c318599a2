"""Records that change hands: transferred, shared, and what people say and follow beside them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from app.access.principal import Principal
from app.errors import Forbidden, NotFound
from app.records import sharing, transferring
from app.records.checking import closed_ids, visible_ids
from app.records.comments import Comment, add_comment, comments_of
from app.records.followers import follow, followers_of, unfollow
from app.records.merges import Merges
from app.records.reactions import tell
from app.records.transactions import entity_of
from app.records.work import Work
from app.texts import say

_CLOSED = say(
    "Claim it first: comments on what lies in this public sea are for those who look after it.",
    "请先领取：公海中这条记录的评论仅公海管理员可见。",
)


class Handovers(Merges):
    """Gives records to others."""

    def transfer(
        self,
        principal: Principal,
        entity: str,
        ids: Iterable[int],
        owner: int | None,
        *,
        along: Iterable[str] = (),
        origin: str = "api",
        note: str | None = None,
    ) -> int:
        """Give records to another owner, and what hangs on them by the links in *along*."""
        wanted = list(ids)

        def step(work: Work) -> int:
            return self.transfer_in(work, entity, wanted, owner, along)

        return self._run(principal, step, origin=origin, note=note)

    def transfer_in(
        self, work: Work, entity: str, ids: list[int], owner: int | None, along: Iterable[str] = ()
    ) -> int:
        """Transfer within a transaction; see `transfer`."""
        self.locked(work, entity, ids, "transfer")
        work.open_change_set("transfer")
        kind = entity_of(work.release, entity)
        return transferring.transfer_with_cascade(work, kind, ids, owner, along)

    def share(
        self,
        principal: Principal,
        entity: str,
        record_id: int,
        users: Iterable[int],
        *,
        may_edit: bool = False,
        until: datetime | None = None,
    ) -> None:
        """Share a record with people, to read or to edit, until a day or for good."""
        people = list(users)

        def step(work: Work) -> None:
            self.share_in(work, entity, record_id, people, may_edit=may_edit, until=until)

        self._run(principal, step)

    def share_in(
        self,
        work: Work,
        entity: str,
        record_id: int,
        users: list[int],
        *,
        may_edit: bool = False,
        until: datetime | None = None,
    ) -> None:
        """Share within a transaction; see `share`."""
        row = self.locked(work, entity, [record_id], "share")[record_id]
        for user in users:
            transferring.check_new_owner(work, user, "users")
        kind = entity_of(work.release, entity)
        before = {each["user_id"] for each in sharing.team_of(work, kind, record_id)}
        sharing.share_with(work, kind, record_id, users, may_edit=may_edit, until=until)
        work.shares_changed()
        new = [each for each in dict.fromkeys(users) if each not in before]
        if new:
            said = {"users": new, "edit": may_edit, "until": until}
            tell(work, kind, "share", row, row, said=said)

    def unshare(
        self, principal: Principal, entity: str, record_id: int, users: Iterable[int]
    ) -> None:
        """Take a record back from people it was shared with."""
        people = list(users)
        self._run(principal, lambda work: self.unshare_in(work, entity, record_id, people))

    def unshare_in(self, work: Work, entity: str, record_id: int, users: list[int]) -> None:
        """Take a record back within a transaction; see `unshare`."""
        self.locked(work, entity, [record_id], "share")
        sharing.unshare_with(work, entity_of(work.release, entity), record_id, users)
        work.shares_changed()

    def comment(
        self, principal: Principal, entity: str, record_id: int, text: str, *, origin: str = "api"
    ) -> int:
        """Say something about a record; return the comment's id.

        Raises:
            NotFound: it may not be read.
            Forbidden: it lies in a public sea that shows little of it.
            InvalidInput: there is no text, or too much of it.
        """

        def step(work: Work) -> int:
            self.locked(work, entity, [record_id], "read")
            if closed_ids(work, entity, [record_id]):
                raise Forbidden(_CLOSED)
            return add_comment(work, entity_of(work.release, entity), record_id, text)

        return self._run(principal, step, origin=origin)

    def comments(self, principal: Principal, entity: str, record_id: int) -> list[Comment]:
        """Return what was said about a record, the newest first.

        Raises:
            NotFound: it may not be read.
        """

        def step(work: Work) -> list[Comment]:
            if not visible_ids(work, entity, [record_id]):
                raise NotFound
            if closed_ids(work, entity, [record_id]):
                return []
            return comments_of(work, entity_of(work.release, entity), record_id)

        return self._run(principal, step)

    def followers(self, principal: Principal, entity: str, record_id: int) -> list[dict[str, Any]]:
        """Return who follows a record: ``user_id added_by rule since until``.

        Raises:
            NotFound: it may not be read.
        """

        def step(work: Work) -> list[dict[str, Any]]:
            if not visible_ids(work, entity, [record_id]):
                raise NotFound
            return followers_of(work, entity_of(work.release, entity), record_id)

        return self._run(principal, step)

    def follow(
        self, principal: Principal, entity: str, record_id: int, *, follows: bool = True
    ) -> None:
        """Have the principal follow a record, or follow it no more.

        Raises:
            NotFound: it may not be read.
        """

        def step(work: Work) -> None:
            if principal.user_id is None or not visible_ids(work, entity, [record_id]):
                raise NotFound
            act = follow if follows else unfollow
            act(work, entity_of(work.release, entity), record_id, [principal.user_id])

        self._run(principal, step)

    def team(self, principal: Principal, entity: str, record_id: int) -> list[dict[str, Any]]:
        """Return whom a record is shared with: ``user_id may_edit until shared_by``.

        Raises:
            NotFound: it may not be read.
        """

        def step(work: Work) -> list[dict[str, Any]]:
            if not visible_ids(work, entity, [record_id]):
                raise NotFound
            return sharing.team_of(work, entity_of(work.release, entity), record_id)

        return self._run(principal, step)
