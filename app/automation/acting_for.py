"""Who a rule acts as, and who caused it.

A rule acts as the system unless it says otherwise; history names the rule and the person. A person
who does not work here any more causes nothing and acts as nobody.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from app.access.principal import SYSTEM, Principal
from app.definitions.automation import RuleDefinition
from app.errors import Forbidden
from app.records.statements import Statement
from app.records.work import Work
from app.texts import say

_account = sa.table("ab_user", sa.column("id"), sa.column("username"), schema="public")
_by_name = Statement(
    sa.select(_account.c.id).where(
        sa.func.lower(_account.c.username) == sa.func.lower(sa.bindparam("name", type_=sa.Text))
    )
)


def causer_of(work: Work) -> Principal | None:
    """Return the person who caused what *work* writes."""
    if work.principal.user_id is not None:
        return work.principal
    return principal_of(work, work.behalf)


def principal_of(work: Work, user_id: int | None) -> Principal | None:
    """Return a person as of now; None for nobody, and for who does not work here any more."""
    return work.organisation.principal(user_id) if user_id is not None else None


def named(work: Work, login: str) -> Principal | None:
    """Return a person by sign-in name; None for who is not, or does not work here any more."""
    row = _by_name.run(work.connection, {"name": login}).fetchone()
    return principal_of(work, row[0] if row else None)


def seeing_as(work: Work, causer: Principal | None) -> Work:
    """Return the work in whose eyes `me` and `my` are the causer."""
    if causer is None or work.principal is causer:
        return work
    return work.acting_as(causer, origin=work.origin, cause=work.cause, chain=work.chain)


def acting_for(
    work: Work, rule: RuleDefinition, causer: Principal | None, chain: tuple[Any, ...]
) -> Work:
    """Return the work of a rule's steps.

    Raises:
        Forbidden: the rule acts as somebody who does not work here any more.
    """
    principal: Principal | None = SYSTEM
    if rule.as_ == "user":
        principal = causer
    elif rule.as_ != "system":
        principal = named(work, rule.as_)
    if principal is None:
        raise Forbidden(
            say(
                "The rule “{rule}” acts as {who}, who does not work here any more.",
                "规则“{rule}”以 {who} 的身份执行，但此人已不在职。",
                rule=rule.label or rule.name,
                who=say("whoever caused it", "触发者") if rule.as_ == "user" else rule.as_,
            )
        )
    return work.acting_as(
        principal,
        origin="rule",
        cause=rule.name,
        behalf=causer.user_id if causer is not None else None,
        chain=chain,
    )
