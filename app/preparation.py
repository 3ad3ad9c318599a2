"""Bring an installation to where its first request can be answered: `python -m app.preparation`.

Runs before web and worker, in a process of its own that ends. Every start goes through the same
steps, and each does only what is missing: tables, the configuration, the administrator, the demo.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType

import sqlalchemy as sa

from app.data_folder import DataFolder
from app.database.embedded import empty_database, is_embedded
from app.database.pools import Pools
from app.errors import TrellisError, text_in
from app.installation import Installation
from app.personal.redo import do_again
from app.security.people import add_user
from app.services import Services, open_services
from app.settings import Settings, read_settings
from app.whole.contents import NOBODYS

ADMIN = "admin"
#: There as long as the demo is being loaded.
DEMO_MARK = "demo-loading"
#: The demo is a story of sales; another configuration has no place for it.
DEMO_ENTITIES = {"lead", "customer", "contact", "opportunity", "contract", "receivable", "task"}

_accounts = sa.table("ab_user", sa.column("username"), sa.column("password"), schema="public")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def prepare(settings: Settings) -> bool:
    """Do what is missing; return whether there is anything to serve."""
    if settings.database_url is None:
        raise TrellisError("The preparation needs DATABASE_URL; `trellis run` sees to it.")
    _forget_half_a_demo(settings.data, settings.database_url)
    pools = Pools(settings.database_url, max_size=1)
    try:
        if not Installation(settings, pools).take_up(say, who="trellis run"):
            say("There is no configuration that could serve.")
            return False
    finally:
        pools.close()
    services = open_services(settings)
    try:
        _anonymise_again(services)
        _add_people(services)
    finally:
        services.close()
    return True


def _anonymise_again(services: Services) -> None:
    """Do what was done for persons after the backup that was restored here was made."""
    count = do_again(services.records, services.pools, services.settings.data)
    if count:
        say(f"Anonymisations made after the backup, done again: {count}.")


def _forget_half_a_demo(data: Path, database_url: str) -> None:
    """Start over if the first start was killed while it loaded the demo.

    Until the demo is loaded nobody can have signed in, so nobody's work is in that database.
    """
    mark = data / DEMO_MARK
    if not mark.exists():
        return
    if is_embedded(DataFolder(data), database_url):
        say("The first start was interrupted while it loaded the demo; it begins again.")
        empty_database(database_url)
    else:
        say("The first start was interrupted while it loaded the demo, which is there in part.")
    mark.unlink()


def _add_people(services: Services) -> None:
    """Add the administrator and, on the first start, the people and records of the demo."""
    password = services.secrets.admin_password
    there = _logins(services)
    if ADMIN not in there:
        add_user(
            services.records,
            login=ADMIN,
            password=password,
            roles=[ADMIN],
            values={"name": "Administrator"},
        )
        # Where others are already, it is somebody's own: brought in, or restored.
        if services.settings.demo and not there:
            _add_demo(services, password)
    elif _has_no_password(services):
        say(
            f"Nobody has a password here yet: `trellis user reset {ADMIN}` gives a link to set one."
        )
        return
    shown = "the password in TRELLIS_ADMIN_PASSWORD"
    if services.settings.admin_password is None:
        shown = f"`{password}` (kept in {services.settings.data / 'secrets' / 'admin_password'})"
    say(f"Sign in as {ADMIN} with {shown}, or the one you changed it to.")
    others = _demo_logins(services)
    if others:
        say("The people of the demo have the same one:")
        for role, logins in others.items():
            say(f"  {role}: {', '.join(logins)}")


def _logins(services: Services) -> set[str]:
    with services.pools.engine.connect() as connection:
        return set(connection.execute(sa.select(_accounts.c.username)).scalars())


def _has_no_password(services: Services) -> bool:
    """Return whether everything was brought in without passwords, and none was set since."""
    with services.pools.engine.connect() as connection:
        found = connection.execute(
            sa.select(_accounts.c.password).where(_accounts.c.username == ADMIN)
        ).scalar_one()
    return bool(found == NOBODYS)


def _demo_logins(services: Services) -> dict[str, list[str]]:
    """Return who of the demo may sign in, by role, so that one knows whom to try."""
    from app.demo.organisation import demo_organisation

    there, found = _logins(services), dict[str, list[str]]()
    for user in demo_organisation().users:
        if user.login in there:
            found.setdefault(user.roles[0], []).append(user.login)
    return found


def _add_demo(services: Services, password: str) -> None:
    """Load the demo if this is the configuration it was written for."""
    from app.demo.loader import load_demo

    if not services.live.release.catalog.entities.keys() >= DEMO_ENTITIES:
        return
    say("Loading the demo; TRELLIS_DEMO=no starts without it …")
    mark = services.settings.data / DEMO_MARK
    mark.touch()
    try:
        loaded = load_demo(services, password)
    except TrellisError as error:
        said = "; ".join(f"{name}: {text_in(of[0], 'en')}" for name, of in error.fields.items())
        say(f"The demo does not fit this configuration and was loaded in part: {error} {said}")
    else:
        say(f"{sum(loaded.records.values())} records are there to be looked at.")
    # Not in a `finally`: an interruption must leave the mark.
    mark.unlink()


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
