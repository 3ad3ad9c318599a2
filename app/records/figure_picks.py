"""What somebody picks above a dashboard: the period and the people, as an address says them."""

from __future__ import annotations

from datetime import date

from app.definitions.periods import Span, read_period
from app.errors import Malformed
from app.records.figure_results import People
from app.texts import say


def read_span(text: str, today: date) -> Span:
    """Return the period that a text means.

    Raises:
        Malformed: it means none.
    """
    try:
        return read_period(text.strip(), today)
    except (ValueError, OverflowError) as error:
        raise Malformed(
            say(
                "`{text}` is no period: write `this month`, `last 30 days`, `2026-11`, `2026-Q4`, "
                "`2026`, or `2026-01-01..2026-03-31`.",
                "“{text}”不是有效的时间范围：请填写 this month、last 30 days、2026-11、2026-Q4、"
                "2026 或 2026-01-01..2026-03-31。",
                text=text[:60],
            )
        ) from error


def read_people(text: str) -> People:
    """Return whose records a text means.

    Raises:
        Malformed: it means nobody's.
    """
    if text in ("mine", "subordinates", "department", "all"):
        return People(text)
    kind, _, number = text.partition(":")
    if (
        kind in ("user", "department")
        and number.isascii()
        and number.isdigit()
        and (len(number) < 19)
    ):
        return People("user" if kind == "user" else "department_of", int(number))
    raise Malformed(
        say(
            "`people` is `mine`, `subordinates`, `department`, `all`, `user:12` or `department:3`, "
            "not `{text}`.",
            "people 应为 mine、subordinates、department、all、user:12 或 department:3，"
            "不能是“{text}”。",
            text=text[:60],
        )
    )
