"""All workflows of a configuration, bound: one value of the catalog.

Rules keep the order of files and places. What steps name of each other (a template, an approval, a
pool) is gathered first, so that no order has to be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from types import MappingProxyType
from typing import Any

from app.definitions.approvals import bind_approval
from app.definitions.automation import Automation
from app.definitions.config_tests import bind_tests
from app.definitions.document import Document
from app.definitions.gather import Gathered
from app.definitions.moves import bind_lifecycles
from app.definitions.pools import bind_pool, bind_quota
from app.definitions.problems import has_errors
from app.definitions.rule_actions import Known
from app.definitions.rules import bind_rule, check_hooks
from app.definitions.shapes import Shapes
from app.definitions.templates import bind_templates
from app.definitions.workflow_analysis import analyse
from app.definitions.workshop import Workshop

Bind = Callable[[Workshop, Document, Mapping[str, Any], Known], Any]


def bind_workflows(
    shop: Workshop, shapes: Shapes, gathered: Gathered, actions: Container[str]
) -> Automation:
    """Return what the files of `workflows/`, `templates/` and `tests/` say, checked.

    What is wrong with it is noted in the workshop. *actions* are those of plugins.
    """
    templates = bind_templates(shop, shapes.templates, gathered.templates)
    known = Known(
        templates=templates,
        approvals=_entities(gathered, "approval"),
        pools=_entities(gathered, "pool"),
        dashboards=gathered.others.get("dashboard", {}),
        actions=actions,
    )
    rules = _bound(shop, shapes, known, "rule", bind_rule)
    check_hooks(shop, rules.values(), gathered.others.get("rule", {}))
    automation = Automation(
        rules=rules,
        lifecycles=MappingProxyType(bind_lifecycles(shop, shapes.lifecycles)),
        approvals=_bound(shop, shapes, known, "approval", bind_approval),
        pools=_bound(shop, shapes, known, "pool", bind_pool),
        quotas=_bound(shop, shapes, known, "quota", bind_quota),
        templates=MappingProxyType(templates),
        tests=bind_tests(shop, shapes.workflows.get("test", ()), _names(gathered)),
    )
    if not has_errors(shop.problems):
        analyse(shop, automation, gathered)
    return automation


def _bound(
    shop: Workshop, shapes: Shapes, known: Known, kind: str, bind: Bind
) -> Mapping[str, Any]:
    """Return all definitions of a kind by name, those with a problem left out."""
    made = (
        bind(shop, document, values, known) for document, values in shapes.workflows.get(kind, ())
    )
    return MappingProxyType({one.name: one for one in made if one is not None})


def _names(gathered: Gathered) -> list[str]:
    """Return the names of rules and approvals, those with a problem included."""
    return [*gathered.others.get("rule", {}), *gathered.others.get("approval", {})]


def _entities(gathered: Gathered, kind: str) -> dict[str, str]:
    """Return the definitions of a kind by name, each with the entity it says it is for."""
    documents = gathered.others.get(kind, {})
    return {name: str(document.data.get("entity", "")) for name, document in documents.items()}
