"""Amounts in few letters, for heads and figures: ¥4.86 m, 486 万元 said short."""

from __future__ import annotations

from decimal import Decimal

from app.fields.money import with_sign

_STEPS = {
    "zh": ((Decimal(100_000_000), "亿"), (Decimal(10_000), "万")),
    "en": ((Decimal(1_000_000_000), " bn"), (Decimal(1_000_000), " m")),
}


def short_amount(amount: Decimal, currency: str | None, language: str) -> str:
    """Return an amount with three figures or so; a small one in full, without its cents."""
    for step, word in _STEPS.get(language, _STEPS["en"]):
        if abs(amount) >= step:
            return f"{with_sign((amount / step).quantize(Decimal('0.01')), currency)}{word}"
    return with_sign(amount.quantize(Decimal(1)), currency)
