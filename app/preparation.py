"""Bring an installation to where its first request can be answered: `python -m app.preparation`.

Runs before web and worker, in a process of its own that ends. Every start goes through the same
steps, and each does only what is missing: tables, the configuration, the administrator, the demo.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType

import sqlalchemy as sa

from app.database.pools import Pools
from app.errors import TrellisError
from app.installation import Installation
from app.security.people import add_user
from app.services import Services, open_services
from app.settings import Settings, read_settings

ADMIN = "admin"

_accounts = sa.table("ab_user", sa.column("username"), schema="public")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def prepare(settings: Settings) -> bool:
    """Do what is missing; return whether there is anything to serve."""
    if settings.database_url is None:
        raise TrellisError("The preparation needs DATABASE_URL; `trellis run` sees to it.")
    pools = Pools(settings.database_url, max_size=1)
    try:
        if not Installation(settings, pools).take_up(say, who="trellis run"):
            say("There is no configuration that could serve.")
            return False
    finally:
        pools.close()
    services = open_services(settings)
    try:
        _add_people(services)
    finally:
        services.close()
    return True


def _add_people(services: Services) -> None:
    with services.pools.engine.connect() as connection:
        known = set(connection.execute(sa.select(_accounts.c.username)).scalars())
    if ADMIN not in known:
        add_user(
            services.records,
            login=ADMIN,
            password=services.secrets.admin_password,
            roles=[ADMIN],
            values={"name": "Administrator"},
        )
    if services.settings.admin_password is None:
        where = services.settings.data / "secrets" / "admin_password"
        say(f"Sign in as {ADMIN} with {services.secrets.admin_password} (kept in {where}).")
    else:
        say(f"Sign in as {ADMIN} with the password of the first start (TRELLIS_ADMIN_PASSWORD).")


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(1)


def main() -> int:
    """Prepare the installation of this process' environment; return the exit code."""
    # Signals end it between two statements; what was not committed has not happened.
    signal.signal(signal.SIGTERM, _end)
    try:
        return 0 if prepare(read_settings()) else 1
    except TrellisError as error:
        say(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
