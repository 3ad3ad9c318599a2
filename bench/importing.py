"""Imports in a process of their own, as a worker runs them: ``python -m bench.importing RUN …``.

The last is measured; those before it let what is compiled once be compiled. Prints a line of
JSON: seconds, CPU seconds of both sides, the most memory it held, and how long reading the file alone takes.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import psutil

from app.access.principal import SYSTEM
from app.services import Services, open_services
from app.settings import read_settings
from app.transfer.tables import open_table


def main() -> None:
    services = open_services(read_settings())
    try:
        imports = services.imports
        *before, number = map(int, sys.argv[1:])
        for each in before:
            while imports.advance(each):
                pass
        run = imports.get(SYSTEM, number)
        of_server, used, began = _of_server(services), time.process_time(), time.perf_counter()
        while imports.advance(run.id):
            pass
        seconds, used = time.perf_counter() - began, time.process_time() - used
        of_server = _of_server(services) - of_server
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        began = time.perf_counter()
        with open_table(services.files.path(run.sha256), run.plan.shape) as table:
            rows = sum(1 for _ in table)
        reading = time.perf_counter() - began
    finally:
        services.close()
    found = {
        "seconds": seconds,
        "cpu": used,
        "server": of_server,
        "memory": most,
        "reading": reading,
        "rows": rows,
    }
    print(json.dumps(found))


def _of_server(services: Services) -> float:
    """Return the CPU seconds of the database's processes, those of its own chores included."""
    with services.pools.engine.connect() as connection:
        pids = connection.exec_driver_sql("SELECT pid FROM pg_stat_activity").scalars().all()
    spent = (psutil.Process(pid).cpu_times() for pid in pids if psutil.pid_exists(pid))
    return sum(one.user + one.system for one in spent)


if __name__ == "__main__":
    main()
