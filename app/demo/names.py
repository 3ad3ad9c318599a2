"""Invents companies, people, numbers and addresses; never the same number or name twice."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from app.demo import words

#: A Unified Social Credit Code's characters and their weights (GB 32100-2015).
_CODE_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CODE_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_MOBILE_HEADS = ("136", "137", "138", "139", "150", "151", "158", "159", "186", "187", "188")


@dataclass(frozen=True, slots=True)
class Company:
    """A company as its customer record needs it; ``domain`` is for e-mail and the website."""

    name: str
    short_name: str
    domain: str
    industry: str
    address: dict[str, Any]
    office_phone: str
    #: of a Chinese company only
    credit_code: str | None
    is_chinese: bool


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person as a contact record needs them."""

    name: str
    gender: str
    mobile: str
    email: str


class Inventor:
    """Makes names up from one random source; equal seeds give equal names."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._taken: set[str] = set()
        self._brands = [(h, t) for h in words.BRAND_HEADS for t in words.BRAND_TAILS]
        self._abroad = [(b, t) for b in words.BRANDS_ABROAD for t in words.TRADES[::3]]
        chance.shuffle(self._brands)
        chance.shuffle(self._abroad)

    def chinese_company(self) -> Company:
        """Return a company in one of the Chinese cities."""
        (head, head_latin), (tail, tail_latin) = self._brands.pop()
        city = self._chance.choice(words.CITIES)
        trade = self._chance.choice(words.TRADES)
        brand = head + tail
        return Company(
            name=f"{city.short}{brand}{trade.zh}有限公司",
            short_name=brand + trade.zh,
            domain=self._domain(head_latin + tail_latin),
            industry=trade.industry,
            address={
                "country": "CN",
                "province": city.province,
                "city": city.name,
                "district": self._chance.choice(city.districts),
                "street": f"{self._chance.choice(words.STREETS)}{self._chance.randint(1, 899)}号",
                "postal_code": city.postal_code,
            },
            office_phone=self._number(f"+86{city.area_code}8#######"),
            credit_code=self._credit_code(),
            is_chinese=True,
        )

    def company_abroad(self) -> Company:
        """Return a company in one of the cities abroad."""
        brand, trade = self._abroad.pop()
        place = self._chance.choice(words.PLACES_ABROAD)
        return Company(
            name=f"{brand} {trade.en}",
            short_name=brand,
            domain=self._domain("".join(filter(str.isalpha, brand)).lower()),
            industry=trade.industry,
            address={
                "country": place.country,
                "city": place.name,
                "street": f"{self._chance.randint(1, 240)} Harbour Street",
                "postal_code": place.postal_code,
            },
            office_phone=self._number(place.phone),
            credit_code=None,
            is_chinese=False,
        )

    def person(self, *, is_chinese: bool, domain: str, phone: str = "") -> Somebody:
        """Return a person who works at the company of a domain."""
        if is_chinese:
            family, family_latin = self._chance.choice(words.FAMILY_NAMES)
            given, given_latin, gender = self._chance.choice(words.GIVEN_NAMES)
            name, local = family + given, f"{given_latin}.{family_latin}"
            mobile = self._number(f"+86{self._chance.choice(_MOBILE_HEADS)}########")
        else:
            first, gender = self._chance.choice(words.FIRST_NAMES_ABROAD)
            last = self._chance.choice(words.LAST_NAMES_ABROAD)
            name, local = f"{first} {last}", f"{first.replace(' ', '')}.{last}".lower()
            mobile = self.phone_like(phone)
        return Somebody(name, gender, mobile, self._unique(local, f"@{domain}"))

    def phone_like(self, number: str) -> str:
        """Return another number of the same place: the last three digits are new."""
        return self._number(number[:-3] + "###")

    def bank_account(self) -> str:
        return self._number("6222 #### #### #### ###")

    def _domain(self, name: str) -> str:
        return self._unique(name, ".example")

    def _unique(self, start: str, end: str) -> str:
        text, number = start + end, 1
        while text in self._taken:
            number += 1
            text = f"{start}{number}{end}"
        self._taken.add(text)
        return text

    def _number(self, pattern: str) -> str:
        while True:
            digits = (str(self._chance.randrange(10)) if c == "#" else c for c in pattern)
            number = "".join(digits)
            if number not in self._taken:
                self._taken.add(number)
                return number

    def _credit_code(self) -> str:
        body = "9133" + self._number("########") + "MA" + self._number("###")
        total = sum(
            _CODE_CHARACTERS.index(c) * weight
            for c, weight in zip(body, _CODE_WEIGHTS, strict=True)
        )
        return body + _CODE_CHARACTERS[(31 - total % 31) % 31]
