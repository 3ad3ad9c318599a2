"""Many writes in one call: all of them or none, or each by itself with its own answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from psycopg import errors as pg

from app.database.statements import Statement
from app.definitions.catalog import Entity
from app.errors import InvalidInput, Malformed, TrellisError
from app.fields.base import FieldError, ParseContext
from app.fields.normal import normal_sql
from app.records.savepoints import savepoint
from app.records.saving import Written
from app.records.violations import as_input_error
from app.records.work import Work
from app.texts import say

#: More rows than this in one call are refused; an import is the way for them.
MOST = 1_000
ACTIONS = ("create", "update", "upsert", "delete")


@dataclass(frozen=True, slots=True)
class Operation:
    """One write of a batch."""

    action: str
    values: Mapping[str, Any]
    id: int | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one write."""

    action: str
    id: int | None = None
    version: int | None = None
    error: TrellisError | None = None


def read_operations(raw: Sequence[Any]) -> list[Operation]:
    """Read ``[{"action": "create", "values": {…}}, {"action": "update", "id": 3, …}]``.

    Raises:
        Malformed: it is not a list of such.
    """
    if not isinstance(raw, list) or not raw:
        raise Malformed(
            say("`operations` is a list of writes.", "operations 应为由写操作组成的列表。")
        )
    if len(raw) > MOST:
        raise Malformed(
            say(
                "A batch holds at most {most} writes, not {count}.",
                "一次最多 {most} 个写操作，不能是 {count} 个。",
                most=MOST,
                count=len(raw),
            )
        )
    return [_read(number, each) for number, each in enumerate(raw)]


def _read(number: int, raw: Any) -> Operation:
    def refuse(en: str, zh: str) -> Malformed:
        return Malformed(say("Write {number}: " + en, "第 {number} 个写操作：" + zh, number=number))

    if not isinstance(raw, Mapping) or raw.get("action") not in ACTIONS:
        raise refuse(
            "`action` is create, update, upsert or delete.",
            "action 应为 create、update、upsert 或 delete。",
        )
    unknown = set(raw) - {"action", "id", "version", "values"}
    if unknown:
        raise refuse("only action, id, version and values are known.", "含有未知的键。")
    values, record_id, version = raw.get("values"), raw.get("id"), raw.get("version")
    if values is None:
        values = {}
    if not isinstance(values, Mapping):
        raise refuse("`values` is an object.", "values 应为对象。")
    if raw["action"] in ("update", "delete") and not _is_id(record_id):
        raise refuse("`id` is the number of a record.", "id 应为记录编号。")
    if version is not None and not _is_id(version):
        raise refuse("`version` is a whole number.", "version 应为整数。")
    return Operation(raw["action"], values, record_id, version)


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63


def find_by_key(
    work: Work, entity: Entity, key: str, raw: Mapping[str, Any], context: ParseContext
) -> int | None:
    """Return the record whose unique field *key* has the value in *raw*, in the bin or not seen.

    Raises:
        InvalidInput: *key* is no unique field, or has no value.
    """
    field = entity.fields.get(key)
    if field is None or not (field.unique or field.type.name == "serial"):
        raise InvalidInput(
            {
                key: [
                    say(
                        "Upsert needs a field that is unique; {key} is not.",
                        "upsert 需要唯一字段，{key} 不是唯一字段。",
                        key=key,
                    )
                ]
            }
        )
    try:
        value = (
            raw.get(key)
            if field.type.name == "serial"
            else field.type.parse(field, raw.get(key), context)
        )
    except FieldError as error:
        raise InvalidInput({key: [error.sentence]}) from error
    if value is None:
        raise InvalidInput({key: [say("Upsert needs a value here.", "upsert 需要此字段有值。")]})
    column = work.release.tables[entity.name].c[key]
    given: sa.ColumnElement[Any] = sa.bindparam("_value", type_=column.type)
    same = (
        normal_sql(column) == normal_sql(given)
        if isinstance(column.type, sa.Text)
        else column == given
    )
    table = work.release.tables[entity.name]
    statement = Statement(sa.select(table.c.id).where(same, table.c.deleted_at.is_(None)))
    row = statement.run(work.connection, {"_value": value}).fetchone()
    return int(row[0]) if row else None


def run_all(
    work: Work, operations: Sequence[Operation], write: Callable[[Operation], Written | None]
) -> list[Outcome]:
    """Do every write; the first that fails takes all of them back.

    Raises:
        InvalidInput: names the write that failed; fields begin with its number.
    """
    outcomes = []
    for number, operation in enumerate(operations):
        try:
            outcomes.append(_outcome(operation, write(operation)))
        except TrellisError as error:
            raise _numbered(number, error) from error
        except pg.IntegrityError as error:
            raise _numbered(number, as_input_error(error, work.release)) from error
    return outcomes


def run_each(
    work: Work, operations: Sequence[Operation], write: Callable[[Operation], Written | None]
) -> list[Outcome]:
    """Do every write by itself; one that fails leaves no trace and says why."""
    outcomes = []
    for operation in operations:
        try:
            with savepoint(work):
                outcome = _outcome(operation, write(operation))
            outcomes.append(outcome)
            continue
        except TrellisError as error:
            failure = error
        except pg.IntegrityError as error:
            failure = as_input_error(error, work.release)
        outcomes.append(Outcome(operation.action, operation.id, error=failure))
    return outcomes


def _outcome(operation: Operation, written: Written | None) -> Outcome:
    if written is None:
        return Outcome(operation.action, operation.id)
    return Outcome(operation.action, written.id, written.version)


def _numbered(number: int, error: TrellisError) -> InvalidInput:
    fields = {f"{number}.{name}": sentences for name, sentences in error.fields.items()}
    return InvalidInput(
        fields or {str(number): [error.message]},
        say(
            "Write {number} cannot be done, so none was.",
            "第 {number} 个写操作无法完成，因此全部未执行。",
            number=number,
        ),
    )
