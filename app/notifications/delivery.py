"""Send what is due: take it, try it, write down what became of it.

At least once: an e-mail or call that was accepted although the answer got lost goes out again,
under the same Message-ID or delivery id. What cannot be sent is tried again after growing pauses,
visibly late meanwhile, and dead in the end; nothing is dropped.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from app.clock import Clock
from app.notifications import chat
from app.notifications.calls import Outside, answer_values, make_call
from app.notifications.failing import SendFailed
from app.notifications.leases import (
    LOOK_AGAIN,
    Held,
    Result,
    join_digest,
    pause,
    settle,
    settle_digest,
    take,
)
from app.notifications.mail import Mailer, compose, digest, mail_server
from app.notifications.sealed import open_path
from app.settings import Settings
from app.texts import Label, say

_log = logging.getLogger(__name__)


class Pools(Protocol):
    """The part of ``database.pools.Pools`` this room uses."""

    @property
    def write(self) -> Any: ...


class Answers(Protocol):
    """Takes what a call was answered back to the record it was made for."""

    def save(self, held: Held, values: Any) -> Label | None:
        """Save it; return a sentence about what could not be saved."""


@dataclass(frozen=True, slots=True)
class NoAnswers:
    """Nobody wants the answers."""

    def save(self, held: Held, values: Any) -> Label | None:  # noqa: ARG002
        """Do nothing."""
        return None


class Deliverer:
    """Sends deliveries; one for a worker."""

    def __init__(
        self,
        pools: Pools,
        clock: Clock,
        settings: Settings,
        environment: Mapping[str, str],
        answers: Answers | None = None,
        key: str = "",
    ) -> None:
        """Take where deliveries stand, what is set up, and who takes answers.

        *environment* holds the secrets that calls name, *key* is what links are sealed with.
        """
        self._key = key
        self._pools = pools
        self._clock = clock
        self._settings = settings
        self._outside = Outside(environment, settings.allowed_hosts)
        self._answers = answers or NoAnswers()
        self._mailer: Mailer | None = None

    def deliver(self, ids: Iterable[int], token: int | None = None) -> dict[str, int]:
        """Send those of *ids* that are due and free; return how many ended in which state.

        Args:
            token: under which the ids were handed out, where whoever did so holds them.
        """
        counts: dict[str, int] = {}
        try:
            for delivery_id in ids:
                state = self._deliver(delivery_id, token)
                if state is not None:
                    counts[state] = counts.get(state, 0) + 1
        finally:
            if self._mailer is not None:
                self._mailer.__exit__(None, None, None)
                self._mailer = None
        return counts

    def _deliver(self, delivery_id: int, token: int | None) -> str | None:
        now = self._clock.now()
        with self._pools.write.connection() as connection:
            held = take(connection, delivery_id, now, token)
            if held is None:
                return None
            if held.content.get("lead", held.id) != held.id:
                # It goes out with the first of its digest.
                settle(connection, held, Result("waiting", counts=False), now)
                return None
            is_digest = "digest" in held.content
            along = join_digest(connection, held, now) if is_digest else {}
        result = self._attempt(held, list(along.values()))
        now = self._clock.now()
        with self._pools.write.connection() as connection:
            if settle(connection, held, result, now) and along:
                settle_digest(connection, list(along), result, now)
        return result.state

    def _attempt(self, held: Held, along: Sequence[Mapping[str, Any]]) -> Result:
        try:
            note = self._send(held, along)
        except SendFailed as failed:
            return self._failed(held, failed)
        except Exception as error:  # noqa: BLE001 - see below.
            # Whatever it is, the next attempt may meet it no more; nothing is to be lost.
            _log.exception("delivery %s failed", held.id)
            return self._failed(held, _unexpected(error))
        return Result("sent", tried=self._entry("sent", note or say("Sent.", "已发送。")))

    def _send(self, held: Held, along: Sequence[Mapping[str, Any]]) -> Label | None:
        if held.channel == "email":
            self._mail(held, along)
        elif held.channel == "call":
            return self._call(held)
        else:
            robot = chat.robot_of(self._settings, held.channel)
            now = self._clock.now().timestamp()
            chat.post(robot, held.content, self._settings.address, now)
        return None

    def _mail(self, held: Held, along: Sequence[Mapping[str, Any]]) -> None:
        mailer = self._mailer
        if mailer is None:
            mailer = self._mailer = Mailer(mail_server(self._settings))
        content = held.content
        if "digest" in content:
            content = digest([content, *along], self._settings.address)
        content = open_path(self._key, held.key, content)
        message = compose(mailer.server, held.key, held.target, content, held.created_at)
        mailer.send(message, held.target)

    def _call(self, held: Held) -> Label | None:
        answer = make_call(
            self._outside, delivery_id(held), held.target, held.content, self._clock.now()
        )
        if not held.content.get("saves"):
            return None
        values = answer_values(answer)
        if values is None:
            return say(
                "Sent. Nothing was saved: the answer is no JSON.",
                "已发送。响应不是 JSON，未保存任何内容。",
            )
        return self._answers.save(held, values)

    def _failed(self, held: Held, failed: SendFailed) -> Result:
        now = self._clock.now()
        if failed.is_waiting:
            # The sentence stands on the page anyway; it is not written down again and again.
            tried = self._entry("waiting", failed.sentence) if held.attempts == 1 else None
            return Result("waiting", now + LOOK_AGAIN, counts=False, tried=tried)
        entry = self._entry("failed", failed.sentence, failed.answer)
        length = None if failed.is_final else pause(held.attempts, failed.retry_after)
        if length is None:
            return Result("dead", tried=entry)
        return Result("late", now + length, tried=entry)

    def _entry(self, outcome: str, sentence: Label, answer: str = "") -> dict[str, Any]:
        entry: dict[str, Any] = {
            "at": self._clock.now().isoformat(),
            "outcome": outcome,
            "note": dict(sentence.texts),
        }
        if answer:
            entry["answer"] = answer
        return entry


def delivery_id(held: Held) -> str:
    """Return the id under which the other side knows a call, the same in every attempt."""
    return hashlib.blake2b(f"{held.id}/{held.key}".encode(), digest_size=16).hexdigest()


def _unexpected(error: Exception) -> SendFailed:
    return SendFailed(
        say(
            "Something unexpected happened; the log of the worker says what ({kind}).",
            "发生意外错误，详见工作进程日志（{kind}）。",
            kind=type(error).__name__,
        )
    )
