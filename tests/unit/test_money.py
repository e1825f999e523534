"""Money becomes micros exactly, and amounts of two currencies never meet without a rate."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pipelines.errors import CurrencyMismatch, RateUnknown
from pipelines.money import Money, Rate, Rates, micros, minor_unit, total

DAY = date(2026, 6, 30)
YEN = Rate("JPY", "USD", 1.1 / 165, DAY)


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
    with pytest.raises(ValueError, match=r"^not an amount of money$"):
        micros(amount)


@pytest.mark.parametrize(
    "meet",
    [
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: a < b,
        lambda a, b: a <= b,
        lambda a, b: a > b,
        lambda a, b: a >= b,
        lambda a, b: a / b,
        lambda a, b: total([a, b], a.currency),
    ],
)
@pytest.mark.parametrize("micros_", [0, 5])
def test_two_currencies_never_meet_not_even_at_nothing(
    meet: Callable[[Money, Money], Any], micros_: int
) -> None:
    with pytest.raises(CurrencyMismatch, match=r"USD and .* JPY"):
        meet(Money(7, "USD"), Money(micros_, "JPY"))


def test_equal_amounts_of_two_currencies_are_not_equal() -> None:
    assert Money(5, "USD") != Money(5, "JPY")


@pytest.mark.parametrize(
    ("currency", "unit"), [("USD", 10_000), ("JPY", 1_000_000), ("KRW", 1_000_000), ("KWD", 1_000)]
)
def test_what_is_payable_is_whole_minor_units_cut_toward_zero(currency: str, unit: int) -> None:
    assert minor_unit(currency) == unit
    for sign in (1, -1):
        assert Money(sign * (3 * unit - 1), currency).payable() == Money(sign * 2 * unit, currency)


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(1_234_567_891, "USD"), "1,234.57 USD"),
        (Money(1_234_567_891, "JPY"), "1,235 JPY"),
        (Money(-1_234_567_891, "KWD"), "-1,234.568 KWD"),
    ],
)
def test_an_amount_is_told_with_its_currency_and_its_decimals(money: Money, text: str) -> None:
    assert str(money) == text


def test_a_rate_converts_its_own_currency_and_no_other() -> None:
    assert YEN.convert(Money(15_000_000_000, "JPY")) == Money(100_000_000, "USD")
    with pytest.raises(CurrencyMismatch):
        YEN.convert(Money(1, "EUR"))


def test_half_a_micro_is_rounded_away_from_zero_as_in_the_marts() -> None:
    half = Rate("JPY", "USD", 0.5, DAY)
    assert [half.convert(Money(m, "JPY")).micros for m in (1, -1, 3)] == [1, -1, 2]


def test_a_currency_without_a_rate_is_refused_by_name() -> None:
    rates = Rates("USD", DAY, {"JPY": YEN})
    assert rates.convert(Money(7, "USD")) == Money(7, "USD")
    assert (rates.knows("USD"), rates.knows("JPY"), rates.knows("KWD")) == (True, True, False)
    with pytest.raises(RateUnknown, match="from KWD to USD"):
        rates.convert(Money(7, "KWD"))


def test_only_rates_that_were_needed_are_named() -> None:
    rates = Rates("USD", DAY, {"JPY": YEN, "EUR": Rate("EUR", "USD", 1.1, DAY)})
    assert rates.used(["USD", "JPY", "KWD"]) == (YEN,)
