"""Role × entity × entry point over HTTP: exactly what the role may see comes to light.

The table is made from the catalog: a new entity, field or role is covered by itself. So is a new
address of one record, by the map of addresses; whoever adds another way to many records adds a line
to ``ENTRIES``.
"""

import json
import re

import pytest

from tests import screens
from tests.integration.api.world import IDS, PEOPLE, PREFIX
from tests.integration.security.oracle import hidden_fields, may, visible
from tests.running import ROOT

#: Values of hidden fields; whoever may not see the field must not meet them anywhere.
SECRETS = ("s-sam", "s-dormant", "s-sue", "s-tom", "s-mia", "s-gone")


class Looker:
    """Somebody who looks at one entity in every way there is."""

    def __init__(self, world, who, entity):
        self.world, self.who, self.entity = world, who, entity
        self.api = world.as_(who)
        self.rows = {row["id"]: row for row in world.raw_rows(entity)}
        self.title = world.catalog.entities[entity].title

    @property
    def screen(self):
        browsers = self.world.__dict__.setdefault("browsers", {})
        if self.who not in browsers:
            browsers[self.who] = self.world.browser(self.who)
        return browsers[self.who]

    def heard(self, response):
        """Let nothing pass that tells a secret, or a failure."""
        assert response.status_code < 500, response.text
        if "secret" in hidden_fields(self.world, self.who, "customer"):
            for secret in SECRETS:
                assert secret not in response.text, response.text
        return response

    def get(self, path, **query):
        return self.heard(self.api.get(path, **query))

    def page(self, path, **query):
        return self.heard(self.screen.ask("GET", path, query_string=query))

    def listed(self, path, **query):
        response = self.get(path, **query)
        return (
            {row["id"] for row in response.json["rows"]} if response.status_code == 200 else set()
        )

    def each(self, look):
        return {number for number in self.rows if look(number).status_code < 400}

    def known(self, ask):
        """The ids of which an act says anything but that they are not there."""
        found = set()
        for number in self.rows:
            response = self.heard(ask(number))
            assert response.status_code >= 400, response.text
            if response.status_code not in (404, 403):
                found.add(number)
        return found


def by_list(look):
    found, after = set(), None
    while True:
        query = {"limit": 2, **({"after": after} if after else {})}
        response = look.get(f"/{look.entity}/", **query)
        if response.status_code != 200:
            return found
        found |= {row["id"] for row in response.json["rows"]}
        after = response.json["next"]
        if after is None:
            return found


def by_filter(look):
    return set().union(
        *(look.listed(f"/{look.entity}/", filter=f"id == {number}") for number in look.rows)
    )


def by_shortcut(look):
    return set().union(*(look.listed(f"/{look.entity}/", id=number) for number in look.rows))


def by_sort(look):
    fields = look.world.services.records.policy(look.world.who(look.who)).readable(look.entity)
    found = set()
    for name in fields:
        response = look.get(f"/{look.entity}/", sort=f"-{name}", limit=100)
        if response.status_code == 200:
            found |= {row["id"] for row in response.json["rows"]}
    return found


def by_search_in_list(look):
    words = {str(row[look.title]) for row in look.rows.values() if row.get(look.title)}
    return set().union(*(look.listed(f"/{look.entity}/", search=word) for word in words))


def by_count(look):
    found = set()
    for number in look.rows:
        answer = look.get(f"/{look.entity}/", id=number, count="exact", limit=1).json
        if answer.get("count"):
            found.add(number)
    return found


def by_figures(look):
    response = look.get(f"/{look.entity}/aggregate", group_by="id")
    return {row["id"] for row in response.json["rows"]} if response.status_code == 200 else set()


def by_search(look):
    found = set()
    for row in look.rows.values():
        if row.get(look.title):
            hits = look.get("/search", q=str(row[look.title]), limit=100).json["rows"]
            found |= {hit["id"] for hit in hits if hit["entity"] == look.entity}
    return found


def links_here(look):
    """Links of other records that lead to this entity, of those that may be read."""
    policy = look.world.services.records.policy(look.world.who(look.who))
    for name, entity in look.world.catalog.entities.items():
        if entity.lines_of is None and policy.may("read", name):
            for field in policy.readable(name):
                if look.entity in entity.fields[field].type.targets(entity.fields[field]):
                    yield name, field


def by_expand(look):
    """What is told of a link's other end is its title; the number stands in the record itself."""
    found = set()
    for name, field in links_here(look):
        rows = look.get(f"/{name}/", fields=f"id,{field}", expand=field, limit=100)
        for row in rows.json.get("rows", ()):
            value = row[field]
            for one in value if isinstance(value, list) else [value]:
                if one and one.get("title") and one.get("entity", look.entity) == look.entity:
                    found.add(one["id"])
    return found


def by_related(look):
    """Related lists: what hangs on each record somebody can think of."""
    entity, found = look.world.catalog.entities[look.entity], set()
    for field in entity.fields.values():
        if field.type.name == "link":
            for number in {row[field.name] for row in look.rows.values()} - {None}:
                found |= look.listed(f"/{look.entity}/", **{field.name: number, "limit": 100})
    return found


def by_export(look):
    response = look.get(f"/{look.entity}/export", fields="id", format="jsonl")
    if response.status_code != 200:
        return set()
    return {json.loads(line)["id"] for line in response.text.splitlines()}


def by_picker(look):
    found = set()
    for name, field in links_here(look):
        one = look.world.catalog.entities[name].fields[field]
        words = {str(row[look.title]) for row in look.rows.values() if row.get(look.title)}
        for word in ["", *words]:
            data = {"_q": word}
            if one.type.name == "any_link":
                data[f"{field}.entity"] = look.entity
            response = look.heard(look.screen.ask("POST", f"/crm/{name}/pick/{field}", data=data))
            found |= {int(number) for number in re.findall(r'data-id="(\d+)"', response.text)}
    return found


def by_html_list(look):
    text = look.page(f"/crm/{look.entity}/").text
    return {int(number) for number in re.findall(rf'href="/crm/{look.entity}/(\d+)"', text)}


def by_html_rows(look):
    ids = ",".join(map(str, range(1, 40)))
    text = look.page(f"/crm/{look.entity}/rows", ids=ids).text
    return {int(number) for number in re.findall(rf'href="/crm/{look.entity}/(\d+)"', text)}


def one(path):
    return lambda look: look.each(lambda number: look.get(path.format(e=look.entity, n=number)))


def screen(path):
    return lambda look: look.each(lambda number: look.page(path.format(e=look.entity, n=number)))


def act(method, path, body=None, **said):
    """An act that is refused for another reason, so that it changes nothing for anybody."""

    def look_at(look):
        def ask(number):
            sent = None if body is None else body(number)
            full = f"{PREFIX}{path.format(e=look.entity, n=number)}"
            return look.api.ask(method, full, json=sent, **said)

        return look.known(ask)

    return look_at


def by_batch(look):
    """One call for all, each by itself: of which it says more than that they are not there."""
    numbers = sorted(look.rows)
    if not numbers:
        return set()
    writes = [{"action": "update", "id": n, "version": 999999, "values": {}} for n in numbers]
    sent = {"mode": "each", "operations": writes}
    response = look.heard(look.api.post(f"/{look.entity}/batch", sent))
    outcomes = zip(numbers, response.json["rows"], strict=True)
    return {number for number, row in outcomes if row["status"] not in (403, 404)}


LATE = {"headers": {"If-Match": '"999999"'}}
#: Ways to what lies in the bin: its history, and its page for whoever may restore it.
INTO_THE_BIN = {"history", "html history", "html record", "html timeline"}
#: name: (how, the right it needs beside reading, whether all there is must come to light)
ENTRIES = {
    "list": (by_list, None, True),
    "filter": (by_filter, None, True),
    "shortcut": (by_shortcut, None, True),
    "sort": (by_sort, None, True),
    "search in list": (by_search_in_list, None, False),
    "count": (by_count, None, True),
    "aggregate": (by_figures, None, True),
    "search": (by_search, None, False),
    "expand": (by_expand, None, False),
    "related list": (by_related, None, False),
    "export": (by_export, "export", True),
    "get": (one("/{e}/{n}"), None, True),
    "team": (one("/{e}/{n}/team"), None, True),
    "history": (one("/{e}/{n}/history"), "history", True),
    "patch": (act("PATCH", "/{e}/{n}", lambda _: {"tags": ["x"]}, **LATE), "update", True),
    "batch": (by_batch, "update", True),
    "delete": (act("DELETE", "/{e}/{n}", **LATE), "delete", True),
    "share": (act("POST", "/{e}/{n}/team", lambda _: {"users": [999999]}), "share", True),
    "transfer": (
        act("POST", "/{e}/transfer", lambda number: {"ids": [number], "owner": 999999}),
        "transfer",
        True,
    ),
    "html list": (by_html_list, None, False),
    "html rows": (by_html_rows, None, False),
    "html record": (screen("/crm/{e}/{n}"), None, False),
    "html peek": (screen("/crm/{e}/{n}/peek"), None, False),
    "html edit": (screen("/crm/{e}/{n}/edit"), "update", False),
    "html history": (screen("/crm/{e}/{n}/history"), "history", False),
    "html timeline": (screen("/crm/{e}/{n}/timeline"), None, False),
    "picker": (by_picker, None, False),
}
ENTITIES = (
    "closed",
    "customer",
    "department",
    "note",
    "order",
    "product",
    "sample",
    "user",
    "visit",
)


def test_every_entity_is_in_the_table(shared):
    assert {e for e, one in shared.catalog.entities.items() if one.lines_of is None} == set(
        ENTITIES
    )


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("who", PEOPLE)
def test_a1_a2_a3_a4_a5_a6_a7_a14_a19_a20_a24_only_what_the_role_may_see(shared, who, entry):
    how, right, whole = ENTRIES[entry]
    for entity in ENTITIES:
        before = shared.raw_rows(entity)
        found = how(Looker(shared, who, entity))
        expected = visible(shared, who, entity, bin_too=entry in INTO_THE_BIN)
        if right is not None and not (PEOPLE[who][0] == "admin" or may(shared, who, right, entity)):
            expected = set()
        if whole:
            assert found == expected, entity
        else:
            assert found <= expected, entity
        assert shared.raw_rows(entity) == before


@pytest.mark.parametrize("who", PEOPLE)
def test_a2_a8_the_bin_is_for_who_may_restore(shared, who):
    for entity in ENTITIES:
        look = Looker(shared, who, entity)
        living = visible(shared, who, entity)
        expected = visible(shared, who, entity, bin_too=True) - living
        if PEOPLE[who][0] != "admin" and not may(shared, who, "restore", entity):
            expected = set()
        assert look.listed(f"/{entity}/bin", limit=100) == expected, entity
        before = shared.raw_rows(entity)
        for number in set(look.rows) - expected:
            refused = look.api.post(f"/{entity}/{number}/restore", {})
            assert refused.status_code in (403, 404), (entity, number)
        assert shared.raw_rows(entity) == before
    page = look.page("/bin").text
    assert ("Gone" in page) is (who in ("root", "mia"))


@pytest.mark.parametrize("entity", ENTITIES)
@pytest.mark.parametrize("who", PEOPLE)
def test_a9_hidden_fields_are_nowhere(shared, who, entity):
    look = Looker(shared, who, entity)
    hidden = hidden_fields(shared, who, entity)
    rows = look.get(f"/{entity}/", limit=100).json.get("rows", [])
    rows += [look.get(f"/{entity}/{row['id']}").json for row in rows]
    for row in rows:
        assert not hidden & set(row)
    for row in rows:
        for line in look.get(f"/{entity}/{row['id']}/history").json.get("rows", ()):
            assert not hidden & set(line["changes"])
    told = look.get("/meta").json["entities"].get(entity, {"fields": {}})
    assert not hidden & set(told["fields"])
    schemas = look.get("/openapi.json").json["components"]["schemas"]
    for name in (entity, f"{entity}.write", f"{entity}.change"):
        assert not hidden & set(schemas.get(name, {}).get("properties", {}))


@pytest.mark.parametrize("who", PEOPLE)
def test_a10_hidden_fields_answer_no_question(shared, who):
    for entity in ENTITIES:
        look = Looker(shared, who, entity)
        for field in sorted(hidden_fields(shared, who, entity)):
            for query in (
                {"filter": f"{field} is not empty"},
                {"sort": field},
                {field: "x"},
                {"fields": field},
            ):
                assert look.get(f"/{entity}/", **query).status_code in (400, 403), (entity, field)
            for query in ({"group_by": field}, {"measures": f"max({field})"}):
                assert look.get(f"/{entity}/aggregate", **query).status_code in (400, 403)


def test_a1_hidden_and_missing_records_get_the_same_answer(shared):
    for entity in ENTITIES:
        hidden = set(Looker(shared, "sam", entity).rows)
        hidden -= visible(shared, "sam", entity, bin_too=True)
        for path in ("{}", "{}/history", "{}/team"):
            for number in hidden:
                one = shared.as_("sam").get(f"/{entity}/{path.format(number)}")
                two = shared.as_("sam").get(f"/{entity}/{path.format(999999)}")
                assert (one.status_code, one.text) == (two.status_code, two.text)


#: What is sent where an empty body is refused before anybody asks which record is meant.
SENT = {
    "assign": {"owner": IDS["tom"]},
    "attachments": {"files": [1]},
    "comments": {"text": "x"},
    "team": {"users": [IDS["tom"]]},
    "undo": {"line": 1},
}


def answer_of(caller, method, rule, number):
    """What an address says of a customer, without the words that differ with every page."""
    path = re.sub(r"<entity>", "customer", re.sub(r"<(?:int:)?number>", str(number), rule))
    path = re.sub(r"<[^>]+>", "2", re.sub(r"<(?:field|name)>", "name", path))
    said = {}
    if method != "GET":
        sent = SENT.get(path.rsplit("/", 1)[1], {})
        said = {"json": sent} if path.startswith(PREFIX) else {"data": sent}
    response = caller.ask(method, path, follow_redirects=True, **said)
    text = re.sub(r'"[\w.-]{40,}"', "", response.text)
    return response.status_code, re.sub(rf"/{number}\b", "/N", text)


def test_a1_a2_a8_every_address_of_a_record_answers_as_if_it_were_not_there(shared):
    """Every address there is with a record in it: whoever adds one need not add it here."""
    before, seen = shared.raw_rows("customer"), 0
    callers = {True: shared.as_("tom"), False: shared.browser("tom")}
    for number, status in ((1, 404), (4, 200), (9, 404)):
        for api, rule in ((True, f"{PREFIX}/<entity>/<number>"), (False, "/crm/<entity>/<number>")):
            assert answer_of(callers[api], "GET", rule, number)[0] == status
    for rule in shared.app.url_map.iter_rules():
        if not re.search(r"<entity>/<(?:int:)?number>", rule.rule):
            continue
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            caller = callers[rule.rule.startswith(PREFIX)]
            hidden = answer_of(caller, method, rule.rule, 1)
            assert hidden == answer_of(caller, method, rule.rule, 9), (method, rule.rule)
            assert hidden[0] < 500, (method, rule.rule, hidden)
            seen += 1
    assert seen > 60
    assert shared.raw_rows("customer") == before


@pytest.mark.parametrize("who", [name for name in PEOPLE if name != "root"])
def test_a20_administration_is_for_administrators(shared, who):
    look = Looker(shared, who, "customer")
    for rule in shared.app.url_map.iter_rules():
        if rule.rule.startswith(("/setup", "/people")):
            path = rule.rule.replace("<int:number>", "1")
            if "GET" in rule.methods and path in ("/people", "/people/1", "/people/departments"):
                # Colleagues and departments are known to whoever may read them.
                assert look.page(path).status_code in (200, 403, 404)
                continue
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                response = look.screen.ask(method, path, data={"csrf_token": look.screen.csrf})
                assert response.status_code in (403, 404), (method, path)
    for path in ("/api/v1/config/", "/api/v1/users/", "/users/list/", "/roles/list/", "/menu"):
        assert look.page(path).status_code == 404


def test_a23_a_circle_of_managers_ends(world):
    root = world.as_("root")
    root.patch(f"/user/{IDS['mia']}", {"manager": IDS["sam"]})
    world.services.organisation.expire()
    assert world.as_("mia").ids("/customer/") == {1, 2, 3, 5}
    assert world.as_("sam").ids("/customer/") == {1, 2}


def test_every_address_is_open_to_no_stranger(shared):
    stranger = shared.anybody()
    free = {
        "/sign-in",
        "/sign-in/forgot",
        # The link is the secret.
        "/welcome/<token>",
        "/health",
        "/healthz",
        "/readyz",
        "/metrics",
        # Programs that call in sign with a secret.
        "/hooks/<path:path>",
        "/assets/<fingerprint>/<path:name>",
        "/brand/<digest>/logo",
        "/manifest.webmanifest",
        "/sw.js",
        "/offline",
    }
    for rule in shared.app.url_map.iter_rules():
        if rule.rule in free or "/security/" in rule.rule or rule.rule == "/sign-out":
            continue
        path = re.sub(r"<entity>", "customer", rule.rule)
        path = re.sub(r"<[^>]+>", "1", path)
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            response = stranger.ask(method, path)
            # A form without its token is refused before anybody asks who sends it.
            assert response.status_code in (302, 303, 400, 401, 403), (method, path)
            if method == "GET":
                assert response.status_code in (302, 401), path
                assert "/sign-in" in response.headers.get("Location", "/sign-in")


def test_every_address_is_walked_or_says_why_not(shared):
    """A page that is new is added to the walk, or the walk would know nothing of it."""
    asked = {
        rule.rule
        for rule in shared.app.url_map.iter_rules()
        if "GET" in rule.methods and not rule.rule.startswith(PREFIX)
    }
    lists = (screens.PAGES, screens.DOOR, screens.ON_THE_WAY, screens.ALIKE)
    told = [rule for listed in (*lists, screens.PARTS, screens.FILES) for rule in listed]
    assert sorted(asked) == sorted(told)
    assert all(screens.PAGES.values())
    for rule, file in screens.ON_THE_WAY.items():
        assert (ROOT / file).exists(), rule
    assert set(screens.ALIKE.values()) <= {*screens.PAGES, *screens.DOOR}
