"""Compare what a step of a test expects with what came, and say the difference in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from app.access.principal import SYSTEM
from app.definitions.catalog import Field
from app.definitions.config_tests import COUNTED
from app.errors import NotFound, TrellisError
from app.fields.base import FieldError, ParseContext
from app.records.door import Records
from app.texts import Label, say
from app.trials.cast import Cast
from app.trials.traces import Fired, Message, Traces

_WORDS: Mapping[str, tuple[str, str]] = {
    "reminders": ("reminders", "提醒"),
    "messages": ("messages", "消息"),
    "emails": ("e-mails", "邮件"),
    "calls": ("calls", "外部调用"),
}


class Judge:
    """Knows what is so after a step."""

    def __init__(self, cast: Cast, records: Records, traces: Traces) -> None:
        """Take who is who, where records are read, and what was left behind."""
        self._cast = cast
        self._records = records
        self._traces = traces
        self._since = traces.mark()

    def begin_step(self) -> None:
        """Count from here."""
        self._since = self._traces.mark()

    def differences(self, expected: Mapping[str, Any]) -> Iterator[Label]:
        """Yield a sentence for everything that is not as expected."""
        if any(key in expected for key in COUNTED):
            yield from self._counts(expected)
        if expected.keys() & {"fires", "quiet"}:
            yield from self._fired(expected)
        for entity, count in expected.get("count", {}).items():
            found = self._records.count(SYSTEM, entity).number
            if found != count:
                yield say(
                    "Expected {count} records of {entity}; there are {found}.",
                    "应有 {count} 条 {entity} 记录，实际为 {found} 条。",
                    count=count, entity=entity, found=found,
                )  # fmt: skip
        for name, values in expected.get("records", {}).items():
            yield from self._record(name, values)

    # -- messages ----------------------------------------------------------------------------------

    def _counts(self, expected: Mapping[str, Any]) -> Iterator[Label]:
        all_of_them = self._traces.messages(self._since)
        for key in COUNTED:
            if key not in expected:
                continue
            there = [one for one in all_of_them if _is_counted(one, key)]
            found = [one for one in there if self._is_meant(one, expected)]
            if len(found) != expected[key]:
                yield self._count_difference(key, expected, found, there)

    def _is_meant(self, one: Message, expected: Mapping[str, Any]) -> bool:
        to = expected.get("to", ())
        if to and self._cast.user_named(one.user_id) not in to and one.target not in to:
            return False
        about = expected.get("about")
        if about and (one.entity, one.record_id) != self._cast.known.get(about):
            return False
        if expected.get("rule") and one.rule != expected["rule"]:
            return False
        return str(expected.get("says", "")).casefold() in one.text.casefold()

    def _count_difference(
        self, key: str, expected: Mapping[str, Any], found: Sequence[Message],
        there: Sequence[Message],
    ) -> Label:  # fmt: skip
        narrowed = "".join(
            f" {word} {', '.join(value) if isinstance(value, tuple) else value}"
            for word in ("to", "about", "says", "rule")
            if (value := expected.get(word))
        )
        shown = "; ".join(self._told(one) for one in there[:5]) or "-"
        english, chinese = _WORDS[key]
        if expected[key] == 1:
            english = english.removesuffix("s")
        return Label(
            {
                "en": f"Expected {expected[key]} {english}{narrowed}; {len(found)} came. "
                f"In this step: {shown}.{self._why(expected.get('rule'))}",
                "zh": f"应有 {expected[key]} 条{chinese}{narrowed}，实际为 {len(found)} 条。"
                f"本步骤中：{shown}。{self._why(expected.get('rule'))}",
            }
        )

    def _told(self, one: Message) -> str:
        who = self._cast.user_named(one.user_id) if one.user_id else one.target
        about = self._cast.named(one.entity, one.record_id) if one.entity else ""
        text = " ".join(one.text.split())[:60]
        return f"{one.channel} → {who}{f' ({about})' if about else ''}: “{text}”"

    # -- rules -------------------------------------------------------------------------------------

    def _why(self, rule: str | None = None) -> str:
        """Return the rules of the step, or one of them, with what became of them."""
        there = self._traces.firings(self._since)
        found = [one for one in there if rule in (None, one.rule)]
        shown = "; ".join(self._fired_told(one) for one in found[:5])
        return f" ({shown})" if shown else ""

    def _fired_told(self, one: Fired) -> str:
        about = self._cast.named(one.entity, one.record_id) if one.entity else "-"
        return f"{one.rule}, {about}: {one.state}{f', {one.reason}' if one.reason else ''}"

    def _fired(self, expected: Mapping[str, Any]) -> Iterator[Label]:
        fired = {one.rule for one in self._traces.firings(self._since) if one.counts}
        for name in expected.get("fires", ()):
            if name not in fired:
                yield say(
                    "Expected that {name} fires; it did not.{why}",
                    "规则 {name} 应当触发，但没有触发。{why}",
                    name=name, why=self._why(name),
                )  # fmt: skip
        for name in expected.get("quiet", ()):
            if name in fired:
                yield say(
                    "Expected that {name} does not fire; it did.{why}",
                    "规则 {name} 不应触发，但已触发。{why}",
                    name=name, why=self._why(name),
                )  # fmt: skip

    # -- records -----------------------------------------------------------------------------------

    def _record(self, name: str, values: Mapping[str, Any]) -> Iterator[Label]:
        entity, number = self._cast.known[name]
        try:
            record = self._records.get(SYSTEM, entity, number, fields=tuple(values))
        except NotFound:
            yield say("{name} is not there any more.", "{name} 已不存在。", name=name)
            return
        fields = self._cast.catalog.entities[entity].fields
        for dotted, wanted in values.items():
            of = fields[dotted.partition(".")[0]]
            there = record.links.get(dotted, record.values.get(dotted))
            if not self._is_equal(of, dotted, wanted, there):
                yield say(
                    "Expected {name}.{field} to be {wanted}; it is {there}.",
                    "{name}.{field} 应为 {wanted}，实际为 {there}。",
                    name=name, field=dotted, wanted=_shown(wanted),
                    there=self._shown_value(of, there),
                )  # fmt: skip

    def _is_equal(self, of: Field, dotted: str, wanted: Any, there: Any) -> bool:
        if wanted in (None, "=empty"):
            return there in (None, "", [], ())
        if isinstance(there, Mapping) and "state" in there:
            # An approval, a clock: where it stands is what one asks.
            return str(wanted) == str(there["state"])
        if of.type.targets(of) and "." not in dotted:
            return self._names_of(of, there) == _sorted(wanted)
        if "." not in dotted and of.type.writable:
            app = self._cast.catalog.app
            context = ParseContext(
                language=app.languages[0], time_zone=app.time_zone, currencies=app.currencies
            )
            try:
                return bool(of.type.parse(of, wanted, context) == there)
            except (FieldError, TrellisError):
                return False
        return _is_same(wanted, there)

    def _names_of(self, of: Field, there: Any) -> list[str]:
        """Return what the test calls the records a field links to."""
        listed = there if isinstance(there, list | tuple) else [there] if there else []
        targets = of.type.targets(of)
        found = []
        for one in listed:
            number = one["id"] if isinstance(one, Mapping) else one
            entity = one.get("entity", targets[0]) if isinstance(one, Mapping) else targets[0]
            found.append(self._cast.named(str(entity), int(number)))
        return sorted(found)

    def _shown_value(self, of: Field, there: Any) -> str:
        if isinstance(there, Mapping) and "state" in there:
            return str(there["state"])
        if there is not None and of.type.targets(of):
            return ", ".join(self._names_of(of, there)) or "empty"
        return _shown(there)


def _is_counted(one: Message, key: str) -> bool:
    if key == "reminders":
        return one.channel == "inbox" and one.is_reminder
    wanted = {"messages": "inbox", "emails": "email", "calls": "call"}[key]
    return one.channel == wanted


def _is_same(wanted: Any, there: Any) -> bool:
    if isinstance(there, bool):
        return str(wanted) in (("yes", "true") if there else ("no", "false"))
    if isinstance(there, int | Decimal | float):
        try:
            return Decimal(str(wanted)) == Decimal(str(there))
        except InvalidOperation:
            return False
    return str(wanted) == str(there)


def _sorted(wanted: Any) -> list[str]:
    return sorted(map(str, wanted if isinstance(wanted, list) else [wanted]))


def _shown(value: Any) -> str:
    if value is None or value in ("", "=empty"):
        return "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
