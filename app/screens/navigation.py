"""The menu: modules of app.yaml with the entities somebody may read, and what stands beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from app.access.policy import Policy
from app.definitions.catalog import Catalog, Entity
from app.records.figures import dashboards_for
from app.screens.rendering import Renderer
from app.texts import Label, say

#: Icons for entities that name none themselves, by words of the trade.
_ICONS = {
    "lead": "target-arrow",
    "customer": "building",
    "account": "building",
    "company": "building",
    "customer_group": "users-group",
    "contact": "address-book",
    "opportunity": "chart-arrows-vertical",
    "deal": "chart-arrows-vertical",
    "product": "package",
    "product_category": "category",
    "price": "tag",
    "price_list": "tags",
    "quote": "file-invoice",
    "order": "shopping-cart",
    "contract": "file-certificate",
    "receivable_plan": "calendar-event",
    "receivable": "cash",
    "payment": "credit-card",
    "refund": "coin",
    "invoice": "receipt",
    "follow_up": "message-2",
    "task": "checkbox",
    "ticket": "ticket",
    "campaign": "speakerphone",
    "event": "calendar-event",
    "project": "briefcase",
    "supplier": "truck-delivery",
    "warehouse": "building-warehouse",
    "asset": "box",
    "document": "file-text",
    "student": "school",
    "course": "book",
}
PLAIN_ICON = "table"


@dataclass(frozen=True, slots=True)
class NavItem:
    """One entry of a menu."""

    label: str
    href: str
    icon: str = ""
    on: bool = False
    count: int = 0
    count_label: str = ""
    #: the round button in the middle of the foot bar
    main: bool = False
    #: the dialog it opens instead of going somewhere
    opens: str = ""
    #: where its mark comes from, once the page is there
    mark_href: str = ""
    hotkey: str = ""


def icon_of(entity: Entity, known: Iterable[str]) -> str:
    """Return the icon of an entity: its own, if the sprite has it, or the usual one."""
    if entity.icon and entity.icon in known:
        return entity.icon
    return _ICONS.get(entity.name, PLAIN_ICON)


def plural(entity: Entity, language: str) -> str:
    """Return what many records of an entity are called."""
    return (entity.plural or entity.label).in_language(language)


def in_sentence(label: str, language: str) -> str:
    """Return a label as it stands within an English sentence: "New customer"."""
    if language != "en" or label[1:2].isupper():
        return label
    return label[:1].lower() + label[1:]


def readable_entities(catalog: Catalog, policy: Policy) -> list[Entity]:
    """Return the entities of the menu the roles may read, in the menu's order."""
    found = []
    for module in catalog.app.modules:
        if not module.off:
            found += [
                catalog.entities[name]
                for name in module.has
                if name in catalog.entities and policy.may("read", name)
            ]
    if catalog.app.modules:
        return found
    # Without modules everything stands in the menu.
    return [
        entity
        for entity in catalog.entities.values()
        if entity.lines_of is None and policy.may("read", entity.name)
    ]


def begins_at(catalog: Catalog, policy: Policy) -> str:
    """Return the page somebody begins on, as their roles say it; empty: the work bench.

    Of several roles the first in roles.yaml that says one; a page that may not be seen is none.
    """
    for name in catalog.roles:
        home = home_of(catalog, name) if name in policy.roles else None
        if home is None:
            continue
        if home in catalog.dashboards:
            if any(one.name == home for one in dashboards_for(catalog, policy)):
                return f"/dashboards/{home}"
        elif home in catalog.entities:
            if policy.may("read", home):
                return f"/crm/{home}/"
        else:
            return ""
    return ""


def home_of(catalog: Catalog, role: str | None) -> str | None:
    """Return the home of a role, or of the nearest it builds on."""
    seen: set[str] = set()
    while role is not None and role in catalog.roles and role not in seen:
        seen.add(role)
        if catalog.roles[role].home is not None:
            return catalog.roles[role].home
        role = catalog.roles[role].is_
    return None


def build_menu(
    catalog: Catalog, policy: Policy, language: str, active: str, renderer: Renderer
) -> Markup:
    """Return the menu as it stands in the page."""
    readable = {entity.name: entity for entity in readable_entities(catalog, policy)}
    known = icon_names(renderer)
    entries = {
        entity.name: NavItem(
            plural(entity, language),
            f"/crm/{entity.name}/",
            icon_of(entity, known),
            on=entity.name == active,
        )
        for entity in readable.values()
    }
    entries |= {
        f"dashboard {one.name}": NavItem(
            one.label.in_language(language), f"/dashboards/{one.name}", "chart-bar"
        )
        for one in dashboards_for(catalog, policy)
    }
    groups: list[tuple[Label | None, list[NavItem]]] = []
    if catalog.app.modules:
        for module in catalog.app.modules:
            inside = [entries[name] for name in module.has if name in entries]
            if inside and not module.off:
                groups.append((module.label, inside))
    else:
        groups.append((say("Records", "记录"), [entries[name] for name in readable]))
    html: list[str] = []
    for label, items in groups:
        if label is not None:
            html.append(Markup("<h3>{}</h3>").format(label.in_language(language)))
        html += [_menu_entry(item, renderer) for item in items]
    return Markup("\n").join(html)


def _menu_entry(item: NavItem, renderer: Renderer) -> Markup:
    return Markup('<a class="nav-i{}" href="{}"{}>{}<span class="cut">{}</span></a>').format(
        Markup(" on") if item.on else "",
        item.href,
        Markup(' aria-current="page"') if item.on else "",
        renderer.icon(item.icon),
        item.label,
    )


def icon_names(renderer: Renderer) -> frozenset[str]:
    """Return the icons of the sprite."""
    asset = renderer.assets.files.get("vendor/icons.svg")
    if asset is None:
        return frozenset()
    parts = asset.content.decode().split('id="')[1:]
    return frozenset(part.partition('"')[0] for part in parts)
