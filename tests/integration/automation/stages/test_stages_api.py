"""Stages over HTTP: moves asked for, a move made, a refusal by field; pages with the path."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.api.world import FILES, ApiWorld, build
from tests.integration.automation.stages.world import DEAL, DEALS

_ACCESS = """
access:
  seller: {scope: all, create: yes, update: yes}
  manager: {scope: all, create: yes, update: yes}
  auditor: {scope: all}
"""


@pytest.fixture
def world(template_database, clone_database, tmp_path) -> Iterator[ApiWorld]:
    made = ApiWorld(clone_database(template_database("api_world", build)), tmp_path / "var")
    # The part of the file that is about deals.
    deals = DEALS.partition("---\nlifecycle: papers")[0]
    made.apply({**FILES, "entities/deal.yaml": DEAL + _ACCESS, "workflows/deals.yaml": deals})
    yield made
    made.close()


def test_moves_are_asked_for_made_and_refused_over_the_api(world):
    sam = world.as_("sam")
    number = sam.post("/deal/", {"name": "Acme"}).json["id"]
    assert sam.get(f"/deal/{number}/moves").json == {
        "rows": [
            {
                "field": "stage", "from": "new", "to": "offer", "label": "Offer", "final": False,
                "needs": ["amount", "lines"], "missing": ["amount", "lines"],
                "allowed": True, "why": None, "parts": [], "lifecycle": "fresh-deals",
            },
            {
                "field": "stage", "from": "new", "to": "lost", "label": "Lost", "final": True,
                "needs": ["reason"], "missing": ["reason"], "allowed": True, "why": None,
                "parts": [], "lifecycle": "fresh-deals",
            },
        ]
    }  # fmt: skip
    refused = sam.ask("PATCH", f"/api/v1/deal/{number}", json={"stage": "offer"})
    assert refused.status_code == 422
    assert refused.json["error"]["fields"] == {
        "stage": ["To move to Offer, fill in Amount, Lines."],
        "amount": ["Amount is needed to move to Offer."],
        "lines": ["Lines is needed to move to Offer."],
    }
    batch = sam.post(
        "/deal/batch",
        {
            "mode": "each",
            "operations": [{"action": "update", "id": number, "values": {"stage": "won"}}],
        },
    )
    assert "No move leads from New to Won" in batch.json["rows"][0]["error"]["fields"]["stage"][0]
    values = {"stage": "lost", "reason": "Price"}
    assert sam.ask("PATCH", f"/api/v1/deal/{number}", json=values).json["stage"] == "lost"
    [reopen] = sam.get(f"/deal/{number}/moves").json["rows"]
    assert (reopen["label"], reopen["allowed"]) == ("Reopen", False)
    assert reopen["why"] == "Only Manager may move from Lost to Offer."
    rows = world.as_("aud").get(f"/deal/{number}/moves").json["rows"]
    assert [(one["allowed"], "may not change" in one["why"]) for one in rows] == [(False, True)]
    stays = sam.get(f"/deal/{number}/stages").json["rows"]
    assert [(one["stage"], one["left_at"] is None, one["user"]) for one in stays] == [
        ("new", False, 3),
        ("lost", True, None),
    ]
    assert stays[0]["left_at"] == stays[1]["entered_at"]
    assert sam.get(f"/deal/{number + 1}/moves").status_code == 404
    assert sam.get(f"/deal/{number + 1}/stages").status_code == 404
    assert sam.get("/customer/1/moves").json == {"rows": []}


def test_the_record_page_asks_for_what_a_move_needs_and_says_why_not(world):
    sam = world.browser("sam")
    number = sam.post("/deal/", {"name": "Acme", "amount": "20"}).json["id"]
    page = sam.ask("GET", f"/crm/deal/{number}").text
    # Rows of lines do not fit into the small form; the rest is asked in it.
    assert 'data-opens="move-offer"' in page
    assert f'href="/crm/deal/{number}/edit"' in page
    assert 'id="m-lost-reason" name="reason"' in page
    assert 'value="won" class="off" type="button" aria-disabled="true"' in page
    assert "due" not in page
    refused = sam.ask(
        "POST", f"/crm/deal/{number}/move/stage", data={"to": "lost", "csrf_token": sam.csrf}
    )
    assert refused.status_code == 422
    assert "data-shown" in refused.text
    assert "Reason is needed to move to Lost." in refused.text
    moved = sam.ask(
        "POST",
        f"/crm/deal/{number}/move/stage",
        data={"to": "lost", "reason": "Price", "csrf_token": sam.csrf},
    )
    assert moved.status_code == 303
    page = sam.ask("GET", f"/crm/deal/{number}").text
    assert "Only Manager may move from Lost to Offer." in page
    assert 'class="done lock"' in page
    assert 'data-why="why-offer"' in page
    assert '<span class="cut">New</span><span class="days">0 d</span>' in page
