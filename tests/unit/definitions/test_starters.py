"""What a new file begins with is right as it stands, in the configuration that ships and in none."""

from __future__ import annotations

from pathlib import Path

from app.definitions.folder import read_folder
from app.definitions.load import load_files
from app.definitions.starters import STARTERS

CONFIG = Path(__file__).resolve().parents[3] / "config"


def test_every_starter_is_right_as_it_stands(types):
    files, problems = read_folder(CONFIG)
    assert not problems
    loaded = load_files(files, types)
    assert loaded.catalog is not None
    small = {"app.yaml": "name: Small\nlanguages: [en]\n"}
    small |= {"entities/thing.yaml": "entity: thing\ntitle: name\nfields: {name: {type: text}}\n"}
    few = load_files(small, types)
    assert few.catalog is not None
    for kind, starter in STARTERS.items():
        path = starter.path("brand_new")
        if kind == "extend":
            assert "user" in starter.written("brand_new", few.catalog)
            continue
        for known, whole in ((loaded, files), (few, small)):
            draft = {**whole, path: starter.written("brand_new", known.catalog)}
            found = load_files(draft, types, previous=known)
            told = [str(one) for one in found.problems if one.place.file == path]
            assert told == [], kind
            assert found.catalog is not None
