"""Records over HTTP: lists, single records, writes, batches, history, figures.

One class serves every entity; which one stands in the address and is looked up in the catalog that
serves this request.
"""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response
from flask_appbuilder.api import BaseApi, expose

from app.access.principal import Principal
from app.api import repeats
from app.api.answers import answers, as_json, as_raw_json
from app.api.bodies import check_keys, ids, is_id, moment, operations, whole
from app.api.duplicates import taken_of, versions_of
from app.api.former import asked_now, batch_now, links_now, values_now
from app.api.pools import count_look
from app.api.requests import (
    asker,
    body,
    expected_version,
    only,
    parameters,
    record_id,
    services,
)
from app.api.shown import Shown
from app.errors import InvalidInput, Malformed, NotFound
from app.records.batches import Outcome
from app.records.results import Count
from app.records.saving import Written
from app.records.work import Work
from app.texts import say

_LIST = frozenset(
    {"fields", "filter", "sort", "limit", "after", "before", "expand", "count", "view", "search"}
)
_GET = frozenset({"fields", "expand"})
_FIGURES = frozenset({"group_by", "measures", "filter", "view", "search"})
_HISTORY = frozenset({"limit", "before"})
_COUNTS = frozenset({"exact", "capped", "none"})


class RecordApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/<entity>/`` and below."""

    route_base = "/api/v1"
    resource_name = "records"
    # CSRF is asked of signed-in browsers for every address alike, see ``factory``.
    csrf_exempt = False
    openapi_spec_tag = "Records"

    @expose("/<entity>/", methods=["GET"])
    @answers
    def list(self, entity: str) -> Response:
        """Return one page of a list."""
        principal = asker()
        named, fields = asked_now(principal, entity, *parameters(_LIST))
        page = services().records.query_json(
            principal,
            entity,
            fields=named.get("fields"),
            filter=named.get("filter"),
            where=fields,
            sort=named.get("sort"),
            limit=named.get("limit", "25"),
            after=named.get("after"),
            before=named.get("before"),
            expand=named.get("expand"),
            view=named.get("view"),
            search=named.get("search"),
            count=_count(named.get("count")),
        )
        parts = [b'{"rows":', page.rows, b',"next":', _text(page.next)]
        parts += [b',"previous":', _text(page.previous)]
        if page.count is not None:
            parts += [b",", _counted(page.count)]
        parts.append(b"}")
        return as_raw_json(b"".join(parts))

    @expose("/<entity>/", methods=["POST"])
    @answers
    def create(self, entity: str) -> Response:
        """Write a new record."""
        principal, raw = asker(), body()
        shown = Shown(principal, entity)

        def write(receipt: repeats.Receipt) -> Written:
            values = values_now(principal, entity, raw)
            return services().records.create(principal, entity, values, receipt=shown.by(receipt))

        return repeats.once(
            principal,
            entity,
            raw,
            write,
            lambda number, written: _written(principal, entity, number, 201, written, shown),
        )

    @expose("/<entity>/<number>", methods=["GET"])
    @answers
    def get(self, entity: str, number: str) -> Response:
        """Return one record."""
        principal = asker()
        named = only(*asked_now(principal, entity, *parameters(_GET)), "fields, expand")
        record = services().records.get_json(
            principal,
            entity,
            record_id(number),
            fields=named.get("fields"),
            expand=named.get("expand"),
        )
        count_look(principal, entity, record_id(number))
        return as_raw_json(record.row, version=record.version)

    @expose("/<entity>/<number>", methods=["PATCH"])
    @answers
    def update(self, entity: str, number: str) -> Response:
        """Change a record; fields that are not sent stay."""
        principal, raw, wanted, version = asker(), body(), record_id(number), expected_version()
        shown = Shown(principal, entity)

        def write(receipt: repeats.Receipt) -> Written:
            values = values_now(principal, entity, raw)

            def step(work: Work) -> Written:
                written: Written = work.writer.update_in(
                    work, entity, wanted, values, version, strict=True
                )
                shown.by(receipt)(work, written)
                return written

            return services().records.transact(principal, step)

        return repeats.once(
            principal,
            f"PATCH {entity}/{wanted}",
            raw,
            write,
            lambda _number, written: _written(principal, entity, wanted, 200, written, shown),
        )

    @expose("/<entity>/<number>", methods=["DELETE"])
    @answers
    def delete(self, entity: str, number: str) -> Response:
        """Put a record into the bin."""
        principal, wanted, version = asker(), record_id(number), expected_version()

        def write(receipt: repeats.Receipt) -> repeats.Deleted:
            def step(work: Work) -> repeats.Deleted:
                work.writer.delete_in(work, entity, [wanted], version)
                deleted = repeats.Deleted(wanted)
                if receipt is not None:
                    receipt(work, deleted)
                return deleted

            return services().records.transact(principal, step)

        return repeats.once(
            principal,
            f"DELETE {entity}/{wanted}",
            {},
            write,
            lambda _number, _deleted: Response(status=204),
        )

    @expose("/<entity>/<number>/restore", methods=["POST"])
    @answers
    def restore(self, entity: str, number: str) -> Response:
        """Take a record out of the bin, and what went with it."""
        principal, wanted = asker(), record_id(number)
        services().records.restore(principal, entity, wanted)
        return _written(principal, entity, wanted, 200)

    @expose("/<entity>/<number>/history", methods=["GET"])
    @answers
    def history(self, entity: str, number: str) -> Response:
        """Return a record's history, the newest line first."""
        named = only(*parameters(_HISTORY), "limit, before")
        lines = services().records.history(
            asker(),
            entity,
            record_id(number),
            limit=whole(named, "limit", 50),
            before=whole(named, "before", None),
        )
        return as_json({"rows": [line.as_json() for line in lines]})

    @expose("/<entity>/<number>/team", methods=["GET"])
    @answers
    def team(self, entity: str, number: str) -> Response:
        """Return whom a record is shared with."""
        return as_json({"rows": services().records.team(asker(), entity, record_id(number))})

    @expose("/<entity>/<number>/team", methods=["POST"])
    @answers
    def share(self, entity: str, number: str) -> Response:
        """Share a record: ``{"users": [3], "may_edit": false, "until": null}``."""
        sent = body()
        check_keys(sent, {"users", "may_edit", "until"})
        may_edit = sent.get("may_edit", False)
        if not isinstance(may_edit, bool):
            raise InvalidInput({"may_edit": [say("true or false.", "应为 true 或 false。")]})
        services().records.share(
            asker(),
            entity,
            record_id(number),
            ids(sent, "users"),
            may_edit=may_edit,
            until=moment(sent.get("until")),
        )
        return Response(status=204)

    @expose("/<entity>/<number>/team/<user>", methods=["DELETE"])
    @answers
    def unshare(self, entity: str, number: str, user: str) -> Response:
        """Take a record back from somebody."""
        services().records.unshare(asker(), entity, record_id(number), [record_id(user)])
        return Response(status=204)

    @expose("/<entity>/bin", methods=["GET"])
    @answers
    def bin(self, entity: str) -> Response:
        """Return the records in the bin that the asker may restore."""
        known = frozenset({"fields", "limit", "after", "before", "count"})
        principal = asker()
        named = only(*asked_now(principal, entity, *parameters(known)), ", ".join(sorted(known)))
        return _bin(principal, entity, named)

    @expose("/<entity>/batch", methods=["POST"])
    @answers
    def batch(self, entity: str) -> Response:
        """Do many writes: ``{"operations": […], "mode": "all", "key": "code"}``."""
        sent = body()
        check_keys(sent, {"operations", "mode", "key"})
        mode = sent.get("mode", "all")
        if mode not in ("all", "each"):
            raise Malformed(say("`mode` is all or each.", "mode 应为 all 或 each。"))
        key = sent.get("key")
        if key is not None and not isinstance(key, str):
            raise Malformed(say("`key` is the name of a field.", "key 应为字段名。"))
        principal = asker()
        writes, key = batch_now(principal, entity, operations(sent), key)
        told = repeats.once_batch(
            principal,
            f"batch {entity}",
            sent,
            lambda receipt: services().records.batch(
                principal, entity, writes, all_or_nothing=mode == "all", key=key, receipt=receipt
            ),
            lambda outcomes: {"rows": [_outcome(outcome) for outcome in outcomes]},
        )
        return as_json(told)

    @expose("/<entity>/transfer", methods=["POST"])
    @answers
    def transfer(self, entity: str) -> Response:
        """Give records away: ``{"ids": […], "owner": 3, "along": ["contact.customer"]}``."""
        sent = body()
        check_keys(sent, {"ids", "owner", "along", "note"})
        along = sent.get("along", [])
        if not isinstance(along, list) or not all(isinstance(each, str) for each in along):
            raise InvalidInput({"along": [say("A list of links.", "应为链接列表。")]})
        owner = sent.get("owner")
        if owner is not None and not is_id(owner):
            raise InvalidInput({"owner": [say("The number of a user.", "应为用户编号。")]})
        note = sent.get("note")
        if note is not None and (not isinstance(note, str) or len(note) > 500 or "\0" in note):
            raise InvalidInput(
                {
                    "note": [
                        say("A text of at most 500 characters.", "应为不超过 500 个字符的文本。")
                    ]
                }
            )
        principal = asker()
        along = links_now(principal, along)
        count = services().records.transfer(
            principal, entity, ids(sent, "ids"), owner, along=along, note=note
        )
        return as_json({"changed": count})

    @expose("/<entity>/merge", methods=["POST"])
    @answers
    def merge(self, entity: str) -> Response:
        """Make several records one: ``{"keep": 1, "gone": [2, 3], "take": {…}}``."""
        sent = body()
        check_keys(sent, {"keep", "gone", "values", "take", "versions"})
        keep = sent.get("keep")
        if not isinstance(keep, int) or not is_id(keep):
            raise InvalidInput({"keep": [say("The number of a record.", "应为记录编号。")]})
        principal, values = asker(), sent.get("values", {})
        if not isinstance(values, dict):
            raise InvalidInput({"values": [say("An object.", "应为对象。")]})
        values, gone = values_now(principal, entity, values), ids(sent, "gone")
        said = {"take": taken_of(sent), "versions": versions_of(sent)}
        written = services().records.merge(principal, entity, keep, gone, values, **said)
        return _written(principal, entity, written.id, 200, written)

    @expose("/<entity>/aggregate", methods=["GET"])
    @answers
    def aggregate(self, entity: str) -> Response:
        """Return figures by group."""
        principal = asker()
        named, fields = asked_now(principal, entity, *parameters(_FIGURES))
        figures = services().records.aggregate(
            principal,
            entity,
            group_by=named.get("group_by"),
            measures=named.get("measures", "count"),
            filter=named.get("filter"),
            where=fields,
            view=named.get("view"),
            search=named.get("search"),
        )
        return as_raw_json(b"".join((b'{"rows":', figures, b"}")))


def _written(
    principal: Principal,
    entity: str,
    number: int,
    status: int,
    written: Written | None = None,
    shown: Shown | None = None,
) -> Response:
    """Return the record as it is now; its number alone if the asker may write, but not read it."""
    try:
        record = shown.record if shown else None
        record = record or services().records.get_json(principal, entity, number)
    except NotFound:
        return as_json({"id": number}, status)
    response = as_raw_json(record.row, status, record.version)
    if status == 201:
        response.headers["Location"] = f"/api/v1/{entity}/{number}"
    if written is not None and written.warnings:
        # The record is written; what only warns must not look like an error.
        found = orjson.loads(record.row)
        found["warnings"] = list(written.warnings)
        response = as_json(found, status)
        response.headers["ETag"] = f'"{record.version}"'
    return response


def _bin(principal: Principal, entity: str, named: Any) -> Response:
    known = services()
    page = known.records.bin(
        principal,
        entity,
        fields=named.get("fields"),
        limit=named.get("limit", "25"),
        after=named.get("after"),
        before=named.get("before"),
        count=_count(named.get("count")),
    )
    fields = known.live.release.catalog.entities[entity].fields
    rows = [
        {
            name: fields[name].type.to_json(fields[name], value)
            if name in fields and value is not None and name not in row.masked
            else value
            for name, value in row.values.items()
        }
        for row in page.rows
    ]
    answer: dict[str, Any] = {"rows": rows, "next": page.next, "previous": page.previous}
    if page.count is not None:
        answer |= page.count.as_json()
    return as_json(answer)


def _count(word: str | None) -> str | None:
    if word is not None and word not in _COUNTS:
        raise Malformed(
            say(
                "`count` is exact, capped or none.",
                "count 应为 exact、capped 或 none。",
            )
        )
    return word


def _counted(count: Count) -> bytes:
    return orjson.dumps(count.as_json())[1:-1]


def _text(value: str | None) -> bytes:
    return b"null" if value is None else orjson.dumps(value)


def _outcome(outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = {"action": outcome.action, "id": outcome.id}
    if outcome.version is not None:
        found["version"] = outcome.version
    if outcome.error is not None:
        from app.api.requests import language

        found |= {"status": outcome.error.status, **outcome.error.as_json(language())}
    return found
