"""Deals with a lifecycle for new business and one for renewals, and papers whose stages are free."""

from __future__ import annotations

from tests.integration.writing import world as writing

APP = """
name: Stages
languages: [en, zh]
time_zone: Asia/Shanghai
currencies: [CNY]
"""

ROLES = """
roles:
  admin: {admin: yes}
  seller: {label: {en: Seller, zh: 销售}, scope: all, may: [create, read, update, delete]}
  manager: {label: {en: Manager, zh: 经理}, is: seller, may: [transfer]}
  auditor: {scope: all, may: [read]}
"""

DEAL = """
entity: deal
title: name
fields:
  name: {type: text}
  kind: {type: choice, options: [fresh, renewal], default: fresh}
  stage: {type: stage}
  amount: {type: decimal, label: {en: Amount, zh: 金额}}
  double: {type: formula, formula: amount * 2}
  reason: {type: text, label: {en: Reason, zh: 原因}}
  probability: {type: integer}
  closed_on: {type: date}
  lines: {type: lines, label: Lines, fields: {what: {type: text}}}
checks:
  - {if: changed(stage) and stage == 'won', must: amount > 10, message: Too small to win}
"""

PAPER = """
entity: paper
title: name
fields: {name: {type: text}, stage: {type: stage}}
"""

DEALS = """
lifecycle: fresh-deals
entity: deal
field: stage
if: kind == 'fresh'
stages:
  new: {label: {en: New, zh: 新建}, set: {probability: 10}}
  offer: {label: {en: Offer, zh: 报价}, set: {probability: 50}}
  won: {label: {en: Won, zh: 赢单}, final: yes, set: {probability: 100, closed_on: =today()}}
  lost: {label: {en: Lost, zh: 输单}, final: yes, set: {probability: "{by: kind, fresh: 1, else: 2}"}}
moves:
  - {from: new, to: offer, needs: [amount, lines]}
  - {from: offer, to: won, needs: [double], if: amount > 5}
  - {from: any, to: lost, needs: [reason]}
  - {from: [won, lost], to: offer, for: [manager], label: {en: Reopen, zh: 重新打开}}
---
lifecycle: renewals
entity: deal
field: stage
stages:
  due: {label: Due}
  offer: {label: Offer, set: {probability: 80}}
  won: {final: yes}
moves:
  - {from: due, to: offer}
  - {from: offer, to: won}
---
lifecycle: papers
entity: paper
field: stage
stages: {draft: {label: Draft}, read: {label: Read}, old: {label: Old, removed: yes}}
""".replace('"{by: kind, fresh: 1, else: 2}"', "{by: kind, fresh: 1, else: 2}")

FILES = {
    "app.yaml": APP,
    "roles.yaml": ROLES,
    "entities/deal.yaml": DEAL,
    "entities/paper.yaml": PAPER,
    "workflows/deals.yaml": DEALS,
}


def build(url: str) -> None:
    """Build the template."""
    writing.build(url, FILES)
