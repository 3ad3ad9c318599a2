"""Old names over HTTP: a request that uses them is answered, and told so by a header.

What `was:` says something was called is put into today's name before a view sees it; the answer
has today's names and ``Deprecation: true``. Which names those are is for `records.former` to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, current_app, g

from app.access.principal import Principal
from app.api.mistakes import is_api
from app.api.requests import services
from app.records.former import FormerNames

#: Parameters that list names of fields.
_LISTS = ("fields", "sort", "expand", "group_by", "measures")


def register_former_names() -> None:
    """Let addresses with a former entity lead to it, and mark answers to former names."""
    current_app.url_value_preprocessor(_read_address)
    current_app.after_request(_marked)


def _read_address(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    if values and "entity" in values and is_api():
        former = services().live.release.catalog.former
        values["entity"] = _noted(values["entity"], former.get(values["entity"], values["entity"]))


def _marked(response: Response) -> Response:
    """Mark an answer; a refusal is not marked, so that nobody can try names out."""
    if is_api() and g.get("former_names") and response.status_code < 400:
        response.headers["Deprecation"] = "true"
    return response


def asked_now(
    principal: Principal, entity: str, named: Mapping[str, str], fields: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the parameters of a question, known ones and shortcuts, in today's names."""
    names = _names(principal)
    if names is None:
        return dict(named), dict(fields)
    found = dict(named)
    for key in _LISTS:
        if key in found:
            found[key] = names.names(entity, found[key]) or ""
    if "filter" in found:
        found["filter"] = names.expression(entity, found["filter"]) or ""
    return _noted(dict(named), found), _noted(dict(fields), names.shortcuts(entity, fields))


def values_now(principal: Principal, entity: str, raw: dict[str, Any]) -> dict[str, Any]:
    """Return a record's values in today's names."""
    names = _names(principal)
    return raw if names is None else _noted(raw, names.values(entity, raw))


def batch_now(
    principal: Principal, entity: str, operations: list[Any], key: str | None
) -> tuple[list[Any], str | None]:
    """Return the writes of a batch and the field records are known by, in today's names."""
    names = _names(principal)
    if names is None:
        return operations, key
    found = [
        {**one, "values": names.values(entity, one["values"])}
        if isinstance(one, dict) and isinstance(one.get("values"), dict)
        else one
        for one in operations
    ]
    return _noted(operations, found), _noted(key, names.path(entity, key) if key else key)


def links_now(principal: Principal, links: list[str]) -> list[str]:
    """Return links written ``entity.link``, or entities alone, in today's names."""
    names = _names(principal)
    return links if names is None else _noted(links, [names.link(each) for each in links])


def _names(principal: Principal) -> FormerNames | None:
    """Return what knows former names; None where there are none."""
    known = services()
    catalog = known.live.release.catalog
    if not catalog.has_former:
        return None
    policy = known.records.policy(principal)
    return FormerNames(policy.catalog, policy)


def _noted(before: Any, now: Any) -> Any:
    """Return what it is now, and remember for the answer whether that is another."""
    if before != now:
        g.former_names = True
    return now
