"""From a fit to a decision: how to split the spend of the last year, and what that would bring.

The best of many uncertain splits looks better than it is, because it was picked for looking good
(Smith and Winkler, The Optimizer's Curse, 2006), and no family of shapes has the true one. So what
a decision claims of a change is as uncertain as the fit's draws, stretched by ``STRETCH``: as far
as was needed on the planted worlds of mmm-framework and on recovery draws of our own, on seeds kept
for setting it (docs/benchmarks.md has others).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.jobs.allocation.neutral import Box, allocate_neutral
from pipelines.jobs.mmm.assumptions import Broken, broken
from pipelines.jobs.mmm.engine import Fitted
from pipelines.jobs.mmm.ensemble import fit_ensemble
from pipelines.jobs.mmm.panel import Floats, Panel

STRETCH = 1.4
MOST_MOVED = 0.3
"""A decision moves a channel by at most this share of its spend."""
DECIDED_WEEKS = 52
FACTORS = np.linspace(1 - MOST_MOVED, 1 + MOST_MOVED, 25)
_MICRO = 1e6


@dataclass(frozen=True)
class Decision:
    """What to change.

    Args:
        shift: factor of each channel's spend; all 1 where the best split may gain nothing, None if
            an assumption is broken.
        lift: 10th, 50th and 90th percentile of what the best split changes the outcome by in the
            decided weeks, as a share of it, as claimed.
        refusals: the broken assumptions.
    """

    shift: Floats | None
    lift: tuple[float, float, float]
    refusals: tuple[Broken, ...]


def decide(panel: Panel, seed: int) -> Decision:
    """Fit the ensemble, test its assumptions, and split the spend best."""
    fitted = fit_ensemble(panel, seed)
    refusals = tuple(broken(fitted))
    responded = respond(fitted)
    factors = best_split(panel, responded)
    gain = lift(panel, responded, factors)
    low, middle, high = np.quantile(gain, (0.1, 0.5, 0.9))
    shift = factors if worth(gain) else np.ones(len(factors))
    return Decision(None if refusals else shift, (float(low), float(middle), float(high)), refusals)


def decided_weeks(panel: Panel) -> int:
    return min(DECIDED_WEEKS, len(panel.starts))


def respond(fitted: Fitted) -> list[Floats]:
    """What each channel brings in the decided weeks by the factors of its spend, [draw, factor]."""
    paths = fitted.panel.spend[None] * FACTORS[:, None, None, None]
    weeks = decided_weeks(fitted.panel)
    return [fitted.totals(i, paths[..., i], weeks) for i in range(paths.shape[-1])]


def best_split(panel: Panel, responded: Sequence[Floats]) -> Floats:
    """Factors of spend, within ±30%, that keep the total and bring the most on average."""
    spent = panel.spend[:, -decided_weeks(panel) :].sum(axis=(0, 1))
    active = [i for i, money in enumerate(spent) if money > 0]
    current = [round(float(spent[i]) * _MICRO) for i in active]
    limits = [
        Box(round(money * (1 - MOST_MOVED)), round(money * (1 + MOST_MOVED))) for money in current
    ]
    means = [responded[i].mean(axis=0) for i in active]
    names = [panel.channels[i] for i in active]
    planned = allocate_neutral(
        names, current, limits, lambda i, spends: np.interp(spends / current[i], FACTORS, means[i])
    )
    factors = np.ones(len(spent))
    factors[active] = [planned.spend[name] for name in names]
    factors[active] /= current
    return factors


def lift(panel: Panel, responded: Sequence[Floats], factors: Floats) -> Floats:
    """Draws of the change of the outcome, as a share of it, as claimed, [draw]."""
    changes = [_at(r, f) - _at(r, 1.0) for r, f in zip(responded, factors, strict=True)]
    outcome = float(panel.outcome[:, -decided_weeks(panel) :].sum())
    return claimed(np.sum(changes, axis=0) / outcome)


def worth(gain: Floats) -> bool:
    """Whether a change is recommended: at the pessimistic end of its 80% interval it still gains.

    Args:
        gain: draws of what it brings, [draw]; of a large change as claimed, of a step that the next
            run may take back as they are.
    """
    return bool(np.quantile(gain, 0.1) > 0)


def claimed(gain: Floats) -> Floats:
    """Draws of what a chosen change brings, stretched around their mean."""
    return gain.mean() + STRETCH * (gain - gain.mean())


def _at(responded: Floats, factor: float) -> Floats:
    """Draws of the response at a factor, between the grid's, [draw]."""
    place = float(np.interp(factor, FACTORS, np.arange(len(FACTORS))))
    below = min(int(place), len(FACTORS) - 2)
    part = place - below
    drawn: Floats = responded[:, below] * (1 - part) + responded[:, below + 1] * part
    return drawn
