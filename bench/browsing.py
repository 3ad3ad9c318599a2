"""What a browser on a slow machine makes of the pages: paint, shifts, blocking, bytes.

The figures are those Lighthouse gives, taken from the browser's own records while its processor is
slowed down four times: when something first stands on the screen, how much of it moves by itself
afterwards, and for how long the page could not answer a finger. Each page is opened by a browser
that never saw it and then once more by the same one; of several tries the one in the middle counts.
Needs Chromium, and says so where there is none.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from app.settings import read_settings
from bench.data import PASSWORD
from bench.report import Row
from bench.servers import Server

#: Where browsers are, if no setting says.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
SLOWER = 4
TRIES = 3
#: At most: milliseconds to the first paint, share of the window that moves, milliseconds blocked.
PAINT, SHIFT, BLOCKED = 1_000, 0.05, 150
#: At most: bytes of a list over the wire, for who never saw it and for who did.
FIRST_BYTES, NEXT_BYTES = 250_000, 40_000
#: A task that keeps a page from answering for longer is felt; Lighthouse counts what is above it.
FELT = 50
#: Who looks at what.
PAGES = (
    ("manager", "home", "/"),
    ("manager", "list", "/crm/customer/"),
    ("manager", "record", "/crm/customer/{}"),
    ("manager", "form", "/crm/customer/{}/edit"),
    ("manager", "board", "/crm/opportunity/?as=board"),
    ("manager", "calendar", "/crm/opportunity/?as=calendar"),
    ("manager", "dashboard", "/dashboards/sales"),
    ("admin", "setup", "/setup"),
)
WATCH = """
window.seen = {paint: 0, shift: 0, tasks: []};
new PerformanceObserver((list) => {
  for (const one of list.getEntriesByName("first-contentful-paint")) seen.paint = one.startTime;
}).observe({type: "paint", buffered: true});
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) seen.shift += one.value;
}).observe({type: "layout-shift", buffered: true});
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) seen.tasks.push([one.startTime, one.duration]);
}).observe({type: "longtask", buffered: true});
"""


@dataclass(frozen=True, slots=True)
class View:
    """What one opening of a page showed: milliseconds, share of the window, bytes."""

    paint: float
    shift: float
    blocked: float
    bytes: int


def find_browser() -> str | None:
    """Return the browser to use: the setting's, else the first one that is installed."""
    chosen = read_settings().chromium
    return str(chosen) if chosen else next(filter(None, map(shutil.which, NAMES)), None)


def measure(server: Server, record: int) -> list[Row]:
    """Return a row for each page, and those of the bytes of a list."""
    executable = find_browser()
    if executable is None:
        missing = "no browser: install chromium, or set TRELLIS_CHROMIUM to one"
        return [Row("pages in a browser, 4 × slower", _budget(), missing)]
    rows: list[Row] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        cookies = {login: _sign_in(browser, server, login) for login in ("manager", "admin")}
        for login, name, path in PAGES:
            address = server.url(path.format(record))
            tries = [_look(browser, cookies[login], address) for _ in range(TRIES)]
            rows.append(_row(name, tries))
            if name == "list":
                # Pages that the installed app's worker asks for are not told: it stays away here.
                rows.append(_bytes(_look(browser, cookies[login], address, "block")))
        browser.close()
    return rows


def _sign_in(browser: Browser, server: Server, login: str) -> Sequence[Mapping[str, object]]:
    """Return the cookies of somebody who signed in."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.url("/sign-in?language=en"))
    page.fill("#username", login)
    page.fill("#password", PASSWORD)
    page.click("form .btn-primary")
    page.wait_for_selector(".app")
    cookies = context.cookies()
    context.close()
    return cookies


def _look(
    browser: Browser,
    cookies: Sequence[Mapping[str, object]],
    address: str,
    workers: Literal["allow", "block"] = "allow",
) -> tuple[View, View]:
    """Return a page as a browser shows it that never saw one of ours, and then once more."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, service_workers=workers)
    context.add_cookies(cookies)  # type: ignore[arg-type]
    context.add_init_script(WATCH)
    try:
        return _view(context, address), _view(context, address)
    finally:
        context.close()


def _view(context: BrowserContext, address: str) -> View:
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    devtools.send("Network.enable")
    received: list[int] = []
    devtools.on("Network.loadingFinished", lambda told: received.append(told["encodedDataLength"]))
    page.goto(address, wait_until="networkidle")
    view = View(*_seen(page), bytes=round(sum(received)))
    page.close()
    return view


def _seen(page: Page) -> tuple[float, float, float]:
    seen = page.evaluate("seen")
    felt = [length - FELT for began, length in seen["tasks"] if began + length > seen["paint"]]
    return seen["paint"], seen["shift"], sum(felt)


def _middle(views: Sequence[View], of: Callable[[View], float]) -> float:
    return median(of(one) for one in views)


def _budget() -> str:
    return f"paint ≤ {PAINT} ms, shift ≤ {SHIFT}, blocked ≤ {BLOCKED} ms"


def _row(name: str, tries: Sequence[tuple[View, View]]) -> Row:
    """Return what a page showed, for the first time and the next."""
    said, good = [], True
    for views in zip(*tries, strict=True):
        paint = _middle(views, lambda one: one.paint)
        shift = _middle(views, lambda one: one.shift)
        blocked = _middle(views, lambda one: one.blocked)
        said.append(f"{paint:.0f} ms, {shift:.3f}, {blocked:.0f} ms")
        good = good and 0 < paint <= PAINT and shift <= SHIFT and blocked <= BLOCKED
    return Row(f"browser, 4 × slower: {name}, first; next", _budget(), "; ".join(said), good)


def _bytes(views: tuple[View, View]) -> Row:
    """Return how much of a list goes over the wire."""
    first, again = (view.bytes for view in views)
    return Row(
        "browser: bytes of a list, first; next",
        f"≤ {FIRST_BYTES // 1000}; {NEXT_BYTES // 1000} kB",
        f"{first / 1000:.0f}; {again / 1000:.1f} kB",
        first <= FIRST_BYTES and 0 < again <= NEXT_BYTES,
    )
