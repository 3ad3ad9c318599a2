"""Files on records over HTTP: upload first, then attach by number; fetched like any file."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_appbuilder.api import BaseApi, expose

from app.api.answers import answers, as_json
from app.api.bodies import check_keys, is_id
from app.api.former import asked_now
from app.api.requests import asker, body, only, parameters, record_id, services
from app.errors import InvalidInput
from app.records.attaching import MOST, Attachment
from app.texts import say


class AttachmentApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/<entity>/<id>/attachments``."""

    route_base = "/api/v1"
    resource_name = "attachments"
    csrf_exempt = False
    openapi_spec_tag = "Records"

    @expose("/<entity>/<number>/attachments", methods=["GET"])
    @answers
    def list(self, entity: str, number: str) -> Response:
        """Return the files on a record, the oldest first."""
        principal = asker()
        only(*asked_now(principal, entity, *parameters(frozenset())), "")
        found = services().records.attachments(principal, entity, record_id(number))
        return as_json({"rows": [_attachment(one) for one in found]})

    @expose("/<entity>/<number>/attachments", methods=["POST"])
    @answers
    def attach(self, entity: str, number: str) -> Response:
        """Put files that the asker has uploaded on a record; return all that it has now."""
        principal = asker()
        sent = body()
        check_keys(sent, {"files"})
        files = sent.get("files")
        if not isinstance(files, list) or not files or not all(is_id(one) for one in files):
            raise InvalidInput({"files": [_numbers()]})
        found = services().records.attach(principal, entity, record_id(number), files)
        return as_json({"rows": [_attachment(one) for one in found]}, 201)

    @expose("/<entity>/<number>/attachments/<file>", methods=["DELETE"])
    @answers
    def detach(self, entity: str, number: str, file: str) -> Response:
        """Take a file off a record."""
        services().records.detach(asker(), entity, record_id(number), record_id(file))
        return Response(status=204)


def _attachment(one: Attachment) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "type": one.type,
        "size": one.size,
        "uploaded_by": one.uploaded_by,
        "uploaded_at": one.uploaded_at,
    }


def _numbers() -> Any:
    return say(
        "`files` is a list of 1 to {most} numbers of files that you have uploaded.",
        "files 应为 1 至 {most} 个已上传文件的编号列表。",
        most=MOST,
    )
