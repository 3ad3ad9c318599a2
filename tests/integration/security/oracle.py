"""Who may read which record, worked out in Python from the catalog and the rows alone.

Written from the language's sentences, once more in other words than the policy and its SQL: a role
sees a row if its scope and its `read` both hold, an entity that inherits also shows what belongs to
a record one sees. Nobody without a role sees anything.
"""

from tests.integration.api.world import IDS, PEOPLE

#: The conditions of the world's roles, in Python.
CONDITIONS = {"status == 'active'": lambda row: row["status"] == "active"}


def below(name):
    found = {name}
    for other, (_, manager) in PEOPLE.items():
        if manager == name:
            found |= below(other)
    return found


def holds(rule, who, row):
    """Whether a rule of a role holds for a row."""
    owner = row.get("owner")
    return (
        "all" in rule.scopes
        or ("own" in rule.scopes and owner == IDS[who])
        or ("subordinates" in rule.scopes and owner in {IDS[one] for one in below(who)})
        or any(CONDITIONS[condition.text](row) for condition in rule.conditions)
    )


def access_of(world, who, entity):
    role = PEOPLE[who][0]
    return world.catalog.entities[entity].access.get(role)


def may(world, who, right, entity):
    """Whether somebody has a right on any row of an entity."""
    access = access_of(world, who, entity)
    if access is None:
        return False
    rule = access.rights.get(right)
    return not access.scope.is_none and rule is not None and not rule.is_none


def may_read(world, who, entity, row):
    if PEOPLE[who][0] == "admin":
        return True
    if not may(world, who, "read", entity):
        return False
    access = access_of(world, who, entity)
    own = holds(access.scope, who, row) and holds(access.rights["read"], who, row)
    return own or any(
        may_read(world, who, name, parent) for name, parent in parents(world, entity, row)
    )


def parents(world, entity, row):
    """The records whose being seen shows this one."""
    numbers = world.services.live.release.numbers
    for field, name in world.catalog.entities[entity].inherit:
        one = world.catalog.entities[entity].fields[field]
        is_there = row[field] is not None
        if one.type.name == "any_link" and row[f"{field}__entity"] != numbers[name]:
            continue
        if is_there:
            yield name, world.row(name, row[field])


def visible(world, who, entity, *, bin_too=False):
    """The ids of the records of an entity that somebody may read, living ones or also others."""
    return {
        row["id"]
        for row in world.raw_rows(entity)
        if (bin_too or row["deleted_at"] is None) and may_read(world, who, entity, row)
    }


def hidden_fields(world, who, entity):
    """The fields of which somebody may see nothing, not even a mask."""
    if PEOPLE[who][0] == "admin":
        return set()
    access = access_of(world, who, entity)
    fields = world.catalog.entities[entity].fields
    if access is None:
        return set(fields)
    return {
        name
        for name in fields
        if access.fields.get(name, access.other_fields) == "hidden" and name != "id"
    }
