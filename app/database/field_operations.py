"""Operations on tables and on the columns of fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from app.database.operation import (
    EXISTING_RECORD,
    FIELD,
    INDEX,
    RECORD,
    VALUE,
    Operation,
    Phase,
    amount,
    list_words,
    sample_words,
)
from app.texts import Label, join, say


def _columns(columns: Sequence[str]) -> Label:
    many = len(columns)
    return say("column", "列") if many == 1 else say(f"{many} columns", f" {many} 列")


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateEntity(Operation):
    """A new kind of record."""

    phase: ClassVar[Phase] = "add"
    sign: ClassVar[str] = "+"
    table: str
    fields: int
    indexes: int

    def words(self) -> Label:
        return say(
            "create table, {fields}, {indexes}",
            "新建数据表，{fields}，{indexes}",
            fields=amount(self.fields, FIELD),
            indexes=amount(self.indexes, INDEX),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RenameEntity(Operation):
    """A kind of record under another name."""

    phase: ClassVar[Phase] = "swap"
    old: str
    table: str
    new_table: str

    @property
    def is_adding_only(self) -> bool:
        return False

    def words(self) -> Label:
        return say(
            "rename from {old}, {records} kept",
            "由 {old} 更名，保留 {records}",
            old=self.old,
            records=amount(self.rows, RECORD),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class DropEntity(Operation):
    """A kind of record that is gone."""

    phase: ClassVar[Phase] = "drop"
    sign: ClassVar[str] = "-"
    table: str

    @property
    def is_adding_only(self) -> bool:
        return False

    @property
    def needs_allowing(self) -> bool:
        return True

    def words(self) -> Label:
        if not self.lost:
            return say("drop table: it is empty", "删除数据表：表中没有记录")
        return say(
            "drop table: {records} would be lost",
            "删除数据表：将丢失 {records}",
            records=amount(self.lost, RECORD),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class AddField(Operation):
    """New columns of a table that exists."""

    phase: ClassVar[Phase] = "add"
    sign: ClassVar[str] = "+"
    table: str
    columns: tuple[str, ...]
    #: column -> SQL of the constant existing records get
    fill: Mapping[str, str]
    #: what the field is; None for what is built in
    type_name: str | None = None
    #: where a link leads, and the limits of a number or a length
    target: str | None = None
    low: str | None = None
    high: str | None = None

    def words(self) -> Label:
        kind = self._kind()
        text = say("add {columns}, {kind}", "新增{columns}，{kind}", columns=_columns(self.columns),
                   kind=kind)  # fmt: skip
        if not self.rows:
            return text
        records = amount(self.rows, EXISTING_RECORD)
        value = next(iter(self.fill.values()), None)
        if value is None:
            return say("{text}, empty for {records}", "{text}，{records}为空", text=text,
                       records=records)  # fmt: skip
        return say("{text}, {value} for {records}", "{text}，{records}填入 {value}", text=text,
                   value=value, records=records)  # fmt: skip

    def _kind(self) -> Label:
        """Return what the field is: ``text``, ``link to customer``, ``integer 0-100``."""
        if self.type_name is None:
            return say("built in", "内置字段")
        words = say("{name}", "类型 {name}", name=self.type_name)
        if self.target is not None:
            words = say("{words} to {target}", "{words}，指向 {target}", words=words,
                        target=self.target)  # fmt: skip
        if self.low is not None and self.high is not None:
            return say("{words} {low}-{high}", "{words}，{low}-{high}", words=words, low=self.low,
                       high=self.high)  # fmt: skip
        if self.high is not None:
            return say(
                "{words} up to {high}", "{words}，不超过 {high}", words=words, high=self.high
            )
        if self.low is not None:
            return say("{words} from {low}", "{words}，不低于 {low}", words=words, low=self.low)
        return words


@dataclass(frozen=True, kw_only=True, slots=True)
class RenameField(Operation):
    """A field under another name."""

    phase: ClassVar[Phase] = "swap"
    old: str
    table: str
    columns: tuple[tuple[str, str], ...]

    @property
    def is_adding_only(self) -> bool:
        return False

    def words(self) -> Label:
        return say(
            "rename from {old}, {values} kept",
            "由 {old} 更名，保留 {values}",
            old=self.old,
            values=amount(self.rows, VALUE),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeType(Operation):
    """A field of another type: its values are converted beside the old ones, then swapped."""

    phase: ClassVar[Phase] = "fill"
    pace: ClassVar[str | None] = "convert"
    table: str
    old_type: str
    new_type: str
    #: the columns as they are called now
    old_columns: tuple[str, ...]
    #: (column, its type, SQL that works it out from the old ones or None)
    new_columns: tuple[tuple[str, str, str | None], ...]
    #: SQL of whether nothing of the old value is lost
    fits: str = "true"
    #: False where no value can be kept
    converts: bool = True
    #: True where the values follow from other fields
    is_worked_out: bool = False

    @property
    def is_adding_only(self) -> bool:
        return self.is_worked_out

    @property
    def is_destructive(self) -> bool:
        return self.lost > 0 and not self.is_worked_out

    def words(self) -> Label:
        change = f"{self.old_type} -> {self.new_type}"
        if self.is_worked_out:
            return say("{change}, worked out again", "{change}，重新计算", change=change)
        if not self.converts:
            return say(
                "{change}: no way to convert, {values} would be lost",
                "{change}：无法转换，将丢失 {values}",
                change=change,
                values=amount(self.lost, VALUE),
            )
        kept = amount((self.rows or 0) - self.lost, VALUE)
        text = say("{change}: {values} convert", "{change}：{values}可以转换", change=change,
                   values=kept)  # fmt: skip
        if not self.lost:
            return text
        return say(
            "{text}, {lost} do not{samples}",
            "{text}，{lost} 个不能{samples}",
            text=text,
            lost=self.lost,
            samples=sample_words(self.samples),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ConvertInPlace(Operation):
    """A field of another type whose column stays: its values are brought to the new form."""

    pace: ClassVar[str | None] = "write"
    table: str
    old_type: str
    new_type: str
    column: str
    #: (column, SQL of its new value); empty where the values stay as they are
    sets: tuple[tuple[str, str], ...]
    #: SQL of whether nothing is lost, and what the column is called before the swap
    fits: str
    current: str

    @property
    def is_adding_only(self) -> bool:
        return False

    def words(self) -> Label:
        change = f"{self.old_type} -> {self.new_type}"
        if self.lost:
            return say(
                "{change}: {values} do not fit{samples}",
                "{change}：{values}不符合新类型{samples}",
                change=change,
                values=amount(self.lost, VALUE),
                samples=sample_words(self.samples),
            )
        return say("{change}: {values} fit", "{change}：{values}符合新类型", change=change,
                   values=amount(self.rows, VALUE))  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class DropField(Operation):
    """Columns whose field is gone."""

    phase: ClassVar[Phase] = "drop"
    sign: ClassVar[str] = "-"
    table: str
    columns: tuple[str, ...]
    is_worked_out: bool = False
    #: True where the field stays and only parts go that its type no longer has
    is_part: bool = False

    @property
    def is_adding_only(self) -> bool:
        return self.is_part

    @property
    def is_destructive(self) -> bool:
        return self.lost > 0 and not self.is_worked_out and not self.is_part

    @property
    def needs_allowing(self) -> bool:
        return not self.is_part

    def words(self) -> Label:
        columns = _columns(self.columns)
        if self.is_part or self.is_worked_out:
            return say("drop {columns}: its values were worked out",
                       "删除{columns}：其值是计算得出的", columns=columns)  # fmt: skip
        if not self.lost:
            return say("drop {columns}: no record holds a value",
                       "删除{columns}：没有记录填有值", columns=columns)  # fmt: skip
        return say(
            "drop {columns}: {records} {hold} a value",
            "删除{columns}：{records}填有值",
            columns=columns,
            records=amount(self.lost, RECORD),
            hold="holds" if self.lost == 1 else "hold",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Require(Operation):
    """A field that must be filled from now on."""

    pace: ClassVar[str | None] = "scan"
    table: str
    column: str
    #: SQL of the constant empty records get
    fill: str | None = None
    #: how many are empty
    empty: int = 0
    #: True where somebody has allowed that they stay empty until they are next saved
    is_waived: bool = False

    @property
    def is_adding_only(self) -> bool:
        return False

    def words(self) -> Label:
        if not self.empty:
            return say("required", "必填")
        is_one = self.empty == 1
        empty = say("required: {records} {are} empty", "必填：{records}为空",
                    records=amount(self.empty, RECORD), are="is" if is_one else "are")  # fmt: skip
        if self.fill is not None:
            return say("{empty} and {get} {fill}", "{empty}，将填入 {fill}", empty=empty,
                       get="gets" if is_one else "get", fill=self.fill)  # fmt: skip
        if self.is_waived:
            asked = "is asked at its" if is_one else "are asked at their"
            empty = say("{empty} and {asked} next save", "{empty}，下次保存时要求填写", empty=empty,
                        asked=asked)  # fmt: skip
        return join("", [empty, sample_words(self.samples)])


@dataclass(frozen=True, kw_only=True, slots=True)
class MakeOptional(Operation):
    """A field that may be empty from now on."""

    phase: ClassVar[Phase] = "add"
    table: str
    column: str

    def words(self) -> Label:
        return say("may be empty", "可以为空")


@dataclass(frozen=True, kw_only=True, slots=True)
class SetDefault(Operation):
    """What the database fills in by itself; part of a type, not of the configuration."""

    table: str
    column: str
    default: str | None

    @property
    def is_visible(self) -> bool:
        return False

    def words(self) -> Label:
        if self.default is None:
            return say("no filling in", "不再自动填入")
        return say("the database fills in {value}", "由数据库填入 {value}", value=self.default)


@dataclass(frozen=True, kw_only=True, slots=True)
class RenameOptions(Operation):
    """Options under other names, or replaced by others: the values follow."""

    pace: ClassVar[str | None] = "write"
    table: str
    columns: tuple[str, ...]
    is_many: bool
    #: (old, new)
    names: tuple[tuple[str, str], ...]

    @property
    def is_adding_only(self) -> bool:
        return not self.rows

    def words(self) -> Label:
        return say(
            "options {names} in {records}",
            "选项 {names}：{records}",
            names=list_words(f"{old} -> {new}" for old, new in self.names),
            records=amount(self.rows, RECORD),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class DropOptions(Operation):
    """Options that are gone; in use, they must become others or stay as removed ones."""

    sign: ClassVar[str] = "-"
    table: str
    column: str
    is_many: bool
    names: tuple[str, ...]

    @property
    def is_adding_only(self) -> bool:
        return not self.lost

    def words(self) -> Label:
        names = list_words(self.names)
        if not self.lost:
            return say("drop options {names}: not in use", "删除选项 {names}：没有记录使用",
                       names=names)  # fmt: skip
        return say(
            "drop options {names}: {records} {hold} one{samples}",
            "删除选项 {names}：{records}正在使用{samples}",
            names=names,
            records=amount(self.lost, RECORD),
            hold="holds" if self.lost == 1 else "hold",
            samples=sample_words(self.samples),
        )
