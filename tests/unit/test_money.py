"""Money becomes micros exactly, whatever a platform writes it as."""

from decimal import Decimal
from typing import Any

import pytest

from pipelines.money import micros


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("12.34", 12_340_000),
        ("0.000001", 1),
        ("0.8876989582", 887_699),
        ("90071992547.409931", 90_071_992_547_409_931),
        ("-5", -5_000_000),
        ("-2E-18", 0),
        ("0.0000005", 0),
        (Decimal("0.1"), 100_000),
        (0.1, 100_000),
        (7, 7_000_000),
    ],
)
def test_amounts_become_micros_exactly(amount: Any, expected: int) -> None:
    assert micros(amount) == expected


@pytest.mark.parametrize("amount", ["free", "", "NaN", "-Infinity", "9223372036855", None, True])
def test_what_is_no_amount_is_refused_and_not_repeated(amount: Any) -> None:
    with pytest.raises(ValueError, match=r"^no amount of money$"):
        micros(amount)
