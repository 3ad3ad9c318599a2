"""What is told quickly for the usual case is what the slow way says."""

import random
import unicodedata

import phonenumbers
from hypothesis import given as over
from hypothesis import strategies as st

from app.fields.base import FieldError
from app.fields.normal import BLANKS, normal
from app.fields.reaching import (
    USUAL_ADDRESS,
    national_number,
    read_address,
    read_phone,
    read_unusual,
)

PLAIN = phonenumbers.PhoneNumberFormat.E164


def test_chinese_mobile_numbers_are_what_the_library_makes_of_them():
    dice = random.Random(3)
    given = [f"1{dice.randrange(10**10):010}" for _ in range(300)] + ["17911112222", "12591234567"]
    for text in given:
        number = phonenumbers.parse(text, "CN")
        if not phonenumbers.is_possible_number(number):
            continue
        try:
            read = read_phone(text, "CN")
        except FieldError:
            read = None
        assert read == phonenumbers.format_number(number, PLAIN)
        plain = phonenumbers.parse(read)
        assert national_number(read) == phonenumbers.national_significant_number(plain)


def test_texts_are_compared_character_by_character():
    for text in ("ＡΣ", "ΣΑΣ", "İstanbul", "Straße", "上海Ａ", "ΟΔΟΣ x", "ǅ", "\u3000Ab\u00a0é"):
        each = unicodedata.normalize("NFKC", text)
        lower = "".join("i" if one == "\u0130" else one.lower() for one in each)
        assert normal(text) == lower.strip(BLANKS)


@over(st.from_regex(USUAL_ADDRESS, fullmatch=True))
def test_usual_addresses_are_what_a_closer_look_makes_of_them(text):
    assert read_address(text) == read_unusual(text, text)
