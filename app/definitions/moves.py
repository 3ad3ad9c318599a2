"""Check lifecycles against their entity and freeze them: stages with what they set, and moves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.definitions.automation import Given, Lifecycle, Move, Stage
from app.definitions.binding import require_field
from app.definitions.lifecycles import WrittenLifecycle
from app.definitions.names import label_from_name
from app.definitions.problems import Code
from app.definitions.rules import is_name
from app.definitions.workflow_values import Site, bind_given
from app.definitions.workshop import Draft, Path, Workshop


def bind_lifecycles(shop: Workshop, written: Iterable[WrittenLifecycle]) -> dict[str, Lifecycle]:
    """Return the lifecycles by name, in order; what is wrong with them is noted."""
    bound = (_Binding.of(shop, one) for one in written)
    return {one.name: one for one in bound if one is not None}


class _Binding:
    """One lifecycle, looked at beside its entity."""

    def __init__(self, shop: Workshop, lifecycle: WrittenLifecycle, draft: Draft) -> None:
        self.shop = shop
        self.document = lifecycle.document
        self.values = lifecycle.values
        self.name = lifecycle.name
        self.draft = draft
        self.stages: Mapping[str, Mapping[str, Any]] = self.values["stages"]
        self.site = Site(shop, self.document, shop.scope(draft, on_write=True))

    @classmethod
    def of(cls, shop: Workshop, lifecycle: WrittenLifecycle) -> Lifecycle | None:
        name = lifecycle.values["entity"]
        draft = shop.drafts.get(name)
        if draft is None:
            message = f"`{name}` is not an entity."
            shop.unknown_entity(lifecycle.document, ("entity",), name, message)
            return None
        return cls(shop, lifecycle, draft).bind()

    def bind(self) -> Lifecycle:
        values = self.values
        is_name(self.shop, self.document, "lifecycle", self.name)
        self._check_field(values["field"])
        condition = None
        if "if" in values:
            site = self.site.within(self.shop.scope(self.draft))
            condition = site.condition(("if",), values["if"])
        moves = None
        if "moves" in values:
            moves = tuple(self._move(index, move) for index, move in enumerate(values["moves"]))
        return Lifecycle(
            name=self.name,
            entity=self.draft.name,
            field=values["field"],
            stages={name: self._stage(name, stage) for name, stage in self.stages.items()},
            moves=moves,
            if_=condition,
            off=values.get("off", False),
            place=self.document.place(),
        )

    def _check_field(self, name: str) -> None:
        if not require_field(self.shop, self.draft, ("field",), name, document=self.document):
            return
        field = self.draft.fields[name]
        if field.type.name != "stage":
            message = f"`{field.name}` is of type `{field.type.name}`; it must be a `stage`."
            self.site.problem(Code.wrong_field_type, ("field",), message)

    def _stage(self, name: str, stage: Mapping[str, Any]) -> Stage:
        becomes = stage.get("becomes")
        if becomes is not None and becomes not in self.stages:
            self._unknown_stage(("stages", name, "becomes"), becomes)
        return Stage(
            name=name,
            label=stage.get("label") or label_from_name(name),
            final=stage.get("final", False),
            values=self._set(("stages", name, "set"), stage.get("set")),
            removed=stage.get("removed", False),
        )

    def _set(self, path: Path, wrote: Any) -> dict[str, Given]:
        if wrote is None:
            return {}
        if not isinstance(wrote, dict):
            message = "`set` must be fields with values."
            self.site.problem(Code.wrong_shape, path, message, "For example `{probability: 10}`.")
            return {}
        found = {}
        for name, value in wrote.items():
            given = self._given((*path, name), name, value)
            if given is not None:
                found[name] = given
        return found

    def _given(self, path: Path, name: str, value: Any) -> Given | None:
        shop, draft = self.shop, self.draft
        if not require_field(shop, draft, path, name, document=self.document, key=True):
            return None
        field = draft.fields.get(name)
        if field is None or not field.type.writable or field.type.name in ("lines", "stage"):
            message = f"`{name}` cannot be set on the way into a stage."
            hint = "Set a field that people could fill in; parts of one and worked-out ones cannot."
            self.site.problem(Code.wrong_field_type, path, message, hint, key=True)
            return None
        return bind_given(self.site, path, value, field, shop.type_of(draft, name))

    def _move(self, index: int, move: Mapping[str, Any]) -> Move:
        path: Path = ("moves", index)
        for key in ("from", "to"):
            for place, name in enumerate(move[key]):
                if name not in self.stages and not (key == "from" and name == "any"):
                    self._unknown_stage((*path, key, place), name)
        for place, name in enumerate(move.get("needs", ())):
            where = (*path, "needs", place)
            require_field(self.shop, self.draft, where, name, document=self.document)
        for place, name in enumerate(move.get("for", ())):
            if name not in self.shop.roles:
                message = f"`{name}` is not a role."
                where, roles = (*path, "for", place), self.shop.roles
                self.shop.unknown(Code.unknown_role, self.document, where, name, roles, message)
        condition = None
        if "if" in move:
            condition = self.site.condition((*path, "if"), move["if"])
        return Move(
            from_=self._spelled_out(move["from"]),
            to=tuple(name for name in move["to"] if name in self.stages),
            needs=tuple(move.get("needs", ())),
            if_=condition,
            for_=tuple(move.get("for", ())),
            label=move.get("label"),
            place=self.document.place(path),
        )

    def _spelled_out(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the stages a move leads from; `any` is every one that is not final."""
        found: dict[str, None] = {}
        for name in names:
            if name == "any":
                stages = self.stages.items()
                found.update((each, None) for each, stage in stages if not stage.get("final"))
            elif name in self.stages:
                found[name] = None
        return tuple(found)

    def _unknown_stage(self, path: Path, name: str) -> None:
        message = f"`{name}` is no stage of this lifecycle."
        self.shop.unknown(Code.unknown_option, self.document, path, name, self.stages, message)
