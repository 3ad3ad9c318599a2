"""Requests of persons in the browser and over the API: who may, what is said, what is done."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from app.factory import create_app
from app.settings import read_settings
from tests.integration.api.world import Caller, csrf_of, sign_in
from tests.integration.personal.test_personal import LI, build
from tests.integration.settling import PASSWORD


class World:
    """The application over one copy of the database."""

    def __init__(self, url: str, data: Path) -> None:
        self.app = create_app(
            read_settings(
                {
                    "DATABASE_URL": url,
                    "REDIS_URL": "redis://127.0.0.1:1",
                    "TRELLIS_DATA": str(data),
                    "TRELLIS_ADMIN_PASSWORD": PASSWORD,
                }
            )
        )
        self.services = self.app.extensions["trellis"]

    def browser(self, name: str) -> Caller:
        caller = Caller(self, name)  # type: ignore[arg-type]
        assert sign_in(caller, name, PASSWORD).status_code == 303
        caller.csrf = csrf_of(caller.ask("GET", "/me"))
        return caller


@pytest.fixture
def world(template_database, clone_database, tmp_path: Path):
    made = World(clone_database(template_database("personal_world", build)), tmp_path)
    yield made
    made.services.close()


def test_a_request_is_answered_in_the_browser(world: World) -> None:
    sam, law = world.browser("sam"), world.browser("law")
    assert sam.ask("GET", "/personal").status_code == 403
    assert sam.ask("POST", "/personal/find", data={"text": "Li"}).status_code == 403
    assert 'href="/personal"' not in sam.ask("GET", "/day").text
    made = sam.made("contact", **LI)["id"]
    key = f"contact/{made}"

    assert f"/personal?entity=contact&amp;id={made}" in law.ask("GET", f"/crm/contact/{made}").text
    assert "/personal?" not in sam.ask("GET", f"/crm/contact/{made}").text
    begun = law.ask("GET", f"/personal?entity=contact&id={made}")
    assert "li.meihua@example.com" in begun.text
    for number in ("x", "²", "9" * 19, "0" * 25 + "9" * 30, "9" * 5000):
        assert law.ask("GET", f"/personal?entity=contact&id={number}").status_code == 404
    found = law.ask("POST", "/personal/find", data={"text": "138 0013 6021", "deeply": "yes"})
    assert f'value="{key}"' in found.text
    assert law.ask("POST", "/personal/find", data={"text": "x"}).status_code == 422

    def do(what: str, **said: str):
        return law.ask("POST", "/personal/do", data={"what": what, "record": key, **said})

    assert do("hold").status_code == 422
    assert do("hold", why="A dispute").status_code == 303
    assert "A dispute" in law.ask("POST", "/personal/find", data={"text": "Li Meihua"}).text
    assert do("anonymise", why="Asked", sure="yes").status_code == 422
    assert do("release", why="Settled").status_code == 303
    taken = do("export", why="Asked")
    assert zipfile.ZipFile(io.BytesIO(taken.data)).namelist()[0] == "person.html"
    asked = do("anonymise", why="Asked").text
    assert 'name="sure"' in asked
    assert "Birthday" in asked
    assert do("anonymise", why="Asked", sure="yes", files="yes").status_code == 303
    page = law.ask("GET", "/personal").text
    assert "Anonymised" in page
    assert "Li Meihua" not in page
    assert (
        "removed personal data here for good" in law.ask("GET", f"/crm/contact/{made}/history").text
    )
    assert do("burn", why="x").status_code == 404
    assert law.ask("POST", "/personal/do", data={"what": "hold", "why": "x"}).status_code == 422
    logged = world.browser("root").ask("GET", "/people/audit?part=persons").text
    assert "anonymised a person" in logged


def test_a_request_is_answered_over_the_api(world: World) -> None:
    sam, law = world.browser("sam"), world.browser("law")
    made = sam.made("contact", **LI)["id"]
    base, chosen = "/personal", {"records": {"contact": [made]}, "why": "Asked"}
    assert sam.post(f"{base}/find", {"text": "Li Meihua"}).status_code == 403
    found = law.post(f"{base}/find", {"text": "li.meihua@example.com"}).json
    assert [(one["entity"], one["id"], one["by"]) for one in found["records"]] == [
        ("contact", made, ["email"])
    ]
    for wrong in (
        {}, {"text": 5}, {"text": "x"}, {"text": "Li", "deeply": 1}, {"text": "\0\0"}, [],
    ):  # fmt: skip
        assert law.post(f"{base}/find", wrong).status_code in (400, 422), wrong
    for wrong in (
        {}, {"records": [1], "why": "x"}, {"records": {"contact": ["1"]}, "why": "x"},
        {"records": {"contact": []}, "why": "x"}, {"records": {"contact": [made]}, "why": ""},
        {"records": {"note": [1]}, "why": "x"},
    ):  # fmt: skip
        assert law.post(f"{base}/anonymise", wrong).status_code == 422, wrong
    assert law.post(f"{base}/anonymise", {**chosen, "records": {"nix": [1]}}).status_code == 404
    assert (
        law.post(f"{base}/anonymise", {**chosen, "records": {"contact": [99]}}).status_code == 404
    )
    assert law.post(f"{base}/hold", chosen).json == {"held": 1}
    assert law.post(f"{base}/anonymise", chosen).status_code == 422
    assert law.post(f"{base}/release", chosen).json == {"released": 1}
    right = world.browser("root").post(f"{base}/correct", {**chosen, "values": {"name": "Li M."}})
    assert right.json == {"corrected": 1}
    assert law.post(f"{base}/correct", {**chosen, "values": {"name": "x"}}).status_code == 403
    assert law.post(f"{base}/export", chosen).data[:2] == b"PK"
    done = law.post(f"{base}/anonymise", chosen).json["anonymised"]
    assert done["records"] == 1
    kinds = [one["kind"] for one in law.get(f"{base}/acts").json["rows"]]
    assert kinds == ["anonymised", "exported", "corrected", "released", "held", "found"]
    described = law.get("/openapi.json").json["paths"]
    assert "/api/v1/personal/anonymise" in described
    assert "/api/v1/personal/anonymise" not in sam.get("/openapi.json").json["paths"]
