"""Rows of another system's database: one SELECT, read only, on a host that was allowed by name.

The URL is a secret of the environment. Nothing is written there: the transaction is read only, and
the database of Trellis itself is not reached this way.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from app.definitions.connections import Connection, SyncIn
from app.notifications.calls import Outside, secret_of
from app.notifications.failing import SendFailed
from app.texts import say

#: Drivers by dialect, and what makes a transaction read only and bounds a statement.
_DRIVERS: Mapping[str, str] = {
    "postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "mariadb": "mysql+pymysql",
}  # fmt: skip
_PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306}
_SECONDS = 300
_BEFORE: Mapping[str, tuple[str, ...]] = {
    "postgresql": ("SET TRANSACTION READ ONLY", f"SET LOCAL statement_timeout = {_SECONDS * 1000}"),
    "mysql": ("SET TRANSACTION READ ONLY",),
    "mariadb": ("SET TRANSACTION READ ONLY",),
}
_AT_ONCE = 1_000
#: Options of an address that lead to another host than it names.
_ELSEWHERE = frozenset({"host", "hostaddr", "port", "service", "unix_socket"})


def query(connection: Connection, sync: SyncIn, outside: Outside) -> Generator[Mapping[str, Any]]:
    """Yield the rows of a statement.

    Raises:
        SendFailed: the database may not be asked, does not answer, or refuses the statement.
    """
    url = _url(connection, outside)
    kind = url.get_backend_name()
    try:
        engine = sa.create_engine(url.set(drivername=_DRIVERS[kind]), poolclass=sa.pool.NullPool)
    except (ModuleNotFoundError, NoSuchModuleError):
        raise SendFailed(
            say("No driver for {kind} is installed.", "未安装 {kind} 的驱动。", kind=kind),
            is_waiting=True,
        ) from None
    try:
        with engine.connect() as opened:
            if kind != "postgresql":
                # Only what begins after it is read only.
                opened.exec_driver_sql(_BEFORE[kind][0])
                opened.commit()
            with opened.begin():
                for text in _BEFORE[kind] if kind == "postgresql" else ():
                    opened.exec_driver_sql(text)
                found = opened.execution_options(
                    stream_results=True, yield_per=_AT_ONCE, no_parameters=True
                ).exec_driver_sql(sync.source)
                names = list(found.keys())
                for row in found:
                    yield {name: _plain(value) for name, value in zip(names, row, strict=True)}
    except SQLAlchemyError as error:
        raise _refused(error) from None
    finally:
        engine.dispose()


def _url(connection: Connection, outside: Outside) -> URL:
    text = secret_of(connection.secret, outside.environment) or ""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise SendFailed(
            say(
                "{secret} holds no address such as `postgresql://user:password@host/name`.",
                "{secret} 不是形如 postgresql://user:password@host/name 的地址。",
                secret=connection.secret,
            ),
            is_waiting=True,
        ) from None
    kind = url.get_backend_name()
    # A server on this machine may listen at a path: `?host=/var/run/postgresql`.
    host = str(url.host or url.query.get("host") or "")
    others = _ELSEWHERE & url.query.keys() - (set() if url.host else {"host"})
    if kind not in _DRIVERS or not host or others:
        raise SendFailed(
            say(
                "Databases of {kinds} can be read, at one host that the address names.",
                "可读取 {kinds} 数据库，地址须指明唯一的主机。",
                kinds=", ".join(_DRIVERS),
            ),
            is_final=True,
        )
    host = host.lower() if url.host else host
    if not {host, f"{host}:{url.port or _PORTS[kind]}"} & outside.allowed_hosts:
        raise SendFailed(
            say(
                "`{host}` may not be asked: an operator allows hosts of databases by name in "
                "TRELLIS_ALLOWED_HOSTS.",
                "不允许访问“{host}”：数据库主机须由运维人员在 TRELLIS_ALLOWED_HOSTS 中放行。",
                host=host,
            ),
            is_final=True,
        )
    return url


def _refused(error: SQLAlchemyError) -> SendFailed:
    said = str(getattr(error, "orig", None) or error).strip().splitlines()
    first = said[0][:300] if said else type(error).__name__
    is_there = getattr(error, "connection_invalidated", False) is False and not isinstance(
        error, sa.exc.OperationalError
    )
    return SendFailed(
        say("The database answered: {said}", "数据库返回：{said}", said=first), is_final=is_there
    )


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if value is None or isinstance(value, str | int | float | bool | list):
        return value
    return str(value)
