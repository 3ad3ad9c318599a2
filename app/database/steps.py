"""How each kind of operation is done: short transactions for locks, batches for rows.

Every function here may be called again after it was broken off at any point, by another process,
and then does what is left. Which operations there are, and in what order, is ``apply``'s business.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa
from psycopg import errors as pg
from psycopg import sql

from app.database import ddl
from app.database.naming import constraint_name
from app.database.operations import (
    AddCheck,
    AddForeignKey,
    BuildIndex,
    ConvertInPlace,
    DropEntity,
    DropField,
    DropIndexes,
    Operation,
    RenameOptions,
    Require,
    SetDefault,
    Validate,
)
from app.database.system import counter, dirty, search, share
from app.database.system import entity as entity_table
from app.errors import PlanError
from app.texts import Label, say

#: How long a lock may be waited for, since everybody else waits behind us meanwhile.
LOCK_MILLISECONDS = 100
#: How long a step is tried again before the apply gives up.
PATIENCE_SECONDS = 30.0
#: Rows written in one transaction; a writer that hits one of them waits for the rest.
BATCH = 5_000

_T = TypeVar("_T")


class StepProblem(Exception):
    """A step cannot be done now; what was done before it stands, and it is tried again later."""

    def __init__(self, sentence: Label) -> None:
        """Keep the sentence in every language."""
        self.sentence = sentence
        super().__init__(str(sentence))


class Session:
    """The one connection of an apply; it also holds the lock, so lock and work end together."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Open a transaction that gives up quickly when somebody holds a lock it needs."""
        self.connection.commit()
        self.connection.execution_options(isolation_level="READ COMMITTED")
        try:
            with self.connection.begin():
                ddl.run(self.connection, ddl.local_lock_timeout(LOCK_MILLISECONDS))
                yield self.connection
        finally:
            if not self.connection.closed and not self.connection.invalidated:
                self.connection.execution_options(isolation_level="AUTOCOMMIT")

    def briefly(self, work: Callable[[sa.Connection], _T]) -> _T:
        """Do *work* in a short transaction, again and again until it gets its locks.

        Raises:
            PlanError: somebody holds a lock for longer than our patience.
        """
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                with self.transaction() as connection:
                    return work(connection)
            except sa.exc.OperationalError as error:
                if not isinstance(error.orig, pg.LockNotAvailable | pg.DeadlockDetected):
                    raise
                if time.monotonic() > give_up_at:
                    raise PlanError(
                        say(
                            "A table was in use all the time: somebody holds a lock on it. Find "
                            "the long transaction in pg_stat_activity, end it, and apply again.",
                            "数据表一直被占用：有人持有它的锁。请在 pg_stat_activity "
                            "中找到那个长事务，结束它，然后重新应用。",
                        )
                    ) from error
            # Jitter, so that we do not meet the same regular writer each time.
            time.sleep(random.uniform(0.02, 0.15))  # noqa: S311

    def loose(self, statement: sql.Composable) -> None:
        """Run a statement that may not stand in a transaction."""
        ddl.run(self.connection, statement)
        self.connection.commit()


Mark = Callable[[sa.Connection, int], None]


def in_batches(
    session: Session,
    table: str,
    sets: Sequence[tuple[str, str]],
    condition: str,
    *,
    after: int = 0,
    mark: Mark | None = None,
    pause: Callable[[], None] = lambda: None,
) -> None:
    """Set columns (name, SQL) where *condition* (SQL) holds, some thousand ids at a time."""
    while True:
        last = session.briefly(partial(_last_id, table=table, after=after))
        if last is None:
            return
        batch = partial(
            _one_batch,
            table=table,
            sets=sets,
            condition=condition,
            after=after,
            last=last,
            mark=mark,
        )
        session.briefly(batch)
        after = last
        pause()


def _columns(table: str, *names: str) -> sa.TableClause:
    columns: list[sa.ColumnClause[Any]] = [
        sa.column(sa.quoted_name(name, quote=True)) for name in names
    ]
    return sa.table(table, sa.column("id", sa.BigInteger()), *columns, schema=ddl.SCHEMA)


def _last_id(connection: sa.Connection, table: str, after: int) -> int | None:
    rows = _columns(table)
    some = sa.select(rows.c.id).where(rows.c.id > after).order_by(rows.c.id).limit(BATCH)
    query = sa.select(sa.func.max(some.subquery().c.id))
    last: int | None = connection.execute(query).scalar_one()
    return last


def _one_batch(
    connection: sa.Connection,
    table: str,
    sets: Sequence[tuple[str, str]],
    condition: str,
    after: int,
    last: int,
    mark: Mark | None,
) -> None:
    rows = _columns(table, *(name for name, _ in sets))
    values: dict[str, Any] = {name: sa.literal_column(f"({text})") for name, text in sets}
    here = sa.and_(rows.c.id > after, rows.c.id <= last, sa.literal_column(f"({condition})"))
    # Locked in the order of their ids, as every other writer does it.
    locked = sa.select(rows.c.id).where(here).order_by(rows.c.id).with_for_update(key_share=True)
    wanted = connection.execute(locked).scalars().all()
    if wanted:
        chosen = rows.c.id == sa.any_(sa.literal(list(wanted), sa.ARRAY(sa.BigInteger)))
        connection.execute(sa.update(rows).where(chosen).values(values))
    if mark is not None:
        mark(connection, last)


# -- what is done outside the transaction that makes the catalog live ------------------------------


def perform(session: Session, operation: Operation) -> None:
    """Do an operation of the phases ``after`` and ``drop``, and building unique rules.

    Raises:
        StepProblem: rows stand in its way.
    """
    kinds: dict[type, Callable[[Session, Any], None]] = {
        ConvertInPlace: _convert_in_place,
        RenameOptions: rename_options,
        SetDefault: _set_default,
        Require: _require,
        AddCheck: _add_check,
        Validate: _validate,
        DropIndexes: _drop_indexes,
        DropField: _drop_field,
        DropEntity: _drop_entity,
    }
    for kind, work in kinds.items():
        if isinstance(operation, kind):
            work(session, operation)
            return
    if isinstance(operation, BuildIndex):
        _build_index(session, operation)
    elif isinstance(operation, AddForeignKey):
        session.briefly(lambda connection: add_foreign_key(connection, operation))


def _build_index(session: Session, operation: BuildIndex) -> None:
    if operation.rebuild or _index_is_valid(session, operation.name) is False:
        session.loose(ddl.drop_index(operation.name, concurrently=True))
    elif _index_is_valid(session, operation.name):
        return
    try:
        session.loose(ddl.create_index(operation, concurrently=True))
    except sa.exc.IntegrityError as error:
        session.loose(ddl.drop_index(operation.name, concurrently=True))
        raise StepProblem(
            say(
                "{name}: two records got the same value while the unique rule was being built. Run "
                "`trellis plan` to see which.",
                "{name}：建立唯一规则期间，有两条记录填了相同的值。"
                "请运行 `trellis plan` 查看是哪两条。",
                name=operation.subject,
            )
        ) from error


def _index_is_valid(session: Session, name: str) -> bool | None:
    """Return whether an index works; None if there is none of this name."""
    query = sa.text(
        "SELECT x.indisvalid AND x.indisready FROM pg_index x "
        "WHERE x.indexrelid = to_regclass(:name)"
    )
    found = session.connection.execute(query, {"name": f'{ddl.SCHEMA}."{name}"'}).scalar()
    session.connection.commit()
    return found


def _convert_in_place(session: Session, operation: ConvertInPlace) -> None:
    changed = " OR ".join(
        f"{ddl.quoted(name)} IS DISTINCT FROM ({text})" for name, text in operation.sets
    )
    if changed:
        in_batches(session, operation.table, operation.sets, changed)


def rename_options(session: Session, operation: RenameOptions) -> None:
    """Replace option names in the stored values."""
    for name in operation.columns:
        sets, condition = option_change(operation, name)
        in_batches(session, operation.table, [sets], condition)


def option_change(operation: RenameOptions, column: str) -> tuple[tuple[str, str], str]:
    """Return the new value of *column* and where it has to be set, as SQL."""
    old = [name for name, _ in operation.names]
    plain = ddl.column(column, sa.Text())
    if not operation.is_many:
        value = sa.case(dict(operation.names), value=plain, else_=plain)
        return (column, ddl.text_of(value)), ddl.text_of(plain.in_(old))
    many = ddl.column(column, sa.ARRAY(sa.Text))
    changed: sa.ColumnElement[Any] = many
    for before, after in operation.names:
        changed = sa.func.array_replace(changed, before, after)
    overlap = many.op("&&", is_comparison=True)(
        sa.cast(sa.func.string_to_array(",".join(old), ","), sa.ARRAY(sa.Text))
    )
    return (column, ddl.text_of(changed)), ddl.text_of(overlap)


def _set_default(session: Session, operation: SetDefault) -> None:
    statement = ddl.set_default(operation.table, operation.column, operation.default)
    session.briefly(lambda connection: ddl.run(connection, statement))


def _require(session: Session, operation: Require) -> None:
    """Have the database insist: a check first, since proving it needs no strong lock."""
    if operation.is_waived:
        return
    empty = f"{ddl.quoted(operation.column)} IS NULL"
    if operation.fill is not None:
        in_batches(session, operation.table, [(operation.column, operation.fill)], empty)
    filled = ddl.not_null_condition(operation.column)
    name = constraint_name(operation.table, [operation.column], "filled", filled)

    def begin(connection: sa.Connection) -> None:
        ddl.run(connection, ddl.drop_constraint(operation.table, name))
        ddl.run(connection, ddl.add_check(operation.table, name, filled, validated=False))

    def end(connection: sa.Connection) -> None:
        ddl.run(connection, ddl.set_not_null(operation.table, operation.column, wanted=True))
        ddl.run(connection, ddl.drop_constraint(operation.table, name))

    session.briefly(begin)
    try:
        session.loose(ddl.validate(operation.table, name))
    except sa.exc.IntegrityError as error:
        session.briefly(
            lambda connection: ddl.run(connection, ddl.drop_constraint(operation.table, name))
        )
        raise StepProblem(
            say(
                "{name}: some records are still empty. It is asked for at their next save; apply "
                "again once they are filled in.",
                "{name}：仍有记录为空。下次保存这些记录时会要求填写；补全之后请重新应用。",
                name=operation.subject,
            )
        ) from error
    session.briefly(end)


def _add_check(session: Session, operation: AddCheck) -> None:
    if operation.lost:
        # A check binds every later write of a row, also one that has nothing to do with it.
        return
    if not _has_constraint(session, operation.table, operation.name):
        add = ddl.add_check(operation.table, operation.name, operation.condition, validated=False)
        session.briefly(lambda connection: ddl.run(connection, add))
    try:
        session.loose(ddl.validate(operation.table, operation.name))
    except sa.exc.IntegrityError as error:
        drop = ddl.drop_constraint(operation.table, operation.name)
        session.briefly(lambda connection: ddl.run(connection, drop))
        raise StepProblem(
            say(
                "{name}: some records are beyond the limit; they are asked at their next save.",
                "{name}：有记录超出限制；下次保存这些记录时会要求更正。",
                name=operation.subject,
            )
        ) from error


def _has_constraint(session: Session, table: str, name: str) -> bool:
    query = sa.text(
        "SELECT count(*) FROM pg_constraint WHERE conname = :name AND conrelid = to_regclass(:at)"
    )
    at = f'{ddl.SCHEMA}."{table}"'
    found = session.connection.execute(query, {"name": name, "at": at}).scalar_one()
    session.connection.commit()
    return bool(found)


def _validate(session: Session, operation: Validate) -> None:
    if not _has_constraint(session, operation.table, operation.name):
        return
    try:
        session.loose(ddl.validate(operation.table, operation.name))
    except sa.exc.IntegrityError as error:
        raise StepProblem(
            say(
                "{name}: some records point to records that do not exist.",
                "{name}：有记录指向了不存在的记录。",
                name=operation.subject,
            )
        ) from error


def _drop_indexes(session: Session, operation: DropIndexes) -> None:
    for name in operation.names:
        session.loose(ddl.drop_index(name, concurrently=True))


def _drop_field(session: Session, operation: DropField) -> None:
    def drop(connection: sa.Connection) -> None:
        for column in operation.columns:
            ddl.run(connection, ddl.drop_column(operation.table, column))

    session.briefly(drop)


def _drop_entity(session: Session, operation: DropEntity) -> None:
    """Drop the table, and all that would give a later entity of this name the old one's rights."""

    def drop(connection: sa.Connection) -> None:
        ddl.run(connection, ddl.drop_table(operation.table))
        numbered = sa.select(entity_table.c.number).where(entity_table.c.name == operation.subject)
        number = connection.execute(numbered).scalar()
        if number is None:
            return
        for table in (share, search, counter, dirty):
            connection.execute(sa.delete(table).where(table.c.entity == number))
        # History keeps its number; the name is free for another entity, which gets its own.
        connection.execute(
            sa.update(entity_table)
            .where(entity_table.c.number == number)
            .values(name=f"{operation.subject} (dropped, {number})")
        )

    session.briefly(drop)


def add_foreign_key(connection: sa.Connection, operation: AddForeignKey) -> None:
    """Add a link's foreign key for new writes; `Validate` looks at the rows that are there."""
    from app.database.indexes import ForeignKey

    key = ForeignKey(
        operation.table, operation.name, operation.column, operation.column,
        operation.target, operation.on_delete,
    )  # fmt: skip
    ddl.run(connection, ddl.drop_constraint(operation.table, operation.name))
    ddl.run(connection, ddl.add_foreign_key(key, validated=False))
