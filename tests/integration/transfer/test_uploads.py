"""Files before their import: read otherwise, remembered, with parents made, mended and swept."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.errors import InvalidInput
from app.transfer.error_files import write_errors
from app.transfer.plans import changed_plan
from app.transfer.tables import UnreadableFile
from tests.integration.transfer.test_imports import count, finish, imports, reasons, world

__all__ = ["imports", "world"]


def upload(imports, who, content, name="old.csv", said=None, **shape):
    data = content if isinstance(content, bytes) else content.encode()
    run = imports.add(who, "customer", io.BytesIO(data), name, **shape)
    if said is None:
        return run
    return imports.change(who, run.id, changed_plan(imports.catalog, run.plan, said))


def test_i13_parents_that_are_missing_are_made_once(world, imports):
    root = world.who("root")
    text = "Name,Region,Note\nAcme,South,x\nBolt, south ,x\nCord,North,x\nDune,,x\nEve,West,old\n"
    said = {"columns": {"Name": "name", "Region": {"field": "region", "create": True},
                        "Note": {"field": "-", "skip_if": ["old"]}}}  # fmt: skip
    run = upload(imports, root, text, said=said)
    before = count(world, "region")
    tried = imports.dry_run(root, run)
    assert (tried.others, tried.counts["created"], tried.counts["skipped"]) == ({"region": 1}, 4, 1)
    assert count(world, "region") == before
    done = finish(imports, world, run)
    assert (done.counts["others"], done.counts["created"]) == ({"region": 1}, 4)
    assert count(world, "region") == before + 1
    found = imports.survey(root, upload(imports, root, text, said=said), done.plan, 10)
    assert (found.passed, found.columns["Region"].made) == (1, set())
    # Without it a missing parent is a fault.
    said["columns"]["Region"] = {"field": "region"}
    again = imports.dry_run(root, upload(imports, root, text.replace("South", "Up"), said=said))
    assert [one.row for one in again.faults] == [2]
    for wrong in ({"clean": ["shout"]}, {"take": 0}, {"create": True}, {"map": [1]}, {"x": 1}):
        said["columns"]["Name"] = {"field": "name", **wrong}
        with pytest.raises(InvalidInput):
            upload(imports, root, text, said=said)


def test_i3_a_file_is_read_otherwise_and_remembered(world, imports):
    root = world.who("root")
    text = "Kunde;Stufe\nMüller;Normal\n"
    run = upload(imports, root, text.encode("cp1252"), encoding="gb18030", delimiter=",")
    assert (run.plan.shape.encoding, list(run.plan.columns)) == ("gb18030", [])
    run = imports.reshape(root, run.id, {"encoding": "cp1252", "delimiter": ";"})
    look = imports.look(root, run)
    assert (look.columns, look.samples[0].values[0]) == (("Kunde", "Stufe"), "Müller")
    assert imports.uploads.ways(run.sha256, run.plan.shape).encodings[0] == "utf-8"
    for wrong in ({"encoding": "rot13"}, {"delimiter": "x"}, {"quote": "x"}, {"header": "-1"}, {"size": 1}):
        with pytest.raises(InvalidInput):
            imports.reshape(root, run.id, wrong)
    with pytest.raises(UnreadableFile):
        imports.reshape(root, run.id, {"encoding": "utf-8"})
    said = {"columns": {"Kunde": "name", "Stufe": {"field": "level", "map": {"Gold": "a"}}},
            "match": ["name"], "mode": "fill"}  # fmt: skip
    plan = changed_plan(imports.catalog, run.plan, said)
    finish(imports, world, imports.change(root, run.id, plan))
    later = upload(imports, root, text.replace("Normal", "Gold").encode("cp1252")).plan
    assert (dict(later.columns), later.mode) == ({"Kunde": "name", "Stufe": "level"}, "fill")
    assert later.ways == {"Stufe": {"map": {"Gold": "a"}}}
    others = upload(imports, root, "Kunde,Ort,Stufe\nBolt,Bonn,Gold\n")
    assert {one.column: one.by for one in imports.look(root, others).matches} == {
        "Kunde": "remembered", "Ort": "none", "Stufe": "remembered",
    }  # fmt: skip


def test_i6_rows_left_out_come_back_as_a_file_that_is_mended_and_fed_straight_in(world, imports):
    root = world.who("root")
    text = "Client,Grade,Remark\nAcme,VIP,=1+1\nBolt,b,\nCord,b,\n"
    said = {"columns": {"Client": "name", "Grade": "level", "Remark": "note"}, "match": ["name"],
            "mode": "fill"}  # fmt: skip
    run = finish(imports, world, upload(imports, root, text, said=said))
    assert (run.counts["created"], run.counts["faulty"]) == (2, 1)
    assert reasons(imports.faults(root, run.id))[2] == [
        ("Grade", "There is no option “VIP”. There is: Key, Normal, Old.")
    ]
    for kind, ending in (("csv", "csv"), ("jsonl", "jsonl"), ("xls", "xlsx")):
        target = io.BytesIO()
        columns = imports.look(root, run).columns
        assert write_errors(target, kind, columns, imports.faults(root, run.id), "zh") == ending
        mended = target.getvalue()
        if ending != "xlsx":
            mended = mended.replace(b"VIP", b"Normal")
        again = imports.correct(root, run.id, io.BytesIO(mended), f"mended.{ending}")
        assert dict(again.plan.columns) == dict(run.plan.columns)
        tally = imports.dry_run(root, again)
        assert tally.counts["created" if ending != "xlsx" else "faulty"] == 1, (kind, tally)
    done = finish(imports, world, imports.correct(root, run.id, io.BytesIO(
        mended if ending != "xlsx" else text.replace("VIP", "Normal").encode()), "x.csv"))  # fmt: skip
    assert done.counts["created"] == 1
    assert world.one(sa.text("SELECT note FROM crm.customer WHERE name = 'Acme'"))[0] == "=1+1"


def test_days_and_months_are_asked_about_only_where_no_date_tells(world, imports):
    root = world.who("root")
    said = {"columns": {"Name": "name", "Made": "created_at"}}
    run = upload(imports, root, "Name,Made\nAcme,01/02/2020\nBolt,03/04/2020\n", said=said)
    path = imports.uploads.path(run.sha256)
    assert imports.uploads.orders(path, run.plan) == {"Made": "either"}
    fault = imports.dry_run(root, run).faults[0]
    assert "does not say which is the day and which the month" in str(fault.reasons[0].sentence)
    said["columns"]["Made"] = {"field": "created_at", "clean": ["trim", "day_first"]}
    plan = changed_plan(imports.catalog, run.plan, said)
    finish(imports, world, imports.change(root, run.id, plan))
    made = world.one(
        sa.text(
            "SELECT (created_at AT TIME ZONE 'Asia/Shanghai')::date FROM crm.customer"
            " WHERE name = 'Acme'"
        )
    )[0]
    assert str(made) == "2020-02-01"
    certain = upload(imports, root, "Name,Made\nAcme,01/02/2020\nBolt,03/24/2020\n")
    assert imports.uploads.orders(imports.uploads.path(certain.sha256), plan) == {
        "Made": "month_first"
    }


def test_uploads_go_when_nobody_needs_them_any_more(world, imports):
    root = world.who("root")
    over = finish(
        imports, world, upload(imports, root, "Name\nAcme\n", said={"columns": {"Name": "name"}})
    )
    waiting = upload(imports, root, "Name\nBolt\n", said={"columns": {"Name": "name"}})
    imports.start(root, waiting.id)
    later = world.clock.now() + timedelta(days=400)
    path, kept = imports.uploads.path(over.sha256), imports.uploads.path(waiting.sha256)
    assert imports.uploads.sweep(world.clock.now() - timedelta(days=1)) == 0
    assert (imports.uploads.sweep(later), path.exists(), kept.exists()) == (1, False, True)
    with pytest.raises(UnreadableFile, match="upload it again"):
        imports.look(root, over)
