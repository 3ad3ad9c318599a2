"""HTTP to other people's servers: one request, one deadline, a bounded answer, no redirects."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from app.notifications.addresses import Destination, check_addresses, read_url
from app.notifications.deadline import Deadline
from app.notifications.failing import SendFailed
from app.texts import say

#: Seconds for looking the name up, connecting, sending and reading together.
SECONDS = 20.0
#: An answer may have this many bytes.
MOST_BYTES = 1_000_000
_SHOWN = 500
#: The same request will be refused the same way.
_FINAL = frozenset({400, 405, 406, 410, 411, 413, 414, 415, 422, 431, 451})


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def beginning(self) -> str:
        """The beginning of the body, for administrators."""
        return self.body[: 4 * _SHOWN].decode("utf-8", "replace")[:_SHOWN]


class _Pinned(http.client.HTTPConnection):
    """A connection to an address that was looked at before."""

    def __init__(
        self, destination: Destination, address: str, deadline: Deadline, tls: ssl.SSLContext | None
    ) -> None:
        super().__init__(destination.host, destination.port)
        self._address = address
        self._deadline = deadline
        self._tls = tls

    def connect(self) -> None:
        connection = self._deadline.connect(self._address, self.port)
        connection.settimeout(self._deadline.left)
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_hostname=self.host)
        self.sock = connection


def request(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    allowed_hosts: frozenset[str] = frozenset(),
    seconds: float = SECONDS,
    most: int = MOST_BYTES,
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """Send a request and return the answer, whatever its status.

    Args:
        most: bytes an answer may have.

    Raises:
        SendFailed: the host may not be called, does not answer in time, or answers too much.
    """
    destination = read_url(url)
    with Deadline(seconds) as deadline:
        addresses = deadline.resolve(destination.host, destination.port)
        if not destination.is_allowed(allowed_hosts):
            check_addresses(destination, addresses)
        context = (tls or ssl.create_default_context()) if destination.scheme == "https" else None
        connection = _Pinned(destination, addresses[0], deadline, context)
        try:
            return _exchange(connection, destination, method, headers, body, most)
        except SendFailed:
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            if deadline.has_expired or isinstance(error, TimeoutError):
                raise deadline.failure() from error
            raise _failed(destination, error) from error
        finally:
            connection.close()


def _exchange(
    connection: _Pinned,
    destination: Destination,
    method: str,
    headers: Mapping[str, str],
    body: bytes,
    most: int,
) -> Answer:
    sent = {
        "Host": destination.host_header,
        "User-Agent": "Trellis",
        "Accept-Encoding": "identity",
        "Connection": "close",
        **headers,
    }
    connection.request(method, destination.target, body or None, sent)
    answer = connection.getresponse()
    found = answer.read(most + 1)
    if len(found) > most:
        raise SendFailed(
            say(
                "The answer has more than {most} bytes.",
                "响应超过 {most} 字节。",
                most=most,
            )
        )
    if connection._deadline.has_expired:
        # What came before the connection was shut is not the whole answer.
        raise connection._deadline.failure()
    return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, found)


def _failed(destination: Destination, error: Exception) -> SendFailed:
    if isinstance(error, ssl.SSLError):
        return SendFailed(
            say(
                "`{host}` has no certificate that can be trusted.",
                "“{host}”的证书不受信任。",
                host=destination.host,
            )
        )
    if isinstance(error, ConnectionRefusedError | socket.gaierror):
        return SendFailed(
            say(
                "`{host}` does not take connections.",
                "“{host}”拒绝连接。",
                host=destination.host_header,
            )
        )
    return SendFailed(
        say(
            "The connection to `{host}` was lost.",
            "与“{host}”的连接中断。",
            host=destination.host_header,
        )
    )


def check_status(answer: Answer) -> None:
    """See that an answer says that all is well.

    Raises:
        SendFailed: it does not.
    """
    status = answer.status
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise SendFailed(
            say(
                "The answer is a redirect ({status}); redirects are not followed. "
                "Write the address it leads to.",
                "响应是重定向（{status}），系统不跟随重定向，请直接填写目标地址。",
                status=status,
            ),
            answer=answer.headers.get("location", "")[:_SHOWN],
        )
    raise SendFailed(
        say("The answer was {status}.", "响应状态为 {status}。", status=status),
        is_final=status in _FINAL,
        retry_after=_seconds(answer.headers.get("retry-after")),
        answer=answer.beginning,
    )


def _seconds(text: str | None) -> int | None:
    """Read ``Retry-After``, within a day."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 9:
        return None
    return min(int(text), 86_400)
