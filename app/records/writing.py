"""The writing side of the door: the writer's methods, repeated once when the catalog changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO, Any, TypeVar

from app.access.principal import Principal
from app.records.attaching import Attachment
from app.records.batches import Outcome
from app.records.bulk import Tally
from app.records.chronicle import Line
from app.records.comments import Comment
from app.records.doings import Doing
from app.records.duplicates import Duplicate
from app.records.files import StoredFile
from app.records.saving import Written
from app.records.side_by_side import SideBySide
from app.records.work import Work
from app.records.writer import Writer

Result = TypeVar("Result")


class Writing:
    """What `Records` can do to records; see ``writer.Writer`` for what each promises."""

    writer: Writer

    def _asked(self, ask: Callable[[], Result]) -> Result:
        raise NotImplementedError

    def transact(self, principal: Principal, step: Callable[[Work], Result], **said: Any) -> Result:
        """Run *step* in one transaction of writes; see `Transactions.transact`."""
        return self._asked(lambda: self.writer.transact(principal, step, **said))

    def create(
        self, principal: Principal, entity: str, raw: Mapping[str, Any], **said: Any
    ) -> Written:
        """Write a new record; see `Writer.create`."""
        return self._asked(lambda: self.writer.create(principal, entity, raw, **said))

    def update(
        self,
        principal: Principal,
        entity: str,
        record_id: int,
        raw: Mapping[str, Any],
        **said: Any,
    ) -> Written:
        """Change a record; see `Writer.update`."""
        return self._asked(lambda: self.writer.update(principal, entity, record_id, raw, **said))

    def delete(
        self, principal: Principal, entity: str, ids: int | Iterable[int], **said: Any
    ) -> int:
        """Put records into the bin; see `Writer.delete`."""
        wanted = ids if isinstance(ids, int) else list(ids)
        return self._asked(lambda: self.writer.delete(principal, entity, wanted, **said))

    def restore(
        self, principal: Principal, entity: str, ids: int | Iterable[int], **said: Any
    ) -> int:
        """Take records out of the bin; see `Writer.restore`."""
        wanted = ids if isinstance(ids, int) else list(ids)
        return self._asked(lambda: self.writer.restore(principal, entity, wanted, **said))

    def purge(self, principal: Principal, entity: str, ids: Iterable[int], **said: Any) -> int:
        """Remove records from the bin for good; see `Writer.purge`."""
        wanted = list(ids)
        return self._asked(lambda: self.writer.purge(principal, entity, wanted, **said))

    def purge_old(self, entity: str, ids: Iterable[int]) -> int:
        """Remove what may go of old records in the bin; see `Removals.purge_old`."""
        wanted = list(ids)
        return self._asked(lambda: self.writer.purge_old(entity, wanted))

    def transfer(
        self,
        principal: Principal,
        entity: str,
        ids: Iterable[int],
        owner: int | None,
        **said: Any,
    ) -> int:
        """Give records to another owner; see `Writer.transfer`."""
        wanted = list(ids)
        return self._asked(lambda: self.writer.transfer(principal, entity, wanted, owner, **said))

    def share(
        self, principal: Principal, entity: str, record_id: int, users: Iterable[int], **said: Any
    ) -> None:
        """Share a record with people; see `Writer.share`."""
        people = list(users)
        self._asked(lambda: self.writer.share(principal, entity, record_id, people, **said))

    def unshare(
        self, principal: Principal, entity: str, record_id: int, users: Iterable[int]
    ) -> None:
        """Take a record back from people; see `Writer.unshare`."""
        people = list(users)
        self._asked(lambda: self.writer.unshare(principal, entity, record_id, people))

    def comment(
        self, principal: Principal, entity: str, record_id: int, text: str, **said: Any
    ) -> int:
        """Say something about a record; see `Writer.comment`."""
        return self._asked(lambda: self.writer.comment(principal, entity, record_id, text, **said))

    def comments(self, principal: Principal, entity: str, record_id: int) -> list[Comment]:
        """Return what was said about a record; see `Writer.comments`."""
        return self._asked(lambda: self.writer.comments(principal, entity, record_id))

    def followers(self, principal: Principal, entity: str, record_id: int) -> list[dict[str, Any]]:
        """Return who follows a record; see `Writer.followers`."""
        return self._asked(lambda: self.writer.followers(principal, entity, record_id))

    def follow(
        self, principal: Principal, entity: str, record_id: int, *, follows: bool = True
    ) -> None:
        """Follow a record, or no more; see `Writer.follow`."""
        self._asked(lambda: self.writer.follow(principal, entity, record_id, follows=follows))

    def team(self, principal: Principal, entity: str, record_id: int) -> list[dict[str, Any]]:
        """Return whom a record is shared with; see `Writer.team`."""
        return self._asked(lambda: self.writer.team(principal, entity, record_id))

    def merge(
        self,
        principal: Principal,
        entity: str,
        keep: int,
        gone: Sequence[int],
        raw: Mapping[str, Any] | None = None,
        **said: Any,
    ) -> Written:
        """Make several records one; see `Writer.merge`."""
        return self._asked(lambda: self.writer.merge(principal, entity, keep, gone, raw, **said))

    def side_by_side(
        self, principal: Principal, entity: str, ids: Sequence[int], keep: int | None = None
    ) -> SideBySide:
        """Return what records that are to become one hold; see `Writer.side_by_side`."""
        return self._asked(lambda: self.writer.side_by_side(principal, entity, ids, keep))

    def bulk(
        self, principal: Principal, entity: str, ids: Iterable[int], doing: Doing, **said: Any
    ) -> Tally:
        """Do one thing to many records, as one change set; see `Writer.bulk`."""
        wanted = list(ids)
        return self._asked(lambda: self.writer.bulk(principal, entity, wanted, doing, **said))

    def check_bulk(self, principal: Principal, entity: str, doing: Doing) -> None:
        """Refuse what could be done to no record at all; see `Writer.check_bulk`."""
        self._asked(lambda: self.writer.check_bulk(principal, entity, doing))

    def batch(
        self, principal: Principal, entity: str, operations: Sequence[Any], **said: Any
    ) -> list[Outcome]:
        """Do many writes in one transaction; see `Writer.batch`."""
        return self._asked(lambda: self.writer.batch(principal, entity, operations, **said))

    def find_duplicates(
        self,
        principal: Principal,
        entity: str,
        values: Mapping[str, Any],
        exclude: int | None = None,
        **said: Any,
    ) -> list[Duplicate]:
        """Return records that may be the same thing; see `Writer.find_duplicates`."""
        return self._asked(
            lambda: self.writer.find_duplicates(principal, entity, values, exclude, **said)
        )

    def duplicates_of(self, principal: Principal, entity: str, record_id: int) -> list[Duplicate]:
        """Return records that may be the same as one; see `Writer.duplicates_of`."""
        return self._asked(lambda: self.writer.duplicates_of(principal, entity, record_id))

    def history(self, principal: Principal, entity: str, record_id: int, **said: Any) -> list[Line]:
        """Return a record's history, the newest line first; see `Writer.history`."""
        return self._asked(lambda: self.writer.history(principal, entity, record_id, **said))

    def add_file(self, principal: Principal, stream: IO[bytes], name: str) -> StoredFile:
        """Keep an uploaded file; see `Writer.add_file`."""
        return self.writer.add_file(principal, stream, name)

    def sweep_files(self) -> int:
        """Remove files that nobody can reach; see `Writer.sweep_files`."""
        return self.writer.sweep_files()

    def attach(
        self, principal: Principal, entity: str, record_id: int, files: Sequence[int], **said: Any
    ) -> list[Attachment]:
        """Put uploaded files on a record; see `Writer.attach`."""
        return self._asked(lambda: self.writer.attach(principal, entity, record_id, files, **said))

    def detach(
        self, principal: Principal, entity: str, record_id: int, file_id: int, **said: Any
    ) -> None:
        """Take a file off a record; see `Writer.detach`."""
        self._asked(lambda: self.writer.detach(principal, entity, record_id, file_id, **said))

    def attachments(self, principal: Principal, entity: str, record_id: int) -> list[Attachment]:
        """Return the files on a record; see `Writer.attachments`."""
        return self._asked(lambda: self.writer.attachments(principal, entity, record_id))

    def get_file(self, principal: Principal, file_id: int) -> StoredFile:
        """Return a file the asker may read; see `Writer.get_file`."""
        return self._asked(lambda: self.writer.get_file(principal, file_id))
