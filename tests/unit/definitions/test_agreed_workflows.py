"""Lifecycles, approvals, pools and quotas: what is written, and what is wrong with it."""

from __future__ import annotations

import pytest

from app.definitions.catalog import Catalog
from app.definitions.load import load_files

APP = "name: Test\nlanguages: [en]\ntime_zone: UTC\ncurrencies: [CNY]\n"
ROLES = """
roles:
  admin: {admin: yes}
  sales: {scope: own, may: [create, read, update]}
  legal: {scope: all, may: [read]}
"""
OPTIONS = "options: {pool_reasons: [silent, no_budget]}\n"
CUSTOMER = """
entity: customer
title: name
fields:
  name: {type: text}
  level: {type: choice, options: [a, b]}
  phones: {type: phones}
  core: {type: boolean}
  amount: {type: money}
  last_contacted_at: {type: datetime}
  stage: {type: stage}
"""
CONTACT = """
entity: contact
title: name
fields: {name: {type: text}, customer: {type: link, to: customer}}
"""
USER = "extend: user\nfields: {grade: {type: choice, options: [junior, senior]}}\n"
STAGES = """
lifecycle: customer-stages
entity: customer
field: stage
stages: {new: {set: {amount: 10}}, signed: {final: yes}, gone: {final: yes}}
moves:
  - {from: any, to: signed, needs: [phones], if: amount > 5, for: [sales]}
  - {from: [signed, any], to: gone}
"""
APPROVAL = """
approval: contract
entity: customer
when: {button: Submit}
steps:
  - {approver: owner.manager, levels: 2}
  - {approver: role legal, need: all, if: amount > 100000 or core, edit: [phones], within: 2 working days, late: user bob, cc: user ann}
nobody: refuse
comment: always
lock: no
approved: [{set: {stage: signed}}]
"""
POOL = """
pool: east
entity: customer
where: level == 'a'
admins: [role admin]
members: [department east_sales]
hide: [phones]
claim: {per_day: 5, not_previous_owner: 7 days, new_after: 1 day, views_per_day: 50}
recycle:
  - {after: {by: level, a: 60 days, else: 30 days}, since: "max(last_contacted_at, owner_since)"}
  - {after: 90 days, since: owner_since, if: "not exists(contact, customer == record)"}
exempt: amount > 0
warn: 2 days
with: [contact.customer]
reasons: pool_reasons
"""
QUOTA = """
quota: customers
entity: customer
where: level == 'a'
for: [sales]
max: {by: owner.grade, junior: 50, else: 200}
"""


def load(types, **files: str):
    known = {
        "app.yaml": APP,
        "roles.yaml": ROLES,
        "options.yaml": OPTIONS,
        "entities/customer.yaml": CUSTOMER,
        "entities/contact.yaml": CONTACT,
        "entities/user.yaml": USER,
        "workflows/stages.yaml": files.get("stages", STAGES),
        "workflows/all.yaml": "---\n".join(
            files.get(kind, text)
            for kind, text in (("approval", APPROVAL), ("pool", POOL), ("quota", QUOTA))
        ),
    }
    return load_files(known, types)


def catalog_of(types, **files: str) -> Catalog:
    loaded = load(types, **files)
    assert loaded.catalog is not None, [str(one) for one in loaded.problems]
    return loaded.catalog


def test_a_lifecycle_is_bound_with_what_it_sets_and_its_moves(types):
    lifecycle = catalog_of(types).automation.lifecycles["customer-stages"]
    assert lifecycle.stages["new"].values["amount"].raw == "10"
    first, second = lifecycle.moves
    assert (first.from_, first.to, first.needs, first.for_) == (
        ("new",),
        ("signed",),
        ("phones",),
        ("sales",),
    )
    assert str(first.if_) == "amount > 5" or first.if_.text == "amount > 5"
    assert second.from_ == ("signed", "new")


def test_an_approval_is_bound(types):
    approval = catalog_of(types).automation.approvals["contract"]
    assert approval.when.kind == "button"
    assert (approval.nobody, approval.submitter, approval.again, approval.comment) == (
        "refuse",
        "skip",
        "from_start",
        "always",
    )
    assert approval.lock is False
    assert approval.edited == "start_again"
    first, second = approval.steps
    assert [(one.kind, one.text) for one in first.approver] == [("path", "owner.manager")]
    assert (first.levels, first.need) == (2, 1)
    assert (second.need, second.edit, second.late[0].name, second.cc[0].name) == (
        "all",
        ("phones",),
        "bob",
        "ann",
    )
    assert second.within.text == "working_days(2)"
    assert [step.action for step in approval.approved] == ["set"]
    changed = catalog_of(types, approval=APPROVAL.replace("100000", "200000"))
    assert changed.automation.approvals["contract"].digest != approval.digest


def test_a_pool_is_bound(types):
    pool = catalog_of(types).automation.pools["east"]
    assert [one.kind for one in (*pool.admins, *pool.members)] == ["role", "department"]
    assert (pool.per_day, pool.views_per_day, pool.hide) == (5, 50, ("phones",))
    assert pool.not_previous_owner.text == "days(7)"
    assert [one.if_ is not None for one in pool.recycle] == [False, True]
    assert "level" in set(pool.recycle[0].due.names)
    assert (pool.with_, pool.reasons, pool.warn.text) == (
        ("contact.customer",),
        "pool_reasons",
        "days(2)",
    )


def test_a_quota_is_bound(types):
    quota = catalog_of(types).automation.quotas["customers"]
    assert quota.max.text == "(50) if (owner.grade) == 'junior' else (200)"
    assert quota.for_ == ("sales",)
    assert catalog_of(types, quota=QUOTA.replace("{by: owner.grade, junior: 50, else: 200}", "7"))


@pytest.mark.parametrize(
    ("kind", "text", "wrong", "said"),
    [
        ("stages", STAGES, ("to: gone", "to: gon"), "error[unknown-option]: `gon` is no stage of this lifecycle. Did you mean `gone`?"),
        ("stages", STAGES, ("needs: [phones]", "needs: [phone]"), "error[unknown-field]: `customer` has no field `phone`. Did you mean `phones`"),
        ("stages", STAGES, ("for: [sales]", "for: [sale]"), "error[unknown-role]: `sale` is not a role. Did you mean `sales`?"),
        ("stages", STAGES, ("set: {amount: 10}", "set: {amount: ten}"), "error[bad-value]: `amount` cannot be `ten`: "),
        ("stages", STAGES, ("if: amount > 5", "if: amont > 5"), "error[unknown-field]: The condition `amont > 5`: "),
        ("approval", APPROVAL, ("approver: role legal", "approver: role legl"), "error[unknown-role]: `legl` is not a role. Did you mean `legal`?"),
        ("approval", APPROVAL, ("need: all", "need: most"), "error[bad-value]: `need` is `most`; it must be a number of people, `all`, or `in_turn`."),
        ("approval", APPROVAL, ("nobody: refuse", "nobody: refus"), "error[unknown-word]: `nobody` cannot be `refus`. Did you mean `refuse`?"),
        ("approval", APPROVAL, ("within: 2 working days, ", ""), "error[conflicting-keys]: `late` says who is asked when the time is up, and there is no time."),
        ("approval", APPROVAL, ("edit: [phones]", "edit: [fones]"), "error[unknown-field]: `customer` has no field `fones`. Did you mean `phones`"),
        ("approval", APPROVAL, ("when: {button: Submit}", "when: {button: Submit, changed: [amount]}"), "error[conflicting-keys]: `changed` does not go with `button`."),
        ("approval", APPROVAL, ("approver: role legal", "approver: role legal, levels: 2"), "error[conflicting-keys]: `levels` goes up from one person to the next manager;"),
        ("approval", APPROVAL, ("entity: customer", "entity: custmer"), "error[unknown-entity]: `custmer` is not an entity. Did you mean `customer`"),
        ("pool", POOL, ("hide: [phones]", "hide: [phone]"), "error[unknown-field]: `customer` has no field `phone`. Did you mean `phones`"),
        ("pool", POOL, ("with: [contact.customer]", "with: [contact.custmer]"), "error[not-a-link]: `contact.custmer` is no link to `customer`. Did you mean `customer`?"),
        ("pool", POOL, ("reasons: pool_reasons", "reasons: pool_reason"), "error[unknown-options]: `pool_reason` is no list of options.yaml. Did you mean `pool_reasons`?"),
        ("pool", POOL, ("warn: 2 days", "warn: 2 dayz"), "error[not-a-duration]: `2 dayz` is not a duration."),
        ("pool", POOL, ("a: 60 days", "c: 60 days"), "error[unknown-option]: `c` is no option of `level`."),
        ("pool", POOL, ("admins: [role admin]", "admins: [owner]"), "error[bad-value]: `owner` may be somebody else for each record."),
        ("pool", POOL, ("per_day: 5", "per_day: 0"), "error[out-of-range]: `per_day` is 0; it must be a whole number, at least 1."),
        ("pool", POOL, ("pool: east", "pool: East Side"), "error[bad-name]: A pool cannot be called `East Side`:"),
        ("quota", QUOTA, ("junior: 50", "junor: 50"), "error[unknown-option]: `junor` is no option of `owner.grade`. Did you mean `junior`?"),
        ("quota", QUOTA, ("else: 200", "else: many"), "error[not-a-number]: `max` is `many`; it must be a whole number,"),
        ("quota", QUOTA, ("for: [sales]", "for: [salez]"), "error[unknown-role]: `salez` is not a role. Did you mean `sales`?"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_at_its_place(types, kind, text, wrong, said):
    assert wrong[0] in text
    loaded = load(types, **{kind: text.replace(*wrong, 1)})
    assert loaded.catalog is None
    [problem] = loaded.problems
    assert f": {said}" in str(problem)
