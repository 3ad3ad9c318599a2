"""Dumping and loading a database with PostgreSQL's own programs, and proofs of what it holds.

A proof is the number of rows of a table and the sum of a hash of each, so that the order does not
matter. It is taken of the very moment that is dumped, and again of what was restored.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from app.backups.faults import BackupFault
from app.database.binaries import find_postgresql
from app.texts import say

#: table -> ``[rows, sum]``
Proof = dict[str, list[Any]]

_TABLES = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname !~ '^pg_'
      AND n.nspname <> 'information_schema'
    ORDER BY 1, 2
"""


@contextmanager
def moment(url: str) -> Iterator[tuple[psycopg.Connection[Any], str]]:
    """Yield a connection that sees one moment, and the name by which others see the same."""
    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        # A dump takes longer than a page may.
        connection.execute("SET statement_timeout = 0")
        connection.execute("SET idle_in_transaction_session_timeout = 0")
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        yield connection, row[0]


def prove(connection: psycopg.Connection[Any]) -> Proof:
    """Return the proof of every table the connection sees."""
    for name, value in (("TimeZone", "UTC"), ("DateStyle", "ISO"), ("extra_float_digits", "1")):
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))
    proof: Proof = {}
    for schema, table in connection.execute(_TABLES).fetchall():
        query = sql.SQL(
            "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text "
            "FROM ONLY {} AS t"
        ).format(sql.Identifier(schema, table))
        row = connection.execute(query).fetchone()
        assert row is not None
        proof[f"{schema}.{table}"] = [row[0], row[1]]
    return proof


def is_empty(url: str) -> bool:
    """Return whether a database has no table of anybody."""
    with psycopg.connect(url) as connection:
        return connection.execute(_TABLES).fetchone() is None


def dump(url: str, snapshot: str, target: Path, programs: Path | None) -> None:
    """Dump what *snapshot* sees into *target*."""
    _run(
        "pg_dump",
        programs,
        url,
        "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}",
        f"--file={target}",
    )  # fmt: skip


def load(url: str, source: Path, programs: Path | None) -> None:
    """Load a dump into an empty database: all of it or nothing."""
    _run(
        "pg_restore",
        programs,
        url,
        "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", str(source),
    )  # fmt: skip


def _run(program: str, programs: Path | None, url: str, *arguments: str) -> None:
    address, environment = _apart(url)
    command = [str(find_postgresql(programs) / program), f"--dbname={address}", *arguments]
    found = subprocess.run(  # noqa: S603 - The command is ours, no shell reads it.
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if found.returncode:
        told = found.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason"]
        raise BackupFault(
            say(
                "{program} failed: {told}",
                "{program} 失败：{told}",
                program=program,
                told=" ".join(told[-3:]),
            )
        )


def _apart(url: str) -> tuple[str, Mapping[str, str]]:
    """Return the address without its password, which others could read in the list of processes."""
    parts = urlsplit(url)
    environment = dict(os.environ)
    if parts.password is not None:
        environment["PGPASSWORD"] = unquote(parts.password)
        who, _, where = parts.netloc.rpartition("@")
        parts = parts._replace(netloc=f"{who.partition(':')[0]}@{where}")
    return urlunsplit(parts), environment


@contextmanager
def scratch_database(url: str) -> Iterator[str]:
    """Yield the address of an empty database beside the one at *url*; drop it afterwards.

    Raises:
        BackupFault: the role may not create one.
    """
    name = f"trellis_drill_{os.getpid()}"
    parts = urlsplit(url)
    with psycopg.connect(url, autocommit=True) as connection:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        connection.execute(drop)
        try:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege as error:
            raise BackupFault(
                say(
                    "The role of DATABASE_URL may not create databases, so no backup can be tried. "
                    "Allow it: ALTER ROLE … CREATEDB.",
                    "DATABASE_URL 的角色无权创建数据库，因此无法演练恢复。"
                    "请授权：ALTER ROLE … CREATEDB。",
                )
            ) from error
        try:
            yield parts._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(drop)
