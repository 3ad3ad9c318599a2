"""What may be done with several records of a list at once, and which records are meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from app.access.policy import Policy
from app.changes.run import Chosen
from app.definitions.catalog import Entity, Field
from app.records.doings import LISTS
from app.screens import pools
from app.screens.buttons import list_actions
from app.screens.in_place import may_be_edited
from app.screens.list_view import Act
from app.screens.merge_act import merge_act
from app.screens.opened_lists import OpenedList, view_asked
from app.screens.visit import Visit
from app.screens.wording import Wording

#: Fields of several words that something may be added to from the bar.
TAGGED = LISTS & {"tags", "choices"}
_MOST_IDS = 5_000


def chosen_of(opened: OpenedList, said: Mapping[str, str]) -> Chosen:
    """Return the records somebody ticked, or all of the list."""
    if said.get("all") == "yes":
        asked = opened.asked
        return Chosen(
            filter=asked.filter or None,
            view=view_asked(opened),
            search=asked.search or None,
        )
    return Chosen(ids=ticked(said.get("ids", "")))


def ticked(text: str) -> tuple[int, ...]:
    """Read ``1,2,3``."""
    found = (one for one in text.split(","))
    numbers = [int(one) for one in found if one.isascii() and one.isdigit() and len(one) < 19]
    return tuple(dict.fromkeys(numbers[:_MOST_IDS]))


def editable(visit: Visit, entity: Entity) -> list[Field]:
    """Return the fields that may be given one value in many records."""
    return sorted(_editable(visit, entity), key=lambda one: one.label.in_language(visit.language))


def _editable(visit: Visit, entity: Entity) -> Iterator[Field]:
    if visit.policy.may("update", entity.name):
        yield from (one for one in entity.fields.values() if may_be_edited(visit, entity, one))


def tagged(visit: Visit, entity: Entity) -> list[Field]:
    """Return the fields that hold several words, tags first."""
    found = [one for one in editable(visit, entity) if one.type.name in TAGGED]
    return sorted(found, key=lambda one: one.type.name != "tags")


def actions_of(entity: Entity, policy: Policy, wording: Wording) -> list[Act]:
    """Return what the rights alone decide about."""
    actions = []
    if entity.owned and policy.may("transfer", entity.name):
        icon = "arrows-right-left"
        actions.append(Act(wording.say("Hand over"), "transfer", icon, opens="transfer", key="t"))
    if policy.may("delete", entity.name):
        actions.append(Act(wording.say("Delete"), "delete", "trash"))
    return actions


def actions_for(visit: Visit, opened: OpenedList) -> Sequence[Act]:
    """Return what the visitor may do with several records of a list at once."""
    if opened.acts is None:
        opened.acts = _acts(visit, opened)
    return opened.acts


def _acts(visit: Visit, opened: OpenedList) -> list[Act]:
    entity, asked, say = opened.entity, opened.asked, visit.wording.say
    found: list[Act] = []
    if any(_editable(visit, entity)):
        href = asked.href("bulk/edit")
        found.append(Act(say("Edit"), "edit", "pencil", asks=href))
    own = actions_of(entity, visit.policy, visit.wording)
    found += [one for one in own if one.name == "transfer"]
    if any(one.type.name in TAGGED for one in _editable(visit, entity)):
        found.append(Act(say("Tag"), "tag", "tag", asks=asked.href("bulk/tag")))
    found += [*pools.pool_actions(visit, entity, asked), *list_actions(visit, entity, asked)]
    found += merge_act(visit, entity, asked.href("merge"))
    if visit.policy.may("export", entity.name):
        href = asked.href("export", format="xlsx")
        found.append(Act(say("Export"), "export", "download", href=href))
    return found + [one for one in own if one.name == "delete"]
