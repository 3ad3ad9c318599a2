"""Who may read which company, worked out in Python from the tables of ``world`` alone."""

from tests.integration.reading.world import COMPANIES, DELETED, DEPARTMENTS, PEOPLE


def below(name):
    found, waiting = set(), [name]
    while waiting:
        current = waiting.pop()
        found.add(current)
        waiting += [n for n, (_, _, manager, _) in PEOPLE.items() if manager == current]
    return found


def departments_below(top):
    return {d for d in DEPARTMENTS if d == top or DEPARTMENTS[d] == top}


def may_read(who, owner, status):
    """The sentence of each role, once more in other words."""
    _, role, _, department = PEOPLE[who]
    owners_department = PEOPLE[owner][3] if owner else None
    return {
        None: False,
        "outsider": False,
        "admin": True,
        "director": True,
        "auditor": True,
        "viewer": status == "active",
        "seller": owner == who,
        "teamed": owner == who,
        "manager": owner in below(who),
        "by_department": owners_department is not None and owners_department == department,
        "by_tree": owners_department in departments_below(department),
    }[role]


def visible_companies(who, shared=()):
    """The ids of the living companies somebody may read."""
    return {
        number
        for number, owner, status, *_ in COMPANIES.values()
        if number != DELETED and (may_read(who, owner, status) or (who, number) in set(shared))
    }


def hidden_fields(who):
    return {
        "seller": {"secret"},
        "manager": {"secret"},
        "viewer": {"secret", "phones"},
    }.get(PEOPLE[who][1], set())
