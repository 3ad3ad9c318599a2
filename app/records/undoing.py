"""Taking a change set back: each record to what it was, unless somebody changed it since.

What was made goes into the bin, what was deleted comes out of it, fields hold what they held, rows
of lines, owners, stages and files with them. It is a change set itself, so it can be taken back as
well. Rules do not fire and nothing is sent; lifecycles and checks are not asked, since the record
was so before. Rights, later edits, locks of approvals and the database's own constraints are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from psycopg import errors as pg

from app.access.principal import SYSTEM
from app.database import system
from app.definitions.catalog import Entity, Field
from app.errors import InvalidInput, TrellisError
from app.fields.base import FieldError
from app.records import linesets, merging, undo_moved
from app.records.attachments import keep_files
from app.records.bulk import Bulk, Skipped, Tally
from app.records.checking import check_tree
from app.records.comments import move_comments
from app.records.deleting import named_by, pointers_to
from app.records.drafts import Draft, Problems
from app.records.followers import move_followers
from app.records.journal import Entry, write_entries
from app.records.money import fill_base_amounts
from app.records.savepoints import savepoint
from app.records.statements import Statement
from app.records.undo_checks import Judge, lines_json
from app.records.undo_following import owners_back, stages_back
from app.records.undo_plans import Net, Source, given_rows, nets_of
from app.records.undo_writes import Back, put_away, put_back, take_out
from app.records.work import Work
from app.texts import say

_file = system.file
_attachment = sa.and_(
    _file.c.entity == sa.bindparam("entity", type_=sa.SmallInteger),
    _file.c.record_id == sa.bindparam("record_id", type_=sa.BigInteger),
    _file.c.field.is_(None),
    _file.c.name == sa.bindparam("name", type_=sa.Text),
)
_newest = (
    sa.select(sa.func.max(_file.c.id))
    .where(_attachment, _file.c.deleted_at.is_(None))
    .scalar_subquery()
)
_take_off = Statement(
    sa.update(_file)
    .where(_file.c.id == _newest)
    .values(deleted_at=sa.bindparam("now", type_=_file.c.deleted_at.type))
)
_put_on = Statement(
    sa.update(_file)
    .where(_attachment, _file.c.deleted_at == sa.bindparam("at", type_=_file.c.deleted_at.type))
    .values(deleted_at=None)
)


class Undoing(Bulk):
    """Takes changes of records back."""

    def undo_in(self, work: Work, targets: Sequence[tuple[str, int]], source: Source) -> Tally:
        """Take back what a change set did to records, by entity and id, within a transaction.

        One that cannot go back is left out, with the reason.
        """
        work.shared.notes |= {"rules": "off", "undo": True}
        tally = Tally(change_set=work.open_change_set("undo", undoes=source.change_set))
        by_entity: dict[str, list[int]] = {}
        for name, number in targets:
            by_entity.setdefault(name, []).append(number)
        for name in pointing_first(work, by_entity):
            entity = work.release.catalog.entities[name]
            self._undo_block(work, entity, by_entity[name], source, tally)
        return tally

    def _undo_block(
        self, work: Work, entity: Entity, ids: Sequence[int], source: Source, tally: Tally
    ) -> None:
        mine = Tally()
        try:
            with savepoint(work):
                _Block(work, entity, ids, source, mine).undo()
        except (TrellisError, pg.IntegrityError) as error:
            if len(ids) == 1:
                tally.skipped.append(self.refused(work, entity.name, ids[0], error))
                return
            self._undo_singly(work, entity, ids, source, tally)
            return
        tally.add(mine)

    def _undo_singly(
        self, work: Work, entity: Entity, ids: Sequence[int], source: Source, tally: Tally
    ) -> None:
        """Take records back one by one; those refused once more after others went back.

        A unique value that a merge took over is free again only when its record has given it up.
        """
        left, before = list(ids), len(ids) + 1
        while left and len(left) < before:
            before, refused = len(left), Tally()
            for number in left:
                self._undo_block(work, entity, [number], source, refused)
            checked = [one for one in refused.skipped if one.why == "check"]
            last = not checked or len(checked) == before
            left = [] if last else [one.id for one in checked]
            if not last:
                refused.skipped = [one for one in refused.skipped if one.why != "check"]
            tally.add(refused)


def pointing_first(work: Work, names: Mapping[str, Any]) -> list[str]:
    """Return entities in an order in which what names others comes before what is named.

    In a circle, links that are only emptied when what they name goes give way to those that would
    keep it: a customer names its first contact, but a contact cannot be without its customer.
    """
    return _in_order(work, _in_order(work, names, {"clear"}), set())


def _in_order(work: Work, names: Iterable[str], also: set[str]) -> list[str]:
    """Return entities, those that name others first; by links that keep, and those *also* named."""
    found: list[str] = []
    known = list(names)

    def visit(name: str, way: frozenset[str]) -> None:
        if name in found or name in way:
            return
        for pointer in pointers_to(work.release.catalog, name):
            pointing = named_by(pointer)
            if pointer.on_delete == "clear" and pointer.on_delete not in also:
                continue
            if pointing in known and pointing != name:
                visit(pointing, way | {name})
        found.append(name)

    for name in known:
        visit(name, frozenset())
    return found


class _Block:
    """Some records of one entity, taken back together."""

    def __init__(
        self, work: Work, entity: Entity, ids: Sequence[int], source: Source, tally: Tally
    ) -> None:
        self.work = work
        self.entity = entity
        self.source = source
        self.tally = tally
        self.count = len(set(ids))
        self.own = work.rows[entity.name]
        self.nets = nets_of(work, entity, ids, source)
        whole = any(net.goes for net in self.nets.values())
        self.rows = self.own.lock(work.connection, ids, whole=whole)
        self.judge = Judge(work, entity, source, self.nets, self.rows)
        self.reading = work.reading(strict=True)
        self.done: set[int] = set()

    def undo(self) -> None:
        """Take back what can be, and count."""
        for number in [one for one in self.nets if one not in self.rows]:
            sentence = say("It was removed for good.", "它已被彻底删除。")
            self._leave(self.judge.skip(number, "lost", sentence))
        self._return()
        self._fields()
        self._files()
        self._go()
        self._move()
        self.tally.changed = len(self.done)
        self.tally.unchanged = self.count - len(self.done) - len(self.tally.skipped)

    def _leave(self, skipped: Skipped) -> None:
        if skipped.id in self.done:
            # Half of it must not stay: by itself it is refused as a whole.
            raise InvalidInput(message=skipped.reasons[0].sentence)
        self.nets.pop(skipped.id)
        self.tally.skipped.append(skipped)

    def _move(self) -> None:
        """Move what a merge had moved, or merge it once more."""
        again = undo_moved.move_back(self.work, self.entity, self.source.change_set, self.done)
        for number, keep in again:
            undo_moved.note_merge(self.work, self.entity, keep, [number])
            merging.repoint_beside(self.work, self.entity, keep, [number])
            move_comments(self.work, self.entity, keep, [number])
            move_followers(self.work, self.entity, keep, [number])
            keep_files(self.work, self.entity, keep)

    # -- out of the bin, and into it ---------------------------------------------------------------

    def _return(self) -> None:
        coming = []
        for number, net in list(self.nets.items()):
            if not net.comes_back or self.rows[number].get("deleted_at") is None:
                continue
            why = self.judge.why_not_return(number)
            if why is not None:
                self._leave(why)
            else:
                coming.append(number)
        if coming:
            take_out(self.work, self.entity, coming)
            self.rows |= self.own.read(self.work.connection, coming)
            self.done |= set(coming)

    def _go(self) -> None:
        going = []
        for number, net in list(self.nets.items()):
            if not net.goes or self.rows[number].get("deleted_at") is not None:
                continue
            why = self.judge.why_not_go(number)
            if why is not None:
                self._leave(why)
            else:
                going.append(number)
        for why in self.judge.needed(going).values():
            self._leave(why)
            going.remove(why.id)
        put_away(self.work, self.entity, going)
        self.done |= set(going)

    # -- fields ------------------------------------------------------------------------------------

    def _fields(self) -> None:
        values: dict[int, dict[str, Any]] = {}
        fields: dict[int, list[Field]] = {}
        for number, net in list(self.nets.items()):
            fields_then = self.judge.fields(number)
            mine = [one for one in fields_then if not self.judge.is_back(number, one)]
            if not fields_then and net.lost(self.entity):
                sentence = say(
                    "The fields it changed are not there any more.", "所改的字段已不存在。"
                )
                self._leave(self.judge.skip(number, "lost", sentence))
            if not mine or net.goes:
                continue
            why = self.judge.why_not_fields(number, mine)
            if why is None:
                try:
                    values[number] = {one.name: self._value(one, net) for one in mine}
                    fields[number] = mine
                    why = self._why_locked(number, values[number])
                except FieldError as error:
                    why = self.judge.skip(number, "lost", error.sentence)
            if why is not None:
                values.pop(number, None)
                self._leave(why)
        for why in self.judge.missing_targets(values).values():
            values.pop(why.id)
            self._leave(why)
        if values:
            self._put_back(values, fields)

    def _value(self, one: Field, net: Net) -> Any:
        before = net.before[one.name]
        if before is None or one.name in ("owner", "pool") or one.type.name == "lines":
            return before
        return one.type.parse(one, before, self.reading)

    def _draft(self, number: int, values: Mapping[str, Any]) -> Draft:
        old = self.own.values(self.rows[number])
        draft = Draft(self.entity, self.work.reading(strict=False), old, number)
        draft.changes |= {
            name: value
            for name, value in values.items()
            if self.entity.fields[name].type.name != "lines"
        }
        return draft

    def _why_locked(self, number: int, values: Mapping[str, Any]) -> Skipped | None:
        """Ask the locks of approvals, where there is one."""
        if self.rows[number].get("approval") not in ("waiting", "approved"):
            return None
        draft, problems = self._draft(number, values), Problems()
        draft.lines |= {name: [] for name in values.keys() - draft.changes.keys()}
        self.work.reactions.before_write(self.work, draft, self.rows[number], problems)
        sentences = [*problems.general, *(one for many in problems.fields.values() for one in many)]
        return self.judge.skip(number, "check", *sentences) if sentences else None

    def _put_back(
        self, values: Mapping[int, Mapping[str, Any]], fields: Mapping[int, Sequence[Field]]
    ) -> None:
        columns = {number: self._columns(mine) for number, mine in values.items()}
        self._following(values, columns)
        backs = []
        for number, mine in values.items():
            net, row = self.nets[number], self.rows[number]
            before = {one.name: self.judge.current(number, one) for one in fields[number]}
            after = {one.name: net.before[one.name] for one in fields[number]}
            fill_base_amounts(self.work, self.own, columns[number], row)
            lines = [one.name for one in fields[number] if one.type.name == "lines"]
            if lines:
                self._write_lines(number, {name: mine[name] for name in lines})
                there = lines_json(self.work, self.entity, number)
                after |= {name: there[name] for name in lines}
            action = "transfer" if set(after) <= {"owner", "pool"} else "update"
            backs.append(
                Back(row, columns[number], before, after, action, lines_changed=bool(lines))  # type: ignore[arg-type]
            )
        put_back(self.work, self.entity, backs)
        for number, mine in values.items():
            if mine.keys() & self.own.lists.files:
                keep_files(self.work, self.entity, number)
        self._check_trees(values)
        self.done |= values.keys()

    def _columns(self, values: Mapping[str, Any]) -> dict[str, Any]:
        columns: dict[str, Any] = {}
        for name, value in values.items():
            one = self.entity.fields[name]
            if one.type.name == "lines":
                continue
            found = {name: value} if name in ("owner", "pool") else one.type.to_columns(one, value)
            columns |= {key: each for key, each in found.items() if key in self.own.columns}
        return columns

    def _following(
        self, values: Mapping[int, Mapping[str, Any]], columns: Mapping[int, dict[str, Any]]
    ) -> None:
        """Add what comes back with an owner and with stages."""
        owned = {number: self.nets[number] for number, mine in values.items() if "owner" in mine}
        if owned:
            for number, found in owners_back(self.work, self.entity, owned, self.rows).items():
                columns[number].update(found)
        for name in self.own.lists.stages:
            moved = {number: self.nets[number] for number, mine in values.items() if name in mine}
            for number, found in stages_back(
                self.work, self.entity, name, moved, self.rows
            ).items():
                columns[number].update(found)

    def _write_lines(self, number: int, values: Mapping[str, Any]) -> None:
        draft, problems = self._draft(number, {}), Problems()
        policies = self.work.policies
        assert policies is not None
        raw = {
            name: _with_ids(self.work.rows[f"{self.entity.name}.{name}"], rows or [])
            for name, rows in values.items()
        }
        there = linesets.load_lines(self.work, self.entity, number)
        for name, rows in raw.items():
            known = {row["id"] for row in there[name]}
            for row in rows:
                if row["id"] not in known:
                    del row["id"]
        linesets.read_lines(self.work, draft, raw, policies.of(SYSTEM), self.reading, problems)
        linesets.check_unique(self.work, draft, problems)
        problems.raise_if_any()
        linesets.write_lines(self.work, draft, self.rows[number])

    def _check_trees(self, values: Mapping[int, Mapping[str, Any]]) -> None:
        names = {one.name for one in self.own.lists.trees}
        for number, mine in values.items():
            if names & mine.keys():
                problems = Problems()
                check_tree(self.work, self._draft(number, mine), number, problems)
                problems.raise_if_any()

    # -- attachments -------------------------------------------------------------------------------

    def _files(self) -> None:
        for number, net in list(self.nets.items()):
            if not net.files or net.goes or self.rows[number].get("deleted_at") is not None:
                continue
            why = self.judge.why_not_fields(number, [])
            if why is not None:
                self._leave(why)
                continue
            for action, name, at in reversed(net.files):
                self._file(number, action, name, at)
            self.done.add(number)

    def _file(self, number: int, action: str, name: str, at: Any) -> None:
        where = {"entity": self.work.number(self.entity.name), "record_id": number, "name": name}
        if action == "attach":
            _take_off.run(self.work.connection, {**where, "now": self.work.now})
        else:
            _put_on.run(self.work.connection, {**where, "at": at})
        told = ({"attachments": name}, {"attachments": None})
        before, after = told if action == "attach" else told[::-1]
        other = "detach" if action == "attach" else "attach"
        version = self.own.read(self.work.connection, [number])[number]["version"]
        write_entries(self.work, self.entity, [Entry(number, other, version, before, after)])


def _with_ids(lines: Any, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of lines as they are given to be written, with their ids."""
    return [
        {**given, "id": row.get("id")}
        for given, row in zip(given_rows(lines, rows), rows, strict=True)
    ]
