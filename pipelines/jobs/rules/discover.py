"""Segments of ad sets whose later return differs, found by one half of the weeks and tested by the
other.

Shallow trees find candidates (each leaf is a condition over a few features); the weeks that found
them say nothing about them. In the other half each is tested by permuting which ad set of an
account is which, for all weeks alike: neither a good account, nor a good week, nor one good ad set
that happens to have a feature is taken for a good segment. The false discovery rate is held by
Benjamini and Hochberg (1995). Honest splitting: Athey and Imbens, 2016.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import UsageError
from pipelines.jobs.rules.backtest import EMBARGO_DAYS, Episode, Floats
from pipelines.jobs.rules.conditions import Value
from pipelines.jobs.rules.features import KINDS
from pipelines.jobs.rules.rulebook import Rule

Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]

MIN_EPISODES = 20
MIN_UNITS = 30
"""Units and weeks of a half that a segment must have, in and out of it."""
FALSE_DISCOVERIES = 0.05
_TREES, _DEPTH, _FEATURES = 24, 2, 0.4
_PERMUTATIONS = 2000
_LEAST_KNOWN = 0.8  # share of rows in which a feature must be known
_SAME = 0.6  # of two segments' units together, the share in both from which they are one
_STEP = 0.08  # how far a rule moves a budget, for a lift of one


@dataclass(frozen=True)
class Segment:
    """A condition whose units later returned ``lift`` times the others of their account and week.

    ``low`` and ``high`` are the 95% interval of the test half; ``units`` how many of it hold.
    """

    when: str
    lift: float
    low: float
    high: float
    p_value: float
    units: int

    def rule(self, priority: int) -> Rule:
        """As a rule of the decision layer: budgets move a little toward what returns more."""
        factor = min(max(1 + _STEP * np.log2(self.lift), 0.9), 1.1)
        return Rule(
            layer="decision",
            group="discovered",
            priority=priority,
            when=self.when,
            action="multiply",
            amount=f"{factor:.3f}",
            reason=f"Ad sets like this later returned {self.lift:.2f} times the others of their "
            f"account ({self.low:.2f} to {self.high:.2f}, {self.units} weeks of ad sets).",
        )


def discover(episodes: Sequence[Episode], seed: int) -> tuple[list[Segment], int]:
    """Segments that pass, the largest lift first, and how many candidates were tested.

    Raises:
        UsageError: there are too few weeks.
    """
    if len(episodes) < MIN_EPISODES:
        raise UsageError(
            f"{len(episodes)} weeks of accounts are too few to find segments in and to test them "
            f"({MIN_EPISODES}).",
            kept="no rule was written.",
            fix="Load more history, or ask when more weeks have passed.",
        )
    days = sorted({episode.day for episode in episodes})
    middle = days[len(days) // 2]
    finding = [e for e in episodes if e.day <= middle - timedelta(days=EMBARGO_DAYS)]
    testing = [e for e in episodes if e.day >= middle]
    conditions = list(dict.fromkeys(_candidates(finding, seed)))
    orders = _orders(testing, seed)
    tested = [s for c in conditions if (s := _tested(c, testing, orders)) is not None]
    passed = sorted(_held([s for s, _ in tested]), key=lambda s: (-abs(np.log(s.lift)), s.when))
    return _distinct(passed, {s.when: inside for s, inside in tested}), len(tested)


Condition = tuple[tuple[str, bool, float], ...]
"""Feature, whether it is above, and the bound: all of them hold."""


def _candidates(episodes: Sequence[Episode], seed: int) -> Iterator[Condition]:
    """The leaves of shallow trees, each grown on some of the features."""
    from sklearn.tree import DecisionTreeRegressor

    rows = [unit.values for episode in episodes for unit in episode.units]
    names = _known_features(rows)
    if not names or len(rows) < 2 * MIN_UNITS:
        return
    matrix = _matrix(rows, names)
    outcome, weight = _outcomes(episodes)
    rng = np.random.default_rng([seed, 51])
    for _ in range(_TREES):
        some = np.sort(rng.permutation(len(names))[: max(2, round(len(names) * _FEATURES))])
        tree = DecisionTreeRegressor(
            max_depth=_DEPTH, min_samples_leaf=MIN_UNITS, random_state=int(rng.integers(2**31))
        ).fit(matrix[:, some], outcome, sample_weight=weight)
        yield from _leaves(tree.tree_, [names[i] for i in some])


def _leaves(tree: object, names: Sequence[str]) -> Iterator[Condition]:
    left, right = tree.children_left, tree.children_right  # type: ignore[attr-defined]
    pending: list[tuple[int, Condition]] = [(0, ())]
    while pending:
        node, path = pending.pop()
        if left[node] < 0:
            if path:
                yield _tightest(path)
            continue
        name = names[tree.feature[node]]  # type: ignore[attr-defined]
        bound = float(f"{tree.threshold[node]:.3g}")  # type: ignore[attr-defined]
        pending += [
            (left[node], (*path, (name, False, bound))),
            (right[node], (*path, (name, True, bound))),
        ]


def _tightest(path: Condition) -> Condition:
    """A path without the bounds that a further one of the same feature makes needless."""
    bounds: dict[tuple[str, bool], float] = {}
    for name, above, bound in path:
        old = bounds.get((name, above), bound)
        bounds[name, above] = max(old, bound) if above else min(old, bound)
    return tuple((name, above, bound) for (name, above), bound in sorted(bounds.items()))


def _tested(
    condition: Condition, episodes: Sequence[Episode], orders: Ints
) -> tuple[Segment, Mask] | None:
    """A candidate on weeks that didn't find it, with what it holds; None where too few are in it
    or out of it."""
    inside = np.concatenate([_holds(condition, e) for e in episodes])
    if min(inside.sum(), (~inside).sum()) < MIN_UNITS:
        return None
    outcome, weight = _outcomes(episodes)
    observed = _difference(outcome, weight, inside)
    # an ad set that wasn't there in a week has no features then
    members = np.append(inside, False)
    drawn = np.array([_difference(outcome, weight, members[order]) for order in orders])
    p = (1 + np.sum(np.abs(drawn) >= abs(observed))) / (1 + len(drawn))
    width = 1.96 * drawn.std()
    segment = Segment(
        when=" and ".join(f"{n} {'>' if above else '<='} {b:g}" for n, above, b in condition),
        lift=float(np.exp(observed)),
        low=float(np.exp(observed - width)),
        high=float(np.exp(observed + width)),
        p_value=float(p),
        units=int(inside.sum()),
    )
    return segment, inside


def _orders(episodes: Sequence[Episode], seed: int) -> Ints:
    """Draws × rows: the row whose features a row is given when the ad sets of each account have
    changed places, the same places in every week; one past the last where there is none."""
    rng = np.random.default_rng([seed, 52])
    keys = [unit.key for episode in episodes for unit in episode.units]
    week = np.repeat(np.arange(len(episodes)), [len(e.units) for e in episodes])
    names = sorted(set(keys))
    account = np.unique([name[:2] for name in names], axis=0, return_inverse=True)[1].ravel()
    own = np.array([names.index(key) for key in keys])
    rows = np.full((len(episodes), len(names)), len(keys))
    rows[week, own] = np.arange(len(keys))
    by_account = np.argsort(account, kind="stable")
    drawn = []
    for _ in range(_PERMUTATIONS):
        place = np.empty(len(names), dtype=int)
        place[by_account] = np.lexsort((rng.random(len(names)), account))
        drawn.append(rows[week, place[own]])
    return np.array(drawn)


def _distinct(passed: Sequence[Segment], inside: Mapping[str, Mask]) -> list[Segment]:
    """Without those that hold mostly what an earlier one holds."""
    kept: list[Segment] = []
    for segment in passed:
        own = inside[segment.when]
        overlaps = [(own & inside[k.when]).sum() / (own | inside[k.when]).sum() for k in kept]
        if max(overlaps, default=0.0) < _SAME:
            kept.append(segment)
    return kept


def _difference(outcome: Floats, weight: Floats, inside: Mask) -> float:
    """Log return of what is inside, less that of what is outside."""
    if inside.all() or not inside.any():
        return 0.0
    return float(
        np.average(outcome[inside], weights=weight[inside])
        - np.average(outcome[~inside], weights=weight[~inside])
    )


def _held(tested: Sequence[Segment]) -> list[Segment]:
    ordered = sorted(tested, key=lambda s: s.p_value)
    bounds = FALSE_DISCOVERIES * np.arange(1, len(ordered) + 1) / max(len(ordered), 1)
    below = [i for i, s in enumerate(ordered) if s.p_value <= bounds[i]]
    return ordered[: below[-1] + 1] if below else []


def _outcomes(episodes: Sequence[Episode]) -> tuple[Floats, Floats]:
    """By unit, the log of its return over that of its account's week, and its share of the spend;
    half an order's worth is added, so that nothing isn't minus infinity."""
    logs, weights = [], []
    for episode in episodes:
        mean = episode.value.sum() / episode.spend.sum()
        expected = episode.spend * mean
        prior = expected.mean() * 0.05
        logs.append(np.log((episode.value + prior) / (expected + prior)))
        weights.append(episode.spend / episode.spend.sum())
    return np.concatenate(logs), np.concatenate(weights)


def _known_features(rows: Sequence[Mapping[str, Value]]) -> list[str]:
    numbers = [name for name, kind in KINDS.items() if kind is float]
    return [
        name
        for name in numbers
        for known in [[row[name] for row in rows if row.get(name) is not None]]
        if len(known) >= _LEAST_KNOWN * len(rows) and len(set(known)) > 1
    ]


def _matrix(rows: Sequence[Mapping[str, Value]], names: Sequence[str]) -> Floats:
    """Features by row; what isn't known is the median."""
    matrix = np.array([[_number(row[name]) for name in names] for row in rows])
    return np.where(np.isnan(matrix), np.nanmedian(matrix, axis=0), matrix)


def _number(value: Value) -> float:
    return float(value) if isinstance(value, float) else np.nan


def _holds(condition: Condition, episode: Episode) -> Mask:
    """By unit; what isn't known doesn't hold."""
    return np.array(
        [
            all(
                isinstance(value := unit.values.get(name), float) and (value > bound) is above
                for name, above, bound in condition
            )
            for unit in episode.units
        ]
    )
