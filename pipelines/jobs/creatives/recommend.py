"""Which traits go with a better return: statistics of what ran, and no more.

A trait (a question in the headline, much red) is compared within campaigns, weighted by spend, with
age taken out. Its p-value is a permutation's: returns are dealt anew among the ads of each
campaign, and the studentised difference counted (Janssen 1997: studentising keeps the test valid
where ads differ in how sure their returns are). False discoveries are held by Benjamini and
Hochberg over all traits tested. Traits that nearly always come together can't be told apart, and
are named together; one that stands only since it often comes with a surer one is not recommended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import false_discovery_control
from scipy.stats import t as student

from pipelines.jobs.creatives.returns import Floats, Returns

MIN_LIFT, MIN_RATIO, MIN_PREVALENCE, FALSE_DISCOVERIES = 1.5, 1.1, 0.1, 0.025
"""Of a recommendation: its share among the best quarter over that among the worst, the ratio of
returns that its interval must lie beyond (less is too little to act on), the share of spend that
must have it and lack it, and the share of recommendations that may be wrong."""

_DRAWS = 20_000
_TOGETHER = 0.8
_MIN_WITHIN = 0.2
_QUARTER = 0.25
_EXAMPLES = 3


@dataclass(frozen=True)
class Tested:
    """One trait.

    Args:
        trait: its name.
        ads_with, ads: how many have it, of how many for which that is known.
        prevalence: share of the spend that has it.
        ratio, low, high: return of ads with it over that of ads without, and its 95% interval.
        lift: its share of the best quarter of spend by return over that of the worst.
        p_value, q_value: of no difference; after control of false discoveries.
        together_with: traits that nearly always come with it.
        verdict: TRY, AVOID or NONE.
        examples: ads with the trait, the best ones first (of AVOID, the worst).
    """

    trait: str
    ads_with: int
    ads: int
    prevalence: float
    ratio: float
    low: float
    high: float
    lift: float
    p_value: float
    q_value: float
    together_with: tuple[str, ...]
    verdict: str
    examples: tuple[str, ...]


def recommend(returns: Returns, traits: Mapping[str, Floats], seed: int = 0) -> list[Tested]:
    """Every trait that can be tested, the surest first.

    Args:
        traits: by name, 1 where the ad has it, 0 where not, NaN where that isn't known.
    """
    usable = {name: x for name, x in traits.items() if _varies(returns, x)}
    if not usable:
        return []
    names = sorted(usable)
    matrix = np.stack([usable[name] for name in names], axis=1)
    adjusted = _residuals(returns, returns.relative[:, None])[:, 0]
    # where a trait isn't known, the ad counts for nothing
    known = ~np.isnan(matrix)
    centred = np.where(known, matrix, 0.0)
    share = (returns.weight @ centred) / (returns.weight @ known)
    centred = np.where(known, _residuals(returns, np.where(known, matrix, share)), 0.0)
    p_values = _permuted(returns, adjusted, centred, seed)
    q_values = false_discovery_control(p_values)
    families = _families(matrix, names)
    tested = []
    for i, name in enumerate(names):
        of_trait = _difference(returns, adjusted, centred[:, i])
        lift = _lift(adjusted, returns.weight, matrix[:, i])
        sign = 1 if of_trait[0] > 1 else -1
        having = np.flatnonzero(matrix[:, i] == 1)
        best = having[np.argsort(-sign * adjusted[having], kind="stable")][:_EXAMPLES]
        tested.append(
            Tested(
                name,
                len(having),
                int(known[:, i].sum()),
                float(share[i]),
                *of_trait,
                lift,
                float(p_values[i]),
                float(q_values[i]),
                tuple(other for other in families[name] if other != name),
                _verdict(float(q_values[i]), lift, *of_trait[1:]),
                tuple(returns.ads[j][2] for j in best),
            )
        )
    tested.sort(key=lambda t: (t.q_value, t.p_value, -t.ratio, t.trait))
    at = {name: i for i, name in enumerate(names)}
    return _beside_surer_ones(returns, tested, np.where(known, matrix, share), at)


def _beside_surer_ones(
    returns: Returns, tested: Sequence[Tested], filled: Floats, at: Mapping[str, int]
) -> list[Tested]:
    """Without the recommendations that hold only since they come with a surer trait."""
    kept: list[Tested] = []
    taken: list[str] = []
    for trait in tested:
        apart = [name for name in taken if name not in trait.together_with]
        if trait.verdict != "NONE" and len(apart) == len(taken) and taken:
            beside = filled[:, [at[name] for name in taken]]
            residual = _residuals(returns, returns.relative[:, None], beside)[:, 0]
            own = _residuals(returns, filled[:, [at[trait.trait]]], beside)[:, 0]
            _, low, high = _difference(returns, residual, own)
            if low < MIN_RATIO and high > 1 / MIN_RATIO:
                kept.append(replace(trait, verdict="NONE"))
                continue
        if trait.verdict != "NONE" and len(apart) == len(taken):
            taken.append(trait.trait)
        kept.append(trait)
    return kept


def detectable_ratio(returns: Returns, tests: int) -> float:
    """The smallest ratio of returns that would be seen in four cases of five, of a trait that half
    of the ads have: the power of the data."""
    residual = _residuals(returns, returns.relative[:, None])[:, 0]
    weight = returns.weight / returns.weight.sum()
    error = 2 * float(np.sqrt((weight**2 * residual**2).sum()))
    freedom = max(len(returns) - _columns(returns), 1)
    level = FALSE_DISCOVERIES / max(tests, 1) / 2
    needed = error * float(student.isf(level, freedom) + student.isf(0.2, freedom))
    return float(np.exp(needed))


def _verdict(q_value: float, lift: float, low: float, high: float) -> str:
    if q_value > FALSE_DISCOVERIES:
        return "NONE"
    if low >= MIN_RATIO and lift >= MIN_LIFT:
        return "TRY"
    return "AVOID" if high <= 1 / MIN_RATIO and lift <= 1 / MIN_LIFT else "NONE"


def _varies(returns: Returns, x: Floats) -> bool:
    """Whether enough of the spend has a trait, enough lacks it, and it isn't what tells campaigns
    apart, or old ads from new ones."""
    known = ~np.isnan(x)
    if known.sum() < len(x) / 2:
        return False
    weight = returns.weight * known
    share = float(weight @ np.nan_to_num(x) / weight.sum())
    left = _residuals(returns, np.where(known, x, share)[:, None])[:, 0]
    within = float(weight @ left**2 / weight.sum()) / max(share * (1 - share), 1e-12)
    return MIN_PREVALENCE <= share <= 1 - MIN_PREVALENCE and within >= _MIN_WITHIN


def _columns(returns: Returns) -> int:
    return len(np.unique(returns.campaign)) + 1


def _residuals(returns: Returns, y: Floats, beside: Floats | None = None) -> Floats:
    """What campaign and age (and further columns) don't explain of columns, weighted by spend."""
    campaigns = np.unique(returns.campaign)
    of_campaign = (returns.campaign[:, None] == campaigns).astype(np.float64)
    z = np.column_stack([of_campaign, np.log1p(returns.age)])
    if beside is not None:
        z = np.column_stack([z, beside])
    root = np.sqrt(returns.weight)[:, None]
    solved, *_ = np.linalg.lstsq(root * z, root * y, rcond=None)
    residuals: Floats = y - z @ solved
    return residuals


def _permuted(returns: Returns, residual: Floats, centred: Floats, seed: int) -> Floats:
    """Two-sided p-values of every column."""
    rng = np.random.default_rng([seed, 91])
    weighted = returns.weight[:, None] * centred
    observed = np.abs(_studentised(residual[None, :], weighted))[0]
    beyond = np.zeros(centred.shape[1])
    groups = [np.flatnonzero(returns.campaign == c) for c in np.unique(returns.campaign)]
    batch = 2_000
    for _ in range(_DRAWS // batch):
        dealt = np.empty((batch, len(residual)))
        for group in groups:
            dealt[:, group] = rng.permuted(np.tile(residual[group], (batch, 1)), axis=1)
        beyond += (np.abs(_studentised(dealt, weighted)) >= observed - 1e-12).sum(axis=0)
    p_values: Floats = (beyond + 1) / (_DRAWS + 1)
    return p_values


def _studentised(residuals: Floats, weighted: Floats) -> Floats:
    """Draws × columns: the weighted sum over its own standard error."""
    errors = np.sqrt(residuals**2 @ weighted**2)
    ratios: Floats = (residuals @ weighted) / np.maximum(errors, 1e-300)
    return ratios


def _difference(returns: Returns, residual: Floats, centred: Floats) -> tuple[float, float, float]:
    """Return with the trait over return without, and its 95% interval."""
    weighted = returns.weight * centred
    norm = float(weighted @ centred)
    slope = float(weighted @ residual) / norm
    left = residual - slope * centred
    error = float(np.sqrt((weighted**2 * left**2).sum())) / norm
    reach = float(student.isf(0.025, max(len(residual) - _columns(returns) - 1, 1))) * error
    low, middle, high = (float(np.exp(v)) for v in (slope - reach, slope, slope + reach))
    return middle, low, high


def _lift(adjusted: Floats, weight: Floats, x: Floats) -> float:
    """The trait's share of the best quarter of spend over its share of the worst."""
    known = ~np.isnan(x)
    order = np.argsort(adjusted[known], kind="stable")
    w, has = weight[known][order], x[known][order]
    ends = np.cumsum(w) / w.sum()
    starts = ends - w / w.sum()
    low = np.clip(_QUARTER - starts, 0, w / w.sum())
    high = np.clip(ends - (1 - _QUARTER), 0, w / w.sum())
    return float((high @ has / _QUARTER + 1e-3) / (low @ has / _QUARTER + 1e-3))


def _families(matrix: Floats, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """By trait, those that nearly always come with it or with its absence, itself included."""
    filled = np.where(np.isnan(matrix), np.nanmean(matrix, axis=0), matrix)
    close = np.abs(np.corrcoef(filled, rowvar=False).reshape(len(names), -1)) >= _TOGETHER
    return {
        name: tuple(names[int(j)] for j in np.flatnonzero(close[i])) for i, name in enumerate(names)
    }
