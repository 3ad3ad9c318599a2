"""Role × entry point: whatever the way in, exactly the rows of the role come to light."""

import pytest

from tests.integration.reading.entry_points import ENTRY_POINTS, come_to_light
from tests.integration.reading.oracle import visible_companies
from tests.integration.reading.world import PEOPLE


@pytest.mark.parametrize("entry", ENTRY_POINTS)
@pytest.mark.parametrize("who", PEOPLE)
def test_a1_a3_a4_a5_a14_only_rows_of_the_role_come_to_light(shared_world, who, entry):
    found = come_to_light(shared_world, who, entry)
    expected = visible_companies(who)
    if entry == "picker" and not shared_world.records.policy(shared_world.who(who)).may(
        "read", "person"
    ):
        expected = set()
    assert found == expected
