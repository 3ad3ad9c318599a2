"""Rows of another system over HTTP: page by page, each within a deadline and a size.

Requests go where calls may go, and the secret is shown to the host that is written and to no other.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

import orjson

from app.definitions.connections import Connection, SyncIn
from app.notifications.addresses import read_url
from app.notifications.calls import Outside, check_kept_secret, proof, secret_of
from app.notifications.failing import SendFailed
from app.notifications.web import Answer, check_status, request
from app.texts import say

#: Of one page, in bytes.
_LARGEST_PAGE = 32_000_000
_MOST_PAGES = 10_000
Row = Mapping[str, Any]


def fetch(connection: Connection, sync: SyncIn, outside: Outside, now: datetime) -> Generator[Row]:
    """Yield the rows another system answers with.

    Raises:
        SendFailed: it does not answer, or with what is no list of rows.
    """
    url, seen = f"{connection.url}{sync.source}", set[str]()
    while True:
        seen.add(url)
        answer = _ask(connection, sync, url, outside, now)
        try:
            found = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            raise SendFailed(
                say("The answer is no JSON.", "响应不是 JSON。"), answer=answer.beginning
            ) from None
        yield from _rows(found, sync.rows, answer)
        following = part_of(found, sync.next) if sync.next else None
        if not following:
            return
        url = _next(connection, url, following)
        if url in seen or len(seen) >= _MOST_PAGES:
            raise SendFailed(
                say(
                    "Its pages do not end: `{next}` leads back, or there are more than {most}.",
                    "分页没有结束：{next} 指回已读过的页，或超过 {most} 页。",
                    next=".".join(sync.next),
                    most=_MOST_PAGES,
                ),
                is_final=True,
            )


def _ask(connection: Connection, sync: SyncIn, url: str, outside: Outside, now: datetime) -> Answer:
    headers = {"Accept": "application/json"}
    body = b"{}" if sync.method == "POST" else b""
    if body:
        headers["Content-Type"] = "application/json"
    secret = secret_of(connection.secret, outside.environment)
    if secret is not None:
        check_kept_secret(url, connection.shown_as, outside.allowed_hosts)
        headers |= proof(secret, connection.shown_as, body, now)
    answer = request(
        sync.method, url, headers, body, allowed_hosts=outside.allowed_hosts, most=_LARGEST_PAGE
    )
    check_status(answer)
    return answer


def _next(connection: Connection, url: str, following: Any) -> str:
    """Return the address of the next page, which must be of the same host."""
    found = urljoin(url, str(following))
    here, there = read_url(connection.url), read_url(found)
    if (here.scheme, here.host, here.port) != (there.scheme, there.host, there.port):
        raise SendFailed(
            say(
                "The next page would be at `{host}`; pages are fetched from `{own}` alone.",
                "下一页位于“{host}”，只能从“{own}”获取。",
                host=there.host_header,
                own=here.host_header,
            ),
            is_final=True,
        )
    return found


def _rows(found: Any, path: tuple[str, ...], answer: Answer) -> list[Row]:
    listed = part_of(found, path) if path else found
    if isinstance(listed, dict) and not path:
        lists = [one for one in listed.values() if isinstance(one, list)]
        listed = lists[0] if len(lists) == 1 else None
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        where = ".".join(path)
        raise SendFailed(
            say(
                "The answer holds no list of rows{where}. Say where they stand: "
                "`rows: data.items`.",
                "响应中没有行列表{where}。请用 rows 指明位置，例如 rows: data.items。",
                where=f" ({where})" if where else "",
            ),
            is_final=True,
            answer=answer.beginning,
        )
    return listed


def part_of(value: Any, path: tuple[str, ...]) -> Any:
    """Return what stands at a path: keys of objects, numbers of lists; None where nothing does."""
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit():
            value = value[int(step)] if int(step) < len(value) else None
        else:
            return None
    return value
