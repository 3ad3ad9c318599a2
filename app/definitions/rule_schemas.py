"""How a rule is written: what sets it off, when it repeats, and its steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma

from app.definitions.action_schemas import Steps
from app.definitions.complaints import Complaint, at_key, one_of
from app.definitions.field_schemas import FieldPart, FieldSchemas
from app.definitions.problems import Code
from app.definitions.shape import Definition, Labels, Part, Table, add_keys
from app.definitions.words import Texts
from app.definitions.workflow_settings import AtValue, DayOfMonth, DurationValue, EveryValue
from app.fields.settings import ExpressionText, Names, Plain, Switch, WholeNumber, Word

#: The kinds of `when`: the key that makes one, and the keys that may stand beside it.
KINDS: Mapping[str, tuple[str, ...]] = {
    "on": ("changed", "from", "to", "yearly", "at"),
    "after": ("since", "yearly", "at"),
    "before": ("until", "yearly", "at"),
    "every": ("day", "at"),
    "button": ("for", "ask", "place"),
    "hook": ("secret",),
}
_NEEDS: Mapping[str, str] = {"after": "since", "before": "until", "hook": "secret"}


class WhenSchema(Definition):
    """What sets a rule off."""

    noun = "`when`"
    example = """
after: {by: level, a: 7 days, else: 30 days}
since: max(last_contacted_at, owner_since)
at: 09:00 on working days
"""

    on = Texts(
        "Events: `create update delete restore transfer claim release comment email merge approved "
        "rejected`; without an entity `backup failed`, `sync failed`; or a date or time field: "
        "when it comes."
    )
    changed = Texts("Events: fields one of which must have changed, also `customer.level`.")
    to = Texts("Events: what the changed field became.")
    after = DurationValue("So long after `since`.")
    since = ExpressionText("The moment `after` counts from.")
    before = DurationValue("So long before `until`.")
    until = ExpressionText("The moment `before` counts back from.")
    yearly = Switch("It comes again every year: birthdays, anniversaries.")
    every = EveryValue("A rhythm.")
    day = DayOfMonth("Every month or quarter: on which day.")
    at = AtValue("The time of day, in the company's time.")
    button = Labels("People press it; this is what it says.")
    place = Word("Where the button stands.", "record", among=("record", "list"))
    hook = Plain("Another program calls it, at `/hooks/` and this path.")
    secret = Plain("Of a hook: the environment variable with the secret that signs calls.")

    def check(self, values: dict[str, Any], data: dict[str, Any]) -> None:
        """Ask for exactly one kind, with what belongs to it."""
        kind = one_of(data, tuple(KINDS), "`when`")
        allowed = (kind, *KINDS[kind])
        for key in data:
            if key not in allowed:
                message = f"`{key}` does not go with `{kind}`."
                raise at_key(key, message, Code.conflicting_keys, "Remove it.")
        needed = _NEEDS.get(kind)
        if needed is not None and needed not in values:
            hint = f"Add it: {self.fields[needed].help}"  # type: ignore[attr-defined]
            message = f"`{kind}` needs `{needed}`."
            raise ma.ValidationError({needed: [Complaint(message, Code.missing_key, hint)]})
        every = values.get("every")
        if "day" in values and (every is None or every.unit not in ("month", "quarter")):
            raise at_key("day", "`day` goes with `every: month` or `every: quarter`.",
                      Code.conflicting_keys, "Remove it.")  # fmt: skip
        if "at" in values and every is not None and every.unit in ("minutes", "hours"):
            raise at_key("at", "`at` does not go with minutes or hours.", Code.conflicting_keys,
                      "Remove it.")  # fmt: skip
        for key in ("from", "to"):
            if key in values and len(values.get("changed", ())) != 1:
                message = f"`{key}` says what one field was or became; `changed` must name it."
                raise at_key(key, message, Code.conflicting_keys, "For example `changed: stage`.")


add_keys(
    WhenSchema,
    {
        "from": Texts("Events: what the changed field was."),
        "for": Names("Of a button: the roles that see it; without it, who may change the record."),
    },
)


class RepeatSchema(Definition):
    """How often a dated rule fires again while it still holds."""

    noun = "`repeat`"
    example = """
every: 3 working days
times: 3
"""

    every = DurationValue("How long after the firing before.", required=True)
    times = WholeNumber("How many times after the first; without it, as long as it holds.",
                        least=1, most=1000)  # fmt: skip


class RuleSchema(Definition):
    """Something that happens by itself."""

    noun = "the rule"
    example = """
rule: remind-silent-customers
entity: customer
when: {after: 7 days, since: last_contacted_at, at: 09:00 on working days}
if: status == 'active'
do:
  - notify: {to: owner, say: "{{ record.name }} has been silent for a week."}
"""

    rule = Plain("Its name.", required=True)
    label = Labels("What people read; without one it is made from the name.")
    entity = Names("The entity, or several; none for a rule about no record.")
    when = Part(WhenSchema(), "What sets it off.", required=True)
    do = Steps("What it does, step by step.", required=True)
    repeat = Part(RepeatSchema(), "A dated rule: fire again while it still holds.")
    missed = Word("The scheduler was down: fire late, or not at all.", "catch_up",
                  among=("catch_up", "skip"))  # fmt: skip
    backlog = Word("What is late already when the rule is applied.", "skip",
                   among=("fire", "skip"))  # fmt: skip
    once = Switch("Once per record, ever.")
    off = Switch("It is not in force.")
    was = Texts("Its former name: what it already did counts.")

    def check(self, values: dict[str, Any], data: dict[str, Any]) -> None:
        """Refuse what only dated rules have."""
        del values
        when = data.get("when")
        if not isinstance(when, dict) or "on" in when or when.keys() & {"after", "before"}:
            return
        for key in ("repeat", "backlog", "missed"):
            if key in data and not (key == "missed" and "every" in when):
                raise at_key(key, f"`{key}` belongs to a rule that a date sets off.",
                          Code.conflicting_keys, "Remove it.")  # fmt: skip


add_keys(
    RuleSchema,
    {
        "if": ExpressionText("The condition under which it holds, asked again at every step."),
        "as": Plain("Who it acts as: `system`, `user` (who caused it), or `user NAME`."),
    },
)


def rule_schema(schemas: FieldSchemas) -> Definition:
    """Return the schema of a rule whose buttons may ask for fields of these types."""
    ask = Table(FieldPart(schemas), "Of a button: what it asks for, by name.", noun="a field")
    when = type("when_of_types", (WhenSchema,), {"ask": ask})()
    made = {"when": Part(when, "What sets it off.", required=True)}
    return type("rule_of_types", (RuleSchema,), made)()  # type: ignore[no-any-return]
