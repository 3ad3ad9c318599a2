"""The inbox over HTTP: what was told to the asker, and how to hear of things."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response
from flask_appbuilder.api import BaseApi, expose

from app.access.principal import Principal
from app.api.answers import answers, as_json
from app.api.bodies import check_keys, ids, moment
from app.api.requests import asker, body, language, only, parameters, record_id, services
from app.errors import InvalidInput, Malformed, NotFound
from app.notifications import inbox, preferences
from app.records.questions import page_size
from app.texts import say

_LIST = frozenset({"unread", "kind", "limit", "after"})
_DONE = {"read": inbox.mark_read, "unread": inbox.mark_unread}


class InboxApi(BaseApi):  # type: ignore[misc]  # FAB is not typed.
    """``/api/v1/inbox``."""

    route_base = "/api/v1/inbox"
    resource_name = "inbox"
    csrf_exempt = False
    openapi_spec_tag = "Inbox"

    @expose("", methods=["GET"])
    @answers
    def list(self) -> Response:
        """Return messages, the newest first, and how many are unread."""
        named = only(*parameters(_LIST), "unread, kind, limit, after")
        kind, limit = named.get("kind"), page_size(named.get("limit", "25"))
        if kind is not None and kind not in inbox.KINDS:
            kinds = ", ".join(inbox.KINDS)
            raise Malformed(
                say("`kind` is one of {kinds}.", "kind 应为 {kinds} 之一。", kinds=kinds)
            )
        principal, now = asker(), services().clock.now()
        with services().pools.read.connection() as connection:
            found = inbox.list_messages(
                connection,
                _me(principal),
                now,
                unread=named.get("unread") in ("yes", "true"),
                kind=kind,
                after=_after(named.get("after")),
                limit=limit,
            )
            unread = inbox.unread_count(connection, _me(principal), now)
        rows = found[:limit]
        following = f"{rows[-1].shown_at.isoformat()}/{rows[-1].id}" if len(found) > limit else None
        return as_json({"rows": _rows(principal, rows), "next": following, "unread": unread})

    @expose("/unread", methods=["GET"])
    @answers
    def count(self) -> Response:
        """Return how many messages are unread, at most 100."""
        principal = asker()
        with services().pools.read.connection() as connection:
            number = inbox.unread_count(connection, _me(principal), services().clock.now())
        return as_json({"unread": number})

    @expose("/<what>", methods=["POST"])
    @answers
    def mark(self, what: str) -> Response:
        """Do something with messages: ``{"ids": [1, 2]}``, to put off also ``"until"``.

        ``read-all`` takes ``{"newest": 17}``: messages that came later stay unread.
        """
        sent, me, now = body(), _me(asker()), services().clock.now()
        with services().pools.write.connection() as connection:
            if what in _DONE:
                check_keys(sent, {"ids"})
                number = _DONE[what](connection, me, ids(sent, "ids"), now)
            elif what == "snooze":
                check_keys(sent, {"ids", "until"})
                number = inbox.snooze(connection, me, ids(sent, "ids"), _until(sent, now))
            elif what == "read-all":
                check_keys(sent, {"newest"})
                (newest,) = ids({"newest": [sent.get("newest")]}, "newest")
                number = inbox.mark_all_read(connection, me, newest, now)
            else:
                raise NotFound
        return as_json({"changed": number})

    @expose("/settings", methods=["GET"])
    @answers
    def settings(self) -> Response:
        """Return how the asker hears of things."""
        return _settings(_me(asker()))

    @expose("/settings", methods=["PATCH"])
    @answers
    def choose(self) -> Response:
        """Change it: ``{"mail": "daily", "chat": false}``."""
        me, sent = _me(asker()), body()
        check_keys(sent, {"mail", "chat"})
        with services().pools.write.connection() as connection:
            now = preferences.read_choices(connection).get(me, preferences.USUAL)
            mail, chat = sent.get("mail", now.mail), sent.get("chat", now.chat)
            if mail not in preferences.MAILS:
                words = ", ".join(preferences.MAILS)
                raise InvalidInput(
                    {"mail": [say("One of {words}.", "应为 {words}。", words=words)]}
                )
            if not isinstance(chat, bool):
                raise InvalidInput({"chat": [say("true or false.", "应为 true 或 false。")]})
            preferences.choose(connection, me, mail=mail, chat=chat)
        return _settings(me)

    @expose("/muted/<number>", methods=["PUT"])
    @answers
    def mute(self, number: str) -> Response:
        """Hear no more of a rule; its number stands at its messages."""
        me, rule = _me(asker()), _rule(number)
        with services().pools.write.connection() as connection:
            preferences.mute_rule(connection, me, rule)
        return _settings(me)

    @expose("/muted/<number>", methods=["DELETE"])
    @answers
    def unmute(self, number: str) -> Response:
        """Hear of a rule again."""
        me, rule = _me(asker()), _rule(number)
        with services().pools.write.connection() as connection:
            preferences.unmute_rule(connection, me, rule)
        return _settings(me)


def _me(principal: Principal) -> int:
    assert principal.user_id is not None
    return principal.user_id


def _rule(text: str) -> int:
    number = record_id(text)
    if number >= 2**31:
        raise NotFound
    return number


def _after(text: str | None) -> tuple[datetime, int] | None:
    if text is None:
        return None
    at, _, number = text.partition("/")
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not number.isdigit() or len(number) > 18:
        raise Malformed(
            say("`after` is what a page gave as `next`.", "after 应为上一页返回的 next。")
        )
    return found, int(number)


def _until(sent: dict[str, Any], now: datetime) -> datetime:
    until = moment(sent.get("until"))
    if until is None or not now < until < datetime(9000, 1, 1, tzinfo=UTC):
        raise InvalidInput({"until": [say("A moment that is still to come.", "应为将来的时间。")]})
    assert isinstance(until, datetime)
    return until


def _rows(principal: Principal, messages: Any) -> list[dict[str, Any]]:
    """Return messages as the API shows them; titles only of what may be read now."""
    known, names = services(), services().live.release.names
    policy = known.records.policy(principal)
    rules = known.live.release.catalog.automation.rules
    wanted: dict[str, set[int]] = {}
    for one in messages:
        name = names.get(one.entity or 0)
        if name and one.record_id and policy.may("read", name):
            wanted.setdefault(name, set()).add(one.record_id)
    titles = {
        name: known.records.titles(principal, name, numbers) for name, numbers in wanted.items()
    }
    rows = []
    for one in messages:
        name = names.get(one.entity or 0)
        rule = rules.get(one.rule_name or "")
        label = rule.label.in_language(language()) if rule and rule.label else one.rule_name
        is_open = name is not None and one.record_id in titles.get(name, {})
        rows.append(
            {
                "id": one.id,
                "kind": one.kind,
                "text": one.text,
                "path": one.path,
                "rule": one.rule,
                "rule_label": label,
                "entity": name if is_open else None,
                "record": one.record_id if is_open else None,
                "title": titles[name].get(one.record_id) if is_open and name else None,
                "created_at": one.created_at,
                "shown_at": one.shown_at,
                "read_at": one.read_at,
                "snoozed_until": one.snoozed_until,
            }
        )
    return rows


def _settings(me: int) -> Response:
    with services().pools.read.connection() as connection:
        choice = preferences.read_choices(connection).get(me, preferences.USUAL)
    return as_json({"mail": choice.mail, "chat": choice.chat, "muted": sorted(choice.muted)})
