"""What each ad brought of orders, against what its money brought elsewhere in its campaign then.

An ad is compared with the others of its campaign in the same four weeks (indirect standardisation),
so that neither a good campaign nor a good season speaks for what its ads show. What age still does
is taken out by regression.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PERIOD_WEEKS = 4
_PRIOR_ORDERS = 2
_CAMPAIGN = ("platform", "account_id", "campaign_id")
_SUMS = (
    *("cost_reporting_micros", "order_value_micros", "orders"),
    *("expected_value", "expected_orders", "aged"),
)
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
    """

    ads: tuple[Ad, ...]
    campaign: Ints
    relative: Floats
    weight: Floats
    age: Floats

    def __len__(self) -> int:
        return len(self.ads)


def returns_of(weeks: pd.DataFrame, min_orders: float) -> Returns:
    """The ads that can be compared: with ``min_orders`` expected or more.

    Args:
        weeks: ads by week, counted back from the last day (0 is the last): spend and order value in
            micros of the reporting currency, orders, days since launch. A week of which either
            isn't known is left out.
    """
    known = weeks.dropna(subset=["cost_reporting_micros", "order_value_micros"])
    cell = known.groupby([*_CAMPAIGN, known["week"] // PERIOD_WEEKS])
    spent = cell["cost_reporting_micros"].transform("sum")
    value = cell["order_value_micros"].transform("sum")
    share = known["cost_reporting_micros"] / spent
    # who runs alone in a campaign is compared with nobody
    beside = (cell["ad_id"].transform("nunique") > 1) & (spent > 0) & (value > 0)
    of_weeks = known.assign(
        expected_value=share * value,
        expected_orders=share * cell["orders"].transform("sum"),
        aged=known["age_days"] * known["cost_reporting_micros"],
    )[beside]
    ads = of_weeks.groupby([*_CAMPAIGN, "ad_id"], as_index=False)[list(_SUMS)].sum()
    ads = ads[ads["expected_orders"] >= min_orders].reset_index(drop=True)
    ids = ads[["platform", "account_id", "ad_id"]]
    spend, own_value, orders, expected = (
        ads[name].to_numpy(np.float64) for name in (*_SUMS[:3], "expected_value")
    )
    return Returns(
        ads=tuple(ids.itertuples(index=False, name=None)),
        campaign=np.asarray(ads.groupby(list(_CAMPAIGN)).ngroup(), dtype=np.int64),
        relative=relative_return(own_value, expected, orders),
        weight=expected,
        age=ads["aged"].to_numpy(np.float64) / spend,
    )


def relative_return(value: Floats, expected: Floats, orders: Floats) -> Floats:
    """Logarithm of value over expected value, drawn towards 0 as by two average orders. More that
    was paid back than paid counts as nothing."""
    value = np.maximum(value, 0)
    prior = _PRIOR_ORDERS * value.sum() / max(float(orders.sum()), 1.0)
    logarithm: Floats = np.log((value + prior) / (expected + prior))
    return logarithm
