"""The inbox in a real browser: messages appear by themselves, also on a telephone and in Chinese."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from app.clock import SystemClock
from app.notifications.outbox import NewMessage, post_messages
from tests.e2e.desk import Desk
from tests.integration.api.world import IDS, PASSWORD, ApiWorld, build


@dataclass
class Served:
    """A web application behind a server of this process."""

    world: ApiWorld
    url: str
    signed_in: dict = field(default_factory=dict)

    def post(self, *texts: str, who: str = "sam") -> None:
        customer = self.world.services.live.release.numbers["customer"]
        messages = [
            NewMessage(IDS[who], text, "rule", text, entity=customer, record_id=1) for text in texts
        ]
        with self.world.services.pools.write.connection() as connection:
            post_messages(connection, SystemClock().now(), messages)

    def desk(self, page: Page, language: str = "en") -> Desk:
        return Desk(page, self, "sam", language, password=PASSWORD)  # type: ignore[arg-type]


@pytest.fixture
def served(template_database, clone_database, tmp_path) -> Iterator[Served]:
    url = clone_database(template_database("api_world", build))
    world = ApiWorld(url, tmp_path / "var")
    server = make_server("127.0.0.1", 0, world.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Served(world, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join()
    world.close()


def test_messages_appear_by_themselves_and_are_read(served, new_page):
    served.post("Hengyuan Pumps: no contact for 8 days.")
    desk = served.desk(new_page())
    bell = desk.page.locator(".side [data-unread]")
    expect(bell).to_have_text("1")
    desk.page.click(".side a[href='/inbox']")
    expect(desk.main.locator(".msg.un")).to_have_count(1)
    served.post("Ruilan Precision: quote sent 3 days ago.")
    expect(bell).to_have_text("2", timeout=15_000)
    expect(desk.main.locator(".msg.un")).to_have_count(2)
    expect(desk.main.locator(".msg.un .prewrap").first).to_contain_text("Ruilan")

    # Whoever opens the record has read of it.
    with desk.page.expect_response("**/inbox/2/read"):
        desk.main.locator(".msg a.link").first.click()
    desk.page.wait_for_url("**/crm/customer/1")
    expect(bell).to_have_text("1")
    # Keys: there, down to the one that is unread, later.
    desk.page.keyboard.press("g")
    desk.page.keyboard.press("i")
    desk.page.wait_for_url("**/inbox")
    desk.page.keyboard.press("j")
    desk.page.keyboard.press("j")
    desk.page.keyboard.press("h")
    desk.main.get_by_role("button", name="Tomorrow").click()
    expect(desk.toast()).to_have_text("It comes again later")
    expect(desk.main.locator(".msg")).to_have_count(1)
    desk.open("/inbox?show=unread")
    expect(desk.main.locator(".blank h2")).to_have_text("Everything is read")
    desk.assert_content()


@pytest.mark.parametrize(("width", "language"), [(1280, "en"), (375, "zh")])
def test_the_pages_of_messages_fit(served, new_page, width, language):
    served.post("恒远泵业：已 8 天未联系。", "A long word: " + "x" * 300)
    desk = served.desk(new_page(width=width), language)
    for path in ("/inbox", "/me/notifications"):
        desk.open(path)
        expect(desk.page.locator("h1")).to_have_count(1)
        desk.assert_fits()
    desk.open("/inbox")
    mark = desk.page.locator(".foot-nav [data-unread]" if width < 768 else ".side [data-unread]")
    expect(mark).to_have_text("2")
    desk.assert_content()
