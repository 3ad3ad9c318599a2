"""Dashboards and targets over HTTP: pages and API, for everybody with their own eyes."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from python_calamine import CalamineWorkbook

from tests.integration.api.world import (
    FILES,
    IDS,
    PREFIX,
    ApiWorld,
    assert_api_error,
    build,
    csrf_of,
)

MORE = {
    "app.yaml": FILES["app.yaml"].replace("order]}", "order, dashboard figures]}"),
    "roles.yaml": FILES["roles.yaml"]
    .replace("auditor: {", "auditor: {home: figures, ")
    .replace("viewer: {", "viewer: {home: customer, "),
    "dashboards/figures.yaml": """
dashboard: figures
label: {en: Figures, zh: 数字}
filters: {period: this year, people: all}
figures:
  - {label: {en: Customers, zh: 客户数}, value: count(customer)}
  - {label: Secrets, value: "count(customer, secret is not empty)"}
  - {label: By status, value: count(customer), chart: ranking, by: status}
  - {label: By month, value: count(customer), date: created_at, chart: bar, by: month, compare: last_year}
  - {label: Orders, value: sum(order.amount), chart: table, by: customer}
  - {label: Levels, value: count(customer), chart: pie, by: level}
  - {label: Sold, value: sum(order.lines.subtotal), chart: ranking, by: product}
  - {view: customer.key, columns: [name, credit]}
  - {target: orders}
  - {target: orders, by: user, chart: table}
---
dashboard: closed
for: [auditor]
figures: [{value: count(customer)}]
---
target: orders
label: {en: Orders, zh: 订单额}
value: sum(order.amount)
date: created_at
levels: [base, stretch]
edit: [manager]
""",
}  # fmt: skip
YEAR = datetime.now(UTC).year
MONTH = f"{YEAR}-{datetime.now(UTC).month:02}"


@pytest.fixture(scope="module")
def world(template_database, databases, tmp_path_factory) -> Iterator[ApiWorld]:
    name = databases.create(template_database("api_world", build))
    made = ApiWorld(databases.url(name), tmp_path_factory.mktemp("dashboards") / "var")
    made.apply({**FILES, **MORE})
    yield made
    made.close()
    databases.drop(name)


def figures(world, who, **query):
    told = world.as_(who).get("/dashboards/figures", **query).get_json()
    return told["figures"]


@pytest.mark.parametrize(("who", "count"), [("root", 5), ("aud", 5), ("mia", 4), ("sam", 2)])
def test_the_api_and_the_page_tell_the_same_to_each(world, who, count):
    told = figures(world, who)
    closed = who in ("mia", "sam")
    assert told[0]["value"] == count
    assert ("refused" in told[1]) is closed
    assert sum(one["value"] for one in told[2]["groups"]) == count
    assert all(one["title"] for one in told[4]["groups"])
    for figure in told:
        for drill in [figure.get("records"), *(g["records"] for g in figure.get("groups", ()))]:
            if drill is not None:
                query = {key: one for key, one in drill.items() if key != "entity" and one}
                answer = world.as_(who).get(f"/{drill['entity']}/", count="exact", **query)
                assert answer.status_code == 200, answer.text
    browser = world.browser(who)
    frame = browser.ask("GET", "/dashboards/figures").text
    assert "skel" in frame
    assert "hx-get=&#34;/dashboards/figures/part?" in frame.replace('"', "&#34;")
    page = browser.ask("GET", "/dashboards/figures/part").text
    assert f'title="{count}">{count}</a>' in page
    assert ("what is closed to you" in page) is closed
    file = browser.ask("GET", "/dashboards/figures/workbook?people=all")
    assert file.status_code == 200
    assert file.headers["Content-Disposition"].startswith("attachment; filename=")
    book = CalamineWorkbook.from_filelike(io.BytesIO(file.data))
    tiles = {row[0]: row[1] for row in book.get_sheet_by_name("Figures").to_python()}
    assert tiles["Customers"] == count
    assert isinstance(tiles["Secrets"], str) is closed
    by_status = book.get_sheet_by_name("By status").to_python()
    assert sum(row[1] for row in by_status[1:]) == count
    links = {html.unescape(one) for one in re.findall(r'href="(/crm/[^"]+)"', page)}
    assert len(links) > 4
    for link in links:
        assert browser.ask("GET", link).status_code == 200, link


def test_what_cannot_be_is_refused_in_words(world):
    sam, browser = world.as_("sam"), world.browser("sam")
    assert_api_error(sam.get("/dashboards/closed"), 404, code="not-found")
    assert browser.ask("GET", "/dashboards/closed").status_code == 404
    assert [one["name"] for one in sam.get("/dashboards").get_json()["rows"]] == ["figures"]
    for query in (
        {"period": "soon"}, {"period": "2026-13"}, {"people": "them"}, {"people": "user:x"},
        {"figures": "one"}, {"period": "0001-01-01..9999-12-31"}, {"what": "1"}, {"people": "\0"},
    ):  # fmt: skip
        assert_api_error(sam.get("/dashboards/figures", **query), 400, code="malformed")
    for period in ("last 9999 months", "2999", "1900", "all", f"{YEAR}-W01"):
        assert sam.get("/dashboards/figures", period=period).status_code in (200, 400)
        query = {"period": period, "people": "mine"}
        assert browser.ask("GET", "/dashboards/figures/part", query_string=query).status_code in (
            200, 400,
        )  # fmt: skip
    assert browser.ask("GET", "/dashboards/figures/part?from=2026-02-30&to=2026-03-01"
                       ).status_code == 400  # fmt: skip
    assert world.anybody().get("/dashboards/figures").status_code == 401


def test_targets_are_typed_in_on_the_grid_and_by_the_api(world):
    mia, browser = world.as_("mia"), world.browser("mia")
    sam = IDS["sam"]
    cell = {"kind": "user", "subject": sam, "month": MONTH, "amount": 400}
    done = mia.ask("PUT", f"{PREFIX}/targets/orders", json={"cells": [cell]})
    assert done.get_json() == {"changed": 1}
    for sent, status in (
        ({"cells": []}, 422), ({"cells": "x"}, 422), ([], 400), ({"cells": [1]}, 422),
        ({"cells": [{**cell, "amount": "much"}]}, 422), ({"cells": [{**cell, "amount": []}]}, 422),
        ({"cells": [{**cell, "amount": 1e300}]}, 422), ({"cells": [{**cell, "kind": []}]}, 422),
        ({"cells": [{**cell, "month": "2026-13"}]}, 422), ({"cells": [{**cell, "level": "x"}]}, 422),
        ({"cells": [{**cell, "subject": 999}]}, 403), ({"cells": [{**cell, "what": 1}]}, 422),
        ({"cells": [{**cell, "subject": IDS["tom"]}]}, 403),
    ):  # fmt: skip
        assert mia.ask("PUT", f"{PREFIX}/targets/orders", json=sent).status_code == status, sent
    refused = world.as_("sam").ask("PUT", f"{PREFIX}/targets/orders", json={"cells": [cell]})
    assert_api_error(refused, 403, code="forbidden")
    assert mia.ask("PUT", f"{PREFIX}/targets/nothing", json={"cells": [cell]}).status_code == 404

    page = browser.ask("GET", "/targets/orders").text
    month = MONTH[5:]
    assert f'name="user-{sam}-{month}" value="400"' in page
    form = {"csrf_token": csrf_of(browser.ask("GET", "/targets/orders")), "year": str(YEAR),
            "level": "base", f"user-{sam}-{month}": "1,500.50"}  # fmt: skip
    assert browser.ask("POST", "/targets/orders", data=form).status_code == 303
    wrong = browser.ask("POST", "/targets/orders", data={**form, f"user-{sam}-{month}": "lots"})
    assert wrong.status_code == 422
    assert "lots` is no amount" in html.unescape(wrong.text)
    # Another's is not in the grid, nor taken from a form that was made up.
    made_up = {**form, f"user-{IDS['tom']}-{month}": "5"}
    assert browser.ask("POST", "/targets/orders", data=made_up).status_code == 403
    rows = world.as_("sam").get("/targets/orders", year=YEAR).get_json()["rows"]
    assert [(row["subject"], row["amount"], row["may_edit"]) for row in rows] == [
        (sam, "1500.50", False)
    ]
    changes = mia.get("/targets/orders/changes").get_json()["rows"]
    assert [(one["before"], one["after"], one["by"]) for one in changes] == [
        ("400", "1500.50", IDS["mia"]), (None, "400", IDS["mia"]),
    ]  # fmt: skip
    mine = figures(world, "sam", people="mine", period=MONTH, figures="8")
    assert mine[0]["target"] == {"base": "1500.50"}
    assert world.as_("tom").get("/targets/orders", year=YEAR).get_json()["rows"] == []
    for path in ("/targets", "/targets/orders?year=1", "/targets/nothing"):
        assert browser.ask("GET", path).status_code in (302, 308, 400, 404), path


def test_a_role_begins_where_it_says(world):
    for who, begins in (("aud", "/dashboards/figures"), ("vic", "/crm/customer/")):
        answer = world.browser(who).ask("GET", "/")
        assert (answer.status_code, answer.headers.get("Location")) == (302, begins)
    auditor = world.browser("aud")
    assert "My day" in auditor.ask("GET", "/day").text
    page = auditor.ask("GET", "/dashboards/closed").text
    assert "Figures" in page
    sam = world.browser("sam")
    home = sam.ask("GET", "/").text
    # It stands in its module of the menu, beside the way to all of them.
    assert 'href="/dashboards/figures"' in home
    assert 'href="/dashboards"' in home
    found = sam.ask("GET", "/palette?q=figu").text
    assert "/dashboards/figures" in found
