"""What a plan consists of: one class per kind of change, with its words.

An operation is a value. It says what it touches and carries everything needed to do it, so that
what was begun can be finished by another process. Who does it is ``steps``; who finds it is
``diff``; the numbers are filled in by ``counting``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Literal

#: When an operation is done. ``add``: a short transaction, the old catalog goes on working.
#: ``fill``: outside transactions, still before. ``swap``: in the transaction that makes the new
#: catalog live. ``after``: outside transactions, the new catalog serves already. ``drop``: last.
Phase = Literal["add", "fill", "swap", "after", "drop"]
PHASES: tuple[Phase, ...] = ("add", "fill", "swap", "after", "drop")

#: Seconds per million rows, measured on two cores; the plan's estimates come from these.
_SECONDS_PER_MILLION = {"scan": 0.3, "index": 1.0, "write": 30.0, "convert": 41.0, "recompute": 60.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One change, to one thing."""

    phase: ClassVar[Phase] = "after"
    sign: ClassVar[str] = "~"
    #: how long it takes, by what it does to each row
    pace: ClassVar[str | None] = None

    #: what it is about, as one would write it behind ``--allow``: ``customer`` or ``customer.fax``
    subject: str
    #: how many rows it writes or reads; None until counted
    rows: int | None = None
    #: how many values it loses; 0 for none
    lost: int = 0
    #: ids of some of the rows concerned
    samples: tuple[int, ...] = ()

    @property
    def is_destructive(self) -> bool:
        """Whether values are lost that cannot be had back from other values."""
        return self.lost > 0

    @property
    def is_adding_only(self) -> bool:
        """Whether it may be done as soon as the file is saved: no existing value is touched."""
        return True

    @property
    def is_visible(self) -> bool:
        """Whether the plan shows it on a line of its own; the others follow from those."""
        return True

    def words(self) -> str:
        """Return what happens, behind the subject."""
        raise NotImplementedError

    def seconds(self) -> float:
        """Return about how long it takes."""
        return (self.rows or 0) * _SECONDS_PER_MILLION.get(self.pace or "", 0.0) / 1e6

    def as_json(self) -> dict[str, Any]:
        """Return it as data, from which `operation_from_json` makes it again."""
        return {"kind": type(self).__name__, **asdict(self)}


def amount(number: int | None, noun: str) -> str:
    """Return ``1 204 records`` with a thin grouping, or ``records`` while nobody has counted."""
    if number is None:
        return f"{noun}s"
    grouped = f"{number:,}".replace(",", " ")
    return f"{grouped} {noun}{'' if number == 1 else 's'}"


def sample_words(samples: tuple[int, ...]) -> str:
    """Return ``, for example 4, 8, 15``, or nothing."""
    return f", for example {', '.join(map(str, samples))}" if samples else ""


# -- tables ----------------------------------------------------------------------------------------


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


# -- fields ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class AddField(Operation):
    """New columns of a table that exists."""

    phase: ClassVar[Phase] = "add"
    sign: ClassVar[str] = "+"
    table: str
    #: what the field is, in words
    kind: str
    columns: tuple[str, ...]
    #: column -> SQL of the constant existing records get
    fill: Mapping[str, str]

    def words(self) -> str:
        columns = "column" if len(self.columns) == 1 else f"{len(self.columns)} columns"
        if self.fill:
            value = next(iter(self.fill.values()))
            return f"add {columns}, {self.kind}, {value} for {amount(self.rows, 'existing record')}"
        if not self.rows:
            return f"add {columns}, {self.kind}"
        return f"add {columns}, {self.kind}, empty for {amount(self.rows, 'existing record')}"


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


# -- constraints and indexes -----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildIndex(Operation):
    """An index of a table that exists, built while people work."""

    sign: ClassVar[str] = "+"
    pace: ClassVar[str | None] = "index"
    table: str
    name: str
    columns: tuple[str, ...]
    definition: str
    #: True where a broken one of this name is in the way
    rebuild: bool = False

    def words(self) -> str:
        return f"index ({', '.join(self.columns)}) over {amount(self.rows, 'record')}"


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildUnique(BuildIndex):
    """A unique rule; built before the catalog that promises it becomes live."""

    phase: ClassVar[Phase] = "fill"
    #: SQL of what must not repeat
    keys: tuple[str, ...]
    where: str | None = None
    #: groups of records that clash
    clashes: int = 0

    @property
    def is_adding_only(self) -> bool:
        return not self.clashes

    def words(self) -> str:
        what = f"unique ({', '.join(self.columns)})"
        if not self.clashes:
            return what
        values = amount(self.clashes, "value")
        return f"{what}: {values} more than once{sample_words(self.samples)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class RenameIndexes(Operation):
    """Indexes that follow renamed columns."""

    phase: ClassVar[Phase] = "swap"
    names: tuple[tuple[str, str], ...]

    @property
    def is_visible(self) -> bool:
        return False

    def words(self) -> str:
        return f"rename {len(self.names)} indexes"


@dataclass(frozen=True, kw_only=True, slots=True)
class RenameConstraints(Operation):
    """Checks and foreign keys that follow renamed columns."""

    phase: ClassVar[Phase] = "swap"
    table: str
    names: tuple[tuple[str, str], ...]

    @property
    def is_visible(self) -> bool:
        return False

    def words(self) -> str:
        return f"rename {len(self.names)} constraints"


@dataclass(frozen=True, kw_only=True, slots=True)
class DropIndexes(Operation):
    """Indexes nobody needs any more."""

    phase: ClassVar[Phase] = "drop"
    sign: ClassVar[str] = "-"
    names: tuple[str, ...]

    def words(self) -> str:
        return f"drop {amount(len(self.names), 'index')}".replace("indexs", "indexes")


@dataclass(frozen=True, kw_only=True, slots=True)
class DropUnique(Operation):
    """A unique rule that is gone."""

    phase: ClassVar[Phase] = "swap"
    sign: ClassVar[str] = "-"
    name: str

    def words(self) -> str:
        return "no longer unique"


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

    def words(self) -> str:
        return f"link to {self.target}"


@dataclass(frozen=True, kw_only=True, slots=True)
class AddForeignKeyLater(AddForeignKey):
    """The same for a column that only exists after the swap."""

    phase: ClassVar[Phase] = "after"


@dataclass(frozen=True, kw_only=True, slots=True)
class AddCheck(Operation):
    """A limit of a column; binds new writes at once, old ones when checked."""

    table: str
    name: str
    condition: str

    @property
    def is_visible(self) -> bool:
        return self.lost > 0

    @property
    def is_destructive(self) -> bool:
        return False

    def words(self) -> str:
        return f"limit: {amount(self.lost, 'record')} beyond it keep their value until next saved"


@dataclass(frozen=True, kw_only=True, slots=True)
class Validate(Operation):
    """A constraint checked for the rows that were there before it."""

    pace: ClassVar[str | None] = "scan"
    table: str
    name: str

    @property
    def is_visible(self) -> bool:
        return False

    def words(self) -> str:
        return "check existing records"


@dataclass(frozen=True, kw_only=True, slots=True)
class DropConstraint(Operation):
    """A check or foreign key that is gone; dropped first, since the new catalog may go beyond it."""

    phase: ClassVar[Phase] = "add"
    table: str
    name: str

    @property
    def is_visible(self) -> bool:
        return False

    def words(self) -> str:
        return f"drop constraint {self.name}"


# -- what follows ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Recompute(Operation):
    """Formulas and roll-ups to be worked out for records that exist."""

    pace: ClassVar[str | None] = "recompute"
    entity: str
    table: str
    fields: tuple[str, ...]

    def words(self) -> str:
        return f"work out {', '.join(self.fields)} for {amount(self.rows, 'record')}"


@dataclass(frozen=True, kw_only=True, slots=True)
class DropLeftover(Operation):
    """A column or trigger an apply that was broken off has left behind."""

    phase: ClassVar[Phase] = "add"
    sign: ClassVar[str] = "-"
    table: str
    columns: tuple[str, ...] = ()
    trigger: str | None = None

    def words(self) -> str:
        return "clear away what an earlier apply has left"


@dataclass(frozen=True, kw_only=True, slots=True)
class BreakCheck(Operation):
    """Records that break a new rule of ``checks``; they are asked for at their next save."""

    rule: str

    @property
    def is_destructive(self) -> bool:
        return False

    def words(self) -> str:
        breaking = f"{amount(self.lost, 'record')} {'breaks' if self.lost == 1 else 'break'} it"
        return f"check `{self.rule}`: {breaking}{sample_words(self.samples)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeAccess(Operation):
    """What a role may do from now on, against what it might before."""

    text: str

    def words(self) -> str:
        return self.text


@dataclass(frozen=True, kw_only=True, slots=True)
class Publish(Operation):
    """Changes that no table shows: labels, screens, rules."""

    phase: ClassVar[Phase] = "swap"

    def words(self) -> str:
        return "screens, labels or rules; no table changes"


_KINDS: dict[str, type[Operation]] = {
    kind.__name__: kind
    for kind in (
        CreateEntity, RenameEntity, DropEntity, AddField, RenameField, ChangeType, ConvertInPlace,
        DropField, Require, MakeOptional, SetDefault, RenameOptions, DropOptions, BuildIndex,
        BuildUnique, RenameIndexes, RenameConstraints, DropIndexes, DropUnique, AddForeignKey,
        AddForeignKeyLater, AddCheck, Validate, DropConstraint, Recompute, DropLeftover, BreakCheck, ChangeAccess,
        Publish,
    )
}  # fmt: skip


def operation_from_json(data: Mapping[str, Any]) -> Operation:
    """Return the operation *data* was made from."""
    kind = _KINDS[data["kind"]]
    names = {each.name for each in fields(kind)}
    return kind(**{name: _frozen(value) for name, value in data.items() if name in names})


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value
