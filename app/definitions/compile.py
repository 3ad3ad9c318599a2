"""Check definitions against each other and freeze them into a catalog."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from app.definitions import (
    access,
    binding,
    dependencies,
    drafting,
    entity_rules,
    screens,
    worked_out,
)
from app.definitions.agreements import check_confirmers
from app.definitions.app_file import check_modules, compile_app
from app.definitions.automation import Automation
from app.definitions.catalog import Catalog, Entity, Role
from app.definitions.connections import Connection
from app.definitions.dashboard_binding import bind_dashboards, bind_targets, check_homes
from app.definitions.dashboards import Dashboard, Target
from app.definitions.exchanges import write_out_rules
from app.definitions.fingerprint import fingerprint_of
from app.definitions.gather import BUILT_IN, Gathered
from app.definitions.imports import ImportMapping, bind_imports
from app.definitions.integrations import Mailbox, bind_integrations
from app.definitions.lifecycles import WrittenLifecycle
from app.definitions.links import check_former_entities, required_circles
from app.definitions.names import BUILT_IN_ENTITIES
from app.definitions.problems import Problem, has_errors
from app.definitions.reuse import Compiled, Memory, affected_units, changed_units, unit_of
from app.definitions.shapes import Shapes
from app.definitions.workflows import bind_workflows
from app.definitions.workshop import Draft, Workshop, settle
from app.expressions.functions import Functions
from app.fields.base import FieldTypes
from app.texts import say


def compile_catalog(
    gathered: Gathered,
    files: Mapping[str, str],
    types: FieldTypes,
    functions: Functions,
    memory: Memory,
    *,
    may_finish: bool,
    actions: Container[str] = (),
) -> tuple[Catalog | None, list[Problem]]:
    """Return the catalog, or None, and the problems.

    Without *may_finish* (some file could not be read) every definition is still checked by itself.
    *actions* are those of plugins, which rules may `run`.
    """
    shop = Workshop(types, functions)
    shop.files = files
    shapes = Shapes(shop.schemas, gathered, memory)
    if has_errors(shapes.problems) or not may_finish:
        return None, shapes.problems
    shop.problems += shapes.problems
    return _Compilation(shop, gathered, shapes, memory, actions).run(), shop.problems


class _Compilation:
    """One run over checked definitions."""

    def __init__(
        self,
        shop: Workshop,
        gathered: Gathered,
        shapes: Shapes,
        memory: Memory,
        actions: Container[str],
    ) -> None:
        self.shop = shop
        self.actions = actions
        self.gathered = gathered
        self.shapes = shapes
        self.memory = memory
        self.app_document = gathered.singles.get("app")
        self.entities: dict[str, Entity] = {}
        self.automation = Automation()
        self.imports: Mapping[str, ImportMapping] = {}
        self.integrations: Mapping[str, Mailbox] = {}
        self.connections: Mapping[str, Connection] = {}
        self.targets: Mapping[str, Target] = {}
        self.dashboards: Mapping[str, Dashboard] = {}
        self.warnings: dict[str, tuple[Problem, ...]] = {}
        self.lifecycles: dict[tuple[str, str], list[WrittenLifecycle]] = {}
        for lifecycle in shapes.lifecycles:
            key = (lifecycle.values["entity"], lifecycle.values["field"])
            self.lifecycles.setdefault(key, []).append(lifecycle)

    def run(self) -> Catalog | None:
        shop = self.shop
        shop.app = compile_app(self.app_document, self.shapes.app)
        shop.approved = self._approved()
        shop.work_out = lambda draft, field: worked_out.work_out(shop, draft, field)
        shop.work_out_view = lambda draft, name: screens.view_condition(shop, draft, name)
        self._draft_common()
        fresh = self._draft_entities()
        self._bind(fresh)
        dependencies.stored_circles(shop)
        inherit = self._inherit(fresh)
        access.inherit_circles(shop, inherit)
        self._make_entities(fresh, inherit)
        required_circles(shop)
        check_former_entities(shop)
        write_out_rules(shop, self.shapes.workflows, self.gathered)
        self.automation = bind_workflows(shop, self.shapes, self.gathered, self.actions)
        self.imports = bind_imports(shop, self.shapes.workflows.get("import", []))
        systems = self.shapes.workflows.get("integration", [])
        self.integrations, self.connections = bind_integrations(shop, systems, self.automation)
        self._bind_dashboards()
        menu = [name for name in shop.drafts if "." not in name]
        dashboards = self.gathered.others.get("dashboard", {})
        shop.problems += check_modules(self.app_document, shop.app, menu, dashboards)
        shop.problems += check_confirmers(self.app_document, shop.app.changes, shop.roles)
        if has_errors(shop.problems):
            return None
        self._remember()
        return self._catalog()

    def _bind_dashboards(self) -> None:
        shop, written, others = self.shop, self.shapes.workflows, self.gathered.others
        self.targets = bind_targets(shop, written.get("target", []))
        self.dashboards = bind_dashboards(
            shop, written.get("dashboard", []), self.targets, others.get("target", {})
        )
        check_homes(shop, self.gathered.singles.get("roles"), others.get("dashboard", {}))

    # Drafts: all of them, or those that changed beside the ones kept.

    def _draft_common(self) -> None:
        shop = self.shop
        access.draft_roles(shop, self.gathered.singles.get("roles"), self.shapes.roles)
        if not any(role.admin for role in shop.roles.values()):
            # Somebody must be able to come in.
            shop.roles["admin"] = Role("admin", say("Administrator", "系统管理员"), admin=True)
        document = self.gathered.singles.get("options")
        if document is not None:
            drafting.shared_options(shop, document, self.shapes.options)

    def _draft_entities(self) -> set[str]:
        """Return the entities that are drafted anew."""
        names = list(self.shapes.entities)
        self.shop.sound = len(self.shop.problems)
        before = self._usable_before()
        if before is None:
            self._draft_anew(names)
            drafting.name_trees(self.shop)
            return set(names)
        fresh = set(changed_units(before, self.shapes.entities))
        trees = drafting.trees_of(before.shop)
        self._keep_drafts(before, names, fresh)
        if drafting.trees_of(self.shop) != trees:
            # Every link to such an entity is another one now.
            self.shop.forget_drafts()
            self._draft_anew(names)
            drafting.name_trees(self.shop)
            return set(names)
        drafting.name_trees(self.shop, fresh)
        return fresh

    def _draft_anew(self, names: Iterable[str]) -> None:
        for name in names:
            drafting.draft_entity(
                self.shop,
                self.gathered.entities[name],
                {**self.shapes.entities[name], "entity": name},
                built_in=name in BUILT_IN_ENTITIES,
                lifecycles=self.lifecycles,
            )

    def _usable_before(self) -> Compiled | None:
        """Return the catalog before, if what concerns all entities is still the same."""
        before = self.memory.before.compiled if self.memory.before else None
        return before if before is not None and before.common == self._common() else None

    def _common(self) -> tuple[Any, ...]:
        singles = self.gathered.singles
        return (
            *(
                singles[kind].digest if kind in singles else ""
                for kind in ("app", "roles", "options")
            ),
            tuple(one.document.digest for one in self.shapes.lifecycles),
            self._approved(),
            tuple(text for name, text in self.shop.files.items() if name.endswith(".csv")),
            tuple(self.shapes.entities),
            id(self.shop.field_types),
            id(self.shop.functions),
        )

    def _keep_drafts(self, before: Compiled, names: Iterable[str], fresh: set[str]) -> None:
        shop = self.shop
        shop.built_in = before.shop.built_in
        kept: dict[str, list[Draft]] = {}
        for draft in before.shop.drafts.values():
            kept.setdefault(unit_of(draft.name), []).append(draft)
        for name in names:
            if name in fresh:
                self._draft_anew([name])
                continue
            shop.drafts.update((draft.name, draft) for draft in kept[name])
        for name, one in before.shop.options.items():
            if "." in name and unit_of(name) not in fresh:
                shop.options[name] = one
        for name, offers in before.shop.offers.items():
            if "." in name and unit_of(name) not in fresh:
                shop.offers[name] = offers

    def _approved(self) -> frozenset[str]:
        """Return the entities that have an approval, in force or not."""
        approvals = self.gathered.others.get("approval", {}).values()
        named = (one.data.get("entity") for one in approvals)
        return frozenset(name for name in named if isinstance(name, str))

    def _bind(self, fresh: set[str]) -> None:
        """Bind the fields of the drafts made anew, and of those that read what changed.

        An entity bound early may have read one that turns out to be affected only afterwards, so
        each round binds all of them again, until a round finds no more.
        """
        shop, before = self.shop, self._usable_before()
        while True:
            drafts = [one for one in shop.drafts.values() if unit_of(one.name) in fresh]
            for draft in drafts:
                binding.check_targets(shop, draft)
                entity_rules.check_former_names(shop, draft)
            for draft in drafts:
                with shop.reading(unit_of(draft.name)):
                    binding.bind_fields(shop, draft)
            drafting.bind_offers(shop, drafts)
            affected = set(affected_units(before, shop, fresh)) if before else set()
            if not affected:
                return
            fresh |= affected
            shop.forget_units(fresh)
            self._draft_anew(name for name in self.shapes.entities if name in fresh)
            drafting.name_trees(shop, fresh)

    def _inherit(self, fresh: set[str]) -> dict[str, tuple[tuple[str, str], ...]]:
        before = self._usable_before()
        found = {}
        for draft in self.shop.drafts.values():
            if draft.lines_of:
                continue
            if draft.name in fresh or before is None:
                found[draft.name] = access.inherited(self.shop, draft)
            else:
                found[draft.name] = before.entities[draft.name].inherit
        return found

    def _make_entities(
        self, fresh: set[str], inherit: Mapping[str, tuple[tuple[str, str], ...]]
    ) -> None:
        before = self._usable_before()
        rules = access.AccessRules(self.shop, self.gathered.singles.get("roles"), self.shapes.roles)
        for draft in self.shop.drafts.values():
            unit = unit_of(draft.name)
            if unit not in fresh and before is not None:
                self.entities[draft.name] = before.entities[draft.name]
                if unit == draft.name:
                    self.warnings[unit] = before.warnings.get(unit, ())
                    self.shop.problems += self.warnings[unit]
                continue
            count = len(self.shop.problems)
            with self.shop.reading(unit):
                self.entities[draft.name] = self._entity(draft, rules, inherit.get(draft.name, ()))
            new = tuple(self.shop.problems[count:])
            self.warnings[unit] = (*self.warnings.get(unit, ()), *new)

    def _remember(self) -> None:
        before = self._usable_before()
        reads = dict(before.reads) if before else {}
        reads.update((unit, frozenset(found)) for unit, found in self.shop.reads.items())
        self.memory.compiled = Compiled(
            shop=self.shop,
            entities=self.entities,
            values=self.shapes.entities,
            common=self._common(),
            reads=reads,
            warnings=self.warnings,
        )

    def _entity(self, draft: Draft, rules: access.AccessRules, inherit: Any) -> Entity:
        shop = self.shop
        title = screens.find_title(shop, draft)
        values = draft.values
        fields = dict(draft.fields)
        for name, field in fields.items():
            if field.value is None:
                settle(field, value=shop.type_of(draft, name))
            if isinstance(field.settings, dict):
                settle(field, settings=MappingProxyType(field.settings))
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
            checks=entity_rules.bind_checks(shop, draft),
            unique=entity_rules.bind_unique(shop, draft),
            duplicates=() if is_lines else entity_rules.bind_duplicates(shop, draft),
            keep=entity_rules.bind_keep(shop, draft),
            access={} if is_lines else rules.of_entity(draft),
            inherit=inherit,
            screens=screens.compile_screens(shop, draft, title),
            worked_out=dependencies.order_worked_out(fields),
            built_in=draft.built_in,
            place=None
            if draft.document.file.startswith(BUILT_IN)
            else draft.document.place(draft.path),
        )

    def _catalog(self) -> Catalog:
        shop = self.shop
        others: dict[str, Any] = {
            kind: MappingProxyType(by_name) for kind, by_name in self.gathered.others.items()
        }
        others["template"] = MappingProxyType(self.gathered.templates)
        return Catalog(
            app=shop.app,
            roles=MappingProxyType(shop.roles),
            options=MappingProxyType(shop.options),
            entities=MappingProxyType(dict(self.entities)),
            types=shop.field_types,
            fingerprint=fingerprint_of(self.shapes, self.gathered, shop.options, self.memory),
            files=MappingProxyType(dict(shop.files)),
            rollups_of=MappingProxyType(dependencies.rollups_of(shop.drafts)),
            formulas_through=MappingProxyType(dependencies.formulas_through(shop)),
            others=MappingProxyType(others),
            automation=self.automation,
            imports=self.imports,
            integrations=self.integrations,
            connections=self.connections,
            dashboards=self.dashboards,
            targets=self.targets,
        )
