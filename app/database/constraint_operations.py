"""Operations on indexes, unique rules, links and limits, and what follows from a change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from app.database.operation import Operation, Phase, amount, sample_words


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

    def words(self) -> str:
        return f"index ({', '.join(self.columns)}) over {amount(self.rows, 'record')}"


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
    column: str
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
    """A check or foreign key that is gone; dropped first, as the new catalog may go beyond it."""

    phase: ClassVar[Phase] = "add"
    table: str
    name: str

    @property
    def is_visible(self) -> bool:
        return False

    def words(self) -> str:
        return f"drop constraint {self.name}"


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
