"""The work bench and the palette over HTTP: whose work, what is done in the row, what is found."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator

import pytest

from app.access.principal import SYSTEM
from app.records.bench import Heap
from tests.integration.api.world import FILES, IDS, ApiWorld, build

VIEWS = """  views:
    call: {label: {en: To call, zh: 待联系}, where: "next_on <= today()", sort: next_on, columns: [name, level, note, credit, next_on], bench: {of: owner, log: visit, later: next_on}}
    secretly: {label: Secretly, where: secret is not empty, bench: {of: owner}}
    old: {label: Old ones, where: status == 'dormant', bench: {of: owner, done: {status: active}}}
"""
CHANGED = {
    "entities/customer.yaml": FILES["entities/customer.yaml"]
    .replace("  views:\n", VIEWS)
    .replace("  site: {type: url}\n", "  site: {type: url}\n  next_on: {type: date}\n"),
    "entities/visit.yaml": FILES["entities/visit.yaml"].replace(
        "access:", "  next_on: {type: date}\naccess:"
    ),
}


@pytest.fixture(scope="module")
def world(template_database, databases, tmp_path_factory) -> Iterator[ApiWorld]:
    name = databases.create(template_database("api_world", build))
    made = ApiWorld(databases.url(name), tmp_path_factory.mktemp("bench") / "var")
    made.apply({**FILES, **CHANGED})
    yield made
    made.close()
    databases.drop(name)


def tiles(page: str) -> dict[str, str]:
    found = re.findall(r'<a class="tile".*?<b[^>]*>(.*?)</b><span>(.*?)</span>', page)
    return {label: number for number, label in found}


def titles(page: str) -> list[str]:
    return re.findall(r'<a class="cut t" href="[^"]*">(.*?)</a>', page)


def hrefs(page: str, what: str) -> list[str]:
    return [html.unescape(one) for one in re.findall(rf'"(/bench/{what}/[^"]+)"', page)]


def test_a_bench_is_worked_off_in_place(world):
    sam, mia = world.browser("sam"), world.browser("mia")
    token = world.as_("sam")
    for number in (1, 2):
        sent = {"next_on": f"2020-01-0{number}"}
        assert token.patch(f"/customer/{number}", sent).status_code == 200
    page = sam.ask("GET", "/").text
    # What a hidden field says is not even a tile; one's own alone are counted.
    assert tiles(page) == {"To call": "2", "Old ones": "1"}
    assert titles(page) == ["Sam Steel", "Sam Dormant", "Sam Dormant"]
    assert "whose=team" not in page
    # A manager sees the people below, and only with the switch.
    assert tiles(mia.ask("GET", "/").text) == {"To call": "0", "Old ones": "0"}
    team = mia.ask("GET", "/?whose=team").text
    assert tiles(team)["To call"] == "2"
    assert ">Sam<" in team

    # A visit and the next one, both in one go.
    log = hrefs(page, "log")[0]
    htmx = {"HX-Request": "true"}
    form = sam.ask("GET", log, headers=htmx).text
    assert 'name="text"' in form
    assert 'value="week"' in form
    said = {"csrf_token": sam.csrf, "text": "Likes it", "next": "week"}
    answer = sam.ask("POST", log, data=said, headers=htmx)
    assert (answer.status_code, tiles(answer.text)["To call"]) == (200, "1")
    assert json.loads(answer.headers["HX-Trigger"])["bench-told"]["text"] == "Logged: Sam Steel"
    visit = token.rows("/visit/", sort="-id")[0]
    assert (visit["content"], visit["about"]["id"]) == ("Likes it", 1)
    assert token.get("/customer/1").json["next_on"] == visit["next_on"] is not None
    # Nothing said: nothing is written, and what was chosen stands.
    refused = sam.ask("POST", log, data={**said, "text": " "}, headers=htmx)
    assert (refused.status_code, "Write what was said." in refused.text) == (422, True)
    assert visit["id"] == token.rows("/visit/", sort="-id")[0]["id"]

    # Put off, ticked, and taken back.
    later = hrefs(answer.text, "later")[0]
    answer = sam.ask("POST", later, data={"next": "tomorrow"}, headers=htmx)
    assert tiles(answer.text) == {"To call": "0", "Old ones": "1"}
    done = hrefs(answer.text, "done")[0]
    answer = sam.ask("POST", done, headers=htmx)
    assert tiles(answer.text)["Old ones"] == "0"
    undo = json.loads(answer.headers["HX-Trigger"])["bench-told"]["undo"]
    assert undo["fields"] == {"status": "dormant"}
    answer = sam.ask("POST", undo["href"], data=undo["fields"], headers=htmx)
    assert tiles(answer.text)["Old ones"] == "1"
    assert sam.ask("POST", later.replace("/2?", "/4?"), data={"next": "week"}).status_code == 404
    assert sam.ask("POST", done.replace("done/", "log/")).status_code == 404


def test_all_heaps_are_one_statement(world):
    principal = world.services.organisation.principal(IDS["sam"])
    heaps = [Heap("customer", view, "owner") for view in ("call", "secretly", "old")]
    reader, asked = world.services.records.reader, []
    usual = reader.runner.run
    reader.runner.run = lambda *said, **more: (asked.append(1), usual(*said, **more))[1]
    try:
        found = world.services.records.bench(principal, heaps, "mine", shown=5)
    finally:
        reader.runner.run = usual
    assert [one.heap.view for one in found] == ["call", "old"]
    assert len(asked) == 1


def test_the_palette_finds_does_and_remembers(world):
    sam, vic = world.browser("sam"), world.browser("vic")
    found = sam.ask("GET", "/palette", query_string={"q": "sam steel"}).text
    assert "<b>Sam Steel</b>" in found
    assert 'href="/bench/log/customer/1?view=call"' in found
    assert 'href="/crm/customer/new?name=sam+steel"' in found
    # Rights hold: another's customer, and what one may not make.
    assert "Tom Tools" not in sam.ask("GET", "/palette", query_string={"q": "tools"}).text
    acts = sam.ask("GET", "/palette", query_string={"q": "> new"}).text
    assert "/crm/customer/new" in acts
    assert 'href="/crm/customer/"' not in acts
    assert "/new" not in vic.ask("GET", "/palette", query_string={"q": ">"}).text
    # What was opened is offered, as long as it may be read.
    seen = world.as_("sam").made("customer", name="Soon gone")["id"]
    assert sam.ask("GET", f"/crm/customer/{seen}").status_code == 200
    assert "Soon gone" in sam.ask("GET", "/palette").text
    world.services.records.transfer(SYSTEM, "customer", [seen], IDS["tom"])
    assert "Soon gone" not in sam.ask("GET", "/palette").text
