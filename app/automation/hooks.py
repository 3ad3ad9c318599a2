"""Incoming webhooks: another program sets a rule off.

Whoever calls proves that it knows the secret, by a signature over the body or by the secret itself.
A delivery counts once, however often it is sent. What was sent becomes a row, and a worker does the
rest: the caller waits for nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl

import orjson

from app.access.principal import SYSTEM
from app.automation.firings import Ended, Later, add_firings, add_tasks
from app.automation.index import Known, index_of
from app.automation.registry import RuleNumbers
from app.automation.running import Firing
from app.automation.waking import wake
from app.errors import Malformed, NotAuthenticated, NotFound, Unavailable
from app.records.door import Records
from app.records.work import Work
from app.texts import say

_log = logging.getLogger(__name__)
#: A webhook says that something happened; files come another way.
LARGEST = 256 * 1024
#: Headers under which programs send a signature of the body, and the number of a delivery.
SIGNATURES = ("X-Trellis-Signature", "X-Hub-Signature-256", "X-Signature-256")
DELIVERIES = ("X-Trellis-Delivery", "X-GitHub-Delivery", "X-Delivery-Id", "Idempotency-Key")


class Headers(Protocol):
    """The headers of a request, whatever the case of their names."""

    def get(self, key: str, default: str = "", /) -> str:
        """Return a header."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a delivery."""

    #: the firing; None where it had come before
    firing: int | None


class Hooks:
    """Takes deliveries."""

    def __init__(
        self, records: Records, numbers: RuleNumbers, environment: Mapping[str, str]
    ) -> None:
        """Take where secrets stand by name."""
        self._records = records
        self._numbers = numbers
        self._environment = environment

    def take(self, path: str, body: bytes, headers: Headers) -> Taken:
        """Keep a delivery for the rule at *path*.

        Raises:
            NotFound: no rule listens there.
            NotAuthenticated: neither the signature nor the secret is right.
            Malformed: the body is too large, or cannot be read.
            Unavailable: the secret is not in the environment.
        """

        def step(work: Work) -> Taken:
            known = index_of(work).hooks.get(path)
            if known is None:
                raise NotFound(say("Nothing listens here.", "此地址没有接收方。"))
            self._require_secret(known, body, headers)
            return self._keep(work, known, body, headers)

        if len(body) > LARGEST:
            raise Malformed(
                say("A delivery holds at most {most} KB.", "一次投递最多 {most} KB。",
                    most=LARGEST // 1024)
            )  # fmt: skip
        return self._records.transact(SYSTEM, step, origin="hook")

    def _require_secret(self, known: Known, body: bytes, headers: Headers) -> None:
        secret = self._environment.get(known.when.secret, "")
        if not secret:
            _log.error("Rule %s needs %s in the environment.", known.rule.name, known.when.secret)
            raise Unavailable(
                say(
                    "This webhook is not set up: its secret is missing.",
                    "此 Webhook 尚未配置密钥。",
                )
            )
        if not proves(secret, body, headers):
            raise NotAuthenticated(
                say(
                    "The signature is not right: send `X-Trellis-Signature: sha256=…`, the HMAC of "
                    "the body, or `Authorization: Bearer …` with the secret.",
                    "签名不正确：请发送 X-Trellis-Signature: sha256=…（正文的 HMAC），"
                    "或 Authorization: Bearer … 携带密钥。",
                )
            )

    def _keep(self, work: Work, known: Known, body: bytes, headers: Headers) -> Taken:
        one = Firing(
            id=0,
            rule=self._numbers.number(known.rule.name),
            digest=known.rule.digest,
            cause="hook",
            occurrence=delivery_of(body, headers),
            happened_at=work.now,
            input={"input": read_body(body, headers), "origin": "hook"},
        )
        if not add_firings(work, [Ended(one, "due")]):
            return Taken(None)
        add_tasks(work, [Later(one.id, "", work.now)])
        wake(work.connection)
        return Taken(one.id)


def proves(secret: str, body: bytes, headers: Headers) -> bool:
    """Return whether a delivery comes from somebody who knows the secret; in constant time."""
    given = headers.get("Authorization", "")
    if given.startswith("Bearer ") and hmac.compare_digest(
        given.removeprefix("Bearer ").strip().encode(), secret.encode()
    ):
        return True
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    for name in SIGNATURES:
        signature = headers.get(name, "").removeprefix("sha256=").strip().lower()
        if signature and hmac.compare_digest(signature.encode(), expected.encode()):
            return True
    return False


def delivery_of(body: bytes, headers: Headers) -> str:
    """Return what makes a delivery this one: the number its sender gave it, or what it says."""
    for name in DELIVERIES:
        number = headers.get(name, "").strip()
        if number:
            return f"hook:{number[:200]}"
    return f"hook:{hashlib.sha256(body).hexdigest()}"


def read_body(body: bytes, headers: Headers) -> dict[str, Any]:
    """Return what was sent: an object, a list under ``items``, a form, or a text under ``text``.

    Raises:
        Malformed: it says that it is JSON and is none.
    """
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Malformed(say("The body is not UTF-8.", "正文不是 UTF-8 编码。")) from error
    if kind == "application/x-www-form-urlencoded":
        return dict(parse_qsl(text))
    if kind == "text/plain":
        return {"text": text}
    try:
        found = orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError as error:
        raise Malformed(say("The body is not JSON.", "正文不是 JSON。")) from error
    return found if isinstance(found, dict) else {"items": found}
