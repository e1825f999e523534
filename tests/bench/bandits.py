"""Regret of our policy and of MABWiser's plain Thompson sampling, over markets that neither knows.

Both share each day's clicks among the creatives of that day, and then know which of all clicks so
far have converted by now. The plain side fits MABWiser on exactly that table every day (so that a
late conversion counts once it is there) and asks it for each visitor's creative. Parameters were
chosen on markets from seed 1,000 on; these begin at 1.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
from mabwiser.mab import MAB, LearningPolicy

from pipelines.cli.console import Format, out, print_rows
from pipelines.jobs.bandits.delay import MAX_DELAY, delay_distribution, maturity
from pipelines.jobs.bandits.evidence import Cohorts, beliefs_of
from pipelines.jobs.bandits.off_policy import Floats, Ints
from pipelines.jobs.bandits.policies import thompson, ucb
from pipelines.jobs.bandits.shares import EXPLORATION, floored
from tests.bench.creative_markets import DAYS, CreativeMarket, Variant

FIRST_SEED = 1


class Log:
    """What a policy chose and what came of it, as known on a day.

    ``clicks`` is days × creatives; ``conversions`` is days × creatives × delay.
    """

    def __init__(self, market: CreativeMarket) -> None:
        shape = (DAYS, len(market.lives))
        self.market = market
        self.clicks = np.zeros(shape)
        self.conversions = np.zeros((*shape, MAX_DELAY + 1))

    def record(self, day: int, clicks: Ints) -> None:
        for creative, count in enumerate(clicks):
            delays = self.market.outcomes(day, creative)[:count]
            self.clicks[day, creative] = count
            self.conversions[day, creative] = np.bincount(
                delays[delays >= 0], minlength=MAX_DELAY + 1
            )

    def known(self, today: int) -> tuple[Floats, Ints]:
        """Conversions by day, creative and delay that have come before ``today``, and ages."""
        ages = today - 1 - np.arange(today)
        come = np.arange(MAX_DELAY + 1) <= ages[:, None]
        return self.conversions[:today] * come[:, None, :], ages


# On a day, from the log and the creatives that run: the clicks of each and the probabilities.
Policy = Callable[[Log, int, Ints, int], tuple[Ints, Floats]]


def ours(log: Log, today: int, running: Ints, seed: int) -> tuple[Ints, Floats]:
    """The job's policy: matured and discounted Thompson sampling with a floor."""
    return _guarded(log, today, running, seed, thompson)


def ours_ucb(log: Log, today: int, running: Ints, seed: int) -> tuple[Ints, Floats]:
    """UCB behind the same guards."""
    return _guarded(log, today, running, seed, ucb)


def without_floor(log: Log, today: int, running: Ints, seed: int) -> tuple[Ints, Floats]:
    """The job's policy, were nothing kept for exploration."""
    return _guarded(log, today, running, seed, thompson, exploration=0.0)


def half_the_floor(log: Log, today: int, running: Ints, seed: int) -> tuple[Ints, Floats]:
    """The job's policy with half of what it keeps for exploration."""
    return _guarded(log, today, running, seed, thompson, exploration=EXPLORATION / 2)


def _guarded(  # noqa: PLR0917
    log: Log,
    today: int,
    running: Ints,
    seed: int,
    policy: Any,
    exploration: float = EXPLORATION,
) -> tuple[Ints, Floats]:
    conversions, ages = log.known(today)
    within = delay_distribution(ages, conversions.sum(axis=1))
    seen = np.flatnonzero(log.market.lives[:, 0] <= today)
    cohorts = Cohorts(
        log.clicks[:today, seen], conversions[:, seen].sum(axis=2), maturity(ages, within)
    )
    beliefs = beliefs_of(cohorts).of(np.searchsorted(seen, running))
    names = [f"creative {i}" for i in running]
    probabilities = floored(policy(names, beliefs, seed * 1000 + today).best, exploration)
    return _drawn(log, today, running, probabilities, seed)


def plain(log: Log, today: int, running: Ints, seed: int) -> tuple[Ints, Floats]:
    """MABWiser's Thompson sampling, as its documentation has it."""
    conversions, _ = log.known(today)
    won = conversions.sum(axis=(0, 2)).astype(np.int64)
    tried = log.clicks[:today].sum(axis=0).astype(np.int64)
    mab = MAB(running.tolist(), LearningPolicy.ThompsonSampling(), seed=seed * 1000 + today)
    decisions = np.repeat(running, tried[running])
    outcomes = [np.repeat([1, 0], [won[i], tried[i] - won[i]]) for i in running]
    mab.fit(decisions, np.concatenate(outcomes))
    chosen = mab.predict(np.zeros((int(log.market.clicks[today]), 1)))
    clicks = np.bincount(chosen, minlength=len(log.market.lives))
    return clicks, clicks / clicks.sum()


def uniform(log: Log, today: int, running: Ints, seed: int) -> tuple[Ints, Floats]:
    """Every creative alike."""
    return _drawn(log, today, running, np.full(len(running), 1 / len(running)), seed)


def _drawn(
    log: Log, today: int, running: Ints, probabilities: Floats, seed: int
) -> tuple[Ints, Floats]:
    shares = np.zeros(len(log.market.lives))
    shares[running] = probabilities
    rng = np.random.default_rng([seed, today, 5])
    return rng.multinomial(int(log.market.clicks[today]), shares), shares


SIDES: dict[str, Policy] = {
    "ours": ours,
    "ours, half the floor": half_the_floor,
    "ours, no floor": without_floor,
    "ours, UCB": ours_ucb,
    "plain": plain,
    "uniform": uniform,
}


def play(market: CreativeMarket, policy: Policy) -> tuple[float, float]:
    """Regret over all days in expected conversions, and in shares of the best's."""
    log, lost = Log(market), 0.0
    for today in range(DAYS):
        running = np.flatnonzero((market.lives[:, 0] <= today) & (today < market.lives[:, 1]))
        clicks, shares = policy(log, today, running, market.seed)
        log.record(today, clicks)
        lost += market.regret(today, shares)
    best = float(market.clicks @ market.rates.max(axis=1))
    return lost, lost / best


def main() -> None:
    """Print each side's regret, and its ratio to the plain side's."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--markets", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--variant", choices=get_args(Variant))
    parser.add_argument("--format", type=Format, choices=list(Format), default=Format.TABLE)
    args = parser.parse_args()
    markets = [
        CreativeMarket(s, args.variant)
        for s in range(args.first_seed, args.first_seed + args.markets)
    ]
    lost: dict[str, list[float]] = {}
    shares: dict[str, list[float]] = {}
    seconds: dict[str, float] = {}
    for name, policy in SIDES.items():
        began = time.perf_counter()
        played = [play(market, policy) for market in markets]
        seconds[name] = time.perf_counter() - began
        lost[name] = [each[0] for each in played]
        shares[name] = [each[1] for each in played]
    report = [
        {
            "side": name,
            "regret": round(sum(lost[name])),
            "of the best": f"{np.mean(shares[name]):.1%}",
            "× plain": round(sum(lost[name]) / sum(lost["plain"]), 3),
            "× plain, median market": round(
                float(np.median(np.array(lost[name]) / np.array(lost["plain"]))), 3
            ),
            "markets with less": sum(a < b for a, b in zip(lost[name], lost["plain"], strict=True)),
            "seconds": round(seconds[name], 1),
        }
        for name in SIDES
    ]
    if args.format is Format.JSON:
        print(json.dumps({"sides": report, "by_market": lost}, indent=1))
        return
    print_rows(report, Format.TABLE, f"{args.markets} markets from seed {args.first_seed} on")
    out.print("regret: expected conversions lost to each day's best creative, of all markets")


if __name__ == "__main__":
    main()
