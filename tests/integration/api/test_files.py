"""Files over HTTP: what is taken, under which name, how it is sent, and to whom."""

import io
import os

import pytest

from app.database import system
from app.records.files import LARGEST
from tests.integration.api.world import PREFIX, assert_api_error

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def attached(world, who="sam", number=1, name="note.txt", content=b"hello"):
    """Upload a file, name it in a customer, return its number."""
    file = world.as_(who).uploaded(name, content).json["id"]
    response = world.as_(who).patch(f"/customer/{number}", {"files": [file]})
    assert response.status_code == 200, response.text
    return file


def test_a_file_is_kept_and_given_back(world):
    sam = world.as_("sam")
    response = sam.uploaded("Bericht 报告.txt", b"content")
    assert response.status_code == 201
    kept = response.json
    assert (kept["name"], kept["type"], kept["size"]) == ("Bericht 报告.txt", "text/plain", 7)
    assert response.headers["Location"] == f"/api/v1/files/{kept['id']}"
    back = sam.get(f"/files/{kept['id']}")
    assert back.data == b"content"
    assert back.headers["X-Content-Type-Options"] == "nosniff"
    assert back.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert back.headers["Content-Disposition"].startswith("attachment;")
    assert "UTF-8''Bericht%20%E6%8A%A5%E5%91%8A.txt" in back.headers["Content-Disposition"]
    assert "no-store" in back.headers["Cache-Control"]


def test_u5_a8_a_file_is_for_who_may_read_its_record(world):
    file = world.as_("sam").uploaded().json["id"]
    # Nobody's but its uploader's, as long as no record names it.
    for name in ("mia", "tom", "aud"):
        assert_api_error(world.as_(name).get(f"/files/{file}"), 404, "not-found")
    world.as_("sam").patch("/customer/1", {"files": [file]})
    assert world.as_("mia").get(f"/files/{file}").status_code == 200
    assert_api_error(world.as_("tom").get(f"/files/{file}"), 404, "not-found")
    assert_api_error(world.anybody().get(f"/files/{file}"), 401, "not-signed-in")
    missing = world.as_("tom").get("/files/99999")
    hidden = world.as_("tom").get(f"/files/{file}")
    assert (missing.status_code, missing.text) == (hidden.status_code, hidden.text)
    assert world.browser("tom").ask("GET", f"/files/{file}").status_code == 404
    assert world.browser("mia").ask("GET", f"/files/{file}").status_code == 200


def test_u5_a_file_of_a_deleted_record_is_gone(world):
    mia = world.as_("mia")
    number = mia.made("customer", name="Short")["id"]
    file = attached(world, "mia", number)
    assert mia.delete(f"/customer/{number}").status_code == 204
    assert_api_error(mia.get(f"/files/{file}"), 404, "not-found")


def test_somebody_elses_upload_cannot_be_taken(world):
    file = world.as_("tom").uploaded().json["id"]
    response = world.as_("sam").patch("/customer/1", {"files": [file]})
    assert_api_error(response, 422, "invalid-input", "files")


@pytest.mark.parametrize(
    "name",
    ["a.html", "a.svg", "a.php", "a.pHaR", "a.EXE", "a.js", "a.txt.html", "a.xhtml", "a", "a.",
     ".htaccess", "a.txt\u202elmth.html"],
)  # fmt: skip
def test_u1_what_could_run_is_not_taken(shared, name):
    response = shared.as_("sam").uploaded(name, b"<script>alert(1)</script>")
    assert_api_error(response, 422, "invalid-input", "file", says="are not taken")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.pdf", "a.zip", "a.gif", "a.webp"])
def test_u1_nor_what_only_says_it_is_harmless(shared, name):
    response = shared.as_("sam").uploaded(name, b"<html><script>alert(1)</script>")
    assert_api_error(response, 422, "invalid-input", "file", says="not what its name says")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\windows\\x.txt", "x.txt"),
        ("a\0b.txt", "ab.txt"),
        ("\u202etxt.exe.txt", "txt.exe.txt"),
        ("x" * 300 + ".txt", "x" * 150 + ".txt"),
        ("CON.txt", "CON.txt"),
        ("a\r\nX-Evil: 1.txt", "aX-Evil: 1.txt"),
    ],
)
def test_u2_a_name_is_a_text_and_never_a_path(shared, name, kept):
    from app.records.files import clean_name

    assert clean_name(name) == kept
    if any(sign in name for sign in "\0\r\\"):
        # The client's own way of writing these into a form would change them.
        return
    made = shared.as_("sam").uploaded(name).json
    assert made["name"] == kept
    folder = shared.services.settings.data / "files"
    names = [path.name for path in folder.rglob("*") if path.is_file()]
    assert all(len(one) == 64 for one in names)


def test_u3_only_pictures_are_shown_in_the_page(shared):
    sam = shared.as_("sam")
    shown = sam.get(f"/files/{sam.uploaded('a.png', PNG).json['id']}")
    assert shown.headers["Content-Disposition"].startswith("inline")
    text = sam.get(f"/files/{sam.uploaded('a.txt').json['id']}")
    assert text.headers["Content-Disposition"].startswith("attachment")
    for response in (shown, text):
        assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


class Endless(io.RawIOBase):
    """A stream that would go on for a hundred megabytes; remembers how much was taken."""

    SIZE = 100 * 1024 * 1024

    def __init__(self):
        self.taken = self.at = 0

    def readable(self):
        return True

    def seekable(self):
        return False

    def tell(self):
        return self.at

    def seek(self, offset, whence=0):
        self.at = self.SIZE if whence == 2 else offset
        return self.at

    def readinto(self, buffer):
        if self.taken > self.SIZE:
            return 0
        self.taken += len(buffer)
        buffer[:] = b"x" * len(buffer)
        return len(buffer)


def test_u4_too_much_is_refused_before_it_is_all_there(shared):
    over = shared.as_("sam").uploaded("a.txt", b"x" * (LARGEST + 1))
    assert_api_error(over, 422, "invalid-input", "file", says="20 MB")
    stream = Endless()
    response = shared.as_("sam").ask(
        "POST",
        f"{PREFIX}/files/",
        input_stream=stream,
        content_type="multipart/form-data; boundary=x",
    )
    assert_api_error(response, 413, "too-large")
    assert stream.taken <= 1024 * 1024


def test_u6_two_files_of_one_name_are_both_kept(world):
    sam = world.as_("sam")
    one, two = (sam.uploaded("a.txt", content).json["id"] for content in (b"one", b"two"))
    assert one != two
    assert [sam.get(f"/files/{number}").data for number in (one, two)] == [b"one", b"two"]


def test_u7_an_upload_that_breaks_off_leaves_nothing(world):
    sam = world.as_("sam")
    before = world.system_rows(system.file)
    cut = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n'
        b"Content-Type: text/plain\r\n\r\nhalf of it"
    )
    response = sam.ask(
        "POST", f"{PREFIX}/files/", data=cut, content_type="multipart/form-data; boundary=x"
    )
    assert response.status_code in (400, 422), response.text
    assert world.system_rows(system.file) == before
    folder = world.services.settings.data / "files"
    assert not folder.exists() or not list(filter(os.path.isfile, folder.rglob("*")))


@pytest.mark.parametrize(
    "said",
    [{"data": b"", "content_type": "application/json"}, {"data": {}}, {"data": {"file": "text"}},
     {"data": {"other": (io.BytesIO(b"x"), "a.txt")}}, {"data": {"file": (io.BytesIO(b""), "a.txt")}},
     {"data": b"nonsense", "content_type": "multipart/form-data"}],
)  # fmt: skip
def test_an_upload_that_cannot_be_read(shared, said):
    response = shared.as_("sam").ask("POST", f"{PREFIX}/files/", **said)
    assert_api_error(response, 422, "invalid-input", "file")
