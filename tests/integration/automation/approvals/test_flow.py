"""Steps in order, by whom, with which conditions; answers and their ends."""

from __future__ import annotations

import pytest

from app.automation.approvals.submitting import Submission
from app.errors import Conflict, Forbidden, InvalidInput, NotFound
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
    assert world.seen() == [("approved", "contract", number)]
    assert world.row("contract", number)["is_final"] is True
    assert world.history("contract", number) == [
        ("create", "sam"),
        ("submit", "sam"),
        ("approve", "mia"),
        ("approve", "boss"),
        ("approved", "boss"),
        ("update", "boss"),
    ]
    assert [(who, what) for who, what, _ in world.told(run)] == [
        ("mia", "asked"),
        ("boss", "asked"),
        ("sam", "approved"),
    ]
    assert world.told(run)[0][2] == "Frame: your approval is asked for. Submitted by Sam."


def test_conditions_are_asked_when_the_step_is_reached(world: World):
    number, run = world.handed_in(amount="150000")
    world.yes(run, "mia", "boss")
    assert world.waits_for(run) == ["fay", "fin"]
    # Meanwhile the system lowers the amount: legal is not needed any more.
    world.yes(run, "fay")
    assert world.waits_for(run) == ["fin"]
    world.records.update(world.who("system"), "contract", number, {"amount": "10"})
    assert world.yes(run, "fin").state == "approved"
    assert [t.reason for t in world.case(run).tasks if t.step == 2] == ["condition"]


def test_one_of_a_role_is_enough_and_others_are_told_of_the_step(world: World):
    number, run = world.handed_in(core_data=True)
    world.yes(run, "mia", "boss")
    assert world.waits_for(run) == ["lea", "lou"]
    assert world.yes(run, "lou").state == "approved"
    assert [(t.user_id, t.state) for t in world.case(run).tasks if t.step == 2] == [
        (world.ids["lea"], "dropped"),
        (world.ids["lou"], "approved"),
    ]
    told = world.told(run)
    assert ("lou", "asked", "Frame: your approval is asked for. Submitted by Sam.") in told
    # Legal has no records of its own: it may read what it was asked about.
    world.records.get(world.who("lea"), "contract", number)
    other = world.make("contract")
    with pytest.raises(NotFound):
        world.records.get(world.who("lea"), "contract", other)


def test_a_rejection_ends_it_and_goes_on_from_there(world: World):
    number, run = world.handed_in(amount="150000")
    world.yes(run, "mia", "boss", "fay")
    with pytest.raises(InvalidInput) as refused:
        world.no(run, "fin", comment=" ")
    assert list(refused.value.fields) == ["comment"]
    assert world.no(run, "fin").state == "rejected"
    assert (world.state(number), world.seen()) == (
        "rejected",
        [("rejected", "contract", number)],
    )
    assert world.told(run)[-1] == ("sam", "rejected", "Frame: Fin rejected it. “Too dear”")
    world.edit("contract", number, amount="140000")
    again = world.submit(number)
    # From the step that rejected: neither manager is asked twice.
    assert (world.waits_for(again), world.state(number)) == (["fay", "fin"], "waiting")
    world.yes(again, "fay", "fin", "lea")
    assert world.state(number) == "approved"


def test_who_is_not_asked_may_not_answer(world: World):
    number, run = world.handed_in()
    with pytest.raises(Forbidden) as refused:
        world.yes(run, "boss")
    assert str(refused.value) == "It waits for Mia at Owner › Manager."
    with pytest.raises(NotFound):
        world.yes(run, "tom")
    with pytest.raises(Forbidden):
        world.approvals.submit(world.who("fay"), Submission("contract", number))
    with pytest.raises(Conflict):
        world.submit(number)
    world.yes(run, "mia")
    with pytest.raises(Conflict) as over:
        world.yes(run, "mia")
    assert str(over.value) == "You are not asked any more. It waits for Boss at Owner › Manager."


def test_the_submitter_is_passed_over_or_gives_way_to_the_manager(world: World):
    # mia's own contract: her manager boss is asked, and nobody is above him.
    number, run = world.handed_in("mia")
    assert world.waits_for(run) == ["boss"]
    world.yes(run, "boss")
    assert world.state(number) == "approved"
    # Submitted by boss, sam's contract: mia approves, boss is passed over.
    number = world.make("contract")
    run = world.submit(number, "boss")
    assert world.yes(run, "mia").state == "approved"
    assert [(t.state, t.reason) for t in world.case(run).tasks if t.step == 0] == [
        ("approved", None),
        ("skipped", "submitter"),
    ]
    # A deal whose lawyer submits it: the manager decides instead.
    deal = world.make("deal", "sue", lawyer=world.ids["sue"])
    run = world.submit(deal, "sue", "deal", chosen={0: [world.ids["lea"]]})
    world.yes(run, "lea", comment="Fine")
    assert world.waits_for(run) == ["mia"]


def test_nobody_found_goes_to_administrators_or_on_or_is_refused(world: World):
    # tom has no manager.
    _, run = world.handed_in("tom")
    assert world.waits_for(run) == ["root", "ruth"]
    assert world.yes(run, "ruth").state == "approved"
    deal = world.make("deal")
    with pytest.raises(InvalidInput) as refused:
        world.submit(deal, "sam", "deal", chosen={0: [world.ids["lea"]]})
    assert "for Lawyer nobody is found" in str(refused.value)
    assert world.state(deal, "deal") == "draft"


def test_the_submitter_chooses_among_a_role(world: World):
    deal = world.make("deal", lawyer=world.ids["lou"])
    with pytest.raises(InvalidInput) as refused:
        world.submit(deal, "sam", "deal")
    assert str(refused.value.fields["chosen.0"][0]) == "Choose who approves at Law."
    with pytest.raises(InvalidInput) as wrong:
        world.submit(deal, "sam", "deal", chosen={0: [world.ids["fay"]]})
    assert "cannot be chosen" in str(wrong.value.fields["chosen.0"][0])
    offers = world.approvals.of_record(world.who("sam"), "deal", deal).offers
    assert [(one.definition.name, one.choices[0].among) for one in offers] == [
        ("deal", (world.ids["lea"], world.ids["lou"]))
    ]
    run = world.submit(deal, "sam", "deal", chosen={0: [world.ids["lea"]]})
    with pytest.raises(InvalidInput):
        world.yes(run, "lea")  # Every answer wants a comment.
    world.yes(run, "lea", comment="Good")
    assert world.waits_for(run) == ["lou"]
    # Not locked: it may be edited meanwhile.
    world.edit("deal", deal, name="Better")


def test_sent_back_and_asked_anew(world: World):
    number, run = world.handed_in(amount="150000")
    world.yes(run, "mia", "boss", "fay")
    with pytest.raises(InvalidInput):
        world.approvals.send_back(world.who("fin"), run, 1, "again")
    world.approvals.send_back(world.who("fin"), run, 0, "Ask mia about the margin")
    assert world.waits_for(run) == ["mia"]
    assert world.told(run)[-2:] == [
        ("sam", "back", "Frame: it was sent back to Owner › Manager. “Ask mia about the margin”"),
        ("mia", "asked", "Frame: your approval is asked for. Submitted by Sam."),
    ]
    world.yes(run, "mia", "boss")
    # What finance said in the round before counts no more.
    assert world.waits_for(run) == ["fay", "fin"]
    world.approvals.withdraw(world.who("sam"), run)
    assert world.state(number) == "withdrawn"
    assert ("fay", "withdrawn", "Frame: Sam withdrew it from approval.") in world.told(run)


def test_approvers_are_added_before_and_after(world: World):
    number, run = world.handed_in(core_data=True)
    add = world.approvals.add
    add(world.who("mia"), run, world.ids["fay"], "before", "What does finance say?")
    assert world.waits_for(run) == ["fay"]
    add(world.who("fay"), run, world.ids["fin"], "after", None)
    world.yes(run, "fay")
    # fin was added behind fay; only then it is mia's turn again.
    assert world.waits_for(run) == ["fin"]
    world.yes(run, "fin")
    assert world.waits_for(run) == ["mia"]
    world.yes(run, "mia", "boss")
    add(world.who("lea"), run, world.ids["fin"], "after", None)
    with pytest.raises(InvalidInput) as refused:
        add(world.who("lea"), run, world.ids["lou"], "after", None)
    assert str(refused.value.fields["user"][0]) == "Lou is asked already."
    with pytest.raises(InvalidInput):
        add(world.who("lea"), run, world.ids["out"], "after", None)
    with pytest.raises(InvalidInput):
        add(world.who("lea"), run, world.ids["sam"], "after", None)
    world.yes(run, "lea")
    assert (world.waits_for(run), world.state(number)) == (["lou", "fin"], "waiting")
    world.yes(run, "fin")
    assert world.state(number) == "approved"


def test_an_answer_is_handed_on(world: World):
    number, run = world.handed_in()
    world.approvals.delegate(world.who("mia"), run, world.ids["fay"], "On a train")
    assert world.waits_for(run) == ["fay"]
    assert "in place of Mia" in world.told(run)[-1][2]
    with pytest.raises(Conflict):
        world.yes(run, "mia")
    with pytest.raises(Forbidden):
        world.approvals.delegate(
            world.who("boss"), run, world.ids["fin"], instead_of=world.ids["fay"]
        )
    world.approvals.delegate(world.who("root"), run, world.ids["fin"], instead_of=world.ids["fay"])
    world.yes(run, "fin", "boss")
    assert world.state(number) == "approved"
    assert [(t.user_id, t.for_user, t.state) for t in world.case(run).tasks if t.step == 0] == [
        (world.ids["mia"], None, "delegated"),
        (world.ids["boss"], None, "approved"),
        (world.ids["fay"], world.ids["mia"], "delegated"),
        (world.ids["fin"], world.ids["mia"], "approved"),
    ]


def test_an_approver_changes_what_the_step_allows(world: World):
    number, run = world.handed_in(amount="150000", terms="30 days")
    world.yes(run, "mia", "boss")
    with pytest.raises(InvalidInput) as refused:
        world.approvals.approve(world.who("fay"), run, values={"amount": "1"})
    assert list(refused.value.fields) == ["amount"]
    version = world.row("contract", number)["version"]
    with pytest.raises(Conflict):
        world.approvals.approve(world.who("fay"), run, version=version - 1)
    world.approvals.approve(world.who("fay"), run, values={"terms": "10 days"}, version=version)
    assert world.row("contract", number)["terms"] == "10 days"
    lines = world.records.history(world.who("root"), "contract", number)
    assert [(one.action, one.user_id, one.cause) for one in lines[:2]] == [
        ("approve", world.ids["fay"], None),
        ("update", world.ids["fay"], "contract"),
    ]


def test_a_step_without_anybody_is_passed_and_the_submitter_may_decide(world: World):
    memo = world.make("memo")
    run = world.submit(memo, "sam", "memo")
    # Nobody is a ghost; of three that are wanted there are two, the submitter one of them.
    assert world.waits_for(run) == ["fin", "sam"]
    world.yes(run, "sam")
    assert world.yes(run, "fin").state == "approved"
    assert [t.reason for t in world.case(run).tasks if t.step == 0] == ["nobody"]
