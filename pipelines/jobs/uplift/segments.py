"""Segments with labels that a person understands: whom the effect differs for, and by how much.

Found on one half of the units and estimated on the other, so that no segment is chosen for its
luck; which of them differ from no effect is said under control of the false discovery rate
(Benjamini and Hochberg 1995).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control
from sklearn.tree import DecisionTreeRegressor

from pipelines.jobs.uplift.effect import Estimate, average
from pipelines.jobs.uplift.sample import Bools, Floats, is_number

EVERYBODY = "everybody"
MAX_SEGMENTS = 6
FALSE_DISCOVERIES = 0.05
_MIN_UNITS = 200
_MAX_LEVELS = 12
_MIN_EXPLAINED = 0.02
"""Share of the effects' variance that a split has to explain."""
_ALTERNATIVES = 3
"""Up to so many levels are listed; of more, the label says which it isn't."""


@dataclass(frozen=True)
class Condition:
    """On one covariate: ``levels`` that it may have, or bounds: ``above`` < value ≤ ``up_to``."""

    column: str
    levels: frozenset[str] | None = None
    all_levels: frozenset[str] = frozenset()
    above: float = -math.inf
    up_to: float = math.inf
    whole: bool = False
    flag: bool = False

    def holds(self, frame: pd.DataFrame) -> Bools:
        """For which units."""
        if self.levels is not None:
            return np.asarray(level_texts(frame[self.column]).isin(self.levels))
        values = frame[self.column].fillna(0).to_numpy(dtype=float)
        return np.asarray((values > self.above) & (values <= self.up_to))

    @property
    def label(self) -> str:
        if self.levels is not None:
            if len(self.levels) <= _ALTERNATIVES:
                return " or ".join(sorted(self.levels))
            return f"{self.column} other than {' or '.join(sorted(self.all_levels - self.levels))}"
        if self.flag:
            return f"{'' if self.above >= 0 else 'not '}{self.column}"
        low = self.above + 1 if self.whole else self.above
        bounds = [f"{'≥' if self.whole else '>'} {_number(low)}"] if math.isfinite(low) else []
        bounds += [f"≤ {_number(self.up_to)}"] if math.isfinite(self.up_to) else []
        return f"{self.column} {' and '.join(bounds)}"


@dataclass(frozen=True)
class Segment:
    """All of ``conditions`` hold; none: everybody."""

    conditions: tuple[Condition, ...]

    @property
    def label(self) -> str:
        return " · ".join(c.label for c in self.conditions) or EVERYBODY

    def holds(self, frame: pd.DataFrame) -> Bools:
        """For which units."""
        mask = np.ones(len(frame), dtype=bool)
        for condition in self.conditions:
            mask &= condition.holds(frame)
        return mask


@dataclass(frozen=True)
class SegmentEffect:
    """The effect in a segment, and whether it differs from none under the false discovery rate;
    ``q_value``: the least rate at which it would."""

    segment: Segment
    estimate: Estimate
    q_value: float

    @property
    def is_discovery(self) -> bool:
        return self.is_found(self.q_value)

    @staticmethod
    def is_found(q_value: float) -> bool:
        """Whether a q value is within the false discoveries that are allowed."""
        return q_value <= FALSE_DISCOVERIES


def find_segments(frame: pd.DataFrame, effect: Floats, seed: int) -> list[Segment]:
    """A shallow tree over what a learner says of the units of one half, as segments.

    Args:
        frame: covariates, numbers or texts.
        effect: on each unit, by a learner fitted to this half alone.
    """
    columns = _columns(frame)
    least = max(_MIN_UNITS, len(frame) // 20)
    if not columns or len(frame) < 2 * least or np.ptp(effect) == 0:
        return [Segment(())]
    x = np.column_stack([c.values(frame) for c in columns])
    tree = DecisionTreeRegressor(
        max_leaf_nodes=MAX_SEGMENTS,
        max_depth=3,
        min_samples_leaf=least,
        min_impurity_decrease=_MIN_EXPLAINED * float(effect.var()),
        random_state=seed,
    )
    nodes = tree.fit(x, effect).tree_
    segments: list[Segment] = []

    def walk(node: int, conditions: dict[str, Condition]) -> None:
        if nodes.children_left[node] < 0:
            segments.append(Segment(tuple(conditions[name] for name in sorted(conditions))))
            return
        column, threshold = columns[nodes.feature[node]], float(nodes.threshold[node])
        for child, upper in (
            (nodes.children_left[node], False),
            (nodes.children_right[node], True),
        ):
            walk(child, column.split(conditions, threshold, upper))

    walk(0, {})
    return sorted(segments, key=lambda segment: segment.label)


def estimate_segments(
    segments: Sequence[Segment], frame: pd.DataFrame, scores: Floats
) -> list[SegmentEffect]:
    """The effect in each segment of the other half, by its doubly robust scores.

    Segments without two units there are left out.
    """
    masks = [segment.holds(frame) for segment in segments]
    held = [(s, average(scores, m)) for s, m in zip(segments, masks, strict=True) if m.sum() > 1]
    q_values = false_discovery_control([e.p_value for _, e in held]) if held else []
    return [SegmentEffect(s, e, float(q)) for (s, e), q in zip(held, q_values, strict=True)]


@dataclass(frozen=True)
class _Column:
    """A column of the tree: a number, or one level of a text."""

    name: str
    level: str | None = None
    all_levels: frozenset[str] = frozenset()
    whole: bool = False
    flag: bool = False

    def values(self, frame: pd.DataFrame) -> Floats:
        if self.level is None:
            return frame[self.name].fillna(0).to_numpy(dtype=float)
        return np.asarray(level_texts(frame[self.name]) == self.level, dtype=float)

    def split(
        self, conditions: dict[str, Condition], threshold: float, upper: bool
    ) -> dict[str, Condition]:
        before = conditions.get(self.name)
        if self.level is not None:
            levels = before.levels if before and before.levels is not None else self.all_levels
            own = frozenset({self.level})
            levels = levels & own if upper else levels - own
            after = Condition(self.name, levels, self.all_levels)
        else:
            at = float(math.floor(threshold)) if self.whole else float(f"{threshold:.3g}")
            low, high = (before.above, before.up_to) if before else (-math.inf, math.inf)
            low, high = (max(low, at), high) if upper else (low, min(high, at))
            after = Condition(
                self.name, None, above=low, up_to=high, whole=self.whole, flag=self.flag
            )
        return {**conditions, self.name: after}


def _columns(frame: pd.DataFrame) -> list[_Column]:
    columns: list[_Column] = []
    for name in map(str, frame.columns):
        if is_number(frame[name]):
            values = frame[name].fillna(0).to_numpy(dtype=float)
            whole = bool((values == np.floor(values)).all())
            flag = bool(np.isin(values, (0, 1)).all())
            columns.append(_Column(name, whole=whole, flag=flag))
            continue
        levels = frozenset(level_texts(frame[name]))
        if len(levels) <= _MAX_LEVELS:
            columns += [_Column(name, level, levels) for level in sorted(levels)]
    return columns


def level_texts(column: pd.Series) -> pd.Series:
    """A text covariate as labels show it."""
    return column.fillna("unknown").astype(str).replace("", "unknown")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"
