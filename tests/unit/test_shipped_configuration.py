"""What config/ holds: no problem in it, both languages everywhere, the rights it promises."""

from pathlib import Path

import pytest

from app.definitions.catalog import Catalog
from app.definitions.load import load_configuration
from app.fields.base import FieldTypes
from app.fields.registry import builtin_types

CONFIG = Path(__file__).resolve().parents[2] / "config"
SALES_CHAIN = {
    "lead", "customer", "customer_group", "contact", "opportunity", "product", "product_category",
    "quote", "contract", "receivable_plan", "receivable", "invoice", "follow_up", "task",
    "milestone", "ticket", "visit",
}  # fmt: skip
ROLES = [
    "sales",
    "sales_manager",
    "sales_director",
    "finance",
    "service",
    "legal",
    "auditor",
    "admin",
]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    loaded = load_configuration(CONFIG, FieldTypes({one.name: one for one in builtin_types()}))
    assert [str(problem) for problem in loaded.problems] == []
    assert loaded.catalog is not None
    return loaded.catalog


def own_entities(catalog):
    return [e for e in catalog.entities.values() if e.name.split(".")[0] in SALES_CHAIN]


def test_it_holds_the_sales_chain(catalog):
    assert set(catalog.entities) >= SALES_CHAIN
    assert list(catalog.roles) == ROLES
    assert {e for m in catalog.app.modules for e in m.has} == SALES_CHAIN


def test_everything_people_read_is_in_both_languages(catalog):
    labels = {}
    for entity in own_entities(catalog):
        labels[entity.name] = entity.label
        if entity.lines_of is None:
            labels[f"{entity.name} plural"] = entity.plural
        for field in entity.fields.values():
            labels[f"{entity.name}.{field.name}"] = field.label
            if field.help:
                labels[f"{entity.name}.{field.name} help"] = field.help
            for option in field.options:
                labels[f"{entity.name}.{field.name}={option.name}"] = option.label
        for view in entity.screens.views.values():
            labels[f"{entity.name} view {view.name}"] = view.label
        for number, section in enumerate(entity.screens.form if not entity.lines_of else ()):
            labels[f"{entity.name} section {number}"] = section.label
        for number, check in enumerate(entity.checks):
            labels[f"{entity.name} check {number}"] = check.message
    figures = [f for one in catalog.dashboards.values() for f in one.figures]
    labels |= {f"figure {number}": one.label for number, one in enumerate(figures)}
    labels |= {f"figure {n} help": one.help for n, one in enumerate(figures) if one.help}
    pages = [*catalog.dashboards.values(), *catalog.targets.values()]
    for place in [*catalog.roles.values(), *catalog.app.modules, *pages]:
        labels[place.name] = place.label
    own = {what: label for what, label in labels.items() if what.split(".")[-1] not in BUILT_IN}
    missing = [what for what, label in own.items() if not label or {"en", "zh"} - set(label.texts)]
    assert missing == []


def test_the_analyses_ship_and_each_role_has_its_own(catalog):
    for_sales = [one.name for one in catalog.dashboards.values() if "sales" in one.for_]
    assert for_sales == ["sales", "my_sales", "customers", "leads", "follow_ups"]
    assert list(catalog.dashboards)[-2:] == ["money", "products"]
    assert {name: role.home for name, role in catalog.roles.items() if role.home} == {
        "sales_director": "sales", "finance": "money",
    }  # fmt: skip
    assert [one.levels for one in catalog.targets.values()] == [("base", "stretch"), ("base",)]


BUILT_IN = {
    "id", "owner", "owner_department", "owner_since", "previous_owner", "pool", "created_at",
    "created_by", "updated_at", "updated_by", "deleted_at", "deleted_by", "version", "tags", "team",
    "position", "parent",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(SALES_CHAIN))
def test_every_field_can_be_seen_in_the_form_or_the_list(catalog, name):
    entity = catalog.entities[name]
    shown = {field for section in entity.screens.form for row in section.fields for field in row}
    shown |= set(entity.screens.columns)
    own = {f.name for f in entity.fields.values() if not f.built_in}
    assert own - shown == set()


def test_personal_data_is_marked(catalog):
    marked = {
        f"{entity.name}.{field.name}"
        for entity in own_entities(catalog)
        for field in entity.fields.values()
        if field.personal
    }
    wanted = {
        f"{entity}.{field}"
        for entity in ("lead", "contact")
        for field in ("mobile", "telephone", "email", "wechat", "qq")
    }
    assert (
        wanted | {"customer.phones", "customer.email", "contact.name", "contact.birthday"} <= marked
    )


@pytest.mark.parametrize(
    ("entity", "field", "role", "right"),
    [
        ("product", "cost_price", "sales", "hidden"),
        ("product", "cost_price", "sales_manager", "read"),
        ("product", "cost_price", "finance", "edit"),
        ("product", "price", "finance", "read"),
        ("customer", "credit", "sales", "read"),
        ("customer", "credit", "sales_director", "edit"),
        ("customer", "credit", "service", "hidden"),
        ("customer", "phones", "auditor", "masked"),
        ("customer", "name", "finance", "read"),
        ("invoice", "status", "sales", "read"),
        ("receivable", "bank_account", "sales", "masked"),
    ],
)
def test_field_rights(catalog, entity, field, role, right):
    access = catalog.entities[entity].access[role]
    assert access.fields.get(field, access.other_fields) == right


@pytest.mark.parametrize(
    ("role", "entity", "right", "allowed"),
    [
        ("sales", "customer", "create", True),
        ("sales", "customer", "delete", False),
        ("sales", "customer", "export", False),
        ("sales", "product", "update", False),
        ("sales", "receivable", "update", False),
        ("sales_manager", "customer", "delete", True),
        ("sales_manager", "contract", "delete", False),
        ("sales_director", "contract", "delete", True),
        ("sales_director", "product", "create", True),
        ("finance", "lead", "read", False),
        ("finance", "receivable", "create", True),
        ("finance", "opportunity", "update", False),
        ("service", "opportunity", "read", False),
        ("service", "follow_up", "create", True),
        ("auditor", "contract", "read", True),
        ("auditor", "contract", "update", False),
        ("admin", "contract", "delete", True),
    ],
)
def test_rights(catalog, role, entity, right, allowed):
    access = catalog.entities[entity].access.get(role)
    assert (access is not None and not access.rights[right].is_none) is allowed


@pytest.mark.parametrize(
    ("role", "scope"),
    [("sales", "own"), ("sales_manager", "subordinates"), ("sales_director", "all")],
)
def test_scopes_of_customers(catalog, role, scope):
    assert catalog.entities["customer"].access[role].scope.scopes == {scope}


def test_the_stages_of_an_opportunity_have_their_chances(catalog):
    stages = catalog.entities["opportunity"].fields["stage"].options
    assert [(stage.name, stage.probability, stage.final) for stage in stages] == [
        ("new", 10, False),
        ("needs_clear", 30, False),
        ("proposal", 50, False),
        ("negotiation", 70, False),
        ("signing", 90, False),
        ("won", 100, True),
        ("lost", 0, True),
        ("invalid", 0, True),
    ]


def test_the_status_of_an_instalment_is_worked_out_and_has_labels(catalog):
    status = catalog.entities["receivable_plan"].fields["status"]
    assert status.is_volatile
    assert status.type.display(status, "overdue", "zh") == "逾期"
    assert status.type.display(status, "done", "en") == "Done"
