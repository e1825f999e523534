"""What a proposal predicted, and whether what came lies within it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import hypot
from statistics import NormalDist
from typing import Protocol

from pipelines.proposals.scorecard.sequential import NOMINAL

_TO_P90 = NormalDist().inv_cdf(0.9)
_TO_HELD = NormalDist().inv_cdf((1 + NOMINAL) / 2)


class Percentiles(Protocol):
    """The 10th, 50th and 90th percentile of what was predicted."""

    @property
    def p10(self) -> float: ...

    @property
    def p50(self) -> float: ...

    @property
    def p90(self) -> float: ...


@dataclass(frozen=True)
class Held:
    """The 90% interval in which an estimate lies, if the prediction is right."""

    low: float
    high: float

    def covers(self, value: float) -> bool:
        return self.low <= value <= self.high


def held(predicted: Percentiles, error: float) -> Held:
    """The prediction as an interval that holds 90% of the estimates of what came.

    Proposals state the 10th, 50th and 90th percentile, an interval of 80%. Each half is read as a
    normal one, as the fidelity job reads it, which gives the 5th and 95th. An estimate misses what
    came by its own error, so that the interval is widened by it.
    """
    low, high = (
        _TO_HELD * hypot((end - predicted.p50) / _TO_P90, error)
        for end in (predicted.p10, predicted.p90)
    )
    return Held(predicted.p50 - low, predicted.p50 + high)


PREDICTED_BY = {"pacing": "mmm"}
"""Whose interval it is where another job proposes: a pause's orders are the media mix's."""


def run_ids(evidence: str) -> dict[str, str]:
    """The runs that a proposal's evidence names, by job: kinds keep each as ``<job>_run_id``."""
    ends = "_run_id"
    return {
        name.removesuffix(ends): value
        for name, value in json.loads(evidence).items()
        if name.endswith(ends) and isinstance(value, str)
    }
