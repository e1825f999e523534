"""How long after a decision its conversions come, so that young days aren't read as failures."""

from __future__ import annotations

import numpy as np

from pipelines.jobs.bandits.off_policy import Floats, Ints

MAX_DELAY = 14
"""Days within which a conversion is credited to its decision."""

_PRIOR = 0.02


def delay_distribution(ages: Ints, arrived: Floats) -> Floats:
    """Share of a day's conversions that came within 0, 1, … MAX_DELAY days of it; the last is 1.

    The product-limit estimate for right-truncated times (Lagakos, Barraj and De Gruttola 1988): a
    Kaplan–Meier estimate that runs from the longest delay backwards. A day is counted only for the
    delays that it is old enough to have shown; a young day would make all delays look short.

    Args:
        ages: by day of decision, how many whole days ago it was.
        arrived: days × (MAX_DELAY + 1), its conversions by delay; what can't have come yet is 0.
    """
    within = np.ones(MAX_DELAY + 1)
    for delay in range(MAX_DELAY, 0, -1):
        seen = ages >= delay
        late = float(arrived[seen, delay].sum())
        by_then = float(arrived[seen, : delay + 1].sum())
        # a pseudo-conversion keeps the estimate off 0 and 1 where few have come
        hazard = (late + _PRIOR) / (by_then + 1)
        within[delay - 1] = within[delay] * (1 - hazard)
    return within


def maturity(ages: Ints, within: Floats) -> Floats:
    """Share of each day's conversions to expect by now."""
    shares: Floats = within[np.minimum(ages, MAX_DELAY)]
    return shares
