"""Approvals over HTTP and on the screens: the same world behind a web application."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from app.clock import FrozenClock
from tests.integration.api.world import ApiWorld as Web
from tests.integration.api.world import Caller, csrf_of, sign_in
from tests.integration.automation.approvals.world import NOW, PEOPLE, build

IDS = {name: number for number, name in enumerate(PEOPLE, start=1)}
_KEY = "long-enough-1"


class Office:
    """The company behind a web application; everybody has one browser and one program."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self._browsers: dict[str, Caller] = {}
        self._programs: dict[str, Caller] = {}

    def program(self, name: str) -> Caller:
        if name not in self._programs:
            found = self.web.anybody().post(
                "/security/login", {"username": name, "password": _KEY, "refresh": True}
            )
            assert found.status_code == 200, found.text
            self._programs[name] = Caller(self.web, name, found.json["access_token"])
        return self._programs[name]

    def browser(self, name: str) -> Caller:
        if name not in self._browsers:
            caller = Caller(self.web, name)
            assert sign_in(caller, name, _KEY).status_code == 303
            caller.csrf = csrf_of(caller.ask("GET", "/me"))
            self._browsers[name] = caller
        return self._browsers[name]

    def contract(self, **values: object) -> int:
        made = self.program("sam").post("/contract/", {"name": "Frame", **values})
        assert made.status_code == 201, made.text
        assert made.json["approval"] == {"state": "draft"}
        return int(made.json["id"])

    def submitted(self, **values: object) -> tuple[int, int]:
        number = self.contract(**values)
        answer = self.program("sam").post(f"/contract/{number}/approvals", {})
        assert answer.status_code == 201, answer.text
        return number, answer.json["id"]


@pytest.fixture(scope="module")
def office(template_database, databases, tmp_path_factory) -> Iterator[Office]:
    name = databases.create(template_database("approvals_world", build))
    web = Web(databases.url(name), tmp_path_factory.mktemp("data") / "var", FrozenClock(NOW))
    yield Office(web)
    web.close()
    databases.drop(name)


def test_a_program_submits_and_decides(office: Office):
    number, run = office.submitted(amount="150000")
    mia, boss, fay, fin = (office.program(name) for name in ("mia", "boss", "fay", "fin"))
    waiting = mia.get("/approvals").json
    assert waiting["count"] == len(waiting["rows"])
    mine = next(row for row in waiting["rows"] if row["id"] == run)
    assert mine | {"asked_at": None, "submitted_at": None} == {
        "id": run, "approval": "contract", "entity": "contract", "record": number,
        "title": "Frame", "state": "waiting", "step": 0, "submitted_by": IDS["sam"],
        "submitted_at": None, "for_user": None, "asked_at": None, "due_at": None,
        "late": False, "answer": "waiting", "decided_at": None,
    }  # fmt: skip
    assert mia.get("/approvals", list="all").status_code == 400
    shown = mia.get(f"/approvals/{run}").json
    assert shown["may"] == ["add", "approve", "delegate", "reject"]
    assert [(one["state"], one["label"]) for one in shown["steps"]] == [
        ("now", "Owner › Manager"), ("next", "Finance"), ("next", "Legal"),
    ]  # fmt: skip
    refused = office.program("sam").post(f"/approvals/{run}/approve", {})
    assert (refused.status_code, refused.json["error"]["code"]) == (403, "forbidden")
    assert office.program("tom").get(f"/approvals/{run}").status_code == 404
    assert mia.post(f"/approvals/{run}/approve", {"comment": 3}).status_code == 422
    assert mia.post(f"/approvals/{run}/approve", {"coment": "x"}).status_code == 422
    assert mia.post(f"/approvals/{run}/approve", {"comment": "Good"}).json["state"] == "waiting"
    again = mia.post(f"/approvals/{run}/approve", {})
    assert (again.status_code, again.json["error"]["code"]) == (409, "conflict")
    added = boss.post(f"/approvals/{run}/add", {"user": IDS["lou"], "where": "before"})
    assert added.status_code == 200, added.text
    assert office.program("lou").post(f"/approvals/{run}/approve", {}).status_code == 200
    assert boss.post(f"/approvals/{run}/approve", {}).status_code == 200
    back = fay.post(f"/approvals/{run}/send-back", {"step": 0, "comment": "Margin?"})
    assert back.json["step"] == 0
    mia.post(f"/approvals/{run}/approve", {})
    boss.post(f"/approvals/{run}/approve", {})
    moved = fay.post(f"/approvals/{run}/delegate", {"user": IDS["lea"], "comment": "Away"})
    assert moved.status_code == 200, moved.text
    locked = office.program("sam").patch(f"/contract/{number}", {"amount": "1"})
    assert locked.status_code == 422
    assert "It waits for" in locked.json["error"]["message"]
    edited = fin.post(f"/approvals/{run}/approve", {"values": {"terms": "10 days"}})
    assert edited.status_code == 200, edited.text
    assert office.program("lea").post(f"/approvals/{run}/reject", {}).status_code == 422
    over = office.program("lea").post(f"/approvals/{run}/reject", {"comment": "No"})
    assert over.json["state"] == "rejected"
    record = office.program("sam").get(f"/contract/{number}", fields="terms,approval").json
    assert (record["terms"], record["approval"]) == ("10 days", {"state": "rejected"})
    runs = office.program("sam").get(f"/contract/{number}/approvals").json
    assert [one["state"] for one in runs["rows"]] == ["rejected"]
    assert [one["approval"] for one in runs["offers"]] == ["contract"]
    again = office.program("sam").post(f"/contract/{number}/approvals", {"comment": "Cheaper"})
    gone = office.program("sam").post(f"/approvals/{again.json['id']}/withdraw", {})
    assert gone.json["state"] == "withdrawn"
    listed = office.program("sam").get("/approvals", list="mine", limit="2").json
    assert [row["id"] for row in listed["rows"]] == [again.json["id"], run]
    done = office.program("lea").get("/approvals", list="done").json["rows"]
    assert (done[0]["id"], done[0]["answer"]) == (run, "rejected")
    found = office.program("sam").get("/contract/", filter="approval.state == 'withdrawn'")
    assert number in {row["id"] for row in found.json["rows"]}


def test_the_approver_is_chosen_over_the_api(office: Office):
    made = office.program("sam").post("/deal/", {"name": "D", "lawyer": IDS["lou"]})
    path = f"/deal/{made.json['id']}/approvals"
    offers = office.program("sam").get(path).json["offers"]
    assert offers[0]["choose"] == [
        {"step": 0, "label": {"en": "Law"}, "among": [IDS["lea"], IDS["lou"]]}
    ] or offers[0]["choose"] == [{"step": 0, "label": "Law", "among": [IDS["lea"], IDS["lou"]]}]
    wrong = office.program("sam").post(path, {"chosen": {"first": [3]}})
    assert (wrong.status_code, list(wrong.json["error"]["fields"])) == (422, ["chosen"])
    none = office.program("sam").post(path, {})
    assert list(none.json["error"]["fields"]) == ["chosen.0"]
    run = office.program("sam").post(path, {"chosen": {"0": [IDS["lea"]]}})
    assert run.status_code == 201


def test_the_description_names_approvals(office: Office):
    paths = office.program("sam").get("/openapi.json").json["paths"]
    assert "/api/v1/approvals" in paths
    assert "/api/v1/contract/{id}/approvals" in paths
    assert "/api/v1/customer/{id}/approvals" not in paths


def press(caller: Caller, path: str, **fields: object):
    return caller.ask("POST", path, data={"csrf_token": caller.csrf, **fields})


def test_a_record_is_submitted_and_decided_on_its_page(office: Office):
    number = office.contract(amount="150000", terms="30 days")
    sam, mia, fay = office.browser("sam"), office.browser("mia"), office.browser("fay")
    page = sam.ask("GET", f"/crm/contract/{number}").text
    assert 'data-opens="submit-contract"' in page
    assert 'id="approval"' not in page
    sent = press(sam, f"/crm/contract/{number}/submit", approval="contract", comment="Held")
    assert sent.headers["Location"] == f"/crm/contract/{number}"
    page = sam.ask("GET", f"/crm/contract/{number}").text
    assert f'href="/crm/contract/{number}/edit"' not in page
    assert "It waits for Mia; you can withdraw it." in page
    assert "step 1 of 3" in page
    assert 'data-opens="appr-withdraw"' in page
    assert "“Held”" in page
    run = int(re.search(r'action="/approvals/(\d+)/withdraw"', page).group(1))
    page = mia.ask("GET", f"/crm/contract/{number}").text
    assert f'action="/approvals/{run}/approve"' in page
    back = f"/crm/contract/{number}"
    none = press(mia, f"/approvals/{run}/reject", next=back, comment="")
    assert none.status_code == 422
    assert "Say why." in none.text
    assert press(mia, f"/approvals/{run}/approve", next=back).headers["Location"] == back
    press(office.browser("boss"), f"/approvals/{run}/approve", next=back)
    page = fay.ask("GET", back).text
    assert 'name="edit.terms"' in page
    assert "2 · Finance, all of them" in page
    fields = {"edit.terms": "5 days", "comment": "Fine"}
    assert press(fay, f"/approvals/{run}/approve", next=back, **fields).status_code == 303
    assert office.program("sam").get(f"/contract/{number}").json["terms"] == "5 days"
    timeline = sam.ask("GET", f"{back}/history").text
    assert "approved a step" in timeline
    listed = {"filter": "approval.state == 'waiting'"}
    page = sam.ask("GET", "/crm/contract/", query_string=listed).text
    assert '<span class="dot d-yellow">waiting</span>' in page
    assert "Approval is waiting" in page
    page = office.browser("root").ask("GET", f"/crm/contract/{number}").text
    assert f'data-opens="reassign-{IDS["fin"]}"' in page
    moved = press(
        office.browser("root"), f"/approvals/{run}/delegate",
        next=back, instead_of=IDS["fin"], owner=IDS["lou"],
    )  # fmt: skip
    assert moved.headers["Location"] == back
    elsewhere = press(fay, f"/approvals/{run}/approve", next="//evil.example/")
    assert elsewhere.status_code == 422


def test_what_waits_is_decided_in_the_list(office: Office):
    number, run = office.submitted(name="Listed", amount="70")
    mia = office.browser("mia")
    page = mia.ask("GET", "/approvals").text
    assert f'href="/crm/contract/{number}">Listed</a>' in page
    count = mia.ask("GET", "/approvals/count")
    assert re.search(r'class="cnt bubble" aria-label="\d+ approvals? waits? for you"', count.text)
    assert "max-age=20" in count.headers["Cache-Control"]
    none = press(mia, f"/approvals/{run}/reject", next="/approvals")
    assert none.status_code == 422
    assert "Say why." in none.text
    sent = press(mia, f"/approvals/{run}/approve", next="/approvals", comment="Yes")
    assert sent.headers["Location"] == "/approvals"
    assert f'id="run-{run}"' not in mia.ask("GET", "/approvals").text
    assert f'id="run-{run}"' in mia.ask("GET", "/approvals?list=done").text
    assert f'id="run-{run}"' in office.browser("sam").ask("GET", "/approvals?list=mine").text
    chinese = office.browser("boss").ask("GET", "/approvals?language=zh").text
    assert "等我审批" in chinese
    assert "Waiting for me" not in chinese
