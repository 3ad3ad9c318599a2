"""Commands about accounts: who may sign in, and tokens for programs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from app.commands.base import format_option, kindly, opened_services, print_json, say
from app.errors import NotFound, TrellisError
from app.settings import Settings


@click.group()
def user() -> None:
    """Look after accounts."""


@user.command("add")
@click.argument("login")
@click.option("--name", required=True, help="The person's name as lists show it.")
@click.option("--email", help="The person's e-mail address.")
@click.option("--role", "roles", multiple=True, metavar="ROLE", help="May be repeated.")
@click.option("--department", metavar="NAME", help="The department, by its name.")
@click.option("--manager", metavar="LOGIN", help="The person they report to.")
@click.option(
    "--password", envvar="PASSWORD", help="Asked for when left out; or PASSWORD in the environment."
)
@format_option
@kindly
def add_account(
    settings: Settings,
    login: str,
    name: str,
    email: str | None,
    roles: tuple[str, ...],
    department: str | None,
    manager: str | None,
    password: str | None,
    form: str,
) -> None:
    """Add a person who may sign in.

    \b
    Examples:
      trellis user add mia --name "Mia Chen" --role sales --manager li
      PASSWORD=… trellis user add robot --name Robot --role auditor
    """
    from app.security.people import add_user

    if password is None:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    with opened_services(settings, "trellis user add") as services:
        values: dict[str, Any] = {"name": name}
        if email:
            values["email"] = email
        if department:
            values["department"] = _find(services, "department", "name", department)
        if manager:
            values["manager"] = _find(services, "user", "login", manager)
        number = add_user(
            services.records, login=login, password=password, roles=roles, values=values
        )
    if form == "json":
        print_json({"id": number, "login": login, "roles": list(roles)})
    else:
        say(f"{login} may sign in now (user {number}).")


@user.command("reset")
@click.argument("login")
@click.option("--second-factor", is_flag=True, help="Turn the second factor off as well.")
@format_option
@kindly
def reset(settings: Settings, login: str, second_factor: bool, form: str) -> None:
    """Make a link by which somebody chooses a new password.

    It works once, within an hour. Whoever lost the authenticator and the recovery codes, or whose
    installation got another secret key, needs `--second-factor`.

    \b
    Examples:
      trellis user reset mia
      trellis user reset admin --second-factor
    """
    with opened_services(settings, "trellis user reset") as services:
        number = _find(services, "user", "login", login)
        was_on = second_factor and services.second_factors.turn_off(number, None)
        path = services.tickets.make(number, "reset", None)
        if path is None:
            raise TrellisError(f"The account of `{login}` is closed; open it first.")
        here = services.settings
        link = f"{here.address or f'http://{here.host}:{here.port}'}{path}"
    if form == "json":
        print_json({"link": link, "second_factor": "off" if was_on else "unchanged"})
    else:
        if was_on:
            say("The second factor is off.")
        say(link)


def _find(services: Any, entity: str, field: str, value: str) -> int:
    """Return the number of the one record whose *field* is *value*."""
    from app.access.principal import SYSTEM

    page = services.records.query(SYSTEM, entity, fields=["id"], where={field: value}, limit=2)
    if len(page) != 1:
        how_many = "no" if not page.rows else "more than one"
        raise TrellisError(f"There is {how_many} {entity} whose {field} is `{value}`.")
    return int(page.rows[0].id)


@click.command()
@click.argument("login")
@click.option("--name", default="command line", show_default=True, help="What the token is for.")
@click.option("--days", type=click.IntRange(1, 3650), help="It ends after so many days.")
@format_option
@kindly
def token(settings: Settings, login: str, name: str, days: int | None, form: str) -> None:
    """Make an API key for a person or a program.

    It is sent as `Authorization: Bearer KEY` and may do what the person may do. It is shown once,
    now; only a hash of it is kept.

    \b
    Examples:
      trellis token robot --name "nightly export" --days 90
      curl -H "Authorization: Bearer $(trellis token robot)" http://127.0.0.1:8000/api/v1/me
    """
    from app.factory import create_app

    ends = None
    if days is not None:
        ends = (datetime.now(UTC) + timedelta(days=days)).replace(tzinfo=None)
    with opened_services(settings, "trellis token") as services:
        app = create_app(services.settings, services)
        with app.app_context():
            # FAB keeps the keys, so that its own way of checking them finds them too.
            manager: Any = app.extensions["appbuilder"].sm
            person = manager.find_user(username=login)
            if person is None:
                raise NotFound(f"There is no user whose login is `{login}`.")
            made = manager.create_api_key(person, name, expires_on=ends)
            if made is None:
                raise TrellisError(f"The key could not be kept; is there one called `{name}`?")
    if form == "json":
        print_json({"key": made["key"], "uuid": made["uuid"], "name": name, "expires_on": ends})
    else:
        say(made["key"])
