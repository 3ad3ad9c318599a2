"""Rules that move records: they obey the moves, not whom a move is for, within the same write."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.database.automation_tables import message, stage_time
from app.database.pools import Pools
from app.errors import TrellisError
from tests.integration.automation.engine.world import World, build
from tests.integration.automation.stages.world import DEAL, DEALS

#: That world has deals of its own.
FILES = {
    "entities/bid.yaml": DEAL.replace("entity: deal", "entity: bid"),
    "workflows/bids.yaml": DEALS.partition("---\nlifecycle: papers")[0].replace(
        "entity: deal", "entity: bid"
    ),
}


@pytest.fixture
def world(template_database, clone_database, tmp_path) -> Iterator[World]:
    made = World(Pools(clone_database(template_database("engine_world", build))), tmp_path)
    yield made
    made.close()


def on_offer(do: str) -> str:
    return f"""
rule: big-offers
entity: bid
when: {{on: update, changed: stage, to: offer}}
do: [{do}]
"""


def test_a_rule_moves_on_within_the_write(world):
    world.rules(on_offer("{if: amount > 100, set: {stage: won}}"), **FILES)
    number = world.create("bid", amount="200", lines=[{"what": "bolt"}])
    world.clock.moment += timedelta(days=1)
    world.records.follow(world.who("mia"), "bid", number, follows=True)
    written = world.update("bid", number, stage="offer")
    # Who follows it hears where it got to.
    heard = [(one["user_id"], one["text"]) for one in world.select(sa.select(message))]
    assert heard == [(world.ids["mia"], "Sam moved “Acme” to Won.")]
    row = world.row("bid", number)
    # What both stages set is there, the last wins; it is one version.
    assert (row["stage"], row["probability"], row["closed_on"] is not None) == ("won", 100, True)
    assert written.version == 2
    chosen = sa.select(stage_time.c.stage).where(stage_time.c.record_id == number)
    assert [one["stage"] for one in world.select(chosen)] == ["new"]
    small = world.create("bid", amount="50", lines=[{"what": "bolt"}])
    assert world.update("bid", small, stage="offer").values["stage"] == "offer"


def test_a_rule_obeys_moves_but_not_for(world):
    # From lost to offer leads a move that is not for sellers; from offer to new leads none.
    reopen = """
rule: reopen
entity: bid
when: {on: update, changed: reason, to: empty}
do: [{set: {stage: offer}}]
"""
    world.rules(reopen, **FILES)
    number = world.create("bid", stage="lost", reason="Price", amount="20", lines=[{"what": "x"}])
    assert world.update("bid", number, reason=None).values["stage"] == "offer"
    world.rules(on_offer("{set: {stage: new}}"), **FILES)
    number = world.create("bid", amount="20", lines=[{"what": "x"}])
    with pytest.raises(TrellisError) as caught:
        world.update("bid", number, stage="offer")
    assert "No move leads from Offer to New" in str(caught.value.as_json("en"))
    assert world.row("bid", number)["stage"] == "new"
