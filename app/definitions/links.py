"""What only several entities together show: required links in a circle, former names."""

from __future__ import annotations

from app.definitions.problems import Code
from app.definitions.workshop import Workshop


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
