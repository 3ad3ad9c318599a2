"""Public seas on the screens: on the page of a record, above and below a list, and what is done.

How a record stands with the public seas is asked of ``automation.pool_desk``; here it is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flask import Response, redirect, request

from app.automation.pool_desk import Done, PoolDesk, Standing
from app.automation.pools import Leaving
from app.definitions.automation import Pool
from app.definitions.catalog import Entity
from app.errors import InvalidInput, NotFound, RequestError, TrellisError
from app.screens.controls import Chosen, Control
from app.screens.list_view import Act, Asked, Tab
from app.screens.moments import exact
from app.screens.navigation import plural
from app.screens.pickers import person_control
from app.screens.record_blocks import title_of
from app.screens.visit import Visit, leave_toast
from app.texts import join, say

_RELEASE = say("Release to the public sea", "放入公海")
_CLAIM = say("Claim", "领取")
_ASSIGN = say("Give to somebody", "分配给他人")
#: Refusals that are told one by one; of the others only how many.
_TOLD = 2


@dataclass(frozen=True, slots=True)
class Release:
    """The form that puts something into a public sea."""

    title: str
    href: str
    pool_label: str
    pools: Sequence[Chosen]
    reason_label: str
    #: empty where no public sea asks for a reason
    reasons: Sequence[Chosen]
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Give:
    """The form that gives a record of a public sea to somebody."""

    title: str
    href: str
    person: Control


@dataclass(slots=True)
class PoolView:
    """What `pool.html` shows of one record."""

    #: where it lies, and since when nobody has it
    lies: str = ""
    since: str = ""
    closed: str = ""
    #: why it cannot be claimed now
    why_not: str = ""
    #: it goes into a public sea soon
    leaves: str = ""
    is_soon: bool = False
    claim_href: str = ""
    claim_label: str = ""
    release: Release | None = None
    give: Give | None = None


def desk(visit: Visit) -> PoolDesk:
    """Return who releases and claims."""
    return PoolDesk(visit.records)


def pools_of(visit: Visit, entity: Entity) -> tuple[Pool, ...]:
    """Return the public seas of an entity that the visitor may look into."""
    pools = visit.catalog.automation.pools_of(entity.name)
    mine = visit.principal.pools
    return tuple(one for one in pools if visit.policy.is_admin or one.name in mine)


# -- the page of a record ------------------------------------------------------------------------


def pool_block(visit: Visit, entity: Entity, record_id: int) -> PoolView | None:
    """Return how a record stands with the public seas; None where its entity has none."""
    if not visit.catalog.automation.pools_of(entity.name):
        return None
    found = desk(visit).standing(visit.principal, entity.name, record_id)
    base = f"/crm/{entity.name}/{record_id}"
    view = PoolView()
    if found.pool is not None:
        _say_where(visit, entity, found, view)
    if found.may_claim and found.why_not is None:
        view.claim_href, view.claim_label = f"{base}/claim", visit.words(_CLAIM)
    if found.leaving is not None:
        _say_when(visit, found.leaving, view)
    if found.targets:
        view.release = release_form(visit, found.targets, f"{base}/release")
    if found.keeps:
        person = person_control("owner", visit.wording.say("New owner"), entity.name)
        view.give = Give(visit.words(_ASSIGN), f"{base}/assign", person)
    return view


def _say_where(visit: Visit, entity: Entity, found: Standing, view: PoolView) -> None:
    assert found.pool is not None
    sentence = say("This lies in “{pool}”.", "这条记录在“{pool}”中。")
    if found.previous_owner:
        sentence = say(
            "This lies in “{pool}”; {name} had it last.",
            "这条记录在“{pool}”中，前负责人：{name}。",
        )
    view.lies = visit.words(sentence.format(pool=found.pool.label, name=found.previous_owner or ""))
    view.since = _say_since(visit, found)
    if found.hidden:
        fields = [entity.fields[name].label for name in found.hidden if name in entity.fields]
        closed = say(
            "Until it is claimed, {fields} stay closed.",
            "领取之前看不到：{fields}。",
            fields=join(say(", ", "、"), fields),
        )
        view.closed = visit.words(closed)
    if found.may_claim and found.why_not is not None:
        view.why_not = visit.words(found.why_not)


def _say_since(visit: Visit, found: Standing) -> str:
    """Return since when it lies there, and why."""
    event = next((one for one in found.events if one.action in ("release", "recycle")), None)
    if event is None or found.pool is None:
        return ""
    moment = exact(event.happened_at, visit.wording, visit.look.zone)
    if event.action == "recycle":
        told = say(
            "Nobody took care of it, so it came here on {moment}.",
            "长期未跟进，于 {moment} 自动收回。",
        )
        return visit.words(told.format(moment=moment))
    known = visit.catalog.options.get(found.pool.reasons or "")
    option = known.find(event.reason) if known is not None and event.reason else None
    if option is None:
        return visit.words(say("Since {moment}.", "移入时间：{moment}。", moment=moment))
    told = say("Since {moment}: {reason}.", "移入时间：{moment}，原因：{reason}。")
    return visit.words(told.format(moment=moment, reason=option.label))


def _say_when(visit: Visit, leaving: Leaving, view: PoolView) -> None:
    now = visit.core.clock.now()
    days = max(0, (leaving.at - now).days)
    moment = exact(leaving.at, visit.wording, visit.look.zone)
    view.is_soon = days < _soon(leaving.pool)
    sentence = say(
        "About to go to “{pool}”: on {moment}, in {days} {unit}, unless somebody takes care of it.",
        "即将进入“{pool}”：{moment}（{days} 天后），请及时跟进。",
        pool=leaving.pool.label,
        moment=moment,
        days=days,
        unit="day" if days == 1 else "days",
    )
    quiet = say(
        "Into {pool} in {days} days", "{days} 天后进入“{pool}”", pool=leaving.pool.label, days=days
    )
    view.leaves = visit.words(sentence if view.is_soon else quiet)


def _soon(pool: Pool) -> int:
    """Return within how many days a record is about to go: a week, where nobody is warned."""
    return 7 if pool.warn is None else 3


def release_form(visit: Visit, pools: Sequence[Pool], href: str) -> Release:
    """Return the form of a release into one of several public seas."""
    first = say("The first that takes it", "自动选择")
    names = [Chosen("", visit.words(first), on=True)] if len(pools) > 1 else []
    names += [Chosen(one.name, visit.words(one.label)) for one in pools]
    along = sorted({name for one in pools for name in one.with_})
    sentence = ""
    if along:
        links = [visit.catalog.entities[name.partition(".")[0]] for name in along]
        told = say(
            "What hangs on it loses its owner too: {things}.",
            "相关记录的负责人也会一并清空：{things}。",
            things=", ".join(plural(one, visit.language) for one in links),
        )
        sentence = visit.words(told)
    return Release(
        visit.words(_RELEASE),
        href,
        visit.words(say("Public sea", "公海")),
        names,
        visit.words(say("Why", "原因")),
        list(_reasons(visit, pools)),
        sentence,
    )


def _reasons(visit: Visit, pools: Iterable[Pool]) -> Iterable[Chosen]:
    seen = set()
    for pool in pools:
        known = visit.catalog.options.get(pool.reasons or "")
        for option in known.options if known is not None else ():
            if option.name not in seen and not option.removed:
                seen.add(option.name)
                yield Chosen(option.name, visit.words(option.label))


def release(visit: Visit, name: str, number: str) -> Response:
    """Put one record into a public sea."""
    entity = visit.entity(name)
    record = visit.records.get(visit.principal, name, number)
    title = title_of(entity, record, visit)
    try:
        desk(visit).release(
            visit.principal, name, [record.id], pool=request.form.get("pool") or None,
            reason=request.form.get("reason") or None, origin="screen",
        )  # fmt: skip
    except RequestError as problem:
        return _again(visit, name, number, problem)
    done = say("{title} is in the public sea", "{title} 已放入公海", title=title)
    leave_toast(visit.words(done))
    return _after(visit, name, number)


def claim(visit: Visit, name: str, number: str) -> Response:
    """Take one record out of its public sea."""
    visit.entity(name)
    try:
        done = desk(visit).claim(visit.principal, name, [int(number)], origin="screen")
    except RequestError as problem:
        return _again(visit, name, number, problem)
    leave_toast(visit.words(say("It is yours now", "领取成功")))
    return redirect(f"/crm/{name}/{done.ids[0]}", 303)  # type: ignore[return-value]


def assign(visit: Visit, name: str, number: str) -> Response:
    """Give one record of a public sea to somebody."""
    visit.entity(name)
    owner = request.form.get("owner", "")
    try:
        if not owner.isdigit():
            raise InvalidInput(message=say("Choose who gets it.", "请选择分配给谁。"))
        desk(visit).assign(visit.principal, name, [int(number)], int(owner), origin="screen")
    except RequestError as problem:
        return _again(visit, name, number, problem)
    told = say("Given to {name}", "已分配给{name}", name=request.form.get("owner.title", ""))
    leave_toast(visit.words(told))
    return _after(visit, name, number)


def _again(visit: Visit, name: str, number: str, problem: RequestError) -> Response:
    """Show the page again with what stood in the way; the list, if the record is gone from it."""
    from app.screens.record_page import record_page

    sentence = visit.words(problem.message)  # type: ignore[arg-type]
    try:
        return record_page(visit, name, number, refused=sentence)
    except NotFound:
        leave_toast(sentence)
        return redirect(f"/crm/{name}/", 303)  # type: ignore[return-value]


def _after(visit: Visit, name: str, number: str) -> Response:
    try:
        visit.records.get(visit.principal, name, number, fields=("id",))
    except NotFound:
        # With the owner the record may have left the visitor's sight.
        return redirect(f"/crm/{name}/", 303)  # type: ignore[return-value]
    return redirect(f"/crm/{name}/{number}", 303)  # type: ignore[return-value]


# -- lists ---------------------------------------------------------------------------------------


def pool_filter(pool: Pool) -> str:
    """Return the condition of a list that shows a public sea."""
    return f"pool == '{pool.name}'"


def pool_tabs(visit: Visit, entity: Entity, asked: Asked) -> list[Tab]:
    """Return a view for each public sea the visitor may look into."""
    return [
        Tab(
            one.label.in_language(visit.language),
            Asked(entity.name).href(filter=pool_filter(one)),
            on=asked.filter == pool_filter(one),
        )
        for one in pools_of(visit, entity)
    ]


def pool_actions(visit: Visit, entity: Entity, asked: Asked) -> list[Act]:
    """Return what may be done with several records: claim in a public sea, release elsewhere."""
    if not visit.catalog.automation.pools_of(entity.name):
        return []
    if any(asked.filter == pool_filter(one) for one in pools_of(visit, entity)):
        return [Act(visit.words(_CLAIM), "claim", "user-plus")]
    if not (visit.policy.may("update", entity.name) or visit.policy.may("transfer", entity.name)):
        return []
    return [Act(visit.words(_RELEASE), "release", "arrow-back-up", opens="release")]


def bulk(visit: Visit, entity: Entity, do: str, ids: Sequence[int]) -> None:
    """Claim or release the records that were ticked; what became of them is told."""
    try:
        if do == "claim":
            done = desk(visit).claim(visit.principal, entity.name, ids, origin="screen")
        else:
            done = desk(visit).release(
                visit.principal, entity.name, ids, pool=request.form.get("pool") or None,
                reason=request.form.get("reason") or None, origin="screen",
            )  # fmt: skip
    except TrellisError as problem:
        leave_toast(visit.words(problem.message))  # type: ignore[arg-type]
        return
    leave_toast(_told(visit, entity, do, done))


def _told(visit: Visit, entity: Entity, do: str, done: Done) -> str:
    things = plural(entity, visit.language)
    if do == "claim":
        told = say("{count} {things} are yours now.", "已领取 {count} 条{things}。")
    else:
        told = say("{count} {things} are in the public sea.", "已将 {count} 条{things}放入公海。")
    sentences = [visit.words(told.format(count=len(done.ids), things=things))]
    reasons = dict.fromkeys(visit.words(one.message) for one in done.refused.values())  # type: ignore[arg-type]
    if reasons:
        left = say("{count} were left:", "{count} 条未处理：", count=len(done.refused))
        sentences += [visit.words(left), *list(reasons)[:_TOLD]]
    return " ".join(sentences)
