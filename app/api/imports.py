"""Imports over HTTP: a file is sent, looked at, tried, and then run by the workers."""

from __future__ import annotations

import json
import tempfile
from typing import Any

from flask import Response, request, send_file
from flask_appbuilder.api import BaseApi, expose

from app.api.answers import answers, as_json
from app.api.requests import asker, body, language, only, parameters, record_id, services
from app.errors import InvalidInput, Malformed
from app.jobs.beginning import begin_import
from app.texts import say
from app.transfer.error_files import write_errors
from app.transfer.import_run import Run
from app.transfer.mappings import as_mapping, name_for
from app.transfer.plans import changed_plan
from app.transfer.tallies import Tally
from app.transfer.uploads import SHAPE

#: Faults that are named in the answer to a dry run.
_SHOWN = 1_000
#: Rows that are read to say what is in the columns.
_LOOKED_AT = 1_000


class ImportApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/imports``."""

    route_base = "/api/v1/imports"
    resource_name = "imports"
    csrf_exempt = False
    openapi_spec_tag = "Imports"

    @expose("/", methods=["POST"])
    @answers
    def begin(self) -> Response:
        """Keep a file with the plan it suggests; nothing is imported yet."""
        principal = asker()
        sent, entity = request.files.get("file"), request.form.get("entity", "")
        if sent is None or not sent.filename:
            sentence = say(
                "Send the file as multipart/form-data, in the part `file`.",
                "请以 multipart/form-data 上传，文件部分名为 file。",
            )
            raise InvalidInput({"file": [sentence]})
        chosen = {name: request.form[name] for name in SHAPE if request.form.get(name)}
        imports = services().imports
        said = _plan_sent()
        run = imports.add(principal, entity, sent.stream, sent.filename, **chosen)
        if said is not None:
            run = _changed(principal, run, said)
        look = imports.look(principal, run)
        told = run.as_json() | {
            "headings": list(look.columns),
            "samples": [[str(c) if c is not None else None for c in row.values]
                        for row in look.samples[:5]],
        }  # fmt: skip
        return as_json(told, 201)

    @expose("/", methods=["GET"])
    @answers
    def listed(self) -> Response:
        """Return one's latest imports."""
        principal = asker()
        only(*parameters(frozenset()), "")
        found = services().imports.listed(principal)
        return as_json({"rows": [run.as_json() for run in found]})

    @expose("/<number>", methods=["GET"])
    @answers
    def get(self, number: str) -> Response:
        """Return how far an import is."""
        return as_json(services().imports.get(asker(), record_id(number)).as_json())

    @expose("/<number>", methods=["PATCH"])
    @answers
    def change(self, number: str) -> Response:
        """Choose what an import is to do, before it begins."""
        principal = asker()
        imports = services().imports
        run, said = imports.get(principal, record_id(number)), body()
        if isinstance(said, dict) and "shape" in said:
            if not isinstance(said["shape"], dict):
                raise InvalidInput({"shape": [say("It is an object.", "应为对象。")]})
            run = imports.reshape(principal, run.id, said["shape"])
            said = {name: value for name, value in said.items() if name != "shape"}
        return as_json((_changed(principal, run, said) if said else run).as_json())

    @expose("/<number>/columns", methods=["GET"])
    @answers
    def columns(self, number: str) -> Response:
        """Return the columns of a file: where they go, what is in them, what cannot be read."""
        principal = asker()
        only(*parameters(frozenset()), "")
        return as_json(surveyed(principal, services().imports.get(principal, record_id(number))))

    @expose("/<number>/mapping", methods=["GET"])
    @answers
    def mapping(self, number: str) -> Response:
        """Return how the file is read as a file of the configuration; nothing is written."""
        principal = asker()
        given = only(*parameters(frozenset({"name"})), "name")
        run = services().imports.get(principal, record_id(number))
        name = given.get("name") or name_for(run.plan, run.name)
        kept = as_mapping(services().live.release.catalog, run.plan, name)
        return as_json({"file": kept.file, "text": kept.text})

    @expose("/<number>/corrected", methods=["POST"])
    @answers
    def correct(self, number: str) -> Response:
        """Keep a mended file of the rows that were left out, to be imported as the first was."""
        principal = asker()
        sent = request.files.get("file")
        if sent is None or not sent.filename:
            raise InvalidInput({"file": [say("Choose a file.", "请选择文件。")]})
        imports = services().imports
        run = imports.correct(principal, record_id(number), sent.stream, sent.filename)
        return as_json(run.as_json(), 201)

    @expose("/<number>/dry-run", methods=["POST"])
    @answers
    def dry_run(self, number: str) -> Response:
        """Return what would become of the rows; nothing is written."""
        principal = asker()
        imports = services().imports
        run = imports.get(principal, record_id(number))
        return as_json(tried(imports.dry_run(principal, run)))

    @expose("/<number>/start", methods=["POST"])
    @answers
    def start(self, number: str) -> Response:
        """Let an import begin, or go on after a pause."""
        run = services().imports.start(asker(), record_id(number))
        begin_import(services().settings.redis_url, run.id)
        return as_json(run.as_json(), 202)

    @expose("/<number>/pause", methods=["POST"])
    @answers
    def pause(self, number: str) -> Response:
        """Let an import stop after the rows it is at."""
        return as_json(services().imports.pause(asker(), record_id(number)).as_json(), 202)

    @expose("/<number>/cancel", methods=["POST"])
    @answers
    def cancel(self, number: str) -> Response:
        """End an import; what was written stays."""
        return as_json(services().imports.cancel(asker(), record_id(number)).as_json(), 202)

    @expose("/<number>/errors", methods=["GET"])
    @answers
    def errors(self, number: str) -> Response:
        """Return the rows that were left out, as a file like the one they came in."""
        principal = asker()
        return error_file(principal, record_id(number), language())


def _plan_sent() -> Any:
    """Return the plan that came with a file, read before the file is kept; None: none came."""
    if not request.form.get("plan"):
        return None
    try:
        said = json.loads(request.form["plan"])
    except (ValueError, RecursionError) as error:
        raise Malformed(_no_plan()) from error
    if not isinstance(said, dict):
        raise Malformed(_no_plan())
    return said


def _no_plan() -> Any:
    return say("`plan` is a JSON object.", "plan 应为 JSON 对象。")


def error_file(principal: Any, number: int, spoken: str) -> Response:
    """Return the file of what was left out."""
    imports = services().imports
    run = imports.get(principal, number)
    target = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the answer that sends it.
    faults = imports.faults(principal, run.id)
    columns = imports.look(principal, run).columns
    ending = write_errors(target, run.plan.shape.kind, columns, faults, spoken)
    target.seek(0)
    stem = run.name.rpartition(".")[0] or run.name
    response = send_file(target, as_attachment=True, download_name=f"{stem}-left-out.{ending}")
    response.headers["Cache-Control"] = "private, no-store"
    return response


def surveyed(principal: Any, run: Run) -> dict[str, Any]:
    """Return what is in the columns of a file."""
    imports = services().imports
    spoken = language()
    look = imports.look(principal, run)
    found = imports.survey(principal, run, run.plan, _LOOKED_AT)
    ways = imports.uploads.ways(run.sha256, run.plan.shape)
    columns = []
    for match in look.matches:
        held = found.columns.get(match.column)
        columns.append(
            {
                "column": match.column,
                "field": run.plan.columns.get(match.column),
                "known_by": match.by,
                "filled": held.filled if held else None,
                "unread": [
                    {"value": one.value, "count": one.count,
                     "message": one.sentence.in_language(spoken)}
                    for one in (held.unread.values() if held else ())
                ],
            }
        )  # fmt: skip
    return {
        "columns": columns,
        "dates": imports.uploads.orders(imports.uploads.path(run.sha256), run.plan),
        "looked_at": found.looked_at,
        "passed_over": found.passed,
        "members": list(ways.members),
        "sheets": list(ways.sheets),
        "encodings": list(ways.encodings),
    }


def tried(tally: Tally) -> dict[str, Any]:
    """Return what a dry run found as the API writes it."""
    spoken = language()
    return {
        "counts": tally.counts,
        "others": tally.others,
        "samples": tally.samples,
        "alike": tally.alike,
        "is_compared": tally.is_compared,
        "faults": [
            {
                "row": fault.row,
                "reasons": [
                    {
                        "column": reason.column,
                        "field": reason.field,
                        "message": reason.sentence.in_language(spoken),
                    }
                    for reason in fault.reasons
                ],
            }
            for fault in tally.faults[:_SHOWN]
        ],
    }


def _changed(principal: Any, run: Run, said: Any) -> Run:
    if not isinstance(said, dict):
        raise Malformed(say("The plan is a JSON object.", "计划应为 JSON 对象。"))
    imports = services().imports
    plan = changed_plan(services().live.release.catalog, run.plan, said)
    return imports.change(principal, run.id, plan)
