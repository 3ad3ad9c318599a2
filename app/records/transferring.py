"""Giving records to another owner, with what belongs to them.

Neither stages nor links change: only who owns, since when, and who did before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.definitions.catalog import Entity
from app.errors import InvalidInput
from app.records import derived, journal
from app.records.amending import amended
from app.records.asking import parameters_of_app
from app.records.checking import visible_ids
from app.records.deleting import pointers_to, pointing_ids
from app.records.following_columns import owner_columns
from app.records.reactions import Happening, tell
from app.records.work import Work
from app.texts import say


def give_to(
    work: Work,
    entity: Entity,
    ids: Iterable[int],
    owner: int | None,
    *,
    action: Happening = "transfer",
    columns: Mapping[str, Any] | None = None,
) -> int:
    """Make *owner* the owner of locked or unlocked records; return how many changed hands.

    Args:
        action: what history and listeners call it: transfer, claim or release.
        columns: further fields of the record that change with it, such as its pool.
    """
    own = work.rows[entity.name]
    locked = own.lock(work.connection, ids)
    changed = 0
    if owner is not None and "pool" in own.columns:
        # What belongs to somebody lies in no pool.
        columns = {**(columns or {}), "pool": None}
    for record_id, row in locked.items():
        further = {name: value for name, value in (columns or {}).items() if row.get(name) != value}
        if row["deleted_at"] is not None or (row["owner"] == owner and not further):
            continue
        changes = {**owner_columns(work, row, owner), **further}
        if row["owner"] == owner:
            changes = {**further, "updated_at": work.now, "updated_by": work.user_id}
        new: Mapping[str, Any]
        new = own.update(work.connection, record_id, changes, parameters_of_app(work))
        new = derived.work_out_own(work, entity, new, lines_changed=False)
        by_rules = amended(work, entity, action, row, new)
        new = by_rules.row
        before = {"owner": row["owner"], **{name: row.get(name) for name in further}}
        after = {"owner": owner, **further}
        entry = journal.Entry(
            record_id,
            action,
            new["version"],
            {**before, **by_rules.before},
            {**after, **by_rules.after},
            by_rules.cause,
        )
        journal.write_entries(work, entity, [entry])
        journal.write_search_row(work, entity, record_id, own.values(new))
        derived.touch_parents(work, entity, row, new)
        tell(work, entity, action, row, new)
        changed += 1
    return changed


def check_new_owner(work: Work, owner: int | None, field: str = "owner") -> None:
    """Refuse, beside *field*, an owner that does not exist or does not work here any more.

    Raises:
        InvalidInput: there is no such active user.
    """
    if owner is None or work.is_active(owner):
        return
    raise InvalidInput(
        {
            field: [
                say(
                    "There is no active user {id}.",
                    "没有编号为 {id} 的在职用户。",
                    id=owner,
                )
            ]
        }
    )


def transfer_with_cascade(
    work: Work,
    entity: Entity,
    ids: list[int],
    owner: int | None,
    along: Iterable[str],
) -> int:
    """Transfer records and, for each link ``entity.field`` in *along*, what hangs on them.

    Of what hangs on a record, only that goes along which its old owner owned and the principal may
    transfer. The records asked for are locked, and the right to transfer them is sure.

    Raises:
        InvalidInput: the new owner does not work here, or such records have no owner.
    """
    if not entity.owned:
        raise InvalidInput(
            message=say(
                "Records of {entity} have no owner.",
                "{entity}没有负责人。",
                entity=entity.label,
            )
        )
    check_new_owner(work, owner)
    pointers = list(pointers_to(work.release.catalog, entity.name))
    wanted = _along(along, [f"{each.entity.name}.{each.field.name}" for each in pointers])
    by_owner: dict[int | None, list[int]] = {}
    for record_id, row in work.rows[entity.name].read(work.connection, ids).items():
        by_owner.setdefault(row["owner"], []).append(record_id)
    moved = 0
    for pointer in pointers:
        name = f"{pointer.entity.name}.{pointer.field.name}"
        if name not in wanted or not pointer.entity.owned:
            continue
        pointing = work.rows[pointer.entity.name]
        for old_owner, mine in by_owner.items():
            found = pointing_ids(work, pointer, entity.name, mine)
            allowed = visible_ids(work, pointer.entity.name, found, "transfer")
            rows = pointing.read(work.connection, allowed)
            theirs = [number for number, row in rows.items() if row["owner"] == old_owner]
            moved += give_to(work, pointer.entity, theirs, owner)
    return moved + give_to(work, entity, ids, owner)


def _along(wanted: Iterable[str], known: list[str]) -> set[str]:
    """Return the links by which records go along.

    Raises:
        InvalidInput: one of them does not lead here.
    """
    named = set(wanted)
    unknown = sorted(named - set(known))
    if unknown:
        raise InvalidInput(
            {
                "along": [
                    say(
                        "`{name}` is no link that leads here. Known are {known}.",
                        "“{name}”不是指向此处的链接。可用的有：{known}。",
                        name=unknown[0][:100],
                        known=", ".join(known) or "-",
                    )
                ]
            }
        )
    return named
