"""Which experiment would tell what a channel brings: how large a change, for how many weeks.

The draws say what each change would do, and how that goes with what isn't known. A change whose
effect is measured with an error σ leaves of the variance of what a channel brings (θ), to first
order, Var θ − Cov(θ, Δ)² / (Var Δ + σ²): the smallest change that halves the interval, and that is
told from nothing with 80% power at the 5% level, is proposed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from pipelines.jobs.mmm.engine import Fitted
from pipelines.jobs.mmm.forward import geo_shares
from pipelines.jobs.mmm.panel import Floats

POWER, LEVEL = 0.8, 0.05
NARROWED = 0.5
"""Of the interval's width, that is to be left."""
_CHANGES = {
    -0.5: "halve the spend of {}",
    0.5: "raise the spend of {} by half",
    -1.0: "stop the spend of {}",
    1.0: "double the spend of {}",
}
CHANGES = tuple(_CHANGES)
WEEKS = (2, 3, 4, 6, 8, 10, 13)
AFTER = 4
"""Weeks after the change in which its effect still comes in."""
_BEFORE = 26
"""Weeks before it that say what would have been."""


@dataclass(frozen=True)
class Experiment:
    """A change of one channel's spend, everywhere or in some regions with others to compare.

    Args:
        change: of weekly spend, a share of it; −1 stops it.
        weeks: how long.
        effect: orders in these weeks and the ``AFTER`` next, median.
        power: probability that it is told from nothing.
        left: of the width of the channel's interval, afterwards.
    """

    channel: str
    change: float
    weeks: int
    effect: float
    power: float
    left: float

    @property
    def enough(self) -> bool:
        """Whether it narrows the interval as far as it should, with enough power."""
        return self.power >= POWER and self.left <= NARROWED

    def __str__(self) -> str:
        sized = f"{_CHANGES[self.change].format(self.channel)} for {self.weeks} weeks"
        result = f"about {self.effect:+.0f} orders, told from nothing with {self.power:.0%} power"
        if self.enough:
            return f"{sized}: {result}; it leaves {self.left:.0%} of the interval's width"
        return (
            f"{sized} at least, better in several regions with others to compare: in the whole "
            f"market it would be {result}, and leave {self.left:.0%} of the interval's width"
        )


def experiment(fitted: Fitted, channel: int, money: float, noise: float) -> Experiment:
    """The smallest sufficient experiment on a channel, or the best of those tried.

    Args:
        money: weekly spend to change.
        noise: standard deviation of a week around what is expected of it.
    """
    best: tuple[tuple[bool, float, float], Experiment] | None = None
    for weeks in WEEKS:
        effects = _effects(fitted, channel, money, weeks)
        theta = -effects[:, CHANGES.index(-1.0)]
        span = weeks + AFTER
        error = noise * float(np.sqrt(span * (1 + span / _BEFORE)))
        for i, change in enumerate(CHANGES):
            effect = effects[:, i]
            covariance = np.cov(theta, effect)
            known = covariance[0, 1] ** 2 / (covariance[1, 1] + error**2)
            left = float(np.sqrt(max(1 - known / max(covariance[0, 0], 1e-12), 0.0)))
            power = float(norm.cdf(np.abs(effect) / error - norm.ppf(1 - LEVEL / 2)).mean())
            made = Experiment(
                fitted.panel.channels[channel], change, weeks, float(np.median(effect)), power, left
            )
            cost = abs(change) * weeks if made.enough else 0.0
            rank = (not made.enough, cost, left)
            if best is None or rank < best[0]:
                best = rank, made
    assert best is not None
    return best[1]


def _effects(fitted: Fitted, channel: int, money: float, weeks: int) -> Floats:
    """Of each of ``CHANGES`` for some weeks, in these and in the weeks after, [draw, change]."""
    panel = fitted.panel
    history = panel.spend[:, :, channel]
    factors = np.ones((len(CHANGES) + 1, weeks + AFTER))
    factors[1:, :weeks] += np.array(CHANGES)[:, None]
    later = money * factors[:, None, :] * geo_shares(panel, channel)[None, :, None]
    before = np.repeat(history[None], len(factors), axis=0)
    totals = fitted.totals(channel, np.concatenate([before, later], axis=2), weeks + AFTER)
    effects: Floats = totals[:, 1:] - totals[:, :1]
    return effects
