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

SPREAD = 0.4
"""Of linear arms, over the mean reward, before anything is known: as that of the rates in
evidence.STRENGTH. MABWiser's own penalty of 1 believes in arms of many times a rate of 1%."""

SEGMENT_WEIGHTS = (0.0, 0.125, 0.25, 0.5, 1.0)
"""How much arms may differ by segment, over how much they differ: the likeliest is taken."""


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
    segments: Floats,
    seed: int,
) -> list[Posterior]:
    """LinTS, of each segment's features. Where the rows don't show that arms differ by segment,
    they are believed not to (empirical Bayes).

    Args:
        decisions: by row, the arm's place.
        rewards: by row, 0 or 1.
        contexts: rows × features; segments: the features to decide for, a row each.
    """
    scaled = _scaled(contexts, contexts)
    points = _scaled(segments, contexts)
    level = float(rewards.mean())
    noise = float(rewards.std()) or 1.0
    penalty = (noise / (SPREAD * level)) ** 2 if level else 1.0
    # what a segment is to all arms alike says nothing of which to choose
    pooled = np.linalg.lstsq(scaled, rewards, rcond=1e-9)[0]
    rest = rewards - scaled @ pooled
    rows_of = [decisions == place for place in range(len(arms))]
    weight = max(
        SEGMENT_WEIGHTS,
        key=lambda w: sum(
            _log_evidence(_weighted(scaled[of], w), rest[of], noise, penalty) for of in rows_of
        ),
    )
    scaled, points = _weighted(scaled, weight), _weighted(points, weight)
    library = MAB(
        list(range(len(arms))),
        LearningPolicy.LinTS(alpha=noise, l2_lambda=penalty, scale=False),
        seed=seed,
    )
    # centred, so that an arm of which little is known is believed to be an ordinary one
    library.fit(decisions, rest, scaled)
    models = library._imp.arm_to_model
    untried = np.eye(scaled.shape[1]) / penalty
    base = _scaled(segments, contexts) @ pooled
    means, spreads, normals = [], [], []
    for place, arm in enumerate(arms):
        covariance = models[place].A_inv if rows_of[place].any() else untried
        means.append(base + points @ models[place].beta)
        spreads.append(noise * np.sqrt(((points @ covariance) * points).sum(axis=1)))
        normals.append(generator(seed, arm).standard_normal(DRAWS))
    drawn = np.array(normals)
    return [
        _of_draws(mean[:, None] + spread[:, None] * drawn)
        for mean, spread in zip(np.transpose(means), np.transpose(spreads), strict=True)
    ]


def _weighted(scaled: Floats, weight: float) -> Floats:
    """The features times ``weight``, which is the spread of their weights; the ones stay."""
    return np.column_stack([scaled[:, :1], weight * scaled[:, 1:]])


def _log_evidence(rows: Floats, rewards: Floats, noise: float, penalty: float) -> float:
    """Log marginal likelihood of a Bayesian linear regression, up to what no weight changes."""
    inner = rows.T @ rows + penalty * np.eye(rows.shape[1])
    moment = rows.T @ rewards
    explained = float(moment @ np.linalg.solve(inner, moment)) / noise**2
    size = float(np.linalg.slogdet(inner)[1]) - rows.shape[1] * float(np.log(penalty))
    return (explained - size) / 2


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
