"""The demo as `trellis run` makes it on its first start, made once a run and copied."""

from __future__ import annotations

import io
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

from app.preparation import prepare
from app.settings import Settings, read_settings
from tests.running import PASSWORD, ROOT

#: The name of the template.
DEMO = "demo"


def demo_settings(url: str, data: Path) -> Settings:
    """Return the settings of an installation with the configuration that ships."""
    return read_settings(
        {
            "TRELLIS_CONFIG": str(ROOT / "config"),
            "TRELLIS_DATA": str(data),
            "TRELLIS_ADMIN_PASSWORD": PASSWORD,
            "DATABASE_URL": url,
        }
    )


def build_demo(url: str) -> None:
    """Do what a first start does before it serves."""
    said = io.StringIO()
    with tempfile.TemporaryDirectory() as data, redirect_stdout(said):
        assert prepare(demo_settings(url, Path(data)))
    # Not in part.
    assert " records are there to be looked at." in said.getvalue(), said.getvalue()
