"""Rules tuned and found on simulated accounts with known truth: ``python -m tests.bench.rules``.

``--part tuning``: regret of an equal split that the default, tuned and chosen rules save, with and
without a signal. ``--part discovery``: in how many runs segments are found, as things are and with
outcomes shuffled among the ad sets of each week. Nothing was tuned on seeds from 200 on.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from time import process_time

import numpy as np

from pipelines.evaluate.rules import HISTORY, RulesScore, episodes_of_market, score_rules
from pipelines.jobs.rules.backtest import Episode
from pipelines.jobs.rules.discover import discover
from pipelines.sandbox.market.adset_market import AdSetMarket

ARMS = ("default", "tuned", "chosen", "status quo")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=("tuning", "discovery"), required=True)
    parser.add_argument("--first-seed", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--iterations", type=int, default=60)
    asked = parser.parse_args()
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    began = process_time()
    if asked.part == "tuning":
        for signal in (True, False):
            print("with a signal" if signal else "without a signal", flush=True)
            _tuning(score_rules(seeds, 12, asked.iterations, signal=signal), signal)
    else:
        _discovery(seeds)
    print(f"{process_time() - began:.0f} s of CPU")


def _tuning(scores: Sequence[RulesScore], signal: bool) -> None:
    for score in scores:
        shares = [f"{arm} {score.reduction(arm):.3f}" for arm in ARMS] if signal else []
        print(score.seed, f"{score.regret('equal'):.4f}", *shares, score.tuned.reason)
    if signal:
        means = {arm: np.mean([s.reduction(arm) for s in scores]) for arm in ARMS}
        print("mean share of the equal split's regret saved:", means)
        print("tuned over default:", means["tuned"] / means["default"])
        left = [(1 - s.reduction("tuned")) / (1 - s.reduction("default")) for s in scores]
        print("regret left, tuned over default, median:", np.median(left))
    print("default stays on", sum(not s.tuned.better for s in scores), "of", len(scores))


def _discovery(seeds: Sequence[int]) -> None:
    as_is = shuffled = 0
    for seed in seeds:
        market = AdSetMarket(seed, HISTORY)
        weeks = [market.run(week, market.start) for week in range(HISTORY)]
        episodes = episodes_of_market(weeks)
        as_is += bool(discover(episodes, seed)[0])
        rng = np.random.default_rng(seed)
        shuffled += bool(discover([_shuffled(e, rng) for e in episodes], seed)[0])
    print(f"of {len(seeds)} runs {as_is} find segments as things are, {shuffled} shuffled")


def _shuffled(episode: Episode, rng: np.random.Generator) -> Episode:
    """The returns of a week, each given to another ad set."""
    returns = episode.value / episode.spend
    return replace(episode, value=rng.permutation(returns) * episode.spend)


if __name__ == "__main__":
    main()
