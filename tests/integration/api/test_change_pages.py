"""The pages of change sets: listed, inspected, undone wholly, for chosen records and one line."""

import re

from tests.integration.api.world import csrf_of


def test_a_change_set_is_listed_inspected_and_undone_in_the_browser(world):
    api, sam, sue = world.as_("sam"), world.browser("sam"), world.browser("sue")
    ids = [
        api.post("/customer/", {"name": f"Page {n}", "note": "old"}).json["id"] for n in range(4)
    ]
    sent = {"ids": ids, "values": {"note": "new<b>", "site": "https://x.example"}, "note": "Spring"}
    number = api.post("/customer/bulk", sent).json["change_set"]
    api.patch(f"/customer/{ids[0]}", {"note": "newer"})
    page = sam.ask("GET", "/changes").text
    assert f'href="/changes/{number}"' in page
    assert "Spring" in page
    assert "4 Customer" in page
    assert "/changes?who=me" not in page
    assert "/changes?who=me" in world.browser("mia").ask("GET", "/changes").text
    assert f"/changes/{number}" not in sam.ask("GET", "/changes?kind=undo").text
    assert f"/changes/{number}" not in sue.ask("GET", "/changes").text
    path = f"/changes/{number}"
    assert sue.ask("GET", path).status_code == 404
    shown = sam.ask("GET", path)
    token = csrf_of(shown)
    assert "<del>old</del>" in shown.text
    assert "new&lt;b&gt;" in shown.text
    assert shown.text.count('type="checkbox"') == 3
    assert "Changed since" in shown.text
    assert "批量修改" in sam.ask("GET", f"{path}?language=zh").text
    sam.ask("GET", f"{path}?language=en")

    def post(where, **form):
        return sam.ask("POST", where, data={"csrf_token": token, **form})

    forged = {"X-CSRFToken": "forged"}
    assert sam.ask("POST", f"{path}/undo", data={}, headers=forged).status_code == 400
    none = post(f"{path}/undo", what="chosen")
    assert (none.status_code, none.headers["Location"]) == (303, path)
    assert "Choose the records first." in sam.ask("GET", path).text
    one = post(f"{path}/undo", what="chosen", record=f"customer:{ids[1]}")
    assert one.headers["Location"] == path
    told = sam.ask("GET", path).text
    assert "One record is as it was" in told
    assert told.count('type="checkbox"') == 2
    assert "Undone in part" in sam.ask("GET", "/changes").text
    whole = post(f"{path}/undo")
    left = sam.ask("GET", whole.headers["Location"]).text
    assert "2 records are as they were; one was so already; one stays as it is" in left
    assert "Note was changed since." in left
    assert "newer" in left
    # What the undo did is taken back from there, and the page of it leads to both.
    back = re.search(r'action="(/changes/\d+)/undo"', left.replace("toast-t", "")).group(1)
    assert post(f"{back}/undo").status_code == 303
    assert api.get(f"/customer/{ids[2]}").json["note"] == "new<b>"
    assert "Takes back this change" in sam.ask("GET", back).text
    # One line of a history, from the record's page and from the toast after a save.
    other = api.post("/customer/", {"name": "Line", "note": "first"}).json["id"]
    form = {"name": "Line", "note": "second", "version": "1", "touched": "note"}
    post(f"/crm/customer/{other}/edit", **form)
    api.patch(f"/customer/{other}", {"note": "third"})
    line = api.get(f"/customer/{other}/history").json["rows"][0]["id"]
    record = sam.ask("GET", f"/crm/customer/{other}").text
    assert f'action="/changes/undo/customer/{other}"' in record
    assert f'name="line" value="{line}"><button class="btn btn-quiet' in record
    undone = post(f"/changes/undo/customer/{other}", line=str(line), back="//evil.example")
    assert undone.headers["Location"] == f"/crm/customer/{other}"
    assert api.get(f"/customer/{other}").json["note"] != "third"
    assert post(f"/changes/undo/customer/{other}", line="x").status_code == 404
    assert post(f"/changes/undo/nothing/{other}", line=str(line)).status_code == 404
    # A long one goes on in the background, with a page that tells how far it is.
    principal = world.who("sam")
    run = world.services.changes.undo(principal, number, at_once=0)
    begun = f"/changes/runs/{run.id}"
    assert 'hx-trigger="every 1s"' in sam.ask("GET", begun).text
    assert sue.ask("GET", begun).status_code == 404
    assert post(f"{begun}/cancel").status_code == 303
    assert "every 1s" not in sam.ask("GET", begun).text
