"""Check the settings of every action against the catalog: one function for each.

Each is given the binder, the names at the step, its place, what was written and its number, and
returns what `automation` keeps; None where there is a problem that leaves nothing to keep.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from app.definitions import automation as made
from app.definitions.binding import refuse_field, require_field
from app.definitions.outside_binders import bind_anonymise, bind_call, bind_run
from app.definitions.problems import Code
from app.definitions.template_text import check_text
from app.definitions.workflow_people import bind_people
from app.definitions.workflow_values import (
    Site,
    bind_duration,
    bind_given,
    item_path,
)
from app.definitions.workshop import Path
from app.expressions.tree import Checked
from app.expressions.types import ANY, NUMBER, TEXT, Kind, Type, merge, record_type

if TYPE_CHECKING:
    from app.definitions.rule_actions import StepBinder

_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,10})?\Z", re.ASCII)


def _notify(binder: StepBinder, site: Site, path: Path, wrote: dict[str, Any], _: str) -> Any:
    people = {
        key: bind_people(site, (*path, key), wrote[key]) for key in ("to", "cc") if key in wrote
    }
    if "say" in wrote:
        check_text(site, (*path, "say"), wrote["say"])
    template = wrote.get("template")
    if template is not None:
        _check_template(binder, site, (*path, "template"), template, "message")
    for index, name in enumerate(wrote.get("attach", ())):
        _check_attached(binder, site, item_path(site, (*path, "attach"), index), name)
    return made.Notify(
        to=people.get("to", ()),
        cc=people.get("cc", ()),
        via=wrote.get("via", ("inbox",)),
        say=wrote.get("say"),
        template=template,
        attach=wrote.get("attach", ()),
    )


def _check_template(binder: StepBinder, site: Site, path: Path, name: str, kind: str) -> None:
    found = binder.known.templates.get(name)
    legal = [one.name for one in binder.known.templates.values() if one.kind == kind]
    if found is None or found.kind != kind:
        message = f"There is no {kind} template `{name}`."
        if found is not None:
            message += f" `{name}` is a {found.kind} template."
        site.shop.unknown(Code.unknown_template, site.document, path, name, legal, message)
    elif found.entity is not None and found.entity != site.entity:
        message = f"The template `{name}` is for `{found.entity}`, not for `{site.entity}`."
        site.problem(Code.unknown_template, path, message)


def _check_attached(binder: StepBinder, site: Site, path: Path, name: str) -> None:
    if not name.startswith("dashboard "):
        _check_template(binder, site, path, name, "print")
    elif name.removeprefix("dashboard ") not in binder.known.dashboards:
        site.problem(Code.unknown_template, path, f"There is no {name}.")


def _set(binder: StepBinder, site: Site, path: Path, wrote: dict[str, Any], _: str) -> Any:
    assert site.entity is not None
    return made.SetFields(binder.values(site, path, wrote, site.entity))


def _create(binder: StepBinder, site: Site, path: Path, wrote: dict[str, Any], _: str) -> Any:
    entity = wrote["entity"]
    target = binder.target(site, (*path, "entity"), entity)
    if target is None:
        return None
    each = _each(binder, site, path, wrote.get("each"))
    if each is None:
        return None
    rows, row_type = each
    inner = target.with_roots(each=row_type) if row_type is not None else target
    values = binder.values(inner, (*path, "set"), wrote.get("set", {}), entity)
    draft = site.shop.drafts[entity]
    for index, name in enumerate(wrote.get("match", ())):
        require_field(
            site.shop, draft, item_path(site, (*path, "match"), index), name,
            document=site.document,
        )  # fmt: skip
    for index, name in enumerate(wrote.get("copy", ())):
        _check_copied(site, item_path(site, (*path, "copy"), index), name, entity)
    binder.note_made(wrote.get("name"), entity)
    return made.Create(
        entity=entity,
        values=values,
        name=wrote.get("name"),
        match=wrote.get("match", ()),
        copy=wrote.get("copy", ()),
        each=rows,
        carry=wrote.get("carry", ()),
        open=wrote.get("open", False),
    )


def _each(binder: StepBinder, site: Site, path: Path, wrote: Any) -> tuple[Any, Type | None] | None:
    """Return the rows, and the type of one; None where there is a problem."""
    if wrote is None:
        return None, None
    if isinstance(wrote, str):
        entity = binder.lines(site, (*path, "each"), wrote)
        return None if entity is None else (wrote, record_type(entity))
    rows: list[dict[str, Any]] = []
    types: dict[str, Type] = {}
    for index, row in enumerate(wrote):
        cells: dict[str, Any] = {}
        for name, cell in row.items():
            bound = _cell(site, (*path, "each", index, name), cell)
            if bound is None:
                return None
            cells[name], type_ = bound
            merged = merge(types[name], type_) if name in types else type_
            types[name] = merged or TEXT
        rows.append(cells)
    return tuple(rows), Type(Kind.parts, parts=types)


def _cell(site: Site, path: Path, wrote: Any) -> tuple[Any, Type] | None:
    if isinstance(wrote, str) and wrote.startswith("="):
        checked = site.expression(path, wrote[1:], "The value", skip=1)
        return None if checked is None else (checked, checked.type)
    if isinstance(wrote, str) and _NUMBER.match(wrote):
        return Decimal(wrote), NUMBER
    if isinstance(wrote, str):
        # Whatever it is given to reads it: an option's name, a day, a text.
        return wrote, ANY
    site.problem(Code.wrong_shape, path, "A cell of `each` is a number, a text, or `=` and an "
                 "expression.")  # fmt: skip
    return None


def _check_copied(site: Site, path: Path, name: str, entity: str) -> None:
    shop = site.shop
    if site.entity is None:
        site.problem(Code.conflicting_keys, path, "This rule is about no record to copy from.")
        return
    here, there = shop.drafts[site.entity], shop.drafts[entity]
    if not require_field(shop, here, path, name, document=site.document):
        return
    if name not in there.fields or there.fields[name].removed:
        refuse_field(shop, there, site.document, path, name)
        return
    one, other = shop.type_of(here, name), shop.type_of(there, name)
    if merge(one, other) is None and {one.kind, other.kind} != {Kind.many}:
        message = f"`{name}` is {one} here and {other} in `{entity}`, so it cannot be copied."
        site.problem(Code.wrong_field_type, path, message, "Write what becomes of it with `set`.")


def _others(
    binder: StepBinder, site: Site, path: Path, wrote: dict[str, Any]
) -> tuple[str, Site, Checked | None] | None:
    """Return the entity of the records meant, its names, and which of them."""
    if "each" in wrote:
        lines = binder.lines(site, (*path, "each"), wrote["each"])
        return None if lines is None else (lines, site.on(lines), None)
    target = binder.target(site, (*path, "entity"), wrote["entity"])
    if target is None:
        return None
    where = target.condition((*path, "where"), wrote["where"], "`where`")
    return None if where is None else (wrote["entity"], target, where)


def _update(binder: StepBinder, site: Site, path: Path, wrote: dict[str, Any], _: str) -> Any:
    found = _others(binder, site, path, wrote)
    if found is None:
        return None
    entity, inner, where = found
    values = binder.values(inner, (*path, "set"), wrote["set"], entity)
    return made.Update(entity, values, where, wrote.get("each"))


def _delete(binder: StepBinder, site: Site, path: Path, wrote: dict[str, Any], _: str) -> Any:
    found = _others(binder, site, path, wrote)
    return None if found is None else made.Delete(found[0], found[2], wrote.get("each"))


def _assign(binder: StepBinder, site: Site, path: Path, wrote: dict[str, Any], _: str) -> Any:
    _needs_owner(binder, site, path)
    where = previous = None
    if "where" in wrote:
        where = site.on("user").condition((*path, "where"), wrote["where"], "`where`")
    if "previous" in wrote:
        previous = bind_duration(site, (*path, "previous"), wrote["previous"], "`previous`")
    with_ = wrote.get("with", ())
    for index, dotted in enumerate(with_):
        check_link_here(site, item_path(site, (*path, "with"), index), dotted)
    return made.Assign(
        to=bind_people(site, (*path, "to"), wrote["to"]),
        how=wrote.get("how", "in_turn"),
        where=where,
        with_=with_,
        previous=previous,
    )


def check_link_here(site: Site, path: Path, dotted: str) -> None:
    """Report `contact.customer` that is no link of another entity that leads here."""
    shop = site.shop
    entity, _, link = dotted.partition(".")
    draft = shop.drafts.get(entity)
    if draft is None:
        shop.unknown_entity(site.document, path, entity, f"`{entity}` is not an entity.")
        return
    links = [
        name
        for name, one in draft.fields.items()
        if not one.removed and site.entity in one.type.targets(one)
    ]
    if link not in links:
        message = f"`{dotted}` is no link to `{site.entity}`."
        shop.unknown(Code.not_a_link, site.document, path, link, links, message)


def _needs_owner(_binder: StepBinder, site: Site, path: Path) -> None:
    if site.entity is not None and not site.shop.drafts[site.entity].owned:
        message = f"`{path[-1]}` changes the owner, and a record of `{site.entity}` has none."
        site.problem(Code.conflicting_keys, path, message, "Write `owned: yes`.", key=True)


def _release(binder: StepBinder, site: Site, path: Path, wrote: dict[str, Any], _: str) -> Any:
    _needs_owner(binder, site, path)
    pool = wrote.get("to")
    pools = [name for name, entity in binder.known.pools.items() if entity == site.entity]
    if pool is not None and pool not in pools:
        message = f"`{pool}` is no pool of `{site.entity}`."
        site.shop.unknown(Code.unknown_pool, site.document, (*path, "to"), pool, pools, message)
    elif not pools:
        site.problem(Code.unknown_pool, path, f"`{site.entity}` has no pool.",
                     "Write one: `pool: NAME`.", key=True)  # fmt: skip
    reason = wrote.get("reason")
    given = None if reason is None else bind_given(site, (*path, "reason"), reason, None, None)
    return made.Release(pool, given)


def _claim(binder: StepBinder, site: Site, path: Path, wrote: dict[str, Any], _: str) -> Any:
    del wrote
    _needs_owner(binder, site, path)
    if not binder.has_causer:
        site.problem(Code.conflicting_keys, path, "`claim` gives the record to whoever caused the "
                     "rule, and nobody causes this one.", "Write `assign`.", key=True)  # fmt: skip
    return made.Claim()


def _sharing(_b: StepBinder, site: Site, path: Path, wrote: dict[str, Any], _: str) -> Any:
    until = wrote.get("until")
    given = None if until is None else bind_given(site, (*path, "until"), until, None, None)
    people = bind_people(site, (*path, "to"), wrote["to"])
    return made.Sharing(people, wrote.get("may") == "edit", given)


def _choose(
    binder: StepBinder, site: Site, path: Path, wrote: list[dict[str, Any]], number: str
) -> Any:
    branches = []
    for index, branch in enumerate(wrote):
        here = item_path(site, path, index)
        if_ = None
        if "if" in branch:
            if_ = binder.site.condition((*here, "if"), branch["if"])
        steps = binder.bind(branch["do"], (*here, "do"), f"{number}.{index}")
        branches.append((if_, steps))
    return made.Choose(tuple(branches))


def _wait(_b: StepBinder, site: Site, path: Path, wrote: dict[str, Any], _: str) -> Any:
    if "for" in wrote:
        return made.Wait(for_=bind_duration(site, path, wrote["for"], "`wait`"))
    inner = wrote["until"]
    at_most = None
    if "at_most" in inner:
        at_most = bind_duration(site, (*path, "at_most"), inner["at_most"], "`at_most`")
    until = site.condition((*path, "until"), inner["until"], "`until`")
    return made.Wait(until=until, at_most=at_most)


def _stop(_b: StepBinder, site: Site, path: Path, wrote: Any, _: str) -> Any:
    check_text(site, path, wrote)
    return made.Stop(wrote)


def _comment(_b: StepBinder, site: Site, path: Path, wrote: Any, _: str) -> Any:
    check_text(site, path, wrote)
    return made.Words(wrote)


def _approve(binder: StepBinder, site: Site, path: Path, wrote: str, _: str) -> Any:
    legal = [name for name, entity in binder.known.approvals.items() if entity == site.entity]
    if wrote not in legal:
        message = f"`{wrote}` is no approval of `{site.entity}`."
        site.shop.unknown(Code.unknown_approval, site.document, path, wrote, legal, message)
    return made.Words(wrote)


def _print(binder: StepBinder, site: Site, path: Path, wrote: str, _: str) -> Any:
    _check_template(binder, site, path, wrote, "print")
    return made.Words(wrote)


BINDERS: Mapping[str, Callable[[StepBinder, Site, Path, Any, str], Any]] = {
    "notify": _notify,
    "set": _set,
    "create": _create,
    "update": _update,
    "delete": _delete,
    "assign": _assign,
    "release": _release,
    "claim": _claim,
    "share": _sharing,
    "unshare": _sharing,
    "follow": _sharing,
    "unfollow": _sharing,
    "choose": _choose,
    "wait": _wait,
    "stop": _stop,
    "approve": _approve,
    "call": bind_call,
    "print": _print,
    "comment": _comment,
    "anonymise": bind_anonymise,
    "run": bind_run,
}
