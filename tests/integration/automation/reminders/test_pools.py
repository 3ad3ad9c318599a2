"""What pools do by themselves is asked each day, and noted only when something comes of it."""

from tests.integration.automation.reminders import world as w

POOL = """
pool: vips
entity: customer
where: note == 'vip'
---
pool: everybody
entity: customer
recycle:
  - {after: 10 days, since: "max(last_contacted_at, owner_since)"}
exempt: status == 'closed'
warn: 2 days
"""
FILES = {**w.FILES, "workflows/pools.yaml": POOL}
WARN, RECYCLE = "pool:everybody/warn/0", "pool:everybody/recycle/0"


def test_exempt_records_leave_no_line_for_each_day(world):
    world.apply(FILES)
    plain = world.customer()
    vip = world.customer(note="vip")
    exempt = world.customer(status="closed")
    for day in range(1, 16):
        world.at(f"2026-03-{2 + day:02} 09:00")
        world.tick()
    assert world.fired(WARN, plain) == ["2026-03-02 09:00"]
    # Nothing came of it here, as nobody runs it: it is asked again each day.
    assert len(world.fired(RECYCLE, plain)) == 6
    for other in (vip, exempt):
        assert world.fired(WARN, other) == world.fired(RECYCLE, other) == []
    world.update(exempt, status="active")
    # What is late already is warned of first, all the same.
    for fired in (0, 0, 1):
        world.later(days=1)
        world.tick()
        assert len(world.fired(WARN, exempt)) == 1
        assert len(world.fired(RECYCLE, exempt)) == fired
    # A follow-up: another ten days.
    world.follow_up(plain)
    assert world.due(RECYCLE, plain) == "2026-03-30 09:00"
    assert world.due(WARN, plain) == "2026-03-28 09:00"
