"""Tests what a media mix model takes for granted, so that a broken assumption is named, not fitted.

Most are score tests (Rao's): would a column that the model leaves out explain what it left
unexplained? Each statistic is standard normal where the assumption holds. What the fit could have
taken up by another height, curvature or delay of a channel is projected out first.

- Effects are constant: a channel's contribution in the second half of the weeks, or growing.
- Spend follows a plan, not demand: the logarithm of spend, which moves with demand where spend is
  too low, or too high, to bring much; and next week's spend, which can't have worked yet. Channels
  with an experiment are free of it.
- Channels work on their own: the product of two channels' contributions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from pipelines.jobs.mmm.engine import contributions
from pipelines.jobs.mmm.ensemble import Ensemble
from pipelines.jobs.mmm.panel import Floats, Panel

MAX_SCORE = 3.2
"""Of about twenty statistics, one is as large in 3% of panels where all assumptions hold."""
MAX_RHAT = 1.3
MAX_HARM = 0.5
"""Probability that a channel takes from the outcome, above which no plan may rest on it."""
FOLLOWS = "spend follows a plan, not demand"
_PEAK, _HOLE = 3.0, 0.25


@dataclass(frozen=True)
class Broken:
    """An assumption that the data contradict.

    Args:
        assumption: what the model takes for granted.
        value: of the statistic; ``bound`` is what it is held to.
        reason: what the data say, and where.
        remedy: what data would change that.
    """

    assumption: str
    value: float
    bound: float
    reason: str
    remedy: str

    @property
    def sentence(self) -> str:
        return (
            f"Not so: {self.assumption}. {self.reason[0].upper()}{self.reason[1:]}. {self.remedy}"
        )


def broken(fitted: Ensemble) -> list[Broken]:
    """The assumptions that the data contradict, each once, the worst case of it."""
    doubts = [*_recorded(fitted.panel), *_harm(fitted), *_chains(fitted)]
    worst: dict[str, Broken] = {}
    for doubt in [*doubts, *_scores(fitted)]:
        known = worst.get(doubt.assumption)
        if known is None or doubt.value / doubt.bound > known.value / known.bound:
            worst[doubt.assumption] = doubt
    return list(worst.values())


def _recorded(panel: Panel) -> Iterator[Broken]:
    """Weeks whose spend looks like a slip: one far above all others, or one alone without any."""
    assumption = "spend is recorded as it was"
    remedy = "Correct the week at its source and ingest it again; if it is right, leave it out."
    for i, channel in enumerate(panel.channels):
        for g, geo in enumerate(panel.geos):
            own = panel.spend[g, :, i]
            where = channel if len(panel.geos) == 1 else f"{channel} in {geo}"
            ranked = np.sort(own)
            peak = float(ranked[-1] / ranked[-2]) if ranked[-2] > 0 else np.inf
            if peak > _PEAK and (own > 0).sum() > 1:
                yield Broken(
                    assumption,
                    min(peak, 1e6),
                    _PEAK,
                    f"{where} spent {peak:.1f} times its next largest week in the week of "
                    f"{panel.starts[int(own.argmax())]}",
                    remedy,
                )
            # a channel that is always on, but for one week
            if ranked[0] == 0 < ranked[1] and ranked[1] > _HOLE * np.median(own):
                yield Broken(
                    assumption,
                    2.0,
                    1.0,
                    f"{where} spent nothing in the week of {panel.starts[int(own.argmin())]}, and "
                    "something in all others",
                    remedy,
                )


def _harm(fitted: Ensemble) -> Iterator[Broken]:
    for i, channel in enumerate(fitted.panel.channels):
        share = float((fitted.heights[:, i] < 0).mean())
        if share > MAX_HARM:
            yield Broken(
                "media do no harm",
                share,
                MAX_HARM,
                f"{channel} takes from the outcome with a probability of {share:.0%}",
                f"Pause {channel} in some regions for a few weeks, and land the result as an "
                "experiment.",
            )


def _chains(fitted: Ensemble) -> Iterator[Broken]:
    rhat = fitted.checks["max_rhat"]
    if not rhat <= MAX_RHAT:
        spend = fitted.panel.spend.reshape(-1, len(fitted.panel.channels))
        alike = np.corrcoef(spend.T) - np.eye(spend.shape[1])
        one, other = np.unravel_index(int(alike.argmax()), alike.shape)
        names = fitted.panel.channels
        yield Broken(
            "channels can be told apart",
            rhat,
            MAX_RHAT,
            f"several explanations go with the data (R-hat {rhat:.2f}); {names[int(one)]} and "
            f"{names[int(other)]} spend most alike (correlation {alike.max():.2f})",
            f"Move the spend of {names[int(one)]} and {names[int(other)]} apart for some weeks.",
        )


def _scores(fitted: Ensemble) -> Iterator[Broken]:
    cases = list(_left_out(fitted))
    scores = fitted.scores(np.array([c[3].ravel() for c in cases]).T, _taken_up(fitted))
    for (assumption, reason, remedy, _), signed in zip(cases, scores, strict=True):
        score = abs(float(signed))
        if score > MAX_SCORE:
            yield Broken(assumption, score, MAX_SCORE, f"{reason} (score {score:.1f})", remedy)


def _left_out(fitted: Ensemble) -> Iterator[tuple[str, str, str, Floats]]:
    """Assumption, what a large score of the column says, what would help, the column."""
    panel, mean = fitted.panel, contributions(fitted).mean(axis=0)
    weeks = len(panel.starts)
    time = np.arange(weeks) / weeks
    test = "Vary the spend of {0} in some regions for a few weeks, and land it as an experiment."
    for i, channel in enumerate(panel.channels):
        own, spend = mean[:, :, i], panel.spend[:, :, i]
        for moved in (time >= 0.5, time - 0.5):
            yield (
                "effects are constant",
                f"what {channel} brings has changed over the {weeks} weeks",
                f"Fit the weeks since it changed. {test.format(channel)}",
                own * moved,
            )
        if i in fitted.tested:
            continue  # it isn't assumed: the fit has the alternative, which experiments tell apart
        following = np.concatenate([spend[:, 1:], np.full((len(spend), 1), spend.mean())], axis=1)
        for chased in (np.log(spend + 0.02 * spend.mean()), following):
            yield (
                FOLLOWS,
                f"the spend of {channel} goes with demand that it can't have made",
                f"Bring what drives demand as a control. {test.format(channel)}",
                chased,
            )
    for one, other in combinations(range(len(panel.channels)), 2):
        yield (
            "channels work on their own",
            f"{panel.channels[one]} and {panel.channels[other]} bring another outcome together "
            "than each alone",
            f"Plan the two as one channel. {test.format(panel.channels[one])}",
            mean[:, :, one] * mean[:, :, other],
        )


def _taken_up(fitted: Ensemble) -> Floats:
    """What the fit can take up by itself: heights, curvatures and delays, [geo × week, column]."""
    columns = []
    for i in range(len(fitted.panel.channels)):
        spend = fitted.panel.spend[:, :, i]
        late = np.concatenate([np.zeros((len(spend), 1)), spend[:, :-1]], axis=1)
        mean, more, later = (
            fitted.brought(i, path).mean(axis=0).ravel() for path in (spend, 1.1 * spend, late)
        )
        columns += [mean, more - mean, later]
    return np.array(columns).T
