"""What hangs together is one group, as far as so many can be put side by side."""

from app.duplicates.groups import LARGEST, grouped


def test_pairs_with_a_record_in_common_are_one_group_in_the_order_of_the_surest():
    pairs = [(1, 2), (7, 8), (3, 4), (2, 3), (9, 10), (1, 4)]
    assert grouped(pairs) == [[0, 2, 3, 5], [1], [4]]
    assert grouped([]) == []


def test_no_group_is_larger_than_what_can_be_merged_at_once():
    chain = [(number, number + 1) for number in range(30)]
    groups = grouped(chain)
    assert sorted(place for group in groups for place in group) == list(range(30))
    assert all(
        len({side for place in group for side in chain[place]}) <= LARGEST for group in groups
    )
