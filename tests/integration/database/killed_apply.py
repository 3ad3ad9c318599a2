"""An apply in a process of its own, which ends it at a named point: see `test_killed`."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from app.database.apply import ApplyOptions, apply_catalog
from app.database.operations import Operation
from app.database.pools import Pools
from app.definitions.load import load_files
from tests.integration.database.installations import field_types


def slow_hook(connection: Any, _release: Any, entity: str, after: int = 0, mark: Any = None) -> int:
    """Work out a formula that doubles, two records at a time."""
    while True:
        rows = connection.execute(
            "SELECT id FROM crm.customer WHERE id > %s ORDER BY id LIMIT 2", (after,)
        ).fetchall()
        if not rows:
            return 0
        after = rows[-1][0]
        with connection.transaction():
            connection.execute("UPDATE crm.customer SET twice = size * 2 WHERE id <= %s", (after,))
            mark(after)


def main() -> None:
    order = json.loads(sys.stdin.read())
    catalog = load_files(order["files"], field_types()).catalog
    assert catalog is not None

    def die(point: str, operation: Operation | None) -> None:
        name = f"{point} {type(operation).__name__}" if operation else point
        print(name, flush=True)  # noqa: T201
        if order["die_at"] in (name, point):
            os.kill(os.getpid(), signal.SIGKILL)

    options = ApplyOptions(allow=order["allow"], on_step=die, recompute=(slow_hook,))
    apply_catalog(Pools(order["url"]), catalog, "killed", options=options)


if __name__ == "__main__":
    main()
