"""Check definitions by themselves and against each other, and freeze them into a catalog."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import marshmallow as ma

from app.definitions import access, binding, drafting, screens, worked_out
from app.definitions.app_file import AppSchema, check_modules, compile_app
from app.definitions.catalog import Catalog, Entity, Role
from app.definitions.complaints import check_name, shape_problems
from app.definitions.document import Document
from app.definitions.fingerprint import fingerprint_of
from app.definitions.gather import BUILT_IN, Gathered
from app.definitions.lifecycles import LifecycleSchema, WrittenLifecycle
from app.definitions.links import check_lifecycles, required_circles
from app.definitions.problems import Problem, has_errors
from app.definitions.schemas import OptionListsSchema, RolesSchema, entity_schema
from app.definitions.shape import Definition
from app.definitions.workshop import Draft, Workshop, settle
from app.expressions.functions import Functions
from app.fields.base import FieldTypes
from app.texts import say


def compile_catalog(
    gathered: Gathered,
    files: Mapping[str, str],
    types: FieldTypes,
    functions: Functions,
    *,
    may_finish: bool,
) -> tuple[Catalog | None, list[Problem]]:
    """Return the catalog, or None, and the problems.

    Without *may_finish* (some file could not be read) every definition is still checked by itself.
    """
    shop = Workshop(types, functions)
    shop.files = files
    shapes = _Shapes(shop, gathered)
    if has_errors(shop.problems) or not may_finish:
        return None, shop.problems
    return _Compilation(shop, gathered, shapes).run(), shop.problems


class _Shapes:
    """Every definition's values, checked by itself."""

    def __init__(self, shop: Workshop, gathered: Gathered) -> None:
        self.shop = shop
        self.app = self._read(AppSchema(), gathered.singles.get("app"))
        self.roles = self._read(RolesSchema(), gathered.singles.get("roles")).get("roles", {})
        self.options = self._read(OptionListsSchema(), gathered.singles.get("options")).get(
            "options", {}
        )
        schema = entity_schema(shop.schemas)
        self.entities = {
            name: values
            for name, document in gathered.entities.items()
            if (values := self._read(schema, document, f"The entity `{name}`"))
        }
        for name, document in gathered.entities.items():
            self._name(name, "an entity", document, ("entity",))
        lifecycle = LifecycleSchema()
        self.lifecycles = [
            WrittenLifecycle(document, values)
            for document in gathered.others.get("lifecycle", {}).values()
            if (values := self._read(lifecycle, document))
        ]

    def _read(
        self, schema: Definition, document: Document | None, what: str = ""
    ) -> dict[str, Any]:
        if document is None:
            return {}
        try:
            return schema.read(document.data, what)
        except ma.ValidationError as error:
            self.shop.problems += shape_problems(document, error.messages)
            return {}

    def _name(self, name: str, noun: str, document: Document, path: tuple[Any, ...]) -> None:
        try:
            check_name(name, noun)
        except ma.ValidationError as error:
            said = error.messages[0]
            self.shop.problem(said.code, document, path, str(said), said.hint)  # type: ignore[union-attr]


class _Compilation:
    """One run over checked definitions."""

    def __init__(self, shop: Workshop, gathered: Gathered, shapes: _Shapes) -> None:
        self.shop = shop
        self.gathered = gathered
        self.shapes = shapes

    def run(self) -> Catalog | None:
        shop = self.shop
        app_document = self.gathered.singles.get("app")
        shop.app = compile_app(app_document, self.shapes.app)
        self._draft()
        rules = access.AccessRules(shop, self.gathered.singles.get("roles"), self.shapes.roles)
        shop.work_out = lambda draft, field: worked_out.work_out(shop, draft, field)
        shop.work_out_view = lambda draft, name: screens.view_condition(shop, draft, name)
        drafting.name_trees(shop)
        for draft in shop.drafts.values():
            binding.check_targets(shop, draft)
        for draft in shop.drafts.values():
            binding.bind_fields(shop, draft)
        drafting.bind_offers(shop)
        worked_out.stored_circles(shop)
        inherit = {
            d.name: access.inherited(shop, d) for d in shop.drafts.values() if not d.lines_of
        }
        access.inherit_circles(shop, inherit)
        entities = {
            draft.name: self._entity(draft, rules, inherit.get(draft.name, ()))
            for draft in shop.drafts.values()
        }
        required_circles(shop)
        check_lifecycles(shop, self.shapes.lifecycles)
        shop.problems += check_modules(
            app_document, shop.app, self._menu_entities(), self.gathered.others.get("dashboard", {})
        )
        if has_errors(shop.problems):
            return None
        return self._catalog(entities)

    def _menu_entities(self) -> list[str]:
        return [name for name in self.shop.drafts if "." not in name]

    def _draft(self) -> None:
        shop = self.shop
        roles_document = self.gathered.singles.get("roles")
        access.draft_roles(shop, roles_document, self.shapes.roles)
        if not any(role.admin for role in shop.roles.values()):
            # Somebody must be able to come in.
            shop.roles["admin"] = Role("admin", say("Administrator", "系统管理员"), admin=True)
        document = self.gathered.singles.get("options")
        if document is not None:
            drafting.shared_options(shop, document, self.shapes.options)
        lifecycles: dict[tuple[str, str], list[WrittenLifecycle]] = {}
        for lifecycle in self.shapes.lifecycles:
            key = (lifecycle.values["entity"], lifecycle.values["field"])
            lifecycles.setdefault(key, []).append(lifecycle)
        for name, values in self.shapes.entities.items():
            drafting.draft_entity(
                shop,
                self.gathered.entities[name],
                {**values, "entity": name},
                built_in=name in ("user", "department"),
                lifecycles=lifecycles,
            )

    def _entity(self, draft: Draft, rules: access.AccessRules, inherit: Any) -> Entity:
        shop = self.shop
        title = screens.find_title(shop, draft)
        values = draft.values
        fields = dict(draft.fields)
        for name, field in fields.items():
            if field.value is None:
                settle(field, value=shop.type_of(draft, name))
        is_lines = draft.lines_of is not None
        return Entity(
            name=draft.name,
            label=draft.label,
            plural=values.get("plural"),
            fields=MappingProxyType(fields),
            table=draft.name.replace(".", "__"),
            title=title,
            icon=values.get("icon"),
            owned=draft.owned,
            single=values.get("single", False),
            was=values.get("was", ()),
            lines_of=draft.lines_of,
            checks=binding.bind_checks(shop, draft),
            unique=binding.bind_unique(shop, draft),
            duplicates=() if is_lines else binding.bind_duplicates(shop, draft),
            access={} if is_lines else rules.of_entity(draft),
            inherit=inherit,
            screens=screens.compile_screens(shop, draft, title),
            worked_out=worked_out.order_worked_out(fields),
            built_in=draft.built_in,
            place=None
            if draft.document.file.startswith(BUILT_IN)
            else draft.document.place(draft.path),
        )

    def _catalog(self, entities: Mapping[str, Entity]) -> Catalog:
        shop = self.shop
        others: dict[str, Any] = {
            kind: MappingProxyType(by_name) for kind, by_name in self.gathered.others.items()
        }
        others["template"] = MappingProxyType(self.gathered.templates)
        return Catalog(
            app=shop.app,
            roles=MappingProxyType(shop.roles),
            options=MappingProxyType(shop.options),
            entities=MappingProxyType(dict(entities)),
            types=shop.field_types,
            fingerprint=fingerprint_of(self.shapes, self.gathered, shop.options),
            files=MappingProxyType(dict(shop.files)),
            rollups_of=MappingProxyType(worked_out.rollups_of(shop.drafts)),
            formulas_through=MappingProxyType(worked_out.formulas_through(shop)),
            others=MappingProxyType(others),
        )
