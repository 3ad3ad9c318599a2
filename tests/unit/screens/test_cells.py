"""How values stand on pages."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from app.definitions.load import load_files
from app.fields.registry import field_types
from app.records.results import Record
from app.screens.cells import EMPTY, Look, show_value
from app.screens.wording import read_wordings

FILES = {
    "app.yaml": "name: Test\nlanguages: [en]\ntime_zone: UTC\ncurrencies: [EUR, USD]\n",
    "roles.yaml": "roles:\n  admin: {admin: yes}\n",
    "entities/deal.yaml": """
entity: deal
title: name
fields:
  name: {type: text}
  story: {type: markdown}
  currency: {type: currency}
  price: {type: money}
  offer: {type: money, currency: currency}
  twice: {type: formula, formula: price * 2}
""",
}


@pytest.fixture(scope="module")
def deal():
    loaded = load_files(FILES, field_types())
    assert loaded.catalog is not None, loaded.problems
    return loaded.catalog.entities["deal"]


def shown(deal, name, *, full=True, **values):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    look = Look(read_wordings()["en"], UTC, "UTC", now, "EUR")
    return show_value(deal, name, Record("deal", 1, values, {}), look, full=full)


def test_an_amount_has_the_sign_of_its_currency_or_of_the_base_one(deal):
    assert shown(deal, "price", price=Decimal("1234.5")) == "€1,234.50"
    assert shown(deal, "price", price=Decimal(-2)) == "-€2.00"
    assert shown(deal, "twice", twice=Decimal(10)) == "€10.00"
    assert shown(deal, "offer", offer=Decimal(3), currency="USD") == "US$3.00"
    # Nobody has said yet which one it is in.
    assert shown(deal, "offer", offer=Decimal(3)) == "3.00"
    assert shown(deal, "price") == EMPTY


def test_markdown_is_shown_as_it_is_meant_and_runs_nothing(deal):
    text = "# Plan\n\n**soon** <script>alert(1)</script> [x](javascript:alert(1))"
    page = shown(deal, "story", story=text)
    assert "<h1>Plan</h1>" in page
    assert "<strong>soon</strong>" in page
    assert "<script" not in page
    assert 'href="javascript' not in page
    cell = shown(deal, "story", story="# Plan\n\n**soon** & later", full=False)
    assert cell == "Plan soon &amp; later"
    assert shown(deal, "story", story="") == EMPTY
