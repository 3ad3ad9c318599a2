"""What a form shows before it is saved: defaults, formulas, conditions."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from app.records.previews import Previews
from tests.integration.writing import world as worlds

LIFECYCLE = """
lifecycle: visit-stages
entity: visit
field: stage
stages: {planned: {label: Planned}, held: {label: Held, final: yes}}
"""


@pytest.fixture
def previews(world) -> Previews:
    return Previews(world.pools, world.live, world.organisation, world.clock)


def test_an_empty_form_shows_defaults_and_what_follows_from_them(world, previews):
    product = world.product(price="10")
    seen = previews.ask(world.who("sam"), "order", {"lines": [{"product": product, "quantity": 3}]})
    assert seen.values["rate"] == Decimal(10)
    assert seen.values["stage"] == "open"
    assert seen.values["due_on"] == date(2026, 3, 10) + timedelta(days=10)
    assert seen.values["amount"] == Decimal(30)
    [line] = seen.lines["lines"]
    assert (line.values["price"], line.values["subtotal"]) == (Decimal(10), Decimal(30))
    # The percentage that is a default of the record around the line.
    assert line.values["with_rate"] == Decimal(33)
    # A row that is added begins with its own defaults, as values and not as they are written.
    assert seen.blank_lines["lines"].values["quantity"] == Decimal(1)


def test_a_form_knows_the_stage_a_record_will_begin_in(world, previews):
    visit = worlds.FILES["entities/visit.yaml"].replace(
        "  content: {type: text}",
        "  content: {type: text, required: \"stage != 'planned'\"}\n  stage: {type: stage}",
    )
    world.apply(worlds.FILES | {"entities/visit.yaml": visit, "workflows/visit.yaml": LIFECYCLE})
    seen = previews.ask(world.who("sam"), "visit", {})
    assert seen.values["stage"] == "planned"
    assert "content" not in seen.required
