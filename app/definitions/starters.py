"""How a file of each kind begins: a small text that is right as it stands, to be written on.

A starter names what the configuration has, so that nothing in it is wrong before somebody typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.definitions.catalog import Catalog
from app.texts import Label, say


@dataclass(frozen=True, slots=True)
class Starter:
    """A kind of file."""

    label: Label
    folder: str
    ending: str
    text: str

    def path(self, name: str) -> str:
        """Return where such a file lies."""
        return f"{self.folder}/{name}{self.ending}"

    def written(self, name: str, catalog: Catalog | None) -> str:
        """Return the text for a name."""
        entity, role = "customer", "admin"
        title = "name"
        if catalog is not None:
            plain = [one for one in catalog.entities.values() if one.lines_of is None]
            owned = [one for one in plain if one.owned and one.name not in ("user", "department")]
            first = (owned or plain)[0]
            entity, title = first.name, first.title or "id"
            role = next((one for one in catalog.roles if one != "admin"), "admin")
        words = {"NAME": name, "RULE": name.replace("_", "-"), "ENTITY": entity}
        words |= {"TITLE": title, "ROLE": role}
        words["LABEL"] = name.replace("_", " ").capitalize()
        text = self.text.lstrip("\n")
        for word, stands_for in words.items():
            text = text.replace(f"<{word}>", stands_for)
        return text


STARTERS: Mapping[str, Starter] = {
    "entity": Starter(
        say("Entity", "实体"),
        "entities",
        ".yaml",
        """
entity: <NAME>
label: <LABEL>
icon: box
title: name
fields:
  name: {type: text, required: yes, max: 200, search: yes}
  note: {type: longtext}
access:
  <ROLE>: {scope: own, create: yes, update: yes}
screens:
  list: {columns: [name, owner, updated_at], sort: -updated_at}
""",
    ),
    "extend": Starter(
        say("Fields for people", "人员的字段"),
        "entities",
        ".yaml",
        """
extend: user
fields:
  <NAME>: {type: text}
""",
    ),
    "rule": Starter(
        say("Rule", "规则"),
        "workflows",
        ".yaml",
        """
rule: <RULE>
entity: <ENTITY>
when: {on: create}
if: owner is not empty
do:
  - notify: {to: owner, say: "{{ record.<TITLE> }} is yours now."}
""",
    ),
    "approval": Starter(
        say("Approval", "审批"),
        "workflows",
        ".yaml",
        """
approval: <RULE>
entity: <ENTITY>
when: {button: Submit}
steps:
  - {approver: owner.manager}
nobody: admin
""",
    ),
    "pool": Starter(
        say("Public sea", "公海"),
        "workflows",
        ".yaml",
        """
pool: <NAME>
entity: <ENTITY>
admins: [role admin]
members: [role <ROLE>]
claim: {per_day: 5}
recycle:
  - {after: 60 days, since: owner_since}
""",
    ),
    "quota": Starter(
        say("Quota", "配额"),
        "workflows",
        ".yaml",
        """
quota: <RULE>
entity: <ENTITY>
for: [<ROLE>]
max: 100
""",
    ),
    "dashboard": Starter(
        say("Dashboard", "仪表盘"),
        "dashboards",
        ".yaml",
        """
dashboard: <NAME>
label: <LABEL>
for: [<ROLE>]
figures:
  - {label: New, value: count(<ENTITY>), date: created_at}
""",
    ),
    "message": Starter(
        say("Message", "消息模板"),
        "templates",
        ".txt",
        """
---
message: <NAME>
entity: <ENTITY>
subject: "{{ record.<TITLE> }}"
---
{{ record.<TITLE> }}
""",
    ),
    "print": Starter(
        say("Print", "打印模板"),
        "templates",
        ".html",
        """
---
print: <NAME>
entity: <ENTITY>
paper: A4
---
<h1>{{ record.<TITLE> }}</h1>
""",
    ),
    "test": Starter(
        say("Test", "测试"),
        "tests",
        ".yaml",
        """
test: <LABEL>
now: 2026-03-02 09:00
given:
  ann: {user: {roles: [<ROLE>]}}
steps:
  - {as: ann, at: 2026-03-03 09:00, expect: {reminders: 0}}
""",
    ),
}
