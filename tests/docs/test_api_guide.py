"""The guide to the API: every example is run, in order, against the configuration that ships."""

import re
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from app.access.principal import SYSTEM
from app.database.pools import Pools
from app.errors import RequestError, TrellisError, Unavailable
from app.factory import create_app
from app.installation import Installation
from app.security.people import add_user
from app.services import open_services
from app.settings import read_settings
from tests.missing import missing

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct-horse-battery"
GUIDE = (ROOT / "docs" / "api.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```sh\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


def settings_for(url: str, data: Path):
    return read_settings(
        {
            "TRELLIS_CONFIG": str(ROOT / "config"),
            "TRELLIS_PLUGINS": str(ROOT / "plugins"),
            "TRELLIS_DATA": str(data),
            "TRELLIS_ADMIN_PASSWORD": PASSWORD,
            "DATABASE_URL": url,
        }
    )


@pytest.fixture
def served(database_url, tmp_path):
    """The address of an installation that ships, with its administrator and nothing else."""
    settings = settings_for(database_url, tmp_path / "var")
    pools = Pools(database_url)
    said: list[str] = []
    assert Installation(settings, pools).take_up(said.append), said
    pools.close()
    services = open_services(settings)
    add_user(
        services.records,
        login="admin",
        password=PASSWORD,
        roles=["admin"],
        values={"name": "Admin"},
        principal=SYSTEM,
    )
    server = make_server("127.0.0.1", 0, create_app(settings, services), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()
    services.close()


def test_every_example_of_the_guide_works(served, tmp_path):
    if shutil.which("curl") is None:
        missing("no curl: the examples of docs/api.md cannot be run")
    assert len(EXAMPLES) >= 9
    # Each call says its status beside what the guide shows; a comment says which one is meant.
    script = ["set -eu", f"URL={served}", f"PASSWORD={PASSWORD}"]
    script += ["curl() { command curl -w '\\n%{stderr}STATUS %{http_code}\\n' \"$@\"; }"]
    script += EXAMPLES
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    statuses = [int(one) for one in re.findall(r"STATUS (\d+)", done.stderr)]
    text = "\n".join(EXAMPLES)
    assert len(statuses) == text.count("curl -s"), done.stdout + done.stderr
    refused = [one for one in statuses if one >= 400]
    assert refused == [int(one) for one in re.findall(r"# (\d{3})$", text, re.MULTILINE)]
    outcomes = re.search(r'\{"rows":\[\{"action".*', done.stdout)
    assert outcomes is not None, done.stdout
    assert '"error"' not in outcomes.group()


def test_every_status_of_the_guide_is_an_error_of_ours():
    def below(kind: type[TrellisError]):
        yield kind
        for one in kind.__subclasses__():
            yield from below(one)

    told = {
        (int(status), code)
        for status, codes in re.findall(r"^\| (\d{3}) \| (.*?) \|", GUIDE, re.MULTILINE)
        for code in re.findall(r"`([a-z-]+)`", codes)
    }
    ours = {(one.status, one.code) for one in (*below(RequestError), Unavailable)}
    assert ours <= told
    statuses = {one.status for one in below(TrellisError)}
    assert {status for status, _ in told} >= statuses
