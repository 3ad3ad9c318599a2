"""Former names: what `was:` says, as the catalog keeps it."""

from dataclasses import dataclass

from app.definitions.catalog import former_names


@dataclass
class Renamed:
    was: tuple[str, ...] = ()


def test_former_names_lead_to_the_name_of_now():
    named = {"fax": Renamed(("telefax", "telex")), "name": Renamed()}
    assert former_names(named) == {"telefax": "fax", "telex": "fax"}


def test_a_name_in_use_is_no_former_name():
    named = {"fax": Renamed(("phone", "telex")), "phone": Renamed()}
    assert former_names(named) == {"telex": "fax"}


def test_of_two_that_had_a_name_the_first_keeps_it():
    named = {"one": Renamed(("it",)), "two": Renamed(("it",))}
    assert former_names(named) == {"it": "one"}
