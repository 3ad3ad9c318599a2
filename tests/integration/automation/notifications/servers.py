"""Small real servers that behave as one is told: SMTP and HTTP, on this machine."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Mailbox:
    """An SMTP server and what it was given."""

    port: int = 0
    #: how it behaves, one word for each conversation; the last one goes on
    moods: list[str] = field(default_factory=lambda: ["kind"])
    taken: list[Message] = field(default_factory=list)
    #: senders and recipients as the conversation named them
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    conversations: int = 0

    def mood(self) -> str:
        self.conversations += 1
        return self.moods.pop(0) if len(self.moods) > 1 else self.moods[0]


class _Conversation(socketserver.StreamRequestHandler):
    server: Any

    def handle(self) -> None:
        box: Mailbox = self.server.box
        mood = box.mood()
        if mood == "hang":
            self.rfile.read(1)
            return
        if mood == "drip":
            self._drip()
            return
        self._say("421 closed" if mood == "door" else "220 test")
        sender, receivers = "", []
        while line := self.rfile.readline(4096).decode().strip():
            word = line.split(":")[0].upper().split()[0]
            if word in ("EHLO", "HELO"):
                self._say("250 test")
            elif word == "MAIL":
                sender = line.split("<")[1].split(">")[0]
                self._say("250 ok")
            elif word == "RCPT":
                if mood in ("451", "550"):
                    self._say(f"{mood} no")
                    continue
                receivers.append(line.split("<")[1].split(">")[0])
                self._say("250 ok")
            elif word == "DATA":
                self._say("354 go on")
                body = self._body()
                box.taken.append(message_from_bytes(body, policy=default))
                box.envelopes.append((sender, receivers))
                receivers = []
                if mood == "lost":
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self._say("250 taken")
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())

    def _body(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines)

    def _drip(self) -> None:
        try:
            while True:
                self.wfile.write(b"2")
                time.sleep(0.05)
        except OSError:
            return


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def mail_server(*moods: str) -> Iterator[Mailbox]:
    """Run an SMTP server that behaves as the words say, one for each conversation."""
    box = Mailbox(moods=list(moods) or ["kind"])
    with _Server(("127.0.0.1", 0), _Conversation) as server:
        server.box = box  # type: ignore[attr-defined]
        box.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield box
        server.shutdown()


@dataclass
class Asked:
    """One request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Website:
    """An HTTP server and what it was asked."""

    url: str = ""
    host: str = ""
    asked: list[Asked] = field(default_factory=list)


Answering = Callable[[BaseHTTPRequestHandler, Asked], None]


def say(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    """Answer."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def web_server(answer: Answering) -> Iterator[Website]:
    """Run an HTTP server that answers with a function."""
    site = Website()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, body)
            site.asked.append(asked)
            try:
                answer(self, asked)
            except OSError:
                # Whoever asked has hung up.
                return

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

        def log_message(self, *_said: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        site.host = f"127.0.0.1:{server.server_address[1]}"
        site.url = f"http://{site.host}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield site
        server.shutdown()
