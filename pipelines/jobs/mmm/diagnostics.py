"""What a fit rests on: how its chains mixed, how it predicted, and what is odd in its data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from scipy.stats import ks_2samp

from pipelines.config import MmmSettings
from pipelines.jobs.mmm.backtest import Backtest
from pipelines.jobs.mmm.checks import Check, at_least, at_most
from pipelines.jobs.mmm.combine import disagreement, share_intervals
from pipelines.jobs.mmm.curves import flat_channels
from pipelines.jobs.mmm.engine import Fitted
from pipelines.jobs.mmm.ensemble.sampler import prior_heights
from pipelines.jobs.mmm.ensemble.shapes import adstocked
from pipelines.jobs.mmm.panel import Floats, Panel
from pipelines.jobs.mmm.weeks import Weeks

MAX_DIVERGENT_SHARE = 0.01
MIN_COVERAGE = 0.5
MIN_PRIOR_SHIFT = 0.1
"""Kolmogorov and Smirnov's distance of the posterior of a channel's share from its prior: 0 where
the data said nothing, 1 where they left nothing of it."""
MAX_VIF = 10.0
MAX_OUTLIER = 5.0
"""Robust standard deviations of the logarithm of spend."""
MAX_BREAK = 18.0
"""Of ``trend_break``: of 100 series of noise without a break, one is above it."""
MIN_OVERLAP = 0.1
_ADSTOCK: Floats = np.exp2(-np.arange(1.0, 14.0))
"""Weights of a week's spend and of those before it, for what may be told apart."""
_YEAR_WEEKS = 365.25 / 7
_PRIOR_DRAWS = 4000


def convergence(fitted: Fitted, limits: MmmSettings) -> Iterator[Check]:
    """Of the chains, as far as the engines have any."""
    checks = fitted.checks
    if (rhat := checks.get("max_rhat")) is not None:
        message = f"the chains disagree (R-hat {rhat:.2f}, at most {limits.max_rhat})"
        yield at_most("max_rhat", rhat, limits.max_rhat, message)
    if (ess := checks.get("min_ess")) is not None:
        least = limits.min_effective_samples
        message = f"there are too few effective samples ({ess:.0f}, at least {least:.0f})"
        yield at_least("min_ess", ess, least, message)
    if (divergences := checks.get("divergences")) is not None:
        draws = fitted.totals(0, fitted.panel.spend[None, :, :, 0], 1).shape[0]
        allowed = MAX_DIVERGENT_SHARE * draws
        message = f"{divergences:.0f} transitions diverged (at most {allowed:.0f})"
        yield at_most("divergences", divergences, allowed, message)


def prediction(past: Backtest, limits: MmmSettings) -> Iterator[Check]:
    """Of weeks that weren't seen."""
    count, most = len(past.origins), limits.max_prediction_mape
    yield at_most(
        "prediction_mape",
        past.mape,
        most,
        f"the prediction of unseen weeks from {count} origins was off by {past.mape:.0%} (at most "
        f"{most:.0%}): the next weeks aren't like the past ones, or orders hang on what the "
        "model doesn't know (promotions, prices, stock: land them as calendar events)",
    )
    yield at_least(
        "prediction_coverage_80",
        past.coverage_80,
        MIN_COVERAGE,
        f"only {past.coverage_80:.0%} of unseen weeks were within their 80% interval",
        refuses=False,
    )
    yield Check("prediction_crps", past.crps)
    yield Check("prediction_skill", past.skill)
    yield Check("prediction_origins", count)


def agreement(
    fits: Mapping[str, Fitted], weights: Mapping[str, float], limits: MmmSettings
) -> Iterator[Check]:
    """Between engines; none where there is one engine."""
    for engine, weight in weights.items():
        yield Check(f"engine_weight_{engine}", weight)
    if len(fits) < 2:
        return
    distance, overlap = disagreement(fits)
    yield at_most(
        "agreement_distance",
        distance,
        limits.max_disagreement,
        f"the engines split what media bring differently ({distance:.0%} of it): every interval "
        "spans both answers",
        refuses=False,
    )
    yield at_least(
        "agreement_overlap",
        overlap,
        MIN_OVERLAP,
        refuses=False,
    )


def channels(fitted: Fitted, weeks: Weeks, expected: Floats) -> Iterator[Check]:
    """Of the answer: its bands, its fit, each channel's share, and what of it was known before.

    Args:
        expected: of the fitted weeks, [draw, week].
    """
    panel = fitted.panel
    flat = flat_channels(fitted, weeks)
    yield at_most(
        "channels_without_band",
        len(flat),
        0,
        f"the estimated effect of {', '.join(flat)} has no uncertainty, which can't be right",
    )
    actual = panel.outcome.sum(axis=0)
    gaps = actual - expected.mean(axis=0)
    yield Check("r2", 1 - float((gaps**2).sum() / ((actual - actual.mean()) ** 2).sum()))
    yield Check("draws", len(expected))
    yield Check("channels", len(panel.channels))
    shares = share_intervals(fitted)
    spent, total = panel.spend.sum(axis=(0, 1)), panel.outcome.sum()
    prior = prior_heights(spent / spent.sum(), _PRIOR_DRAWS)
    for i, channel in enumerate(panel.channels):
        yield Check(f"contribution_share_{channel}", shares[1, i], channel=channel)
        drawn = fitted.totals(i, panel.spend[None, :, :, i], len(panel.starts))[:, 0] / total
        yield at_least(
            f"prior_shift_{channel}",
            float(ks_2samp(drawn, prior[:, i]).statistic),
            MIN_PRIOR_SHIFT,
            f"the data say next to nothing of what {channel} brings: the answer is nearly what was "
            "assumed before",
            channel=channel,
            refuses=False,
        )


def data(panel: Panel, brought: Floats) -> Iterator[Check]:
    """Collinearity and outliers of spend, and breaks in what media leave unexplained.

    Args:
        brought: mean contribution of all channels together, [week].
    """
    for channel, vif in zip(panel.channels, collinearity(panel), strict=True):
        yield at_most(
            f"vif_{channel}",
            vif,
            MAX_VIF,
            f"the spend of {channel} moves with that of other channels, the season or the trend "
            f"(variance inflation {vif:.0f}, at most {MAX_VIF:.0f}), so that their effects can't "
            f"be told apart: change it alone for some weeks",
            channel=channel,
            refuses=False,
        )
    for i, channel in enumerate(panel.channels):
        week, size = outlier(panel.spend[:, :, i].sum(axis=0))
        yield at_most(
            f"spend_outlier_{channel}",
            size,
            MAX_OUTLIER,
            f"the spend of {channel} in the week of {panel.starts[week]} is far from its others "
            f"({size:.0f} robust standard deviations, at most {MAX_OUTLIER:.0f}): check it",
            channel=channel,
            refuses=False,
        )
    week, size = trend_break(panel, panel.outcome.sum(axis=0) - brought)
    yield at_most(
        "trend_break",
        size,
        MAX_BREAK,
        f"what media leave unexplained breaks in the week of {panel.starts[week]}: if something "
        "changed then, land it as a calendar event",
        refuses=False,
    )


def collinearity(panel: Panel) -> Floats:
    """Variance inflation of each channel's adstocked spend, beside the others', trend, season and
    controls, [channel]."""
    geos, weeks = panel.outcome.shape
    media = np.array(
        [adstocked(panel.spend[:, :, i], _ADSTOCK) for i in range(len(panel.channels))]
    )
    rest = np.tile(_regressors(weeks), (geos, 1))
    controls = panel.controls.reshape(geos * weeks, -1)
    geo = np.repeat(np.eye(geos), weeks, axis=0)[:, 1:]
    flat = media.reshape(len(media), -1)
    inflation = []
    for i, own in enumerate(flat):
        others = np.column_stack([np.delete(flat, i, axis=0).T, rest, controls, geo])
        varied = ((own - own.mean()) ** 2).sum()
        inflation.append(varied / max(float((_left(others, own) ** 2).sum()), 1e-12 * varied))
    return np.array(inflation)


def outlier(spend: Floats) -> tuple[int, float]:
    """The week whose spend is furthest from the others', and how far, in robust standard deviations
    of the logarithm; weeks without spend aren't looked at."""
    logs = np.log(np.where(spend > 0, spend, 1.0))
    usual = float(np.median(logs[spend > 0]))
    spread = 1.4826 * float(np.median(np.abs(logs[spend > 0] - usual)))
    gaps = np.where(spend > 0, np.abs(logs - usual), 0.0) / max(spread, 0.1)
    week = int(gaps.argmax())
    return week, float(gaps[week])


def trend_break(panel: Panel, level: Floats) -> tuple[int, float]:
    """Where level and slope of a series break most, and the Wald statistic there (Andrews 1993).

    Trend, season and controls are taken out, and first-order autocorrelation of what is left (by
    quasi-differences, Cochrane and Orcutt 1949); breaks in the first and last 15% aren't tried.
    """
    weeks = len(level)
    time = np.arange(weeks)
    fixed = np.column_stack([_regressors(weeks), panel.controls.sum(axis=0)])
    left = _left(fixed, level)
    decay = float(np.clip((left[1:] @ left[:-1]) / max(float(left @ left), 1e-12), 0.0, 0.9))

    def differenced(values: Floats) -> Floats:
        changed: Floats = values[1:] - decay * values[:-1]
        return changed

    outcome, known = differenced(level), differenced(fixed)
    whole = float((_left(known, outcome) ** 2).sum())
    best, size = 0, 0.0
    for week in range(int(0.15 * weeks), int(0.85 * weeks)):
        after = time >= week
        broken = differenced(np.column_stack([after, after * (time - week)]).astype(float))
        both = np.column_stack([known, broken])
        rest = float((_left(both, outcome) ** 2).sum())
        wald = (whole - rest) / max(rest / max(weeks - 1 - both.shape[1], 1), 1e-12)
        if wald > size:
            best, size = week, wald
    return best, size


def _regressors(weeks: int) -> Floats:
    """Level, trend and two harmonics of the year, [week, column]."""
    time = np.arange(weeks)
    angles = [2 * np.pi * h * time / _YEAR_WEEKS for h in (1, 2)]
    waves = [wave(angle) for angle in angles for wave in (np.sin, np.cos)]
    return np.column_stack([np.ones(weeks), time / weeks, *waves])


def _left(columns: Floats, values: Floats) -> Floats:
    """What a least-squares fit leaves."""
    fit, *_ = np.linalg.lstsq(columns, values, rcond=None)
    left: Floats = values - columns @ fit
    return left
