"""The page of the API in a real browser, under the strict content security policy."""

import threading

import pytest
from playwright.sync_api import expect
from werkzeug.serving import make_server

from tests.integration.api.world import PASSWORD, ApiWorld, build


@pytest.fixture
def served(template_database, clone_database, tmp_path):
    world = ApiWorld(clone_database(template_database("api_world", build)), tmp_path / "var")
    server = make_server("127.0.0.1", 0, world.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()
    world.close()


def test_the_api_is_read_and_tried_on_swaggers_page(new_page, served):
    page, complaints = new_page(), []
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{served}/swagger/v1")
    page.fill("#username", "sam")
    page.fill("#password", PASSWORD)
    page.click("form .btn-primary")
    expect(page.locator(".opblock").first).to_be_visible(timeout=20_000)
    assert page.url == f"{served}/swagger/v1"

    def find(operation):
        """Scroll there: of a long page only what is in sight is drawn."""
        found = page.locator(f"[id^=operations-][id$=-{operation}]")
        page.evaluate("scrollTo(0, 0)")
        page.mouse.move(500, 400)
        while not found.count():
            assert page.evaluate("scrollY + innerHeight < document.body.scrollHeight - 1"), (
                operation
            )
            page.mouse.wheel(0, 400)
            page.evaluate("new Promise((done) => setTimeout(done, 50))")
        return found

    def ask(operation, fill=None):
        block = find(operation)
        block.locator(".opblock-summary-control").click()
        block.locator(".try-out__btn").click()
        if fill:
            block.locator("textarea").fill(fill)
        block.locator(".execute").click()
        return block.locator(".live-responses-table .response-col_status").last

    expect(ask("me")).to_contain_text("200")
    # A write carries the token of the page.
    made = ask("create_note", '{"text": "From Swagger"}')
    expect(made).to_contain_text("201")
    assert complaints == []
