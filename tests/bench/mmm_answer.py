"""What an engine answers to a file of weeks, ours or a peer's: NumPy and pandas alone.

A peer's adapter (``mmm_peer_*.py``) runs in the peer's own environment and shares nothing else
with this project.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

MOST_MOVED = 0.3
"""A recommended allocation moves a channel by at most this share of its spend."""


@dataclass(frozen=True)
class Weeks:
    """A file of weeks: spend, controls and outcome as [geo, week, …]."""

    dates: pd.DatetimeIndex
    geos: tuple[str, ...]
    channels: tuple[str, ...]
    control_names: tuple[str, ...]
    spend: Floats
    controls: Floats
    outcome: Floats
    table: pd.DataFrame


@dataclass(frozen=True)
class Answer:
    """What an engine says of a file of weeks.

    Args:
        brought: the mean of what each channel brought, [geo, week, channel].
        low, high: the ends of the 90% interval of each channel's total.
        factors: of each channel's spend in the allocation that it recommends: within ±30%, the
            total kept.
        lift: low, mean and high of the 90% interval of what that brings more than the present
            allocation over the last ``weeks``, in the outcome's unit.
        path: "scaled" where the lift is of all weeks' spend times the factors; "flat" where it is
            of each week's mean spend times the factors, week after week.
        seconds, allocated: of the fit with its contributions, and of the recommendation.
        cpu: CPU seconds of both, of all threads: what holds on a busy machine too.
        peak_mb: the most memory that the process had, in MB of 2^20 bytes.
    """

    brought: list[Any]
    low: list[float]
    high: list[float]
    factors: list[float]
    lift: tuple[float, float, float]
    weeks: int
    path: Literal["scaled", "flat"]
    seconds: float
    allocated: float
    cpu: float
    peak_mb: float
    version: str
    checks: dict[str, float]

    @classmethod
    def read(cls, path: Path) -> Answer:
        """As ``main`` wrote it."""
        return cls(**json.loads(path.read_text()))


@dataclass(frozen=True)
class Allocation:
    """See ``Answer``; the lift is asked for when the clock has stopped, as some optimisers give
    none with an interval."""

    factors: Floats
    lift: Callable[[], tuple[float, float, float]]
    weeks: int
    path: Literal["scaled", "flat"]


class Fitted:
    """What an adapter gives back: draws of contributions, [draw, geo, week, channel], and, when
    asked, an allocation."""

    def __init__(
        self,
        brought: Floats,
        allocate: Callable[[], Allocation],
        version: str,
        checks: dict[str, float],
    ) -> None:
        self.brought, self.allocate, self.version, self.checks = brought, allocate, version, checks


def read(path: Path) -> Weeks:
    """A file that tests.bench.mmm_draws wrote."""
    table = pd.read_csv(path, parse_dates=["date"])
    channels = [name for name in table if re.fullmatch(r"x\d+_.+", str(name))]
    controls = [name for name in table if re.fullmatch(r"c\d+", str(name))]
    geos = tuple(table["geo"].unique())

    def cube(names: list[str]) -> Floats:
        return table[names].to_numpy(float).reshape(len(geos), -1, len(names))

    dates = pd.DatetimeIndex(table["date"].unique())
    return Weeks(
        dates,
        geos,
        tuple(channels),
        tuple(controls),
        cube(channels),
        cube(controls),
        cube(["y"])[:, :, 0],
        table,
    )


def main(fit: Callable[[Weeks, int], Fitted], arguments: Sequence[str] | None = None) -> None:
    """Fit one file, recommend, and write the answer as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--answer", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(arguments)
    weeks = read(args.data)
    began, cpu = time.perf_counter(), time.process_time()
    fitted = fit(weeks, args.seed)
    seconds = time.perf_counter() - began
    began = time.perf_counter()
    allocation = fitted.allocate()
    allocated = time.perf_counter() - began
    cpu = time.process_time() - cpu
    low, high = np.quantile(fitted.brought.sum(axis=(1, 2)), [0.05, 0.95], axis=0)
    answer = Answer(
        fitted.brought.mean(axis=0).tolist(),
        low.tolist(),
        high.tolist(),
        allocation.factors.tolist(),
        allocation.lift(),
        allocation.weeks,
        allocation.path,
        seconds,
        allocated,
        cpu,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        fitted.version,
        fitted.checks,
    )
    args.answer.write_text(json.dumps(asdict(answer)))
