"""A second small company, for what looks at the clock, the calendar, and the same thing twice."""

from __future__ import annotations

from tests.integration.writing.world import ROLES, build

APP = """
name: Corner
languages: [en, zh]
time_zone: Asia/Shanghai
currencies: [CNY, USD]
calendar: {days: mon-fri, hours: [09:00-12:00, 13:00-18:00], holidays: [cn, 2026-03-12]}
"""

CLIENT = """
entity: client
title: name
fields:
  name: {type: text, required: yes, search: yes}
  phones: {type: phones, kinds: [mobile, office]}
  tax_no: {type: text}
  mail: {type: email}
  started_on: {type: date}
  signed_on: {type: date}
  due_on: {type: date, default: =today() + working_days(3)}
  worked: {type: formula, formula: "working_days_between(started_on, signed_on)"}
  following: {type: formula, formula: next_working_day(signed_on)}
duplicates:
  - {same: [phones, tax_no], also_in: [prospect.mobile], then: refuse}
  - {same: [mail], then: warn}
  - {similar: name, at_least: 0.7, then: warn}
access:
  fields: {mail: {auditor: hidden}}
"""

PROSPECT = """
entity: prospect
title: name
fields:
  name: {type: text, required: yes, search: yes}
  mobile: {type: phone}
duplicates:
  - {same: [mobile], also_in: [client.phones], then: warn}
"""

TICKET = """
entity: ticket
title: subject
fields:
  subject: {type: text, required: yes}
  priority: {type: choice, options: [high, low], default: low}
  status: {type: choice, options: [open, waiting, closed], default: open}
  replied_at: {type: datetime}
  response:
    type: clock
    limit: {by: priority, high: 2 working hours, else: 8 working hours}
    since: created_at
    runs: status != 'waiting'
    done: replied_at is not empty
  solution: {type: clock, limit: 2 hours, done: answers > 1}
  answers: {type: rollup, of: answer.ticket, count: yes}
"""

ANSWER = """
entity: answer
title: text
fields:
  text: {type: text}
  ticket: {type: link, to: ticket, required: yes}
"""

TARIFF = """
entity: tariff
title: name
owned: no
single: yes
fields:
  name: {type: text}
access: {seller: {scope: all, create: yes, update: yes, delete: yes}}
"""

DEAL = """
entity: deal
title: name
fields:
  name: {type: text}
  stage: {type: stage}
  currency: {type: currency, default: USD}
  amount: {type: money, currency: currency}
  lines: {type: lines, fields: {price: {type: money, currency: parent.currency}}}
"""

LIFECYCLE = """
lifecycle: deal-stages
entity: deal
field: stage
stages: {new: {label: New}, proposal: {label: Proposal}, won: {final: yes}}
"""

FILES = {
    "app.yaml": APP,
    "roles.yaml": ROLES,
    "entities/client.yaml": CLIENT,
    "entities/prospect.yaml": PROSPECT,
    "entities/ticket.yaml": TICKET,
    "entities/answer.yaml": ANSWER,
    "entities/tariff.yaml": TARIFF,
    "entities/deal.yaml": DEAL,
    "workflows/deal.yaml": LIFECYCLE,
}


def build_corner(url: str) -> None:
    """Build the template of the second company."""
    build(url, FILES)
