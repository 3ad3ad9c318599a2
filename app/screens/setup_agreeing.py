"""Agreeing to a changed configuration before it is applied, for those whom `changes` names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, redirect, request

from app.agreeing import agree_as, entries_of, said_by, take_back, tell_those_asked
from app.database import audit
from app.database.agreements import Standing
from app.errors import Conflict, NotFound
from app.screens.setup_pane import Pane, pane_of
from app.screens.visit import Visit, leave_toast
from app.security.manager import require_admin
from app.texts import say as label


@dataclass(frozen=True, slots=True)
class AgreeView:
    """What `setup_agree.html` shows."""

    pane: Pane
    proposed_by: str
    is_asked: bool


def agree_page(visit: Visit) -> Response:
    """Return what is proposed, in words: for administrators and for whoever is asked."""
    standing = _standing(visit)
    view = AgreeView(
        pane_of(visit, visit.screens.configuration.loaded()),
        standing.proposed_by,
        bool(standing.confirm),
    )
    title = visit.wording.say("Agreement to a change")
    return visit.render("setup_agree.html", page=visit.page(title), view=view)


def propose(visit: Visit) -> Response:
    """Keep what is said with the change, so that others can agree to it."""
    require_admin(visit.principal)
    standing = _standing(visit)
    said = {name: request.form.get(f"said.{name}", "") for name in standing.needs}
    name, user_id = visit.principal.name, visit.principal.user_id
    standing = said_by(visit.core.pools, standing, said, name, user_id)
    tell_those_asked(visit.records, visit.core.teller, standing, name)
    leave_toast(visit.wording.say("Proposed. Those who are asked can agree now."))
    return redirect("/setup", 303)  # type: ignore[return-value]


def agree(visit: Visit) -> Response:
    """Agree to the change that was looked at, or take one's word back."""
    standing = _standing(visit)
    if request.form.get("fingerprint") != standing.fingerprint:
        raise Conflict(
            label(
                "The files changed since you looked. Look at the plan again.",
                "您查看之后文件已改变，请重新查看计划。",
            )
        )
    pools, user_id = visit.core.pools, visit.principal.user_id
    if request.form.get("word") == "back" and user_id is not None:
        take_back(pools, standing, user_id)
    else:
        agree_as(pools, visit.core.organisation.snapshot(), standing, user_id, visit.principal.name)
        with pools.write.connection() as connection:
            audit.note(
                connection,
                "configuration.change.agreed",
                user_id=user_id,
                address=request.remote_addr,
                details={"version": standing.base, "fingerprint": standing.fingerprint},
            )
        leave_toast(visit.wording.say("You agreed to this change."))
    return redirect("/setup/agree", 303)  # type: ignore[return-value]


def _standing(visit: Visit) -> Standing:
    """Return where the saved files stand.

    Raises:
        NotFound: nobody is asked, or the asker is none of those who are.
    """
    configuration: Any = visit.screens.configuration
    principal = visit.principal
    loaded = configuration.loaded()
    if loaded.catalog is None:
        if principal.is_admin:
            return Standing()
        raise NotFound
    plan = configuration.installation.plan(loaded.catalog)
    standing: Standing = configuration.installation.standing(plan)
    snapshot = visit.core.organisation.snapshot()
    if not principal.is_admin and not entries_of(snapshot, standing, principal.user_id):
        raise NotFound
    return standing
