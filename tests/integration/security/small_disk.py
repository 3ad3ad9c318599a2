"""A PostgreSQL on a disk of its own that is filled: run in a mount namespace, prints what happened.

    unshare --mount python -m tests.integration.security.small_disk FOLDER

The disk is there for this process and its children alone, and gone with them.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import psycopg

from app.database.servers import PostgreSQLServer
from tests.integration.api.world import ApiWorld, build

SIZE = "170m"
#: leaves segments of the log that are written again, instead of new ones
KEPT = {"min_wal_size": "80MB", "max_wal_size": "96MB", "shared_buffers": "16MB"}
#: so many bytes a record takes that cannot be pressed together
LONG = 20_000


def main(folder: Path) -> None:
    """Fill the disk, read and write, give the room back, and print what was answered."""
    disk, sockets = folder / "disk", folder / "sockets"
    for path in (disk, sockets):
        path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(disk)], check=True)
    server = PostgreSQLServer(disk / "data", folder / "log", sockets, settings=KEPT)
    server.start()
    world = None
    try:
        build(server.url())
        world = ApiWorld(server.url(), folder / "var")
        print(json.dumps(tell(world, server, disk)))  # noqa: T201 - that is what it is for.
    finally:
        if world is not None:
            world.close()
        server.stop()


def tell(world: ApiWorld, server: PostgreSQLServer, disk: Path) -> dict[str, object]:
    """Return what was answered before, during and after."""
    root = world.as_("root")
    with psycopg.connect(server.url(), autocommit=True) as connection:
        for _ in range(4):
            connection.execute("SELECT pg_logical_emit_message(false, 'x', repeat('x', 100000))")
            connection.execute("SELECT pg_switch_wal()")
        connection.execute("CHECKPOINT")
    made = [root.made("customer", name="Before")["id"]]
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 65536):
                pass
        except OSError:
            pass
    refused, answers = None, set()
    for number in range(60):
        sent = {"name": f"Full {number}", "note": secrets.token_hex(LONG // 2)}
        answer = root.post("/customer/", sent)
        if answer.status_code != 201:
            refused = answer
            break
        made.append(answer.json["id"])
    for _ in range(3):
        answers.add(root.get("/customer/").status_code)
        answers.add(root.get(f"/customer/{made[0]}").status_code)
    pid = server.pid
    filler.unlink()
    after = root.post("/customer/", {"name": "After"})
    kept = [root.get(f"/customer/{number}").status_code for number in made]
    return {
        "written": len(made),
        "refused": refused.status_code if refused is not None else None,
        "code": refused.json["error"]["code"] if refused is not None else None,
        "retry": refused.headers.get("Retry-After") if refused is not None else None,
        "reads": sorted(answers),
        "after": after.status_code,
        "kept": sorted(set(kept)),
        "same_server": pid is not None and pid == server.pid,
    }


if __name__ == "__main__":
    os.umask(0o022)
    main(Path(sys.argv[1]))
