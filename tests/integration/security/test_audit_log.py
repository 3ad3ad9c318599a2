"""Who signed in and who changed what: kept, told to administrators alone, paged and filtered."""

import json

from tests.integration.api.world import IDS, PASSWORD, assert_api_error, sign_in

AGENT = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36"


def test_what_happens_around_the_data_is_told_to_administrators(world):
    root = world.browser("root")
    stranger = world.anybody()
    for password in ("wrong one", PASSWORD):
        token = stranger.ask("GET", "/sign-in").text.split('csrf_token" value="')[1].split('"')[0]
        sent = {"username": "tom", "password": password, "csrf_token": token}
        stranger.ask("POST", "/sign-in", data=sent, headers={"User-Agent": AGENT})
    sam = IDS["sam"]
    changed = {"csrf_token": root.csrf, "roles": ["seller", "auditor"], "active": "yes",
               "password": "another long one"}  # fmt: skip
    root.ask("POST", f"/people/{sam}/edit", data=changed)
    root.ask("POST", f"/people/{sam}/sessions/end", data={"csrf_token": root.csrf})
    world.as_("tom").ask("GET", "/people")

    page = root.ask("GET", "/people/sign-ins").text
    assert page.count("wrong name or password") == 1
    assert "Chrome · Windows" in page
    assert "127.0.0.1" in page
    only = root.ask("GET", "/people/sign-ins?part=refused").text
    assert "wrong name or password" in only
    assert "signed in<" not in only
    page = root.ask("GET", "/people/audit").text
    for sentence in ("gave Sam the roles Seller, Auditor", "set the password of Sam",
                     "ended sessions of Sam", "was refused GET /people"):  # fmt: skip
        assert sentence in page, sentence
    assert "set the password" not in root.ask("GET", "/people/audit?part=rights").text
    assert "ended sessions" not in root.ask("GET", f"/people/audit?user={IDS['tom']}").text
    assert "gave Sam" not in root.ask("GET", "/people/audit?to=2001-01-01").text
    assert "设置了Sam的密码" in root.ask("GET", "/people/audit?language=zh").text
    # Nonsense in the address is as good as nothing.
    for odd in ("user=%00", "user=9" + "9" * 40, "before=x", "from=99999-01-01", "part=nothing",
                "to=9999-12-31", "user=²"):  # fmt: skip
        assert root.ask("GET", f"/people/audit?{odd}").status_code == 200, odd

    api = world.as_("root")
    seen, after = [], None
    while True:
        query = {"group": "accounts", "limit": 1} | ({"after": after} if after else {})
        answer = api.get("/audit", **query)
        seen += [(row["kind"], row["details"]["user"]) for row in answer.json["rows"]]
        after = answer.json["next"]
        if after is None:
            break
    assert seen[:2] == [("account.session.ended", sam), ("account.password.set", sam)]
    assert PASSWORD not in json.dumps(api.get("/audit", group="sign_ins").json)
    assert_api_error(api.get("/audit", group="x"), 400, "malformed")
    assert_api_error(api.get("/audit", user="x"), 400, "malformed")
    assert_api_error(api.get("/audit", since="x"), 422, "invalid-input")
    assert_api_error(world.as_("tom").get("/audit"), 403, "forbidden")
    assert sign_in(world.anybody(), "sam", "another long one").status_code == 303
