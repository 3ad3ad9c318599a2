"""Whether records of an entity can be made many at a time.

What each record would have to ask the database for by itself cannot; nor can what must see the
records before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from app.definitions.catalog import Entity
from app.expressions import Checked
from app.records.drafts import why_refused
from app.records.rows import EntityRows
from app.records.work import Work


def why_one_by_one(work: Work, entity: Entity, given: Iterable[str]) -> str | None:
    """Return why new records must be written one by one; None: many at once is as good.

    Args:
        given: the fields that come from whoever writes.
    """
    rows = work.rows[entity.name]
    names = set(given)
    if not work.policy.may("create", entity.name):
        return "right"
    if entity.single or entity.lines_of is not None or entity.name in ("user", "department"):
        return "entity"
    if any(why_refused(entity.fields[name], work.policy, entity) for name in names - {"owner"}):
        return "field"
    if names & rows.lists.files or any(one.name in names for one in rows.lists.lines):
        return "files or lines"
    if rows.lists.clocks:
        return "clocks"
    if any(each.asks_other_records for each in asked(rows)):
        return "questions"
    if any(rule.refuse and rule.similar for rule in entity.duplicates):
        return "similar"
    if work.reactions.amends(work, entity.name, "create"):
        return "rules"
    return None


def asked(rows: EntityRows) -> Iterator[Checked]:
    """Yield the expressions that a new record is asked by, and those that fill it."""
    for check in rows.entity.checks:
        yield from (one for one in (check.if_, check.must) if isinstance(one, Checked))
    for field in rows.lists.required:
        for condition in (field.required, field.show):
            if isinstance(condition, Checked):
                yield condition
    for field in rows.lists.restricted.values():
        for option in field.options or ():
            if isinstance(option.offer, Checked):
                yield option.offer
    for field in rows.lists.computed_defaults:
        if isinstance(field.default, Checked):
            yield field.default
