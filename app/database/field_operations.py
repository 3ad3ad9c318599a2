"""Operations on tables and on the columns of fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.database.operation import Operation, Phase, amount, sample_words


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateEntity(Operation):
    """A new kind of record."""

    phase: ClassVar[Phase] = "add"
    sign: ClassVar[str] = "+"
    table: str
    fields: int
    indexes: int

    def words(self) -> str:
        return f"create table, {amount(self.fields, 'field')}, {self.indexes} indexes"


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

    def words(self) -> str:
        return f"rename from {self.old}, {amount(self.rows, 'record')} kept"


@dataclass(frozen=True, kw_only=True, slots=True)
class DropEntity(Operation):
    """A kind of record that is gone."""

    phase: ClassVar[Phase] = "drop"
    sign: ClassVar[str] = "-"
    table: str

    @property
    def is_adding_only(self) -> bool:
        return False

    def words(self) -> str:
        if not self.lost:
            return "drop table: it is empty"
        return f"drop table: {amount(self.lost, 'record')} would be lost"


@dataclass(frozen=True, kw_only=True, slots=True)
class AddField(Operation):
    """New columns of a table that exists."""

    phase: ClassVar[Phase] = "add"
    sign: ClassVar[str] = "+"
    table: str
    #: what the field is, in words
    type_words: str
    columns: tuple[str, ...]
    #: column -> SQL of the constant existing records get
    fill: Mapping[str, str]

    def words(self) -> str:
        columns = "column" if len(self.columns) == 1 else f"{len(self.columns)} columns"
        text = f"add {columns}, {self.type_words}"
        if not self.rows:
            return text
        value = next(iter(self.fill.values()), "empty")
        return f"{text}, {value} for {amount(self.rows, 'existing record')}"


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

    def words(self) -> str:
        return f"rename from {self.old}, {amount(self.rows, 'value')} kept"


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

    def words(self) -> str:
        change = f"{self.old_type} -> {self.new_type}"
        if self.is_worked_out:
            return f"{change}, worked out again"
        if not self.converts:
            return f"{change}: no way to convert, {amount(self.lost, 'value')} would be lost"
        kept = (self.rows or 0) - self.lost
        text = f"{change}: {amount(kept, 'value')} convert"
        if self.lost:
            text += f", {self.lost} do not{sample_words(self.samples)}"
        return text


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

    def words(self) -> str:
        change = f"{self.old_type} -> {self.new_type}"
        if self.lost:
            return f"{change}: {amount(self.lost, 'value')} do not fit{sample_words(self.samples)}"
        return f"{change}: {amount(self.rows, 'value')} fit"


@dataclass(frozen=True, kw_only=True, slots=True)
class DropField(Operation):
    """Columns whose field is gone."""

    phase: ClassVar[Phase] = "drop"
    sign: ClassVar[str] = "-"
    table: str
    columns: tuple[str, ...]
    is_worked_out: bool = False

    @property
    def is_adding_only(self) -> bool:
        return self.is_worked_out

    @property
    def is_destructive(self) -> bool:
        return self.lost > 0 and not self.is_worked_out

    def words(self) -> str:
        columns = "column" if len(self.columns) == 1 else f"{len(self.columns)} columns"
        if self.is_worked_out:
            return f"drop {columns}: its values were worked out"
        if not self.lost:
            return f"drop {columns}: no record holds a value"
        holds = "holds" if self.lost == 1 else "hold"
        return f"drop {columns}: {amount(self.lost, 'record')} {holds} a value"


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
        return not self.empty

    def words(self) -> str:
        if not self.empty:
            return "required"
        empty = f"{amount(self.empty, 'record')} {'is' if self.empty == 1 else 'are'} empty"
        if self.fill is None:
            later = " and are asked at their next save" if self.is_waived else ""
            return f"required: {empty}{later}{sample_words(self.samples)}"
        return f"required: {empty} and get {self.fill}"


@dataclass(frozen=True, kw_only=True, slots=True)
class MakeOptional(Operation):
    """A field that may be empty from now on."""

    phase: ClassVar[Phase] = "add"
    table: str
    column: str

    def words(self) -> str:
        return "may be empty"


@dataclass(frozen=True, kw_only=True, slots=True)
class SetDefault(Operation):
    """What the database fills in by itself; part of a type, not of the configuration."""

    table: str
    column: str
    default: str | None

    @property
    def is_visible(self) -> bool:
        return False

    def words(self) -> str:
        return f"the database fills in {self.default}" if self.default else "no filling in"


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

    def words(self) -> str:
        names = ", ".join(f"{old} -> {new}" for old, new in self.names)
        return f"options {names} in {amount(self.rows, 'record')}"


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

    def words(self) -> str:
        names = ", ".join(self.names)
        if not self.lost:
            return f"drop options {names}: not in use"
        used = f"{amount(self.lost, 'record')} {'holds' if self.lost == 1 else 'hold'} one"
        return f"drop options {names}: {used}{sample_words(self.samples)}"
