"""Write a configuration of many entities, to measure how long reading it takes.

``python bench/big_config.py FOLDER [ENTITIES [FIELDS]]`` writes it. Every entity links to others,
has formulas, roll-ups, choices, checks and screens, and no two are alike.
"""

from __future__ import annotations

import sys
from pathlib import Path

SHARED = ("sources", "levels", "regions", "statuses")


def write_big_configuration(folder: Path, entities: int = 500, fields: int = 20) -> None:
    """Write *entities* entities of *fields* fields each."""
    (folder / "entities").mkdir(parents=True, exist_ok=True)
    names = [f"thing_{number}" for number in range(entities)]
    (folder / "app.yaml").write_text(_app(names), "utf-8")
    (folder / "roles.yaml").write_text(_ROLES, "utf-8")
    (folder / "options.yaml").write_text(_options(), "utf-8")
    for number, name in enumerate(names):
        text = "\n".join(_entity(number, name, names, fields)) + "\n"
        (folder / "entities" / f"{name}.yaml").write_text(text, "utf-8")


def _app(names: list[str]) -> str:
    return (
        "name: Big\nlanguages: [en, zh]\ntime_zone: Asia/Shanghai\ncurrencies: [CNY, EUR]\n"
        "values: {silent_days: 14}\nmodules:\n  all: {has: [" + ", ".join(names[:20]) + "]}\n"
    )


_ROLES = """roles:
  sales: {scope: own, may: [create, read, update, transfer]}
  sales_manager: {is: sales, scope: subordinates, may: [delete, share, merge, import, export]}
  auditor: {scope: all, may: [read, history]}
  admin: {admin: yes}
"""


def _options() -> str:
    lines = ["options:"]
    for name in SHARED:
        lines.append(f"  {name}:")
        lines += [
            f"    {name[:3]}_{number}: {{label: {{en: {name} {number}, zh: 选项{number}}}, color: blue}}"
            for number in range(12)
        ]
    return "\n".join(lines) + "\n"


def _entity(number: int, name: str, names: list[str], fields: int) -> list[str]:
    before = names[number - 1]
    after = names[(number + 1) % len(names)]
    lines = [
        f"# Thing number {number}.",
        f"entity: {name}",
        f"label: {{en: Thing {number}, zh: 事物{number}}}",
        "title: name",
        "fields:",
        f"  name: {{type: text, label: {{en: Name of {number}, zh: 名称}}, required: yes, max: {100 + number % 90}, search: yes}}",
        f'  code: {{type: serial, label: {{en: No., zh: 编号}}, format: "T{number}-{{yyyy}}{{mm}}-{{####}}", restarts: monthly}}',
        f"  status: {{type: choice, label: {{en: Status, zh: 状态}}, options: {{open: Open, busy: Busy {number}, closed: {{color: gray}}}}, default: open}}",
        f"  source: {{type: choice, options: {SHARED[number % 4]}, label: {{en: Source, zh: 来源}}, required: status == 'busy'}}",
        f"  belongs_to: {{type: link, to: {before}, label: {{en: Belongs to, zh: 所属}}, on_delete: clear}}",
        f"  amount: {{type: money, label: {{en: Amount, zh: 金额}}, min: 0, max: {1_000_000 + number}}}",
        f"  share: {{type: percent, label: {{en: Share, zh: 比例}}, default: {number % 100}}}",
        f'  part: {{type: formula, formula: "round(amount * share / {100 + number}, 2)", label: {{en: Part, zh: 部分}}}}',
        "  due_on: {type: date, label: {en: Due, zh: 到期}, default: =today() + days(7)}",
        f'  late_days: {{type: formula, formula: "days_between(due_on, today()) + {number}", label: {{en: Late, zh: 逾期}}}}',
        f"  below: {{type: rollup, of: {after}.belongs_to, count: yes, label: {{en: Below, zh: 下级}}}}",
        f"  below_amount: {{type: rollup, of: {after}.belongs_to, sum: amount, where: status != 'closed', label: {{en: Below amount, zh: 下级金额}}}}",
        "  mobile: {type: phone, label: {en: Mobile, zh: 手机}, personal: yes, mask: middle}",
        "  email: {type: email, label: {en: E-mail, zh: 邮箱}, personal: yes, unique: yes}",
        "  address: {type: address, label: {en: Address, zh: 地址}}",
        "  starts_at: {type: datetime, label: {en: Start, zh: 开始}, show: status == 'busy'}",
        "  active: {type: boolean, label: {en: Active, zh: 启用}, default: yes}",
        "  people: {type: users, label: {en: People, zh: 人员}}",
        "  quantity: {type: decimal, label: {en: Quantity, zh: 数量}, min: 0, default: 1}",
        f"  remark: {{type: longtext, label: {{en: Remark {number}, zh: 备注}}, max: 2000}}",
    ][: 5 + fields]
    lines += [
        f"  extra_{extra}: {{type: text, label: {{en: Extra {extra}, zh: 其他{extra}}}, max: {50 + extra}}}"
        for extra in range(max(0, fields - 20))
    ]
    if fields < 20:
        return lines
    return [
        *lines,
        "checks:",
        f"  - {{must: amount is empty or amount <= {900_000 + number}, message: {{en: Too much., zh: 过大。}}}}",
        "access:",
        "  sales: {scope: own, update: status != 'closed'}",
        "  fields:",
        "    amount: {sales: read}",
        "screens:",
        "  list: {columns: [name, code, status, amount, owner], sort: -due_on, filters: [status, source]}",
        "  views:",
        f"    big: {{label: {{en: Big, zh: 大额}}, where: amount > {1000 + number}, sort: -amount}}",
        "  form:",
        "    - {section: {en: Basics, zh: 基本}, fields: [[name, status], [source, belongs_to], amount]}",
    ]


if __name__ == "__main__":
    write_big_configuration(Path(sys.argv[1]), *map(int, sys.argv[2:4]))
