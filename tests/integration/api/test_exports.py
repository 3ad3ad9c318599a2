"""Lists as files: what their asker may see and no more, harmless to whoever opens them."""

import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from python_calamine import CalamineWorkbook

from app.database import system, transfer_tables
from app.errors import Conflict
from app.transfer.exporting import Wanted
from tests.integration.api.world import ApiWorld, assert_api_error, build


@pytest.fixture
def world(template_database, clone_database, tmp_path):
    made = ApiWorld(clone_database(template_database("api_world", build)), tmp_path / "var")
    yield made
    made.close()


def exported(caller, entity="customer", **query):
    answer = caller.get(f"/{entity}/export", **query)
    assert answer.status_code == 200, answer.text
    return answer


def as_csv(answer):
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def sheets_of(answer):
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.data))
    return [book.get_sheet_by_index(n).to_python() for n in range(len(book.sheet_names))]


def test_a6_e1_an_export_holds_what_its_asker_may_see(world):
    sam, aud, root = (world.as_(name) for name in ("sam", "aud", "root"))
    shown = {row["name"] for row in sam.get("/customer/", fields="name").json["rows"]}
    rows = as_csv(exported(sam, format="csv"))
    assert {row["Name"] for row in rows} == shown
    assert "Secret" not in rows[0]
    assert not any("s-sam" in value for row in rows for value in row.values())
    assert len(as_csv(exported(root))) > len(rows)

    # What is masked on the screen is masked in the file; a hidden field cannot be asked for.
    phones = {row["Phones"] for row in as_csv(exported(aud)) if row["Phones"]}
    assert phones
    assert not any(f"390000000{n}" in one for n in range(1, 7) for one in phones)
    assert_api_error(sam.get("/customer/export", fields="name,secret"), 400, "malformed")
    assert_api_error(sam.get("/customer/export", filter="secret == 's-tom'"), 400, "malformed")
    assert_api_error(world.as_("vic").get("/customer/export"), 403, "forbidden")
    assert_api_error(root.get("/customer/export", format="pdf"), 400, "malformed")
    assert_api_error(root.get("/nothing/export"), 404, "not-found")
    noted = [row for row in world.system_rows(system.audit) if row["kind"] == "data.export.start"]
    assert noted[0]["details"] == {"entity": "customer", "form": "csv", "rows": len(rows)}


def test_e2_cells_are_typed_and_no_formulas(world):
    root = world.as_("root")
    sent = {"name": "=cmd|'/c calc'!A1", "credit": "12.50", "founded": "2020-02-29"}
    assert root.post("/customer/", sent).status_code == 201
    query = {
        "fields": "name,credit,founded,locked,level,owner,total",
        "filter": "credit == 12.5",
    }
    book = CalamineWorkbook.from_filelike(io.BytesIO(exported(root, format="xlsx", **query).data))
    heads, cells = book.get_sheet_by_index(0).to_python()
    assert heads[:2] == ["Name", "Credit"]
    assert cells[:5] == [sent["name"], 12.5, date(2020, 2, 29), "No", "Normal"]

    (row,) = as_csv(exported(root, format="csv", **query))
    assert row["Name"] == "'" + sent["name"]
    (line,) = exported(root, format="jsonl", language="zh", **query).text.splitlines()
    told = json.loads(line)
    assert (told["name"], told["credit"], told["locked"]) == (sent["name"], "12.50", "否")
    assert as_csv(exported(root, language="zh", **query))[0]["名称"]


def test_a_list_is_exported_as_it_is_shown(world):
    browser = world.browser("root")
    root = world.as_("root")
    for name in ("Able", "Zed"):
        sent = {"name": name, "level": "a", "reason": "Large", "credit": "5"}
        assert root.post("/customer/", sent).status_code == 201
    page = browser.ask("GET", "/crm/customer/?view=key").text
    assert "/crm/customer/export?view=key&amp;format=xlsx" in page
    answer = browser.ask("GET", "/crm/customer/export?view=key&format=csv")
    rows = as_csv(answer)
    assert list(rows[0]) == ["Name", "Level"]
    assert {row["Level"] for row in rows} == {"Key"}
    assert [row["Name"] for row in rows] == sorted((row["Name"] for row in rows), reverse=True)
    assert browser.ask("GET", "/crm/customer/export?format=exe").status_code == 400
    assert world.browser("vic").ask("GET", "/crm/customer/export").status_code == 403
    assert "/crm/customer/export" not in world.browser("vic").ask("GET", "/crm/customer/").text


def test_e4_e5_e6_long_lists_are_written_in_the_background_for_their_asker_alone(
    world, monkeypatch
):
    monkeypatch.setattr("app.transfer.exporting.MOST_AT_ONCE", 1)
    sam, sue, runs = world.as_("sam"), world.as_("sue"), world.services.export_runs
    assert_api_error(sam.get("/customer/export"), 400, "malformed", says="POST")
    assert_api_error(world.as_("vic").post("/customer/export", None), 403, "forbidden")
    told = world.browser("sam").ask("GET", "/crm/customer/export?format=csv")
    assert told.status_code == 303
    assert told.location.startswith("/crm/customer/export/new?format=csv")

    for place in ("exports", "imports"):
        # More than the database counts.
        assert world.browser("sam").ask("GET", f"/{place}/{2**63}").status_code == 404

    begun = sam.post("/customer/export?format=csv&fields=name,owner", None)
    assert (begun.status_code, begun.json["state"]) == (202, "waiting")
    place = begun.headers["Location"].removeprefix("/api/v1")
    assert_api_error(sam.get(f"{place}/file"), 404, "not-found")
    runs.run(begun.json["id"])
    found = sam.get(place).json
    assert (found["state"], found["rows"], found["total"]) == ("done", 2, 2)
    file = sam.get(f"{place}/file")
    assert [row["Name"] for row in as_csv(file)] == ["Sam Dormant", "Sam Steel"]
    assert file.headers["Content-Disposition"] == "attachment; filename=customer.csv"
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    for path in (place, f"{place}/file"):
        assert_api_error(sue.get(path), 404, "not-found")
    noted = [row for row in world.system_rows(system.audit) if row["kind"] == "data.export.start"]
    assert noted[-1]["details"] == {"entity": "customer", "form": "csv", "rows": 2}
    (message,) = sam.get("/inbox").json["rows"]
    assert message["path"] == f"/exports/{found['id']}"
    assert "2 rows" in message["text"]
    page = world.browser("sam").ask("GET", message["path"]).text
    assert f"/exports/{found['id']}/file" in page

    # What is ended leaves nothing, also when somebody is at it; what is old goes.
    ended = sam.post("/customer/export", None).json["id"]

    def end(_rows: int) -> None:
        sam.post(f"/exports/{ended}/cancel", None)

    writing = type(runs)._progress
    monkeypatch.setattr(
        type(runs),
        "_progress",
        lambda self, *about: lambda rows: (end(rows), writing(self, *about)(rows)),
    )
    runs.run(ended)
    monkeypatch.setattr(type(runs), "_progress", writing)
    assert sam.get(f"/exports/{ended}").json["state"] == "cancelled"
    folder = world.services.settings.data / "exports"
    assert [path.name for path in folder.iterdir()] == [f"{found['id']}.csv"]
    with world.services.pools.engine.begin() as connection:
        connection.execute(
            sa.update(transfer_tables.export_run).values(
                expires_at=datetime(2026, 1, 1, tzinfo=UTC)
            )
        )
    # What is old is given to nobody, swept or not.
    assert_api_error(sam.get(f"{place}/file"), 404, "not-found")
    assert runs.sweep() == 1
    assert not list(folder.iterdir())
    assert sam.get(place).json["state"] == "expired"
    assert_api_error(sam.get(f"{place}/file"), 404, "not-found")
    # Also those who ask at the same moment have no more of them under way than three.
    principal = world.who("sam")

    def ask(_number: int) -> str:
        try:
            return runs.begin(principal, Wanted("customer"), "csv", "c.csv", None).state
        except Conflict as error:
            return error.code

    with ThreadPoolExecutor(6) as together:
        assert sorted(together.map(ask, range(6))) == ["conflict"] * 3 + ["waiting"] * 3
    assert_api_error(sam.post("/customer/export", None), 409, "conflict")
    # What cannot be read is told before anything is begun.
    assert_api_error(sue.post("/customer/export?filter=((", None), 400, "malformed")
    told = world.browser("sue").ask("GET", "/crm/customer/export/new?filter=((")
    assert told.status_code == 400
    assert sue.get("/exports/").json["rows"] == []


def test_e1_what_belongs_to_records_and_what_lies_behind_links_goes_along(world):
    sam, aud, root = (world.as_(name) for name in ("sam", "aud", "root"))
    query = {"fields": "number,customer,customer.name,customer.owner.name,customer.phones"}
    heads, *rows = sheets_of(
        exported(aud, format="xlsx", related="lines", **query, entity="order")
    )[0]
    assert heads == [
        "Number", "Customer", "Customer · Name", "Customer · Owner · Name", "Customer · Phones",
    ]  # fmt: skip
    steel = next(row for row in rows if row[1] == "Sam Steel")
    assert steel[2:4] == ["Sam Steel", "Sam"]
    assert "1390000" not in steel[4]
    # The other half is a sheet of its own, in the order of the list.
    lines = sheets_of(exported(aud, format="xlsx", related="lines", entity="order"))[1]
    assert lines[0][:2] == ["Order · id", "Product"]
    assert [line[0] for line in lines[1:]] == [5, 4, 3, 2, 1]
    told = exported(root, format="jsonl", related="order,note.customer", fields="name").text
    first = next(one for one in map(json.loads, told.splitlines()) if one["name"] == "Sam Steel")
    assert [one["customer"] for one in first["order"]] == ["Sam Steel"]
    assert {one["text"] for one in first["note.customer"]} == {
        "Note on Sam Steel", "Tom on Sam Steel",
    }  # fmt: skip
    mine = exported(sam, format="jsonl", related="note", fields="name").text
    (first,) = (one for one in map(json.loads, mine.splitlines()) if one["name"] == "Sam Steel")
    assert {one["text"] for one in first["note"]} == {"Note on Sam Steel"}
    refused = (
        {"fields": "customer.secret"}, {"fields": "customer.nothing"}, {"fields": "lines"},
        {"related": "lines"}, {"related": "closed", "format": "xlsx"},
    )  # fmt: skip
    for asked in refused:
        assert_api_error(sam.get("/order/export", **asked), 400, "malformed")


def test_e3_csv_for_people_is_harmless_and_for_programs_as_it_is(world):
    root = world.as_("root")
    names = ["=1+1", "+1", "-1", "@a", "＝1", "'=1"]
    for name in names:
        assert root.post("/customer/", {"name": name}).status_code == 201
    asked = {"fields": "name", "filter": "name in [" + ", ".join(f'"{n}"' for n in names) + "]"}
    shown = {row["Name"] for row in as_csv(exported(root, format="csv", **asked))}
    assert shown == {"'=1+1", "'+1", "'-1", "'@a", "'＝1", "'=1"}
    raw = exported(root, format="csv", raw="yes", **asked)
    assert not raw.data.startswith(b"\xef\xbb\xbf")
    assert sorted(csv.DictReader(io.StringIO(raw.text)), key=str) == sorted(
        ({"name": name} for name in names), key=str
    )
