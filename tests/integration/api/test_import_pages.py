"""The pages of an import, from the list to the rows that were left out."""

import io

from tests.integration.api.world import csrf_of

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
