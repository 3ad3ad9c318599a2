"""What sets a rule off, in words: fields by their labels, moments and durations in each language.

What is worked out (`=days(remind_days)`, `max(a, b)`) stays an expression, with the fields in it by
their labels.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from app.definitions.automation import At, RuleDefinition, When
from app.definitions.catalog import Catalog, Entity, Field
from app.texts import Label, say

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DURATION = re.compile(r"(\d+) (working )?(minute|hour|day|week|month|year)s?\Z")
_WORD = re.compile(r"[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)*(?![a-z0-9_.]|\()|'[^']*'|\"[^\"]*\"")
_UNITS = {
    "minute": "分钟", "minutes": "分钟", "hour": "小时", "hours": "小时", "day": "天",
    "days": "天", "working day": "工作日", "week": "周", "weeks": "周", "month": "个月",
    "months": "个月", "quarter": "季度", "year": "年", "years": "年",
}  # fmt: skip
_ONE = {"month": "月", "monday": "周一", "tuesday": "周二", "wednesday": "周三",
        "thursday": "周四", "friday": "周五", "saturday": "周六", "sunday": "周日"}  # fmt: skip
_DAYS = {"last": "最后一天", "last working day": "最后一个工作日"}
#: Parts of stages and clocks.
_PARTS: Mapping[str, Label] = {
    "since": say("entering its {field}", "进入当前{field}"),
    "due_at": say("{field}", "{field}"),
    "final": say("{field} is an end", "{field}为终态"),
}
#: Whoever asks.
_ASKER: Mapping[str, Label] = {
    "me": say("me", "本人"),
    "my.department": say("my department", "本部门"),
    "my.departments": say("my departments", "本人所在部门"),
    "my.subordinates": say("my subordinates", "本人下属"),
}
_HAS = re.compile(r"\bhas\(([a-z0-9_.]+), ([a-z0-9_.]+)\)")
_CALL = re.compile(r"(\w+)\(([^()]*)\)")
_CALLS: Mapping[str, Callable[[list[Label]], Label]] = {
    "max": lambda inner: say("the later of {both}", "{both}中较晚者", both=_and(inner)),
    "min": lambda inner: say("the earlier of {both}", "{both}中较早者", both=_and(inner)),
    "days": lambda inner: say("{count} days", " {count} 天", count=inner[0]),
    "hours": lambda inner: say("{count} hours", " {count} 小时", count=inner[0]),
    "working_days": lambda inner: say("{count} working days", " {count} 个工作日", count=inner[0]),
}
_EQUALS = re.compile(r"([a-z_][a-z0-9_.]*) (==|!=) '([a-z0-9_]+)'")
_ENGLISH = (("==", "is"), ("!=", "is not"), (">=", "≥"), ("<=", "≤"))
_CHINESE = (("has", "包含"),
            ("is not empty", "不为空"), ("is empty", "为空"), ("not in", "不属于"), ("and", "且"),
            ("or", "或"), ("not", "非"), ("in", "属于"),
            ("==", "为"), ("!=", "不为"), (">=", "≥"), ("<=", "≤"))  # fmt: skip
_EVENTS: Mapping[str, str] = {
    "create": "新建",
    "update": "修改",
    "delete": "删除",
    "restore": "恢复",
    "transfer": "转交",
    "claim": "领取",
    "release": "退回公海",
    "comment": "评论",
    "email": "收到邮件",
    "merge": "合并",
    "approved": "审批通过",
    "rejected": "审批驳回",
    "backup failed": "备份失败",
    "sync failed": "同步失败",
}


def sets_off(rule: RuleDefinition, catalog: Catalog) -> Label:
    """Return what sets a rule off."""
    entity = catalog.entities.get(rule.entities[0]) if rule.entities else None
    when = rule.when
    if not when.is_timed:
        return occasion(when, catalog, entity)
    due = _dated(rule.source.get("when") or {}, catalog, entity)
    if when.yearly:
        due = say("{due}, yearly", "{due}，每年", due=due)
    if when.at is None:
        return due
    return say("{due}, {at}", "{due}，{at}", due=due, at=at_text(when.at))


def occasion(when: When, catalog: Catalog, entity: Entity | None) -> Label:
    """Return what sets a rule off that follows no date."""
    if when.kind == "button":
        assert when.label is not None
        return say("It fires when somebody presses “{label}”.", "有人点击“{label}”时触发。",
                   label=when.label)  # fmt: skip
    if when.kind == "hook":
        return say("It fires when another program calls /hooks/{path}.",
                   "其他程序调用 /hooks/{path} 时触发。", path=when.path)  # fmt: skip
    if when.kind == "every":
        return rhythm(when)
    events = _listed([Label({"en": one, "zh": _EVENTS.get(one, one)}) for one in when.events])
    if not when.changed:
        return say("It fires on: {events}.", "在以下事件时触发：{events}。", events=events)
    return say(
        "It fires on: {events}, when this changes: {changes}.",
        "在以下事件时触发：{events}，且以下内容变化：{changes}。",
        events=events,
        changes=_changes(when, catalog, entity),
    )


def at_text(at: At) -> Label:
    """Return a time of day as the rule says it."""
    clock = f"{at.minute // 60:02}:{at.minute % 60:02}"
    if at.working_days:
        return say("at {clock} on working days", "工作日 {clock}", clock=clock)
    return say("at {clock}", "{clock}", clock=clock)


def rhythm(when: When) -> Label:
    """Return how often a rule comes by the clock."""
    every = when.every
    assert every is not None
    unit: str = every.unit
    if every.unit == "week" and every.weekday is not None:
        unit = _WEEKDAYS[every.weekday]
    en = f"{every.count} {unit}" if every.count > 1 else unit.removesuffix("s")
    zh = f" {every.count} {_UNITS.get(unit, unit)}" if every.count > 1 else _one(unit)
    if every.day is not None:
        en += f" ({every.day})"
        zh += f"的{_DAYS.get(str(every.day), f'{every.day} 日')}"
    found = Label({"en": f"every {en}", "zh": f"每{zh}"})
    if when.at is None:
        return found
    return say("{every}, {at}", "{every}，{at}", every=found, at=at_text(when.at))


def _one(unit: str) -> str:
    single = unit.removesuffix("s")
    return _ONE.get(single) or _UNITS.get(single, single)


def _dated(wrote: Mapping[str, Any], catalog: Catalog, entity: Entity | None) -> Label:
    if "after" in wrote:
        length, since = _length(wrote["after"], catalog, entity), str(wrote["since"])
        return say("{length} after {since}", "{since}之后{length}",
                   length=length, since=words_of(since, catalog, entity))  # fmt: skip
    if "before" in wrote:
        length, until = _length(wrote["before"], catalog, entity), str(wrote["until"])
        return say("{length} before {until}", "{until}之前{length}",
                   length=length, until=words_of(until, catalog, entity))  # fmt: skip
    field = words_of(str(wrote["on"]), catalog, entity)
    return say("when {field} comes", "到{field}时", field=field)


def _length(wrote: Any, catalog: Catalog, entity: Entity | None) -> Label:
    """Return a duration, or the table that says which."""
    if not isinstance(wrote, Mapping):
        return _duration(str(wrote), catalog, entity)
    path = str(wrote.get("by", ""))
    field = _field(path, catalog, entity)
    parts = []
    for key, length in wrote.items():
        if key == "by":
            continue
        option = say("else", "其他") if key == "else" else _option(field, str(key))
        said = _stripped(_duration(str(length), catalog, entity))
        parts.append(say("{option}: {said}", "{option}：{said}", option=option, said=said))
    by = words_of(path, catalog, entity)
    listed = _joined(parts, lambda language: "；" if language == "zh" else "; ")
    return say("by {by} ({listed})", "，按{by}（{listed}）", by=by, listed=listed)


def _duration(text: str, catalog: Catalog, entity: Entity | None) -> Label:
    found = _DURATION.match(text.strip())
    if found is None:
        return words_of(text.removeprefix("="), catalog, entity)
    count, working, unit = found[1], bool(found[2]), found[3]
    zh = {"day": "工作日", "hour": "工作小时"}.get(unit, unit) if working else _UNITS[unit]
    between = " 个" if working else " "
    return Label({"en": text.strip(), "zh": f" {count}{between}{zh}"})


def words_of(text: str, catalog: Catalog, entity: Entity | None) -> Label:
    """Return an expression with the fields in it by their labels, in each language."""
    bare = " ".join(text.split())
    found = _CALL.fullmatch(bare)
    if found is not None and found[1] in _CALLS:
        inner = [words_of(one, catalog, entity) for one in found[2].split(",")]
        return _CALLS[found[1]](inner)
    languages = {*catalog.app.languages, "en", "zh"}
    fields = _walk(bare, catalog, entity)
    if fields or bare.startswith("app."):
        return Label({one: _quoted(_word(bare, catalog, entity, one), one) for one in languages})

    def in_language(language: str) -> str:
        return _WORD.sub(lambda found: _word(found[0], catalog, entity, language), bare)

    return Label({language: in_language(language) for language in languages})


def condition_words(text: str, catalog: Catalog, entity: Entity | None) -> Label:
    """Return a condition with fields and options by their labels, in each language."""
    bare = _HAS.sub(r"\1 has \2", " ".join(text.split()))

    def in_language(language: str) -> str:
        def compared(found: re.Match[str]) -> str:
            field = _field(found[1], catalog, entity)
            options = field.options if field is not None else ()
            option = next((one for one in options if one.name == found[3]), None)
            if option is None:
                return found[0]
            words = _word(found[1], catalog, entity, language)
            return f"{words} {found[2]} “{option.label.in_language(language)}”"

        said = _WORD.sub(
            lambda found: _word(found[0], catalog, entity, language), _EQUALS.sub(compared, bare)
        )
        return _between(said, _CHINESE, r"\s*") if language == "zh" else _between(said, _ENGLISH)

    languages = {*catalog.app.languages, "en", "zh"}
    return Label({language: in_language(language) for language in languages})


def _between(text: str, said: Sequence[tuple[str, str]], around: str = "") -> str:
    """Return a condition with what stands between its parts as *said*; what is quoted stays.

    *around*: what is left out before and after it.
    """
    parts = re.split(r"(“[^”]*”|\"[^\"]*\"|'[^']*')", text)
    for number in range(0, len(parts), 2):
        for written, shown in said:
            edge = r"\b" if written.isalpha() or " " in written else ""
            pattern = f"{around}{edge}{re.escape(written)}{edge}{around}"
            parts[number] = re.sub(pattern, shown, parts[number])
    return "".join(re.sub(r"^['\"](.*)['\"]$", r"“\1”", part) for part in parts)


def _word(path: str, catalog: Catalog, entity: Entity | None, language: str) -> str:
    """Return a path as people say it; what is none stays as it is written."""
    if path.startswith("app."):
        return str(catalog.app.values.get(path.removeprefix("app."), path))
    if path in _ASKER:
        return _ASKER[path].in_language(language)
    fields = _walk(path, catalog, entity)
    if not fields:
        return path
    words = " › ".join(one.label.in_language(language) for one in fields)
    part = _PARTS.get(path.rpartition(".")[2]) if len(fields) < path.count(".") + 1 else None
    return part.format(field=words).in_language(language) if part is not None else words


def _quoted(word: str, language: str) -> str:
    return f"“{word}”" if language == "zh" and not word.isdigit() else word


def _walk(path: str, catalog: Catalog, entity: Entity | None) -> list[Field]:
    """Return the fields that a path leads through; none where it is no path of the entity.

    A part of a stage or a clock, ``stage.since``, is no field.
    """
    found: list[Field] = []
    at = entity
    for name in path.removeprefix("record.").split("."):
        field = at.fields.get(name) if at is not None else None
        if field is None:
            is_part = name in _PARTS and found and found[-1].type.name in ("stage", "clock")
            return found if is_part else []
        found.append(field)
        targets = field.type.targets(field)
        at = catalog.entities.get(targets[0]) if targets else None
    return found


def _field(path: str, catalog: Catalog, entity: Entity | None) -> Field | None:
    found = _walk(path, catalog, entity)
    return found[-1] if found else None


def _option(field: Field | None, name: str) -> Label:
    options = field.options if field is not None else ()
    return next((one.label for one in options if one.name == name), Label({"en": name}))


def _changes(when: When, catalog: Catalog, entity: Entity | None) -> Label:
    found = _listed([words_of(path, catalog, entity) for path in when.changed])
    field = _field(when.changed[0], catalog, entity) if len(when.changed) == 1 else None
    if when.from_:
        said = _joined([_option(field, one) for one in when.from_], lambda _: " / ")
        found = say("{changes} from {said}", "{changes}从“{said}”", changes=found, said=said)
    if when.to:
        said = _joined([_option(field, one) for one in when.to], lambda _: " / ")
        found = say("{changes} to {said}", "{changes}变为“{said}”", changes=found, said=said)
    return found


def _listed(labels: Iterable[Label]) -> Label:
    return _joined(list(labels), lambda language: "、" if language == "zh" else ", ")


def _stripped(label: Label) -> Label:
    return Label({language: text.strip() for language, text in label.texts.items()})


def _and(labels: list[Label]) -> Label:
    return _joined(labels, lambda language: "与" if language == "zh" else " and ")


def _joined(labels: list[Label], between: Callable[[str], str]) -> Label:
    languages = {language for one in labels for language in one.texts} | {"en", "zh"}
    return Label(
        {
            language: between(language).join(one.in_language(language) for one in labels)
            for language in languages
        }
    )
