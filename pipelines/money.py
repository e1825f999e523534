"""Money as the raw tables hold it: whole micros, read without passing through floating point."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

MICROS = 1_000_000
_INT64 = 2**63


def micros(amount: Any) -> int:
    """A decimal amount (text or a number) in millionths, rounded half to even.

    Raises:
        ValueError: it is no amount, or more than an INT64 holds; does not repeat it.
    """
    try:
        exact = Decimal(str(amount)) * MICROS
        if abs(exact) < _INT64:
            return int(exact.to_integral_value(ROUND_HALF_EVEN))
    except ArithmeticError:
        pass
    raise ValueError("no amount of money")
