"""Deputies, people who leave, deadlines: an approval never waits for nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.access.principal import SYSTEM
from app.errors import RuleFailed
from tests.integration.automation.approvals.world import FILES, WORKFLOWS, World


def test_deputies_answer_for_those_who_are_away(world: World):
    world.away("mia", deputy="fay")
    number, run = world.handed_in()
    assert world.waits_for(run) == ["fay"]
    assert "in place of Mia" in world.told(run)[0][2]
    # Without a deputy the manager comes in, if nobody else of the step is here.
    world.away("boss")
    world.yes(run, "fay")
    assert world.waits_for(run) == ["boss"]
    world.yes(run, "boss")
    assert world.state(number) == "approved"
    world.back()
    world.away("fay")
    number, run = world.handed_in(amount="150000")
    world.yes(run, "mia", "boss")
    assert world.waits_for(run) == ["fin"]
    world.away("fin", deputy="sam")
    _, other = world.handed_in(amount="150000")
    world.yes(other, "mia", "boss")
    # sam submitted it and may not decide in fin's place: fin's manager does, with fay away as well.
    assert world.waits_for(other) == ["boss"]
    world.approvals.withdraw(world.who("sam"), other)
    # Away since the question: the deputy is asked as well, and one answer is enough.
    world.back()
    world.away("fin", deputy="lea")
    assert world.approvals.look(world.clock.now()) == 1
    assert world.approvals.look(world.clock.now()) == 0
    assert world.waits_for(run) == ["fin", "lea"]
    world.yes(run, "lea")
    assert world.waits_for(run) == ["lea", "lou"]
    world.yes(run, "lou")
    assert world.state(number) == "approved"


def test_a_late_answer_is_asked_of_somebody_else_too(world: World):
    number, run = world.handed_in(amount="150000")
    world.clock.moment = datetime(2026, 3, 13, 8, 0, tzinfo=UTC)  # Friday, 16:00 in Shanghai.
    world.yes(run, "mia", "boss")
    due = [task.due_at for task in world.case(run).waiting]
    assert due == [datetime(2026, 3, 17, 8, 0, tzinfo=UTC)] * 2  # two working days
    world.clock.moment = due[0] - timedelta(minutes=1)
    assert world.approvals.look(world.clock.now()) == 0
    world.yes(run, "fay")
    world.clock.moment = due[0]
    assert world.approvals.look(world.clock.now()) == 1
    assert world.approvals.look(world.clock.now()) == 0
    assert world.waits_for(run) == ["fin", "root"]
    late = [(who, text) for who, key, text in world.told(run) if key == "late"]
    assert late == [
        ("fin", "Frame: the approval by Fin is late."),
        ("sam", "Frame: the approval by Fin is late."),
    ]
    world.yes(run, "root")
    assert world.waits_for(run) == ["lea", "lou"]
    assert [(t.state, t.late, t.reason) for t in world.case(run).tasks if t.step == 1] == [
        ("approved", False, None),
        ("dropped", True, None),
        ("approved", False, "late"),
    ]
    world.yes(run, "lea")
    assert world.state(number) == "approved"
    assert ("late", None) in world.history("contract", number)


def test_questions_of_who_leaves_are_handed_on(world: World):
    number, run = world.handed_in(amount="150000")
    other, quick = world.handed_in("mia")
    try:
        # In the record of the user: at once. mia's manager boss answers for her.
        world.records.update(SYSTEM, "user", world.ids["mia"], {"active": False})
        assert (world.waits_for(run), world.waits_for(quick)) == (["boss"], ["boss"])
        assert [(t.user_id, t.reason) for t in world.case(run).waiting] == [
            (world.ids["boss"], None)
        ]
    finally:
        world.records.update(SYSTEM, "user", world.ids["mia"], {"active": True})
    world.yes(run, "boss")
    world.yes(quick, "boss")
    assert world.state(other) == "approved"
    assert world.waits_for(run) == ["fay", "fin"]
    # By the account alone: the next look of the scheduler sees it.
    world.set_account("fay", active=False)
    try:
        assert world.approvals.look(world.clock.now()) == 1
        assert world.waits_for(run) == ["fin", "boss"]
        world.yes(run, "boss", "fin")
        assert world.waits_for(run) == ["lea", "lou"]
    finally:
        world.set_account("fay", active=True)
    world.yes(run, "lea")
    assert world.state(number) == "approved"


def test_who_was_added_has_a_deadline_and_goes_with_who_added_them(world: World):
    number, run = world.handed_in(amount="150000")
    world.yes(run, "mia", "boss", "fay")
    world.approvals.add(world.who("fin"), run, world.ids["lea"], "before", None)
    assert world.waits_for(run) == ["lea"]
    world.clock.moment += timedelta(days=4)
    assert world.approvals.look(world.clock.now()) == 1
    assert world.waits_for(run) == ["lea", "root"]
    world.yes(run, "root")
    # In lea's place: now it is fin's turn again, in time.
    assert world.waits_for(run) == ["fin"]
    world.approvals.add(world.who("fin"), run, world.ids["lou"], "before", None)
    world.yes(run, "lou", "fin")
    assert world.waits_for(run) == ["lea", "lou"]
    world.yes(run, "lea")
    assert world.state(number) == "approved"


def test_of_two_administrators_one_leaves(world: World):
    _, run = world.handed_in("tom")
    assert world.waits_for(run) == ["root", "ruth"]
    world.set_account("ruth", active=False)
    try:
        assert world.approvals.look(world.clock.now()) == 1
        assert world.approvals.look(world.clock.now()) == 0
        assert world.waits_for(run) == ["root"]
        assert world.yes(run, "root").state == "approved"
    finally:
        world.set_account("ruth", active=True)


def test_a_step_that_cannot_be_done_takes_the_decision_back(world: World):
    files = {**FILES, "workflows/approvals.yaml": WORKFLOWS.replace(
        "  - set: {stage: signed}\n", "  - set: {amount: =empty, stage: signed, name: =empty}\n"
    )}  # fmt: skip
    world.apply(files)
    try:
        number, run = world.handed_in()
        world.yes(run, "mia")
        with pytest.raises(RuleFailed) as failed:
            world.yes(run, "boss")
        assert "Contract" in str(failed.value)
        assert (world.state(number), world.waits_for(run)) == ("waiting", ["boss"])
        assert world.no(run, "boss").state == "rejected"
    finally:
        world.apply(FILES)
