"""The watcher: nothing that is saved is missed, whenever that is."""

from __future__ import annotations

import pytest

from app.watcher import follow


class Enough(Exception):
    """Ends the watching."""


def test_what_is_saved_before_the_watching_has_begun_is_taken_up(tmp_path):
    file = tmp_path / "lead.yaml"
    file.write_text("entity: lead\n")
    seen = []

    def take_up():
        seen.append(file.read_text())
        if seen[-1] != "entity: lead\n":
            raise Enough
        # Read, but not yet watched.
        file.write_text("entity: lead\nlabel: Lead\n")
        return True

    with pytest.raises(Enough):
        follow(tmp_path, take_up, retry_ms=50)
    assert len(seen) == 2


def test_what_could_not_be_taken_up_is_tried_again_by_itself(tmp_path):
    seen = []

    def take_up():
        seen.append(None)
        if len(seen) == 4:
            raise Enough
        return False

    with pytest.raises(Enough):
        follow(tmp_path, take_up, retry_ms=50)
