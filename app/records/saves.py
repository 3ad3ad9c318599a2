"""Creating and changing records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from app.access.principal import Principal
from app.errors import Forbidden, InvalidInput
from app.fields.base import FieldError
from app.records import transferring
from app.records.checking import add_missing, allowed_ids, require_room
from app.records.conflicts import raise_conflict
from app.records.drafts import Draft, Problems, read_input
from app.records.following_columns import owner_columns
from app.records.linesets import read_lines
from app.records.many import (
    Changing,
    change_many,
    create_many,
    why_not_at_once,
    why_one_by_one,
)
from app.records.reactions import Happening
from app.records.saving import Saving, Written
from app.records.transactions import Transactions, entity_of
from app.records.work import Work
from app.texts import say


class Saves(Transactions):
    """Writes new records and changes to records."""

    def create(
        self,
        principal: Principal,
        entity: str,
        raw: Mapping[str, Any],
        *,
        origin: str = "api",
        cause: str | None = None,
        change_set: int | None = None,
        strict: bool = True,
        columns: Callable[[Work], Mapping[str, Any]] | None = None,
        receipt: Callable[[Work, Written], None] | None = None,
    ) -> Written:
        """Write a new record.

        Args:
            raw: values by field name, as JSON has them (``strict``) or as a form does.
            columns: called inside the transaction for columns only the caller knows, such as the
                number of a new user's account.
            receipt: called at the end of the transaction, to leave a trace that stands or falls
                with the record.

        Raises:
            Forbidden: the principal may not create records of this kind.
            InvalidInput: with sentences by field.
        """

        def step(work: Work) -> Written:
            written = self.create_in(work, entity, raw, columns, strict=strict)
            if receipt is not None:
                receipt(work, written)
            return written

        return self._run(
            principal,
            step,
            origin=origin,
            cause=cause,
            change_set=change_set,
        )

    def create_in(
        self,
        work: Work,
        name: str,
        raw: Mapping[str, Any],
        columns: Callable[[Work], Mapping[str, Any]] | None,
        *,
        strict: bool,
    ) -> Written:
        entity = entity_of(work.release, name)
        if not work.policy.may("create", name):
            raise Forbidden(work.policy.why("create", name))
        draft, problems = Draft(entity, work.reading(strict=False)), Problems()
        if columns is not None:
            draft.columns.update(columns(work))
        elif name == "user":
            raise Forbidden(
                say(
                    "Users are added on the page People, which gives them an account as well.",
                    "请在“人员”页面添加用户，以便同时开通账号。",
                )
            )
        require_room(work, entity)
        values = self._read_owner(work, draft, raw, problems, strict=strict)
        self._read(work, draft, values, problems, strict=strict)
        return self.finish_in(work, draft, None, problems, "create")

    def update(
        self,
        principal: Principal,
        entity: str,
        record_id: int,
        raw: Mapping[str, Any],
        *,
        version: int | None = None,
        origin: str = "api",
        cause: str | None = None,
        change_set: int | None = None,
        strict: bool = True,
    ) -> Written:
        """Change a record; fields that are not given stay.

        Args:
            version: the version the change was made from; None writes over whatever is there.

        Raises:
            NotFound: there is no such record for this principal.
            Forbidden: it may be read, but not changed.
            Conflict: somebody changed it since *version*; names the fields that differ.
            InvalidInput: with sentences by field.
        """
        return self._run(
            principal,
            lambda work: self.update_in(work, entity, record_id, raw, version, strict=strict),
            origin=origin,
            cause=cause,
            change_set=change_set,
        )

    def update_in(
        self,
        work: Work,
        name: str,
        record_id: int,
        raw: Mapping[str, Any],
        version: int | None,
        *,
        strict: bool,
        also: tuple[Happening, ...] = (),
    ) -> Written:
        entity = entity_of(work.release, name)
        row = self.locked(work, name, [record_id], "update")[record_id]
        rows = work.rows[name]
        context = work.reading(strict=False)
        draft, problems = Draft(entity, context, rows.values(row), record_id), Problems()
        values = self._read_owner(work, draft, raw, problems, strict=strict)
        self._read(work, draft, values, problems, strict=strict)
        if version is not None and version != row["version"]:
            raise_conflict(work, work.rows[name], row, draft, version)
        return self.finish_in(work, draft, row, problems, "update", also)

    def _read(
        self,
        work: Work,
        draft: Draft,
        raw: Mapping[str, Any],
        problems: Problems,
        *,
        strict: bool,
    ) -> None:
        context = work.reading(strict=strict)
        draft.given.update(raw)
        read_input(draft, raw, work.policy, context, problems)
        read_lines(work, draft, raw, work.policy, context, problems)

    def _read_owner(
        self,
        work: Work,
        draft: Draft,
        raw: Mapping[str, Any],
        problems: Problems,
        *,
        strict: bool,
    ) -> Mapping[str, Any]:
        """Take ``owner`` out of the input: giving a record to somebody else is a transfer."""
        if "owner" not in raw or not draft.entity.owned:
            return raw
        rest = {name: value for name, value in raw.items() if name != "owner"}
        field = draft.entity.fields["owner"]
        try:
            owner = field.type.parse(field, raw["owner"], work.reading(strict=strict))
        except FieldError as error:
            problems.add("owner", error.sentence)
            return rest
        if owner == (work.principal.user_id if draft.is_new else draft.old.get("owner")):
            return rest
        if not work.policy.may("transfer", draft.entity.name):
            problems.add("owner", work.policy.why("transfer", draft.entity.name))
            return rest
        try:
            transferring.check_new_owner(work, owner)
        except InvalidInput as error:
            problems.add("owner", error.fields["owner"][0])  # type: ignore[arg-type]
        draft.changes["owner"] = owner
        return rest

    def finish_in(
        self,
        work: Work,
        draft: Draft,
        row: Mapping[str, Any] | None,
        problems: Problems,
        action: Happening,
        also: tuple[Happening, ...] = (),
    ) -> Written:
        """Write a draft whose input was read, and see that the principal may have done that.

        Args:
            also: what else happens to the record with it, see `Saving.save`.
        """
        is_new = row is None
        if problems:
            # Whoever has to go back to the form is told of everything at once.
            for each in (draft, *draft.rows):
                lists = work.rows[each.entity.name].lists
                add_missing(each, lists.always_required, problems, each.prefix)
        problems.raise_if_any()
        self._hooks.before_save(record=draft, principal=work.principal, is_new=is_new)
        if not is_new and draft.changed("owner"):
            draft.changes |= owner_columns(work, row or {}, draft.changes["owner"])
        name = draft.entity.name
        moved = not is_new and "owner" in draft.changes
        right = "create" if is_new else "update"

        def allowed(record_id: int, values: Mapping[str, Any]) -> None:
            if not moved and not allowed_ids(work, name, {record_id: values}, right):
                raise Forbidden(
                    say(
                        "After this change the record would be outside of what you may write.",
                        "修改后这条记录将超出您可写的范围。",
                    )
                )

        written = Saving(work).save(draft, row, problems, action, allowed, also)
        if name in ("user", "department"):
            work.people_changed()
        work.after.append(
            lambda: self._hooks.after_save(record=written, principal=work.principal, is_new=is_new)
        )
        return written

    @property
    def hears_saves(self) -> bool:
        """Whether a plugin has to do with saves; hooks that do not say count as such."""
        return bool(getattr(self._hooks, "listens", True))

    def why_one_by_one(self, work: Work, name: str, given: Iterable[str]) -> str | None:
        """Return why new records cannot be written by `create_many_in`; None: they can.

        Args:
            given: the fields that come from whoever writes.
        """
        if self.hears_saves:
            return "plugins"
        return why_one_by_one(work, entity_of(work.release, name), given)

    def create_many_in(self, work: Work, name: str, drafts: Sequence[Draft]) -> dict[int, Draft]:
        """Write new records many at a time; return those that were, by id.

        The drafts' input was read, and `why_one_by_one` had nothing against it. What is not
        returned is in doubt, and to be written by `create_in`.

        Raises:
            Doubtful: some are, and all are to be taken back.
        """
        return create_many(work, entity_of(work.release, name), drafts)

    def change_many_in(
        self, work: Work, name: str, raws: Mapping[int, Callable[[Mapping[str, Any]], Any]]
    ) -> dict[int, frozenset[str]]:
        """Change records many at a time; return which fields of each are others now.

        What is not returned is in doubt, and to be written by `update_in`.

        Args:
            raws: by id, what gives the input, as people write it, from the values that are there.

        Raises:
            Doubtful: some are, and all are to be taken back.
        """
        entity = entity_of(work.release, name)
        if self.hears_saves or why_not_at_once(work, entity) is not None:
            return {}
        rows, context, coming = work.rows[name], work.reading(strict=False), []
        locked = self.locked(work, name, sorted(raws), "update")
        lines = {one.name for one in rows.lists.lines}
        for record_id, raw_of in raws.items():
            draft = Draft(entity, context, rows.values(locked[record_id]), record_id)
            problems, raw = Problems(), raw_of(draft.old)
            values = self._read_owner(work, draft, raw, problems, strict=False)
            draft.given.update(values)
            read_input(draft, values, work.policy, context, problems)
            if not problems and lines.isdisjoint(values):
                coming.append(Changing(draft, locked[record_id]))
        return change_many(work, entity, coming)
