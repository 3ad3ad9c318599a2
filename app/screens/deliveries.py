"""What goes out: e-mails, chats and calls, for administrators.

What failed says why and can be sent again; what waits because something is not set up says what.
What the other side answered is shown here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, redirect, request
from markupsafe import Markup

from app.errors import Forbidden
from app.notifications import sendings
from app.screens.list_view import Tab
from app.screens.moments import time_tag
from app.screens.system import system_tabs
from app.screens.visit import Visit, leave_toast
from app.texts import Label

_PAGE = 50
_COLORS = {"waiting": "gray", "late": "orange", "dead": "red", "sent": "green", "dropped": "gray"}


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt."""

    when: Markup
    note: str
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One delivery."""

    id: int
    channel: str
    target: str
    state: str
    color: str
    what: str
    when: Markup
    due: Markup | str
    href: str
    tried: Sequence[Tried]
    may_send: bool
    may_drop: bool


@dataclass(frozen=True, slots=True)
class DeliveriesView:
    """Everything `deliveries.html` shows."""

    tabs: Sequence[Tab]
    rows: Sequence[Row]
    missing: Sequence[str]
    next: str
    #: how many failed
    dead: int
    #: the other pages of the system
    parts: Sequence[Tab]
    more_href: str = ""


def deliveries_page(visit: Visit) -> Response:
    """Return the page, for administrators."""
    _require_admin(visit)
    asked = request.args.get("state", "")
    state = asked if asked in sendings.STATES else None
    after = request.args.get("after", "")
    with visit.core.pools.read.connection() as connection:
        found = sendings.list_sendings(
            connection,
            state=state,
            after=int(after) if after.isdigit() and len(after) < 19 else None,
            limit=_PAGE,
        )
        counts = sendings.count_by_state(connection)
        waited_for = sendings.channels_waited_for(connection)
    rows = [_row(visit, one) for one in found[:_PAGE]]
    here = f"/deliveries?state={state}" if state else "/deliveries"
    joined = "&" if state else "?"
    view = DeliveriesView(
        tabs=_tabs(visit, state, counts),
        rows=rows,
        missing=_missing(visit, waited_for),
        next=here,
        dead=counts.get("dead", 0),
        parts=system_tabs(visit, "deliveries"),
        more_href=f"{here}{joined}after={rows[-1].id}" if len(found) > _PAGE else "",
    )
    page = visit.page(visit.wording.say("Deliveries"), "system")
    return visit.render("deliveries.html", page=page, view=view)


def _require_admin(visit: Visit) -> None:
    if not visit.policy.is_admin:
        raise Forbidden


def _states(visit: Visit) -> dict[str, str]:
    say = visit.wording.say
    return {
        "waiting": say("Waiting"),
        "late": say("Late, will be tried again"),
        "dead": say("Failed"),
        "sent": say("Sent"),
        "dropped": say("Given up"),
    }


def _tabs(visit: Visit, state: str | None, counts: dict[str, int]) -> list[Tab]:
    found = [Tab(visit.wording.say("All"), "/deliveries", state is None)]
    for name, label in _states(visit).items():
        count = str(counts[name]) if counts.get(name) else None
        found.append(Tab(label, f"/deliveries?state={name}", state == name, count=count))
    return found


def _row(visit: Visit, one: sendings.Sending) -> Row:
    entity = visit.core.live.release.names.get(one.entity or 0)
    what = one.content.get("subject") or one.content.get("text") or one.content.get("method") or ""
    look = visit.look

    def moment(at: datetime) -> Markup:
        return time_tag(at, look.now, visit.wording, look.zone)

    return Row(
        id=one.id,
        channel=one.channel,
        target=one.target,
        state=_states(visit)[one.state],
        color=_COLORS[one.state],
        what=str(what)[:200],
        when=moment(one.created_at),
        due=moment(one.due_at) if one.state in ("waiting", "late") else "",
        href=f"/crm/{entity}/{one.record_id}" if entity and one.record_id else "",
        tried=[_tried(visit, entry, moment) for entry in reversed(one.tried)],
        may_send=one.state in ("late", "dead", "dropped", "waiting"),
        may_drop=one.state in ("late", "dead", "waiting"),
    )


def _tried(visit: Visit, entry: Any, moment: Any) -> Tried:
    note = visit.words(Label(entry.get("note") or {}))
    at = datetime.fromisoformat(entry["at"])
    return Tried(moment(at), note, str(entry.get("answer") or ""))


def _missing(visit: Visit, waited_for: set[str]) -> list[str]:
    """Return the settings that something waits for."""
    settings = visit.core.settings
    known = {
        "email": ("TRELLIS_SMTP_HOST", settings.smtp_host),
        "wecom": ("TRELLIS_WECOM_ROBOT", settings.wecom_robot),
        "dingtalk": ("TRELLIS_DINGTALK_ROBOT", settings.dingtalk_robot),
        "feishu": ("TRELLIS_FEISHU_ROBOT", settings.feishu_robot),
        "slack": ("TRELLIS_SLACK_ROBOT", settings.slack_robot),
    }
    return [name for channel, (name, value) in known.items() if channel in waited_for and not value]


def all_again(visit: Visit) -> Response:
    """Have everything that failed sent again."""
    _require_admin(visit)
    with visit.core.pools.write.connection() as connection:
        count = sendings.send_all_again(connection, visit.look.now)
    leave_toast(visit.wording.say("%(count)s go out again", count=count))
    return redirect("/deliveries", 303)  # type: ignore[return-value]


def act(visit: Visit, number: int, what: str) -> Response:
    """Have a delivery sent again, or give it up."""
    _require_admin(visit)
    with visit.core.pools.write.connection() as connection:
        if what == "again":
            done = sendings.send_again(connection, [number], visit.look.now)
        else:
            done = sendings.give_up(connection, [number])
    say = visit.wording.say
    if not done:
        leave_toast(say("A worker has it in hand just now; try again in a minute"))
    else:
        leave_toast(say("It goes out again") if what == "again" else say("Given up"))
    state = request.form.get("state", "")
    return redirect(
        f"/deliveries?state={state}" if state in sendings.STATES else "/deliveries", 303
    )  # type: ignore[return-value]
