"""Every hook a plugin can answer: the whole contract, on one page.

A plugin is a folder in ``plugins/`` with an ``__init__.py``, or an installed package with an entry
point in the group ``trellis``. It answers a hook with a function of the hook's name, marked
``@hookimpl`` (``from app import hookimpl``), and takes only the arguments it needs. The built-in
field types and functions are registered through the same hooks.

``register_*`` is called once when a process starts; ``before_*`` inside the transaction of a write;
``after_*`` once it is committed. Plugins are asked in the order of their names.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from app.access.principal import Principal
    from app.expressions.functions import Function
    from app.fields.base import FieldType
    from app.records.doing import RuleAction
    from app.records.drafts import Draft
    from app.records.saving import Written

#: The name that marks hooks and answers as ours.
PROJECT = "trellis"

hookspec = pluggy.HookspecMarker(PROJECT)


@hookspec
def register_field_types() -> Iterable[FieldType]:  # type: ignore[empty-body]
    """Return field types that YAML may use, one object each.

    Called once when a process starts, before the configuration is read; it must not ask a database.
    A name that is taken stops the start and names both plugins, as does any exception, with the
    plugin and the line it came from. Since 0.1.
    """


@hookspec
def register_functions() -> Iterable[Function]:  # type: ignore[empty-body]
    """Return functions that expressions may call, each with its Python and its SQL side.

    Called once when a process starts, before the configuration is read; it must not ask a database.
    Both sides must give the same answer, and ``sql`` may be None for a function that filters cannot
    use. A name that is taken stops the start and names both plugins. Since 0.1.
    """


@hookspec
def register_actions() -> Iterable[RuleAction]:  # type: ignore[empty-body]
    """Return actions that rules may call with `run`, one object each.

    Called once when a process starts, before the configuration is read; it must not ask a database.
    A rule calls one with `run: NAME`, or `run: {action: NAME, …}` with settings of its own. It runs
    in the transaction of the rule and is given a `Doing`: the record, the settings, and `acting`,
    which writes records as whoever the rule acts as. What it returns stands in the ledger; `Reject`
    refuses what set the rule off; any other exception is the rule's failure. A name that is taken
    stops the start and names both plugins. Since 0.3.
    """


@hookspec
def before_save(record: Draft, principal: Principal, is_new: bool) -> None:
    """Look at a record just before it is written, inside the transaction.

    ``record.entity.name`` says what it is; ``record.get(name)`` and ``record.changed(name)`` what
    it will hold; ``record.set(name, value)`` changes a field, read like a person's input. Required
    fields, checks and uniqueness are looked at afterwards. Raise ``Reject("a sentence for the
    user", field="name")`` to refuse; any other exception refuses with a general sentence and is
    reported to the administrators. Not called again for what it changes itself, nor for values that
    Trellis works out. Since 0.1.
    """


@hookspec
def after_save(record: Written, principal: Principal, is_new: bool) -> None:
    """Hear of a record that was written, once its transaction is committed.

    ``record.entity`` (its name), ``record.id``, ``record.version``, ``record.values`` and
    ``record.fields`` (the names whose value is another now) say what happened. What it does cannot
    undo the write: an exception is reported to the administrators and the request succeeds. It runs
    in the request, so it must be quick; a process that dies in between has not called it.
    Since 0.1.
    """


#: The hooks by name, in the order of this page.
HOOKS = (register_field_types, register_functions, register_actions, before_save, after_save)
