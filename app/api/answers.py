"""Writing answers: JSON bytes, the version as ETag, and every error in one shape."""

from __future__ import annotations

import errno
import logging
import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import orjson
import psycopg
from flask import Response, request
from werkzeug.exceptions import HTTPException

from app.api.requests import language
from app.database.pools import as_unavailable
from app.errors import PreconditionFailed, TooManyRequests, TrellisError, Unavailable
from app.records.conflicts import RecordConflict
from app.texts import Label, say

P = ParamSpec("P")
_log = logging.getLogger(__name__)

JSON = "application/json"
#: The disk is full, or this program's share of it.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def as_json(value: Any, status: int = 200) -> Response:
    """Return a JSON answer."""
    # A sentence is a dataclass; left to orjson it would be sent in every language at once.
    text = orjson.dumps(value, default=_plain, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    return Response(text, status, mimetype=JSON)


def _plain(value: Any) -> Any:
    if isinstance(value, Label):
        return value.in_language(language())
    return str(value)


def as_raw_json(text: bytes, status: int = 200, version: int | None = None) -> Response:
    """Return JSON that is bytes already; *version* becomes the ETag."""
    response = Response(text, status, mimetype=JSON)
    if version is not None:
        response.headers["ETag"] = f'"{version}"'
    return response


def answers(view: Callable[P, Response]) -> Callable[P, Response]:
    """Make a view answer every error in the API's shape."""

    @wraps(view)
    def answered(*args: P.args, **kwargs: P.kwargs) -> Response:
        try:
            return view(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the outermost layer of the API.
            return error_answer(error)

    return answered


def error_answer(error: Exception) -> Response:
    """Return the answer to an error; a bug of ours is logged and told by number only."""
    if isinstance(error, psycopg.Error):
        error = as_unavailable(error) or error
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        _log.error("the disk is full: %s", error.strerror)
        error = Unavailable(
            say(
                "There is no room on the disk for this. Nothing was saved.",
                "磁盘空间不足，未保存任何内容。",
            ),
            retry_after=60,
        )
    if isinstance(error, TrellisError):
        return _told(error)
    if isinstance(error, HTTPException):
        return _http(error)
    return _bug(error)


def _told(error: TrellisError) -> Response:
    if isinstance(error, RecordConflict) and "If-Match" in request.headers:
        status, code = PreconditionFailed.status, PreconditionFailed.code
    else:
        status, code = error.status, error.code
    shape = error.as_json(language())
    found: dict[str, Any] = shape["error"]  # type: ignore[assignment]
    found["code"] = code
    if isinstance(error, RecordConflict):
        found["conflict"] = {"version": error.version, "fields": error.differing}
    response = as_json(shape, status)
    if isinstance(error, Unavailable | TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, RecordConflict):
        response.headers["ETag"] = f'"{error.version}"'
    return response


_CODES = {
    400: ("malformed", say("The request cannot be read.", "无法读懂这个请求。")),
    404: ("not-found", say("There is nothing at this address.", "这个地址没有内容。")),
    405: (
        "method-not-allowed",
        say("This cannot be done at this address.", "这个地址不支持此操作。"),
    ),
    413: ("too-large", say("The request is too large.", "请求过大。")),
    415: ("unsupported-media-type", say("Send the body as JSON.", "请以 JSON 发送请求体。")),
}


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    code, sentence = _CODES.get(status, ("malformed", Label({"en": str(error.description)})))
    if error.response is not None:
        return error.response  # type: ignore[return-value]
    answer = as_json({"error": {"code": code, "message": sentence}}, status)
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            answer.headers[name] = value
    return answer


def _bug(error: Exception) -> Response:
    number = secrets.token_hex(6)
    _log.error("error %s at %s %s", number, request.method, request.path, exc_info=error)
    sentence = say(
        "Something went wrong on our side; it is recorded under {number}.",
        "系统出错了，已记录，编号 {number}。",
        number=number,
    )
    return as_json({"error": {"code": "general", "message": sentence, "number": number}}, 500)
