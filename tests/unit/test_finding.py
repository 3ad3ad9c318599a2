"""What is typed to find records, cut into what is looked for."""

import pytest

from app.records.finding import read_words


@pytest.mark.parametrize(
    ("typed", "looked_for"),
    [
        ("021 8013 2360", ["%2180132360%"]),
        ("(021) 8013-2360", ["%2180132360%"]),
        ("+86 21 8013 2360", ["%862180132360%"]),
        ("138 0013", ["%1380013%"]),
        ("00123", ["%00123%"]),
        ("2026 a1", ["%2026%", "%a1%"]),
        ("021", ["021%"]),
    ],
)
def test_a_telephone_number_is_one_word_however_it_is_typed(typed, looked_for):
    wanted = read_words(typed)
    found = [wanted.parameters[f"word_{number}_is"] for number in range(len(wanted.kinds))]
    assert sorted(found) == sorted(looked_for)
