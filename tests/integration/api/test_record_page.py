"""The page of one record over HTTP: its timeline, what is said on it, editing in place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.integration.api.test_bench import CHANGED
from tests.integration.api.test_shapes import statements
from tests.integration.api.world import FILES, IDS, ApiWorld, build

HTMX = {"HX-Request": "true"}
FETCH = {"X-Requested-With": "fetch"}


@pytest.fixture(scope="module")
def world(template_database, databases, tmp_path_factory) -> Iterator[ApiWorld]:
    name = databases.create(template_database("api_world", build))
    made = ApiWorld(databases.url(name), tmp_path_factory.mktemp("record") / "var")
    made.apply({**FILES, **CHANGED})
    yield made
    made.close()
    databases.drop(name)


def test_one_timeline_tells_everything_in_order(world):
    sam, token, root = world.browser("sam"), world.as_("sam"), world.as_("root")
    number = sam.made("customer", name="Timely", status="active")["id"]
    page, api = f"/crm/customer/{number}", f"/customer/{number}"
    # A visit and the next contact in one go, a comment that names somebody, and a change.
    said = {"csrf_token": sam.csrf, "text": "Likes <it>", "next": "week"}
    answer = sam.ask("POST", f"{page}/log", data=said, headers=HTMX)
    told = json.loads(answer.headers["HX-Trigger"])["record-told"]
    assert (answer.status_code, told["text"]) == (204, "Visit: saved")
    assert token.get(api).json["next_on"] is not None
    refused = sam.ask("POST", f"{page}/log", data={**said, "text": " "}, headers=HTMX)
    assert (refused.status_code, "Write what was said." in refused.text) == (422, True)
    sam.ask("POST", f"{page}/comments", data={"csrf_token": sam.csrf, "text": "@Mia look"})
    assert token.patch(api, {"level": "a", "reason": "big", "note": "n"}).status_code == 200
    assert root.patch(api, {"secret": "hush"}).status_code == 200

    rows = root.get(f"{api}/timeline").json["rows"]
    assert [one["kind"] for one in rows] == [
        "change", "change", "comment", "visit", "change", "change",
    ]  # fmt: skip
    assert rows[0]["history"]["changes"]["secret"]["after"] == "hush"
    assert rows[3]["record"]["content"] == "Likes <it>"
    # What may not be read is not even a line; nothing of it is counted in pages either.
    seen, after = [], None
    while True:
        given = {"limit": 2, **({"after": after} if after else {})}
        part = token.get(f"{api}/timeline", **given).json
        seen += [(one["kind"], one["id"]) for one in part["rows"]]
        after = part["next"]
        if after is None:
            break
    assert seen == [(one["kind"], one["id"]) for one in rows[1:]]
    only = token.get(f"{api}/timeline", kinds="visit,comment").json["rows"]
    assert [one["kind"] for one in only] == ["comment", "visit"]
    for wrong in ({"kinds": "nothing"}, {"after": "x"}, {"after": "1-2-3-4"}, {"limit": "x"}):
        assert token.get(f"{api}/timeline", **wrong).status_code == 400
    assert world.as_("tom").get(f"{api}/timeline").status_code == 404

    html = sam.ask("GET", page).text
    assert "Likes &lt;it&gt;" in html
    assert '<b class="brand">@Mia</b> look' in html
    assert "changed 3 fields" in html
    assert "hush" not in html
    # The date that the visit planned is said with the visit, not once more.
    assert "filled in <b>Next on</b>" not in html
    part = sam.ask("GET", f"{page}/timeline?show=comment", headers=HTMX).text
    assert ("@Mia" in part, "Likes" in part) == (True, False)
    # A reader without the right to the history sees what was said, and no changes.
    world.as_("mia")
    assert IDS["vic"]
    seen = world.as_("vic").get(f"{api}/timeline").json["rows"]
    assert {one["kind"] for one in seen} == {"visit", "comment"}


def test_a_field_is_changed_where_it_is_read(world):
    sam, token = world.browser("sam"), world.as_("sam")
    number = sam.made("customer", name="Placed", status="active", city={"city": "Hangzhou"})["id"]
    page = f"/crm/customer/{number}"
    shown = sam.ask("GET", page).text
    assert f'data-edit="{page}/field/name"' in shown
    # What may only be read says why; what may not be read is not there.
    assert f"{page}/field/credit" not in shown
    assert "Your role may read this, not change it" in shown
    for field, status in (("credit", 403), ("secret", 404), ("code", 403), ("files", 403)):
        assert sam.ask("GET", f"{page}/field/{field}").status_code == status
    assert sam.ask("GET", f"{page}/field/name").headers["Location"] == page
    form = sam.ask("GET", f"{page}/field/name", headers=FETCH).text
    assert 'value="Placed"' in form
    assert "Was Placed. Enter saves, Esc takes it back." in form
    version = token.get(f"/customer/{number}").json["version"]
    sent = {"csrf_token": sam.csrf, "_version": version, "name": "Placed anew"}
    saved = sam.ask("POST", f"{page}/field/name", data=sent, headers=FETCH).json
    assert (saved["html"], saved["version"]) == ("Placed anew", version + 1)
    assert saved["undo"]["fields"] == [["name", "Placed"]]
    refused = sam.ask(
        "POST", f"{page}/field/name", data={**sent, "_version": "", "name": ""}, headers=FETCH
    )
    assert (refused.status_code, "is needed" in refused.text) == (422, True)
    # Another field meanwhile is no conflict; the same one asks.
    other = {"csrf_token": sam.csrf, "_version": version, "level": "b"}
    assert sam.ask("POST", f"{page}/field/level", data=other, headers=FETCH).status_code == 200
    mine = {**sent, "name": "Mine"}
    assert sam.ask("POST", f"{page}/field/name", data=mine, headers=FETCH).status_code == 409
    asked = sam.ask("POST", f"{page}/field/name", data=mine)
    assert (asked.status_code, "Placed anew" in asked.text) == (409, True)
    # A value of several parts is kept whole, and taken back by the form that came with it.
    typed = {"csrf_token": sam.csrf, "city.city": "Ningbo"}
    saved = sam.ask("POST", f"{page}/field/city", data=typed, headers=FETCH).json
    undo = {"csrf_token": sam.csrf, **dict(saved["undo"]["fields"])}
    back = sam.ask("POST", saved["undo"]["href"], data=undo)
    assert (back.status_code, back.headers["Location"]) == (303, page)
    assert token.get(f"/customer/{number}").json["city"]["city"] == "Hangzhou"
    assert world.browser("tom").ask("GET", f"{page}/field/name").status_code == 404


def test_whatever_is_refused_says_why(world):
    sam, vic = world.browser("sam"), world.browser("vic")
    number = sam.made("customer", name="Refused", status="active")["id"]
    page = f"/crm/customer/{number}"
    shown = vic.ask("GET", page).text
    for right in ("update", "transfer", "share", "history", "delete"):
        assert f'data-why="why-{right}"' in shown
        assert f'popover id="why-{right}"' in shown
    assert "that right (`update`) is not given to" in shown
    assert f"{page}/edit" not in shown
    assert "data-edit" not in shown
    assert 'data-why="why-update"' not in sam.ask("GET", page).text
    # Who else looks at it is heard by every process, and only told to who may read it.
    sent = {"csrf_token": sam.csrf, "word": "edits"}
    assert sam.ask("POST", f"{page}/here", data=sent).text.strip() == ""
    looks = {"csrf_token": vic.csrf, "word": "looks"}
    for _ in range(50):
        seen = vic.ask("POST", f"{page}/here", data=looks).text
        if "Sam is editing this" in seen:
            break
    assert "Sam is editing this" in seen
    assert sam.ask("POST", f"{page}/here", data={**sent, "word": "gone"}).status_code == 204
    tom = world.browser("tom")
    answer = tom.ask("POST", f"{page}/here", data={"csrf_token": tom.csrf})
    assert answer.status_code == 404


def test_a_record_is_made_from_anywhere(world):
    sam, token = world.browser("sam"), world.as_("sam")
    parent = sam.made("customer", name="Parent", status="active")["id"]
    # What must be there, what was given along and the first of the rest; never what may not be set.
    form = sam.ask("GET", f"/crm/customer/new/quick?parent={parent}&parent.title=Parent").text
    names = set(re.findall(r'data-field="(\w+)"', form))
    assert {"name", "parent", "level", "status"} <= names
    assert not {"secret", "credit", "files", "total"} & names
    assert f'value="{parent}"' in form
    quick = "/crm/customer/new/quick"
    sent = {"csrf_token": sam.csrf, "name": "", "_touched": "name"}
    refused = sam.ask("POST", quick, data=sent)
    assert (refused.status_code, "is needed" in refused.text) == (422, True)
    # What a choice makes necessary joins the form while it is typed.
    typed = {"csrf_token": sam.csrf, "name": "Quick", "level": "a", "_touched": ["name", "level"]}
    fresh = sam.ask("POST", f"{quick}/refresh", data=typed).text
    assert 'data-field="reason"' in fresh
    made = sam.ask("POST", quick, data={**typed, "reason": "big"}).json
    assert (made["title"], made["entity"]) == ("Quick", "customer")
    assert token.get(f"/customer/{made['id']}").json["owner"] == IDS["sam"]
    # The whole form goes on with what was typed, as it does with a draft.
    whole = sam.ask("POST", "/crm/customer/new/again", data={**typed, "name": "Kept <b>"})
    assert (whole.status_code, 'value="Kept &lt;b&gt;"' in whole.text) == (200, True)
    assert f'data-draft="{IDS["sam"]}:/crm/customer/new"' in whole.text
    assert "data-taken" in whole.text
    # A picker offers to make what it did not find, with what is known of it.
    asked = {"csrf_token": sam.csrf, "_q": "Nobody & Co"}
    offers = sam.ask("POST", "/crm/customer/pick/parent", data=asked).text
    assert 'href="/crm/customer/new?name=Nobody+%26+Co"' in offers
    assert "Nothing found that you may choose" in offers
    # Rows of lines need the whole form; a reader makes nothing.
    assert sam.ask("GET", "/crm/order/new/quick?customer=1").status_code == 200
    vic = world.browser("vic")
    assert vic.ask("GET", quick).status_code == 403
    assert vic.ask("POST", quick, data={"csrf_token": vic.csrf, "name": "x"}).status_code == 403
    assert sam.ask("GET", "/crm/nothing/new/quick").status_code == 404


def test_a_page_asks_the_same_number_of_statements_whatever_links_to_it(world):
    """The last test here: it changes the configuration."""
    sam = world.browser("sam")
    number = sam.made("customer", name="Counted", status="active")["id"]
    sam.made("note", text="Linked", customer=number)
    page = f"/crm/customer/{number}"
    sam.ask("GET", page)
    shown, few = statements(world, lambda: sam.ask("GET", page).text)
    assert f'hx-get="{page}/related"' in shown
    related = sam.ask("GET", f"{page}/related", headers=HTMX).text
    assert 'id="related-note-customer" data-tab="Note" data-count="1"' in related
    assert "Linked" in related
    more = {
        f"entities/extra_{n}.yaml": f"entity: extra_{n}\ntitle: name\n"
        "fields: {name: {type: text}, customer: {type: link, to: customer}}\n"
        for n in range(12)
    }
    world.apply({**FILES, **CHANGED, **more})
    sam.ask("GET", page)
    _, many = statements(world, lambda: sam.ask("GET", page).text)
    assert (few, many) == (few, few)
    assert few <= 12
    assert world.browser("tom").ask("GET", f"{page}/related", headers=HTMX).status_code == 404
