"""The floor: a bare WSGI function, one HMAC check, hand-written SQL that builds the JSON."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from psycopg_pool import ConnectionPool

SECRET = b"floor"
TOKEN = "manager"
_pool: ConnectionPool | None = None

LIST = """
SELECT coalesce(json_agg(row_to_json(x)), '[]')::text FROM (
  SELECT id, code, name, level, status, owner, email, currency, last_contacted_at,
         open_amount::text, contract_total::text, created_at
  FROM crm.customer
  WHERE deleted_at IS NULL AND owner = ANY(%(owners)s) AND level = %(level)s
  ORDER BY last_contacted_at DESC NULLS LAST, id DESC LIMIT 25) x
"""
GET = """
SELECT row_to_json(x)::text FROM (
  SELECT id, code, name, level, status, owner, email, currency, last_contacted_at,
         open_amount::text, contract_total::text, created_at, version
  FROM crm.customer WHERE id = %(id)s AND deleted_at IS NULL AND owner = ANY(%(owners)s)) x
"""
CREATE = """
INSERT INTO crm.customer (name, level, status, email, owner, created_by, updated_by)
VALUES (%(name)s, 'b', 'active', %(email)s, %(owner)s, %(owner)s, %(owner)s)
RETURNING json_build_object('id', id)::text
"""
HTML = """
SELECT id, name, level, status, owner, email, currency, last_contacted_at, open_amount,
       contract_total FROM crm.customer
WHERE deleted_at IS NULL AND owner = ANY(%(owners)s)
ORDER BY last_contacted_at DESC NULLS LAST, id DESC LIMIT 25
"""


def sign(value: str) -> str:
    return value + "." + hmac.new(SECRET, value.encode(), hashlib.sha256).hexdigest()


def pool() -> ConnectionPool:
    global _pool
    if _pool is None:
        _pool = ConnectionPool(
            os.environ["FLOOR_DATABASE"], min_size=1, max_size=4, kwargs={"autocommit": True}
        )
        _pool.wait()
    return _pool


OWNERS = [int(one) for one in os.environ.get("FLOOR_OWNERS", "1").split(",")]


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    signed = environ.get("HTTP_AUTHORIZATION", "")
    value, _, _ = signed.partition(".")
    if not hmac.compare_digest(signed, sign(value)):
        start("401 Unauthorized", [("Content-Length", "0")])
        return [b""]
    path = environ["PATH_INFO"]
    status, kind = "200 OK", "application/json"
    with pool().connection() as connection:
        if environ["REQUEST_METHOD"] == "POST":
            import json

            sent = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            row = connection.execute(CREATE, {**sent, "owner": OWNERS[0]}).fetchone()
            body, status = row[0].encode(), "201 Created"
        elif path == "/list":
            level = parse_qs(environ["QUERY_STRING"])["level"][0]
            row = connection.execute(LIST, {"owners": OWNERS, "level": level}).fetchone()
            body = b'{"rows":' + row[0].encode() + b"}"
        elif path == "/html":
            rows = connection.execute(HTML, {"owners": OWNERS}).fetchall()
            cells = "".join(
                "<tr>" + "".join(f"<td>{value}</td>" for value in row) + "</tr>" for row in rows
            )
            body, kind = f"<table>{cells}</table>".encode(), "text/html"
        else:
            row = connection.execute(GET, {"id": int(path[5:]), "owners": OWNERS}).fetchone()
            body = row[0].encode()
    start(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]
