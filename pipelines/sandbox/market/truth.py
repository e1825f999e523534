"""What is true of the simulated market: each channel's adstock, saturation and contribution.

Only ``adcanary evaluate``, ``adcanary lab`` and tests may read it; no server serves it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

if TYPE_CHECKING:
    from pipelines.sandbox.market.market import Market

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ChannelTruth:
    """One channel's response to its own daily spend, and how far its platform over-claims.

    Orders a day are ``ceiling * x**slope / (half_saturation**slope + x**slope)``, a Hill curve
    over ``x``, the geometric adstock ``x[t] = (1 - decay) * spend[t] + decay * x[t - 1]`` in
    dollars a day: at constant spend, x is the spend.
    """

    ceiling: float
    half_saturation: float
    slope: float
    decay: float
    claim_factor: float

    def adstock(self, spend: Floats) -> Floats:
        """Carry-over of daily spend (dollars), in steady state at the first day's spend."""
        carried = np.empty(len(spend), dtype=np.float64)
        level = float(spend[0]) if len(spend) else 0.0
        for i, value in enumerate(spend):
            level = (1 - self.decay) * value + self.decay * level
            carried[i] = level
        return carried

    def saturation(self, x: Floats) -> Floats:
        """Orders a day at adstocked spend ``x`` (dollars a day)."""
        powered = np.asarray(x, dtype=np.float64) ** self.slope
        return self.ceiling * powered / (self.half_saturation**self.slope + powered)

    def contribution(self, spend: Floats) -> Floats:
        """Expected orders a day of a history of daily spend in dollars."""
        return self.saturation(self.adstock(spend))

    def marginal(self, spend: float) -> float:
        """Further orders a day for one more dollar a day, held for long."""
        step = 0.01
        pair = self.saturation(np.array([spend, spend + step]))
        return float((pair[1] - pair[0]) / step)


# At the budgets of portfolio.py: Google about fair, Meta over-saturated, TikTok under-invested.
CHANNELS = {
    "google_ads": ChannelTruth(35.0, 650.0, 1.3, 0.30, 1.3),
    "meta_ads": ChannelTruth(19.5, 280.0, 1.5, 0.55, 1.8),
    "tiktok_ads": ChannelTruth(36.0, 450.0, 1.2, 0.45, 1.5),
}

_WEEKDAY = np.array([1.04, 0.98, 0.97, 0.98, 1.0, 0.99, 1.04])
_BASE_ORDERS = 30.0


def base_demand(seed: int, days: list[date]) -> Floats:
    """Expected unpaid orders a day: trend, weekly and yearly seasonality, a slow drift."""
    rng = np.random.default_rng([seed, 21])
    index = np.arange(len(days), dtype=np.float64)
    weekday = _WEEKDAY[[d.weekday() for d in days]]
    year = np.array([d.timetuple().tm_yday for d in days]) / 365.25
    peak = np.array([_november_peak(d) for d in days])
    season = 1 + 0.08 * np.cos(2 * np.pi * (year - 0.93)) + peak
    trend = 1 + 0.06 * index / 365.25
    drift = np.exp(0.02 * np.cumsum(rng.normal(0, 1 / np.sqrt(60), size=len(days))))
    demand: Floats = _BASE_ORDERS * weekday * season * trend * drift
    return demand


def _november_peak(day: date) -> float:
    """Black Friday week: 25% more demand."""
    thanksgiving = date(day.year, 11, 1)
    thanksgiving += timedelta(days=(3 - thanksgiving.weekday()) % 7 + 21)
    return 0.25 if -3 <= (day - thanksgiving).days <= 4 else 0.0


@dataclass(frozen=True)
class Truth:
    """The market's truth by day.

    Args:
        days: every day of the market.
        expected: expected orders by component (``base`` and the channels).
        realised: orders that came to be, by component; they sum to the shop's orders.
    """

    days: tuple[date, ...]
    expected: dict[str, Floats]
    realised: dict[str, Ints]

    @property
    def channels(self) -> dict[str, ChannelTruth]:
        return dict(CHANNELS)

    def contributions(self) -> pa.Table:
        """date, channel (``base`` among them), expected_orders, orders: a row a day and channel."""
        parts = [
            pa.table(
                {
                    "date": pa.array(self.days, pa.date32()),
                    "channel": pa.array([name] * len(self.days), pa.string()),
                    "expected_orders": self.expected[name],
                    "orders": self.realised[name],
                }
            )
            for name in self.expected
        ]
        return pa.concat_tables(parts)


def draw_orders(seed: int, days: list[date], spend: dict[str, Floats]) -> Truth:
    """The truth that follows from each channel's daily spend (dollars): orders are Poisson."""
    rng = np.random.default_rng([seed, 22])
    expected = {"base": base_demand(seed, days)}
    expected |= {name: CHANNELS[name].contribution(spend[name]) for name in CHANNELS}
    realised = {name: rng.poisson(rate).astype(np.int64) for name, rate in expected.items()}
    return Truth(tuple(days), expected, realised)


def truth_of(market: Market) -> Truth:
    """The truth behind a market."""
    return market._truth
