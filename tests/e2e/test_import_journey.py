"""A messy workbook of customers, brought in, merged, taken back, brought in again, taken out."""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import xlsxwriter
from playwright.sync_api import expect

from tests.e2e.desk import Desk

HEADINGS = ("公司名称", "Phone", "级别", "Website", "Credit", "Since", "联系人", "Contact mobile")
ROWS = (
    ("  Wegfahrt   Pumpen Schleswig Holstein ", "138 0571 7001", "A, key", "wegfahrt.example", "80万", "03/02/2019",
     "王强", "13905717001"),
    ("Wegfahrt Pumpen Schleswig Holsteins", "138 0571 7002", "VIP", "", "n/a", "05/04/2019", "", ""),
    ("Wegfahrt Ventile", "138 0571 7003", "VIP", "", "–", "01/06/2019", "Ann Lowe", ""),
    ("Wegfahrt Papier", "138 0571 7004", "B, normal", "", "-20", "", "", ""),
)  # fmt: skip


def workbook(path: Path, rows=ROWS) -> Path:
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("Read me").write(0, 0, "Trade fair")
        sheet = book.add_worksheet("Hall 4")
        sheet.merge_range("A1:F1", "Whom we met")
        for number, row in enumerate((HEADINGS, *rows), start=1):
            for place, value in enumerate(row):
                if value:
                    sheet.write_string(number, place, value)
    return path


PUMPS = "Wegfahrt Pumpen Schleswig Holstein"
FOUND = "/crm/customer/?view=*&q=Wegfahrt"


def see(desk: Desk, path: str) -> None:
    """Open a page that is whole when it is loaded; nothing has to settle."""
    desk.page.goto(f"{desk.url}{path}", wait_until="load")


class Wizard:
    """The pages of an import."""

    def __init__(self, desk: Desk, file: Path) -> None:
        self.desk, self.page = desk, desk.page
        see(desk, "/crm/customer/import")
        self.page.set_input_files("#import-file", file)
        with self.page.expect_navigation(wait_until="load"):
            self.page.get_by_role("button", name="Look at the file").click()

    @contextmanager
    def shown_anew(self) -> Iterator[None]:
        """Do something, and wait until the columns are shown as they are then."""
        self.page.evaluate("document.getElementById('imp').dataset.before = ''")
        yield
        expect(self.page.locator("#imp:not([data-before])")).to_be_visible()

    def choose(self, label: str, option: str) -> None:
        with self.shown_anew():
            self.page.get_by_label(label, exact=True).select_option(label=option)

    def check(self, name: str, value: str) -> None:
        with self.shown_anew():
            self.page.locator(f"#imp [name='{name}'][value='{value}']").check()

    def dry_run(self) -> None:
        self.page.get_by_role("button", name="Dry run").click()
        expect(self.page.locator(".imp-facts")).to_be_visible()

    def run(self) -> str:
        self.page.locator(".bar .btn-primary").click()
        expect(self.page.locator("#import-state > h2")).to_have_text("Done", timeout=15_000)
        return self.desk.path


def facts(page) -> dict[str, int]:
    words = page.locator(".imp-facts dt").all_inner_texts()
    counts = page.locator(".imp-facts dd").all_inner_texts()
    return {word: int(count) for word, count in zip(words, counts, strict=True)}


def test_a_messy_workbook_goes_all_the_way_and_back(trellis, new_page, tmp_path):
    desk = Desk(new_page(), trellis, "admin")
    page = desk.page
    # Map: what is found by itself, and what a person says.
    wizard = Wizard(desk, workbook(tmp_path / "fair.xlsx"))
    expect(desk.main).to_contain_text("sheet “Hall 4”")
    expect(desk.main).to_contain_text("headings in row 2")
    for column, path in (("公司名称", "name"), ("Phone", "phones"), ("联系人", "contact.name")):
        expect(page.get_by_label(f"Where {column} goes")).to_have_value(path)
    wizard.choose("Where Since goes", "Created at")
    expect(desk.main).to_contain_text("Which comes first, the day or the month?")
    wizard.choose("What comes first in Since", "Day first: 31/01/2026")
    # Clean: a value that is none of ours, blanks within a name.
    wizard.choose("What “VIP” becomes", "A, key")
    page.locator("#more-0 summary").click()
    wizard.check("clean-0", "collapse")
    preview = page.get_by_label("As it will look").get_by_role("row")
    expect(preview.nth(1)).to_contain_text(PUMPS)
    expect(preview.nth(1)).to_contain_text("800,000")
    expect(preview.nth(4).locator(".isbad")).to_have_text("-20")
    wizard.check("match", "phones")
    wizard.check("mode", "fill")
    desk.assert_fits()
    see(desk, f"{desk.path}/mapping")
    expect(page.locator("#mapping-text")).to_contain_text("created_at")
    desk.assert_accessible()
    page.go_back()
    # Try: nothing is written.
    wizard.dry_run()
    tried = facts(page)
    assert (tried["New customers"], tried["Left out"], tried["New contacts"]) == (3, 1, 2)
    expect(page.get_by_role("table", name="Left out")).to_contain_text("-20")
    with page.expect_download() as errors:
        page.get_by_role("link", name="These rows as a file").click()
    assert errors.value.suggested_filename == "fair-left-out.xlsx"
    done = wizard.run()
    assert facts(page) == tried
    # What was left out is mended and brought straight back.
    mended = workbook(
        tmp_path / "mended.xlsx", (("Wegfahrt Papier", "138 0571 7004", "B, normal"),)
    )
    page.set_input_files("#corrected", mended)
    page.get_by_role("button", name="Import the mended rows").click()
    expect(page.locator(".bar .btn-primary")).to_have_text("Import 1 row")
    second = wizard.run()
    # Two are one customer: found, side by side, and one again.
    see(desk, "/duplicates?entity=customer")
    page.get_by_role("button", name="Look through all records").click()
    pair = page.locator("tbody tr")
    for name in (PUMPS, f"{PUMPS}s"):
        pair = pair.filter(has=page.get_by_role("link", name=name, exact=True))
    deadline = time.monotonic() + 15
    while not pair.count():
        assert time.monotonic() < deadline, desk.main.inner_text()
        page.wait_for_timeout(300)
        see(desk, "/duplicates?entity=customer")
    desk.assert_accessible()
    pair.get_by_role("button", name="Merge").click()
    page.locator("form.mg .btn-primary").click()
    see(desk, FOUND)
    expect(page.locator("tbody tr[data-id]")).to_have_count(3)
    # Taken back: what was merged since is shown, and stays.
    for path in (second, done):
        see(desk, path)
        page.get_by_role("button", name="Undo").click()
        page.wait_for_url(re.compile("/changes/"))
    see(desk, FOUND)
    expect(page.locator("tbody tr[data-id]")).to_have_count(1)
    # Again: the columns are remembered, and both are found in the one they became.
    wizard = Wizard(desk, workbook(tmp_path / "again.xlsx"))
    expect(desk.main).to_contain_text("learnt from your last import")
    wizard.dry_run()
    assert facts(page)["New customers"] == 1
    wizard.run()
    see(desk, FOUND)
    page.locator("summary[aria-label='Export']").click()
    with page.expect_download() as export:
        page.locator(".menu a.mi", has_text="CSV").click()
    with Path(export.value.path()).open(encoding="utf-8-sig", newline="") as text:
        names = [row["Customer name"] for row in csv.DictReader(text)]
    assert sorted(names) == [PUMPS, "Wegfahrt Ventile"]
    desk.assert_content()
