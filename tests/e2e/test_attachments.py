"""Files on a record's page: chosen, dropped, refused, taken off."""

from playwright.sync_api import expect

from tests.e2e.desk import Desk

DROP = """(list) => {
  const data = new DataTransfer();
  data.items.add(new File(["second"], "second.txt", { type: "text/plain" }));
  data.items.add(new File(["MZ"], "run.exe"));
  list.dispatchEvent(new DragEvent("dragover", { dataTransfer: data, bubbles: true, cancelable: true }));
  const over = list.classList.contains("dropping");
  list.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  return over;
}"""


def test_files_are_chosen_dropped_and_taken_off(trellis, new_page):
    desk = Desk(new_page(), trellis, "chen.wei")
    desk.open("/crm/customer/?view=mine")
    href = desk.page.locator("tbody a[href^='/crm/customer/']").first.get_attribute("href")
    desk.open(href)
    files = desk.page.locator("#files")
    plan = {"name": "plan.txt", "mimeType": "text/plain", "buffer": b"first"}
    files.locator("input[type=file]").set_input_files([plan])
    expect(files.locator("li a")).to_have_text(["plan.txt"])
    expect(files.locator("h2 .count")).to_have_text("1")

    assert files.locator("[data-upload]").evaluate(DROP)
    expect(files.locator("li a")).to_have_text(["plan.txt", "second.txt"])
    expect(files.locator("li.err")).to_contain_text("Files ending in .exe are not taken")
    expect(files.locator("h2 .count")).to_have_text("2")
    expect(files.locator(".dropping")).to_have_count(0)

    with desk.leaving():
        files.locator("li", has_text="plan.txt").locator("button").click()
    expect(desk.toast()).to_contain_text("The file is off this record")
    expect(files.locator("li a")).to_have_text(["second.txt"])
    expect(desk.page.locator("#timeline")).to_contain_text("attached a file")
    desk.assert_content()
    desk.page.set_viewport_size({"width": 375, "height": 812})
    desk.open(href)
    desk.assert_fits()
