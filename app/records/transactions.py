"""The transaction every write happens in, and the locks and rights it begins with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from psycopg import errors as pg

from app.access.policy import Policies
from app.access.principal import Principal
from app.clock import Clock
from app.database.release import Release
from app.definitions.catalog import Entity
from app.errors import Forbidden, NotFound, RuleFailed
from app.records import derived
from app.records.checking import allowed_ids
from app.records.drafts import Draft
from app.records.files import FileStore
from app.records.reactions import NoReactions, Reactions
from app.records.rows import RowStatements
from app.records.saving import Written
from app.records.statements import Statement, transaction
from app.records.violations import as_input_error
from app.records.work import Result, Shared, Work, in_transaction
from app.texts import say


class Hooks(Protocol):
    """The plugin hooks of a save; see ``hookspecs``."""

    def before_save(self, record: Draft, principal: Principal, is_new: bool) -> None: ...
    def after_save(self, record: Written, principal: Principal, is_new: bool) -> None: ...


class NoHooks:
    """Nobody listens."""

    #: whether anybody does; hooks that do not say count as such
    listens = False

    def before_save(self, record: Draft, principal: Principal, is_new: bool) -> None:
        """Do nothing."""

    def after_save(self, record: Written, principal: Principal, is_new: bool) -> None:
        """Do nothing."""


class Prepared:
    """What is compiled once for a release: statements and conditions."""

    def __init__(self, release: Release) -> None:
        self.release = release
        self.rows = RowStatements(release)
        self.policies = Policies(release.catalog)


class Transactions:
    """What every writing method stands on."""

    def __init__(
        self,
        pools: Any,
        live: Any,
        organisation: Any,
        clock: Clock,
        hooks: Hooks | None = None,
        files: FileStore | None = None,
        reactions: Reactions | None = None,
    ) -> None:
        self._files = files or FileStore(Path("var"))
        self._reactions = reactions or NoReactions()
        self._pools = pools
        self._live = live
        self._organisation = organisation
        self._clock = clock
        self._hooks = hooks or NoHooks()
        self._prepared: Prepared | None = None

    def _for(self, release: Release) -> Prepared:
        prepared = self._prepared
        if prepared is None or prepared.release is not release:
            prepared = self._prepared = Prepared(release)
        return prepared

    @property
    def files(self) -> FileStore:
        """Where the contents of files are."""
        return self._files

    @contextmanager
    def _work(
        self, principal: Principal, *, change_set: int | None = None, **said: Any
    ) -> Iterator[Work]:
        """Open a transaction on the current release; roll-ups are settled before it commits."""
        release = self._live.release
        prepared = self._for(release)
        with self._pools.write.connection() as connection, transaction(connection):
            work = Work(
                connection=connection,
                release=release,
                rows=prepared.rows,
                organisation=self._organisation,
                principal=principal,
                policy=prepared.policies.of(principal),
                now=self._clock.now(),
                count=self._count,
                shared=Shared(change_set),
                reactions=self._reactions,
                policies=prepared.policies,
                writer=self,
                **{name: value for name, value in said.items() if value is not None},
            )
            yield work
            close(work)
        for call in work.after:
            call()

    def _count(self, statement: Statement, values: dict[str, Any]) -> int:
        """Take the next number of a counter, on a connection that commits at once."""
        with self._pools.numbers.connection() as connection:
            row = statement.run(connection, values).fetchone()
        assert row is not None
        return int(row[0])

    def transact(self, principal: Principal, step: Callable[[Work], Result], **said: Any) -> Result:
        """Run *step* in a transaction of its own, as every write is run; see `Acting`.

        Args:
            said: ``origin``, ``cause`` and ``behalf`` of the `Work`.
        """
        return self._run(principal, step, **said)

    def _run(self, principal: Principal, step: Callable[[Work], Result], **said: Any) -> Result:
        """Run *step* in a transaction, again after a deadlock; broken constraints are sentences."""

        def once() -> Result:
            with self._work(principal, **said) as work:
                return step(work)

        try:
            return in_transaction(once)
        except RuleFailed as error:
            self._reactions.failed(error)
            raise
        except pg.IntegrityError as error:
            raise as_input_error(error, self._live.release) from error

    def locked(
        self,
        work: Work,
        name: str,
        ids: Iterable[int],
        right: str,
        *,
        deleted: bool = False,
        whole: bool = False,
    ) -> dict[int, dict[str, Any]]:
        """Lock records and return their rows, once it is sure that *right* holds for each.

        With *whole*, nobody can link to them until the end of the transaction.

        Raises:
            NotFound: one is not there, or may not be read.
            Forbidden: one may be read, but the right does not hold for it.
        """
        entity_of(work.release, name)
        wanted = sorted(set(ids))
        rows = work.rows[name].lock(work.connection, wanted, whole=whole)
        present = {
            number: row
            for number, row in rows.items()
            if (row.get("deleted_at") is not None) == deleted
        }
        readable = allowed_ids(work, name, present, deleted=deleted)
        allowed = allowed_ids(work, name, present, right, deleted=deleted)
        if set(wanted) - readable:
            raise NotFound
        if set(wanted) - allowed:
            raise Forbidden(work.policy.why(right, name))
        return rows


def close(work: Work) -> None:
    """Work out what was touched and call what waits for that, until all is at rest."""
    derived.settle(work)
    closing = work.shared.closing
    while closing:
        closing.pop(0)()
        derived.settle(work)


def entity_of(release: Release, name: str) -> Entity:
    """Return an entity whose records stand on their own.

    Raises:
        NotFound: there is none of that name.
    """
    entity = release.catalog.entities.get(name)
    if entity is None or entity.lines_of is not None:
        raise NotFound(say("There is no entity {name}.", "没有名为 {name} 的实体。", name=name))
    return entity
