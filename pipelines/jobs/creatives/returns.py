"""What each ad brought of orders, against what its money brought elsewhere in its campaign then.

An ad is compared with the others of its campaign in the same four weeks (indirect standardisation),
so that neither a good campaign nor a good season speaks for what its ads show. What age still does
is taken out by regression.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PERIOD_WEEKS = 4
_PRIOR_ORDERS = 2
Ad = tuple[str, str, str]
"""Platform, account and ad."""


@dataclass(frozen=True)
class Returns:
    """What ads brought, an entry an ad.

    Args:
        ads: in order.
        campaign: numbers of their campaigns.
        relative: logarithm of its order value over what the campaign's money brought in the same
            weeks, drawn towards 0 as by two average orders: 0 is average.
        weight: that expected order value, which grows with what was spent.
        age: days since the ad's launch, averaged over its spend.
        spend, value: micros of the reporting currency.
        orders: of the order book.
    """

    ads: tuple[Ad, ...]
    campaign: Ints
    relative: Floats
    weight: Floats
    age: Floats
    spend: Floats
    value: Floats
    orders: Floats

    def __len__(self) -> int:
        return len(self.ads)


def returns_of(weeks: Iterable[Mapping[str, Any]], min_orders: float) -> Returns:
    """The ads that can be compared: with ``min_orders`` expected or more.

    Args:
        weeks: rows of ad and week, counted back from the last day (0 is the last): spend and
            order value in micros of the reporting currency, orders, days since launch.
    """
    rows = list(weeks)
    cells: dict[tuple[Any, ...], list[float]] = {}
    for row in rows:
        sums = cells.setdefault(_cell(row), [0.0, 0.0, 0.0])
        for i, name in enumerate(("cost_reporting_micros", "order_value_micros", "orders")):
            sums[i] += row[name] or 0
    ads_of: dict[tuple[Any, ...], set[str]] = {}
    for row in rows:
        ads_of.setdefault(_cell(row), set()).add(row["ad_id"])
    total: dict[Ad, Floats] = {}
    campaign: dict[Ad, tuple[str, ...]] = {}
    for row in rows:
        spent, value, orders = cells[_cell(row)]
        cost = row["cost_reporting_micros"] or 0
        # who runs alone in a campaign is compared with nobody
        if len(ads_of[_cell(row)]) < 2 or spent <= 0 or value <= 0:
            continue
        ad = row["platform"], row["account_id"], row["ad_id"]
        campaign[ad] = row["platform"], row["account_id"], row["campaign_id"]
        own = total.setdefault(ad, np.zeros(6))
        share = cost / spent
        of_ad = (
            cost,
            row["order_value_micros"] or 0,
            row["orders"] or 0,
            share * value,
            share * orders,
            cost * row["age_days"],
        )
        own += of_ad
    ads = tuple(sorted(ad for ad, sums in total.items() if sums[4] >= min_orders))
    sums = np.array([total[ad] for ad in ads]).reshape(len(ads), 6)
    names = sorted({campaign[ad] for ad in ads})
    return Returns(
        ads=ads,
        campaign=np.array([names.index(campaign[ad]) for ad in ads], dtype=np.int64),
        relative=relative_return(sums[:, 1], sums[:, 3], sums[:, 2]),
        weight=sums[:, 3],
        age=sums[:, 5] / sums[:, 0],
        spend=sums[:, 0],
        value=sums[:, 1],
        orders=sums[:, 2],
    )


def relative_return(value: Floats, expected: Floats, orders: Floats) -> Floats:
    """Logarithm of value over expected value, drawn towards 0 as by two average orders."""
    prior = _PRIOR_ORDERS * value.sum() / max(float(orders.sum()), 1.0)
    logarithm: Floats = np.log((value + prior) / (expected + prior))
    return logarithm


def _cell(row: Mapping[str, Any]) -> tuple[Any, ...]:
    period = row["week"] // PERIOD_WEEKS
    return row["platform"], row["account_id"], row["campaign_id"], period
