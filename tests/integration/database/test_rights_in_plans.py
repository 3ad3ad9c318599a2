"""A change of rights is told by role, waits to be looked at, and follows what was renamed."""

from __future__ import annotations

import pytest

from app.database.plan import make_plan
from app.definitions.load import load_files
from tests.integration.database.installations import field_types, files_from, with_fields

ROLES = """
roles:
  sales: {scope: own, may: [create, read, update]}
  finance: {scope: all, may: [read]}
  admin: {admin: yes}
"""
FIELDS = ("size: {type: integer}", "fax: {type: text}")


def catalog(roles=ROLES, rest="", fields=FIELDS, **entities):
    files = files_from({"customer": with_fields(*fields, rest=rest), **entities})
    loaded = load_files(files | {"roles.yaml": roles}, field_types())
    assert loaded.catalog is not None, "\n".join(str(each) for each in loaded.problems)
    return loaded.catalog


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (
            catalog(ROLES.replace("update]", "update, delete]")),
            "~ customer: role sales: may delete (own), restore (own) from now on",
        ),
        (
            catalog(ROLES.replace(", update]", "]")),
            "~ customer: role sales: may no longer update",
        ),
        (
            catalog(ROLES.replace("scope: own", "scope: all")),
            "~ customer: role sales: create: own -> all; read: own -> all; update: own -> all",
        ),
        (
            catalog(rest="access: {finance: {scope: size > 3}}"),
            "~ customer: role finance: read: all -> size > 3",
        ),
        (
            catalog(rest="access: {fields: {fax: {finance: hidden}}}"),
            "~ customer: role finance: field fax: edit -> hidden",
        ),
        (
            catalog(ROLES.replace("admin: {", "chief: {admin: yes}\n  admin: {")),
            "~ roles.chief: role chief: may everything from now on, the configuration included",
        ),
    ],
)  # fmt: skip
def test_wider_or_narrower_waits_though_no_table_changes(installation, pools, changed, line):
    served = catalog()
    installation.apply(served)
    assert line in installation.lines(changed)
    plan = installation.plan(changed)
    assert not plan.refusals
    assert not plan.is_adding_only
    with pools.engine.connect() as connection:
        # What a process that has planned before makes of it.
        before = make_plan(connection, served)
        assert make_plan(connection, changed, previous=before).operations == plan.operations
    installation.apply(changed)
    assert installation.plan(changed).is_empty


def test_a_new_field_with_rights_of_its_own_only_adds(installation):
    installation.apply(catalog())
    fields = (*FIELDS, "credit: {type: integer}")
    rest = "access: {fields: {credit: {sales: hidden, finance: read}}}"
    wider = catalog(fields=fields, rest=rest, invoice=with_fields())
    plan = installation.plan(wider)
    assert [type(each).__name__ for each in plan.operations if each.is_visible] == [
        "AddField",
        "CreateEntity",
    ]
    assert plan.is_adding_only


def test_rights_follow_renamed_fields_and_roles(installation):
    hidden = "access: {fields: {fax: {sales: hidden}}, finance: {delete: yes}}"
    installation.apply(catalog(rest=hidden))
    fields = ("size: {type: integer}", "telefax: {type: text, was: fax}")
    roles = ROLES.replace("sales: {", "seller: {was: sales, ")
    renamed = "access: {fields: {telefax: {seller: hidden}}, finance: {delete: yes}}"
    changed = catalog(roles, renamed, fields)
    assert [line for line in installation.lines(changed) if "role" in line] == [
        "~ roles.seller: rename from sales, 0 people keep it"
    ]
    shown = catalog(roles, "access: {finance: {delete: yes}}", fields)
    assert "~ customer: role seller: field telefax: hidden -> edit" in installation.lines(shown)


def test_other_parents_are_a_change_of_rights(installation):
    link = "customer: {type: link, to: customer}"
    installation.apply(catalog(note=with_fields(link)))
    inherited = catalog(note=with_fields(link, rest="access: {inherit: customer}"))
    assert "~ note: visible along with: nothing -> customer" in installation.lines(inherited)
    assert not installation.plan(inherited).is_adding_only
    installation.apply(inherited)
    renamed = catalog(
        note=with_fields(
            "client: {type: link, to: customer, was: customer}",
            rest="access: {inherit: customer}",
        )
    )
    assert not [line for line in installation.lines(renamed) if "visible along" in line]


def test_refusals_and_the_whole_plan_in_chinese(installation):
    options = "level: {type: choice, options: [a, b]}"
    installation.apply(catalog(fields=(*FIELDS, options)))
    installation.sql(
        "INSERT INTO crm.customer (name, fax, level) VALUES ('n', '1', 'a'), ('n', '2', 'b')"
    )
    changed = catalog(
        ROLES.replace("update]", "update, delete]"),
        rest="unique: [[name]]\n",
        fields=("size: {type: integer, required: yes}", "level: {type: choice, options: [b]}"),
    )
    plan = installation.plan(changed, "customer.nothing")
    text = plan.render(language="zh")
    assert "上次由 mia 于 " in text.splitlines()[0]
    assert text.splitlines()[1:] == [
        "  ~ customer.size    必填：2 条记录为空，例如 1、2",
        "  - customer.fax     删除列：2 条记录填有值   会丢失数据",
        "  - customer.level   删除选项 a：1 条记录正在使用，例如 1   会丢失数据",
        "  + customer.name    唯一（name）：1 个值重复出现，例如 1",
        "  ~ customer         角色 sales：今后可以 delete（own）、restore（own）",
        "5 项更改，不到一秒。大家可以照常工作：任何语句等待锁的时间都不超过 0.1 秒。",
        "已拒绝：5 个问题。没有做任何更改。",
        ("  customer.size：必填：2 条记录为空，例如 1、2。请设置 `default`、先把这些记录补全，"
        "或使用 `--allow customer.size` 重新运行，在下次保存时要求填写。"),
        ("  customer.fax：删除列：2 条记录填有值，例如 1、2。请使用 `--allow customer.fax` "
        "重新运行，或写上 `removed: yes` 以隐藏该字段并保留数据。"),
        ("  customer.level：删除选项 a：1 条记录正在使用，例如 1。请在选项处写上 `becomes: OTHER` "
        "或 `removed: yes`，或使用 `--allow customer.level` 重新运行，保留原值。"),
        "  customer.name：唯一（name）：1 个值重复出现，例如 1。请先修改或合并这些记录。",
        "  本计划不涉及 `--allow customer.nothing` 所指的内容，请去掉它。",
    ]  # fmt: skip
    # What programs read does not depend on who looks.
    assert plan.render("json", "zh") == plan.render("json", "en")
    assert [each["code"] for each in plan.as_json()["refusals"]] == [
        *("empty", "lost", "option-in-use", "clash", "unknown-allow")
    ]
