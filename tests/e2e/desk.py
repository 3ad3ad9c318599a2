"""Somebody at a desk: a signed-in page that fails the test when the browser complains."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Locator, Page, expect

from tests.running import PASSWORD, RunningTrellis

#: A refused form, a conflict, a page that is not there: the browser notes the status, we mean it.
_MEANT = re.compile(r"status of 4(04|09|22|01)")
#: `trellis.js` says when everything listens; htmx marks what waits for an answer.
_SETTLED = "html[data-listens]:not(:has(.htmx-request))"
#: Nothing else is worked out and handed over.
_AXE = {"resultTypes": ["violations"]}


class Desk:
    """One person with one browser window.

    Who has signed in to a CRM before in the same language is known by the cookies of then: signing
    in is a tenth of the work of a walk. Nothing is open yet.
    """

    def __init__(
        self,
        page: Page,
        trellis: RunningTrellis,
        login: str,
        language: str = "en",
        password: str = PASSWORD,
    ) -> None:
        self.page = page
        self.url = trellis.url
        self.login = login
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        cookies = trellis.signed_in.get((login, language))
        if cookies:
            page.context.add_cookies(cookies)
            return
        page.goto(f"{self.url}/sign-in?language={language}")
        page.fill("#username", login)
        page.fill("#password", password)
        page.click("form .btn-primary")
        expect(page.locator(".app")).to_be_visible()
        trellis.signed_in[login, language] = page.context.cookies()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not _MEANT.search(message.text):
            self.complaints.append(message.text)

    def open(self, path: str) -> None:
        """Go to an address of the CRM and let the page settle."""
        self.page.goto(f"{self.url}{path}")
        self.settle()

    def open_when(self, path: str, word: str) -> None:
        """Go to an address as soon as its page holds *word*."""
        deadline = time.monotonic() + 120
        while word not in self.page.request.get(f"{self.url}{path}").text():
            assert time.monotonic() < deadline, f"`{word}` does not come up in {path}"
            time.sleep(0.2)
        self.open(path)

    def settle(self) -> None:
        """Wait until every script of the page listens and what it asked for has come."""
        self.page.locator(_SETTLED).wait_for(state="attached")

    @contextmanager
    def leaving(self) -> Iterator[None]:
        """Do what leads to another page, and let that settle."""
        with self.page.expect_navigation():
            yield
        self.settle()

    def fill(self, field: str, text: str) -> None:
        """Type into a field of a form, by the field's name."""
        self.page.fill(f"#f-{field}", text)

    def choose(self, field: str, option: str) -> None:
        """Choose an option and let the form be brought up to date."""
        self.page.select_option(f"#f-{field}", option)

    def pick(self, field: str, words: str, title: str | None = None) -> None:
        """Find a record in a picker and take it."""
        self.page.fill(f"#f-{field}", "")
        self.page.locator(f"#f-{field}").press_sequentially(words, delay=10)
        option = self.page.locator(f"#f-{field}-list [role=option]", has_text=title or words).first
        option.click()

    def save(self) -> None:
        """Press the form's main button and wait for what comes."""
        with self.leaving():
            self.page.click(".bar .btn-primary")

    @property
    def main(self) -> Locator:
        """The page without the menu."""
        return self.page.locator("#main")

    @property
    def path(self) -> str:
        """Where this window is."""
        return self.page.url.removeprefix(self.url)

    def toast(self) -> Locator:
        """The message at the foot of the page."""
        return self.page.locator(".toast-t")

    def assert_fits(self) -> None:
        """The page never goes sideways."""
        wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{self.path} is {wide} px too wide"

    def assert_accessible(self) -> None:
        """Nothing of the page keeps people out: axe finds nothing serious or critical."""
        found = Axe().run(self.page, options=_AXE).response["violations"]
        bad = {
            one["id"]: [node["html"][:200] for node in one["nodes"]]
            for one in found
            if one["impact"] in ("serious", "critical")
        }
        assert not bad, f"{self.path}: {bad}"

    def assert_content(self) -> None:
        """Nothing was refused by the policy of the page and no script failed."""
        assert self.complaints == [], self.complaints
