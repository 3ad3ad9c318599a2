"""Reading requests: who asks, the JSON they sent, the parameters of the URL."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn

from flask import current_app, request

from app.access.principal import Principal
from app.errors import Malformed, PreconditionFailed, RequestError
from app.services import Services
from app.texts import say

#: Numbers longer than this are nobody's id or amount; reading them costs quadratic time.
LONGEST_NUMBER = 60


class UnsupportedMediaType(RequestError):
    """The body is of a type that is not read here."""

    code = "unsupported-media-type"
    status = 415
    default_message = say(
        "Send the body as JSON, with `Content-Type: application/json`.",
        "请以 JSON 发送请求体，并设置 `Content-Type: application/json`。",
    )


def services() -> Services:
    """Return what the process works with."""
    return current_app.extensions["trellis"]  # type: ignore[no-any-return]


def asker() -> Principal:
    """Return who sends the request.

    Raises:
        NotAuthenticated: nobody does.
    """
    return services().identity.signed_in(request)


def once_key() -> str | None:
    """Return the key under which a request counts once, with the person's number before it."""
    given = request.headers.get("Idempotency-Key", "").strip()
    return f"{asker().user_id}:{given[:200]}" if given else None


def language() -> str:
    """Return the language of sentences: what the program asks for, else English."""
    return request.accept_languages.best_match(("en", "zh")) or "en"


def body() -> dict[str, Any]:
    """Return the JSON object that was sent; exact numbers are decimals.

    Raises:
        UnsupportedMediaType: it is not said to be JSON.
        Malformed: it is not JSON, names a key twice, or is no object.
    """
    value = any_body()
    if not isinstance(value, dict):
        raise Malformed(say("The body must be a JSON object.", "请求体应为 JSON 对象。"))
    return value


def any_body() -> Any:
    """Return the JSON value that was sent."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    try:
        return json.loads(
            request.get_data(cache=False),
            object_pairs_hook=_object,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_no_constant,
        )
    except (ValueError, RecursionError) as error:
        raise Malformed(
            say(
                "The body is not JSON: {problem}.",
                "请求体不是有效的 JSON：{problem}。",
                problem=str(error) if isinstance(error, ValueError) else "too deep",
            )
        ) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _decimal(text: str) -> Decimal:
    if len(text) > LONGEST_NUMBER:
        raise ValueError("a number is too long")
    return Decimal(text)


def _integer(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise ValueError("a number is too long")
    return int(text)


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def parameters(known: frozenset[str]) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the URL's parameters: those that are *known*, and the others as field shortcuts.

    A shortcut that stands several times becomes a list (any of them), an empty one None.

    Raises:
        Malformed: a known parameter stands twice.
    """
    named: dict[str, str] = {}
    fields: dict[str, Any] = {}
    for name, values in request.args.lists():
        if name in known:
            if len(values) > 1:
                raise Malformed(
                    say(
                        "The parameter `{name}` stands twice.",
                        "参数“{name}”重复出现。",
                        name=name,
                    )
                )
            named[name] = values[0]
        elif len(values) > 1:
            fields[name] = values
        else:
            fields[name] = values[0] if values[0] != "" else None
    return named, fields


def only(named: Mapping[str, str], fields: Mapping[str, Any], allowed: str) -> Mapping[str, str]:
    """Return the known parameters where no others may stand.

    Raises:
        Malformed: there is another.
    """
    if fields:
        raise Malformed(
            say(
                "There is no parameter `{name}` here. Known are {allowed}.",
                "这里没有参数“{name}”。可用参数：{allowed}。",
                name=next(iter(fields))[:60],
                allowed=allowed,
            )
        )
    return named


def record_id(text: str) -> int:
    """Read the number of a record in a path; what is no number is no record.

    Raises:
        NotFound: it cannot be the number of a record.
    """
    from app.errors import NotFound

    if not text.isascii() or not text.isdigit() or len(text) > 18 or int(text) == 0:
        raise NotFound
    return int(text)


def expected_version() -> int | None:
    """Return the version in ``If-Match``; None where anything goes.

    Raises:
        PreconditionFailed: it is not a version of ours, so it cannot be the record's.
    """
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    tag = header.strip().removeprefix("W/").strip('"')
    if not tag.isascii() or not tag.isdigit() or len(tag) > 9:
        raise PreconditionFailed(
            say(
                'If-Match must hold the ETag of the record, a version such as "3".',
                'If-Match 应为记录的 ETag，即形如 "3" 的版本号。',
            )
        )
    return int(tag)
