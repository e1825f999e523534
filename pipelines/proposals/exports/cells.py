"""How cells of import files are written."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal

from pipelines.money import MICROS, Money, minor_unit


def amount(money: Money) -> str:
    """An amount in whole units of its currency, exactly: a decimal point and no grouping, with the
    decimals of the currency, or more where it has more."""
    unit = minor_unit(money.currency)
    digits = len(str(MICROS // unit)) - 1 if money.micros % unit == 0 else 6
    return f"{Decimal(money.micros) / MICROS:.{digits}f}"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A CSV file's text: commas, quotes only where needed, lines ended as RFC 4180 has it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
