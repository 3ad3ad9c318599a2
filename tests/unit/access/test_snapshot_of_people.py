"""The organisation as a value: who is below whom."""

from hypothesis import given
from hypothesis import strategies as st

from app.access.organisation import Person, Snapshot


def people(managers, inactive=()):
    return [
        Person(id=number, active=number not in inactive, manager=manager)
        for number, manager in managers.items()
    ]


def test_subordinates_are_found_at_any_depth():
    snapshot = Snapshot(people({1: None, 2: 1, 3: 2, 4: 3, 5: None}), {})
    assert snapshot.subordinates(1) == (1, 2, 3, 4)
    assert snapshot.subordinates(4) == (4,)


def test_a23_a_circle_of_managers_ends():
    snapshot = Snapshot(people({1: 3, 2: 1, 3: 2}), {})
    assert snapshot.subordinates(1) == (1, 2, 3)
    assert snapshot.subordinates(2) == (1, 2, 3)


def test_a23_ones_own_manager_is_no_endless_loop():
    assert Snapshot(people({1: 1}), {}).subordinates(1) == (1,)


def test_a23_a_deactivated_manager_does_not_cut_the_line():
    snapshot = Snapshot(people({1: None, 2: 1, 3: 2}, inactive={2}), {})
    assert snapshot.subordinates(1) == (1, 2, 3)


def test_a_manager_who_is_gone_is_nobody():
    assert Snapshot(people({2: 99}), {}).subordinates(2) == (2,)


def test_departments_are_ones_own_and_those_one_heads():
    member = Person(id=1, active=True, department=2)
    snapshot = Snapshot([member, Person(id=2, active=True)], {1: None, 2: 1, 3: 1, 4: 3}, {3: 1})
    assert snapshot.departments_of(1) == (2, 3)
    assert snapshot.department_tree(snapshot.departments_of(1)) == (2, 3, 4)
    assert snapshot.departments_of(2) == ()


def test_a_circle_of_departments_ends():
    snapshot = Snapshot([], {1: 2, 2: 1})
    assert snapshot.department_tree([1]) == (1, 2)


@given(st.dictionaries(st.integers(1, 12), st.none() | st.integers(1, 12), min_size=1))
def test_who_is_below_is_who_reaches_one_by_managers(managers):
    snapshot = Snapshot(people(managers), {})

    def reaches(number, top):
        seen = set()
        while number is not None and number not in seen:
            if number == top:
                return True
            seen.add(number)
            number = managers.get(number)
        return False

    for top in managers:
        assert set(snapshot.subordinates(top)) == {n for n in managers if reaches(n, top)}
