"""What writes of a record and its approval mean for each other."""

from __future__ import annotations

import io
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest

from app.database.automation_tables import delivery
from app.errors import Conflict, Forbidden, InvalidInput
from tests.integration.automation.approvals.world import FILES, WORKFLOWS, World


def test_nobody_writes_the_state(world: World):
    sam = world.who("sam")
    number = world.make("contract")
    with pytest.raises(InvalidInput) as refused:
        world.edit("contract", number, approval={"state": "approved"})
    assert str(refused.value.fields["approval"][0]) == "Approval is worked out and cannot be set."
    page = world.records.query(sam, "contract", filter="approval.state == 'draft'", limit=100)
    assert number in {row.id for row in page.rows}
    assert (
        world.records.count(
            sam, "contract", filter=f"approval.state == 'rejected' and id == {number}"
        ).number
        == 0
    )
    by_state = world.records.query(sam, "contract", sort="approval.state,-id", limit=1)
    assert by_state.rows[0].get("approval") == {"state": "draft"}
    assert world.records.get_json(sam, "contract", number).row.count(b'"approval":') == 1
    figures = world.records.aggregate(sam, "contract", group_by="approval.state")
    assert b'"draft"' in figures


def test_locked_while_it_is_being_approved(world: World):
    number, run = world.handed_in(amount="150000")
    for who in ("sam", "mia", "root"):
        with pytest.raises(InvalidInput) as refused:
            world.edit("contract", number, who, terms="Mine")
        assert str(refused.value) == (
            "Locked while it is being approved. It waits for Mia at Owner › Manager. "
            "Who submitted it can withdraw it and change it then."
        )
    # Who owns it, and its tags, are no content; sending the same again is no edit.
    world.edit("contract", number, tags=["hot"], name="Frame")
    world.records.transfer(world.who("mia"), "contract", [number], world.ids["sue"])
    # A rule goes on, whatever the lock says.
    world.records.update(world.who("system"), "contract", number, {"stage": "signed"})
    world.yes(run, "mia", "boss")
    with pytest.raises(Forbidden):
        world.edit("contract", number, "fay", terms="Finance reads only")
    world.approvals.withdraw(world.who("sam"), run)
    world.edit("contract", number, "sue", terms="Free again")
    assert world.state(number) == "withdrawn"


WATCHING = """
approval: watching
entity: contract
when: {on: update, changed: [customer.note]}
if: customer.note == 'bad'
steps: [{approver: role legal, need: 1}]
nobody: admin
approved: [{call: {url: "https://erp.example.com/x", save: {terms: =answer.id}}}]
"""


def test_what_stands_behind_a_link_is_watched_files_are_locked_and_calls_are_kept(world: World):
    world.apply({**FILES, "workflows/watching.yaml": WATCHING})
    bad, good = world.make("customer"), world.make("customer")
    one, other = world.make("contract", customer=bad), world.make("contract", customer=good)
    file = world.records.writer.add_file(world.who("sam"), io.BytesIO(b"x"), "x.txt").id
    world.records.attach(world.who("sam"), "contract", one, [file])
    world.edit("customer", bad, note="fine")
    assert world.state(one) == "draft", "it became something else"
    world.edit("customer", bad, note="bad")
    assert (world.state(one), world.state(other)) == ("waiting", "draft")
    world.edit("contract", other, customer=bad)
    assert world.state(other) == "waiting", "it leads to a bad one now"
    # Its files are part of what is being approved.
    for change in (
        lambda: world.records.detach(world.who("sam"), "contract", one, file),
        lambda: world.records.attach(world.who("sam"), "contract", one, []),
    ):
        with pytest.raises(InvalidInput, match="Locked while it is being approved"):
            change()
    assert [each.id for each in world.records.attachments(world.who("sam"), "contract", one)] == [
        file
    ]
    cases = world.approvals.of_record(world.who("root"), "contract", one).cases
    world.approvals.approve(world.who("lea"), cases[0].run.id)
    assert world.state(one) == "approved"
    world.records.detach(world.who("sam"), "contract", one, file)
    with world.pools.engine.connect() as connection:
        sent = connection.execute(delivery.select().where(delivery.c.channel == "call")).one()
    held = SimpleNamespace(
        firing=sent.firing, entity=sent.entity, record_id=sent.record_id, step=sent.step
    )
    assert world.answers.save(held, {"id": "T-1"}) is None
    assert world.row("contract", one)["terms"] == "T-1"
    newest = world.records.history(world.who("root"), "contract", one)[0]
    assert (newest.cause, newest.user_id) == ("approval:watching", None)


def test_an_edit_after_the_approval_starts_again(world: World):
    customer = world.records.create(world.who("sam"), "customer", {"name": "Acme"}).id
    number, run = world.handed_in(amount="500", customer=customer)
    assert world.row("customer", customer)["worth"] == 0
    world.yes(run, "mia", "boss")
    assert world.row("customer", customer)["worth"] == Decimal(500)
    world.edit("contract", number, tags=["kept"])
    assert world.state(number) == "approved"
    world.edit("contract", number, amount="600")
    assert (world.state(number), world.row("customer", customer)["worth"]) == ("waiting", 0)
    runs = world.approvals.of_record(world.who("sam"), "contract", number).cases
    assert [(one.run.state, one.run.submitted_by) for one in runs] == [
        ("waiting", world.ids["sam"]),
        ("approved", world.ids["sam"]),
    ]
    # What rules write afterwards is what the configuration wants.
    world.yes(runs[0].run.id, "mia", "boss")
    world.records.update(world.who("system"), "contract", number, {"terms": "By a rule"})
    assert world.state(number) == "approved"


def test_an_event_begins_it_and_refuses_later_edits(world: World):
    small = world.make("quote", discount="5")
    assert world.state(small, "quote") == "draft"
    number = world.make("quote", discount="20")
    assert world.state(number, "quote") == "waiting"
    # Part of the write that set it off, it has the version that was answered.
    assert world.row("quote", number)["version"] == 1
    run = world.approvals.of_record(world.who("sam"), "quote", number).cases[0].run.id
    assert world.waits_for(run) == ["fay", "fin"]
    world.yes(run, "fay")
    assert world.yes(run, "fin").state == "approved"
    with pytest.raises(InvalidInput) as refused:
        world.edit("quote", number, discount="30")
    assert str(refused.value) == (
        "It is approved and cannot be changed any more. An administrator can withdraw the approval."
    )
    world.edit("quote", number, note="Only the discount was approved")
    with pytest.raises(Conflict):
        world.approvals.withdraw(world.who("sam"), run)
    world.approvals.withdraw(world.who("root"), run, "Void")
    world.edit("quote", number, discount="3")
    assert world.state(number, "quote") == "withdrawn"
    world.edit("quote", number, discount="25")
    assert world.state(number, "quote") == "waiting"


def test_deletion_ends_it_and_a_merge_takes_it_along(world: World):
    number, run = world.handed_in()
    world.records.delete(world.who("sam"), "contract", number)
    assert (world.case_state(run), world.waiting_of("mia", run)) == ("withdrawn", False)
    world.records.restore(world.who("sam"), "contract", number)
    assert world.state(number) == "withdrawn"
    again = world.submit(number)
    kept = world.make("contract", name="Kept")
    world.records.merge(world.who("mia"), "contract", kept, [number])
    assert (world.state(kept), world.waits_for(again)) == ("waiting", ["mia"])
    world.yes(again, "mia", "boss")
    assert world.state(kept) == "approved"
    other, run = world.handed_in()
    world.records.merge(world.who("mia"), "contract", kept, [other])
    assert (world.case_state(run), world.state(kept)) == ("withdrawn", "approved")


def test_a_run_keeps_the_version_it_began_with(world: World):
    number, run = world.handed_in(amount="150000")
    changed = WORKFLOWS.replace(
        "  - {approver: owner.manager, levels: 2}\n", "  - {approver: role legal}\n"
    )
    world.apply({**FILES, "workflows/approvals.yaml": changed})
    try:
        world.yes(run, "mia", "boss")
        assert world.waits_for(run) == ["fay", "fin"]
        _, newer = world.handed_in()
        assert world.waits_for(newer) == ["lea", "lou"]
        # The whole approval goes, and a field that its steps read.
        gone = "---" + WORKFLOWS.partition("---")[2]
        contract = FILES["entities/contract.yaml"].replace("  core_data: {type: boolean}\n", "")
        without = {**FILES, "entities/contract.yaml": contract}
        quoted = gone.replace("edited: refuse", "edited: refuse\n---\n" + _ANOTHER.strip() + "\n")
        without["workflows/approvals.yaml"] = quoted.removeprefix("---\n")
        world.apply(without, drop=("contract.core_data",))
        # Whoever was asked may answer; what cannot be read any more is for administrators.
        world.yes(run, "fay", "fin")
        assert world.waits_for(run) == ["root", "ruth"]
        world.yes(run, "ruth")
        assert world.state(number) == "approved"
    finally:
        world.apply(FILES)


_ANOTHER = """
approval: contract-later
entity: contract
when: {button: Submit}
steps: [{approver: role legal}]
"""


def test_what_comes_after_is_run_and_heard_of(world: World):
    customer = world.records.create(world.who("sam"), "customer", {"name": "Acme"}).id
    number, run = world.handed_in(customer=customer)
    world.yes(run, "mia", "boss")
    assert world.row("contract", number)["stage"] == "signed"
    assert world.row("customer", customer)["note"] == "approved"
    other, refused = world.handed_in(customer=customer)
    world.no(refused, "mia")
    assert world.row("contract", other)["stage"] == "lost"
    assert world.row("customer", customer)["note"] == "rejected"
    # Two days later: only where it still is approved.
    withdrawn, over = world.handed_in(customer=customer)
    world.yes(over, "mia", "boss")
    world.approvals.withdraw(world.who("root"), over)
    world.clock.moment += timedelta(days=2, minutes=-1)
    world.run_due()
    assert world.row("contract", number)["reminded"] is False
    world.clock.moment += timedelta(minutes=1)
    assert world.run_due() >= 2
    assert world.row("contract", number)["reminded"] is True
    assert world.row("contract", withdrawn)["reminded"] is False


def test_a_rule_submits(world: World):
    number = world.make("quote", discount="0")
    world.edit("quote", number, note="submit")
    assert world.state(number, "quote") == "draft"  # It needs no approval at no discount.
    world.apply({**FILES, "workflows/approvals.yaml": WORKFLOWS.replace("if: discount > 10\n", "")})
    try:
        world.edit("quote", number, note="wait")
        world.edit("quote", number, note="submit")
        assert world.state(number, "quote") == "waiting"
        cases = world.approvals.of_record(world.who("sam"), "quote", number).cases
        assert cases[0].run.submitted_by == world.ids["sam"]
    finally:
        world.apply(FILES)
