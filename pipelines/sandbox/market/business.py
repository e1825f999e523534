"""The business advertiser: what the simulated LinkedIn delivers, apart from the shop's market.

It buys leads, not orders, so nothing of it reaches the shop and its media mix. LinkedIn's terms
are told in the common ones: a campaign group is a campaign, a campaign an ad group, a creative an
ad. Days are UTC.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sandbox.market.delivery import maturity
from pipelines.sandbox.market.portfolio import Ad, AdAccount, AdGroup, Campaign

PLATFORM = "linkedin_ads"
ACCOUNTS = (
    AdAccount(PLATFORM, "507000001", "Canary Business US", "USD", "UTC"),
    AdAccount(PLATFORM, "507000002", "Canary Business EU", "EUR", "UTC"),
)
# account, name, status and objective of each campaign group
_GROUPS = (
    (0, "US Pipeline", "ENABLED", "LEAD_GENERATION"),
    (0, "US Brand", "ENABLED", "BRAND_AWARENESS"),
    (0, "US Webinars", "PAUSED", "WEBSITE_CONVERSION"),
    (1, "EU Pipeline", "ENABLED", "LEAD_GENERATION"),
    (1, "EU Hiring", "ENABLED", "WEBSITE_VISIT"),
)
_AUDIENCES, _CREATIVES = ("Operations", "Finance"), ("A", "B")
_LAST = ("Finance", "B")  # of the last group: archived in the middle of the time
_WEEKDAY = np.array([1.25, 1.3, 1.3, 1.25, 1.1, 0.4, 0.4])
# LinkedIn's costs have more decimals than its currency; four here, so that they stay exact
_COST_UNIT = 100
_CPM, _CTR, _CONVERSION_RATE, _LEAD_CENTS = 34.0, 0.006, 0.09, 4_500

KEYS = {
    "account": ("date",),
    "campaign": ("date", "campaign_id"),
    "adgroup": ("date", "campaign_id", "adgroup_id"),
    "ad": ("date", "campaign_id", "adgroup_id", "ad_id"),
}
METRICS = (
    "impressions",
    "clicks",
    "cost_micros",
    "conversions",
    "value_cents",
    "video_views",
    "video_completions",
)


class Business:
    """Two accounts' delivery; the same arguments give the same numbers.

    Args:
        seed: of every random draw.
        start, end: first and last day there is data for, UTC.
    """

    accounts = ACCOUNTS

    def __init__(self, seed: int, start: date, end: date) -> None:
        self.seed, self.start, self.end = seed, start, end
        self.campaigns = tuple(_campaign(number) for number in range(len(_GROUPS)))

    def account_campaigns(self, account_id: str) -> tuple[Campaign, ...]:
        """The account's campaign groups; none for an unknown account."""
        return tuple(c for c in self.campaigns if c.account_id == account_id)

    def daily_budget_micros(self, adgroup_id: str) -> int:
        """The daily budget of a LinkedIn campaign, in micros of its account's currency."""
        return (60 + int(adgroup_id) % 7 * 10) * 1_000_000

    def days(self, account_id: str, level: str, start: date, end: date, today: date) -> pa.Table:
        """Delivery on days up to ``min(end, today - 1)``, by the keys of a level.

        Columns ``KEYS[level]`` and ``METRICS``, all whole numbers, sorted by key. Conversions
        and their value grow for 28 days.
        """
        last = min(end, today - timedelta(days=1), self.end)
        rows = self._ads.filter(
            pc.and_(
                pc.equal(self._ads["account_id"], account_id),
                pc.and_(
                    pc.greater_equal(self._ads["date"], pa.scalar(start)),
                    pc.less_equal(self._ads["date"], pa.scalar(last)),
                ),
            )
        )
        return summed(_matured(rows, today), level)

    def account_spend(self, account_id: str, today: date) -> dict[date, int]:
        """The books: micros that the account was charged, by day, up to ``today - 1``."""
        rows = self.days(account_id, "account", self.start, self.end, today)
        return dict(zip(rows["date"].to_pylist(), rows["cost_micros"].to_pylist(), strict=True))

    @cached_property
    def _ads(self) -> pa.Table:
        """Every creative's days with its final conversions."""
        tables = [
            self._delivered(number, campaign, group, ad)
            for campaign in self.campaigns
            for group in campaign.adgroups
            for number, ad in enumerate(group.ads)
        ]
        return pa.concat_tables(tables)

    def _delivered(self, number: int, campaign: Campaign, group: AdGroup, ad: Ad) -> pa.Table:
        days = [self.start + timedelta(days=i) for i in range((self.end - self.start).days + 1)]
        rng = np.random.default_rng([self.seed, 61, int(ad.ad_id)])
        budget = self.daily_budget_micros(group.adgroup_id) / len(group.ads) * (0.9 - 0.1 * number)
        level = _WEEKDAY[[d.weekday() for d in days]] * rng.lognormal(-0.02, 0.2, len(days))
        if ad.status == "REMOVED":
            level[len(days) // 2 :] = 0
        micros = np.rint(budget * level / _COST_UNIT).astype(np.int64) * _COST_UNIT
        impressions = np.rint(micros / 1e6 / _CPM * 1000).astype(np.int64)
        clicks = rng.binomial(impressions, _CTR).astype(np.int64)
        conversions = rng.binomial(clicks, _CONVERSION_RATE).astype(np.int64)
        views = impressions * 2 // 5
        rows = pa.table(
            {
                "account_id": pa.repeat(campaign.account_id, len(days)),
                "date": pa.array(days, pa.date32()),
                "campaign_id": pa.repeat(campaign.campaign_id, len(days)),
                "adgroup_id": pa.repeat(group.adgroup_id, len(days)),
                "ad_id": pa.repeat(ad.ad_id, len(days)),
                "impressions": impressions,
                "clicks": clicks,
                "cost_micros": micros,
                "conversions": conversions,
                "video_views": views,
                "video_completions": views // 6,
            }
        )
        return rows.filter(pc.greater(rows["impressions"], 0))


def summed(ads: pa.Table, level: str) -> pa.Table:
    """Rows of ads summed to a level: columns ``KEYS[level]`` and ``METRICS``, sorted by key."""
    keys = KEYS[level]
    sums = ads.group_by(list(keys), use_threads=False).aggregate([(m, "sum") for m in METRICS])
    table = sums.select([*keys, *(f"{m}_sum" for m in METRICS)])
    return table.rename_columns([*keys, *METRICS]).sort_by([(k, "ascending") for k in keys])


def _matured(rows: pa.Table, today: date) -> pa.Table:
    """With the conversions that LinkedIn reports so far, and their value in cents."""
    age = np.array([(today - day).days for day in rows["date"].to_pylist()], dtype=np.int64)
    final = rows["conversions"].to_numpy()
    reported = np.floor(final * maturity(age)).astype(np.int64)
    place = rows.column_names.index("conversions")
    rows = rows.set_column(place, "conversions", pa.array(reported))
    return rows.append_column("value_cents", pa.array(reported * _LEAD_CENTS))


def _campaign(number: int) -> Campaign:
    account, name, status, objective = _GROUPS[number]
    return Campaign(
        PLATFORM,
        ACCOUNTS[account].account_id,
        str(610_000_001 + number),
        name,
        status,
        objective,
        tuple(_adgroup(number, place, name) for place in range(len(_AUDIENCES))),
    )


def _adgroup(number: int, place: int, name: str) -> AdGroup:
    audience = _AUDIENCES[place]
    is_last = number == len(_GROUPS) - 1
    return AdGroup(
        str(210_000_101 + 10 * number + place),
        f"{name} | {audience}",
        "ENABLED",
        tuple(
            Ad(
                str(380_001_001 + 100 * number + 10 * place + i),
                f"{audience} {letter}",
                "REMOVED" if is_last and (audience, letter) == _LAST else "ENABLED",
            )
            for i, letter in enumerate(_CREATIVES)
        ),
    )
