"""The demo's targets: what the director set for this year, by person, department and company."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from app.access.principal import Principal
from app.records.door import Records
from app.records.targets import Cell

#: Contracts to be signed in each month of the year, in thousands.
_MONTHS = (400, 400, 500, 700, 700, 800, 600, 700, 900, 1000, 1100, 1200)
#: Each seller's part of it, in per cent.
_PARTS = {
    "lin.yue": 24, "sun.hao": 20, "wang.fang": 16, "li.na": 14, "chen.wei": 6,
    "tom.becker": 10, "priya.nair": 8, "emma.clarke": 2,
}  # fmt: skip
_EAST = ("lin.yue", "sun.hao", "wang.fang", "li.na", "chen.wei")
#: Of what is signed so much is to be received in the same month, in per cent.
_RECEIVED = 85


def load_targets(
    records: Records,
    director: Principal,
    users: Mapping[str, int],
    departments: Mapping[str, int],
    today: date,
    now: datetime,
) -> None:
    """Type in the targets of the year, as the director."""
    figures = records.figures
    for name in ("contract_amount", "received_amount"):
        reach = figures.reach(director, name)
        share = Decimal(100 if name == "contract_amount" else _RECEIVED) / 100
        cells = [
            cell
            for month, thousands in enumerate(_MONTHS, start=1)
            for cell in _month(
                date(today.year, month, 1),
                Decimal(thousands * 1000) * share,
                reach.target.levels,
                users,
                departments,
            )
        ]
        figures.book.write(director, reach, cells, now)


def _month(
    month: date,
    whole: Decimal,
    levels: tuple[str, ...],
    users: Mapping[str, int],
    departments: Mapping[str, int],
) -> list[Cell]:
    """Return one month: people, their departments, the company, each level a quarter higher."""
    cells = []
    for height, level in enumerate(levels):
        amounts = {
            login: (whole * part / 100 * (4 + height) / 4).quantize(Decimal(1))
            for login, part in _PARTS.items()
        }
        east = sum((amounts[login] for login in _EAST), Decimal(0))
        all_of_it = sum(amounts.values(), Decimal(0))
        told = [("user", users[login], amount) for login, amount in amounts.items()]
        told.append(("department", departments["sales_east"], east))
        told.append(("department", departments["sales_international"], all_of_it - east))
        told.append(("company", 0, all_of_it))
        cells += [Cell(kind, number, month, level, amount) for kind, number, amount in told]
    return cells
