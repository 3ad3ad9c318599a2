"""Files on a record that no field holds: who may attach, fetch and take off, and what stays."""

import io

import pytest

from app.access.principal import SYSTEM
from app.database import system
from app.records import attaching
from tests.integration.api.world import assert_api_error


def attach(world, who="sam", number=1, *contents, entity="customer"):
    files = [
        world.as_(who).uploaded(f"{content.decode()}.txt", content).json["id"]
        for content in contents or (b"plan",)
    ]
    response = world.as_(who).post(f"/{entity}/{number}/attachments", {"files": files})
    return files, response


def names(response):
    return [one["name"] for one in response.json["rows"]]


def test_who_may_update_the_record_attaches_and_who_may_read_it_fetches(world):
    (file,), response = attach(world)
    assert response.status_code == 201, response.text
    (row,) = response.json["rows"]
    assert {key: row[key] for key in ("id", "name", "type", "size")} == {
        "id": file, "name": "plan.txt", "type": "text/plain", "size": 4,
    }  # fmt: skip
    for who in ("sam", "mia", "aud"):
        client = world.as_(who)
        assert names(client.get("/customer/1/attachments")) == ["plan.txt"]
        assert client.get(f"/files/{file}").data == b"plan"
    tom = world.as_("tom")
    assert_api_error(tom.get("/customer/1/attachments"), 404, "not-found")
    assert_api_error(tom.get(f"/files/{file}"), 404, "not-found")
    assert_api_error(world.anybody().get("/customer/1/attachments"), 401, "not-signed-in")


@pytest.mark.parametrize(("who", "status"), [("aud", 403), ("tom", 404)])
def test_who_may_not_update_it_neither_attaches_nor_takes_off(world, who, status):
    (file,), _ = attach(world)
    _, response = attach(world, who)
    assert response.status_code == status
    assert world.as_(who).delete(f"/customer/1/attachments/{file}").status_code == status
    assert names(world.as_("sam").get("/customer/1/attachments")) == ["plan.txt"]


def test_only_a_fresh_file_of_ones_own_is_attached(world):
    sam = world.as_("sam")
    others = world.as_("mia").uploaded().json["id"]
    (taken,), _ = attach(world)
    for file in (others, taken, 99_999):
        response = sam.post("/customer/1/attachments", {"files": [file]})
        assert_api_error(response, 422, "invalid-input")
        assert "upload it first" in response.text
    for files in ([], "7", [True], [{"id": 1}], None):
        response = sam.post("/customer/1/attachments", {"files": files})
        assert_api_error(response, 422, "invalid-input")
    assert_api_error(sam.post("/nothing/1/attachments", {"files": [1]}), 404, "not-found")


def test_a_record_takes_only_so_many(world, monkeypatch):
    monkeypatch.setattr(attaching, "MOST", 2)
    attach(world, "sam", 1, b"one", b"two")
    _, response = attach(world, "sam", 1, b"three")
    assert_api_error(response, 422, "invalid-input")
    assert "at most 2 attachments" in response.text


def test_what_is_taken_off_is_gone_and_both_stand_in_the_history(world):
    sam = world.as_("sam")
    (file, _), _ = attach(world, "sam", 1, b"one", b"two")
    assert sam.delete(f"/customer/1/attachments/{file}").status_code == 204
    assert names(sam.get("/customer/1/attachments")) == ["two.txt"]
    assert_api_error(sam.get(f"/files/{file}"), 404, "not-found")
    assert_api_error(sam.delete(f"/customer/1/attachments/{file}"), 404, "not-found")
    lines = sam.get("/customer/1/history").json["rows"][:3]
    assert [(line["action"], line["changes"]["attachments"]) for line in lines] == [
        ("detach", {"before": "one.txt", "after": None}),
        ("attach", {"before": None, "after": "two.txt"}),
        ("attach", {"before": None, "after": "one.txt"}),
    ]


def test_a_file_of_a_field_is_no_attachment(world):
    sam = world.as_("sam")
    file = sam.uploaded().json["id"]
    assert sam.patch("/customer/1", {"files": [file]}).status_code == 200
    assert names(sam.get("/customer/1/attachments")) == []
    assert_api_error(sam.delete(f"/customer/1/attachments/{file}"), 404, "not-found")


def test_attachments_go_to_the_bin_and_come_back_with_their_record(world):
    mia = world.as_("mia")
    number = mia.made("customer", name="Binned")["id"]
    (file,), _ = attach(world, "mia", number)
    mia.delete(f"/customer/{number}")
    assert_api_error(mia.get(f"/files/{file}"), 404, "not-found")
    assert_api_error(mia.get(f"/customer/{number}/attachments"), 404, "not-found")
    mia.post(f"/customer/{number}/restore")
    assert names(mia.get(f"/customer/{number}/attachments")) == ["plan.txt"]


def test_a_merge_takes_attachments_along_and_a_purge_drops_them(world):
    mia = world.as_("mia")
    keep, gone = (mia.made("customer", name=name)["id"] for name in ("Kept", "Gone"))
    attach(world, "mia", keep, b"own")
    (file,), _ = attach(world, "mia", gone, b"other")
    assert mia.post("/customer/merge", {"keep": keep, "gone": [gone]}).status_code == 200
    assert names(mia.get(f"/customer/{keep}/attachments")) == ["own.txt", "other.txt"]
    mia.delete(f"/customer/{keep}")
    records = world.services.records
    records.purge(SYSTEM, "customer", [keep])
    with world.services.pools.engine.connect() as connection:
        table = system.file.c
        query = table.deleted_at.is_not(None)
        assert connection.execute(
            system.file.select().with_only_columns(query).where(table.id == file)
        ).scalar_one()
    assert_api_error(mia.get(f"/files/{file}"), 404, "not-found")


def dropped(caller, name, content, number=1):
    """Send a file as the record page does."""
    data = {"file": (io.BytesIO(content), name), "csrf_token": caller.csrf}
    return caller.ask(
        "POST", f"/crm/customer/{number}/attachments", data=data, content_type="multipart/form-data"
    )


def test_the_record_page_takes_files_and_takes_them_off(world):
    sam = world.browser("sam")
    row = dropped(sam, "<b>plan</b>.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 1200)
    assert row.status_code == 200, row.text
    # What stands before the last slash was never a name.
    assert ">b&gt;.png<" in row.text
    assert '<img src="/files/' in row.text
    page = sam.ask("GET", "/crm/customer/1").text
    assert 'data-url="/crm/customer/1/attachments"' in page
    assert "Sam attached a file" in page.replace("<b>", "").replace("</b>", "")
    (off,) = [part.split('"')[0] for part in page.split('action="') if "/off" in part.split('"')[0]]
    answer = sam.ask("POST", off, data={"csrf_token": sam.csrf})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/crm/customer/1#files")
    assert names(world.as_("sam").get("/customer/1/attachments")) == []


def test_the_record_page_says_what_is_wrong_with_a_file(world):
    sam = world.browser("sam")
    for name, content, words in (
        ("run.exe", b"MZ", "Files ending in .exe are not taken"),
        ("fake.png", b"no picture", "not what its name says"),
    ):
        refused = dropped(sam, name, content)
        assert refused.status_code == 422
        assert words in refused.text
    assert names(world.as_("sam").get("/customer/1/attachments")) == []


@pytest.mark.parametrize(("who", "status"), [("aud", 403), ("tom", 404)])
def test_who_may_not_update_it_gets_no_place_to_drop_files(world, who, status):
    attach(world)
    browser = world.browser(who)
    assert dropped(browser, "a.txt", b"a").status_code == status
    page = browser.ask("GET", "/crm/customer/1")
    assert "/crm/customer/1/attachments" not in page.text
    assert ("plan.txt" in page.text) == (who == "aud")
    # Nothing was kept either.
    assert [row["name"] for row in world.system_rows(system.file)] == ["plan.txt"]
