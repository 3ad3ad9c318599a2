"""The page that keeps how a file was read: the mapping as a file of the configuration.

Who may change the configuration takes it to the setup page, where it is checked and applied like
anything typed there; others hand the text to somebody who may.
"""

from __future__ import annotations

from typing import Any

from flask import request

from app.configuration_files import fingerprint_of
from app.definitions.load import Loaded
from app.errors import InvalidInput, text_in
from app.screens.import_columns import first_sentence
from app.screens.imports import common, import_page
from app.screens.setup import Typed, setup_page
from app.screens.visit import Visit
from app.security.manager import require_admin
from app.texts import say
from app.transfer.import_run import Run
from app.transfer.mappings import as_mapping, name_for


def mapping_page(visit: Visit, number: int) -> Any:
    """Show the mapping of an import as a file; on POST open it on the setup page, unsaved."""
    run = visit.core.imports.get(visit.principal, number)
    name = request.values.get("name", "").strip()[:60] or name_for(run.plan, run.name)
    if request.method in ("GET", "HEAD"):
        return _shown(visit, run, name)
    require_admin(visit.principal)
    try:
        kept = as_mapping(visit.catalog, run.plan, name)
        seen = _seen(visit, run, kept.file)
    except InvalidInput as error:
        return _shown(visit, run, name, text_in(_sentence(error), visit.language))
    return setup_page(visit, typed=Typed(kept.file, kept.text, seen))


def _seen(visit: Visit, run: Run, file: str) -> str:
    """Return what tells the file that is there, if it is the one this plan came from."""
    loaded: Loaded = visit.screens.configuration.loaded()
    if file not in loaded.files:
        return ""
    own = visit.catalog.imports.get(run.plan.mapping or "")
    if own is None or own.place is None or own.place.file != file:
        sentence = say(
            "There is a mapping in {file} already. Choose another name.",
            "{file} 已有映射，请换一个名称。",
            file=file,
        )
        raise InvalidInput({"name": [sentence]})
    return fingerprint_of(loaded.files[file])


def _sentence(error: InvalidInput) -> Any:
    return next(one for many in error.fields.values() for one in many)


def _shown(visit: Visit, run: Run, name: str, error: str = "") -> Any:
    try:
        kept = as_mapping(visit.catalog, run.plan, name)
    except InvalidInput as refused:
        kept, error = None, error or first_sentence(visit, refused)
    view = common(visit, run) | {
        "name": name,
        "kept": kept,
        "error": error,
        "may_save": visit.policy.is_admin,
        "has_always": bool(run.plan.always),
    }
    return visit.render("import_mapping.html", page=import_page(visit, run), view=view)
