"""Changes of many records over HTTP: done at once or by the workers, and how far they are."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_appbuilder.api import BaseApi, expose

from app.access.principal import Principal
from app.api.answers import answers, as_json
from app.api.bodies import check_keys, is_id, whole
from app.api.former import asked_now, links_now, values_now
from app.api.requests import asker, body, once_key, only, parameters, record_id, services
from app.changes.inspecting import ChangeSet
from app.changes.run import Chosen, Run
from app.errors import InvalidInput, Malformed, NotFound
from app.jobs.beginning import begin_change
from app.records.doings import read_doing
from app.texts import say

_KEYS = {"ids", "all", "action", "values", "add", "remove", "owner", "along", "note"}
_PRESS = {"ids", "all", "action", "rule", "input", "note"}
_ALL = {"filter", "where", "view", "search", "without"}
#: Records that are named one by one; more of them are a list.
MOST_IDS = 10_000
_PAGE = 100
_SETS = 50
_LIST = frozenset({"after", "by", "kind"})


class ChangeApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/<entity>/bulk`` and ``/api/v1/changes``."""

    route_base = "/api/v1"
    resource_name = "changes"
    csrf_exempt = False
    openapi_spec_tag = "Changes"

    @expose("/<entity>/bulk", methods=["POST"])
    @answers
    def bulk(self, entity: str) -> Response:
        """Do one thing to many records: ``{"ids": […], "values": {…}}``."""
        principal, sent = asker(), body()
        if sent.get("action") == "press":
            return _press(principal, entity, sent)
        check_keys(sent, _KEYS)
        said = {key: value for key, value in sent.items() if key not in ("ids", "all", "note")}
        for key in ("values", "add", "remove"):
            if isinstance(said.get(key), dict):
                said[key] = values_now(principal, entity, said[key])
        doing = read_doing({**said, "strict": True})
        if doing.along:
            doing = read_doing({**said, "along": links_now(principal, list(doing.along))})
        chosen = _chosen(principal, entity, sent)
        run = services().changes.bulk(principal, entity, chosen, doing, note=note_of(sent))
        return begun(run)

    @expose("/<entity>/<number>/undo", methods=["POST"])
    @answers
    def undo_line(self, entity: str, number: str) -> Response:
        """Take back what one line of a record's history did: ``{"line": 17}``."""
        principal, sent = asker(), body()
        check_keys(sent, {"line"})
        line = sent.get("line")
        if not isinstance(line, int) or not is_id(line):
            raise InvalidInput({"line": [say("The number of a line.", "应为历史记录编号。")]})
        found = services().changes.undo_line(principal, entity, record_id(number), line)
        return begun(found)

    @expose("/changes/", methods=["GET"])
    @answers
    def listed(self) -> Response:
        """Return change sets, the newest first: one's own and those of people below."""
        principal = asker()
        named = only(*parameters(_LIST), ", ".join(sorted(_LIST)))
        rows = services().changes.sets(
            principal,
            after=whole(named, "after", None),
            by=whole(named, "by", None),
            kind=named.get("kind"),
            limit=_SETS + 1,
        )
        after = rows[_SETS - 1].id if len(rows) > _SETS else None
        return as_json({"rows": [one.as_json() for one in rows[:_SETS]], "next": after})

    @expose("/changes/<number>", methods=["GET"])
    @answers
    def one(self, number: str) -> Response:
        """Return one change set."""
        return as_json(_set(asker(), number).as_json())

    @expose("/changes/<number>/records", methods=["GET"])
    @answers
    def records(self, number: str) -> Response:
        """Return the records of a change set, before and after, a page at a time."""
        principal = asker()
        named = only(*parameters(frozenset({"entity", "after"})), "entity, after")
        found = _set(principal, number)
        entity = named.get("entity") or next(iter(found.counts), "")
        if entity not in found.counts:
            raise NotFound
        rows, hidden, after = services().changes.changed(
            principal, found, entity, after=whole(named, "after", 0)
        )
        return as_json({"rows": [one.as_json() for one in rows], "hidden": hidden, "next": after})

    @expose("/changes/<number>/undo", methods=["POST"])
    @answers
    def undo(self, number: str) -> Response:
        """Take a change set back: all of it, or ``{"only": {"customer": [3, 4]}}``."""
        principal, sent = asker(), body()
        check_keys(sent, {"only", "note"})
        chosen = sent.get("only")
        if chosen is not None and not isinstance(chosen, dict):
            raise InvalidInput({"only": [say("An object.", "应为对象。")]})
        only_ = (
            {name: _numbers(found, "only") for name, found in chosen.items()} if chosen else None
        )
        if chosen == {}:
            raise InvalidInput({"only": [say("No record is chosen.", "没有选中任何记录。")]})
        run = services().changes.undo(principal, record_id(number), only=only_, note=note_of(sent))
        return begun(run)

    @expose("/changes/runs/", methods=["GET"])
    @answers
    def runs(self) -> Response:
        """Return one's latest changes of many records."""
        principal = asker()
        only(*parameters(frozenset()), "")
        return as_json({"rows": [run.as_json() for run in services().changes.listed(principal)]})

    @expose("/changes/runs/<number>", methods=["GET"])
    @answers
    def run(self, number: str) -> Response:
        """Return how far a change of many records is."""
        return as_json(services().changes.get(asker(), record_id(number)).as_json())

    @expose("/changes/runs/<number>/cancel", methods=["POST"])
    @answers
    def cancel(self, number: str) -> Response:
        """End it; what was done stays, and can be undone."""
        return as_json(services().changes.cancel(asker(), record_id(number)).as_json(), 202)

    @expose("/changes/runs/<number>/skipped", methods=["GET"])
    @answers
    def skipped(self, number: str) -> Response:
        """Return the records that were left out, with the reasons."""
        principal = asker()
        named = only(*parameters(frozenset({"after"})), "after")
        rows = services().changes.skipped(
            principal, record_id(number), after=after_of(named.get("after")), limit=_PAGE + 1
        )
        last = rows[_PAGE - 1] if len(rows) > _PAGE else None
        return as_json(
            {
                "rows": [
                    {key: value for key, value in row.items() if key != "number"}
                    for row in rows[:_PAGE]
                ],
                "next": f"{last['number']}.{last['id']}" if last else None,
            }
        )


def _press(principal: Principal, entity: str, sent: dict[str, Any]) -> Response:
    """Press a button for many records: ``{"action": "press", "rule": "close", "ids": […]}``."""
    check_keys(sent, _PRESS)
    rule, told = sent.get("rule"), sent.get("input") or {}
    if not isinstance(rule, str) or not rule:
        raise InvalidInput({"rule": [say("The name of a rule.", "应为规则名称。")]})
    if not isinstance(told, dict):
        raise InvalidInput({"input": [say("An object.", "应为对象。")]})
    chosen = _chosen(principal, entity, sent)
    run = services().changes.press(
        principal, entity, chosen, rule, told, key=once_key(), note=note_of(sent)
    )
    return begun(run)


def _set(principal: Principal, number: str) -> ChangeSet:
    found = services().changes.one_set(principal, record_id(number))
    if found is None:
        raise NotFound(say("There is no such change set.", "没有这个更改集。"))
    return found


def begun(run: Run) -> Response:
    """Return a run: done, or handed to the workers."""
    if not run.is_open:
        return as_json(run.as_json())
    begin_change(services().settings.redis_url, run.id)
    answer = as_json(run.as_json(), 202)
    answer.headers["Location"] = f"/api/v1/changes/runs/{run.id}"
    return answer


def after_of(text: str | None) -> tuple[int, int]:
    """Read where a page begins: ``next`` of the page before."""
    if text is None:
        return (0, 0)
    entity, dot, number = text.partition(".")
    if not dot or not _is_short_number(entity, 5) or not _is_short_number(number, 18):
        raise Malformed(say("`after` is `next` of the page before.", "after 应为上一页的 next。"))
    return (min(int(entity), 32_767), int(number))


def _is_short_number(text: str, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= most


def note_of(sent: dict[str, Any]) -> str | None:
    """Return the note that was sent.

    Raises:
        InvalidInput: it is no text, or too long.
    """
    note = sent.get("note")
    if note is not None and (not isinstance(note, str) or len(note) > 500 or "\0" in note):
        sentence = say("A text of at most 500 characters.", "应为不超过 500 个字符的文本。")
        raise InvalidInput({"note": [sentence]})
    return note


def _chosen(principal: Principal, entity: str, sent: dict[str, Any]) -> Chosen:
    if ("ids" in sent) == ("all" in sent):
        raise InvalidInput(
            {
                "ids": [
                    say(
                        "Name the records in `ids`, or a list of them in `all`.",
                        "请在 ids 中列出记录，或在 all 中给出列表条件。",
                    )
                ]
            }
        )
    if "ids" in sent:
        return Chosen(ids=tuple(_numbers(sent["ids"], "ids")))
    listed = sent["all"]
    if not isinstance(listed, dict):
        raise InvalidInput({"all": [say("An object.", "应为对象。")]})
    check_keys(listed, _ALL)
    where = listed.get("where") or {}
    texts = {key: listed[key] for key in ("filter", "view", "search") if listed.get(key)}
    if not isinstance(where, dict) or not all(isinstance(one, str) for one in texts.values()):
        raise InvalidInput(
            {
                "all": [
                    say("`where` is an object, the rest are texts.", "where 应为对象，其余为文本。")
                ]
            }
        )
    texts, where = asked_now(principal, entity, texts, where)
    without = frozenset(_numbers(listed.get("without") or [], "without"))
    given = texts.get
    return Chosen(
        filter=given("filter"),
        where=where,
        view=given("view"),
        search=given("search"),
        without=without,
    )


def _numbers(found: Any, name: str) -> list[int]:
    if not isinstance(found, list) or not all(map(is_id, found)):
        raise InvalidInput({name: [say("A list of numbers.", "应为编号列表。")]})
    if len(found) > MOST_IDS:
        sentence = say(
            "At most {most} one by one; say which list it is in `all`.",
            "最多逐条列出 {most} 个；更多请用 all。",
            most=MOST_IDS,
        )
        raise InvalidInput({name: [sentence]})
    return found
