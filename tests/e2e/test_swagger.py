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


@pytest.mark.xfail(reason="Swagger's page shows the first kind of record only", strict=False)
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

    def ask(block, fill=None):
        block.locator(".opblock-summary-control").click()
        block.locator(".try-out__btn").click()
        if fill:
            block.locator("textarea").fill(fill)
        block.locator(".execute").click()
        return block.locator(".live-responses-table .response-col_status").last

    expect(ask(page.locator("[id^=operations-][id$=-me]"))).to_contain_text("200")
    # A write carries the token of the page.
    made = ask(page.locator("[id^=operations-][id$=-create_note]"), '{"text": "From Swagger"}')
    expect(made).to_contain_text("201")
    assert complaints == []
