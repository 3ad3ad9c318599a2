"""Public seas over HTTP and on the pages: claim, release, give out, closed fields, looks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.automation.registry import register
from tests.integration.api.world import FILES, IDS, ApiWorld, assert_api_error, build

OPTIONS = """
options:
  why: {silent: {label: {en: No contact, zh: 无联系}}, lost: Lost}
"""
POOL = """
pool: sea
label: {en: Open sea, zh: 公海}
entity: customer
admins: [role manager]
members: [role seller]
hide: [note, phones]
claim: {per_day: 2, views_per_day: 2}
recycle: [{after: 30 days, since: owner_since}]
reasons: why
"""
QUOTA = """
quota: few
label: {en: Customers, zh: 客户}
entity: customer
where: status == 'active'
max: 100
"""


@pytest.fixture
def world(template_database, clone_database, tmp_path) -> Iterator[ApiWorld]:
    made = ApiWorld(clone_database(template_database("api_world", build)), tmp_path / "var")
    files = {"options.yaml": OPTIONS, "workflows/sea.yaml": f"{POOL}---{QUOTA}"}
    made.apply({**FILES, **files})
    with made.services.pools.engine.begin() as connection:
        register(connection, made.catalog, made.services.clock.now())
    yield made
    made.close()


def customer(caller, **values):
    values = {"name": "Acme", "note": "psst", "phones": ["13800138000"], **values}
    response = caller.post("/customer/", values)
    assert response.status_code == 201, response.text
    return response.json["id"]


def test_claim_release_and_give_out_over_the_api(world):
    sam, sue, mia, aud = (world.as_(name) for name in ("sam", "sue", "mia", "aud"))
    number = customer(sam)
    assert_api_error(
        sam.post(f"/customer/{number}/release", {}), 422, "invalid-input", "reason",
        says="Say why Customer goes into Open sea: No contact, Lost.",
    )  # fmt: skip
    assert sam.get(f"/customer/{number}/pool").json["leaves_to"] == "sea"
    sent = {"reason": "silent", "pool": "sea"}
    assert sam.post(f"/customer/{number}/release", sent).status_code == 204
    # Members see it with closed fields, and how it stands with them.
    seen = sue.get(f"/customer/{number}").json
    assert (seen["name"], seen["note"], seen["phones"], seen["pool"]) == ("Acme", None, [], "sea")
    standing = sue.get(f"/customer/{number}/pool").json
    assert (standing["pool"], standing["may_claim"], standing["hidden"]) == (
        "sea", True, ["note", "phones"],
    )  # fmt: skip
    assert [one["action"] for one in standing["events"]] == ["release"]
    assert_api_error(sue.post(f"/customer/{number}/assign", {"owner": 3}), 403, "forbidden")
    assert_api_error(aud.post(f"/customer/{number}/claim"), 403, "forbidden")
    claimed = sue.post(f"/customer/{number}/claim")
    assert (claimed.status_code, claimed.json["owner"], claimed.json["note"]) == (
        200, IDS["sue"], "psst",
    )  # fmt: skip
    assert_api_error(
        sam.post(f"/customer/{number}/claim"), 409, "conflict", says="Sue has taken this record."
    )
    # Several at once: each for itself.
    more = [customer(sam) for _ in range(3)]
    done = sam.post("/customer/release", {"ids": [*more, number], "reason": "lost"}).json
    assert done["done"] == more
    assert [one["status"] for one in done["refused"]] == [404]
    done = sue.post("/customer/claim", {"ids": more}).json
    assert done["done"] == more[:1]
    assert (
        "You have claimed 2 of 2 records of Open sea today"
        in (done["refused"][0]["error"]["message"])
    )
    done = mia.post("/customer/assign", {"ids": more[1:], "owner": IDS["sam"]}).json
    assert done == {"done": more[1:], "refused": []}
    # They are one change set, which can be taken back.
    given = mia.get("/changes/").json["rows"][0]
    assert (given["kind"], given["user"]) == ("pool", IDS["mia"])
    assert mia.post(f"/changes/{given['id']}/undo", {}).status_code == 200
    seen = [world.as_("root").get(f"/customer/{one}").json for one in more[1:]]
    assert [(one["pool"], one["owner"]) for one in seen] == [("sea", None)] * 2
    mia.post("/customer/assign", {"ids": more[1:], "owner": IDS["sam"]})
    # So many looks a day and no more; in Chinese too.
    for each in more[1:]:
        sam.post(f"/customer/{each}/release", {"reason": "lost"})
    last = customer(sam)
    sam.post(f"/customer/{last}/release", {"reason": "lost"})
    for each in (*more[1:], more[1]):
        assert world.as_("tom").get(f"/customer/{each}").status_code == 200
    refused = world.as_("tom").ask(
        "GET", f"/api/v1/customer/{last}", headers={"Accept-Language": "zh"}
    )
    assert_api_error(refused, 429, "too-many-requests", says="您今天已查看“公海”中的 2 条记录")
    for wrong in ({"pool": 3}, {"reason": ""}, {"why": "x"}):
        assert sam.post(f"/customer/{last}/release", wrong).status_code == 422
    assert sam.post("/customer/assign", {"ids": [last], "owner": "x"}).status_code == 422


def test_the_document_describes_the_public_seas_of_those_who_have_one(world):
    told = world.as_("sam").get("/openapi.json").json
    assert "/api/v1/customer/{id}/claim" in told["paths"]
    assert "/api/v1/order/{id}/claim" not in told["paths"]
    assert {"PoolDone", "PoolStanding"} <= set(told["components"]["schemas"])


def test_pages_say_how_it_stands_and_do_it(world):
    sam, sue, mia = (world.browser(name) for name in ("sam", "sue", "mia"))
    number = customer(world.as_("sam"), name="Seaside")
    page = sam.ask("GET", f"/crm/customer/{number}").text
    assert "Into Open sea in 29 days" in page
    assert 'data-opens="release"' in page
    assert "No contact" in page
    token = {"csrf_token": sam.csrf}
    refused = sam.ask("POST", f"/crm/customer/{number}/release", data=token)
    assert refused.status_code == 422
    assert "Say why Customer goes into Open sea" in refused.text
    done = sam.ask(
        "POST", f"/crm/customer/{number}/release", data={**token, "reason": "lost", "pool": ""}
    )
    assert (done.status_code, done.location) == (303, f"/crm/customer/{number}")
    page = sue.ask("GET", f"/crm/customer/{number}?language=zh").text
    assert "这条记录在“公海”中，前负责人：Sam。 移入时间：" in page
    assert "，原因：Lost。 领取之前看不到：Note、Phones。" in page
    assert "psst" not in page
    listed = sue.ask("GET", "/crm/customer/?filter=pool+%3D%3D+%27sea%27").text
    assert "Seaside" in listed
    assert 'value="claim"' in listed
    assert "Open sea</a>" in listed
    kept = mia.ask("GET", f"/crm/customer/{number}").text
    assert "psst" in kept
    assert 'data-opens="give"' in kept
    claimed = sue.ask("POST", f"/crm/customer/{number}/claim", data={"csrf_token": sue.csrf})
    assert (claimed.status_code, claimed.location) == (303, f"/crm/customer/{number}")
    page = sue.ask("GET", f"/crm/customer/{number}").text
    assert "claimed this" in page
    assert "psst" in page
    late = sam.ask("POST", f"/crm/customer/{number}/claim", data=token)
    assert late.location == "/crm/customer/"
    assert "Sue has taken this record." in sam.ask("GET", late.location).text
    # In bulk, and given out.
    ids = f"{number},{customer(world.as_('sue'))}"
    sue_token = {"csrf_token": sue.csrf}
    sue.ask("POST", "/crm/customer/do", data={**sue_token, "do": "release", "ids": ids})
    assert "Say why Customer goes" in sue.ask("GET", "/crm/customer/").text
    sue.ask(
        "POST", "/crm/customer/do",
        data={**sue_token, "do": "release", "ids": ids, "reason": "lost"},
    )  # fmt: skip
    assert "2 Customer are in the public sea." in sue.ask("GET", "/crm/customer/").text
    sam.ask("POST", "/crm/customer/do", data={**token, "do": "claim", "ids": ids})
    assert "2 Customer are yours now." in sam.ask("GET", "/crm/customer/").text
    sam.ask("POST", f"/crm/customer/{number}/release", data={**token, "reason": "lost"})
    mia_token = {"csrf_token": mia.csrf}
    assert mia.ask("POST", f"/crm/customer/{number}/assign", data=mia_token).status_code == 422
    mia.ask(
        "POST", f"/crm/customer/{number}/assign",
        data={**mia_token, "owner": IDS["sam"], "owner.title": "Sam"},
    )  # fmt: skip
    assert world.row("customer", number)["owner"] == IDS["sam"]


def test_pages_of_absences_and_of_somebody_who_leaves(world):
    sam, mia, root = (world.browser(name) for name in ("sam", "mia", "root"))
    page = sam.ask("GET", "/absences").text
    assert "Nobody is away." in page
    assert "Who is away" not in page
    token = {"csrf_token": sam.csrf}
    wrong = sam.ask("POST", "/absences", data={**token, "since": "2026-13-01"})
    assert wrong.status_code == 422
    assert "Write a day such as 2026-01-31." in wrong.text
    wrong = sam.ask("POST", "/absences", data={**token, "since": "", "deputy": IDS["sam"]})
    assert "Say since when. The deputy must be somebody else who works here." in wrong.text
    past = {"since": "2020-01-01", "until": "2090-01-02", "deputy": IDS["sue"]}
    assert sam.ask("POST", "/absences", data={**token, **past}).location == "/absences"
    page = mia.ask("GET", "/absences").text
    assert "Who is away" in page
    assert "away now" in page
    assert f'href="/people/{IDS["sam"]}/hand-over"' in page
    assert "Sam" in page
    assert "hand-over" not in sam.ask("GET", "/absences").text
    assert "Sam" not in world.browser("tom").ask("GET", "/absences").text
    number = page.split('action="/absences/', 1)[1].split("/", 1)[0]
    assert world.browser("tom").ask(
        "POST", f"/absences/{number}/drop", data={"csrf_token": world.browser("tom").csrf}
    ).status_code in (400, 403)
    mia.ask("POST", f"/absences/{number}/drop", data={"csrf_token": mia.csrf})
    assert "Nobody is away." in mia.ask("GET", "/absences").text
    # Whoever may not sign in any more has things left.
    made = customer(world.as_("sam"))
    edited = root.ask(
        "POST", f"/people/{IDS['sam']}/edit",
        data={"csrf_token": root.csrf, "roles": ["seller"], "active": ["no"]},
    )  # fmt: skip
    assert edited.location == f"/people/{IDS['sam']}/hand-over"
    page = root.ask("GET", edited.location).text
    assert "Hand over everything of Sam" in page
    assert 'value="customer" checked' in page
    assert world.browser("tom").ask("GET", edited.location).status_code == 403
    refused = root.ask("POST", edited.location, data={"csrf_token": root.csrf})
    assert refused.status_code == 422
    assert "Choose who takes it over." in refused.text
    names = ["customer", "order", "note", "visit", "sample"]
    done = root.ask(
        "POST", edited.location,
        data={"csrf_token": root.csrf, "heirs": [IDS["sue"]], "entities": names},
    )  # fmt: skip
    assert done.location == f"/people/{IDS['sam']}"
    assert world.row("customer", made)["owner"] == IDS["sue"]
    assert "records of Sam were handed over" in root.ask("GET", done.location).text


def test_absences_and_hand_overs_over_the_api(world):
    sam, mia, tom, root = (world.as_(name) for name in ("sam", "mia", "tom", "root"))
    since = "2020-01-01T00:00:00+00:00"
    made = sam.post("/absences", {"since": since, "deputy": IDS["sue"]})
    assert made.status_code == 201
    number = made.json["id"]
    row = {"id": number, "user_id": IDS["sam"], "since": since, "until": None,
           "deputy": IDS["sue"]}  # fmt: skip
    assert mia.get("/absences").json == sam.get("/absences").json == {"rows": [row]}
    assert tom.get("/absences").json == {"rows": []}
    assert_api_error(tom.post("/absences", {"user": IDS["sam"], "since": since}), 403, "forbidden")
    assert_api_error(
        sam.post("/absences", {"since": since, "until": since}), 422, "invalid-input", "until"
    )
    assert_api_error(sam.post("/absences", {"deputy": "x"}), 422, "invalid-input", "deputy")
    path = f"/api/v1/absences/{number}"
    assert tom.ask("DELETE", path).status_code == 403
    assert mia.ask("DELETE", path).status_code == 204
    customer(sam)
    left = root.get(f"/handovers/{IDS['sam']}").json
    assert left["records"]["customer"] >= 1
    assert_api_error(tom.get(f"/handovers/{IDS['sam']}"), 403, "forbidden")
    for wrong in ({"heirs": []}, {"heirs": [IDS["sue"]], "entities": "x"},
                  {"heirs": [IDS["sue"]], "people": 1}, {"heirs": [IDS["sam"]]}):  # fmt: skip
        assert root.post(f"/handovers/{IDS['sam']}", wrong).status_code == 422
    done = root.post(f"/handovers/{IDS['sam']}", {"heirs": [IDS["sue"], IDS["tom"]]}).json
    assert done["records"] == left["records"]
    assert root.get(f"/handovers/{IDS['sam']}").json["records"] == {}
