"""How far two rates of conversion lie apart: intervals for one look, and for any number of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.stats import binomtest

from pipelines.jobs.uplift.effect import LEVEL

TIGHTEST = 5_000
"""People, of both variations, at whom the always-valid interval is narrowest for its time."""


@dataclass(frozen=True)
class Rate:
    """``conversions`` of ``people``, at least one."""

    people: int
    conversions: int

    @property
    def value(self) -> float:
        return self.conversions / self.people

    @property
    def variance(self) -> float:
        """Of ``value``."""
        return self.value * (1 - self.value) / self.people


def fixed_horizon(variation: Rate, control: Rate) -> tuple[float, float]:
    """95% interval of the difference for one look, planned beforehand.

    From the Wilson interval of each rate (Newcombe 1998, method 10), so that it holds where few
    convert.
    """
    (low, high), (least, most) = (
        binomtest(of.conversions, of.people).proportion_ci(LEVEL, method="wilson")
        for of in (variation, control)
    )
    difference = variation.value - control.value
    return (
        difference - math.hypot(variation.value - low, most - control.value),
        difference + math.hypot(high - variation.value, control.value - least),
    )


def always_valid(variation: Rate, control: Rate) -> tuple[float, float]:
    """95% interval of the difference that holds at every look at once, however often one looks.

    The asymptotic confidence sequence of a mean (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas
    2024), with one more conversion in each so that a rate of 0 has a width.
    """
    people = variation.people + control.people
    alpha = 1 - LEVEL
    tuned = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / TIGHTEST
    grown = people * tuned + 1
    factor = math.sqrt(2 * grown / (people * tuned) * math.log(math.sqrt(grown) / alpha))
    spread = sum(Rate(of.people + 1, of.conversions + 1).variance for of in (variation, control))
    difference = variation.value - control.value
    half = factor * math.sqrt(spread)
    return max(difference - half, -1.0), min(difference + half, 1.0)
