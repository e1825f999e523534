"""Money: whole micros of one currency. Two currencies only meet through a dated rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

from babel.numbers import get_currency_precision

from pipelines.errors import CurrencyMismatch, RateUnknown

MICROS = 1_000_000
_MICRO_DIGITS = 6
_INT64 = 2**63


def micros(amount: Any) -> int:
    """A decimal amount (text or a number) in millionths, rounded half to even.

    Raises:
        ValueError: it isn't an amount, or doesn't fit an INT64; the message doesn't repeat it.
    """
    try:
        exact = Decimal(str(amount)) * MICROS
        if abs(exact) < _INT64:
            return int(exact.to_integral_value(ROUND_HALF_EVEN))
    except ArithmeticError:
        pass
    raise ValueError("not an amount of money")


def minor_unit(currency: str) -> int:
    """The smallest amount that can be paid, in micros: 10,000 for USD, 1,000,000 for JPY.

    Digits are CLDR's (through Babel). Where they differ from ISO 4217 (RSD, IQD, …), CLDR has
    fewer, so an amount rounded to them can be paid under either.
    """
    digits: int = get_currency_precision(currency)
    return int(10 ** max(_MICRO_DIGITS - digits, 0))


def figure(micros: float, currency: str, style: str = "") -> str:
    """An amount without its currency code, with as many decimals as the currency has.

    Args:
        style: sign and grouping as in Python's format language, such as ``+,``.
    """
    return f"{micros / MICROS:{style}.{get_currency_precision(currency)}f}"


@dataclass(frozen=True)
class Money:
    """An amount in whole micros of a currency (ISO 4217).

    Adding, subtracting and comparing need the same currency, even for zero.

    Raises:
        CurrencyMismatch: two currencies meet.
    """

    micros: int
    currency: str

    def __add__(self, other: Money) -> Money:
        return Money(self.micros + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.micros - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.micros, self.currency)

    def __abs__(self) -> Money:
        return Money(abs(self.micros), self.currency)

    def __mul__(self, factor: int) -> Money:
        return Money(self.micros * factor, self.currency)

    def __truediv__(self, other: Money) -> float:
        """This amount as a multiple of ``other``."""
        return self.micros / self._same(other)

    def __lt__(self, other: Money) -> bool:
        return self.micros < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.micros <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.micros > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.micros >= self._same(other)

    def __bool__(self) -> bool:
        return self.micros != 0

    def payable(self) -> Money:
        """In whole minor units of its currency, rounded toward zero."""
        unit = minor_unit(self.currency)
        cut = abs(self.micros) // unit * unit
        return Money(cut if self.micros >= 0 else -cut, self.currency)

    def __str__(self) -> str:
        return f"{figure(self.micros, self.currency, ',')} {self.currency}"

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(
                f"{self} and {other} can't be added or compared: they are in different currencies.",
                kept="nothing was written.",
                fix="Convert one of them at a dated rate first (pipelines.money.Rates).",
            )
        return other.micros


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum of amounts that are all in ``currency``; zero if there are none.

    Raises:
        CurrencyMismatch: one of them is in another currency.
    """
    return sum(amounts, Money(0, currency))


@dataclass(frozen=True)
class Rate:
    """What one unit of ``source`` was worth in units of ``target``, as quoted on ``day``."""

    source: str
    target: str
    factor: float
    day: date

    def convert(self, amount: Money) -> Money:
        """An amount of ``source`` in ``target``, rounded half away from zero, as in the marts.

        Raises:
            CurrencyMismatch: the amount is not in ``source``.
        """
        exact = total([amount], self.source).micros * Decimal(repr(self.factor))
        return Money(int(exact.to_integral_value(ROUND_HALF_UP)), self.target)


@dataclass(frozen=True)
class Rates:
    """The latest rates to ``target`` known on ``as_of``: the one place that converts."""

    target: str
    as_of: date
    quotes: Mapping[str, Rate]

    def rate(self, currency: str) -> Rate:
        """The latest rate of a currency, however old; 1 for ``target`` itself.

        Raises:
            RateUnknown: none was ever published.
        """
        if currency == self.target:
            return Rate(currency, currency, 1.0, self.as_of)
        if currency not in self.quotes:
            raise RateUnknown(
                f"No exchange rate from {currency} to {self.target} is known up to {self.as_of}.",
                kept="nothing was written.",
                fix=f"Add {currency} and {self.target} to sources.fx_rates.currencies, then "
                "`adcanary ingest fx_rates` and `adcanary build`.",
            )
        return self.quotes[currency]

    def knows(self, currency: str) -> bool:
        """Whether amounts in a currency can be converted at all."""
        return currency == self.target or currency in self.quotes

    def used(self, currencies: Iterable[str]) -> tuple[Rate, ...]:
        """The rates at which amounts in these currencies are converted; none for ``target``."""
        foreign = sorted(set(currencies) & set(self.quotes) - {self.target})
        return tuple(self.quotes[currency] for currency in foreign)

    def convert(self, amount: Money) -> Money:
        """An amount in ``target``.

        Raises:
            RateUnknown: as :meth:`rate`.
        """
        return self.rate(amount.currency).convert(amount)
