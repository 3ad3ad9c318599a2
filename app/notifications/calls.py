"""Calls to other systems: what goes out, and its signature.

A call says the same in every attempt, under the same delivery id, so that the other side can tell a
second attempt from a second call. The secret is an environment variable, by name.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import orjson

from app.notifications.addresses import is_public, not_public, read_url
from app.notifications.failing import SendFailed
from app.notifications.web import Answer, check_status, request
from app.texts import say

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_MOST_BYTES = 1_000_000
#: An address instead of a name, in any spelling that a resolver takes for one.
_ADDRESS = re.compile(r"((0x[0-9a-f]*|[0-9]+)\.?){1,4}\Z|[0-9a-f.:]*:[0-9a-f.:]*\Z")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
#: Secrets of Trellis itself sign nothing for others.
_OWN = ("TRELLIS_", "DATABASE_", "REDIS_", "PG")


@dataclass(frozen=True, slots=True)
class Outside:
    """What calls need of their surroundings."""

    environment: Mapping[str, str]
    allowed_hosts: frozenset[str] = frozenset()


def call_content(
    method: str,
    url: str,
    body: Mapping[str, Any],
    secret: str,
    *,
    saves: bool,
    shown_as: str = "signature",
) -> dict[str, Any]:
    """Return what a delivery keeps of a call.

    Raises:
        SendFailed: it can never be made.
    """
    read_url(url)
    if method not in METHODS:
        raise SendFailed(
            say(
                "`{method}` is not a method; write {methods}.",
                "“{method}”不是可用的方法，请写 {methods}。",
                method=method,
                methods=", ".join(METHODS),
            ),
            is_final=True,
        )
    text = orjson.dumps(body, default=_as_json).decode() if body else ""
    if len(text.encode()) > _MOST_BYTES:
        raise SendFailed(
            say("The call has more than {most} bytes.", "请求超过 {most} 字节。", most=_MOST_BYTES),
            is_final=True,
        )
    content = {"method": method, "body": text, "secret": secret, "saves": saves}
    return content if shown_as == "signature" else {**content, "shown_as": shown_as}


def check_host(url: str, allowed_hosts: frozenset[str]) -> None:
    """Refuse an address of an inner network as soon as it is written.

    A name is looked up when the call is made, and only then.

    Raises:
        SendFailed: the host is an address that is not public, and is not allowed.
    """
    destination = read_url(url)
    if destination.is_allowed(allowed_hosts):
        return
    host = destination.host
    if host == "localhost" or host.endswith(".localhost"):
        raise SendFailed(not_public(host), is_final=True)
    if _ADDRESS.match(host) and not is_public(host):
        raise SendFailed(not_public(host), is_final=True)


def _as_json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    return str(value)


def secret_of(name: str, environment: Mapping[str, str]) -> str | None:
    """Return the secret an environment variable holds; None where the call names none.

    Raises:
        SendFailed: there is no such variable, or it is Trellis' own.
    """
    if not name:
        return None
    value = environment.get(name)
    if not _NAME.match(name) or name.upper().startswith(_OWN) or not value:
        raise SendFailed(
            say(
                "The call waits: the environment has no secret `{name}`.",
                "调用正在等待：环境变量中没有密钥“{name}”。",
                name=name[:100],
            ),
            is_waiting=True,
        )
    return value


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a body at a moment."""
    signed = hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256")
    return f"sha256={signed.hex()}"


def check_kept_secret(url: str, shown_as: str, allowed_hosts: frozenset[str]) -> None:
    """See that a secret that is shown itself goes over no open line.

    Raises:
        SendFailed: it would be read on the way; hosts of the inner network are the operator's.
    """
    destination = read_url(url)
    is_open = destination.scheme == "http" and not destination.is_allowed(allowed_hosts)
    if is_open and shown_as != "signature":
        raise SendFailed(
            say(
                "`{host}` would get the secret over an open line; write `https://`.",
                "密钥将以明文发送到“{host}”，请使用 https://。",
                host=destination.host,
            ),
            is_final=True,
        )


def proof(secret: str, shown_as: str, body: bytes, now: datetime) -> dict[str, str]:
    """Return the headers that show the other side that one knows a secret.

    Raises:
        SendFailed: no header can hold it.
    """
    if shown_as != "signature" and not (secret.isascii() and secret.isprintable()):
        raise SendFailed(
            say("The secret cannot stand in a header.", "密钥不能放在请求头中。"), is_final=True
        )
    word, _, rest = shown_as.partition(" ")
    if word == "bearer":
        return {"Authorization": f"Bearer {secret}"}
    if word == "basic":
        pair = base64.b64encode(f"{rest}:{secret}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}
    if word == "header":
        return {rest: secret}
    timestamp = str(int(now.timestamp()))
    return {
        "Trellis-Timestamp": timestamp,
        "Trellis-Signature": signature(secret, timestamp, body),
    }


def make_call(
    outside: Outside, delivery_id: str, url: str, content: Mapping[str, Any], now: datetime
) -> Answer:
    """Make a call and return the answer.

    Raises:
        SendFailed: it was refused, or nobody knows.
    """
    body = str(content.get("body") or "").encode()
    headers = {"Trellis-Delivery": delivery_id, "Idempotency-Key": delivery_id}
    if body:
        headers["Content-Type"] = "application/json"
    secret = secret_of(str(content.get("secret") or ""), outside.environment)
    if secret is not None:
        shown = str(content.get("shown_as") or "signature")
        check_kept_secret(url, shown, outside.allowed_hosts)
        headers |= proof(secret, shown, body, now)
    answer = request(
        str(content["method"]), url, headers, body, allowed_hosts=outside.allowed_hosts
    )
    check_status(answer)
    return answer


def answer_values(answer: Answer) -> Any:
    """Return what an answer says, exact numbers kept; None where it is no JSON."""
    try:
        return json.loads(answer.body, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None
