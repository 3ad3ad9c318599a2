"""Every way to find out that a company exists, as one table of functions.

Each takes the world and a name and returns the ids that came to light; a refusal of the whole
question counts as none. Whoever adds a way in adds a line here, and the matrix covers it.
"""

from datetime import UTC, datetime

import orjson

from app.errors import Forbidden, Malformed, NotFound
from app.records import finding
from app.records.boards import Days, Roots, Values
from tests.integration.reading.world import COMPANIES

NAMES = {name: number for name, (number, *_) in COMPANIES.items()}
OWNED = {number: owner for number, owner, *_ in COMPANIES.values()}


def ids(rows):
    return {row["id"] for row in rows}


def by_list(world, who):
    return {row.id for row in world.records.query(world.who(who), "company", limit=100)}


def by_json_list(world, who):
    page = world.records.query_json(world.who(who), "company", fields="name", limit=100)
    return ids(orjson.loads(page.rows))


def by_get(world, who):
    return _one_by_one(lambda number: world.records.get(world.who(who), "company", number))


def by_json_get(world, who):
    return _one_by_one(lambda number: world.records.get_json(world.who(who), "company", number))


def _one_by_one(get):
    found = set()
    for number in NAMES.values():
        try:
            get(number)
        except NotFound:
            continue
        found.add(number)
    return found


def by_filter(world, who):
    found = set()
    for name in NAMES:
        page = world.records.query(world.who(who), "company", filter=f"name == '{name}'")
        found |= {row.id for row in page}
    return found


def by_shortcut(world, who):
    found = set()
    for name in NAMES:
        page = world.records.query(world.who(who), "company", where={"name": name})
        found |= {row.id for row in page}
    return found


def by_view(world, who):
    principal = world.who(who)
    keys = {row.id for row in world.records.query(principal, "company", view="key")}
    rest = world.records.query(principal, "company", filter="level != 'a'")
    return keys | {row.id for row in rest}


def by_every_sort(world, who):
    found = set()
    for sort in ("name", "-name", "amount", "-last_at,name", "owner", "-grade", "parent", "-id"):
        found |= {row.id for row in world.records.query(world.who(who), "company", sort=sort)}
    return found


def by_paging(world, who):
    found, after = set(), None
    while True:
        page = world.records.query(world.who(who), "company", limit=1, after=after)
        found |= {row.id for row in page}
        after = page.next
        if after is None:
            return found


def by_count(world, who):
    """One name at a time, so that a number tells of a record."""
    return {
        number
        for name, number in NAMES.items()
        if world.records.count(world.who(who), "company", where={"name": name}).number
    }


def by_capped_count(world, who):
    return {
        number
        for name, number in NAMES.items()
        if world.records.count(
            world.who(who), "company", where={"name": name}, mode="capped"
        ).number
    }


def by_group(world, who):
    groups = orjson.loads(world.records.aggregate(world.who(who), "company", group_by="name"))
    return {NAMES[group["name"]] for group in groups}


def by_sum(world, who):
    """Sums of powers tell which rows went in."""
    told = world.records.aggregate(
        world.who(who), "company", group_by="id", measures="count,max(last_at)"
    )
    return {group["id"] for group in orjson.loads(told)}


def by_search(world, who):
    found = set()
    for name in NAMES:
        found |= {
            hit.id for hit in world.records.search(world.who(who), name) if hit.entity == "company"
        }
    return found


def by_recent_search(world, who):
    """As where words are in nearly everything: among the first records of the list alone."""
    everywhere, principal = world.records.everywhere, world.who(who)
    desk = world.records.reader.desk(principal)
    if not desk.policy.may("read", "company"):
        return set()
    found = set()
    for name in NAMES:
        words = finding.read_words(name)
        for kinds in (words.kinds, ()):
            statement = everywhere.statements(desk).recent(("company",), kinds, not kinds)
            values = world.records.reader.runner.values(statement, principal, desk.release.catalog)
            values |= {"typed": words.text, "limit": 100, **words.parameters}
            found |= {row[1] for row in world.records.reader.runner.run(statement, values)}
    return found


def by_board(world, who):
    lanes = [
        option.name
        for option in world.records.reader.desk(world.who(who))
        .context.entity("company")
        .fields["level"]
        .options
    ]
    found = world.records.board(world.who(who), "company", Values("level", tuple(lanes)), limit=1)
    rest = {row.id for row in world.records.query(world.who(who), "company", where={"level": None})}
    for lane, first in found.items():
        page = first
        rest |= {row.id for row in page}
        while page.next:
            lanes_left = Values("level", (lane,))
            page = world.records.board(
                world.who(who), "company", lanes_left, limit=1, after=page.next
            )[lane]
            rest |= {row.id for row in page}
    return rest


def by_days(world, who):
    zone = UTC
    begin = datetime(1990, 1, 1, tzinfo=zone)
    days = Days("created_at", (begin,), (datetime(2100, 1, 1, tzinfo=zone),))
    pages = world.records.board(world.who(who), "company", days, limit=100).values()
    return {row.id for page in pages for row in page}


def by_roots(world, who):
    """The top of a tree, and what hangs below what was seen."""
    found, above = set(), None
    while above is None or above:
        lanes = Roots("parent") if above is None else Values("parent", tuple(sorted(above)))
        pages = world.records.board(world.who(who), "company", lanes, limit=100).values()
        above = {row.id for page in pages for row in page} - found
        found |= above
    return found


def by_pinyin_and_pairs(world, who):
    found = by_search(world, who)
    for typed in ("xinyuan", "xykj", "信远", "works", "ltd", "tools", "sam", "sue", "mia"):
        hits = world.records.search(world.who(who), typed, ["company"])
        found |= {hit.id for hit in hits}
    return found


def by_list_search(world, who):
    found = set()
    for name in NAMES:
        page = world.records.query(world.who(who), "company", search=name)
        found |= {row.id for row in page}
    return found


def by_titles(world, who):
    """Titles of what is in the bin are known to whoever may read it; they are struck out."""
    titles = world.records.titles(world.who(who), "company", NAMES.values())
    return set(titles) - {NAMES["Sam Gone"]}


def by_picker(world, who):
    principal = world.who(who)
    found = ids(world.records.pick(principal, "person", "company", limit=50))
    for name in NAMES:
        found |= ids(world.records.pick(principal, "person", "company", name))
    return found


def by_rights(world, who):
    return {
        number
        for number in NAMES.values()
        if number != NAMES["Sam Gone"] and _has_rights(world, who, number)
    }


def _has_rights(world, who, number):
    try:
        return bool(world.records.rights(world.who(who), "company", number))
    except NotFound:
        return False


ENTRY_POINTS = {
    "list": by_list,
    "json list": by_json_list,
    "get": by_get,
    "json get": by_json_get,
    "filter": by_filter,
    "shortcut": by_shortcut,
    "view": by_view,
    "sort": by_every_sort,
    "paging": by_paging,
    "count": by_count,
    "capped count": by_capped_count,
    "group": by_group,
    "sum": by_sum,
    "search": by_search,
    "recent search": by_recent_search,
    "board": by_board,
    "days": by_days,
    "roots": by_roots,
    "pinyin": by_pinyin_and_pairs,
    "list search": by_list_search,
    "titles": by_titles,
    "picker": by_picker,
    "rights": by_rights,
}


def come_to_light(world, who, entry):
    """Return the ids that an entry point gives away; a refusal gives nothing."""
    try:
        return ENTRY_POINTS[entry](world, who)
    except (Forbidden, Malformed):
        return set()
