"""Lists as files: what their asker may see and no more, harmless to whoever opens them."""

import csv
import io
import json
from datetime import date

import pytest
from python_calamine import CalamineWorkbook

from app.database import system
from tests.integration.api.world import ApiWorld, assert_api_error, build


@pytest.fixture
def world(template_database, clone_database, tmp_path):
    made = ApiWorld(clone_database(template_database("api_world", build)), tmp_path / "var")
    yield made
    made.close()


def exported(caller, **query):
    answer = caller.get("/customer/export", **query)
    assert answer.status_code == 200, answer.text
    return answer


def as_csv(answer):
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


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
