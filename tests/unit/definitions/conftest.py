"""What the tests of the definitions share."""

import os
from pathlib import Path

import pytest

from app.fields.base import FieldTypes
from app.fields.registry import builtin_types

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def types() -> FieldTypes:
    return FieldTypes({one.name: one for one in builtin_types()})


@pytest.fixture(scope="session")
def shipped(types):
    """The files of the configuration that ships."""
    from app.definitions.folder import read_folder

    files, problems = read_folder(ROOT / "config")
    assert problems == []
    return files


@pytest.fixture(scope="session")
def good(types, shipped):
    """The shipped configuration, read once for all that go on from there."""
    from app.definitions.load import load_files

    return load_files(shipped, types)


@pytest.fixture
def update_expected() -> bool:
    """Whether expected files are written anew: UPDATE_EXPECTED=1 pytest …"""
    return os.environ.get("UPDATE_EXPECTED") == "1"
