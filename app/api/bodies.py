"""Reading what is sent beside a record's values: numbers, moments, lists of writes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from app.errors import InvalidInput, Malformed
from app.texts import say


def operations(sent: dict[str, Any]) -> list[Any]:
    """Return the writes of a batch; ``id`` and ``version`` stand only where they mean something.

    Raises:
        Malformed: there is no list, or a write says what it cannot heed.
    """
    found = sent.get("operations")
    if not isinstance(found, list):
        raise Malformed(
            say("`operations` is a list of writes.", "operations 应为由写操作组成的列表。")
        )
    for number, each in enumerate(found):
        if not isinstance(each, dict) or not isinstance(each.get("action"), str):
            continue  # Refused by the door.
        action = each["action"]
        heeded = {"update": {"id", "version"}, "delete": {"id"}}.get(action, set())
        extra = sorted({"id", "version"} & set(each) - heeded)
        if extra:
            raise Malformed(
                say(
                    "Write {number}: `{key}` has no meaning in a {action}.",
                    "第 {number} 个写操作：{action} 中不能使用 {key}。",
                    number=number,
                    key=extra[0],
                    action=action[:20],
                )
            )
    return found


def check_keys(sent: dict[str, Any], names: set[str]) -> None:
    unknown = sorted(set(sent) - names)
    if unknown:
        raise InvalidInput(
            {
                unknown[0]: [
                    say(
                        "There is no such key here. Known are {names}.",
                        "这里没有这个键。可用的键：{names}。",
                        names=", ".join(sorted(names)),
                    )
                ]
            }
        )


def is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63


def ids(sent: dict[str, Any], name: str) -> list[int]:
    found = sent.get(name)
    if not isinstance(found, list) or not found or not all(map(is_id, found)):
        raise InvalidInput({name: [say("A list of numbers.", "应为编号列表。")]})
    if len(found) > 1_000:
        raise InvalidInput({name: [say("At most 1,000 at a time.", "一次最多 1000 个。")]})
    return found


def moment(value: object) -> Any:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        sentence = say(
            "A moment such as 2026-01-31T09:00:00Z.", "应为形如 2026-01-31T09:00:00Z 的时间。"
        )
        raise InvalidInput({"until": [sentence]}) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def whole(named: Any, name: str, otherwise: int | None) -> Any:
    text = named.get(name)
    if text is None:
        return otherwise
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Malformed(say("`{name}` is a whole number.", "{name} 应为整数。", name=name))
    return int(text)
