"""A small real IMAP server with one folder, on this machine."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

PASSWORD = "let-me-in"


@dataclass
class Folder:
    """What lies in it, and how the server behaves."""

    port: int = 0
    validity: int = 7
    #: by UID
    mails: dict[int, bytes] = field(default_factory=dict)
    #: what was asked to be changed on the server
    marks: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


class _Conversation(socketserver.StreamRequestHandler):
    server: Any

    def handle(self) -> None:
        self._say("* OK IMAP4rev1 test")
        while line := self.rfile.readline(8192).decode().strip():
            tag, word, *rest = line.split(" ", 2)
            self.server.folder.asked.append(line.partition(" ")[2])
            answer = getattr(self, f"_{word.lower()}", self._other)(rest[0] if rest else "")
            self._say(f"{tag} {answer}")
            if word == "LOGOUT":
                return

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")

    def _capability(self, _: str) -> str:
        self._say("* CAPABILITY IMAP4rev1")
        return "OK done"

    def _login(self, rest: str) -> str:
        return "OK done" if rest == f'"me" "{PASSWORD}"' else "NO wrong password"

    def _examine(self, _: str) -> str:
        folder: Folder = self.server.folder
        self._say(f"* {len(folder.mails)} EXISTS")
        self._say(f"* OK [UIDVALIDITY {folder.validity}] valid")
        self._say(f"* OK [UIDNEXT {max(folder.mails, default=0) + 1}] next")
        return "OK [READ-ONLY] done"

    def _logout(self, _: str) -> str:
        self._say("* BYE bye")
        return "OK done"

    def _uid(self, rest: str) -> str:
        folder: Folder = self.server.folder
        if rest.startswith("SEARCH"):
            first = int(re.findall(r"UID (\d+):", rest)[0])
            # `*` is the last one, whatever its number.
            found = [uid for uid in folder.mails if uid >= first] or [max(folder.mails, default=0)]
            self._say("* SEARCH " + " ".join(map(str, found)))
            return "OK done"
        uid = int(rest.split()[1])
        if "SIZE" in rest:
            self._say(f"* 1 FETCH (UID {uid} RFC822.SIZE {len(folder.mails[uid])})")
        elif uid in folder.mails:
            raw = folder.mails[uid]
            self._say(f"* 1 FETCH (BODY[] {{{len(raw)}}}")
            self.wfile.write(raw + f" UID {uid})\r\n".encode())
        return "OK done"

    def _other(self, rest: str) -> str:
        self.server.folder.marks.append(rest)
        return "BAD unknown"


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def imap_server() -> Iterator[Folder]:
    """Yield a folder that can be read at `imap://127.0.0.1:PORT`."""
    folder = Folder()
    with _Server(("127.0.0.1", 0), _Conversation) as server:
        server.folder = folder  # type: ignore[attr-defined]
        folder.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder
        server.shutdown()
