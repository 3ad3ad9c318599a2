"""`keep` of app.yaml: what is too old goes at night, in batches, and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.access.principal import SYSTEM
from app.database import system
from app.database.apply import ApplyOptions, apply_catalog
from app.database.automation_tables import comment, firing, message
from app.database.pools import Pools
from app.database.transfer_tables import import_fault, import_run
from app.personal import keeping
from app.personal.keeping import Keeping, outlook_of_keeping
from app.records.recompute import recompute
from tests.integration.personal.test_personal import FILES, IDS, LI, NOW, Desk, build
from tests.integration.settling import catalog_from

KEEP = """
keep:
  bin: 30 days
  history: 2 years
  runs: 1 year
  inbox: 60 days
  sign_ins: 6 months
  imports: 1 week
"""


@pytest.fixture
def desk(template_database, clone_database, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(Pools(clone_database(template_database("personal_world", build))), tmp_path)
    yield made
    made.live.stop()
    made.pools.close()


def keep(desk: Desk, said: str = KEEP) -> Keeping:
    catalog = catalog_from({**FILES, "app.yaml": FILES["app.yaml"] + said})
    apply_catalog(desk.pools, catalog, "test", options=ApplyOptions(recompute=(recompute,)))
    desk.live.reload()
    return Keeping(desk.records, desk.pools, desk.live, desk.clock)


def later(desk: Desk, **by: float) -> None:
    desk.clock.moment += timedelta(**by)


def count(desk: Desk, table: sa.Table, *where: object) -> int:
    return int(
        desk.select(sa.select(sa.func.count().label("n")).select_from(table).where(*where))[0]["n"]
    )


def test_the_bin_is_emptied_at_night_and_files_with_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "_RECORDS", 3)
    kept = keep(desk)
    root = desk.who("root")
    numbers = [desk.create("contact", **{**LI, "email": f"c{one}@example.com"}) for one in range(8)]
    desk.attach("contact", numbers[0], "passport.txt", b"Li Meihua was born")
    desk.records.comment(desk.who("sam"), "contact", numbers[0], "Hello")
    acme = desk.create("customer", name="Acme")
    needed = desk.create("contact", **{**LI, "email": "needed@example.com"})
    desk.create("card", number="1", contact=needed)
    desk.records.delete(root, "contact", [*numbers[:6], needed])
    desk.personal.hold(root, {"contact": [numbers[3]]}, "A dispute")
    later(desk, days=20)
    desk.records.delete(root, "contact", [numbers[6]])
    desk.records.delete(root, "customer", [acme])
    assert kept.overdue() == {}
    later(desk, days=10, seconds=1)
    assert kept.overdue() == {"bin": 7}
    # It was set up today: the first night is still to come.
    assert kept.nightly() == {}
    later(desk, hours=13, minutes=30)  # half past one in Shanghai
    assert kept.nightly() == {"bin": 5}
    assert kept.nightly() == {}
    left = desk.select(sa.select(desk.live.release.tables["contact"].c.id))
    assert {one["id"] for one in left} == {numbers[3], numbers[6], numbers[7], needed}
    assert count(desk, comment) == 0
    assert "Meihua" not in str(
        desk.select(sa.select(system.history).where(system.history.c.record_id == numbers[0]))
    )
    # What was on them counts no more, and is gone from the disk a day later.
    assert count(desk, system.file, system.file.c.deleted_at.is_(None)) == 0
    later(desk, days=2)
    assert desk.records.sweep_files() == 1
    assert [path for path in desk.files.folder.rglob("*") if path.is_file()] == []
    (told,) = desk.select(
        sa.select(system.audit.c.details).where(system.audit.c.kind == "data.keep.removed")
    )
    assert told["details"] == {"counts": {"bin": 5}}


def test_ledger_history_inboxes_and_logs_are_kept_as_long_as_it_says(desk: Desk) -> None:
    kept = keep(desk)
    old, young = NOW - timedelta(days=800), NOW - timedelta(days=1)
    made = desk.create("customer", name="Acme")
    before = count(desk, system.history)
    for at in (old, young):
        desk.insert(
            system.history, entity=1, record_id=made, action="update", version=2, happened_at=at,
            origin="api", change_set=None,
        )  # fmt: skip
        desk.insert(
            firing, rule=1, digest="x", cause="timed", occurrence=str(at), happened_at=at,
            ended_at=at, state="done",
        )  # fmt: skip
        desk.insert(message, user_id=IDS["sam"], key=str(at), kind="rule", text="x", shown_at=at)
        desk.insert(system.audit, kind="account.session.begin", happened_at=at)
        desk.insert(system.audit, kind="configuration.version.apply", happened_at=at)
        desk.insert(
            import_run, entity="contact", name="a.csv", sha256="0", plan={}, state="done",
            ended_at=at,
        )  # fmt: skip
    desk.insert(firing, rule=1, digest="x", cause="timed", occurrence="waits", happened_at=old,
                state="waiting")  # fmt: skip
    runs = [row["id"] for row in desk.select(sa.select(import_run).order_by(import_run.c.id))]
    for run in runs:
        desk.insert(import_fault, run=run, row=1, values={}, reasons=[])
    assert kept.overdue() == {"history": 1, "runs": 1, "inbox": 1, "sign_ins": 1, "imports": 1}
    gone, is_done = kept.remove()
    assert (gone, is_done) == (
        {"history": 1, "runs": 1, "inbox": 1, "sign_ins": 1, "imports": 1}, True,
    )  # fmt: skip
    assert kept.overdue() == {}
    assert count(desk, system.history) == before + 1
    assert count(desk, firing, firing.c.rule == 1) == 2
    assert count(desk, system.audit, system.audit.c.kind == "configuration.version.apply") == 2
    assert [row["run"] for row in desk.select(sa.select(import_fault))] == [runs[1]]
    assert kept.remove(seconds=0) == ({}, False)


def test_a_plan_says_how_much_goes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MUCH", 2)
    ids = [desk.create("customer", name=f"Acme {one}") for one in range(3)]
    desk.records.delete(SYSTEM, "customer", ids)
    short = catalog_from({**FILES, "app.yaml": FILES["app.yaml"] + "keep: {bin: 30 days}\n"})
    assert outlook_of_keeping(desk.pools, short, NOW + timedelta(days=20)) == []
    (told,) = outlook_of_keeping(desk.pools, short, NOW + timedelta(days=31))
    assert told.waits
    assert str(told.words) == (
        "3 deleted records are older than 30 days and will be gone for good after the next night."
    )
    keep(desk, "keep: {bin: 30 days}\n")
    assert outlook_of_keeping(desk.pools, short, NOW + timedelta(days=31)) == []
