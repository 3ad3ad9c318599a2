"""Every kind of operation says what it does in English and in Chinese."""

from __future__ import annotations

import json
import re

import pytest

from app.database.operations import (
    KINDS,
    AddCheck,
    AddField,
    AddForeignKey,
    AddForeignKeyLater,
    AddRule,
    BreakCheck,
    BuildIndex,
    BuildUnique,
    ChangeAccess,
    ChangeAdministrator,
    ChangeInheritance,
    ChangeType,
    ConvertInPlace,
    CreateEntity,
    DropConstraint,
    DropEntity,
    DropField,
    DropIndexes,
    DropLeftover,
    DropOptions,
    DropUnique,
    MakeOptional,
    Narrow,
    Operation,
    Publish,
    Recompute,
    RenameConstraints,
    RenameEntity,
    RenameField,
    RenameIndexes,
    RenameOptions,
    RenameRole,
    Require,
    SetDefault,
    Validate,
    operation_from_json,
)

#: Names and values of a configuration, which are the same in every language.
NAMES = {
    *("client", "customer", "fax", "telefax", "rank", "level", "sales", "seller", "read", "delete"),
    *("own", "all", "hidden", "edit", "text", "integer", "link", "customer_fkey", "size"),
}

T = {"subject": "client", "table": "client"}
F = {"subject": "client.rank", "table": "client"}
TYPES = {"old_type": "text", "new_type": "integer"}
CHANGE = {"old_columns": ("rank",), "new_columns": (("rank", "bigint", None),), **F, **TYPES}
IN_PLACE = {"column": "rank", "sets": (), "fits": "true", "current": "rank", **F, **TYPES}
INDEX = {"name": "i", "columns": ("fax", "rank"), "definition": "", **T}
UNIQUE = {"keys": ("rank",), **INDEX}
KEY = {"name": "k", "column": "rank", "target": "customer", "on_delete": "refuse", **F}

EXAMPLES: list[tuple[Operation, str]] = [
    (CreateEntity(fields=1, indexes=3, **T), "新建数据表，1 个字段，3 个索引"),
    (RenameEntity(old="customer", new_table="client", rows=1204, **T),
     "由 customer 更名，保留 1 204 条记录"),
    (DropEntity(**T), "删除数据表：表中没有记录"),
    (DropEntity(lost=2, **T), "删除数据表：将丢失 2 条记录"),
    (AddField(columns=("rank",), fill={}, **F), "新增列，内置字段"),
    (AddField(columns=("rank",), fill={}, type_name="integer", low="0", high="5", rows=7, **F),
     "新增列，类型 integer，0-5，7 条现有记录为空"),
    (AddField(columns=("a", "b"), fill={"a": "9"}, type_name="text", high="5", rows=1, **F),
     "新增 2 列，类型 text，不超过 5，1 条现有记录填入 9"),
    (AddField(columns=("rank",), fill={}, type_name="integer", low="3", **F),
     "新增列，类型 integer，不低于 3"),
    (AddField(columns=("rank",), fill={}, type_name="link", target="customer", **F),
     "新增列，类型 link，指向 customer"),
    (RenameField(old="telefax", columns=(("telefax", "fax"),), rows=3, **F),
     "由 telefax 更名，保留 3 个值"),
    (ChangeType(is_worked_out=True, **CHANGE), "text -> integer，重新计算"),
    (ChangeType(converts=False, lost=4, **CHANGE), "text -> integer：无法转换，将丢失 4 个值"),
    (ChangeType(rows=6, **CHANGE), "text -> integer：6 个值可以转换"),
    (ChangeType(rows=6, lost=2, samples=(4, 8), **CHANGE),
     "text -> integer：4 个值可以转换，2 个不能，例如 4、8"),
    (ConvertInPlace(rows=5, **IN_PLACE), "text -> integer：5 个值符合新类型"),
    (ConvertInPlace(rows=5, lost=1, samples=(9,), **IN_PLACE),
     "text -> integer：1 个值不符合新类型，例如 9"),
    (DropField(columns=("rank",), **F), "删除列：没有记录填有值"),
    (DropField(columns=("a", "b"), lost=312, **F), "删除 2 列：312 条记录填有值"),
    (DropField(columns=("rank",), is_worked_out=True, **F), "删除列：其值是计算得出的"),
    (Require(column="rank", **F), "必填"),
    (Require(column="rank", empty=2, samples=(1, 2), **F), "必填：2 条记录为空，例如 1、2"),
    (Require(column="rank", empty=1, fill="9", **F), "必填：1 条记录为空，将填入 9"),
    (Require(column="rank", empty=1, is_waived=True, samples=(3,), **F),
     "必填：1 条记录为空，下次保存时要求填写，例如 3"),
    (MakeOptional(column="rank", **F), "可以为空"),
    (SetDefault(column="rank", default="7", **F), "由数据库填入 7"),
    (SetDefault(column="rank", default=None, **F), "不再自动填入"),
    (RenameOptions(columns=("level",), is_many=False, names=(("fax", "rank"),), rows=8, **F),
     "选项 fax -> rank：8 条记录"),
    (DropOptions(column="level", is_many=False, names=("fax", "rank"), **F),
     "删除选项 fax、rank：没有记录使用"),
    (DropOptions(column="level", is_many=False, names=("fax",), lost=2, samples=(5, 6), **F),
     "删除选项 fax：2 条记录正在使用，例如 5、6"),
    (BuildIndex(rows=9, **INDEX), "索引（fax、rank）：9 条记录"),
    (BuildUnique(**UNIQUE), "唯一（fax、rank）"),
    (BuildUnique(clashes=2, samples=(1, 3), **UNIQUE),
     "唯一（fax、rank）：2 个值重复出现，例如 1、3"),
    (RenameIndexes(subject="client", names=(("a", "b"),)), "重命名 1 个索引"),
    (RenameConstraints(names=(("a", "b"), ("c", "d")), **T), "重命名 2 个约束"),
    (DropIndexes(subject="client", names=("a", "b")), "删除 2 个索引"),
    (DropUnique(subject="client.fax", name="u"), "不再要求唯一"),
    (AddForeignKey(**KEY), "链接到 customer"),
    (AddForeignKeyLater(**KEY), "链接到 customer"),
    (AddCheck(name="c", column="rank", condition="", lost=3, **F),
     "限制：3 条记录超出范围，下次保存之前保留原值"),
    (Validate(name="c", **F), "检查现有记录"),
    (DropConstraint(name="customer_fkey", **F), "删除约束 customer_fkey"),
    (Recompute(entity="client", fields=("rank", "level"), rows=10, **T),
     "重新计算 rank、level：10 条记录"),
    (Recompute(entity="client", fields=("rank",), **T), "重新计算 rank：若干条记录"),
    (DropLeftover(columns=("rank",), **F), "清理先前一次应用遗留的内容"),
    (BreakCheck(subject="client", rule="size > 2", lost=2, samples=(1, 2)),
     "校验 `size > 2`：2 条记录不符合，例如 1、2"),
    (Narrow(column="rank", setting="max", before="9", now="5", lost=2, samples=(1, 2), **F),
     "`max: 9` -> `5`：2 条记录超出范围，下次保存之前保留原值，例如 1、2"),
    (Narrow(column="rank", setting="max", before=None, now="5", **F), "`max: 5`"),
    (AddRule(subject="client", rule="size > 2"), "今后校验 `size > 2`"),
    (RenameRole(subject="roles.seller", old="sales", new="seller", rows=3),
     "由 sales 更名，3 名用户保留该角色"),
    (ChangeAdministrator(subject="roles.sales", role="sales", is_admin=True),
     "角色 sales：今后可以做任何事，包括更改配置"),
    (ChangeAdministrator(subject="roles.sales", role="sales", is_admin=False),
     "角色 sales：不再是管理员"),
    (ChangeInheritance(subject="client", before=(), after=("customer", "rank")),
     "随以下记录可见：无 -> customer、rank"),
    (
        ChangeAccess(
            subject="client",
            role="sales",
            gained=(("delete", "own"),),
            lost_rights=("read",),
            changed=(("edit", "own", "all"),),
            fields=(("fax", "hidden", "read"),),
            others=("edit", "hidden"),
        ),
        (
            "角色 sales：今后可以 delete（own）；不再可以 read；edit：own -> all；"
            "字段 fax：hidden -> read；其他字段：edit -> hidden"
        ),
    ),
    (Publish(subject="app.yaml"), "界面、标签或规则，不改动数据表"),
]  # fmt: skip


def test_there_is_an_example_of_every_kind():
    assert {type(operation) for operation, _ in EXAMPLES} == set(KINDS)


@pytest.mark.parametrize(
    ("operation", "chinese"), EXAMPLES, ids=[f"{type(o).__name__}-{c}" for o, c in EXAMPLES]
)
def test_an_operation_speaks_both_languages(operation, chinese):
    words = operation.words()
    assert words.in_language("zh_CN") == chinese
    left = re.sub(r"`[^`]*`", "", chinese)
    assert set(re.findall(r"[A-Za-z_]+", left)) <= NAMES, "English is left in the Chinese words"
    # Between Chinese words stand the signs of Chinese; `->` and names keep their own.
    assert not re.search(r"[,:;()]", left)
    english = words.in_language("en")
    assert not re.search(r"[^\x00-\x7f]", english), "Chinese is left in the English words"
    assert "{" not in chinese + english


@pytest.mark.parametrize("operation", [each for each, _ in EXAMPLES])
def test_an_operation_says_the_same_when_it_comes_back_from_the_ledger(operation):
    again = operation_from_json(json.loads(json.dumps(operation.as_json())))
    assert again == operation
    assert again.words() == operation.words()
