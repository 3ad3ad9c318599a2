"""All workflows of a configuration, bound: one value of the catalog."""

from __future__ import annotations

from types import MappingProxyType

from app.definitions.automation import Automation
from app.definitions.moves import bind_lifecycles
from app.definitions.shapes import Shapes
from app.definitions.workshop import Workshop


def bind_workflows(shop: Workshop, shapes: Shapes) -> Automation:
    """Return what the files of `workflows/` say, checked; what is wrong with it is noted."""
    return Automation(lifecycles=MappingProxyType(bind_lifecycles(shop, shapes.lifecycles)))
