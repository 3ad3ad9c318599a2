"""What lasts several days of a week is one bar, in one lane, and nothing is lost."""

from app.screens.calendar_lanes import lay_out
from app.screens.calendars import Chip


def chip(name: str, day: int, *, between: bool = False) -> Chip:
    return Chip(name, f"/{name}", f"/{name}/day", "1", str(day), "sh0", is_between=between)


def names(lanes):
    return [[one.title if one else None for one in day] for day in lanes]


def test_a_record_keeps_its_lane_over_its_days_and_a_free_lane_is_taken():
    days = [
        [chip("a", 0), chip("b", 0)],
        [chip("b", 1)],
        [chip("c", 2), chip("b", 2)],
    ]
    lanes, hidden = lay_out(days, 8)
    assert names(lanes) == [["b", "a"], ["b"], ["b", "c"]]
    assert [day[0].width for day in lanes] == [3, 0, 0]
    assert [day[0].goes_on for day in lanes] == [True, True, False]
    assert hidden == [0, 0, 0]


def test_what_goes_on_and_on_gives_way_and_is_counted():
    through = [[chip("t", day, between=True)] for day in range(3)]
    through[1].append(chip("x", 1))
    lanes, hidden = lay_out(through, 1)
    assert names(lanes) == [[], ["x"], ["t"]]
    assert hidden == [1, 1, 0]
    assert lanes[2][0].width == 1
