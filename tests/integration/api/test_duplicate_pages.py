"""The pages and the API of what may be the same thing: rights, bad input, both languages."""

import pytest

from tests.integration.api.world import csrf_of


def assert_refused(response, status):
    assert response.status_code == status, response.text
    assert response.json["error"]["message"]


def test_a5_pairs_are_listed_told_apart_and_merged_by_who_may(world):
    api, sam, sue = world.as_("sam"), world.browser("sam"), world.browser("sue")
    site = "https://twins.example"
    one, two = (
        api.post("/customer/", {"name": name, "site": site}).json["id"] for name in ("Pia", "Pip")
    )
    third = api.post("/customer/", {"name": "Pia's", "site": site, "parent": one}).json["id"]
    page = sam.ask("GET", "/duplicates")
    token = csrf_of(page)
    assert f'/crm/customer/{one}"' in page.text
    told = api.get("/duplicates/", entity="customer").json
    pairs = {tuple(each["id"] for each in row["records"]): row["id"] for row in told["rows"]}
    # One that belongs to another is no second of it.
    assert set(pairs) == {(one, two), (two, third)}
    assert told["count"] == 2
    assert api.get("/duplicates/", entity="order").json == {"rows": [], "count": 0}
    pair = pairs[one, two]
    for language, words in (("zh", "重复数据"), ("en", "Duplicates")):
        shown = sam.ask("GET", f"/duplicates?language={language}&page=99999&entity=none%00")
        assert shown.status_code == 200
        assert words in shown.text
    assert "Pip" not in sue.ask("GET", "/duplicates").text
    assert world.as_("sue").get("/duplicates/").json["rows"] == []

    def post(browser, where, **form):
        return browser.ask("POST", where, data={"csrf_token": token, **form}).status_code

    forged = {"X-CSRFToken": "forged"}
    for where in (
        "/duplicates/apart",
        "/duplicates/merge",
        "/duplicates/scan",
        "/duplicates/check",
    ):
        assert sam.ask("POST", where, data={}, headers=forged).status_code == 400
    assert post(sam, "/duplicates/scan") == 403
    ticks = [f"customer:{number}" for number in (one, two, third)]

    def apart(number, of):
        sides = ",".join(ticks[:2])
        return post(sam, "/duplicates/apart", pair=f"{number},{sides}", of=of)

    # The three are one group: those that are ticked are put side by side, or told apart.
    assert f'value="{pair},{ticks[0]},{ticks[1]}"' in page.text.replace("&#44;", ",")
    (group,) = api.get("/duplicates/groups", entity="customer").json["rows"]
    assert {each["id"] for each in group["records"]} == {one, two, third}
    assert {each["id"] for each in group["pairs"]} == set(pairs.values())
    for number in (pair + 10_000, 10**17):
        assert apart(number, ticks) == 404
    for number, of in ((2**63, ticks), ("x", ticks), (pair, ticks[1:]), (pair, [])):
        assert apart(number, of) == 303
    assert post(sam, "/duplicates/together", number=str(pair + 10_000)) == 404
    assert api.get("/duplicates/").json["count"] == 2, "nothing was told apart"
    assert apart(pair, ticks) == 303
    assert api.get("/duplicates/").json["count"] == 1
    assert post(sam, "/duplicates/together", again="yes", number=str(pair)) == 303
    assert api.get("/duplicates/").json["count"] == 2
    for of in ([], ticks[:1], ["customer:1", "order:1"], ["nothing:1", "nothing:2"], ["x", "x"]):
        answer = sam.ask("POST", "/duplicates/merge", data={"csrf_token": token, "of": of})
        assert (answer.status_code, answer.location) == (303, "/duplicates")
    answer = sam.ask("POST", "/duplicates/merge", data={"csrf_token": token, "of": ticks})
    assert answer.location == f"/crm/customer/merge?ids={one},{two},{third}"
    assert_refused(world.as_("sue").post(f"/duplicates/{pair}/apart", {}), 404)
    assert_refused(world.as_("aud").post(f"/duplicates/{pair}/apart", {}), 403)
    assert api.post(f"/duplicates/{pair}/apart", {}).json == {"apart": True}
    assert api.get("/duplicates/").json["count"] == 1
    for body in ({"apart": 1}, {"other": True}):
        assert_refused(api.post(f"/duplicates/{pair}/apart", body), 422)
    assert_refused(api.post(f"/duplicates/{pair}/apart", []), 400)
    for body in ({}, {"pairs": []}, {"pairs": ["x"]}, {"pairs": [True]}, {"pairs": [1] * 46}):
        assert_refused(api.post("/duplicates/apart", body), 422)
    assert_refused(api.post("/duplicates/apart", {"pairs": [pair, pair + 9_999]}), 404)
    both = {"pairs": list(pairs.values()), "apart": False}
    assert_refused(api.post("/duplicates/apart", both), 404)
    assert api.post("/duplicates/apart", {**both, "pairs": [pair]}).json == {"apart": False}
    assert_refused(api.post("/duplicates/x/apart", {}), 404)
    assert_refused(api.post("/duplicates/scan", {}), 403)
    begun = world.as_("root").post("/duplicates/scan", {})
    assert (begun.status_code, begun.json["state"]) == (202, "waiting")
    assert api.get("/duplicates/scan").json["id"] == begun.json["id"]


def test_a5_what_is_there_already_is_asked_by_a_word(world):
    api, sam, aud = world.as_("sam"), world.browser("sam"), world.browser("aud")
    number = api.post("/customer/", {"name": "Asked", "site": "https://asked.example"}).json["id"]
    page = sam.ask("GET", "/duplicates/check?language=zh")
    token = csrf_of(page)
    assert "查重" in page.text
    sam.ask("GET", "/duplicates/check?language=en")

    def check(browser, text):
        return browser.ask("POST", "/duplicates/check", data={"csrf_token": token, "text": text})

    assert f'/crm/customer/{number}"' in check(sam, "https://asked.example").text
    assert "Nothing you may know of" in check(sam, "https://other.example").text
    assert [check(sam, text).status_code for text in ("", "x", "x" * 300)] == [400] * 3
    (row,) = api.get("/duplicates/check", q="https://asked.example").json["rows"]
    assert (row["entity"], row["id"], row["field"]) == ("customer", number, "site")
    assert world.as_("sue").get("/duplicates/check", q="https://asked.example").json["rows"] == []
    assert_refused(world.as_("aud").get("/duplicates/check", q="https://asked.example"), 403)
    assert aud.ask("GET", "/duplicates/check").status_code == 200
    for query in ({}, {"q": "x"}, {"q": "\x00"}, {"q": ["ask", "b"]}, {"q": "ask", "what": 1}):
        assert_refused(api.get("/duplicates/check", **query), 400)
    for _ in range(60 - 3):
        assert api.get("/duplicates/check", q="nothing").status_code == 200
    refused = api.get("/duplicates/check", q="nothing")
    assert_refused(refused, 429)
    assert int(refused.headers["Retry-After"]) > 0
    late = check(sam, "https://asked.example")
    assert late.status_code == 429
    assert "60 times within an hour" in late.text


@pytest.mark.parametrize("path", ["/duplicates", "/duplicates/check"])
def test_nobody_who_is_not_signed_in_sees_them(world, path):
    assert world.app.test_client().get(path).status_code in (302, 401)
    assert world.app.test_client().get(f"/api/v1{path}").status_code in (308, 401)
