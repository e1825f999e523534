"""The three models' media transforms over posterior draws, in numpy, and their parameters' priors.

A model's parameters are sampled as standard normal variables z, of which every parameter is a
function (a prior of its own scale and shape, and a geometry that suits NUTS). All three models have
the same vector of z, so that one compiled program samples each of them; what a model doesn't use
stays at its prior.

Spend is in multiples of a channel's mean over the weeks with spend, by geo and size
(:mod:`.scaled`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.jobs.mmm.panel import Floats

MODELS = ("adstock", "hill_adstock", "carryover")
CARRY_WEEKS = 26
"""Weeks, the present one with them, in which spend works."""

# The library's sites. Its priors are replaced where they leave a shape open or all but fix it:
# - lag weights and retention: Beta(2, 1) and Beta(1, 1) become logit-normal, symmetric about a
#   half, 90% within 0.16 and 0.84;
# - exponent: Beta(9, 1) hardly allows diminishing returns (90% above 0.77); here 0.24 to 0.90;
# - half saturation and slope: Gamma(1, 1) is likely near 0, where a channel turns into a constant,
#   which can't be told from the intercept: lognormal, 0.5 to 6.7 mean weeks, and 0.65 to 2.0;
# - peak delay: HalfNormal(2) expects the most effect 1.6 weeks late; lognormal, 0.1 to 1.9.
LAG, RETENTION, EXPONENT = "lag_weight", "ad_effect_retention_rate", "exponent"
DELAY, HALF, SLOPE = "peak_effect_delay", "half_max_effective_concentration", "slope"
SITES: Mapping[str, tuple[str, ...]] = {
    "adstock": (LAG, EXPONENT),
    "hill_adstock": (LAG, HALF, SLOPE),
    "carryover": (RETENTION, DELAY, EXPONENT),
}


def parameters(z: Any, exp: Callable[[Any], Any] = np.exp) -> dict[str, Any]:
    """The shapes' parameters by site.

    Args:
        z: [4, …]: carry-over, saturation's place, its steepness, delay.
        exp: the exponential of the array's kind (``jax.numpy.exp`` where it is JAX's).

    Returns:
        […] each.
    """
    carry = 1 / (1 + exp(-z[0]))
    return {
        LAG: carry,
        RETENTION: carry,
        HALF: 1.8 * exp(0.8 * z[1]),
        EXPONENT: 1 / (1 + exp(-0.4 - z[1])),
        SLOPE: 1.15 * exp(0.35 * z[2]),
        DELAY: 0.4 * exp(0.9 * z[3]),
    }


@dataclass(frozen=True)
class Shape:
    """Draws of one channel's transform, under one model.

    Args:
        model: of ``MODELS``.
        sites: values by site, [draw].
    """

    model: str
    sites: Mapping[str, Floats]

    def __call__(self, lagged: Floats) -> Floats:
        """Transformed spend, [draw, …]; ``lagged`` is as :func:`lags` gives it."""
        distance = np.arange(CARRY_WEEKS, dtype=float)
        if self.model == "carryover":
            distance = (distance - self.sites[DELAY][:, None]) ** 2
        rate = LAG if self.model != "carryover" else RETENTION
        weights = np.exp(np.log(self.sites[rate])[:, None] * distance)
        weights /= weights.sum(axis=1, keepdims=True)
        worked = np.tensordot(weights, lagged, axes=(1, -1))
        draws = (len(worked), *(1,) * (worked.ndim - 1))
        positive = worked > 0
        logs = np.log(np.where(positive, worked, 1.0))
        if self.model == "hill_adstock":
            logs -= np.log(self.sites[HALF]).reshape(draws)
            values = 1 / (1 + np.exp(np.clip(-self.sites[SLOPE].reshape(draws) * logs, -500, 500)))
        else:
            values = np.exp(self.sites[EXPONENT].reshape(draws) * logs)
        return np.where(positive, values, 0.0)


def lags(spend: Floats, last: int | None = None) -> Floats:
    """Spend of a week and of those before it, [geo, week, lag], of the last weeks of [geo, week].

    The weeks before the first are taken to be without spend.
    """
    padded = np.pad(spend, ((0, 0), (CARRY_WEEKS - 1, 0)))
    windows: Floats = np.lib.stride_tricks.sliding_window_view(padded, CARRY_WEEKS, axis=1)
    return windows[:, spend.shape[1] - (last or spend.shape[1]) :, ::-1]
