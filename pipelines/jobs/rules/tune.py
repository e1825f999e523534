"""Tuning the parameters of rules on past weeks, and judging them on weeks it didn't see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.canonical import canonical_json, sha256
from pipelines.errors import UsageError
from pipelines.jobs.base import significant
from pipelines.jobs.rules.allocate import Allocator
from pipelines.jobs.rules.backtest import (
    EMBARGO_DAYS,
    Episode,
    Floats,
    Score,
    equal_split,
    replay,
)
from pipelines.jobs.rules.rulebook import RuleBook

OBJECTIVES = ("order_roas", "ctr", "stability", "utilisation")
HELD_OUT = 0.35
MIN_WEEKS = 16
FOLDS = 4
_BLOCK = 3  # weeks that a bootstrap draws together: budgets and demand last
_DRAWS = 2000


@dataclass(frozen=True)
class Candidate:
    """Values of the parameters that tuning may set, with what they come to in the tuning weeks."""

    values: Mapping[str, float]
    objectives: tuple[float, ...]


@dataclass(frozen=True)
class Compared:
    """Value for the money on the weeks held out, over that of another arm, less 1; the ends of the
    interval leave out 2.5% of the bootstrap each."""

    arm: str
    gain: float
    low: float
    high: float


@dataclass(frozen=True)
class Tuned:
    """What tuning came to. ``better`` is whether the chosen values beat the default rules and the
    equal split on the weeks held out, each with an interval above 0."""

    chosen: Candidate
    pareto: tuple[Candidate, ...]
    compared: tuple[Compared, ...]
    better: bool
    weeks: tuple[int, int]

    @property
    def reason(self) -> str:
        """The verdict in a sentence."""
        gains = "; ".join(
            f"{c.gain:+.1%} over {c.arm} (95% interval {c.low:+.1%} to {c.high:+.1%})"
            for c in self.compared
        )
        verdict = (
            "The tuned rules are better"
            if self.better
            else "No better than the default, which stays"
        )
        return f"{verdict}: on {self.weeks[1]} weeks that tuning didn't see, {gains}."


def tune(
    book: RuleBook,
    episodes: Sequence[Episode],
    *,
    iterations: int,
    seed: int,
    journal: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Tuned:
    """Search the parameters' values by a tree-structured Parzen estimator (optuna), for a Pareto
    set of four objectives on the earlier weeks; choose; and judge on the later ones.

    Chosen is the member of the Pareto set whose value for the money is the best in the worst of
    ``FOLDS`` parts of the tuning weeks, the default among them: a set that shines in one part alone
    was lucky there.

    Args:
        journal: a file that keeps the trials; a run with the same rules, weeks and seed goes on
            where one stopped, and ends as if it hadn't. Others have trials of their own in it.
        progress: called with the trials done and asked for.

    Raises:
        UsageError: there are fewer weeks than tuning and judging need.
    """
    tuning, held_out = split(episodes)
    allocator = Allocator(book)
    default = Candidate(_defaults(book), replay(tuning, allocator).objectives)
    trials = _search(book, tuning, allocator, iterations, seed, journal, progress)
    pareto = tuple(_undominated([default, *trials]))
    chosen = max(pareto, key=lambda c: (_worst_fold(c, tuning, allocator), c is default))
    tuned = replay(held_out, allocator.with_parameters(chosen.values))
    compared = (
        _compared("the default", tuned, replay(held_out, allocator), held_out, seed),
        _compared("equal split", tuned, equal_split(held_out), held_out, seed),
    )
    better = chosen is not default and all(c.low > 0 for c in compared)
    return Tuned(chosen, pareto, compared, better, (_weeks(tuning), _weeks(held_out)))


def split(episodes: Sequence[Episode]) -> tuple[list[Episode], list[Episode]]:
    """Earlier episodes to tune on, later ones to judge by; none within the embargo between."""
    days = sorted({episode.day for episode in episodes})
    if len(days) < MIN_WEEKS:
        raise UsageError(
            f"Features of {len(days)} weeks with what came after them are known; tuning needs "
            f"{MIN_WEEKS}.",
            kept="the rules are as they were.",
            fix="Load more history, or tune when more weeks have passed.",
        )
    first_held_out = days[round(len(days) * (1 - HELD_OUT))]
    last = first_held_out - timedelta(days=EMBARGO_DAYS)
    return (
        [e for e in episodes if e.day <= last],
        [e for e in episodes if e.day >= first_held_out],
    )


def override(book: RuleBook, values: Mapping[str, float]) -> dict[str, Any]:
    """An override that sets the parameters that differ from the book's."""
    changed = {n: v for n, v in values.items() if v != book.values[n]}
    return {"parameters": {name: {"value": value} for name, value in sorted(changed.items())}}


def _search(  # noqa: PLR0917
    book: RuleBook,
    episodes: Sequence[Episode],
    allocator: Allocator,
    iterations: int,
    seed: int,
    journal: Path | None,
    progress: Callable[[int, int], None],
) -> list[Candidate]:
    import optuna
    from optuna.storages import InMemoryStorage, JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = JournalStorage(JournalFileBackend(str(journal))) if journal else InMemoryStorage()
    study = optuna.create_study(
        study_name=_study_name(book, episodes, seed),
        storage=storage,
        directions=["maximize"] * len(OBJECTIVES),
        load_if_exists=True,
    )
    while (done := len(_complete(study))) < iterations:
        # by trial, so that a run that goes on draws what one that didn't stop would have
        study.sampler = optuna.samplers.TPESampler(seed=seed + done, multivariate=True)
        trial = study.ask()
        values = {
            name: significant(trial.suggest_float(name, p.low or 0.0, p.high or 0.0))
            for name, p in book.tunable.items()
        }
        study.tell(trial, replay(episodes, allocator.with_parameters(values)).objectives)
        progress(done + 1, iterations)
    return [
        Candidate({n: significant(v) for n, v in trial.params.items()}, tuple(trial.values))
        for trial in _complete(study)[:iterations]
    ]


def _study_name(book: RuleBook, episodes: Sequence[Episode], seed: int) -> str:
    """What trials are of: those of other rules, weeks or draws say nothing here."""
    weeks = [
        [str(e.day), *(e.budgets.tolist()), *e.spend.tolist(), *e.value.tolist()] for e in episodes
    ]
    return sha256(canonical_json([book.model_dump(mode="json"), weeks, seed]))


def _complete(study: Any) -> list[Any]:
    return [t for t in study.get_trials(deepcopy=False) if t.state.is_finished() and t.values]


def _undominated(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that no other is at least as good as in everything, and better in something."""
    points = np.array([c.objectives for c in candidates])
    return [
        candidate
        for candidate, point in zip(candidates, points, strict=True)
        if not ((points >= point).all(axis=1) & (points > point).any(axis=1)).any()
    ]


def _worst_fold(candidate: Candidate, episodes: Sequence[Episode], allocator: Allocator) -> float:
    """The least mean value of some parts of the weeks, in their order."""
    value = replay(episodes, allocator.with_parameters(candidate.values)).value
    return min(float(part.mean()) for part in np.array_split(value, FOLDS))


def _compared(
    arm: str, ours: Score, theirs: Score, episodes: Sequence[Episode], seed: int
) -> Compared:
    days = [episode.day for episode in episodes]
    ratio = ours.value / theirs.value - 1
    weekly = np.array([ratio[[d == day for d in days]].mean() for day in sorted(set(days))])
    means = _bootstrap(weekly, np.random.default_rng([seed, 41]))
    low, high = np.quantile(means, [0.025, 0.975])
    return Compared(arm, float(weekly.mean()), float(low), float(high))


def _bootstrap(weekly: Floats, rng: np.random.Generator) -> Floats:
    """Means of weeks drawn in blocks (circular, Politis and Romano 1992)."""
    count = len(weekly)
    blocks = -(-count // _BLOCK)
    starts = rng.integers(0, count, (_DRAWS, blocks))
    drawn = (starts[:, :, None] + np.arange(_BLOCK)).reshape(_DRAWS, -1)[:, :count] % count
    means: Floats = weekly[drawn].mean(axis=1)
    return means


def _defaults(book: RuleBook) -> dict[str, float]:
    return {name: book.values[name] for name in book.tunable}


def _weeks(episodes: Sequence[Episode]) -> int:
    return len({episode.day for episode in episodes})
