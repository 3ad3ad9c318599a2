"""A date that no statement can know is worked out in Python, wherever it is asked for."""

from tests.integration.automation.reminders import world as w

RULE = """
rule: two-kinds
entity: customer
when: {after: "=working_days(1) + working_hours(2)", since: since}
do: [{notify: {to: owner, say: Late}}]
"""


def test_a_sum_of_working_times_moves_with_writes_batches_and_applies(world):
    customers = [world.customer(since="2026-03-06T10:00") for _ in range(8)]
    world.apply({**w.FILES, "workflows/more.yaml": RULE})
    assert {world.due("two-kinds", one) for one in customers} == {"2026-03-09 12:00"}
    world.update(customers[0], since="2026-03-10T17:00")
    assert world.due("two-kinds", customers[0]) == "2026-03-12 10:00"
    world.records.delete(world.who("sam"), "customer", customers)
    assert {world.due("two-kinds", one) for one in customers} == {None}
    world.records.restore(world.who("sam"), "customer", customers)
    assert {world.due("two-kinds", one) for one in customers[1:]} == {"2026-03-09 12:00"}
