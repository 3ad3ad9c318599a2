"""The tests of the configuration in the setup: run by administrators, told with their places."""

from tests.integration.api.world import FILES, ApiWorld, build

TESTS = """test: A customer may be read by its owner
now: 2026-03-02 09:00
given:
  sam: {user: {}}
steps:
  - {at: 2026-03-02 10:00}
---
test: There are two users
now: 2026-03-02 09:00
given:
  sam: {user: {}}
steps:
  - {expect: {count: {user: 2}}}
"""


def test_administrators_run_the_tests_of_the_folder(template_database, clone_database, tmp_path):
    folder = tmp_path / "config"
    for name, text in {**FILES, "tests/t.yaml": TESTS}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    url = clone_database(template_database("api_world", build))
    world = ApiWorld(url, tmp_path / "var", TRELLIS_CONFIG=str(folder))
    try:
        root = world.browser("root")
        page = root.ask("GET", "/setup/tests").text
        assert "There are two users" in page
        assert "passed" not in page
        page = root.ask("POST", "/setup/tests", data={"csrf_token": root.csrf}).text
        assert "1 test failed" in page
        assert "Expected 2 records of user; there are 1." in page
        assert 'href="/setup?file=tests/t.yaml#L13"' in page
        zh = {"Accept-Language": "zh"}
        sam = world.browser("sam")
        assert sam.ask("GET", "/setup/tests", headers=zh).status_code == 403
        assert sam.ask("POST", "/setup/tests", data={"csrf_token": sam.csrf}).status_code == 403
    finally:
        world.close()
