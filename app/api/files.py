"""Files over HTTP: upload first, then name the number in a record; fetch by who may read that."""

from __future__ import annotations

from flask import Response, request, send_file
from flask_appbuilder.api import BaseApi, expose

from app.api.answers import answers, as_json
from app.api.requests import asker, record_id, services
from app.errors import InvalidInput
from app.records.files import SHOWN, StoredFile
from app.texts import say


class FileApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/files``."""

    route_base = "/api/v1/files"
    resource_name = "files"
    csrf_exempt = False
    openapi_spec_tag = "Files"

    @expose("/", methods=["POST"])
    @answers
    def upload(self) -> Response:
        """Keep a file; it is its uploader's alone until a record that names it is saved."""
        principal = asker()
        sent = request.files.get("file")
        if sent is None or not sent.filename:
            raise InvalidInput(
                {
                    "file": [
                        say(
                            "Send the file as multipart/form-data, in the part `file`.",
                            "请以 multipart/form-data 上传，文件部分名为 file。",
                        )
                    ]
                }
            )
        kept = services().records.add_file(principal, sent.stream, sent.filename)
        response = as_json(described(kept), 201)
        response.headers["Location"] = f"/api/v1/files/{kept.id}"
        return response

    @expose("/<number>", methods=["GET"])
    @answers
    def download(self, number: str) -> Response:
        """Return the content, to whoever may read the record and field it belongs to."""
        return sent_file(services().records.get_file(asker(), record_id(number)))


def described(kept: StoredFile) -> dict[str, object]:
    """Return a file as the API shows it."""
    return {"id": kept.id, "name": kept.name, "type": kept.type, "size": kept.size}


def sent_file(kept: StoredFile) -> Response:
    """Return a file so that no browser runs anything in it."""
    shown = kept.type in SHOWN
    response = send_file(
        kept.path,
        mimetype=kept.type,
        as_attachment=not shown,
        download_name=kept.name,
        conditional=True,
        etag=False,
    )
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response
