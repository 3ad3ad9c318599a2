"""What steps of workflows are set to do, checked and frozen: part of a rule or an approval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from app.expressions.tree import Checked
from app.texts import Label

if TYPE_CHECKING:
    from app.definitions.catalog import Place


@dataclass(frozen=True, slots=True)
class Given:
    """A value that a step gives: as written, worked out, or by a table.

    Exactly one of the three is set; ``raw`` is read by the field it goes to, like a form's input.
    ``=empty`` is a ``checked`` that gives None.
    """

    raw: Any = None
    checked: Checked | None = None
    #: ``{by: …, a: …, else: …}``: the option's name, "else" last
    by: Checked | None = None
    table: Mapping[str, Given] = field(default_factory=dict)

    def row_for(self, value: Any) -> Given | None:
        """Return the row of the table that a value of ``by`` means; None: the field is left."""
        name = ("no", "yes")[value] if isinstance(value, bool) else str(value)
        return self.table.get(name) or self.table.get("else")


@dataclass(frozen=True, slots=True)
class Person:
    """One entry of `to`, `cc`, `approver`, `admins`, `members`."""

    #: path (user, contact or e-mail field, also through links and lines) | role | user |
    #: department | head (of the department at ``path``) | chosen (from ``role``) | address
    kind: Literal["path", "role", "user", "department", "head", "chosen", "address"]
    #: the role, user name, department name or address
    name: str = ""
    #: path, head: what gives the user, e-mail, or department
    path: Checked | None = None
    #: path: a field with many records (lines, links) on each of which ``path`` is worked out;
    #: empty: on the record itself
    over: str = ""
    #: as written, for messages
    text: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: an action with its settings.

    ``path`` is its place in the rule, ``"2"`` or ``"2.0.1"`` inside of a `choose` (branch 0,
    step 1): stable while the rule's text is.
    """

    path: str
    action: str
    #: typed settings of the action, see the classes below; plugins': a mapping
    settings: Any
    if_: Checked | None = None
    #: a Checked duration, counted from the firing
    after: Checked | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Notify:
    to: tuple[Person, ...]
    cc: tuple[Person, ...] = ()
    via: tuple[str, ...] = ("inbox",)
    #: a text with ``{{ … }}``
    say: Label | None = None
    template: str | None = None
    attach: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SetFields:
    #: by path: ``status`` or ``customer.status``
    values: Mapping[str, Given]


@dataclass(frozen=True, slots=True)
class Create:
    entity: str
    values: Mapping[str, Given]
    name: str | None = None
    match: tuple[str, ...] = ()
    copy: tuple[str, ...] = ()
    #: one record for each: rows written in the rule, or a lines field
    each: tuple[Mapping[str, Any], ...] | str | None = None
    carry: tuple[str, ...] = ()
    open: bool = False


@dataclass(frozen=True, slots=True)
class Update:
    entity: str
    values: Mapping[str, Given]
    where: Checked | None = None
    each: str | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    entity: str
    where: Checked | None = None
    each: str | None = None


@dataclass(frozen=True, slots=True)
class Assign:
    to: tuple[Person, ...]
    how: Literal["in_turn", "least_busy", "random"] = "in_turn"
    #: about the people (plain names are the user's)
    where: Checked | None = None
    with_: tuple[str, ...] = ()
    #: the former owner may go on reading: a Checked duration, None: not
    previous: Checked | None = None


@dataclass(frozen=True, slots=True)
class Release:
    to: str | None = None  #: a pool; None: the one that fits
    reason: Given | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """The record goes to whoever caused the rule."""


@dataclass(frozen=True, slots=True)
class Sharing:
    to: tuple[Person, ...]
    may_edit: bool = False
    until: Given | None = None


@dataclass(frozen=True, slots=True)
class Choose:
    branches: tuple[tuple[Checked | None, tuple[Step, ...]], ...]


@dataclass(frozen=True, slots=True)
class Wait:
    for_: Checked | None = None  #: a duration
    until: Checked | None = None
    at_most: Checked | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    sentence: Label


@dataclass(frozen=True, slots=True)
class Call:
    url: Given
    method: str = "POST"
    body: Mapping[str, Given] = field(default_factory=dict)
    secret: str = ""  #: an environment variable's name
    shown_as: str = "signature"  #: how it is shown, see ``workflow_settings.SecretAs``
    #: fields of the record by name, worked out with ``answer``
    save: Mapping[str, Checked] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Words:
    """`approve` (an approval), `print` (a template), `comment` (a text), `run` (a plugin's)."""

    value: str | Label
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fields:
    """`anonymise`: fields that lose their value."""

    names: tuple[str, ...]
