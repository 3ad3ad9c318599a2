"""Operations on rules that a table does not know: what people may write is less than before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from app.database.operation import RECORD, Operation, Phase, amount, sample_words
from app.texts import Label, say


@dataclass(frozen=True, kw_only=True, slots=True)
class Narrow(Operation):
    """A limit of a field that allows less than before; ``lost`` counts the values beyond it."""

    phase: ClassVar[Phase] = "swap"
    table: str
    column: str
    #: the key as written, with its values; None where there was no such limit
    setting: str
    before: str | None
    now: str
    #: SQL of whether a value is beyond it; None where only the application can tell
    beyond: str | None = None

    @property
    def is_destructive(self) -> bool:
        return False

    @property
    def is_adding_only(self) -> bool:
        return False

    def words(self) -> Label:
        change = f"`{self.setting}: {self.now}`"
        if self.before is not None:
            change = f"`{self.setting}: {self.before}` -> `{self.now}`"
        text = say("{change}", "{change}", change=change)
        if not self.lost:
            return text
        return say(
            "{text}: {records} beyond it {keep} until next saved{samples}",
            "{text}：{records}超出范围，下次保存之前保留原值{samples}",
            text=text,
            records=amount(self.lost, RECORD),
            keep="keeps its value" if self.lost == 1 else "keep their value",
            samples=sample_words(self.samples),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class AddRule(Operation):
    """A new rule of ``checks``; which records break it is told by `BreakCheck`."""

    phase: ClassVar[Phase] = "swap"
    rule: str

    @property
    def is_adding_only(self) -> bool:
        return False

    def words(self) -> Label:
        return say("check `{rule}` from now on", "今后校验 `{rule}`", rule=self.rule)
