"""Pools (public seas) and quotas: how they are written, and how they are checked and frozen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from app.definitions.action_binders import check_link_here
from app.definitions.automation import Person, Pool, Quota, Recycle
from app.definitions.binding import require_field
from app.definitions.document import Document
from app.definitions.names import label_from_name
from app.definitions.problems import Code
from app.definitions.rule_actions import Known
from app.definitions.rule_scopes import timed_scope
from app.definitions.rules import check_roles, is_name
from app.definitions.shape import Definition, Items, Labels, Part, Value, add_keys
from app.definitions.words import Texts
from app.definitions.workflow_people import bind_people
from app.definitions.workflow_settings import DurationValue, People
from app.definitions.workflow_values import (
    Site,
    bind_due,
    bind_duration,
    bind_moment,
    bind_number,
    item_path,
)
from app.definitions.workshop import Draft, Path, Workshop
from app.expressions.tree import Checked
from app.fields.settings import (
    ExpressionText,
    Name,
    Names,
    Plain,
    Switch,
    WholeNumber,
    refuse,
    written,
)


class ClaimingSchema(Definition):
    """How much may be taken out of a pool."""

    noun = "`claim`"
    example = """
per_day: 5
not_previous_owner: 7 days
new_after: 1 day
views_per_day: 50
"""

    per_day = WholeNumber("How many records a person may take in a day.", least=1)
    not_previous_owner = DurationValue("So long whoever had it last may not take it again.")
    new_after = DurationValue("So long a record that was put in may not be taken by anybody.")
    views_per_day = WholeNumber("How many records a person may look at in a day.", least=1)


class RecycleSchema(Definition):
    """When a record goes back to the pool."""

    noun = "A reason to recycle"
    example = """
after: {by: level, a: 60 days, else: 30 days}
since: max(last_contacted_at, owner_since)
if: not exists(contract, customer == record)
"""

    after = DurationValue("So long after `since`.", required=True)
    since = ExpressionText("The moment `after` counts from.", required=True)


add_keys(RecycleSchema, {"if": ExpressionText("Only such records.")})


class PoolSchema(Definition):
    """A pool of records without an owner (a public sea): who may take them, and what goes back."""

    noun = "the pool"
    example = """
pool: east
entity: customer
where: under(address.province, 'east')
admins: [role sales_director]
members: [department east_sales]
hide: [phones]
claim: {per_day: 5}
recycle:
  - {after: 30 days, since: "max(last_contacted_at, owner_since)"}
exempt: open_amount > 0
warn: 2 days
"""

    pool = Plain("Its name.", required=True)
    entity = Name("The entity.", required=True)
    label = Labels("What people read; without one it is made from the name.")
    where = ExpressionText("Which records it takes; the first pool that fits takes a record.")
    admins = People("Who may give its records to others, and change them.")
    members = People("Who may see and take its records.")
    hide = Names("Fields that members do not see before they took a record.")
    claim = Part(ClaimingSchema(), "How much may be taken.")
    recycle = Items(
        Part(RecycleSchema(), "A reason."),
        "When a record goes back; each reason alone is enough.",
        noun="A reason to recycle",
        alone=True,
    )
    exempt = ExpressionText("Records that never go back.")
    warn = DurationValue("How long before that its owner is told.")
    reasons = Plain("The list of options.yaml with the reasons for a release by hand.")
    was = Texts("Its former name.")
    off = Switch("It is not in force.")


add_keys(
    PoolSchema,
    {"with": Texts("Records that link here and lose their owner too: `[contact.customer]`.")},
)


class Limit(Value):
    """A number, a table of numbers, or what is worked out."""

    takes = "a whole number, a table of them (`{by: owner.grade, junior: 50, else: 200}`) or `=`"

    def read(self, value: Any, key: str) -> Any:
        for one in value.values() if isinstance(value, dict) else (value,):
            is_by = isinstance(value, dict) and one is value.get("by")
            if not is_by and not re.fullmatch(r"\d{1,9}|=.+", str(one), re.ASCII | re.DOTALL):
                raise refuse(
                    f"`{key}` is {written(one)}; it must be {self.takes}.", Code.not_a_number
                )
        if isinstance(value, dict) and "by" not in value:
            raise refuse(f"`{key}` is a table without `by`.", Code.not_a_table)
        return value

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a number, a text or a table."""
        table = {"type": "object", "required": ["by"]}
        return {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}, table]}


class QuotaSchema(Definition):
    """How many records a person may own."""

    noun = "the quota"
    example = """
quota: customers
entity: customer
where: status == 'active'
for: [sales]
max: {by: owner.grade, junior: 50, else: 200}
"""

    quota = Plain("Its name.", required=True)
    entity = Name("The entity.", required=True)
    label = Labels("What people read; without one it is made from the name.")
    where = ExpressionText("Which records count.")
    max = Limit("How many at most.", required=True)
    was = Texts("Its former name.")
    off = Switch("It is not in force.")


add_keys(QuotaSchema, {"for": Names("The roles it is for; without it, everybody.")})


def bind_pool(
    shop: Workshop, document: Document, values: Mapping[str, Any], known: Known
) -> Pool | None:
    """Return a pool, checked against its entity; what is wrong is noted."""
    del known
    is_name(shop, document, "pool", values["pool"])
    draft = _owned(shop, document, values["entity"], "A pool")
    return None if draft is None else _PoolBinding(shop, document, values, draft).bind()


def bind_quota(
    shop: Workshop, document: Document, values: Mapping[str, Any], known: Known
) -> Quota | None:
    """Return a quota, checked against its entity; what is wrong is noted."""
    del known
    is_name(shop, document, "quota", values["quota"])
    draft = _owned(shop, document, values["entity"], "A quota")
    if draft is None:
        return None
    site = Site(shop, document, timed_scope(shop, draft.name, "a quota"))
    check_roles(shop, document, ("for",), values.get("for", ()))
    most = bind_number(site, ("max",), values["max"], "`max`")
    if most is None:
        return None
    return Quota(
        name=values["quota"],
        entity=draft.name,
        max=most,
        where=_condition(site, values, "where"),
        for_=tuple(values.get("for", ())),
        label=values.get("label") or label_from_name(values["quota"]),
        off=values.get("off", False),
        place=document.place(),
    )


def _owned(shop: Workshop, document: Document, name: str, what: str) -> Draft | None:
    draft = shop.drafts.get(name)
    if draft is None:
        shop.unknown_entity(document, ("entity",), name, f"`{name}` is not an entity.")
        return None
    if not draft.owned:
        message = f"{what} is about owners, and records of `{name}` have none."
        hint = f"Write `owned: yes` at `{name}`, or name another entity."
        shop.problem(Code.conflicting_keys, document, ("entity",), message, hint)
        return None
    return draft


def _condition(site: Site, values: Mapping[str, Any], key: str, path: Path = ()) -> Checked | None:
    if key not in values:
        return None
    return site.condition((*path, key), values[key], f"`{key}`")


class _PoolBinding:
    """One pool, looked at beside its entity."""

    def __init__(
        self, shop: Workshop, document: Document, values: Mapping[str, Any], draft: Draft
    ) -> None:
        self.shop = shop
        self.document = document
        self.values = values
        self.draft = draft
        self.site = Site(shop, document, timed_scope(shop, draft.name, "a pool"))

    def bind(self) -> Pool:
        values, name = self.values, self.values["pool"]
        claim = values.get("claim", {})
        self._check_names()
        return Pool(
            name=name,
            entity=self.draft.name,
            label=values.get("label") or label_from_name(name),
            where=_condition(self.site, values, "where"),
            admins=self._people("admins"),
            members=self._people("members"),
            hide=tuple(values.get("hide", ())),
            per_day=claim.get("per_day"),
            not_previous_owner=self._duration(claim, "not_previous_owner", ("claim",)),
            new_after=self._duration(claim, "new_after", ("claim",)),
            views_per_day=claim.get("views_per_day"),
            recycle=tuple(self._recycle()),
            exempt=_condition(self.site, values, "exempt"),
            warn=self._duration(values, "warn", ()),
            with_=tuple(values.get("with", ())),
            reasons=values.get("reasons"),
            off=values.get("off", False),
            place=self.document.place(),
        )

    def _check_names(self) -> None:
        for index, name in enumerate(self.values.get("hide", ())):
            path = item_path(self.site, ("hide",), index)
            require_field(self.shop, self.draft, path, name, document=self.document)
        for index, dotted in enumerate(self.values.get("with", ())):
            check_link_here(self.site, item_path(self.site, ("with",), index), dotted)
        reasons = self.values.get("reasons")
        if reasons is not None and reasons not in self.shop.options:
            legal = [one for one in self.shop.options if "." not in one]
            self.shop.unknown(
                Code.unknown_options,
                self.document,
                ("reasons",),
                reasons,
                legal,
                f"`{reasons}` is no list of options.yaml.",
            )

    def _people(self, key: str) -> tuple[Person, ...]:
        """Return people of a pool: they are the same for every record of it."""
        if key not in self.values:
            return ()
        people = bind_people(self.site, (key,), self.values[key])
        for one in people:
            if one.kind not in ("role", "user", "department"):
                message = f"`{one.text}` may be somebody else for each record."
                hint = "Write `role NAME`, `user NAME` or `department NAME`."
                self.site.problem(Code.bad_value, (key,), message, hint)
        return people

    def _duration(self, values: Mapping[str, Any], key: str, path: Path) -> Checked | None:
        if key not in values:
            return None
        return bind_duration(self.site, (*path, key), values[key], f"`{key}`")

    def _recycle(self) -> Iterable[Recycle]:
        for index, one in enumerate(self.values.get("recycle", ())):
            path = item_path(self.site, ("recycle",), index)
            base = bind_moment(self.site, (*path, "since"), one["since"], "`since`")
            if base is None:
                continue
            where, since = (*path, "after"), one["since"]
            due = bind_due(self.site, where, one["after"], since, "`after`", before=False)
            if due is not None:
                yield Recycle(due, base, _condition(self.site, one, "if", path))
