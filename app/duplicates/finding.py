"""The statements of a scan: values into a table of their own, and pairs of records out of it.

Everything is done by sets, in one transaction for each step, and reads only: nobody who writes is
waited for. A value that more than `COMMON` records share says nothing about any two of them.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.schema import CreateTable

from app.database import system
from app.database.duplicate_tables import duplicate_pair
from app.database.statements import Statement
from app.fields.normal import normal_sql
from app.records.comparing import Comparison, Member
from app.records.pairs import score_of
from app.records.work import Work

COMMON = 20
#: Names that share a rare piece; more of them have it because it is no rare one.
CROWD = 200
#: Sounds of less say too little; Chinese names longer than this have no whole sound.
_SHORTEST, _LONGEST = 6, 12

_temporary = sa.MetaData()
_value = sa.Table(
    "duplicate_value",
    _temporary,
    sa.Column("entity", sa.SmallInteger),
    sa.Column("record_id", sa.BigInteger),
    sa.Column("field", sa.Text),
    sa.Column("value", sa.Text),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DROP",
)
_name = sa.Table(
    "duplicate_name",
    _temporary,
    sa.Column("n", sa.Integer, sa.Identity()),
    sa.Column("value", sa.Text),
    sa.Column("size", sa.Integer),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DROP",
)
_token = sa.Table(
    "duplicate_token",
    _temporary,
    sa.Column("n", sa.Integer),
    sa.Column("size", sa.Integer),
    sa.Column("token", sa.Text),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DROP",
)


def find_pairs(work: Work, scan: int, one: Comparison) -> int:
    """Write the pairs that one step of a scan finds; return how many records it compared."""
    _do(work, sa.select(sa.func.set_config("statement_timeout", "0", sa.true())))
    _do(work, sa.select(sa.func.set_config("work_mem", "128MB", sa.true())))
    _create(work, _value)
    for member in one.members:
        _do(work, _value.insert().from_select(list(_value.c), _values(work, one.kind, member)))
    work.connection.execute("ANALYZE duplicate_value")
    found = _alike(work, one) if one.kind == "alike" else _equal(one)
    return _put(work, scan, found)


def _do(work: Work, statement: Any) -> int:
    return Statement(statement).run(work.connection).rowcount


def _create(work: Work, table: sa.Table) -> None:
    from sqlalchemy.dialects.postgresql import dialect

    work.connection.execute(str(CreateTable(table).compile(dialect=dialect())))  # type: ignore[no-untyped-call]


def _values(work: Work, kind: str, member: Member) -> sa.Select[Any]:
    """Return the values of a field as they are compared, one row each."""
    table = work.release.tables[member.entity].alias()
    column = table.c[member.path.replace(".", "__")]
    entity = sa.literal(work.number(member.entity), sa.SmallInteger)
    source: Any = table
    value: Any = column
    if isinstance(column.type, JSONB):
        field = work.release.catalog.entities[member.entity].fields[member.field]
        each = sa.func.jsonb_array_elements(column).table_valued(
            sa.column("value", JSONB), name="each"
        )
        source = table.join(each.lateral(), sa.true())
        value = each.c.value.op("->>")(sa.literal(getattr(field.type, "key", "value"), sa.Text))
    elif isinstance(column.type, ARRAY):
        parts = sa.func.unnest(column).table_valued("value", name="each")
        source, value = table.join(parts.lateral(), sa.true()), parts.c.value
    text = normal_sql(sa.cast(value, sa.Text))
    if kind == "host":
        bare = sa.func.regexp_replace(text, "^[a-z+]+://", "")
        text = sa.func.regexp_replace(sa.func.regexp_replace(bare, "[/?#:].*$", ""), "^www\\.", "")
    chosen = sa.select(
        entity, table.c.id, sa.literal(member.path, sa.Text), text.label("value")
    ).select_from(source)
    if kind == "sound":
        return _sounds(work, member, table, text)
    return chosen.where(table.c.deleted_at.is_(None), text != "").distinct()


def _sounds(work: Work, member: Member, table: Any, text: Any) -> sa.Select[Any]:
    """Return how names are read: in pinyin, or as they stand where they are written so."""
    search = system.search.alias()
    gram = sa.func.unnest(search.c.grams).column_valued("gram")
    longest = (
        sa.select(gram)
        .where(gram.op("~")("^[a-z]+$"))
        .order_by(sa.func.length(gram).desc())
        .limit(1)
        .scalar_subquery()
    )
    bare = sa.func.regexp_replace(text, "[^[:alnum:]]", "", "g")
    sound = sa.case((bare.op("~")("^[a-z0-9]+$"), bare), else_=longest)
    read = (
        sa.select(table.c.id, sound.label("value"))
        .join(
            search,
            sa.and_(
                search.c.entity == work.number(member.entity), search.c.record_id == table.c.id
            ),
        )
        .where(
            table.c.deleted_at.is_(None),
            # What is written in both is read as neither.
            sa.or_(
                bare.op("~")("^[a-z0-9]+$"),
                sa.and_(bare.op("!~")("[a-z0-9]"), sa.func.char_length(bare) <= _LONGEST),
            ),
        )
        .subquery("read")
    )
    return sa.select(
        sa.literal(work.number(member.entity), sa.SmallInteger),
        read.c.id,
        sa.literal(member.path, sa.Text),
        read.c.value,
    ).where(sa.func.length(read.c.value) >= _SHORTEST)


def _pairs(first: Any, second: Any, weight: Any, kind: str) -> list[Any]:
    """Return the columns of a pair found by two values."""
    reason = sa.func.concat_ws(":", sa.literal(kind, sa.Text), first.c.field, second.c.field)
    return [
        first.c.entity.label("entity"),
        first.c.record_id.label("record_id"),
        second.c.entity.label("other_entity"),
        second.c.record_id.label("other_id"),
        reason.label("reason"),
        sa.cast(weight, sa.Double).label("weight"),
    ]


def _in_order(first: Any, second: Any) -> Any:
    return sa.tuple_(first.c.entity, first.c.record_id) < sa.tuple_(
        second.c.entity, second.c.record_id
    )


def _equal(one: Comparison) -> sa.Select[Any]:
    few = (
        sa.select(_value.c.value)
        .group_by(_value.c.value)
        .having(sa.func.count().between(2, COMMON))
        .cte("few")
    )
    first, second = _value.alias("first"), _value.alias("second")
    return (
        sa.select(*_pairs(first, second, sa.literal(one.weight), one.kind))
        .select_from(few)
        .join(first, first.c.value == few.c.value)
        .join(second, sa.and_(second.c.value == few.c.value, _in_order(first, second)))
    )


def _alike(work: Work, one: Comparison) -> sa.Select[Any]:
    """Return the pairs of names that are so alike, found by their rarest pieces.

    Two texts can be that alike only if they share one of the rarest pieces of each: as many as
    may be missing from the other, and one more.
    """
    _create(work, _name)
    size = sa.func.cardinality(sa.func.show_trgm(_value.c.value))
    names = sa.select(_value.c.value, size).distinct()
    _do(work, _name.insert().from_select(["value", "size"], names))
    pieces = sa.func.unnest(sa.func.show_trgm(_name.c.value)).column_valued("token")
    each = sa.select(_name.c.n, _name.c.size, pieces.label("token")).cte("each")
    often = (
        sa.select(each.c.token, sa.func.count().label("often")).group_by(each.c.token).cte("often")
    )
    place = sa.func.row_number().over(partition_by=each.c.n, order_by=(often.c.often, each.c.token))
    ranked = (sa.select(each, place.label("place")).join(often, often.c.token == each.c.token)).cte(
        "ranked"
    )
    least = sa.literal(one.at_least, sa.Double)
    allowed = ranked.c.size - sa.func.ceil(ranked.c.size * least) + 1
    rare = sa.select(ranked.c.n, ranked.c.size, ranked.c.token).where(ranked.c.place <= allowed)
    _create(work, _token)
    _do(work, _token.insert().from_select(["n", "size", "token"], rare))
    work.connection.execute("ANALYZE duplicate_token")
    work.connection.execute("ANALYZE duplicate_name")
    few = (
        sa.select(_token.c.token)
        .group_by(_token.c.token)
        .having(sa.func.count().between(2, CROWD))
        .cte("few")
    )
    mine, other = _token.alias("mine"), _token.alias("other")
    near = (
        sa.select(mine.c.n, other.c.n.label("m"))
        .select_from(few)
        .join(mine, mine.c.token == few.c.token)
        .join(
            other,
            sa.and_(
                other.c.token == few.c.token,
                mine.c.n < other.c.n,
                other.c.size.between(mine.c.size * least, mine.c.size / least),
            ),
        )
        .distinct()
        .cte("near")
    )
    a, b = _name.alias("a"), _name.alias("b")
    likeness = sa.func.similarity(a.c.value, b.c.value)
    close = (
        sa.select(a.c.value.label("one"), b.c.value.label("two"), likeness.label("likeness"))
        .select_from(near)
        .join(a, a.c.n == near.c.n)
        .join(b, b.c.n == near.c.m)
        .where(likeness >= least)
        .cte("close")
    )
    held, there = _value.alias("held"), _value.alias("there")
    both = (
        sa.select(held, there.c.entity.label("e"), there.c.record_id.label("r"),
                  there.c.field.label("f"), close.c.likeness)
        .select_from(close)
        .join(held, held.c.value == close.c.one)
        .join(there, there.c.value == close.c.two)
    ).cte("both")  # fmt: skip
    turned = sa.tuple_(both.c.entity, both.c.record_id) > sa.tuple_(both.c.e, both.c.r)
    sides = (both.c.entity, both.c.record_id, both.c.field), (both.c.e, both.c.r, both.c.f)
    first, second = (
        [sa.case((turned, y), else_=x) for x, y in zip(*order, strict=True)]
        for order in (sides, sides[::-1])
    )
    reason = sa.func.concat_ws(":", sa.literal("alike", sa.Text), first[2], second[2])
    return sa.select(
        first[0].label("entity"),
        first[1].label("record_id"),
        second[0].label("other_entity"),
        second[1].label("other_id"),
        reason.label("reason"),
        sa.cast(both.c.likeness * 0.9, sa.Double).label("weight"),
    )


def _put(work: Work, scan: int, found: Any) -> int:
    """Write pairs, or what is new about them; those that were told apart stay apart."""
    each = found.subquery("found")
    keys = ["entity", "record_id", "other_entity", "other_id"]
    reasons = sa.func.jsonb_object_agg(each.c.reason, each.c.weight, type_=JSONB)
    grouped = (
        sa.select(*(each.c[key] for key in keys), reasons.label("reasons"))
        .group_by(*(each.c[key] for key in keys))
        .subquery("grouped")
    )
    chosen = sa.select(
        *(grouped.c[key] for key in keys),
        grouped.c.reasons,
        score_of(grouped.c.reasons),
        sa.literal(scan, sa.BigInteger),
    )
    put = insert(duplicate_pair).from_select([*keys, "reasons", "score", "scan"], chosen)
    now = sa.case(
        (duplicate_pair.c.scan == scan, duplicate_pair.c.reasons.concat(put.excluded.reasons)),
        else_=put.excluded.reasons,
    )
    return _do(
        work,
        put.on_conflict_do_update(
            index_elements=keys, set_={"reasons": now, "score": score_of(now), "scan": scan}
        ),
    )
