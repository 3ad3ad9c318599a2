"""What only several entities together show: required links in a circle, lifecycles' fields."""

from __future__ import annotations

from typing import Any

from app.definitions.binding import require_field
from app.definitions.lifecycles import WrittenLifecycle
from app.definitions.problems import Code
from app.definitions.workshop import Draft, Workshop


def required_circles(shop: Workshop) -> None:
    """Report required links in a circle: no first record could ever be saved."""
    needs: dict[str, list[tuple[str, str]]] = {
        draft.name: [
            (name, field.type.targets(field)[0])
            for name, field in draft.fields.items()
            if field.required is True
            and field.type.name == "link"
            and not field.removed
            and field.type.targets(field)
        ]
        for draft in shop.drafts.values()
        if draft.lines_of is None
    }
    done: set[str] = set()

    def visit(entity: str, way: list[tuple[str, str]]) -> None:
        names = [one for one, _ in way]
        if entity in names:
            _report(shop, way[names.index(entity) :])
            return
        if entity in done:
            return
        for link, target in needs.get(entity, ()):
            visit(target, [*way, (entity, link)])
        done.add(entity)

    for entity in needs:
        visit(entity, [])


def _report(shop: Workshop, circle: list[tuple[str, str]]) -> None:
    entity, link = circle[0]
    draft = shop.drafts[entity]
    words = " → ".join([*(f"`{one}.{field}`" for one, field in circle), f"`{entity}`"])
    shop.problem(
        Code.cycle,
        draft.document,
        draft.field_path(link, "required"),
        f"These links are required in a circle: {words}. No first record could be saved.",
        "Make one of them optional.",
    )


def check_former_entities(shop: Workshop) -> None:
    """Report entities that were another entity which is still there."""
    for draft in shop.drafts.values():
        for index, was in enumerate(draft.values.get("was", ()) if not draft.lines_of else ()):
            if was in shop.drafts:
                shop.problem(
                    Code.duplicate_name,
                    draft.document,
                    ("was", index),
                    f"`{draft.name}` was `{was}`, yet there is an entity `{was}` as well.",
                    "Remove one of the two; a name that is used anew needs no `was`.",
                )


def check_lifecycles(shop: Workshop, lifecycles: list[WrittenLifecycle]) -> None:
    """Report lifecycles of fields there are not, and moves between stages there are not."""
    for lifecycle in lifecycles:
        values, document = lifecycle.values, lifecycle.document
        draft = shop.drafts.get(values["entity"])
        if draft is None:
            message = f"`{values['entity']}` is not an entity."
            shop.unknown_entity(document, ("entity",), values["entity"], message)
            continue
        if require_field(shop, draft, ("field",), values["field"], document=document):
            field = draft.fields[values["field"]]
            if field.type.name != "stage":
                message = f"`{field.name}` is of type `{field.type.name}`; it must be a `stage`."
                shop.problem(Code.wrong_field_type, document, ("field",), message)
        if "if" in values:
            shop.condition(document, ("if",), values["if"], shop.scope(draft), "The condition")
        _check_stages(shop, lifecycle, draft)
        for index, move in enumerate(values.get("moves", ())):
            _check_move(shop, lifecycle, draft, index, move)


def _check_stages(shop: Workshop, lifecycle: WrittenLifecycle, draft: Draft) -> None:
    document = lifecycle.document
    stages = lifecycle.values["stages"]
    for name, stage in stages.items():
        path = ("stages", name, "set")
        set_ = stage.get("set")
        if set_ is not None and not isinstance(set_, dict):
            message = "`set` must be fields with values."
            shop.problem(
                Code.wrong_shape, document, path, message, "For example `{probability: 10}`."
            )
            continue
        for field in set_ or {}:
            require_field(shop, draft, (*path, field), field, document=document, key=True)
        becomes = stage.get("becomes")
        if becomes is not None and becomes not in stages:
            message = f"`{becomes}` is no stage of this lifecycle."
            where = ("stages", name, "becomes")
            shop.unknown(Code.unknown_option, document, where, becomes, stages, message)


def _check_move(
    shop: Workshop, lifecycle: WrittenLifecycle, draft: Draft, index: int, move: dict[str, Any]
) -> None:
    document, stages = lifecycle.document, lifecycle.values["stages"]
    path = ("moves", index)
    for key in ("from", "to"):
        for place, name in enumerate(move[key]):
            if name in stages or (key == "from" and name == "any"):
                continue
            message = f"`{name}` is no stage of this lifecycle."
            shop.unknown(Code.unknown_option, document, (*path, key, place), name, stages, message)
    for place, name in enumerate(move.get("needs", ())):
        require_field(shop, draft, (*path, "needs", place), name, document=document)
    for place, name in enumerate(move.get("for", ())):
        if name not in shop.roles:
            message = f"`{name}` is not a role."
            shop.unknown(
                Code.unknown_role, document, (*path, "for", place), name, shop.roles, message
            )
    if "if" in move:
        scope = shop.scope(draft, on_write=True)
        shop.condition(document, (*path, "if"), move["if"], scope, "The condition")
