"""Steps in order, by whom, with which conditions; answers and their ends."""

from __future__ import annotations

from tests.integration.automation.approvals.world import World


def test_a_record_goes_up_the_chain_and_is_approved(world: World):
    number = world.make("contract", amount="500")
    assert world.state(number) == "draft"
    run = world.submit(number, comment="Price held for a year")
    assert (world.state(number), world.waits_for(run)) == ("waiting", ["mia"])
    world.yes(run, "mia")
    assert (world.state(number), world.waits_for(run)) == ("waiting", ["boss"])
    found = world.yes(run, "boss")
    # Neither finance nor legal is asked below 100,000.
    assert (found.state, world.state(number)) == ("approved", "approved")
    assert [(t.step, t.state, t.reason) for t in world.case(run).tasks] == [
        (0, "approved", None),
        (0, "approved", None),
        (1, "skipped", "condition"),
        (2, "skipped", "condition"),
    ]
    assert world.outcomes.seen == [("approved", "contract", number)]
    assert world.row("contract", number)["is_final"] is True
    assert world.history("contract", number) == [
        ("create", "sam"),
        ("submit", "sam"),
        ("approve", "mia"),
        ("approve", "boss"),
        ("approved", "boss"),
    ]
    assert [(who, what) for who, what, _ in world.told(run)] == [
        ("mia", "asked"),
        ("boss", "asked"),
        ("sam", "approved"),
    ]
    assert world.told(run)[0][2] == "Frame: your approval is asked for. Submitted by Sam."
