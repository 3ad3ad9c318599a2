"""Lifecycles on every path: where records begin, which moves there are, what they ask for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from app.database.automation_tables import stage_time
from app.database.pools import Pools
from app.errors import InvalidInput
from app.records.previews import Previews
from tests.integration.automation.stages.world import DEALS, FILES, build
from tests.integration.writing.world import World


@pytest.fixture
def world(template_database, clone_database, tmp_path) -> Iterator[World]:
    made = World(Pools(clone_database(template_database("stages_world", build))), tmp_path)
    yield made
    made.close()


def deal(world: World, who: str = "sam", **values) -> int:
    return world.records.create(world.who(who), "deal", {"name": "Acme", **values}).id


def move(world: World, number: int, to: str, who: str = "sam", **values):
    return world.records.update(world.who(who), "deal", number, {"stage": to, **values})


def refused(world: World, number: int, to: str, who: str = "sam", **values):
    with pytest.raises(InvalidInput) as caught:
        move(world, number, to, who, **values)
    return {
        name: [(one.in_language("en"), one.in_language("zh")) for one in sentences]
        for name, sentences in caught.value.fields.items()
    }


def test_a_record_begins_in_the_first_stage_of_its_own_lifecycle(world):
    fresh, renewal = deal(world), deal(world, kind="renewal")
    assert (world.row("deal", fresh)["stage"], world.row("deal", fresh)["probability"]) == (
        "new",
        10,
    )
    assert world.row("deal", renewal)["stage"] == "due"
    # Elsewhere it may begin where some move leads, with what that move asks for.
    with pytest.raises(InvalidInput) as caught:
        deal(world, stage="won", amount="3")
    assert list(caught.value.fields) == ["stage", "amount"]
    with pytest.raises(InvalidInput) as caught:
        deal(world, stage="lost")
    assert list(caught.value.fields) == ["stage", "reason"]
    won = world.row("deal", deal(world, stage="won", amount="30", closed_on="2025-01-31"))
    assert (won["stage"], won["probability"], won["closed_on"]) == ("won", 100, date(2025, 1, 31))


def test_a_move_asks_for_what_it_needs_beside_the_fields(world):
    number = deal(world)
    assert refused(world, number, "offer") == {
        "stage": [
            ("To move to Offer, fill in Amount, Lines.", "移至“报价”前请填写：金额、Lines。")
        ],
        "amount": [("Amount is needed to move to Offer.", "移至“报价”需要填写“金额”。")],
        "lines": [("Lines is needed to move to Offer.", "移至“报价”需要填写“Lines”。")],
    }
    # What is needed may come with the move; a worked-out field counts as it will be.
    moved = move(world, number, "offer", amount="7", lines=[{"what": "bolt"}])
    assert (moved.values["stage"], moved.values["probability"], moved.version) == ("offer", 50, 2)
    assert refused(world, number, "won", amount=None)["double"] == [
        ("Double is needed to move to Won.", "移至“赢单”需要填写“Double”。")
    ]
    assert refused(world, number, "won", amount="4")["stage"] == [
        (
            "The move from Offer to Won is possible only while amount > 5.",
            "仅当满足条件 amount > 5 时才能从“报价”移至“赢单”。",
        )
    ]
    # Checks come after the move.
    assert refused(world, number, "won")["amount"] == [("Too small to win", "Too small to win")]
    won = move(world, number, "won", amount="20")
    assert (won.values["probability"], won.values["closed_on"]) == (100, date(2026, 3, 10))


def test_a_refusal_says_which_moves_there_are_and_for_whom(world):
    number = deal(world, stage="lost", reason="Price")
    assert world.row("deal", number)["probability"] == 1
    assert refused(world, number, "won", amount="20")["stage"] == [
        (
            "No move leads from Lost to Won. From Lost there are moves to Offer (for Manager).",
            "无法从“输单”移至“赢单”。从“输单”可以移至：报价（限经理）。",
        )
    ]
    assert refused(world, number, "offer")["stage"] == [
        ("Only Manager may move from Lost to Offer.", "只有经理可以从“输单”移至“报价”。")
    ]
    assert refused(world, number, "due")["stage"][0][0].startswith(
        "Due is no stage of the lifecycle fresh-deals. From Lost there are moves to"
    )
    assert refused(world, number, None)["stage"] == [("Stage is needed.", "请填写“Stage”。")]
    assert move(world, number, "offer", "mia").values["stage"] == "offer"
    number = deal(world, kind="renewal", stage="won", amount="20")
    assert refused(world, number, "due")["stage"][0][0] == (
        "No move leads from Won to Due. Won is an end: no move leads out of it."
    )


def test_the_system_and_rules_obey_moves_but_not_who_may(world):
    number = deal(world, stage="lost", reason="Price")
    assert "stage" in refused(world, number, "won", "system", amount="20")
    written = world.records.update(
        world.who("sam"), "deal", number, {"stage": "offer"}, origin="rule"
    )
    assert written.values["stage"] == "offer"


def test_every_path_is_refused_alike(world):
    number, sam = deal(world), world.who("sam")
    writes = [{"action": "update", "id": number, "values": {"stage": "won"}}]
    [outcome] = world.records.batch(sam, "deal", writes, all_or_nothing=False)
    assert outcome.error is not None
    assert world.row("deal", number)["stage"] == "new"
    with pytest.raises(InvalidInput):
        world.records.update(sam, "deal", number, {"stage": "won"}, origin="import", strict=False)
    # Restoring and transferring never touch the stage.
    world.records.delete(sam, "deal", [number])
    world.records.restore(sam, "deal", [number])
    world.records.transfer(world.who("mia"), "deal", [number], world.ids["sue"])
    assert world.row("deal", number)["stage"] == "new"


def test_the_time_in_each_stage_is_kept(world):
    number = deal(world, amount="20", lines=[{"what": "bolt"}])
    world.clock.moment += timedelta(days=2)
    move(world, number, "offer")
    world.clock.moment += timedelta(hours=5)
    world.records.update(world.who("sam"), "deal", number, {"name": "Acme Ltd"})
    move(world, number, "won", "sue")
    with world.pools.engine.connect() as connection:
        rows = connection.execute(
            sa.select(stage_time).where(stage_time.c.record_id == number).order_by(stage_time.c.id)
        ).all()
    assert [(one.field, one.stage, one.left_at - one.entered_at, one.user_id) for one in rows] == [
        ("stage", "new", timedelta(days=2), world.ids["sam"]),
        ("stage", "offer", timedelta(hours=5), world.ids["sue"]),
    ]


def test_moves_can_be_asked_for(world):
    previews = Previews(world.pools, world.live, world.organisation, world.clock)
    number = deal(world)
    found = {one.to: one for one in previews.moves(world.who("sam"), "deal", number)}
    assert {to: (one.is_open, one.missing) for to, one in found.items()} == {
        "offer": (True, ("amount", "lines")),
        "lost": (True, ("reason",)),
    }
    assert found["lost"].final
    number = deal(world, stage="lost", reason="Price")
    [one] = previews.moves(world.who("sam"), "deal", number)
    assert (str(one.label), one.is_open, one.why.in_language("zh")) == (
        "Reopen",
        False,
        "只有经理可以从“输单”移至“报价”。",
    )
    [one] = previews.moves(world.who("mia"), "deal", number)
    assert one.is_open
    paper = world.records.create(world.who("sam"), "paper", {"name": "x"}).id
    assert [one.to for one in previews.moves(world.who("sam"), "paper", paper)] == ["read"]


def test_a_stage_that_is_gone_stays_and_new_moves_bind_at_the_next_move(world):
    number = deal(world, amount="20", lines=[{"what": "bolt"}])
    move(world, number, "offer")
    changed = DEALS.replace("  offer: {label: {en: Offer, zh: 报价}, set: {probability: 50}}\n", "")
    changed = changed.replace("  new: {label", "  ready: {}\n  new: {label", 1)
    changed = changed.replace(
        "{from: new, to: offer, needs: [amount, lines]}", "{from: new, to: ready}"
    )
    changed = changed.replace("{from: offer, to: won, needs", "{from: ready, to: won, needs", 1)
    changed = changed.replace("[won, lost], to: offer", "[won, lost], to: ready")
    world.apply({**FILES, "workflows/deals.yaml": changed})
    assert world.row("deal", number)["stage"] == "offer"
    assert world.row("deal", deal(world))["stage"] == "ready"
    world.records.update(world.who("sam"), "deal", number, {"name": "Still there"})
    assert refused(world, number, "due")["stage"][0][0] == (
        "Due is no stage of the lifecycle fresh-deals. "
        "From Offer there are moves to Ready, Won, Lost."
    )
    assert move(world, number, "won").values["stage"] == "won"


def test_a_form_offers_only_stages_that_somebody_may_move_to(world):
    previews = Previews(world.pools, world.live, world.organisation, world.clock)

    def offered(who: str, number: int | None = None, **raw):
        found = previews.ask(world.who(who), "deal", raw, number)
        return sorted(found.offered["stage"])

    number = deal(world, stage="lost", reason="Price")
    assert offered("sam", number) == ["lost"]
    assert offered("mia", number) == ["lost", "offer"]
    assert offered("sam", deal(world)) == ["lost", "new", "offer"]
    # A new one may begin where a move leads that this person may make.
    assert offered("sam", kind="renewal") == ["due", "offer", "won"]
