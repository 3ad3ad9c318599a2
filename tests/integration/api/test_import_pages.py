"""The pages of an import, from the list to the rows that were left out."""

import io
import re
from dataclasses import replace

import pytest

from app.clock import SystemClock
from app.transfer.plans import changed_plan, column_of
from tests.integration.api.world import FILES, IDS, ApiWorld, build, csrf_of

FILE = "名称,Email,Level\nCord,cord@x.example,Normal\nDune,dune@x.example,VIP\n"


def test_a_file_goes_through_the_four_steps(world):
    root = world.browser("root")
    assert 'href="/crm/customer/import"' in root.ask("GET", "/crm/customer/").text
    assert "/crm/customer/import" not in world.browser("sam").ask("GET", "/crm/customer/").text
    assert world.browser("sam").ask("GET", "/crm/customer/import").status_code == 403
    token = csrf_of(root.ask("GET", "/crm/customer/import"))
    sent = {"csrf_token": token, "file": (io.BytesIO(FILE.encode()), "old.csv")}
    begun = root.ask("POST", "/crm/customer/import", data=sent)
    assert begun.status_code == 303, begun.text
    path = begun.headers["Location"]
    page = root.ask("GET", path).text
    assert "old.csv" in page
    assert '<option value="level" selected>' in page
    form = {"csrf_token": token, "column-0": "name", "column-1": "email", "column-2": "level",
            "match": "email", "mode": "fill"}  # fmt: skip
    refused = root.ask("POST", f"{path}/columns", data={**form, "column-2": "name"})
    assert "name is given twice." in refused.text
    chosen = root.ask("POST", f"{path}/columns", data=form)
    assert chosen.headers["Location"] == f"{path}/dry-run"
    tried = root.ask("GET", f"{path}/dry-run").text
    assert "1 of 2 rows can go in. Nothing has been written yet." in tried
    assert "There is no option “VIP”. There is: Key, Normal." in tried
    assert root.ask("POST", f"{path}/start", data={"csrf_token": token}).status_code == 303
    assert 'hx-trigger="every 1s"' in root.ask("GET", path).text
    world.services.imports.advance(int(path.rpartition("/")[2]))
    done = root.ask("GET", path).text
    assert "2 / 2" in done
    assert f"/api/v1{path}/errors" in done
    assert "every 1s" not in done
    assert "试运行" in root.ask("GET", f"{path}?language=zh").text


@pytest.fixture
def editable(template_database, clone_database, tmp_path):
    for name, text in FILES.items():
        path = tmp_path / "config" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    made = ApiWorld(
        clone_database(template_database("api_world", build)),
        tmp_path / "var",
        SystemClock(),
        TRELLIS_CONFIG=str(tmp_path / "config"),
    )
    yield made
    made.close()


def test_how_a_file_was_read_is_kept_as_a_file_of_the_configuration(editable, tmp_path):
    root, mia = editable.browser("root"), editable.as_("mia")
    imports, catalog = editable.services.imports, editable.services.live.release.catalog
    principal = editable.services.organisation.principal(IDS["root"])
    text = "名称,1e3,Level\n Cord ,cord@x.example,VIP\n"
    run = imports.add(principal, "customer", io.BytesIO(text.encode()), "Trade fair 2026.csv")
    said = {
        "columns": {"名称": {"field": "name", "clean": ["trim", "collapse"], "skip_if": ["no"]},
                    "1e3": "email",
                    "Level": {"field": "level", "map": {"VIP": "a", "007": "b"}, "else": "b"}},
        "match": ["email", ["name", "level"]], "mode": "fill", "rules": "silent",
    }  # fmt: skip
    plan = imports.change(principal, run.id, changed_plan(catalog, run.plan, said)).plan
    page = root.ask("GET", f"/imports/{run.id}/mapping")
    assert "imports/trade_fair_2026.yaml" in page.text
    assert "保存为映射" in root.ask("GET", f"/imports/{run.id}/mapping?language=zh").text
    # What is there already is never written over by another mapping.
    token = csrf_of(page)
    (tmp_path / "config" / "imports").mkdir()
    taken = tmp_path / "config" / "imports" / "taken.yaml"
    taken.write_text("import: taken\ninto: customer\ncolumns: {A: name}\n", "utf-8")
    for name, why in (("taken", "already"), ("Not a name", "begins with a small letter")):
        sent = {"csrf_token": token, "name": name}
        assert why in root.ask("POST", f"/imports/{run.id}/mapping", data=sent).text
    taken.unlink()
    # It is checked with everything else, shown, and applied as what is typed on the setup page.
    opened = root.ask(
        "POST", f"/imports/{run.id}/mapping", data={"csrf_token": token, "name": "trade_fair"}
    )
    form = dict(re.findall(r'name="(fingerprint|seen)" value="([^"]*)"', opened.text))
    kept = root.ask("GET", f"/api/v1/imports/{run.id}/mapping?name=trade_fair").json
    sent = {"csrf_token": csrf_of(opened), "file": kept["file"], "text": kept["text"], **form}
    assert not (tmp_path / "config" / kept["file"]).exists()
    assert root.ask("POST", "/setup/apply", data=sent).status_code == 303
    assert (tmp_path / "config" / kept["file"]).read_text("utf-8") == kept["text"]
    # A file of the same kind is read by it, by anybody, just as it was read.
    found = editable.services.live.release.catalog
    mapped = changed_plan(found, replace(plan, columns={}, ways={}), {"mapping": "trade-fair"})
    for heading in plan.columns:
        assert column_of(found, mapped, heading) == column_of(found, plan, heading)
    assert (mapped.match, mapped.mode, mapped.rules) == (plan.match, plan.mode, plan.rules)
    assert mia.get(f"/api/v1/imports/{run.id}/mapping").status_code == 404
