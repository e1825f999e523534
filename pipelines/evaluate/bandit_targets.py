"""Policies that are learnt from the earlier half of a log and evaluated on the later one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.errors import InputError, UsageError
from pipelines.evaluate.bandit_file import COLUMNS, KEPT, MIN_ROWS, Decisions
from pipelines.evaluate.csv_file import MAX_YEAR, MIN_YEAR, line_of, listed, quoted
from pipelines.jobs.bandits.evidence import Cohorts, beliefs_of
from pipelines.jobs.bandits.off_policy import Floats, Ints
from pipelines.jobs.bandits.policies import linear_thompson, thompson
from pipelines.jobs.bandits.shares import floored
from pipelines.jobs.uplift.sample import MAX_LEVELS, Encoder

SEED = 20260101
MAX_SEGMENTS = 2_000
MAX_CELLS = 500_000
"""Items × days: what is believed of each, for every shape of wear-out, takes 160 MB."""


@dataclass(frozen=True)
class Learnt:
    """``rows`` of the log on which a policy may be evaluated that was learnt on the others, and
    its probabilities: one row where they are the same for all, else one for each of ``rows``."""

    rows: Ints
    target: Floats


def learn_thompson(path: Path, decisions: Decisions) -> Learnt:
    """The job's policy: discounted for wear-out by day, with its floor.

    Raises:
        InputError: timestamps that are none, or too few rows.
    """
    earlier, later, instants = _halves(path, decisions)
    days = (instants[earlier].normalize() - instants.min().normalize()).days.to_numpy()
    shape = (int(days.max()) + 1, len(decisions.items))
    if shape[0] * shape[1] > MAX_CELLS:
        first, last = (earlier[int(at)] for at in (days.argmin(), days.argmax()))
        raise InputError(
            f"{path}: the earlier half of the log has {shape[1]:,} items on {shape[0]:,} days, "
            f"from {instants[first]:%Y-%m-%d} (line {line_of(path, first + 2)}) to "
            f"{instants[last]:%Y-%m-%d} (line {line_of(path, last + 2)}), and at most "
            f"{MAX_CELLS:,} items × days can be learnt from.",
            kept=KEPT,
            fix="Correct the timestamps, or bring a shorter log.",
        )
    cell = days * shape[1] + decisions.chosen[earlier]
    tried, won = (
        np.bincount(cell, of, shape[0] * shape[1]).reshape(shape).astype(np.float64)
        for of in (np.ones(len(earlier)), decisions.clicks[earlier])
    )
    beliefs = beliefs_of(Cohorts(tried, won, np.ones(shape[0])))
    return Learnt(later, floored(thompson(decisions.items, beliefs, SEED).best)[None])


def learn_linear(path: Path, decisions: Decisions, context: tuple[str, ...]) -> Learnt:
    """LinTS of the segments that ``context`` columns make, with the job's floor.

    Raises:
        UsageError: no context is named, or one that the log can't have.
        InputError: as above, or too many segments to decide for.
    """
    others = list(decisions.others.columns)
    if not context or (unknown := [name for name in context if name not in others]):
        problem = f"The log has no column {unknown[0]}" if context else "lints needs a context"
        raise UsageError(
            f"{problem}: what was known before each decision, such as device or country.",
            kept="nothing was evaluated.",
            fix=f"Name columns with --context. The log's are {listed(others) or '(none)'}; "
            f"{', '.join(COLUMNS)} are no context.",
        )
    if len(set(context)) < len(context):
        raise UsageError(
            f"--context {','.join(context)} names a column twice.",
            kept="nothing was evaluated.",
            fix="Name each column once.",
        )
    earlier, later, _ = _halves(path, decisions)
    frame = decisions.others[list(context)]
    learnt = frame.iloc[earlier]
    encoder = Encoder(learnt)
    segments, place = np.unique(encoder.matrix(frame.iloc[later]), axis=0, return_inverse=True)
    if len(segments) > MAX_SEGMENTS:
        raise InputError(
            f"{path}: {', '.join(context)} make {len(segments):,} segments, and at most "
            f"{MAX_SEGMENTS:,} are decided for.",
            kept=KEPT,
            fix=f"Name fewer columns. A column's {MAX_LEVELS} most frequent values count.",
        )
    posteriors = linear_thompson(
        decisions.items,
        decisions=decisions.chosen[earlier],
        rewards=decisions.clicks[earlier],
        contexts=encoder.matrix(learnt),
        segments=segments,
        seed=SEED,
    )
    shares = np.array([floored(posterior.best) for posterior in posteriors])
    return Learnt(later, shares[place.ravel()])


def _halves(path: Path, decisions: Decisions) -> tuple[Ints, Ints, pd.DatetimeIndex]:
    """Rows of the earlier half and of the later, by time, and every row's instant (UTC)."""
    cells = decisions.timestamps.str.strip()
    instants = pd.DatetimeIndex(pd.to_datetime(cells, utc=True, errors="coerce", format="ISO8601"))
    if (wrong := ~((instants.year >= MIN_YEAR) & (instants.year < MAX_YEAR))).any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"{path} line {line_of(path, row + 2)}: timestamp {quoted(cells.iloc[row])} is no "
            f"instant of {MIN_YEAR} to {MAX_YEAR - 1}: a policy is learnt from the earlier half of "
            "the log.",
            kept=KEPT,
            fix="Write timestamps as 2026-01-31 12:00:00+00:00.",
        )
    if len(instants) < 2 * MIN_ROWS:
        raise InputError(
            f"{path} has {len(instants)} rows; a policy is learnt from the earlier half and "
            f"evaluated on the later one, and each needs {MIN_ROWS}.",
            kept=KEPT,
            fix="Bring a longer log.",
        )
    order = np.argsort(instants.asi8, kind="stable")
    half = len(order) // 2
    return order[:half], order[half:], instants
