"""The contract of an action, and the registry of them.

An action is one class: it takes the settings of a step and does its work through what `Running`
offers, in the transaction that is open. It opens no transaction and no connection of its own, and
it sends nothing: what goes out is a row (``running.outbox``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from app.errors import ConfigurationError, Reject
from app.texts import Label, say

if TYPE_CHECKING:
    from app.automation.running import Running


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a step, for the ledger."""

    state: Literal["done", "skipped", "waiting", "failed"] = "done"
    #: what was done, or why not: a sentence for whoever reads the ledger
    note: Label | None = None
    #: the record a `create` made: entity and id
    made: tuple[str, int] | None = None


#: Nothing to be said about it.
DONE = Outcome()


def skipped(en: str, zh: str, **values: Any) -> Outcome:
    """Return the outcome of a step that had nothing to do, with the reason."""
    return Outcome("skipped", say(en, zh, **values))


class StopRule(Reject):
    """A rule refuses: the write, button or call that set it off is taken back with a sentence."""


class Action(ABC):
    """One kind of step."""

    #: the key in YAML
    name: ClassVar[str]
    #: ``outside``: messages and calls; they come after every database action of the transaction,
    #: and one that fails is noted in the ledger instead of taking the write back
    kind: ClassVar[Literal["database", "outside"]] = "database"

    @abstractmethod
    def run(self, running: Running, settings: Any) -> Outcome:
        """Do it.

        Raises:
            StopRule: the rule refuses.
            TrellisError: it cannot be done; the transaction is taken back.
        """


class Actions(Mapping[str, Action]):
    """The actions there are, by name."""

    def __init__(self, actions: Iterable[Action] = ()) -> None:
        self._by_name: dict[str, Action] = {}
        for action in actions:
            self.register(action)

    def register(self, action: Action) -> None:
        """Add one.

        Raises:
            ConfigurationError: there is one of that name.
        """
        if action.name in self._by_name:
            raise ConfigurationError(message=f"There are two actions called `{action.name}`.")
        self._by_name[action.name] = action

    def __getitem__(self, name: str) -> Action:
        return self._by_name[name]

    def __iter__(self) -> Any:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)
