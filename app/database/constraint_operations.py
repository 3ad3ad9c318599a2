"""Operations on indexes, unique rules, links and limits, and what follows from a change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from app.database.operation import (
    CONSTRAINT,
    INDEX,
    RECORD,
    VALUE,
    Operation,
    Phase,
    amount,
    list_words,
    sample_words,
)
from app.texts import Label, say


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildIndex(Operation):
    """An index of a table that exists, built while people work."""

    sign: ClassVar[str] = "+"
    pace: ClassVar[str | None] = "index"
    unique: ClassVar[bool] = False
    table: str
    name: str
    columns: tuple[str, ...]
    definition: str
    #: True where a broken one of this name is in the way
    rebuild: bool = False

    def words(self) -> Label:
        return say(
            "index ({columns}) over {records}",
            "索引（{columns}）：{records}",
            columns=list_words(self.columns),
            records=amount(self.rows, RECORD),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildUnique(BuildIndex):
    """A unique rule; built before the catalog that promises it becomes live."""

    phase: ClassVar[Phase] = "fill"
    unique: ClassVar[bool] = True
    #: SQL of what must not repeat
    keys: tuple[str, ...]
    where: str | None = None
    #: groups of records that clash
    clashes: int = 0

    @property
    def is_adding_only(self) -> bool:
        return False

    def words(self) -> Label:
        what = say("unique ({columns})", "唯一（{columns}）", columns=list_words(self.columns))
        if not self.clashes:
            return what
        return say(
            "{what}: {values} more than once{samples}",
            "{what}：{values}重复出现{samples}",
            what=what,
            values=amount(self.clashes, VALUE),
            samples=sample_words(self.samples),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RenameIndexes(Operation):
    """Indexes that follow renamed columns."""

    phase: ClassVar[Phase] = "swap"
    names: tuple[tuple[str, str], ...]

    @property
    def is_visible(self) -> bool:
        return False

    def words(self) -> Label:
        return say("rename {indexes}", "重命名 {indexes}", indexes=amount(len(self.names), INDEX))


@dataclass(frozen=True, kw_only=True, slots=True)
class RenameConstraints(Operation):
    """Checks and foreign keys that follow renamed columns."""

    phase: ClassVar[Phase] = "swap"
    table: str
    names: tuple[tuple[str, str], ...]

    @property
    def is_visible(self) -> bool:
        return False

    def words(self) -> Label:
        constraints = amount(len(self.names), CONSTRAINT)
        return say("rename {constraints}", "重命名 {constraints}", constraints=constraints)


@dataclass(frozen=True, kw_only=True, slots=True)
class DropIndexes(Operation):
    """Indexes nobody needs any more."""

    phase: ClassVar[Phase] = "drop"
    sign: ClassVar[str] = "-"
    names: tuple[str, ...]

    def words(self) -> Label:
        return say("drop {indexes}", "删除 {indexes}", indexes=amount(len(self.names), INDEX))


@dataclass(frozen=True, kw_only=True, slots=True)
class DropUnique(Operation):
    """A unique rule that is gone."""

    phase: ClassVar[Phase] = "swap"
    sign: ClassVar[str] = "-"
    name: str

    def words(self) -> Label:
        return say("no longer unique", "不再要求唯一")


@dataclass(frozen=True, kw_only=True, slots=True)
class AddForeignKey(Operation):
    """A link's promise to point to a record; binds new writes at once, old ones when checked."""

    phase: ClassVar[Phase] = "add"
    table: str
    name: str
    column: str
    target: str
    on_delete: str

    @property
    def is_visible(self) -> bool:
        return False

    def words(self) -> Label:
        return say("link to {target}", "链接到 {target}", target=self.target)


@dataclass(frozen=True, kw_only=True, slots=True)
class AddForeignKeyLater(AddForeignKey):
    """The same for a column that only exists after the swap."""

    phase: ClassVar[Phase] = "after"


@dataclass(frozen=True, kw_only=True, slots=True)
class AddCheck(Operation):
    """A limit of a column; binds new writes at once, old ones when checked."""

    table: str
    name: str
    column: str
    condition: str

    @property
    def is_visible(self) -> bool:
        return self.lost > 0

    @property
    def is_destructive(self) -> bool:
        return False

    def words(self) -> Label:
        return say(
            "limit: {records} beyond it {keep} until next saved",
            "限制：{records}超出范围，下次保存之前保留原值",
            records=amount(self.lost, RECORD),
            keep="keeps its value" if self.lost == 1 else "keep their value",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Validate(Operation):
    """A constraint checked for the rows that were there before it."""

    pace: ClassVar[str | None] = "scan"
    table: str
    name: str

    @property
    def is_visible(self) -> bool:
        return False

    def words(self) -> Label:
        return say("check existing records", "检查现有记录")


@dataclass(frozen=True, kw_only=True, slots=True)
class DropConstraint(Operation):
    """A check or foreign key that is gone; dropped first, as the new catalog may go beyond it."""

    phase: ClassVar[Phase] = "add"
    table: str
    name: str

    @property
    def is_visible(self) -> bool:
        return False

    def words(self) -> Label:
        return say("drop constraint {name}", "删除约束 {name}", name=self.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recompute(Operation):
    """Formulas and roll-ups to be worked out for records that exist."""

    pace: ClassVar[str | None] = "recompute"
    entity: str
    table: str
    fields: tuple[str, ...]

    def words(self) -> Label:
        return say(
            "work out {fields} for {records}",
            "重新计算 {fields}：{records}",
            fields=list_words(self.fields),
            records=amount(self.rows, RECORD),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class DropLeftover(Operation):
    """A column or trigger an apply that was broken off has left behind."""

    phase: ClassVar[Phase] = "add"
    sign: ClassVar[str] = "-"
    table: str
    columns: tuple[str, ...] = ()
    trigger: str | None = None

    def words(self) -> Label:
        return say("clear away what an earlier apply has left", "清理先前一次应用遗留的内容")


@dataclass(frozen=True, kw_only=True, slots=True)
class BreakCheck(Operation):
    """Records that break a new rule of ``checks``; they are asked for at their next save."""

    rule: str

    @property
    def is_destructive(self) -> bool:
        return False

    @property
    def is_adding_only(self) -> bool:
        return False

    def words(self) -> Label:
        return say(
            "check `{rule}`: {records} {break_} it{samples}",
            "校验 `{rule}`：{records}不符合{samples}",
            rule=self.rule,
            records=amount(self.lost, RECORD),
            break_="breaks" if self.lost == 1 else "break",
            samples=sample_words(self.samples),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Publish(Operation):
    """Changes that no table shows: labels, screens, rules."""

    phase: ClassVar[Phase] = "swap"

    def words(self) -> Label:
        return say("screens, labels or rules; no table changes", "界面、标签或规则，不改动数据表")
