"""What is made ahead comes in order, and what goes wrong comes where it belongs."""

import threading

import pytest

from app.transfer.ahead import in_turns, made_ahead


def test_items_come_in_order_and_errors_in_their_place():
    assert list(in_turns(range(5), 2)) == [0, 1, 2, 3, 4]
    with made_ahead(iter(range(5)), lambda one: one * 2) as ready:
        assert list(ready) == [0, 2, 4, 6, 8]
    with made_ahead(iter([2, 1, 0]), lambda one: 2 // one) as ready:
        found = [next(ready), next(ready)]
        with pytest.raises(ZeroDivisionError):
            next(ready)
    assert found == [1, 2]


def test_leaving_early_ends_the_thread_before_the_file_is_closed():
    given = []

    def source():
        for number in range(100):
            given.append(number)
            yield number

    with made_ahead(source(), lambda one: one) as ready:
        assert next(ready) == 0
    assert len(given) < 10
    assert "ahead" not in {one.name for one in threading.enumerate()}
