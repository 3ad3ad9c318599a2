"""Saved views, columns of one's own, groups, sums and bulk changes of lists, over HTTP and in pages."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.integration.api.world import ApiWorld, Caller, build

FETCHED = {"X-Requested-With": "fetch"}
LIST = "/crm/customer/"


@pytest.fixture(scope="module")
def world(template_database, databases, tmp_path_factory) -> Iterator[ApiWorld]:
    name = databases.create(template_database("api_world", build))
    made = ApiWorld(databases.url(name), tmp_path_factory.mktemp("views") / "var")
    yield made
    made.close()
    databases.drop(name)


def titles(page: str) -> list[str]:
    return re.findall(r'<a href="/crm/customer/\d+">(.*?)</a>', page)


def tabs(page: str) -> list[str]:
    inner = page.partition('class="tabs-in"')[2].partition("</nav>")[0]
    found = re.findall(r"<a class=\"tab[^>]*>(.*?)</a>", inner, re.DOTALL)
    return [re.sub(r"<svg.*?</svg>|<.*?>", "", one, flags=re.DOTALL).strip() for one in found]


def seen(caller: Caller) -> list[int]:
    return [one["id"] for one in caller.get("/customer/views").json["rows"]]


def test_a_view_is_somebodys_own_until_it_is_shared(world):
    root, sam, sue, tom = (world.as_(name) for name in ("root", "sam", "sue", "tom"))
    settings = {"filter": "level == 'b' and status == 'active'", "columns": ["status", "name"]}
    made = sam.post(
        "/customer/views", {"name": " Mine ", "settings": {**settings, "sort": "-name"}}
    )
    assert made.status_code == 201, made.json
    mine = made.json["id"]
    assert made.json["name"] == "Mine"
    assert made.headers["Location"] == f"/api/v1/customer/views/{mine}"
    assert mine in seen(sam)
    # Nobody else finds it, an administrator included, and a list cannot be asked by it.
    for other in (sue, root):
        assert mine not in seen(other)
        assert other.get(f"/customer/views/{mine}").status_code == 404
        assert other.get("/customer/", view=str(mine)).status_code == 400
    rows = sam.get("/customer/", view=str(mine), fields="name").json["rows"]
    assert [row["name"] for row in rows] == ["Sam Steel"]
    assert sam.get("/customer/", view=str(mine), count="exact", limit=1).json["count"] == 1
    # Sharing is a right of its own.
    refused = sam.patch(f"/customer/views/{mine}", {"roles": ["seller"]})
    assert refused.status_code == 403
    assert "publish" in refused.json["error"]["message"]
    shared = root.post("/customer/views", {"name": "All dormant", "roles": ["seller"],
                                           "settings": {"filter": "status == 'dormant'"}})  # fmt: skip
    number = shared.json["id"]
    assert number in seen(tom)
    # One's own come first.
    assert seen(sam).index(mine) < seen(sam).index(number)
    # Each sees own rows by it; only who made it, and administrators, change it.
    found = sam.get("/customer/", view=str(number), fields="name").json["rows"]
    assert [row["name"] for row in found] == ["Sam Dormant"]
    assert sam.patch(f"/customer/views/{number}", {"name": "Ours"}).status_code == 403
    assert sam.ask("DELETE", f"/api/v1/customer/views/{number}").status_code == 403
    tag = {"headers": {"If-Match": '"1"'}}
    renamed = root.patch(f"/customer/views/{number}", {"name": "Dormant"}, **tag)
    assert (renamed.status_code, renamed.headers["ETag"]) == (200, '"2"')
    assert root.patch(f"/customer/views/{number}", {"name": "X"}, **tag).status_code == 412
    shown = world.browser("sam").ask("GET", f"{LIST}?view={mine}").text
    assert tabs(shown)[:3] == ["All", "Key", "Mine"]
    assert "Shared view: Dormant" in tabs(shown)
    assert re.findall(r'<th data-path="(\w+)"', shown) == ["status", "name"]


def test_a_list_opens_with_what_was_chosen_for_a_role_or_by_oneself(world):
    root, tom = world.as_("root"), world.as_("tom")
    view = root.post("/customer/views", {"name": "Toms", "roles": ["seller"],
                                         "settings": {"filter": "name == 'Tom Tools'"}}).json  # fmt: skip
    assert tom.ask("PUT", "/api/v1/customer/views/default",
                   json={"view": str(view["id"]), "role": "seller"}).status_code == 403  # fmt: skip
    chosen = {"view": str(view["id"]), "role": "seller"}
    assert root.ask("PUT", "/api/v1/customer/views/default", json=chosen).json == chosen
    page = world.browser("tom").ask("GET", LIST).text
    assert re.search(rf'<a class="tab on" href="[^"]*view={view["id"]}"', page)
    assert 'href="/crm/customer/?view=%2A"' in page
    browser = world.browser("tom")
    whole = browser.ask("POST", f"{LIST}views/default?view=*", data={"default": "on"})
    assert whole.status_code == 303
    assert tom.get("/customer/views").json["default"] == "*"
    assert not re.search(rf'class="tab on" href="[^"]*view={view["id"]}"', browser.ask("GET", LIST).text)  # fmt: skip
    browser.ask("POST", f"{LIST}views/default?view=*", data={"default": "off"})
    assert tom.get("/customer/views").json["default"] == str(view["id"])
    # With the view goes what was chosen of it.
    assert root.ask("DELETE", f"/api/v1/customer/views/{view['id']}").status_code == 204
    assert tom.get("/customer/views").json["default"] is None
    assert world.browser("tom").ask("GET", LIST).status_code == 200
    for sent in ({"view": "nothing"}, {"view": 3}, {"view": "*", "role": "nobody"}):
        assert root.ask("PUT", "/api/v1/customer/views/default", json=sent).status_code == 422


def test_what_a_view_asks_in_vain_is_left_out_and_said(world):
    root, sam = world.as_("root"), world.as_("sam")
    settings = {
        "filter": "secret == 's-sam' and level == 'b' and (status == 'active' or secret != 'x')",
        "columns": ["name", "secret", "level"],
        "sort": "-secret,name",
        "group": "secret",
        "widths": {"name": 320},
    }
    made = root.post(
        "/customer/views", {"name": "Secret", "roles": ["seller"], "settings": settings}
    )
    view = made.json
    assert made.json["left_out"] == []
    told = sam.get(f"/customer/views/{view['id']}").json
    assert told["settings"] == {
        "filter": "level == 'b'",
        "sort": "name",
        "columns": ["name", "level"],
        "widths": {"name": 320},
    }
    assert len(told["left_out"]) == 5
    page = world.browser("sam").ask("GET", f"{LIST}?view={view['id']}").text
    assert titles(page) == ["Sam Dormant", "Sam Steel"]
    assert "This view also asks for what is not there any more" in page
    assert '<col width="320">' in page
    # One that is not there opens the whole list, and says so.
    gone = world.browser("sam").ask("GET", f"{LIST}?view=99999").text
    assert "is not there any more, or is not shared with you" in gone
    assert titles(gone) == ["Sam Dormant", "Sam Steel"]
    # Somebody cannot save what they may not ask.
    refused = sam.post("/customer/views", {"name": "No", "settings": {"filter": "secret == 'x'"}})
    assert (refused.status_code, [*refused.json["error"]["fields"]]) == (422, ["filter"])


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ([], 400),
        ({"name": ""}, 422),
        ({"name": "x" * 81}, 422),
        ({"name": "a\x00b"}, 422),
        ({"name": 5}, 422),
        ({"name": "x", "settings": []}, 422),
        ({"name": "x", "settings": {"columns": ["a"] * 31}}, 422),
        ({"name": "x", "settings": {"widths": {"name": 9_999}}}, 422),
        ({"name": "x", "settings": {"density": "tiny"}}, 422),
        ({"name": "x", "settings": {"filter": "name =="}}, 422),
        ({"name": "x", "roles": "seller"}, 422),
        ({"name": "x", "roles": ["ghost"]}, 422),
        ({"name": "x", "users": [True]}, 422),
        ({"name": "x", "more": 1}, 422),
    ],
)
def test_views_that_cannot_be_kept_are_refused_with_the_field(world, sent, status):
    assert world.as_("root").post("/customer/views", sent).status_code == status


def test_columns_widths_and_height_are_kept_for_the_person(world):
    sue = world.browser("sue")
    done = sue.ask("POST", f"{LIST}arrange", data={"column": ["email", "name", "secret", "ghost"]})
    assert done.status_code == 303
    sent = {"widths": "email:260,name:200,level:7"}
    assert sue.ask("POST", f"{LIST}arrange", data=sent, headers=FETCHED).status_code == 422
    sent = {"widths": "email:260,name:200"}
    assert sue.ask("POST", f"{LIST}arrange", data=sent, headers=FETCHED).status_code == 204
    sue.ask("POST", f"{LIST}arrange", data={"density": "compact"})
    # On another device as well; others see their own; a view that has columns keeps them.
    page = world.browser("sue").ask("GET", LIST).text
    assert re.findall(r'<th data-path="(\w+)"', page) == ["email", "name"]
    assert re.findall(r'<col width="(\d+)">', page) == ["52", "260", "200"]
    assert 'data-density="compact"' in page
    assert re.findall(r'<th data-path="(\w+)"', world.browser("tom").ask("GET", LIST).text) == [
        "name", "level",
    ]  # fmt: skip
    sue.ask("POST", f"{LIST}arrange", data={"reset": "yes"})
    assert "<col " not in world.browser("sue").ask("GET", LIST).text


def test_a_list_is_grouped_and_added_up_by_what_one_may_see(world):
    mia = world.browser("mia")
    page = mia.ask("GET", f"{LIST}?group=status&view=*").text
    heads = re.findall(r"<b>(.*?)</b> <span class=\"mut num\">(\d+)</span>", page)
    assert heads == [("Active", "3"), ("Dormant", "1")]
    # The first is open, the others are asked for.
    assert titles(page) == ["Mia Works", "Sam Steel", "Sue Silk"]
    folded = re.findall(r'data-folds="([^"]+)"', page)[1].replace("&amp;", "&")
    assert titles(mia.ask("GET", folded).text) == ["Sam Dormant"]
    months = mia.ask("GET", f"{LIST}?group=month(created_at)").text
    assert len(re.findall(r"data-folds=", months)) == 1
    # What is hidden is neither offered nor grouped by, what is masked is not added up.
    assert "group=secret" not in page
    assert mia.ask("GET", f"{LIST}?group=secret").status_code == 400
    assert mia.ask("GET", f"{LIST}?group=nothing").status_code == 400
    mia.ask("POST", f"{LIST}arrange", data={"column": ["name", "credit", "orders"]})
    sums = mia.ask("GET", f"{LIST}sums").text
    assert re.findall(r"<b>(.*?)</b>", sums) == ["¥402.00", "4"]


def test_no_match_names_the_condition_that_costs_most(world):
    sam = world.browser("sam")
    filter_text = "level == 'b' and name == 'Sam Steel' and city.country == 'Nowhere'"
    page = sam.ask("GET", f"{LIST}nearly", query_string={"filter": filter_text}).text
    assert "Without “Country is Nowhere” there would be 1." in re.sub(r"City: ", "", page)
    whole = sam.ask("GET", LIST, query_string={"filter": filter_text}).text
    assert "/crm/customer/nearly?" in whole


def test_filters_are_built_in_groups_and_edited_as_text(world):
    mia = world.browser("mia")
    text = "level == 'b' and (status == 'active' or not locked) and score > orders"
    panel = mia.ask("GET", f"{LIST}filter", query_string={"filter": text}).text
    marks = re.findall(r'name="n" value="([(rt)])', panel)
    assert marks == ["(", "r", "(", "r", "r", ")", "t", ")"]
    posted = re.findall(r'name="(n|j-\d+|t-\d+)" value="([^"]+)"', panel)
    fields = {key: [v.replace("&gt;", ">") for k, v in posted if k == key] for key, _ in posted}
    for number, name in re.findall(
        r'name="(?:f|op)-(\d+)".*?value="(\w+)" selected', panel, re.DOTALL
    ):
        fields.setdefault(f"f-{number}", []).append(name)
    state = mia.ask("POST", f"{LIST}filter/preview", data={"text": text}).text
    assert "4 records" in state
    broken = mia.ask("POST", f"{LIST}filter/preview", data={"text": "level =="}).text
    assert "The filter cannot be read" in broken
    typed = mia.ask("POST", f"{LIST}filter/switch", data={"text": text, "to": "rows"}).text
    assert typed.count('class="fgroup') == 2
    raw = mia.ask("POST", f"{LIST}filter/switch", data={"text": "level ==", "to": "rows"}).text
    assert '<textarea class="form-control mono" name="text"' in raw


def test_many_are_changed_at_once_with_what_was_left_out_and_taken_back(world):
    mia, token = world.browser("mia"), world.as_("mia")
    dialog = mia.ask("GET", f"{LIST}bulk/edit?ids=1,2&field=site").text
    assert 'name="site"' in dialog
    sent = {"do": "tag", "all": "yes", "add": "fair, vip"}
    done = mia.ask("POST", f"{LIST}do?filter=status+%3D%3D+'active'", data=sent, headers=FETCHED)
    assert (done.status_code, done.headers["X-Go"]) == (
        204,
        "/crm/customer/?filter=status+%3D%3D+%27active%27",
    )
    page = mia.ask("GET", LIST).text
    assert re.search("3 customers? were changed", page)
    tags = {row["id"]: row["tags"] for row in token.get("/customer/", fields="tags").json["rows"]}
    assert tags == {1: ["fair", "vip"], 3: ["fair", "vip"], 5: ["fair", "vip"], 2: []}
    undo = re.search(r'action="(/changes/\d+/undo)"', page)
    assert undo is not None
    undone = mia.ask("POST", undo[1], data={"back": LIST})
    assert (undone.status_code, undone.location) == (303, LIST)
    assert {tuple(row["tags"]) for row in token.get("/customer/", fields="tags").json["rows"]} == {
        ()
    }
    # Of what is refused for some, the others are done, and the reason is told.
    sent = {"do": "edit", "field": "email", "ids": "1,2", "email": "same@test.example"}
    mia.ask("POST", f"{LIST}do", data=sent, headers=FETCHED)
    page = mia.ask("GET", LIST).text
    assert re.search("1 customers? were changed; 1 were left out", page)
    run = re.search(r'href="(/changes/runs/\d+)"', page)
    assert run is not None
    told = mia.ask("GET", run[1]).text
    assert "Sam Dormant" in told
    assert world.browser("tom").ask("GET", run[1]).status_code == 404
    # What nobody may is refused in the dialog, with nothing done.
    sent = {"do": "edit", "field": "name", "ids": "1,2", "name": ""}
    refused = mia.ask("POST", f"{LIST}do", data=sent, headers=FETCHED)
    assert refused.status_code == 422
    assert "Give a value, or say that the field is to be emptied." in refused.text
    sent |= {"_empty": "yes"}
    assert mia.ask("POST", f"{LIST}do", data=sent, headers=FETCHED).status_code in (204, 422)
    names = [row["name"] for row in token.get("/customer/", fields="name").json["rows"]]
    assert "" not in names
    assert None not in names
    file = world.browser("root").ask("GET", f"{LIST}export?format=csv&ids=1,3").text
    assert ("Sam Steel" in file, "Sue Silk" in file, "Tom Tools" in file) == (True, True, False)
    # "All" of a view that went meanwhile is not all there is.
    mia.ask("POST", f"{LIST}do?view=9999", data={"do": "delete", "all": "yes"})
    assert "The view is not there any more; nothing was changed." in mia.ask("GET", LIST).text
    assert len(token.get("/customer/").json["rows"]) == 4
    assert mia.ask("POST", f"{LIST}do", data={"do": "burn", "ids": "1"}).status_code == 303
    assert mia.ask("POST", f"{LIST}do", data={"do": "delete", "ids": "x,-1"}).status_code == 303
    assert world.browser("aud").ask("GET", f"{LIST}bulk/edit?ids=1").status_code == 404


def test_pages_hear_of_rows_that_others_change(world):
    sam, mia = world.browser("sam"), world.as_("mia")
    first = sam.ask("GET", f"{LIST}pulse?shown=1")
    assert first.content_type.startswith("text/event-stream")
    world.app.extensions["trellis"].records.news._good_until = 0
    assert mia.patch("/customer/1", {"site": "https://new.example"}).status_code == 200
    assert mia.patch("/customer/2", {"site": "https://new.example"}).status_code == 200
    assert mia.patch("/customer/3", {"site": "https://new.example"}).status_code == 200
    world.app.extensions["trellis"].records.news._good_until = 0
    heard = sam.ask("GET", f"{LIST}pulse?shown=1,999").text
    here, beside = re.search(r"data: (.*)\|(.*)", heard).groups()
    # Sue's record is not Sam's to hear of.
    assert {one.split(":")[1] for one in here.split(",")} == {"1"}
    others = {one.split(":")[1] for one in beside.split(",")}
    assert "2" in others
    assert "3" not in others
    rows = sam.ask("GET", f"{LIST}rows?ids=1,3,77").text
    assert re.findall(r'data-id="(\d+)"', rows) == ["1"]
