"""Smaller questions beside lists: titles, rights on one record, link pickers, search, figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from app.access.principal import Principal
from app.access.sources import calendar_of, targets_of
from app.clock import Clock
from app.database.statements import Statement
from app.definitions.catalog import RIGHTS, Field
from app.errors import NotFound
from app.fields.base import ParseContext
from app.records import finding
from app.records.aggregate import build_aggregate, split_names
from app.records.listing import Narrowed, Narrowing
from app.records.picking import build_pick, form_values, target_of
from app.records.planning import Compiled, Desk, Hot, Question
from app.records.reading import Reader, record_number
from app.records.refusals import entity_of, require

#: Rights that no single record has, and the one everything else needs.
_OF_THE_LIST = ("create", "read", "import", "publish")
#: More groups than these are no figure any more.
MOST_GROUPS_SHOWN = 1_000


class Statements:
    """The statements of one desk for these questions."""

    def __init__(self, desk: Desk) -> None:
        self._context = desk.context
        self.rights: Callable[[str], Statement] = lru_cache(256)(self._rights)
        self.titles: Callable[[str], Statement] = lru_cache(256)(self._titles)
        self.pick: Callable[..., Statement] = lru_cache(256)(self._pick)
        self.aggregate: Callable[..., Hot] = lru_cache(256)(self._aggregate)

    def _rights(self, entity: str) -> Statement:
        table = self._context.table(entity, "c")
        asked = [right for right in RIGHTS if right not in _OF_THE_LIST]
        columns = [
            self._context.visibility.rows(
                entity, table, right, has_shares=self._context.has_shares
            ).label(right)
            for right in asked
        ]
        rows = sa.select(*columns).where(
            table.c.id == sa.bindparam("id", type_=sa.BigInteger),
            self._context.rows(entity, table),
        )
        return Statement(rows)

    def _titles(self, entity: str) -> Statement:
        table = self._context.table(entity, "t")
        ids = sa.bindparam("ids", type_=sa.ARRAY(sa.BigInteger))
        rows = sa.select(table.c.id, self._context.title(entity, table)).where(
            table.c.id == sa.func.any(ids), self._context.rows(entity, table)
        )
        return Statement(rows)

    def _pick(self, entity: str, name: str, target: str | None, kinds: finding.Kinds) -> Statement:
        field, chosen = target_of(self._context, entity, name, target)
        return build_pick(self._context, entity, field, chosen, kinds)

    def _aggregate(
        self, narrowing: Narrowing, groups: tuple[str, ...], measures: tuple[str, ...]
    ) -> Hot:
        narrowed = Narrowed(self._context, narrowing)
        statement = build_aggregate(narrowed, groups, measures)
        return Compiled(statement, narrowed.readers())


class Lookups:
    """Answers the smaller questions for whoever asks."""

    def __init__(self, reader: Reader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        # They live as long as their desk, which ends with its release.
        self._statements: WeakKeyDictionary[Desk, Statements] = WeakKeyDictionary()

    def _for(self, desk: Desk) -> Statements:
        found = self._statements.get(desk)
        if found is None:
            found = self._statements[desk] = Statements(desk)
        return found

    def _rows(
        self,
        desk: Desk,
        principal: Principal,
        statement: Statement,
        given: Mapping[str, Any],
    ) -> list[Any]:
        values = self._reader.runner.values(statement, principal, desk.release.catalog)
        values.update(given)
        return self._reader.runner.run(statement, values).fetchall()

    def titles(
        self, principal: Principal, entity: str, ids: Iterable[int]
    ) -> dict[int, str | None]:
        """Return the titles of records the asker may read, deleted ones included, by id."""
        desk = self._reader.desk(principal)
        entity_of(desk.release.catalog, entity)
        statement = self._for(desk).titles(entity)
        return dict(self._rows(desk, principal, statement, {"ids": sorted(set(ids))}))

    def rights(self, principal: Principal, entity: str, record_id: object) -> frozenset[str]:
        """Return the rights the asker has on one record, in the bin or outside of it.

        Raises:
            NotFound: it does not exist, or may not be read.
        """
        desk = self._reader.desk(principal)
        entity_of(desk.release.catalog, entity)
        require(desk.policy, "read", entity)
        statement = self._for(desk).rights(entity)
        rows = self._rows(desk, principal, statement, {"id": record_number(record_id)})
        if not rows:
            raise NotFound
        names = [right for right in RIGHTS if right not in _OF_THE_LIST]
        of_list = ("create", "import", "publish")
        whole = {right for right in of_list if desk.policy.may(right, entity)}
        on_it = {right for right, has in zip(names, rows[0], strict=True) if has}
        return frozenset({"read", *whole, *on_it})

    def pick(
        self,
        principal: Principal,
        entity: str,
        name: str,
        typed: str,
        values: Mapping[str, Any],
        target: str | None,
        limit: int,
    ) -> list[dict[str, Any]]:
        """Return what a link field offers, the best first."""
        desk = self._reader.desk(principal)
        context = desk.context
        _, chosen = target_of(context, entity, name, target)
        if not desk.policy.may("read", chosen):
            return []
        words = finding.read_words(typed)
        statement = self._for(desk).pick(entity, name, chosen, words.kinds)
        given = form_values(
            context.entity(entity), values, statement.fixed, self._parsing(principal, desk)
        )
        given |= {"limit": limit, "typed": words.text, **words.parameters}
        rows = self._rows(desk, principal, statement, given)
        return [{"id": number, "title": title} for number, title in rows]

    def offer(
        self,
        principal: Principal,
        entity: str,
        field: Field,
        typed: str,
        values: Mapping[str, Any],
        limit: int,
    ) -> list[dict[str, Any]]:
        """Return what a link that is no field of *entity* offers beside one of its records.

        Args:
            field: what a button asks for; its ``where`` may ask about the record.
            values: the record's, as its form has them.
        """
        desk = self._reader.desk(principal)
        context, targets = desk.context, targets_of(field)
        if not targets or not desk.policy.may("read", targets[0]):
            return []
        words = finding.read_words(typed)
        statement = build_pick(context, entity, field, targets[0], words.kinds)
        given = form_values(
            context.entity(entity), values, statement.fixed, self._parsing(principal, desk)
        )
        given |= {"limit": limit, "typed": words.text, **words.parameters}
        rows = self._rows(desk, principal, statement, given)
        return [{"id": number, "title": title} for number, title in rows]

    def _parsing(self, principal: Principal, desk: Desk) -> ParseContext:
        app = desk.release.catalog.app
        return ParseContext(
            language=principal.language,
            time_zone=app.time_zone,
            currencies=app.currencies,
            today=calendar_of(desk.release.catalog).day(self._clock.now()),
        )

    def aggregate(
        self,
        principal: Principal,
        question: Question,
        group_by: str | Sequence[str] | None,
        measures: str | Sequence[str] | None,
        *,
        where: Mapping[str, Any],
        words: finding.Wanted | None,
    ) -> bytes:
        """Return figures as a JSON array."""
        desk = self._reader.desk(principal)
        narrowing = self._reader.plan(desk, principal, question).narrowing
        compiled = self._for(desk).aggregate(
            narrowing, split_names(group_by), split_names(measures)
        )
        values = self._reader.bound(desk, principal, compiled, narrowing, where)
        if words is not None:
            values.update(words.parameters)
        values["limit"] = MOST_GROUPS_SHOWN
        result = self._reader.runner.run_prepared(compiled.statement, values)
        rows = [result.get_value(n, 0) or b"null" for n in range(result.ntuples)]
        return b"[" + b",".join(rows) + b"]"
