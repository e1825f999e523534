"""Policies behind guards: each is a way in which MABWiser alone would decide wrongly."""

from __future__ import annotations

import numpy as np
import pytest
from mabwiser.mab import MAB, LearningPolicy

from pipelines.jobs.bandits.delay import MAX_DELAY, delay_distribution, maturity
from pipelines.jobs.bandits.evidence import Beliefs, Cohorts, beliefs_of
from pipelines.jobs.bandits.off_policy import Floats
from pipelines.jobs.bandits.policies import Posterior, generator, linear_thompson, thompson, ucb
from pipelines.jobs.bandits.shares import EXPLORATION, capped_spend, floored, within_cost

ARMS = ("a", "b", "c")


def believed(rates: Floats, trials: float) -> Beliefs:
    """That arms of these rates were tried so often."""
    return Beliefs(rates * trials, (1 - rates) * trials, np.ones(len(rates)))


def cohorts(rates: Floats, days: int, trials: float = 400.0) -> Cohorts:
    """Days × arms without noise or delay; ``rates`` has a row a day."""
    tried = np.full((days, rates.shape[-1]), trials)
    return Cohorts(tried, tried * rates, np.ones(days))


def linear(rates: Floats, seed: int, rows: int = 3000, segments: float = 0.5) -> Posterior:
    """LinTS in segment 1 of arms whose rates (segments × arms) are these."""
    rng = np.random.default_rng(seed)
    arms = rng.integers(rates.shape[1], size=rows)
    segment = (rng.random(rows) < segments).astype(int)
    rewards = (rng.random(rows) < rates[segment, arms]).astype(float)
    contexts = segment[:, None].astype(float)
    (posterior,) = linear_thompson(
        ARMS[: rates.shape[1]],
        decisions=arms,
        rewards=rewards,
        contexts=contexts,
        segments=np.array([[1.0]]),
        seed=seed,
    )
    return posterior


def test_each_arm_draws_from_its_own_generator() -> None:
    draws = np.array([generator(1, arm).standard_normal(5000) for arm in ARMS])
    assert np.abs(np.corrcoef(draws) - np.eye(3)).max() < 0.05


def test_an_arms_draws_do_not_change_with_the_company_it_is_in() -> None:
    two = thompson(("a", "b"), believed(np.array([0.1, 0.2]), 500), 1)
    three = thompson(ARMS, believed(np.array([0.1, 0.2, 0.05]), 500), 1)
    assert two.mean.tolist() == three.mean[:2].tolist()


@pytest.mark.parametrize("policy", [thompson, ucb])
def test_equal_arms_share_equally_instead_of_one_getting_every_visitor(policy: object) -> None:
    beliefs = believed(np.array([0.1, 0.1, 0.1]), 1000)
    posterior = (thompson if policy is thompson else ucb)(ARMS, beliefs, 1)
    assert posterior.best == pytest.approx([1 / 3] * 3, abs=0.04)


def test_equal_arms_share_equally_in_a_linear_policy() -> None:
    best = np.mean([linear(np.full((2, 3), 0.1), seed).best for seed in range(60)], axis=0)
    assert best == pytest.approx([1 / 3] * 3, abs=0.12)
    assert linear(np.full((2, 3), 0.1), 4).best.max() < 0.99


def test_a_linear_policy_has_an_intercept_and_prefers_the_arm_that_converts_more() -> None:
    assert linear(np.array([[0.1, 0.9], [0.1, 0.9]]), 1).best[1] > 0.999


def test_a_linear_policy_chooses_by_segment() -> None:
    assert linear(np.array([[0.05, 0.2], [0.2, 0.05]]), 1).best[0] > 0.99


def test_segments_that_do_not_change_which_arm_is_best_take_nothing_from_what_is_known() -> None:
    """Twenty segments of 150 rows: as if each had arms of its own, none would be known."""
    rng = np.random.default_rng(3)
    arms, segment = rng.integers(3, size=3000), rng.integers(20, size=3000)
    rates = np.array([0.1, 0.15, 0.1])[arms] * np.where(segment < 10, 0.5, 1.5)
    posteriors = linear_thompson(
        ARMS,
        decisions=arms,
        rewards=(rng.random(3000) < rates).astype(float),
        contexts=np.eye(20)[segment],
        segments=np.eye(20),
        seed=1,
    )
    assert min(posterior.best[1] for posterior in posteriors) > 0.95
    assert posteriors[0].mean[1] < posteriors[19].mean[1]


def test_a_segment_that_no_row_varies_leaves_a_policy_of_the_intercept_alone() -> None:
    posterior = linear(np.array([[0.1, 0.3], [0.1, 0.3]]), 1, segments=1.0)
    assert posterior.best[1] > 0.99
    assert posterior.mean == pytest.approx([0.1, 0.3], abs=0.03)


def test_an_untried_linear_arm_is_explored_more_than_an_ordinary_one_that_is_known() -> None:
    (posterior,) = linear_thompson(
        ARMS,
        decisions=np.repeat([0, 1], 1000),
        rewards=np.tile([1.0] + [0.0] * 9, 200),
        contexts=np.zeros((2000, 1)),
        segments=np.zeros((1, 1)),
        seed=1,
    )
    assert posterior.high[2] - posterior.low[2] > 4 * (posterior.high[0] - posterior.low[0])
    assert posterior.best[2] > 0.4


def test_an_unseen_arm_comes_first_under_ucb_where_the_library_never_tries_it() -> None:
    beliefs = Beliefs(np.array([50.0, 0.0]), np.array([50.0, 0.0]), np.ones(2))
    library = MAB(["a", "b"], LearningPolicy.UCB1(alpha=0.25), seed=1)
    library.fit(["a"] * 100, [1, 0] * 50)
    assert library.predict() == "a"
    assert ucb(("a", "b"), beliefs, 1).best.tolist() == [0.0, 1.0]


def test_a_posterior_is_the_beta_of_its_counts() -> None:
    posterior = thompson(ARMS, believed(np.array([0.02, 0.05, 0.5]), 1000), 3)
    assert posterior.mean == pytest.approx([0.02, 0.05, 0.5], rel=0.05)
    deviation = np.sqrt(0.05 * 0.95 / 1001)
    assert posterior.high[1] - posterior.low[1] == pytest.approx(3.92 * deviation, rel=0.1)


def test_the_same_beliefs_and_seed_give_the_same_shares_and_another_seed_others() -> None:
    beliefs = believed(np.array([0.10, 0.11, 0.09]), 800)
    one, again, other = (thompson(ARMS, beliefs, seed).best for seed in (1, 1, 2))
    assert one.tolist() == again.tolist()
    assert one.tolist() != other.tolist()


def test_the_floor_leaves_every_arm_its_part_of_the_exploration() -> None:
    shares = floored(np.array([1.0, 0.0, 0.0, 0.0]))
    assert shares.sum() == pytest.approx(1)
    assert shares[1:].tolist() == pytest.approx([EXPLORATION / 4] * 3)


def test_above_the_floor_arms_share_as_two_draws_agree_on_the_best() -> None:
    agreed = np.array([0.25, 0.09, 0.04]) / 0.38
    assert floored(np.array([0.5, 0.3, 0.2])) == pytest.approx(0.1 / 3 + 0.9 * agreed)
    assert floored(np.full(3, 1 / 3)) == pytest.approx([1 / 3] * 3)


def test_the_logged_propensity_is_the_frequency_with_which_each_arm_is_chosen() -> None:
    shares = floored(thompson(ARMS, believed(np.array([0.10, 0.12, 0.09]), 600), 5).best)
    visitors = 40_000
    rng = np.random.default_rng(9)
    chosen = np.bincount(rng.choice(3, visitors, p=shares), minlength=3) / visitors
    assert np.abs(chosen - shares).max() < 4 * 0.5 / np.sqrt(visitors)


def test_the_arm_with_the_lowest_cost_per_conversion_wins() -> None:
    cost_per_conversion = np.array([40.0, 20.0, 25.0])
    conversions_per_dollar = 1 / cost_per_conversion
    posterior = thompson(ARMS, believed(conversions_per_dollar, 40_000), 1)
    assert posterior.best.argmax() == 1
    assert floored(posterior.best)[1] > 0.9


def test_capped_spend_follows_the_shares_within_each_arms_bounds_and_spends_the_budget() -> None:
    shares = np.array([0.7, 0.2, 0.1])
    lower, upper = np.array([0, 0, 150]), np.array([500, 1000, 1000])
    spend = capped_spend(shares, 1000, lower, upper)
    assert spend.sum() == 1000
    assert spend[0] == 500
    assert spend[2] >= 150
    # the others share what is left as their shares are, as far as their bounds let them
    assert spend[1] / spend[2] == pytest.approx(2.0, rel=0.02)


def test_free_spend_is_proportional_to_the_shares() -> None:
    spend = capped_spend(np.array([0.5, 0.3, 0.2]), 1_000_001, np.zeros(3, int), np.full(3, 10**9))
    assert spend.sum() == 1_000_001
    assert spend / spend.sum() == pytest.approx([0.5, 0.3, 0.2], abs=1e-5)


def test_bounds_that_forbid_the_budget_are_kept() -> None:
    shares = np.array([0.5, 0.5])
    assert capped_spend(shares, 100, np.array([80, 80]), np.array([90, 90])).tolist() == [80, 80]
    assert capped_spend(shares, 900, np.array([0, 0]), np.array([90, 90])).tolist() == [90, 90]


def test_an_arm_whose_cost_can_not_be_held_to_the_cap_is_told() -> None:
    assert within_cost(np.array([0.1, 0.04]), 20.0).tolist() == [True, False]
    assert within_cost(np.array([0.1, 0.04]), None).tolist() == [True, True]


def test_delays_are_estimated_from_days_that_are_too_young_to_have_shown_the_long_ones() -> None:
    rng = np.random.default_rng(3)
    chances = 0.85 ** np.arange(MAX_DELAY + 1)
    chances /= chances.sum()
    ages = np.arange(40)[::-1]
    arrived = rng.multinomial(200, chances, size=40) * (np.arange(MAX_DELAY + 1) <= ages[:, None])
    within = delay_distribution(ages, arrived.astype(float))
    assert within == pytest.approx(chances.cumsum(), abs=0.02)
    naive = arrived.sum(axis=0).cumsum() / arrived.sum()
    assert np.abs(naive - chances.cumsum()).max() > 0.04


def test_no_conversion_yet_says_that_all_come_at_once_or_late_but_gives_no_nonsense() -> None:
    within = delay_distribution(np.arange(5), np.zeros((5, MAX_DELAY + 1)))
    assert within[-1] == 1
    assert (np.diff(within) >= 0).all()
    assert (within > 0).all()


def test_a_young_day_is_not_read_as_a_failure() -> None:
    """Half of the conversions have come: half of the trials count."""
    rates = np.full((30, 2), 0.05)
    full = cohorts(rates, 30)
    mature = np.where(np.arange(30) < 20, 1.0, 0.5)
    late = Cohorts(full.trials, full.successes * mature[:, None], mature)
    beliefs = beliefs_of(late)
    mean = beliefs.successes / (beliefs.successes + beliefs.failures)
    assert mean == pytest.approx([0.05, 0.05], rel=0.05)
    naive = beliefs_of(Cohorts(full.trials, late.successes, np.ones(30)))
    assert (naive.successes / (naive.successes + naive.failures) < 0.045).all()


def test_a_late_conversion_is_credited_to_its_day_and_adds_no_trial() -> None:
    before = cohorts(np.full((20, 2), 0.05), 20)
    later = before.successes.copy()
    later[18, 0] += 3
    after = Cohorts(before.trials, later, before.maturity)
    one, other = beliefs_of(before), beliefs_of(after)
    assert other.successes[0] > one.successes[0]
    assert after.trials.sum() == before.trials.sum()


def test_a_worn_out_arm_is_believed_to_be_what_it_is_today() -> None:
    days = np.arange(60)[:, None]
    rates = np.hstack([0.08 * (0.3 + 0.7 * 0.5 ** (days / 8.0)), np.full((60, 1), 0.035)])
    beliefs = beliefs_of(cohorts(rates, 60))
    mean = beliefs.successes / (beliefs.successes + beliefs.failures)
    assert mean == pytest.approx(rates[-1], rel=0.15)
    assert rates[:, 0].mean() > 0.035, "its mean over all days would win"
    assert beliefs.freshness[0] < 0.5 < beliefs.freshness[1]
    assert thompson(("worn", "steady"), beliefs, 1).best[1] > 0.9


def test_a_new_arm_is_believed_to_be_an_ordinary_one_and_little_is_known_of_it() -> None:
    full = cohorts(np.full((30, 3), 0.05), 30)
    trials, won = full.trials.copy(), full.successes.copy()
    trials[:, 2] = won[:, 2] = 0
    beliefs = beliefs_of(Cohorts(trials, won, full.maturity))
    mean = beliefs.successes / (beliefs.successes + beliefs.failures)
    assert mean[2] == pytest.approx(0.05, rel=0.3)
    assert beliefs.successes[2] < 10 < beliefs.successes[0]
    assert beliefs.of(np.array([2])).successes.tolist() == [beliefs.successes[2]]


def test_the_share_of_a_days_conversions_to_expect_grows_with_its_age() -> None:
    within = np.linspace(0.2, 1, MAX_DELAY + 1)
    ages = np.array([0, 7, 14, 60])
    assert maturity(ages, within).tolist() == [within[0], within[7], 1.0, 1.0]
