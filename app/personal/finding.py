"""Finding a person: records by name, number or address, and what else tells of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.access.visibility import visible
from app.database import system
from app.database.statements import Statement
from app.definitions.catalog import Entity
from app.errors import Forbidden
from app.personal.in_fields import RIGHT, Asked, asked, in_fields
from app.records.anonymising import TEXTS
from app.records.checking import visible_ids
from app.records.legal_holds import held
from app.records.personal_fields import personal_fields
from app.records.traces import PLACES, mentions
from app.records.work import Work
from app.texts import say

#: Records of an entity that are listed; more of them are no person.
MOST = 50
_EXPORTS = 20
_IDS = sa.bindparam("_ids", type_=ARRAY(sa.BigInteger))


@dataclass(frozen=True, slots=True)
class Found:
    """A record in which the person stands."""

    entity: str
    id: int
    title: str
    in_bin: bool
    #: the fields by which it was found; ``history`` for what it said before
    by: tuple[str, ...]
    #: why it may not be anonymised now, if so
    held: str | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """A list that was taken along while the person stood in it."""

    happened_at: datetime
    user_id: int | None
    entity: str
    rows: int


@dataclass(slots=True)
class Findings:
    """Everything about a person."""

    records: list[Found] = field(default_factory=list)
    #: records of others in whose texts the person stands
    mentions: list[Found] = field(default_factory=list)
    #: rows by place, see `traces.PLACES`
    elsewhere: dict[str, int] = field(default_factory=dict)
    exports: list[Export] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        return {
            "records": [asdict(one) for one in self.records],
            "mentions": [asdict(one) for one in self.mentions],
            "elsewhere": dict(self.elsewhere),
            "exports": [
                {
                    "happened_at": one.happened_at.isoformat(),
                    "user": one.user_id,
                    "entity": one.entity,
                    "rows": one.rows,
                }
                for one in self.exports
            ],
        }


def answerable(work: Work) -> list[Entity]:
    """Return the entities in which whoever asks may look for persons.

    Raises:
        Forbidden: there is none.
    """
    entities = work.release.catalog.entities
    found = [
        one
        for one in entities.values()
        if one.lines_of is None
        and personal_fields(one, entities)
        and work.policy.may(RIGHT, one.name)
    ]
    if not found:
        raise Forbidden(
            say(
                "You may not look for persons: the right `anonymise` is given by none of your "
                "roles.",
                "您无权查找个人信息：您的角色均没有 anonymise 权限。",
            )
        )
    return found


def find(work: Work, text: str, *, deeply: bool = False) -> Findings:
    """Return everything about a person, as far as whoever asks may answer for them.

    Args:
        deeply: texts, history and what stands beside the records are read as well; it takes a
            second or so for each million of rows.
    """
    wanted, found = asked(work, text), Findings()
    entities = answerable(work)
    for entity in entities:
        told, binned = in_fields(work, entity, wanted, MOST)
        found.records += shown(work, entity, told, binned)
    if deeply:
        _be_patient(work)
        found.records += _in_history(work, entities, wanted, found.records)
        found.mentions = list(_in_texts(work, wanted, found.records))
        found.elsewhere = _elsewhere(work, wanted)
    found.exports = exports_of(work, found.records)
    return found


def _be_patient(work: Work) -> None:
    said = sa.func.set_config("statement_timeout", "600000", sa.true())
    Statement(sa.select(said)).run(work.connection)


def shown(
    work: Work, entity: Entity, told: Mapping[int, tuple[str, ...]], binned: Iterable[int]
) -> list[Found]:
    """Return records as they are listed, with their titles and whether they are held."""
    gone, holds = set(binned), held(work, entity.name, told)
    rows = work.rows[entity.name]
    title = entity.fields.get(entity.title or "")
    is_shown = title is not None and work.policy.is_readable(entity.name, title.name)
    values = {number: rows.values(row) for number, row in rows.read(work.connection, told).items()}
    found = []
    for number, by in told.items():
        words = ""
        if title is not None and is_shown and title.name in values.get(number, {}):
            value = values[number][title.name]
            words = title.type.display(title, value, work.principal.language)
        found.append(
            Found(entity.name, number, words or f"#{number}", number in gone, by, holds.get(number))
        )
    return found


# -- deeper ----------------------------------------------------------------------------------------


def _in_history(
    work: Work, entities: list[Entity], wanted: Asked, known: list[Found]
) -> list[Found]:
    """Return records that said it once."""
    history, place = system.history, PLACES[0]
    chosen = (
        sa.select(history.c.entity, history.c.record_id)
        .where(mentions(place, wanted.patterns))
        .distinct()
        .limit(1_000)
    )
    by_number: dict[int, set[int]] = {}
    for number, record_id in Statement(chosen).run(work.connection).fetchall():
        by_number.setdefault(number, set()).add(record_id)
    there = {(one.entity, one.id) for one in known}
    found: list[Found] = []
    for entity in entities:
        ids = by_number.get(work.number(entity.name), set())
        ids = {each for each in ids if (entity.name, each) not in there}
        living = visible_ids(work, entity.name, ids, RIGHT)
        binned = visible_ids(work, entity.name, ids, RIGHT, deleted=True)
        told = dict.fromkeys(sorted(living | binned)[:MOST], ("history",))
        found += shown(work, entity, told, binned)
    return found


def _in_texts(work: Work, wanted: Asked, known: list[Found]) -> Iterator[Found]:
    """Yield records in whose texts somebody wrote of the person."""
    there = {(one.entity, one.id) for one in known}
    pattern = sa.literal("|".join(wanted.patterns), sa.Text())
    for entity in work.release.catalog.entities.values():
        if entity.lines_of is not None or not work.policy.may("read", entity.name):
            continue
        table = work.release.tables[entity.name].alias()
        texts = [
            name
            for name, one in entity.fields.items()
            if one.type.name in TEXTS
            and name in table.c
            and work.policy.is_readable(entity.name, name)
        ]
        if not texts:
            continue
        said = sa.func.concat_ws(sa.literal("\n"), *(table.c[name] for name in texts))
        chosen = (
            sa.select(table.c.id)
            .where(
                said.op("~*", is_comparison=True)(pattern),
                table.c.deleted_at.is_(None),
                visible(work.release, entity.name, table, work.policy),
            )
            .order_by(table.c.id)
            .limit(MOST)
        )
        ids = [row[0] for row in Statement(chosen).run(work.connection, work.asker).fetchall()]
        told = {each: ("text",) for each in ids if (entity.name, each) not in there}
        yield from shown(work, entity, told, ())


def _elsewhere(work: Work, wanted: Asked) -> dict[str, int]:
    """Return how many rows beside the records tell of the person, by place."""
    counts: dict[str, int] = {}
    for place in PLACES[1:]:
        chosen = sa.select(sa.func.count()).select_from(place.table)
        row = Statement(chosen.where(mentions(place, wanted.patterns))).run(work.connection)
        number = (row.fetchone() or (0,))[0]
        if number:
            counts[place.name] = number
    return counts


def exports_of(work: Work, records: list[Found]) -> list[Export]:
    """Return who took lists of these entities along since the first of the records was made."""
    by_entity: dict[str, list[int]] = {}
    for one in records:
        by_entity.setdefault(one.entity, []).append(one.id)
    audit = system.audit
    found: list[Export] = []
    for entity, ids in by_entity.items():
        table = work.release.tables[entity]
        first = sa.select(sa.func.min(table.c.created_at)).where(table.c.id == sa.func.any(_IDS))
        chosen = (
            sa.select(audit.c.happened_at, audit.c.user_id, audit.c.details)
            .where(
                audit.c.kind == "data.export.start",
                audit.c.details["entity"].astext == entity,
                audit.c.happened_at >= first.scalar_subquery(),
            )
            .order_by(audit.c.id.desc())
            .limit(_EXPORTS)
        )
        for when, who, details in Statement(chosen).run(work.connection, {"_ids": ids}).fetchall():
            found.append(Export(when, who, entity, int(details.get("rows") or 0)))
    return sorted(found, key=lambda one: one.happened_at, reverse=True)[:_EXPORTS]
