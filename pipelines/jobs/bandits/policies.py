"""MABWiser's policies behind guards: it holds the posteriors; what it draws or scores is not used.

What MABWiser 2.7.4 does that a fair policy can't (findings/mabwiser_arms_share_draws.sh):

- LinTS's arms hold copies of one generator once fitted, so that equal arms draw alike and one of
  them gets all visitors: here each arm draws from a generator of its own.
- ``scale=True`` centres the features and leaves no intercept, and an untried linear arm starts with
  the variance λ instead of 1/λ: here features are scaled over all arms, a column of ones is added,
  and an untried arm is drawn from the prior.
- UCB1 scores an unseen arm 0: here it comes first.
- Thompson sampling takes outcomes of 0 and 1: matured and discounted counts are fed as whole rows.
- ``partial_fit`` of a conversion that came late counts its trial twice: every fit is from nothing,
  by ``fit``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from mabwiser.mab import MAB, LearningPolicy

from pipelines.jobs.bandits.evidence import Beliefs
from pipelines.jobs.bandits.off_policy import Floats, Ints

DRAWS = 4_000
MAX_ROWS = 200_000
"""Rows that a library which counts rows is fed; more trials are scaled down to it."""

L2_PENALTY = 1.0


@dataclass(frozen=True)
class Posterior:
    """Of each arm's reward: mean, 95% interval, and the probability that it is the best."""

    mean: Floats
    low: Floats
    high: Floats
    best: Floats


def generator(seed: int, arm: str) -> np.random.Generator:
    """An arm's own random numbers, by its name: no other arm's coming or going moves them."""
    return np.random.default_rng([seed, *arm.encode()])


def thompson(arms: Sequence[str], beliefs: Beliefs, seed: int) -> Posterior:
    """Beta posteriors of matured, discounted counts, drawn per arm."""
    wins, losses = _whole(beliefs.successes - 1, beliefs.failures - 1)
    places = list(range(len(arms)))
    library = MAB(places, LearningPolicy.ThompsonSampling(), seed=seed)
    library.fit(np.repeat(places, wins + losses), _outcomes(wins, losses))
    policy = library._imp
    draws = np.array(
        [
            generator(seed, arm).beta(
                policy.arm_to_success_count[place], policy.arm_to_fail_count[place], DRAWS
            )
            for place, arm in enumerate(arms)
        ]
    )
    return _of_draws(draws)


def ucb(arms: Sequence[str], beliefs: Beliefs, seed: int, alpha: float = 0.25) -> Posterior:
    """UCB1 over the same counts: all to the arm with the highest bound, shared among unseen ones.

    Its mean and interval are those of the Beta posterior: UCB1 has none.
    """
    posterior = thompson(arms, beliefs, seed)
    wins, losses = _whole(beliefs.successes, beliefs.failures)
    seen = wins + losses > 0
    if seen.all():
        places = list(range(len(arms)))
        library = MAB(places, LearningPolicy.UCB1(alpha=alpha), seed=seed)
        library.fit(np.repeat(places, wins + losses), _outcomes(wins, losses))
        bounds = library.predict_expectations()
        scores = np.array([bounds[place] for place in places])
        chosen = scores == scores.max()
    else:
        chosen = ~seen
    return Posterior(posterior.mean, posterior.low, posterior.high, chosen / chosen.sum())


def linear_thompson(
    arms: Sequence[str],
    *,
    decisions: Ints,
    rewards: Floats,
    contexts: Floats,
    segment: Floats,
    seed: int,
) -> Posterior:
    """LinTS of a segment's features.

    Args:
        decisions: by row, the arm's place.
        rewards: by row.
        contexts: rows × features; segment: the features to decide for.
    """
    scaled = _scaled(contexts, contexts)
    point = _scaled(segment[None], contexts)[0]
    level = float(rewards.mean())
    noise = float(rewards.std()) or 1.0
    places = list(range(len(arms)))
    library = MAB(
        places, LearningPolicy.LinTS(alpha=noise, l2_lambda=L2_PENALTY, scale=False), seed=seed
    )
    # centred, so that an arm of which little is known is believed to be an ordinary one
    library.fit(decisions, rewards - level, scaled)
    models = library._imp.arm_to_model
    untried = noise**2 * np.eye(scaled.shape[1]) / L2_PENALTY
    draws = []
    for place, arm in enumerate(arms):
        covariance = noise**2 * models[place].A_inv if (decisions == place).any() else untried
        spread = float(np.sqrt(point @ covariance @ point))
        normal = generator(seed, arm).standard_normal(DRAWS)
        draws.append(level + float(point @ models[place].beta) + spread * normal)
    return _of_draws(np.array(draws))


def _scaled(rows: Floats, pool: Floats) -> Floats:
    """With the pool's mean and deviation, over all arms, and a column of ones."""
    deviation = pool.std(axis=0)
    features = (rows - pool.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    return np.column_stack([np.ones(len(rows)), features])


def _of_draws(draws: Floats) -> Posterior:
    """``draws`` are arms × draws. Ties share."""
    top = draws == draws.max(axis=0)
    best = (top / top.sum(axis=0)).mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975], axis=1)
    return Posterior(draws.mean(axis=1), low, high, best)


def _whole(successes: Floats, failures: Floats) -> tuple[Ints, Ints]:
    total = float((successes + failures).sum())
    scale = min(1.0, MAX_ROWS / total) if total > 0 else 1.0
    wins, losses = (np.maximum(np.rint(of * scale), 0) for of in (successes, failures))
    return wins.astype(np.int64), losses.astype(np.int64)


def _outcomes(wins: Ints, losses: Ints) -> Ints:
    outcomes = [np.repeat([1, 0], pair) for pair in zip(wins, losses, strict=True)]
    return np.concatenate(outcomes)
