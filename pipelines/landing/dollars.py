"""What amounts are worth in US dollars, to a power of ten: to tell those that were not in micros.

For that alone: amounts are compared and added in the reporting currency, at a day's rate
(:mod:`pipelines.money`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from pipelines.money import MICROS
from pipelines.shipped import shipped


@cache
def units_a_dollar() -> Mapping[str, int]:
    """How many units of a currency a dollar buys, rounded up to a power of ten.

    A currency that expectations/currencies.yaml doesn't list is worth about a dollar, or more.
    """
    table = yaml.safe_load((shipped("expectations") / "currencies.yaml").read_text())
    return {
        currency: units
        for units, currencies in table["units_a_dollar"].items()
        for currency in currencies
    }


def in_dollars(micros: pa.ChunkedArray, currencies: pa.ChunkedArray) -> pa.ChunkedArray:
    """Amounts, in micros of the currency beside each, as dollars; those beside none are dollars."""
    known = units_a_dollar()
    listed = pa.array(known, pa.string())
    units = pa.array(known.values(), pa.float64()).take(pc.index_in(currencies, listed))
    amounts = pc.divide(pc.cast(micros, pa.float64(), safe=False), float(MICROS))
    return pc.divide(amounts, pc.fill_null(units, 1.0))
